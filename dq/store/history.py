"""A check's metric over the published periods, as the trend checks compare it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from dq.model import Json
from dq.store.versions import Commit


def measured(period: str, check_id: str) -> str:
    """The key of a metric in an entry: the check, and the run's period, since the run of a month publishes days."""
    return f"{period}:{check_id}"


def metrics(commit: Commit, check_id: str, before: str) -> Sequence[tuple[str, Decimal]]:
    """Period and metric of every earlier period of the same grain that was measured, ascending by period."""
    found: dict[str, Decimal] = {}
    for entry in commit.entries.values():
        for key, value in entry.measures.items():
            period, _, check = key.partition(":")
            number = _number(value)
            if check == check_id and len(period) == len(before) and period < before and number is not None:
                found[period] = number
    return sorted(found.items())


def _number(value: Json) -> Decimal | None:
    """A stored measure as a number, None when it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
