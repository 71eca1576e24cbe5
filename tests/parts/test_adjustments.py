"""A company's own thresholds, in place of the suites' with their reason; every mistake in them is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from dq.base.errors import ConfigError
from dq.base.model import Outcome
from dq.base.periods import window
from dq.declare import project as projects
from dq.declare.overrides import closed_throughout
from dq.run.inputs import closed_for
from dq.run.judging import of_nothing
from dq.run.staging import may_be_empty

ROOT = Path(__file__).resolve().parents[2]
HEARD = "ticket_platform_is_heard_at_close"


def thresholds(home: Path, text: str) -> Path:
    """A sources file of the copied project with these thresholds at its end."""
    file = home / "jobs" / "sources.yml"
    file.write_text(file.read_text(encoding="utf-8") + f"thresholds:\n{text}", encoding="utf-8")
    return file


def mistakes(home: Path, text: str) -> list[str]:
    thresholds(home, text)
    with pytest.raises(ConfigError) as caught:
        projects.load(home)
    return [str(one) for one in caught.value.findings]


def test_the_outside_company_has_its_own_threshold_and_nobody_else_has() -> None:
    ours, theirs = (
        next(check for check in projects.load(ROOT, file).bound["growth_daily"].all_checks if check.check == HEARD)
        for file in (None, ROOT / "jobs" / "ravenstack.yml")
    )
    assert (ours.kwargs, theirs.kwargs) == ({"column": "opened_date"}, {"column": "opened_date", "max_missing": 7})
    assert theirs.notes == "As for the warning."
    assert (theirs.severity, theirs.runbook) == (ours.severity, ours.runbook)


def test_a_check_of_feeds_that_say_how_often_they_report_names_their_day(project_copy: Callable[[], Path]) -> None:
    home = project_copy()
    suite = home / "expectations" / "growth_daily" / "campaigns.yml"
    text = suite.read_text(encoding="utf-8")
    suite.write_text(text.replace("[kind, channel], day: day}", "[kind, channel]}"), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        projects.load(home)
    (found,) = map(str, caught.value.findings)
    assert found.startswith("expectations/growth_daily/campaigns.yml:")
    assert "name the `day` by which feeds of campaigns are judged: they say every_days" in found


def test_a_threshold_counts_in_every_suite_that_holds_the_check_and_changes_the_run_key(
    project_copy: Callable[[], Path],
) -> None:
    home = project_copy()
    before = projects.load(home)
    thresholds(home, "  revenue_is_fresh: {kwargs: {max_age_hours: 30}, reason: billing closes at six}\n")
    after = projects.load(home)
    for name in ("profit_unit", "growth_daily"):
        (check,) = (one for one in after.bound[name].checks["revenue"] if one.check == "revenue_is_fresh")
        assert (check.kwargs["max_age_hours"], check.notes) == (30, "billing closes at six")
        assert before.bound[name].hash != after.bound[name].hash


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "  ticket_platform_is_herd: {kwargs: {max_missing: 7}, reason: few}\n",
            "ticket_platform_is_herd: there is no such check; did you mean ticket_platform_is_heard?",
        ),
        (
            f"  {HEARD}: {{kwargs: {{column: resolved_at}}, reason: few}}\n",
            f"thresholds.{HEARD}.kwargs.column: is not a threshold of expect_days_to_be_complete",
        ),
        (f"  {HEARD}: {{kwargs: {{max_missing: -1}}, reason: few}}\n", "-1 is not a whole number, not negative"),
        (f"  {HEARD}: {{kwargs: {{max_missing: 7}}, reason: ' '}}\n", "reason: say why it is different here"),
        (
            "  revenue_amount_in_range: {kwargs: {max_value: -20000000}, reason: few}\n",
            "min_value -10000000 is above max_value -20000000",
        ),
    ],
)
def test_a_mistake_in_a_threshold_is_told_at_its_line(project_copy: Callable[[], Path], text: str, said: str) -> None:
    found = mistakes(project_copy(), text)
    assert len(found) == 1
    assert said in found[0]
    assert found[0].startswith("jobs/sources.yml:2")


CLOSED = "closed: {weekdays: [saturday], days: ['2026-12-25'], reason: the company is closed}\n"


def test_the_days_on_which_a_company_is_closed_are_expected_by_no_check_of_days(
    project_copy: Callable[[], Path],
) -> None:
    home = project_copy()
    file = home / "jobs" / "sources.yml"
    file.write_text(file.read_text(encoding="utf-8") + CLOSED, encoding="utf-8")
    bound = projects.load(home).bound
    kinds = {"expect_days_to_be_complete", "expect_partition_to_be_fresh", "expect_feeds_to_be_present"}
    found = [check for one in bound.values() for check in one.all_checks if check.type in kinds]
    assert {check.type for check in found} == kinds
    assert {(*check.kwargs["except_weekdays"], *check.kwargs["except_days"]) for check in found} == {  # type: ignore[misc]
        ("saturday", "2026-12-25")
    }
    assert all(check.notes.endswith("Closed: the company is closed") for check in found)
    days = {period: may_be_empty(bound["user_days"], period) for period in ("2026-12-24", "2026-12-25", "2026-12-26")}
    assert days == {"2026-12-24": False, "2026-12-25": True, "2026-12-26": True}
    assert not may_be_empty(bound["investor_profit"], "2026-12")
    assert not any(may_be_empty(projects.load(ROOT).bound["user_days"], period) for period in days)


def test_nothing_is_expected_of_what_is_read_of_closed_days_alone(project_copy: Callable[[], Path]) -> None:
    home = project_copy()
    file = home / "jobs" / "sources.yml"
    file.write_text(file.read_text(encoding="utf-8") + CLOSED, encoding="utf-8")
    bound = projects.load(home).bound["user_days"]
    friday, saturday, sunday = date(2026, 12, 25), date(2026, 12, 26), date(2026, 12, 27)
    why = "the company is closed on every day: the company is closed"
    assert closed_throughout(bound.sources, friday, saturday) == why
    assert closed_throughout(bound.sources, saturday, sunday) == ""
    assert closed_throughout(projects.load(ROOT).bound["user_days"].sources, friday, saturday) == ""
    # 1 August 2026 is a Saturday: of the month so far there is nothing, but accounts are all that there ever were.
    first = window("2026-08", datetime(2026, 8, 2, tzinfo=UTC), None, ledger_absent=False)
    assert (first.start, first.data_through) == (date(2026, 8, 1), date(2026, 8, 1))
    assert {name: bool(closed_for(bound.sources, name, first)) for name in ("clicks", "accounts")} == {
        "clicks": True,
        "accounts": False,
    }
    second = window("2026-08", datetime(2026, 8, 3, tzinfo=UTC), None, ledger_absent=False)
    assert closed_for(bound.sources, "clicks", second) == ""
    found = of_nothing(bound, "clicks", "no files", closed_for(bound.sources, "clicks", first))
    assert {(one.outcome, one.reason) for one in found} == {(Outcome.NOT_RUN, f"no row, which is allowed: {why}")}
    assert Outcome.ERRORED in {one.outcome for one in of_nothing(bound, "clicks", "no files")}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("closed: {weekdays: [saturn], reason: x}\n", "closed.weekdays[0]"),
        ("closed: {days: ['2026-02-30'], reason: x}\n", "2026-02-30 is not a day of the calendar"),
        ("closed: {weekdays: [saturday]}\n", "closed.reason"),
    ],
)
def test_closed_days_that_are_none_are_told(project_copy: Callable[[], Path], text: str, said: str) -> None:
    home = project_copy()
    file = home / "jobs" / "sources.yml"
    file.write_text(file.read_text(encoding="utf-8") + text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        projects.load(home)
    assert said in " ".join(map(str, caught.value.findings))
