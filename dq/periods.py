"""Periods: their ids, their days, and how complete they are at an instant. Calendar arithmetic only."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, date, datetime, time, timedelta

from dq.errors import UsageError
from dq.model import Kind, Window

EVENTS_SETTLE = timedelta(hours=48)  # late events of a month's last day are in after this; then it can be final


def days_of(period: str) -> tuple[date, date]:
    """The first and last day of a period id: a day ``2026-10-05`` or a month ``2026-10``."""
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", period):
            day = date.fromisoformat(period)
            return day, day
        if re.fullmatch(r"\d{4}-\d{2}", period):
            return date.fromisoformat(f"{period}-01"), last_day(date.fromisoformat(f"{period}-01"))
    except ValueError:
        pass
    raise UsageError(f"{period!r} is no period", expected="a day such as 2026-10-05 or a month such as 2026-10")


def last_day(day: date) -> date:
    """The last day of a day's calendar month."""
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def previous_month(period: str) -> str:
    """The id of the month before a month."""
    first, _ = days_of(period)
    return f"{first - timedelta(days=1):%Y-%m}"


def next_month(period: str) -> str:
    """The id of the month after a month."""
    _, last = days_of(period)
    return f"{last + timedelta(days=1):%Y-%m}"


def months_between(first: str, last: str) -> list[str]:
    """Every month from ``first`` to ``last``, both included; empty where ``last`` comes first."""
    found = []
    while first <= last:
        found.append(first)
        first = next_month(first)
    return found


def days_between(first: date, last: date) -> list[date]:
    """Every day from ``first`` to ``last``, both included; empty where ``last`` comes first."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def parse_instant(text: str, where: str = "--as-of") -> datetime:
    """A UTC instant from ISO 8601 text; without an offset it is taken as UTC, a bare day as its midnight."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{text!r} is no instant", where=where, expected="ISO 8601 such as 2026-11-04T05:00:00Z"
        ) from None
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def window(period: str, as_of: datetime, closed_at: datetime | None, *, ledger_absent: bool) -> Window:
    """The period as it stands at ``as_of``.

    Before the month's last day it is *month to date*; from the last day on *preliminary*; *final* once the ledger's
    ``closed_at`` has come (unless the ledger is declared absent) and 48 hours have passed since the last day.
    The figures cover whole UTC days only: through yesterday, seen from ``as_of``.
    """
    start, end = days_of(period)
    today = as_of.astimezone(UTC).date()
    data_through = min(end, today - timedelta(days=1))
    if data_through < start:
        raise UsageError(
            f"{period} has no complete day at {as_of:%Y-%m-%dT%H:%MZ}",
            where="--period",
            expected=f"an as-of instant from {start + timedelta(days=1)}T00:00Z on",
            do="give an earlier period or a later --as-of",
        )
    month_end = last_day(end)
    month_over = datetime.combine(month_end + timedelta(days=1), time(), UTC)
    closed = ledger_absent or (closed_at is not None and closed_at <= as_of)
    if closed and as_of >= month_over + EVENTS_SETTLE:
        kind = Kind.FINAL
    elif today >= month_end:
        kind = Kind.PRELIMINARY
    else:
        kind = Kind.MONTH_TO_DATE
    return Window(period=period, start=start, end=end, data_through=data_through, as_of=as_of, kind=kind)
