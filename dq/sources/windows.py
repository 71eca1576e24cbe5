"""Which days and months of a source a run reads, by the contract's read rule."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from dq.base.model import RangeFilter, Window
from dq.base.periods import EVENTS_SETTLE
from dq.sources.contracts import Contract, ReadRule

MONTH_ID = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])")


def first_day(window: Window, rule: ReadRule = ReadRule.PERIOD) -> date:
    """The first day a source is read from: month-to-date figures need the month's beginning, a ``year`` 1 January.

    A period that begins in an earlier month or year than it ends (a week, a fortnight) is read from its own beginning.
    """
    return min(window.start, window.month_start.replace(month=1) if rule is ReadRule.YEAR else window.month_start)


def read_from(window: Window, lookback_days: int, rule: ReadRule = ReadRule.PERIOD) -> date:
    """The first day a job sees of a source: so many days before the first one that is checked."""
    return first_day(window, rule) - timedelta(days=lookback_days)


def read_to(window: Window, lookahead_days: int) -> date:
    """The last day a job sees of a source: so many days after the last one that is checked, none that is to come."""
    return max(window.data_through, min(window.data_through + timedelta(days=lookahead_days), _today(window)))


def _landed_to(window: Window, lookahead_days: int) -> date:
    """The last day of which rows must be there; once the period has settled, those looked ahead to that are over."""
    after = datetime.combine(window.data_through + timedelta(days=1), time(), UTC)
    if window.as_of < after + EVENTS_SETTLE:
        return window.data_through
    return min(read_to(window, lookahead_days), _today(window) - timedelta(days=1))


def _today(window: Window) -> date:
    return window.as_of.astimezone(UTC).date()


@dataclass(frozen=True, kw_only=True)
class Months:
    """The months whose folders a source needs: from ``first`` (None: from the earliest there is) to ``last``.

    ``complete_to`` is the last month that must be there; later ones may hold rows that became known after it. Months
    before ``period_from`` are only looked back to, those after ``period_to`` only ahead; a source that begins with its
    period has none before. ``begins`` is the earliest month a table has at all, where it may begin after ``first``.
    """

    first: str | None
    last: str
    complete_to: str
    begins: str = ""
    period_from: str = ""
    period_to: str = "9999-12"

    def around(self, month: str) -> bool:
        """Whether a month holds no day of the period itself."""
        return month < self.period_from or month > self.period_to

    @property
    def earlier(self) -> Months:
        """Every month before the first one."""
        last = _before(self.first) if self.first else ""
        return Months(first=None, last=last, complete_to=last)

    def __contains__(self, month: object) -> bool:
        return (
            isinstance(month, str)
            and MONTH_ID.fullmatch(month) is not None
            and (self.first is None or month >= self.first)
            and month <= self.last
        )

    def gaps(self, seen: Collection[str]) -> tuple[str, ...]:
        """The months that must be there and are not in ``seen``."""
        start = max(self.first, self.begins) if self.first else min(seen, default=self.complete_to)
        wanted = []
        month = start
        while month <= self.complete_to:
            wanted.append(month)
            month = _after(month)
        return tuple(month for month in wanted if month not in seen)

    @property
    def label(self) -> str:
        """The months in words."""
        if self.first is None:
            return f"any month up to {self.last}"
        return self.first if self.first == self.last else f"{self.first} to {self.last}"


def _before(month: str) -> str:
    year, index = divmod(int(month[:4]) * 12 + int(month[5:]) - 2, 12)
    return f"{year:04d}-{index + 1:02d}"


def _after(month: str) -> str:
    year, index = divmod(int(month[:4]) * 12 + int(month[5:]), 12)
    return f"{year:04d}-{index + 1:02d}"


def months(window: Window, rule: ReadRule, lookback_days: int = 0, lookahead_days: int = 0) -> Months:
    """The months a run needs of a source.

    An ``until`` source is read up to the month of the as-of instant: a row filed under the month it became known in may
    be valid from an earlier day. No later month is listed, so that new folders do not change the pin of an old period.
    """
    through = f"{window.data_through:%Y-%m}"
    if rule is not ReadRule.UNTIL:
        return Months(
            first=f"{read_from(window, lookback_days, rule):%Y-%m}",
            last=f"{read_to(window, lookahead_days):%Y-%m}",
            complete_to=f"{_landed_to(window, lookahead_days):%Y-%m}",
            period_from=f"{first_day(window, rule):%Y-%m}",
            period_to=through,
        )
    known = f"{_today(window):%Y-%m}"
    return Months(first=None, last=max(through, known), complete_to=through)


def filters(
    contract: Contract,
    window: Window,
    absent: Collection[str] = (),
    *,
    lookback_days: int = 0,
    lookahead_days: int = 0,
) -> tuple[RangeFilter, ...]:
    """The row filters of a run: the days (or months) of the read rule, and the knowledge cut at as-of, inclusive."""
    low_day = read_from(window, lookback_days, contract.read) if contract.read is not ReadRule.UNTIL else None
    if contract.day:
        found = [RangeFilter(column=contract.day, low=low_day, high=read_to(window, lookahead_days))]
    else:
        low_month = f"{low_day:%Y-%m}" if low_day else None
        found = [RangeFilter(column=contract.month, low=low_month, high=f"{window.data_through:%Y-%m}")]
    if contract.known_at and contract.known_at not in absent:
        found.append(RangeFilter(column=contract.known_at, high=window.as_of))
    return tuple(found)
