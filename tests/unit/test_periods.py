from datetime import UTC, date, datetime, timedelta

import pytest

from dq.base import periods
from dq.base.errors import UsageError
from dq.base.model import Kind
from dq.base.periods import Grain


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_day_and_a_month_have_their_days() -> None:
    assert periods.days_of("2026-10-05") == (date(2026, 10, 5), date(2026, 10, 5))
    assert periods.days_of("2028-02") == (date(2028, 2, 1), date(2028, 2, 29))


@pytest.mark.parametrize(
    "text", ["2026-13", "2026-02-30", "2026-1", "26-10", "2026/10", "", "last month", "2026-10-05 "]
)
def test_anything_else_is_no_period(text: str) -> None:
    with pytest.raises(UsageError, match="is not a period"):
        periods.days_of(text)


def test_a_week_and_a_fortnight_have_their_days() -> None:
    assert periods.days_of("2026-W41") == (date(2026, 10, 5), date(2026, 10, 11))
    assert periods.days_of("2026-W53") == (date(2026, 12, 28), date(2027, 1, 3))
    assert periods.days_of("2026-10-05", Grain.FORTNIGHT) == (date(2026, 10, 5), date(2026, 10, 18))
    with pytest.raises(UsageError, match="is not a period"):
        periods.days_of("2027-W53")


ANCHOR = date(2026, 1, 5)


@pytest.mark.parametrize(
    ("period", "grain"),
    [
        ("2026-10-05", Grain.DAY),
        ("2026-10", Grain.DAY),
        ("2026-W41", Grain.WEEK),
        ("2026-09-28", Grain.FORTNIGHT),
        ("2025-12-22", Grain.FORTNIGHT),
        ("2026-10", Grain.MONTH),
    ],
)
def test_a_pipeline_computes_periods_of_its_own_grain(period: str, grain: Grain) -> None:
    assert periods.days_for(period, grain, ANCHOR) == periods.days_of(period, grain)


@pytest.mark.parametrize(
    ("period", "grain", "expected"),
    [
        ("2026-W41", Grain.DAY, "2026-10-05"),
        ("2026-10", Grain.WEEK, "2026-W40"),
        ("2026-10-05", Grain.MONTH, "2026-10"),
        ("2026-W41", Grain.FORTNIGHT, "2026-09-28"),
        ("2026-10-05", Grain.FORTNIGHT, "2026-09-28"),
        ("2026-10-06", Grain.FORTNIGHT, "2026-09-28"),
    ],
)
def test_another_grain_is_refused_with_an_example(period: str, grain: Grain, expected: str) -> None:
    with pytest.raises(UsageError, match=expected):
        periods.days_for(period, grain, ANCHOR)


def test_the_weeks_and_fortnights_of_a_month_are_those_that_end_in_it() -> None:
    assert periods.ending_in("2026-10", Grain.WEEK, ANCHOR) == ["2026-W40", "2026-W41", "2026-W42", "2026-W43"]
    assert periods.ending_in("2026-11", Grain.FORTNIGHT, ANCHOR) == ["2026-10-26", "2026-11-09"]
    assert periods.ending_in("2026-10", Grain.MONTH, ANCHOR) == ["2026-10"]
    months = [f"{year}-{month:02d}" for year in (2026, 2027) for month in range(1, 13)]
    starts = [start for month in months for start in periods.ending_in(month, Grain.FORTNIGHT, ANCHOR)]
    assert starts == [(ANCHOR + timedelta(days=14 * n)).isoformat() for n in range(-1, len(starts) - 1)]


@pytest.mark.long
@pytest.mark.parametrize(
    ("as_of", "week", "fortnight"),
    [
        ("2026-11-23T23:59", None, None),  # through Sunday: the fortnight that ends in November is whole
        ("2026-11-24T00:00", None, "2026-11-23"),
        ("2026-11-25T12:00", None, "2026-11-23"),
        ("2026-11-30T23:59", None, "2026-11-23"),
        ("2026-12-01T00:00", "2026-W49", "2026-11-23"),  # through the last day of November
        ("2026-12-02T00:00", None, None),  # a day of December is there: it is December's
    ],
)
def test_in_progress_at_the_end_of_a_month_is_what_runs_on_into_the_next(
    as_of: str, week: str | None, fortnight: str | None
) -> None:
    assert periods.running_on("2026-11", at(as_of), Grain.WEEK, ANCHOR) == week
    assert periods.running_on("2026-11", at(as_of), Grain.FORTNIGHT, ANCHOR) == fortnight
    assert periods.running_on("2026-11", at(as_of), Grain.MONTH, ANCHOR) is None
    assert periods.running_on("2026-11", at(as_of), Grain.DAY, ANCHOR) is None


def test_what_runs_on_and_what_ends_in_a_month_are_all_that_has_a_day_of_it_last() -> None:
    day = date(2026, 1, 1)
    while day.year < 2029:
        month, as_of = f"{day:%Y-%m}", datetime.combine(day + timedelta(days=1), datetime.min.time(), UTC)
        for grain in (Grain.WEEK, Grain.FORTNIGHT):
            own = periods.period_of(day, grain, ANCHOR)
            assert periods.days_for(own, grain, ANCHOR)[0] <= day <= periods.days_of(own, grain)[1]
            found = [*periods.ending_in(month, grain, ANCHOR), periods.running_on(month, as_of, grain, ANCHOR)]
            assert found.count(own) == 1
        day += timedelta(days=1)


