"""When the last run of a period is scheduled."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dq.people import BusinessCalendar
from dq.periods import Grain
from dq.registry import Scheduled
from dq.run.schedule import scheduled_as_of

CALENDAR = BusinessCalendar(country="US")


@pytest.mark.parametrize(
    ("period", "grain", "scheduled", "expected"),
    [
        ("2026-08", Grain.MONTH, Scheduled(business_day=3, at="05:00"), datetime(2026, 9, 3, 5, tzinfo=UTC)),
        ("2026-10-14", Grain.DAY, Scheduled(business_day=3, at="05:00"), datetime(2026, 11, 4, 5, tzinfo=UTC)),
        ("2026-W36", Grain.WEEK, Scheduled(days_after=1, at="06:00"), datetime(2026, 9, 7, 6, tzinfo=UTC)),
        ("2026-09-28", Grain.FORTNIGHT, Scheduled(days_after=1, at="05:00"), datetime(2026, 10, 12, 5, tzinfo=UTC)),
    ],
)
def test_each_grain_has_its_last_run(period: str, grain: Grain, scheduled: Scheduled, expected: datetime) -> None:
    assert scheduled_as_of(scheduled, CALENDAR, period, grain) == expected
