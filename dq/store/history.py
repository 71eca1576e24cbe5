"""What was published as of an instant, and a check's metric over it, as the trend checks compare it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation

from dq.base.model import Json
from dq.store.versions import Commit, PeriodEntry


def measured(period: str, check_id: str) -> str:
    """The key of a metric in an entry: the check, and the run's period, since the run of a month publishes days."""
    return f"{period}:{check_id}"


def known_at(
    newest_first: Iterable[Commit], instant: datetime, wanted: Collection[str] | None = None
) -> dict[str, PeriodEntry]:
    """Per period the newest entry that was published as of no later instant and not taken back since, ascending.

    Older commits are read only where the newest has a period as of later than that.
    """
    found: dict[str, PeriodEntry] = {}
    newest: Commit | None = None
    missing: set[str] = set()
    for commit in newest_first:
        if newest is None:
            newest = commit
            missing = set(commit.entries) if wanted is None else set(wanted) & set(commit.entries)
        for period in [*missing]:
            entry = commit.entries.get(period)
            if entry is None or (entry.as_of and entry.as_of > instant):
                continue
            taken_back = newest.withdrawn.get(entry.fingerprint)
            if taken_back and period in taken_back.periods:
                continue
            found[period] = entry
            missing.discard(period)
        if not missing:
            break
    return dict(sorted(found.items()))


def metrics(entries: Iterable[PeriodEntry], check_id: str, before: str) -> Sequence[tuple[str, Decimal]]:
    """Period and metric of every measured period of the same grain before one, ascending by period."""
    found: dict[str, Decimal] = {}
    for entry in entries:
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
    """A stored measure as a number, None when it is not a number."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
