"""When a month's final run of a pipeline is scheduled: what demo and backfill take as their as-of instant."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from dq.people import BusinessCalendar
from dq.periods import days_of, last_day
from dq.registry import Scheduled


def scheduled_as_of(scheduled: Scheduled, calendar: BusinessCalendar, period: str) -> datetime:
    """The UTC instant of a period's final run: the Nth business day of the month after the one it lies in."""
    _, end = days_of(period)
    following = date.fromordinal(last_day(end).toordinal() + 1)
    day = calendar.nth_of_month(following, scheduled.business_day)
    return datetime.combine(day, time.fromisoformat(scheduled.at), UTC)
