"""Rules of calculation: a step at a declared date is told, one without a date warns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dq import store
from dq.base.errors import ConfigError
from dq.base.model import CheckResult, Json, Kind, Outcome, Verdict, Window
from dq.declare import project as projects
from dq.run.rules import Version, in_force, judge, silent, steps, versions

ROOT = Path(__file__).resolve().parents[2]
OLD: Mapping[str, Json] = {
    "version": "2024.1",
    "effective_from": "2024-01-01",
    "reason": "the first",
    "drivers": {"payroll": "seats"},
}
NEW: Mapping[str, Json] = {
    "version": "2026.1",
    "effective_from": "2026-10-15",
    "reason": "decided by Finance",
    "drivers": {"payroll": "equal"},
}
OCTOBER = Window(
    period="2026-10",
    start=date(2026, 10, 1),
    end=date(2026, 10, 31),
    data_through=date(2026, 10, 31),
    as_of=datetime(2026, 11, 5, tzinfo=UTC),
    kind=Kind.FINAL,
)


def declared(*rules: Mapping[str, Json]) -> list[Version]:
    return versions({"allocation": list(rules)}, "allocation")


def entry(period: str, through: date, *used: Version) -> store.PeriodEntry:
    """A published period that was computed by these versions."""
    return store.PeriodEntry(
        period=period,
        run="r",
        version=1,
        fingerprint="f",
        seal="s",
        schema_json="{}",
        kind=Kind.FINAL,
        data_through=through,
        verdict=Verdict.PUBLISH,
        files=(),
        measures={
            store.measured(period[:7], "revenue_row_count"): "12",
            **{store.measured(period[:7], f"rules.{one.rule}.{one.version}"): one.hash for one in used},
        },
    )


SEPTEMBER = entry("2026-09-30", date(2026, 9, 30), *declared(OLD))


@pytest.mark.parametrize(
    ("first", "last", "found"),
    [
        (date(2026, 10, 1), date(2026, 10, 14), ["2024.1"]),
        (date(2026, 10, 14), date(2026, 10, 15), ["2024.1", "2026.1"]),
        (date(2026, 10, 15), date(2026, 10, 31), ["2026.1"]),
        (date(2023, 12, 1), date(2023, 12, 31), []),
        (date(2023, 12, 1), date(2024, 1, 1), ["2024.1"]),
    ],
)
def test_a_version_is_in_force_from_its_day_until_the_day_before_the_next(
    first: date, last: date, found: list[str]
) -> None:
    assert [one.version for one in in_force(declared(NEW, OLD), first, last)] == found


def test_a_step_is_told_with_version_date_and_reason() -> None:
    assert steps(declared(OLD, NEW), date(2026, 10, 1), OCTOBER) == [
        "allocation 2026.1 is in force from 2026-10-15, 2024.1 before: decided by Finance"
    ]
    assert steps(declared(OLD), date(2026, 10, 1), OCTOBER) == []
    november = replace(OCTOBER, period="2026-11", start=date(2026, 11, 1), end=date(2026, 11, 30))
    assert steps(declared(OLD, NEW), date(2026, 11, 1), replace(november, data_through=date(2026, 11, 9))) == []
    assert len(steps(declared(OLD, NEW), date(2026, 10, 1), replace(november, data_through=date(2026, 11, 9)))) == 1


def test_a_rule_that_begins_after_the_first_day_computed_holds_with_what_to_declare(
    project_copy: Callable[[], Path],
) -> None:
    home = project_copy()
    file = home / "jobs" / "rules.yml"
    table: Any = SimpleNamespace(current=lambda: None, known=lambda *_: {})

    def cover(begins: str, window: Window = OCTOBER) -> CheckResult:
        text = (ROOT / "jobs" / "rules.yml").read_text(encoding="utf-8")
        file.write_text(text.replace('"2024-01-01"', f'"{begins}"'), encoding="utf-8")
        project = projects.load(home)
        judged = judge(project, project.pipeline("profit_unit"), window, table)
        return next(one for one in judged if one.check == "profit_unit.rules.cover")

    held = cover("2026-10-15")
    assert held.blocks
    assert held.observed == (
        "the rule allocation begins on 2026-10-15 (2024.1), yet days from 2026-10-01 on are computed; declare in "
        "jobs/rules.yml by which version they are, or begin with a later month"
    )
    assert (held.failure_class, held.runbook) == ("F25", "profit_unit/a-rule-of-calculation-changed.md")
    assert cover("2026-10-01").outcome is Outcome.PASSED
    last = replace(OCTOBER, period="2026-10-31", start=OCTOBER.end)
    assert cover("2026-10-15", last).blocks, "the month so far begins before it"


def test_a_new_version_from_a_later_day_leaves_what_is_published_alone() -> None:
    assert silent("allocation", declared(OLD, NEW), SEPTEMBER) == []


def test_mending_the_reason_changes_nothing() -> None:
    assert silent("allocation", declared({**OLD, "reason": "written down"}), SEPTEMBER) == []


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (
            [{**OLD, "drivers": {"payroll": "equal"}}],
            "allocation 2024.1 was edited after 2026-09-30 was published by it: a step without an effective date",
        ),
        ([{**OLD, "effective_from": "2024-02-01"}], "allocation 2024.1 was edited"),
        ([{**OLD, "version": "2024.2"}], "allocation 2024.1, by which 2026-09-30 was published, is no longer declared"),
        (
            [OLD, {**NEW, "effective_from": "2026-09-15"}],
            "allocation 2026.1 is in force from 2026-09-15, yet 2026-09-30 was published by 2024.1",
        ),
    ],
)
def test_a_step_without_a_date_is_found(rules: list[Mapping[str, Json]], said: str) -> None:
    found = silent("allocation", declared(*rules), SEPTEMBER)
    assert said in found[0]


def test_a_period_published_before_versions_were_recorded_says_nothing() -> None:
    assert silent("allocation", declared(NEW), entry("2026-09-30", date(2026, 9, 30))) == []


def test_a_rule_of_another_name_is_not_mixed_up_with_it() -> None:
    other = versions({"allocation.extra": [OLD]}, "allocation.extra")
    assert silent("tax", declared(OLD), entry("2026-09-30", date(2026, 9, 30), *other)) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('version: "2024.1"', "version: 2024.1", "a text of its own"),
        ('"2024-01-01"', '"2024-13-01"', "a day of its own"),
        ("allocation:", "sharing:", "has no list of versions under allocation"),
    ],
)
def test_rules_without_version_or_day_are_mistakes(project_copy, old: str, new: str, said: str) -> None:  # type: ignore[no-untyped-def]
    home: Path = project_copy()
    rules = home / "jobs" / "rules.yml"
    assert old in rules.read_text()
    rules.write_text(rules.read_text().replace(old, new))
    with pytest.raises(ConfigError, match=said):
        projects.load(home)
