"""A check's metric over the published periods, as the trend checks compare it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation

from dq.model import Json
from dq.store.versions import Commit, PeriodEntry


def measured(period: str, check_id: str) -> str:
    """The key of a metric in an entry: the check, and the run's period, since the run of a month publishes days."""
    return f"{period}:{check_id}"


def metrics(
    commit: Commit, check_id: str, before: str, known_by: datetime | None = None
) -> Sequence[tuple[str, Decimal]]:
    """Period and metric of every earlier period of the same grain that was measured by then, ascending by period."""
    found: dict[str, Decimal] = {}
    for entry in commit.entries.values():
        if known_by and entry.as_of and entry.as_of > known_by:
            continue
        for key, value in entry.measures.items():
            period, _, check = key.partition(":")
            number = _number(value)
            if check == check_id and len(period) == len(before) and period < before and number is not None:
                found[period] = number
    return sorted(found.items())


def total_of(parts: Iterable[Mapping[str, Json]]) -> dict[str, Json]:
    """The sums of recorded totals over several periods, as text; a total missing everywhere stays NULL."""
    sums: dict[str, Decimal | None] = {}
    for part in parts:
        for name, value in part.items():
            number = _number(value)
            known = sums.setdefault(name, None)
            sums[name] = known if number is None else number + (known or Decimal(0))
    return {name: None if value is None else str(value) for name, value in sums.items()}


def summed(entries: Iterable[PeriodEntry]) -> dict[str, Json]:
    """The totals of published entries together."""
    return total_of(entry.totals for entry in entries)


def _number(value: Json) -> Decimal | None:
    """A stored measure as a number, None when it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
