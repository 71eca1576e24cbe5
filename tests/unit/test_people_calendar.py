"""Business days against brute force, and the deadlines that follow from them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import holidays
import pytest
from pydantic import TypeAdapter, ValidationError
from runbook_samples import ROSTER, roster

from dq.base.periods import days_of
from dq.people import BusinessCalendar, Escalation, Level, due
from dq.people.levels import deadline, escalates_at

MONTHS = [date(year, month, 1) for year in range(2000, 2101) for month in range(1, 13)]
ONE = timedelta(days=1)
LEVEL: TypeAdapter[Level] = TypeAdapter(Level)


def walk(day: date, step: int, closed: set[date]) -> date:
    """The day itself or the nearest one in a direction that is worked, day by day."""
    while day.weekday() >= 5 or day in closed:
        day += step * ONE
    return day


@pytest.mark.long
@pytest.mark.parametrize("country", ["US", "GB", "DE", "JP"])
def test_business_days_of_every_month_from_2000_to_2100_agree_with_counting(country: str) -> None:
    calendar = BusinessCalendar(country=country)
    closed = set(holidays.country_holidays(country, years=range(1999, 2103)))
    for first in MONTHS:
        worked = [
            d for n in range(31) if (d := first + n * ONE).weekday() < 5 and d not in closed and d.month == first.month
        ]
        assert calendar.nth_of_month(first, 3) == worked[2]
        assert calendar.after(worked[0], 1) == worked[1]
        assert calendar.before(worked[2], 2) == worked[0]
        day = first.replace(day=25)
        assert calendar.move(day, "previous") == walk(day, -1, closed)
        assert calendar.move(day, "next") == walk(day, 1, closed)
        assert calendar.move(day, "same") == day
        assert calendar.is_business_day(day) == (walk(day, 1, closed) == day)


@pytest.mark.parametrize(
    ("day", "after", "before"),
    [
        (date(2026, 11, 25), date(2026, 11, 27), date(2026, 11, 24)),  # Thanksgiving lies between
        (date(2026, 11, 26), date(2026, 11, 27), date(2026, 11, 25)),  # from a holiday
        (date(2026, 11, 28), date(2026, 11, 30), date(2026, 11, 27)),  # from a Saturday
        (date(2026, 12, 31), date(2027, 1, 4), date(2026, 12, 30)),  # over the new year
    ],
)
def test_counting_from_a_day_that_is_not_worked_starts_beside_it(day: date, after: date, before: date) -> None:
    calendar = BusinessCalendar(country="US")
    assert calendar.after(day, 1) == after
    assert calendar.before(day, 1) == before


def test_company_days_are_closed_and_worked_holidays_are_not() -> None:
    calendar = BusinessCalendar(
        country="US", company_days={date(2026, 11, 27): "Bridge day"}, worked_holidays=frozenset({"Columbus Day"})
    )
    assert not calendar.is_business_day(date(2026, 11, 27))
    assert calendar.is_business_day(date(2026, 10, 12))
    assert not calendar.is_business_day(date(2026, 11, 11))
    assert calendar.after(date(2026, 11, 25), 1) == date(2026, 11, 30)


def test_an_observed_holiday_that_is_worked_is_worked_on_the_day_it_is_observed() -> None:
    observed = date(2026, 7, 3)  # Independence Day 2026 is a Saturday
    assert not BusinessCalendar(country="US").is_business_day(observed)
    assert BusinessCalendar(country="US", worked_holidays={"Independence Day"}).is_business_day(observed)


def test_two_companies_of_one_country_do_not_share_their_days_off() -> None:
    day = date(2026, 11, 27)
    one = BusinessCalendar(country="US", company_days={day: "Bridge day"})
    other = BusinessCalendar(country="US")
    assert (one.move(day, "previous"), other.move(day, "previous")) == (date(2026, 11, 25), day)


PRE = {"id": "pre-validated", "label": "pre-validation", "kind": "day_of_month", "day": 25, "on_holiday": "previous"}
FIXED = {"id": "fixed", "label": "fixed by", "kind": "month_end", "on_holiday": "previous"}
REPORT = {"id": "report", "label": "report", "kind": "month_end", "on_holiday": "same", "card": False}
FINAL = {"id": "final", "label": "complete by", "kind": "next_month_business_day", "nth": 3}
READY = {"id": "ready", "label": "ready by", "kind": "ready_by", "at": "03:00"}
WEEK = {"id": "solved", "label": "solved by", "kind": "within", "days": 7, "classes": ["F04"]}
HOURS = {"id": "hours", "label": "told by", "kind": "within", "hours": 24}
AGE = {"id": "age", "label": "silent", "kind": "age", "warn_hours": 24, "alarm_hours": 48}
SECOND_FRIDAY = {
    "id": "page",
    "label": "page by",
    "kind": "fortnight",
    "weekday": "friday",
    "at": "17:00",
    "on_holiday": "previous",
}
TO_LEAD = {"to": "lead", "after": "pre-validated", "business_days": 1, "at": "09:00"}
TO_MANAGER = {"to": "owner_manager", "before": "fixed", "business_days": 1, "at": "09:00"}


def level(values: object) -> Level:
    return LEVEL.validate_python(values)


def told(
    folder: Path,
    levels: list[object],
    escalation: list[object],
    period: str,
    as_of: str,
    *,
    first_failed: str = "",
    failure_class: str = "",
    text: str = ROSTER,
) -> list[str]:
    def instant(value: str) -> datetime:
        return datetime.fromisoformat(value).replace(tzinfo=UTC)

    return due(
        [level(values) for values in levels],
        [Escalation.model_validate(values) for values in escalation],
        roster=roster(folder, text),
        owner="Business Analytics Team",
        days=days_of(period),
        as_of=instant(as_of),
        first_failed=instant(first_failed or as_of),
        failure_class=failure_class,
    )


def test_the_card_of_november_says_what_the_company_agreed_on(tmp_path: Path) -> None:
    assert told(tmp_path, [PRE, FIXED, REPORT], [TO_LEAD], "2026-11", "2026-11-25 05:00") == [
        "pre-validation Wed 25 Nov",
        "fixed by Mon 30 Nov",
        "to the Lead Fri 27 Nov 09:00",
    ]


def test_dates_on_a_weekend_move_to_the_business_day_before(tmp_path: Path) -> None:
    found = told(tmp_path, [PRE, FIXED, FINAL], [TO_LEAD, TO_MANAGER], "2026-10", "2026-10-20 05:00")
    assert found == [
        "pre-validation Fri 23 Oct",
        "fixed by Fri 30 Oct",
        "complete by Wed 4 Nov",
        "to the Lead Mon 26 Oct 09:00",
        "to the Business Analytics Team's manager Thu 29 Oct 09:00",
    ]


def test_the_year_is_said_only_where_it_is_another_one(tmp_path: Path) -> None:
    assert told(tmp_path, [FIXED, FINAL], [], "2026-12", "2026-12-20 05:00") == [
        "fixed by Thu 31 Dec",
        "complete by Wed 6 Jan 2027",
    ]


def test_a_failure_after_the_deadline_escalates_from_the_failure_on(tmp_path: Path) -> None:
    found = told(tmp_path, [PRE, FIXED], [TO_LEAD, TO_MANAGER], "2026-10", "2026-11-04 12:00")
    assert found == [
        "pre-validation Fri 23 Oct (past)",
        "fixed by Fri 30 Oct (past)",
        "to the Business Analytics Team's manager at once",
        "to the Lead Thu 5 Nov 09:00",
    ]


def test_what_has_gone_up_the_ladder_already_is_marked(tmp_path: Path) -> None:
    found = told(tmp_path, [PRE], [TO_LEAD], "2026-11", "2026-11-28 12:00", first_failed="2026-11-25 05:00")
    assert found == ["pre-validation Wed 25 Nov (past)", "to the Lead Fri 27 Nov 09:00 (past)"]


@pytest.mark.parametrize(
    ("as_of", "past"), [("2024-03-31 22:59:59", False), ("2024-03-31 23:00:00", False), ("2024-03-31 23:00:01", True)]
)
def test_a_day_ends_at_local_midnight_on_the_day_the_clock_changes(tmp_path: Path, as_of: str, past: bool) -> None:
    london = ROSTER.replace("America/New_York", "Europe/London").replace("country: US", "country: GB")
    same = {**FIXED, "on_holiday": "same"}
    suffix = " (past)" if past else ""
    assert told(tmp_path, [same], [], "2024-03", as_of, text=london) == [f"fixed by Sun 31 Mar{suffix}"]


def test_readiness_is_for_day_periods_only_and_stays_in_utc(tmp_path: Path) -> None:
    assert told(tmp_path, [READY], [], "2026-10-31", "2026-11-01 02:00") == ["ready by Sun 1 Nov 03:00 UTC"]
    assert told(tmp_path, [READY], [], "2026-10-31", "2026-11-01 03:01") == ["ready by Sun 1 Nov 03:00 UTC (past)"]
    assert told(tmp_path, [READY], [], "2026-10", "2026-11-01 02:00") == []


def test_a_report_is_due_a_business_day_after_it_is_made_and_data_some_hours_after_the_period(tmp_path: Path) -> None:
    report = {"id": "ready", "label": "ready by", "kind": "business_day_after", "nth": 1, "at": "09:00"}
    data = {"id": "there", "label": "available by", "kind": "hours_after", "hours": 48}
    # The week ends on Sunday 6 September 2026; Monday 7 is Labor Day, and the report made on it is due on Tuesday.
    assert told(tmp_path, [data, report], [], "2026-W36", "2026-09-07 10:00") == [
        "ready by Tue 8 Sep 09:00",
        "available by Tue 8 Sep 20:00",
    ]


def test_levels_and_rungs_apply_to_their_classes_only(tmp_path: Path) -> None:
    rungs: list[object] = [{"to": "lead", "hours": 24, "classes": ["F11"]}]
    assert told(tmp_path, [WEEK], rungs, "2026-11", "2026-11-03 12:00", failure_class="F04") == ["solved by Tue 10 Nov"]
    assert told(tmp_path, [WEEK], rungs, "2026-11", "2026-11-03 12:00", failure_class="F11") == [
        "to the Lead Wed 4 Nov 07:00"
    ]
    assert told(tmp_path, [WEEK], rungs, "2026-11", "2026-11-03 12:00", failure_class="F01") == []


def test_hours_are_elapsed_hours_and_days_are_days_when_the_clock_goes_back(tmp_path: Path) -> None:
    found = told(tmp_path, [HOURS, {**WEEK, "days": 1, "classes": []}], [], "2026-10", "2026-10-31 16:00")
    assert found == ["told by Sun 1 Nov 11:00", "solved by Sun 1 Nov"]


def test_of_two_rungs_to_the_same_person_the_earlier_stands_on_the_card(tmp_path: Path) -> None:
    rungs: list[object] = [TO_LEAD, {"to": "lead", "hours": 24}]
    assert told(tmp_path, [PRE], rungs, "2026-11", "2026-11-03 12:00")[1:] == ["to the Lead Wed 4 Nov 07:00"]


def _months() -> Iterator[str]:
    yield from (f"{first:%Y-%m}" for first in MONTHS)


@pytest.mark.long
@pytest.mark.parametrize("zone", ["America/New_York", "Europe/London"])
def test_the_deadlines_of_every_month_from_2000_to_2100_agree_with_counting(tmp_path: Path, zone: str) -> None:
    table = roster(tmp_path, ROSTER.replace("America/New_York", zone))
    closed = set(holidays.country_holidays("US", years=range(1999, 2103)))
    pre, fixed, report, final = (level(values) for values in (PRE, FIXED, REPORT, FINAL))
    lead, manager = (Escalation.model_validate(values) for values in (TO_LEAD, TO_MANAGER))
    for period in _months():
        first = date.fromisoformat(f"{period}-01")
        following = (first + 31 * ONE).replace(day=1)
        failed = datetime(first.year, first.month, 2, tzinfo=UTC)

        def at(each: Level, period: str = period, failed: datetime = failed) -> object:
            return deadline(each, roster=table, days=days_of(period), first_failed=failed)

        third = walk(walk(walk(following, 1, closed) + ONE, 1, closed) + ONE, 1, closed)
        end = walk(following - ONE, -1, closed)
        assert at(pre) == walk(first.replace(day=25), -1, closed)
        assert at(fixed) == end
        assert at(report) == following - ONE
        assert at(final) == third
        for rung, day in (
            (lead, walk(walk(first.replace(day=25), -1, closed) + ONE, 1, closed)),
            (manager, walk(end - ONE, -1, closed)),
        ):
            instant = escalates_at(rung, [pre, fixed], roster=table, days=days_of(period), first_failed=failed)
            assert instant is not None
            local = instant.astimezone(table.zone)
            assert (local.date(), local.hour, local.minute) == (day, 9, 0)


@pytest.mark.parametrize(
    "values",
    [
        {**PRE, "day": 29},
        {**PRE, "on_holiday": "nearest"},
        {key: value for key, value in PRE.items() if key != "on_holiday"},
        {**FINAL, "nth": 0},
        {**WEEK, "hours": 3},
        {"id": "x", "label": "x", "kind": "within"},
        {**READY, "at": "25:00"},
        {**READY, "day": 3},
        {**PRE, "classes": ["11"]},
        {**AGE, "alarm_hours": 24},
        {key: value for key, value in AGE.items() if key != "warn_hours"},
        {**SECOND_FRIDAY, "weekday": "saturday"},
        {**SECOND_FRIDAY, "at": "24:00"},
        {**HOURS, "on_holiday": "next"},
        {**HOURS, "hours": 0},
    ],
)
def test_an_impossible_level_is_refused(values: object) -> None:
    with pytest.raises(ValidationError):
        level(values)


@pytest.mark.parametrize(
    "values",
    [
        {"to": "lead"},
        {"to": "lead", "after": "a", "before": "b", "business_days": 1, "at": "09:00"},
        {"to": "lead", "after": "a", "business_days": 1},
        {"to": "lead", "after": "a", "hours": 3, "business_days": 1, "at": "09:00"},
        {"to": "lead", "hours": 3, "at": "09:00"},
        {"to": "boss", "hours": 3},
    ],
)
def test_an_impossible_rung_is_refused(values: object) -> None:
    with pytest.raises(ValidationError):
        Escalation.model_validate(values)


FRIDAY = {
    "id": "week",
    "label": "week by",
    "kind": "weekday",
    "weekday": "friday",
    "at": "17:00",
    "on_holiday": "previous",
}


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        ("2026-10-05", datetime(2026, 10, 9, 21, tzinfo=UTC)),  # a Monday, 17:00 in New York in summer
        ("2026-10-08", datetime(2026, 10, 9, 21, tzinfo=UTC)),
        ("2026-10-09", datetime(2026, 10, 16, 21, tzinfo=UTC)),  # the Friday itself is not over at 17:00
        ("2026-10-10", datetime(2026, 10, 16, 21, tzinfo=UTC)),  # a Saturday belongs to the week that follows
        ("2026-10", datetime(2026, 10, 9, 21, tzinfo=UTC)),  # as far as the month had come when it failed
        ("2026-09", datetime(2026, 10, 2, 21, tzinfo=UTC)),
        ("2026-10-30", datetime(2026, 11, 6, 22, tzinfo=UTC)),  # after the change of the clocks
        ("2026-12-21", datetime(2026, 12, 24, 22, tzinfo=UTC)),  # Christmas is on that Friday
        ("2026-12-24", datetime(2026, 12, 31, 22, tzinfo=UTC)),  # and New Year on the next
    ],
)
def test_a_weekday_level_falls_on_the_first_such_day_at_wall_time(
    tmp_path: Path, period: str, expected: datetime
) -> None:
    found = deadline(
        LEVEL.validate_python(FRIDAY),
        roster=roster(tmp_path, ROSTER),
        days=days_of(period),
        first_failed=datetime(2026, 10, 6, tzinfo=UTC),
    )
    assert found == expected


def test_hours_may_be_counted_from_the_midnight_before_the_failure(tmp_path: Path) -> None:
    fixed = LEVEL.validate_python({**HOURS, "from_midnight": True})
    failed = datetime(2026, 10, 6, 1, 30, tzinfo=UTC)
    found = deadline(fixed, roster=roster(tmp_path, ROSTER), days=days_of("2026-10-05"), first_failed=failed)
    assert found == datetime(2026, 10, 7, tzinfo=UTC)
    with pytest.raises(ValidationError, match="only hours are counted from midnight"):
        LEVEL.validate_python({**WEEK, "from_midnight": True})


@pytest.mark.parametrize(
    ("period", "failed", "expected"),
    [
        # Counted from the end of the day, over the change of the clocks on 1 November.
        (
            "2026-10-31",
            "2026-11-01 02:00",
            ["silent: warning from Sun 1 Nov 19:00", "silent: alarm from Mon 2 Nov 19:00"],
        ),
        # In the middle of a month yesterday is the newest day there can be data of.
        (
            "2026-11",
            "2026-11-11 02:00",
            ["silent: warning from Wed 11 Nov 19:00", "silent: alarm from Thu 12 Nov 19:00"],
        ),
        # After the period its last day is.
        (
            "2026-10",
            "2026-11-04 05:00",
            ["silent: warning from Sun 1 Nov 19:00 (past)", "silent: alarm from Mon 2 Nov 19:00 (past)"],
        ),
    ],
)
def test_an_age_is_a_warning_and_later_an_alarm(tmp_path: Path, period: str, failed: str, expected: list[str]) -> None:
    assert told(tmp_path, [AGE], [], period, failed) == expected


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        ("2026-01-05", datetime(2026, 1, 9, 22, tzinfo=UTC)),  # the anchor's week has the first one
        ("2026-01-10", datetime(2026, 1, 23, 22, tzinfo=UTC)),
        ("2026-W43", datetime(2026, 10, 30, 21, tzinfo=UTC)),  # summer time still
        ("2026-W44", datetime(2026, 11, 13, 22, tzinfo=UTC)),
        ("2026-W51", datetime(2026, 12, 24, 22, tzinfo=UTC)),  # Christmas is on that Friday
    ],
)
def test_a_fortnight_is_counted_from_the_anchor_monday(tmp_path: Path, period: str, expected: datetime) -> None:
    failed = datetime(2026, 10, 6, tzinfo=UTC)
    found = deadline(level(SECOND_FRIDAY), roster=roster(tmp_path), days=days_of(period), first_failed=failed)
    assert found == expected


def test_days_from_a_failure_move_off_holidays_where_the_level_says_so(tmp_path: Path) -> None:
    failed = "2026-11-19 15:00"  # a week later is Thanksgiving
    moved = [{**WEEK, "classes": [], "on_holiday": rule} for rule in ("previous", "same", "next")]
    found = [told(tmp_path, [values], [], "2026-11", failed)[0] for values in moved]
    assert found == ["solved by Wed 25 Nov", "solved by Thu 26 Nov", "solved by Fri 27 Nov"]
