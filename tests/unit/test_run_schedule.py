"""When the last run of a period is scheduled."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from dq.base.periods import Grain
from dq.declare import registry
from dq.declare.registry import Scheduled
from dq.people import BusinessCalendar
from dq.run.schedule import scheduled_as_of, settled_as_of

ROOT = Path(__file__).resolve().parents[2]
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


def test_what_is_run_after_its_months_are_final_is_as_of_then() -> None:
    """The fortnight to 11 October is built on days of September and on the investors' month of October."""
    declared = registry.load(ROOT)
    found = {
        (name, period): settled_as_of(declared, CALENDAR, name, period).isoformat()
        for name, period in (
            ("profit_unit", "2026-10"),
            ("experiments_weekly", "2026-W39"),
            ("executive_report", "2026-09-28"),
        )
    }
    assert found == {
        ("profit_unit", "2026-10"): "2026-11-04T05:00:00+00:00",
        ("experiments_weekly", "2026-W39"): "2026-10-05T05:00:00+00:00",
        ("executive_report", "2026-09-28"): "2026-11-04T06:00:00+00:00",
    }