@pytest.mark.parametrize(
    ("as_of", "month"), [("2026-11-25", "2026-11"), ("2026-12-01", "2026-11"), ("2026-12-02", "2026-12")]
)
def test_the_month_of_a_fortnight_in_progress_is_that_of_its_last_day_so_far(as_of: str, month: str) -> None:
    window = periods.window("2026-11-23", at(as_of), None, ledger_absent=True, grain=Grain.FORTNIGHT)
    assert (window.month, window.month_start) == (month, date.fromisoformat(f"{month}-01"))
    assert window.month_before.month == periods.previous_month(month)
    assert window.kind is Kind.MONTH_TO_DATE


def test_the_month_of_a_whole_period_is_the_one_it_ends_in() -> None:
    for month in (f"{year}-{number:02d}" for year in (2026, 2027) for number in range(1, 13)):
        for grain in Grain:
            for period in periods.ending_in(month, grain, ANCHOR):
                window = periods.window(period, at("2029-01-01"), None, ledger_absent=True, grain=grain)
                assert (window.month, window.month_start) == (month, periods.days_of(month)[0])


def test_every_period_begins_the_day_after_the_one_before() -> None:
    for grain, period in ((Grain.DAY, "2026-03-01"), (Grain.MONTH, "2026-01"), (Grain.FORTNIGHT, "2026-01-05")):
        before = periods.days_of(periods.period_before(period, grain), grain)
        assert before[1] + timedelta(days=1) == periods.days_of(period, grain)[0]
    # Days are run by the month.
    assert (periods.period_before("2026-01", Grain.DAY), periods.period_after("2026-12", Grain.DAY)) == (
        "2025-12",
        "2027-01",
    )
    day = date(2019, 12, 30)
    while day.year < 2034:
        before = periods.period_before(periods.week_id(day), Grain.WEEK)
        assert periods.days_of(before)[1] + timedelta(days=1) == periods.days_of(periods.week_id(day))[0] == day
        day += timedelta(days=7)


@pytest.mark.long
def test_the_last_day_is_the_day_before_the_next_first_for_400_years() -> None:
    first = date(2000, 1, 1)
    while first.year < 2400:
        following = (first + timedelta(days=31)).replace(day=1)
        assert periods.last_day(first) == following - timedelta(days=1)
        assert periods.previous_month(f"{following:%Y-%m}") == f"{first:%Y-%m}"
        first = following


CLOSED = at("2026-11-03T20:00")


@pytest.mark.parametrize(
    ("as_of", "kind", "through"),
    [
        ("2026-10-24T02:00", Kind.MONTH_TO_DATE, date(2026, 10, 23)),
        ("2026-10-30T23:59", Kind.MONTH_TO_DATE, date(2026, 10, 29)),
        ("2026-10-31T00:00", Kind.PRELIMINARY, date(2026, 10, 30)),
        ("2026-11-01T02:00", Kind.PRELIMINARY, date(2026, 10, 31)),
        ("2026-11-03T19:59", Kind.PRELIMINARY, date(2026, 10, 31)),
        ("2026-11-03T20:00", Kind.FINAL, date(2026, 10, 31)),
    ],
)
def test_the_kind_follows_from_as_of(as_of: str, kind: Kind, through: date) -> None:
    window = periods.window("2026-10", at(as_of), CLOSED, ledger_absent=False)
    assert (window.kind, window.data_through) == (kind, through)


def test_without_a_ledger_a_month_is_final_48_hours_after_its_last_day() -> None:
    assert periods.window("2026-10", at("2026-11-02T23:59"), None, ledger_absent=True).kind is Kind.PRELIMINARY
    assert periods.window("2026-10", at("2026-11-03T00:00"), None, ledger_absent=True).kind is Kind.FINAL


def test_an_open_ledger_is_never_final() -> None:
    assert periods.window("2026-10", at("2027-01-01T00:00"), None, ledger_absent=False).kind is Kind.PRELIMINARY


def test_a_ledger_closed_early_still_waits_for_late_events() -> None:
    early = at("2026-11-01T01:00")
    assert periods.window("2026-10", at("2026-11-02T00:00"), early, ledger_absent=False).kind is Kind.PRELIMINARY


def test_a_period_without_a_complete_day_is_refused() -> None:
    with pytest.raises(UsageError, match="has no complete day"):
        periods.window("2026-10", at("2026-10-01T23:59"), None, ledger_absent=False)


def test_instants_are_utc_whatever_the_offset() -> None:
    assert periods.parse_instant("2026-11-01") == at("2026-11-01T00:00")
    assert periods.parse_instant("2026-11-01T02:00:00Z") == at("2026-11-01T02:00")
    assert periods.parse_instant("2026-11-01T02:00:00-05:00") == at("2026-11-01T07:00")
    with pytest.raises(UsageError, match="is not an instant"):
        periods.parse_instant("yesterday")
