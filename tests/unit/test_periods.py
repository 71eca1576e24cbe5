from datetime import UTC, date, datetime, timedelta

import pytest

from dq import periods
from dq.errors import UsageError
from dq.model import Kind


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_day_and_a_month_have_their_days() -> None:
    assert periods.days_of("2026-10-05") == (date(2026, 10, 5), date(2026, 10, 5))
    assert periods.days_of("2028-02") == (date(2028, 2, 1), date(2028, 2, 29))


@pytest.mark.parametrize(
    "text", ["2026-13", "2026-02-30", "2026-1", "26-10", "2026/10", "", "last month", "2026-10-05 "]
)
def test_anything_else_is_no_period(text: str) -> None:
    with pytest.raises(UsageError, match="is no period"):
        periods.days_of(text)


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
    with pytest.raises(UsageError, match="is no instant"):
        periods.parse_instant("yesterday")
