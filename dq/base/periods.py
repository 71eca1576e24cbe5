"""Periods: their ids, their days, and how complete they are at an instant. Calendar arithmetic only."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from dq.base.errors import UsageError
from dq.base.model import Kind, Window

EVENTS_SETTLE = timedelta(hours=48)  # late events of a month's last day are in after this; then it can be final


FORTNIGHT = timedelta(days=14)
YEARS = range(1970, 9001)  # those whose neighbouring weeks, months and levels a date can say, too
_DAY = timedelta(days=1)
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
"""The months in their order as people read them, whatever the locale."""


class Grain(StrEnum):
    """How long the periods of a pipeline are, and so how their ids read."""

    DAY = "day"
    WEEK = "week"
    FORTNIGHT = "fortnight"
    MONTH = "month"


def days_of(period: str, grain: Grain | None = None, *, where: str = "") -> tuple[date, date]:
    """The first and last day of a period id: a day ``2026-10-05``, an ISO week ``2026-W41`` or a month ``2026-10``.

    A fortnight is named by its first Monday, which reads like a day: only its ``grain`` tells them apart.
    """
    try:
        if not re.match(r"\d{4}-", period) or int(period[:4]) not in YEARS:
            raise ValueError
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", period):
            day = date.fromisoformat(period)
            return day, day + FORTNIGHT - timedelta(days=1) if grain is Grain.FORTNIGHT else day
        if re.fullmatch(r"\d{4}-W\d{2}", period):
            monday = date.fromisocalendar(int(period[:4]), int(period[6:]), 1)
            return monday, monday + timedelta(days=6)
        if re.fullmatch(r"\d{4}-\d{2}", period):
            return date.fromisoformat(f"{period}-01"), last_day(date.fromisoformat(f"{period}-01"))
    except ValueError:
        pass
    raise UsageError(
        f"{period!r} is not a period",
        where=where,
        expected="a day such as 2026-10-05 (a fortnight: its first), a week such as 2026-W41, a month such as 2026-10",
    )


def month_of(text: str, where: str) -> str:
    """The id of a month, ``2026-10``; for other text a UsageError that names the option, ``where``."""
    try:
        if _is_month(text):
            days_of(text)
            return text
    except UsageError:  # such as 2026-13
        pass
    raise UsageError(f"{text!r} is not a month", where=where, expected="a month such as 2026-10, 1970 to 9000")


def days_for(period: str, grain: Grain, anchor: date) -> tuple[date, date]:
    """The days of a period that a pipeline of some grain is asked to compute; a UsageError where it cannot.

    A pipeline of days also takes a month and computes all its days. Fortnights are counted from the ``anchor`` Monday.
    """
    first, last = days_of(period, grain, where="--period")
    form = {10: Grain.DAY, 8: Grain.WEEK, 7: Grain.MONTH}[len(period)]
    forms = {
        Grain.DAY: ({Grain.DAY, Grain.MONTH}, f"a day such as {first} or a month such as {first:%Y-%m}"),
        Grain.WEEK: ({Grain.WEEK}, f"an ISO week such as {week_id(first)}"),
        Grain.FORTNIGHT: ({Grain.DAY}, f"the first Monday of a fortnight, such as {fortnight_of(first, anchor)}"),
        Grain.MONTH: ({Grain.MONTH}, f"a month such as {first:%Y-%m}"),
    }
    accepted, example = forms[grain]
    if form not in accepted:
        raise UsageError(f"{period} is not a {grain.value}", where="--period", expected=example)
    if grain is Grain.FORTNIGHT and first != fortnight_of(first, anchor):
        raise UsageError(
            f"no fortnight begins on {first}",
            where="--period",
            expected=f"{fortnight_of(first, anchor)}, its first day",
        )
    return first, last


def week_id(day: date) -> str:
    """The ISO week a day lies in, such as ``2026-W41``."""
    year, week, _ = day.isocalendar()
    return f"{year:04d}-W{week:02d}"


def fortnight_of(day: date, anchor: date) -> date:
    """The first Monday of the fortnight a day lies in, counted from the anchor Monday."""
    return day - timedelta(days=(day - anchor).days % FORTNIGHT.days)


def period_of(day: date, grain: Grain, anchor: date) -> str:
    """The id of the period of some grain a day lies in."""
    return {
        Grain.DAY: day.isoformat(),
        Grain.WEEK: week_id(day),
        Grain.FORTNIGHT: fortnight_of(day, anchor).isoformat(),
        Grain.MONTH: f"{day:%Y-%m}",
    }[grain]


def running_on(month: str, as_of: datetime, grain: Grain, anchor: date) -> str | None:
    """The week or fortnight of the last whole day before ``as_of``, where it runs on into the month after; else None.

    Seen from that instant it belongs to the month: it ends in the next one, of which no day is over.
    """
    last = as_of.astimezone(UTC).date() - _DAY
    if grain not in (Grain.WEEK, Grain.FORTNIGHT) or f"{last:%Y-%m}" != month:
        return None
    period = period_of(last, grain, anchor)
    return period if days_of(period, grain)[1] > last_day(last) else None


def ending_in(month: str, grain: Grain, anchor: date) -> list[str]:
    """The ids a pipeline of some grain is run for so that a month is there: itself, or every period that ends in it."""
    first, last = days_of(month)
    if grain is Grain.WEEK:
        return [week_id(day) for day in days_between(first, last) if day.weekday() == 6]
    if grain is Grain.FORTNIGHT:
        ends = [day for day in days_between(first, last) if fortnight_of(day, anchor) + FORTNIGHT == day + _DAY]
        return [fortnight_of(day, anchor).isoformat() for day in ends]
    return [month]


def period_after(period: str, grain: Grain) -> str:
    """The id of the period after one of the same grain; after a month whose days are computed, the month."""
    following = days_of(period, grain)[1] + _DAY
    if grain is Grain.MONTH or _is_month(period):
        return f"{following:%Y-%m}"
    return week_id(following) if grain is Grain.WEEK else following.isoformat()


def period_before(period: str, grain: Grain) -> str:
    """The id of the period before one of the same grain; before a month whose days are computed, the month."""
    first, _ = days_of(period, grain)
    if grain is Grain.MONTH or _is_month(period):
        return previous_month(period)
    if grain is Grain.WEEK:
        return week_id(first - timedelta(days=7))
    return (first - (FORTNIGHT if grain is Grain.FORTNIGHT else timedelta(days=1))).isoformat()


def _is_month(period: str) -> bool:
    return re.fullmatch(r"\d{4}-\d{2}", period) is not None


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
        instant = instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
        if instant.year in YEARS:
            return instant
        raise ValueError
    except (ValueError, OverflowError):
        raise UsageError(
            f"{text!r} is not an instant", where=where, expected="ISO 8601 such as 2026-11-04T05:00:00Z, 1970 to 9000"
        ) from None


def settled_from(last: date, kind: Kind) -> datetime:
    """The first instant at which figures of a period with that last day can be preliminary or final, books closed."""
    month_end = datetime.combine(last_day(last), time(), UTC)
    return month_end + _DAY + EVENTS_SETTLE if kind is Kind.FINAL else month_end


def window(
    period: str,
    as_of: datetime,
    closed_at: datetime | None,
    *,
    ledger_absent: bool,
    grain: Grain | None = None,
    where: str = "--period",
) -> Window:
    """The period as it stands at ``as_of``.

    Before the month's last day it is *month to date*; from the last day on *preliminary*; *final* once the ledger's
    ``closed_at`` has come (unless the ledger is declared absent) and 48 hours have passed since the last day.
    The figures cover whole UTC days only: through yesterday, seen from ``as_of``.
    """
    start, end = days_of(period, grain)
    today = as_of.astimezone(UTC).date()
    data_through = min(end, today - timedelta(days=1))
    if data_through < start:
        raise UsageError(
            f"{period} has no complete day at {as_of:%Y-%m-%dT%H:%MZ}",
            where=where,
            expected=f"an as-of instant from {start + timedelta(days=1)}T00:00Z on",
            do="give an earlier period or a later --as-of",
        )
    closed = ledger_absent or (closed_at is not None and closed_at <= as_of)
    if closed and as_of >= settled_from(end, Kind.FINAL):
        kind = Kind.FINAL
    elif as_of >= settled_from(end, Kind.PRELIMINARY):
        kind = Kind.PRELIMINARY
    else:
        kind = Kind.MONTH_TO_DATE
    return Window(period=period, start=start, end=end, data_through=data_through, as_of=as_of, kind=kind)
