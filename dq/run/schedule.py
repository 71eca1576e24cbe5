"""When the last run of a period is scheduled: what demo and backfill take as its as-of instant."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from dq.people import BusinessCalendar
from dq.periods import Grain, days_of, last_day
from dq.registry import Scheduled


def scheduled_as_of(
    scheduled: Scheduled, calendar: BusinessCalendar, period: str, grain: Grain | None = None
) -> datetime:
    """The UTC instant of a period's last run: so many days after it, or a business day of the month that follows."""
    _, end = days_of(period, grain)
    if scheduled.business_day is None:
        day = end + timedelta(days=scheduled.days_after or 1)
    else:
        day = calendar.nth_of_month(last_day(end) + timedelta(days=1), scheduled.business_day)
    return datetime.combine(day, time.fromisoformat(scheduled.at), UTC)
