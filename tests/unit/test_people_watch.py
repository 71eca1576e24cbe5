"""Watch hours: what may be told now, what waits until when, and which teams are copied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import holidays
import pytest
from runbook_samples import ROSTER, roster

from dq.base.errors import ConfigError, DqError
from dq.base.model import Severity
from dq.people import Call, Roster, call, lint_watch, load_roster

ROOT = Path(__file__).resolve().parents[2]
NEW_YORK = ZoneInfo("America/New_York")
OURS = load_roster(ROOT / "runbooks" / "roster.yml")
DE, BI, FINANCE = "Data Engineering", "Business Analytics Team", "Finance and Risk Teams"
HOUR = timedelta(hours=1)


def ask(pipeline: str, text: str, severity: str = "critical", failure_class: str = "", table: Roster = OURS) -> Call:
    instant = datetime.fromisoformat(text).replace(tzinfo=table.zone)
    return call(table, pipeline, instant, severity=Severity(severity), failure_class=failure_class)


def opens(found: Call, table: Roster = OURS) -> str:
    return "now" if found.now else f"{found.at.astimezone(table.zone):%a %d %H:%M}"


@pytest.mark.parametrize(
    ("pipeline", "instant", "expected", "teams"),
    [
        # The last week of November 2026 is Tuesday 24 to Monday 30; Thanksgiving is Thursday 26.
        ("investor_profit", "2026-11-23 08:59", "Mon 23 09:00", (DE,)),
        ("investor_profit", "2026-11-23 16:59", "now", (DE,)),
        ("investor_profit", "2026-11-23 17:00", "Tue 24 08:00", (DE, BI, FINANCE)),
        ("investor_profit", "2026-11-26 08:00", "now", (DE, BI, FINANCE)),
        ("investor_profit", "2026-11-28 17:59", "now", (DE, BI, FINANCE)),
        ("investor_profit", "2026-11-28 18:00", "Sun 29 08:00", (DE, BI, FINANCE)),
        ("executive_report", "2026-11-30 18:00", "Tue 01 09:00", (DE,)),
        ("growth_daily", "2026-11-21 10:00", "now", (DE,)),
        ("growth_daily", "2026-11-20 10:00", "now", ("Accounts Team", DE)),
        ("growth_daily", "2026-11-20 17:00", "Sat 21 09:00", (DE,)),
        ("engagement_daily", "2026-11-26 09:00", "now", ("Software Frontend Team", DE)),
        ("engagement_daily", "2026-11-25 09:00", "now", (DE,)),
        ("experiments_weekly", "2026-11-25 17:00", "Fri 27 09:00", ("Data Science Team", DE)),
    ],
)
def test_a_critical_failure_waits_for_the_next_watch_of_its_pipeline(
    pipeline: str, instant: str, expected: str, teams: tuple[str, ...]
) -> None:
    found = ask(pipeline, instant)
    assert (opens(found), found.watching) == (expected, teams)


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        ("2026-11-25 03:00", "Wed 25 09:00"),  # the watch opens at 08:00, working hours at 09:00
        ("2026-11-25 16:59", "now"),
        ("2026-11-25 17:00", "Fri 27 09:00"),  # over Thanksgiving, watched or not
        ("2026-12-24 10:00", "Mon 28 09:00"),  # a company day and Christmas
    ],
)
def test_a_warning_waits_for_working_hours(instant: str, expected: str) -> None:
    assert opens(ask("investor_profit", instant, "warning")) == expected
    assert opens(ask("growth_daily", instant, "info")) == expected


def test_what_the_roster_names_goes_at_once_at_night_and_copies_nobody_who_is_asleep() -> None:
    found = ask("profit_unit", "2026-11-22 03:00")
    assert (found.now, found.watching, found.why) == (True, (), "at once: a critical failure hits investor figures")
    assert ask("profit_unit", "2026-11-22 09:00").watching == (DE,)
    assert opens(ask("profit_unit", "2026-11-22 03:00", "warning")) == "Mon 23 09:00"


def test_at_once_may_be_kept_to_some_classes_and_holds_for_graver_failures_too(tmp_path: Path) -> None:
    rule = "    at_once: [{severity: warning, classes: [F04], because: the source is silent}]\n"
    table = roster(tmp_path, ROSTER + rule)
    night = "2026-11-24 03:00"
    assert ask("profit", night, "warning", "F04", table).why == "at once: the source is silent"
    assert ask("profit", night, "critical", "F04", table).now
    assert not ask("profit", night, "info", "F04", table).now
    assert not ask("profit", night, "critical", "F11", table).now


@pytest.mark.parametrize(
    ("instant", "why"),
    [
        ("2026-11-24 12:00", "watch of Data Engineering (last week of the month, daily 08:00-18:00)"),
        ("2026-11-20 12:00", "watch of Data Engineering (before the last week of the month, weekdays 09:00-17:00)"),
        ("2026-11-24 20:00", "next watch: watch of Data Engineering (last week of the month, daily"),
    ],
)
def test_the_reason_is_a_sentence(instant: str, why: str) -> None:
    assert ask("investor_growth", instant).why.startswith(why)


def test_what_waits_waits_for_an_instant_at_which_it_may_go() -> None:
    for pipeline in ("growth_daily", "investor_profit", "experiments_weekly"):
        for severity in Severity:
            found = call(OURS, pipeline, datetime(2026, 12, 24, 3, tzinfo=UTC), severity=severity)
            assert not found.now
            again = call(OURS, pipeline, found.at, severity=severity)
            assert (again.now, again.at, again.watching) == (True, found.at, found.watching)


def investor(wall: datetime, holiday: bool) -> bool:
    last = (wall.date().replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=7)
    if wall.date() >= last:
        return 8 <= wall.hour < 18
    return wall.weekday() < 5 and not holiday and 9 <= wall.hour < 17


def profit(wall: datetime, holiday: bool) -> bool:
    return 9 <= wall.hour < 15 if holiday or wall.weekday() > 4 else 8 <= wall.hour < 18


@pytest.mark.parametrize(("pipeline", "is_open"), [("investor_profit", investor), ("profit_unit", profit)])
@pytest.mark.parametrize("first", ["2026-10-28", "2026-03-02"])
def test_every_hour_around_a_clock_change_agrees_with_reading_the_clock(
    pipeline: str, is_open: Callable[[datetime, bool], bool], first: str
) -> None:
    table = quiet(OURS)
    closed = holidays.country_holidays("US", years=[2026])
    hours = [datetime.fromisoformat(first).replace(tzinfo=UTC) + n * HOUR for n in range(24 * 16)]
    walls = [hour.astimezone(NEW_YORK) for hour in hours]
    truth = [is_open(wall, wall.date() in closed) for wall in walls]
    for n, hour in enumerate(hours[: 24 * 12]):
        found = call(table, pipeline, hour)
        assert found.now == truth[n], walls[n]
        assert found.at == hours[n + truth[n:].index(True)], walls[n]


def quiet(table: Roster) -> Roster:
    """The roster with nothing told at once."""
    watch = [one.model_copy(update={"at_once": []}) for one in table.model.watch]
    return replace(table, model=table.model.model_copy(update={"watch": watch}))


NIGHT = '[weekdays], opens: "22:00", closes: "06:00"}'


def test_hours_that_close_on_the_next_day_are_open_past_midnight(tmp_path: Path) -> None:
    table = roster(tmp_path, ROSTER.replace('[weekdays], opens: "08:00", closes: "18:00"}', NIGHT))
    found = [
        opens(ask("profit", f"2026-11-{text}", table=table), table) for text in ("20 23:00", "21 05:59", "21 06:00")
    ]
    assert found == ["now", "now", "Mon 23 22:00"]


@pytest.mark.long
@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Amman", "America/Sao_Paulo", "Australia/Lord_Howe"])
def test_a_watch_round_the_clock_has_no_gap_where_the_clock_changes_at_midnight(tmp_path: Path, zone: str) -> None:
    text = ROSTER.replace("America/New_York", zone).replace("[weekdays]", "[weekdays, weekends, holidays]")
    table = roster(tmp_path, text.replace('opens: "08:00", closes: "18:00"', 'opens: "00:00", closes: "00:00"'))
    start = datetime(2018, 1, 1, tzinfo=UTC)
    assert all(call(table, "profit", start + n * HOUR * 3).now for n in range(366 * 8))


def test_where_no_watch_ever_opens_the_message_goes_at_once(tmp_path: Path) -> None:
    days = "".join(
        f"  - {{day: {datetime(2026, 11, 20) + timedelta(days=n):%Y-%m-%d}, name: shut}}\n" for n in range(400)
    )
    table = roster(tmp_path, f"{ROSTER}company_days:\n{days}")
    assert ask("profit", "2026-11-21 12:00", table=table).why == "at once: no watch opens within a year"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("{team: Data Engineering, days", "{team: Data Enginering, days", "watch[0].hours[0].team: no team 'Data Engi"),
        ("days: [weekdays]", "days: [mondays]", "watch[0].hours[0].days[0]: Input should be 'weekdays'"),
        ("days: [weekdays]", "days: []", "watch[0].hours[0].days: List should have at least 1 item"),
        ("days: [weekdays]", "days: [holidays]", "watch[0].hours: nobody watches on an ordinary day"),
        (
            "{team: Data Engineering, days",
            "{team: Data Engineering, role: support, days",
            "watch[0].hours: nobody watches",
        ),
        ('closes: "18:00"', 'closes: "25:00"', "watch[0].hours[0].closes: expected a time of day"),
        ('closes: "17:00"}', 'closes: "09:00"}', "working_hours.closes: the working hours end before they begin"),
        ("pipelines: [profit]", "pipelines: [profit, profit]", "pipelines[1]: the watch of profit appears here twice"),
        ("watch:\n", "watching:\n", "watch: this key is required"),
    ],
)
def test_mistakes_in_the_watch_are_told_with_line_and_key(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = ROSTER.replace(old, new)
    assert text != ROSTER
    with pytest.raises(ConfigError) as caught:
        roster(tmp_path, text)
    assert any(message in str(finding) for finding in caught.value.findings), str(caught.value)


@pytest.mark.parametrize(
    ("more", "overlaps"),
    [
        ('{team: Data Engineering, days: [weekdays, weekends], opens: "17:00", closes: "20:00"}', True),
        ('{team: Data Engineering, days: [weekdays], opens: "18:00", closes: "20:00"}', False),
        ('{team: Data Engineering, days: [weekends], opens: "08:00", closes: "18:00"}', False),
        ('{team: Business Analytics Team, days: [weekdays], opens: "08:00", closes: "18:00"}', False),
        ('{team: Data Engineering, days: [weekdays], opens: "06:00", closes: "06:00"}', True),
    ],
)
def test_hours_of_one_team_must_not_overlap(tmp_path: Path, more: str, overlaps: bool) -> None:
    text = f"{ROSTER}      - {more}\n"
    if not overlaps:
        assert len(roster(tmp_path, text).model.watch[0].hours) == 2
        return
    with pytest.raises(ConfigError, match=r"watch\[0\]\.hours\[1\]: overlaps with other hours of Data Engineering"):
        roster(tmp_path, text)


def test_a_pipeline_without_a_watch_and_a_watch_without_a_pipeline_are_told(tmp_path: Path) -> None:
    found = [str(finding) for finding in lint_watch(roster(tmp_path), ["profits", "growth"])]
    assert found == [
        "roster.yml:21: watch[0].pipelines[0]: there is no pipeline 'profit'; "
        "did you mean profits? Valid: growth, profits",
        "roster.yml:20: watch: nobody watches growth; add it to the pipelines of a watch",
        "roster.yml:20: watch: nobody watches profits; add it to the pipelines of a watch",
    ]
    with pytest.raises(DqError, match="nobody watches the pipeline 'growth'; valid: profit"):
        ask("growth", "2026-11-24 12:00", table=roster(tmp_path))


@pytest.mark.parametrize(
    ("hours", "investors", "gaps"),
    [
        (['{days: [weekdays], opens: "08:00", closes: "18:00"}'], [], []),
        (
            [
                '{days: [weekdays], opens: "10:00", closes: "12:00"}',
                '{days: [weekdays], opens: "13:30", closes: "16:00"}',
            ],
            [],
            ["nobody watches profit on weekdays 09:00-10:00, 12:00-13:30, 16:00-17:00, in working hours"],
        ),
        (
            ['{during: last_week, days: [weekdays, weekends, holidays], opens: "08:00", closes: "18:00"}'],
            ["profit"],
            ["nobody watches profit on weekdays before the last week of the month 09:00-17:00, in working hours"],
        ),
        (
            ['{days: [weekdays, weekends], opens: "08:00", closes: "18:00"}'],
            ["profit"],
            ["nobody watches profit on holidays in the last week of the month, when investors' figures are closed"],
        ),
        (
            [
                '{days: [weekdays], opens: "08:00", closes: "18:00"}',
                '{role: support, days: [weekends, holidays], opens: "08:00", closes: "18:00"}',
            ],
            ["profit"],
            [
                "nobody watches profit on weekends in the last week of the month, when investors' figures are closed",
                "nobody watches profit on holidays in the last week of the month, when investors' figures are closed",
            ],
        ),
        (['{days: [weekdays, weekends, holidays], opens: "16:00", closes: "12:00"}'], ["profit"], ["12:00-16:00"]),
        (['{days: [weekdays], opens: "22:00", closes: "12:00"}'], [], ["09:00-17:00"]),  # who watched on Sunday night?
    ],
)
def test_hours_in_which_nobody_watches_though_somebody_has_to_are_told(
    tmp_path: Path, hours: list[str], investors: list[str], gaps: list[str]
) -> None:
    listed = "".join(f"      - {one.replace('{', '{team: Data Engineering, ', 1)}\n" for one in hours)
    text = ROSTER[: ROSTER.index("      - {team: Data Engineering, days")] + listed
    found = [str(finding) for finding in lint_watch(roster(tmp_path, text), ["profit"], investors)]
    assert len(found) == len(gaps), found
    for line, gap in zip(found, gaps, strict=True):
        assert line.startswith("roster.yml:22: watch[0].hours: ")
        assert gap in line


def test_gaps_are_told_beside_what_makes_the_roster_unreadable(tmp_path: Path) -> None:
    text = ROSTER.replace('opens: "08:00"', 'opens: "11:00"').replace("country: US", "country: XX")
    with pytest.raises(ConfigError) as caught:
        roster(tmp_path, text)
    assert [str(finding).partition(": ")[2][:22] for finding in caught.value.findings] == [
        "country: no public hol",
        "watch[0].hours: nobody",
    ]


def test_a_naive_instant_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        call(OURS, "profit_unit", datetime(2026, 11, 20))
