"""``dq calendar``: every deadline of a month once, in order, with who owns it and who is on call then."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from runbook_samples import PAGE, ROSTER, page, roster

from dq.base.periods import Grain, days_of, last_day
from dq.people import load_roster
from dq.people.levels import deadline, end_of
from dq.runbooks import load_page
from dq.runbooks.agenda import Entry, agenda

ROOT = Path(__file__).resolve().parents[2]
OURS = load_roster(ROOT / "runbooks" / "roster.yml")
NEW_YORK = ZoneInfo("America/New_York")
own_page = cache(load_page)
LEVELS = PAGE[PAGE.index("levels:") : PAGE.index("escalation:")]


def month(folder: Path, text: str, grain: Grain, levels: str = "", table: str = ROSTER) -> list[Entry]:
    """The entries of a month such as 2026-11 for the sample page, with other levels where given."""
    head = PAGE.replace(LEVELS, f"levels:\n{levels}") if levels else PAGE
    if levels:
        head = head.replace("escalation:\n  - {to: lead, after: pre-validated, business_days: 1, at", RUNG)
    first = date.fromisoformat(f"{text}-01")
    return agenda(roster(folder, table), {"profit": page(head).front}, {"profit": grain}, first, last_day(first))


RUNG = "escalation:\n  - {to: lead, after: x, business_days: 1, at"


def lines(entries: list[Entry], *kinds: str) -> list[str]:
    found = []
    for entry in entries:
        if entry.kind in kinds:
            local = entry.moment.astimezone(NEW_YORK) if isinstance(entry.moment, datetime) else entry.moment
            clock = entry.clock(NEW_YORK)
            found.append(" ".join(f"{local:%m-%d} {clock} {entry.what} {entry.about} {entry.on_call}".split()))
    return found


def test_the_month_holds_its_deadlines_its_ladder_handovers_reviews_and_holidays(tmp_path: Path) -> None:
    found = month(tmp_path, "2026-11", Grain.MONTH)
    assert lines(found, "deadline") == ["11-25 pre-validation 2026-11 Laura", "11-30 fixed by 2026-11 Jane"]
    assert lines(found, "escalation") == ["11-27 09:00 to the Lead, where still red ('pre-validation') 2026-11 Laura"]
    assert lines(found, "holiday") == ["11-11 Veterans Day", "11-26 Thanksgiving Day"]
    assert lines(found, "handover")[-2:] == [
        "11-23 09:00 handover from Anna to Laura Laura",
        "11-30 09:00 handover from Laura to Jane Jane",
    ]
    assert [line[:11] for line in lines(found, "review")] == [
        "11-04 10:00",
        "11-12 10:00",
        "11-18 10:00",
        "11-25 10:00",
    ]
    instants = [end_of(entry.moment, NEW_YORK) for entry in found]
    assert instants == sorted(instants)


def test_a_deadline_of_the_month_before_stands_in_the_month_it_falls_in(tmp_path: Path) -> None:
    final = "  - {id: x, label: final by, kind: next_month_business_day, nth: 3}\n"
    assert lines(month(tmp_path, "2026-11", Grain.MONTH, final), "deadline") == ["11-04 final by 2026-10 Jane"]
    assert lines(month(tmp_path, "2027-01", Grain.MONTH, final), "deadline") == ["01-06 final by 2026-12 Danny"]


@pytest.mark.parametrize(
    ("grain", "level", "count", "expected"),
    [
        (
            Grain.DAY,
            "{id: x, label: weekly by, kind: weekday, weekday: friday, at: '17:00', on_holiday: previous}",
            4,
            [
                "11-06 17:00 weekly by 2026-10-30 to 2026-11-05 Jane",
                "11-13 17:00 weekly by 2026-11-06 to 2026-11-12 Danny",
            ],
        ),
        (
            Grain.WEEK,
            "{id: x, label: there by, kind: hours_after, hours: 48}",
            4,
            ["11-03 19:00 there by 2026-W44 Jane", "11-10 19:00 there by 2026-W45 Danny"],
        ),
        (
            Grain.FORTNIGHT,
            "{id: x, label: ready by, kind: business_day_after, nth: 1, at: '09:00'}",
            2,
            ["11-10 09:00 ready by 2026-10-26 Danny", "11-24 09:00 ready by 2026-11-09 Laura"],
        ),
        (
            Grain.WEEK,
            "{id: x, label: page by, kind: fortnight, weekday: tuesday, at: '12:00', on_holiday: next}",
            2,
            ["11-10 12:00 page by 2026-W44 to 2026-W45 Danny", "11-24 12:00 page by 2026-W46 to 2026-W47 Laura"],
        ),
        (Grain.MONTH, "{id: x, label: solved by, kind: within, days: 7}", 0, []),
    ],
)
def test_levels_of_every_grain_are_listed_once(
    tmp_path: Path, grain: Grain, level: str, count: int, expected: list[str]
) -> None:
    found = lines(month(tmp_path, "2026-11", grain, f"  - {level}\n".replace("'", '"')), "deadline")
    assert found[: len(expected)] == expected
    assert len(found) == count


def test_daily_levels_are_one_entry_a_day(tmp_path: Path) -> None:
    ready = '  - {id: x, label: ready by, kind: ready_by, at: "03:00"}\n'
    silent = "  - {id: y, label: silent, kind: age, warn_hours: 24, alarm_hours: 48}\n"
    found = [entry for entry in month(tmp_path, "2026-11", Grain.DAY, ready + silent) if entry.kind == "deadline"]
    assert all(entry.daily for entry in found)
    by_label = {what: [e.moment for e in found if e.what == what] for what in {e.what for e in found}}
    assert sorted(by_label) == ["ready by", "silent: alarm from", "silent: warning from"]
    start = datetime(2026, 11, 2, 3, tzinfo=UTC)  # 22:00 on the first
    assert by_label["ready by"] == [start + timedelta(days=n) for n in range(30)]
    assert {entry.periods for entry in found if entry.moment == start} == {("2026-11-01",)}


@pytest.mark.long
@pytest.mark.parametrize("year", [2024, 2026, 2028])
def test_every_month_of_a_year_holds_each_monthly_deadline_once(tmp_path: Path, year: int) -> None:
    whole = []
    for number in range(1, 13):
        whole += [
            e for e in month(tmp_path, f"{year}-{number:02}", Grain.MONTH) if e.kind in ("deadline", "escalation")
        ]
    for what in {entry.what for entry in whole}:
        periods = [period for entry in whole if entry.what == what for period in entry.periods]
        assert len(periods) == len(set(periods))
        assert {f"{year}-{number:02}" for number in range(2, 12)} <= {*periods}


def test_what_pipelines_have_in_common_stands_there_once(tmp_path: Path) -> None:
    one, other = page(PAGE).front, page(PAGE.replace("pipeline: profit", "pipeline: growth"), "growth.md").front
    first = date(2026, 11, 1)
    grains = {"profit": Grain.MONTH, "growth": Grain.MONTH, "steps": Grain.DAY}
    found = agenda(roster(tmp_path), {"profit": one, "steps": one, "growth": other}, grains, first, last_day(first))
    assert {entry.pipelines for entry in found if entry.kind in ("deadline", "review")} == {("profit", "growth")}


@pytest.mark.parametrize(
    ("page", "level", "period", "failed", "expected"),
    [
        ("profit_unit", "ready", "2026-11-10", "2026-11-11 04:00", "2026-11-11 03:00"),
        ("profit_unit", "month-complete", "2026-11", "2026-12-01 04:00", "2026-12-03"),
        ("profit_unit", "source-silent", "2026-11-10", "2026-11-11 04:00", "2026-11-13 00:00"),
        ("profit_unit", "source-solved", "2026-11-10", "2026-11-11 12:00", "2026-11-18"),
        ("growth_daily", "ready", "2026-11-10", "2026-11-11 04:00", "2026-11-11 04:00"),
        ("growth_daily", "weekly", "2026-11-10", "2026-11-11 04:00", "2026-11-13 22:00"),
        ("growth_daily", "weekly-correct", "2026-11-10", "2026-11-11 04:00", "2026-11-13 22:00"),
        ("growth_daily", "run-fixed", "2026-11-10", "2026-11-11 04:00", "2026-11-12 00:00"),
        ("growth_daily", "source-silent", "2026-11-10", "2026-11-11 04:00", "2026-11-13 00:00"),
        ("growth_daily", "source-solved", "2026-11-10", "2026-11-11 12:00", "2026-11-18"),
        ("engagement_daily", "ready", "2026-11-10", "2026-11-11 05:00", "2026-11-11 05:00"),
        ("engagement_daily", "available", "2026-11-10", "2026-11-11 05:00", "2026-11-13 00:00"),
        ("engagement_daily", "rerun", "2026-11-10", "2026-11-11 05:00", "2026-11-12 00:00"),
        ("engagement_daily", "solved", "2026-11-10", "2026-11-11 12:00", "2026-11-18"),
        ("investor_profit", "pre-validated", "2026-10", "2026-10-20 06:00", "2026-10-23"),  # the 25th is a Sunday
        ("investor_growth", "fixed", "2026-10", "2026-10-20 06:00", "2026-10-30"),
        ("investor_engagement", "preliminary", "2026-10", "2026-10-20 06:00", "2026-10-31"),
        ("investor_profit", "final", "2026-10", "2026-10-20 06:00", "2026-11-04"),
        ("investor_profit", "upstream", "2026-10", "2026-10-20 06:00", "2026-10-22 00:00"),
        ("executive_report", "ready", "2026-11-09", "2026-11-23 06:00", "2026-11-24 14:00"),
        ("executive_report", "fixed", "2026-11-09", "2026-11-23 06:00", "2026-11-30"),
        ("experiments_weekly", "available", "2026-W46", "2026-11-16 06:00", "2026-11-18 00:00"),
        ("experiments_weekly", "solved", "2026-W46", "2026-11-16 06:00", "2026-11-20 22:00"),
    ],
)
def test_our_pages_hold_the_levels_the_company_agreed_on(
    page: str, level: str, period: str, failed: str, expected: str
) -> None:
    front = own_page(ROOT / "runbooks" / page).front
    grain = Grain.FORTNIGHT if page == "executive_report" else None
    found = deadline(
        next(one for one in front.levels if one.id == level),
        roster=OURS,
        days=days_of(period, grain),
        first_failed=datetime.fromisoformat(failed).replace(tzinfo=UTC),
    )
    assert f"{found:%Y-%m-%d %H:%M}" == (expected if ":" in expected else f"{expected} 00:00")
