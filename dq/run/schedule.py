"""When the last run of a period is scheduled: what demo and backfill take as its as-of instant."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from dq.base.periods import Grain, days_of, last_day
from dq.declare.registry import Registry, Scheduled
from dq.people import BusinessCalendar


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


def settled_as_of(registry: Registry, calendar: BusinessCalendar, pipeline: str, period: str) -> datetime:
    """The instant of a period's last run that is not before those of the months it is built on.

    A week or fortnight is told before its month is final. Run after that, it is run as of then: as of an earlier
    instant nobody knew what its upstream tables have published since.
    """
    item = registry.pipelines[pipeline]
    first, last = days_of(period, item.grain)
    found = [scheduled_as_of(item.scheduled, calendar, period, item.grain)]
    for table in item.upstream:
        found += [settled_as_of(registry, calendar, table, f"{day:%Y-%m}") for day in (first, last)]
    return max(found)
