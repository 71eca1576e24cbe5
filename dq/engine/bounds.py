"""Bounds and members of a check's kwargs: read the way Great Expectations reads them, compared without rounding."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from dq.base.errors import EvaluationError
from dq.base.model import Json
from dq.engine.measures import Value

if TYPE_CHECKING:
    from pyspark.sql import Column
    from pyspark.sql.types import DataType

Bound = Decimal | float | date | datetime

_DAY = re.compile(r"\d{4}-\d{1,2}-\d{1,2}")


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """A range a value must lie in: either end open, ``strict`` ends excluded."""

    low: Bound | None = None
    high: Bound | None = None
    strict_low: bool = False
    strict_high: bool = False

    def __str__(self) -> str:
        low = f"{'above' if self.strict_low else 'at least'} {shown(self.low)}" if self.low is not None else ""
        high = f"{'below' if self.strict_high else 'at most'} {shown(self.high)}" if self.high is not None else ""
        if low and high and not (self.strict_low or self.strict_high):
            return f"{shown(self.low)} to {shown(self.high)}"
        return " and ".join(filter(None, (low, high))) or "any value"

    def ordered(self) -> bool:
        """Whether the lower end is not above the upper one; ends that cannot be compared make no range."""
        try:
            return self.low is None or self.high is None or not less(self.high, self.low)
        except TypeError:
            return False

    def holds(self, value: Value) -> bool:
        """Whether a value lies in the range; raises TypeError where it cannot be compared with a bound."""
        low, high = self.low, self.high
        above = low is None or (less(low, value) if self.strict_low else not less(value, low))
        return above and (high is None or (less(value, high) if self.strict_high else not less(high, value)))


def bounds_of(kwargs: Mapping[str, Json]) -> Bounds:
    """The range of a check's ``min_value``, ``max_value``, ``strict_min``, ``strict_max``."""
    return Bounds(
        low=bound(kwargs.get("min_value"), "min_value"),
        high=bound(kwargs.get("max_value"), "max_value"),
        strict_low=bool(kwargs.get("strict_min")),
        strict_high=bool(kwargs.get("strict_max")),
    )


def bound(value: object, name: str) -> Bound | None:
    """One bound as a number, day or instant: text is read as the first of these that it is."""
    if value is None or isinstance(value, date):
        return value
    if isinstance(value, bool | int | float | Decimal):
        return number(value)
    if isinstance(value, str):
        text = value.strip()
        try:
            return number(Decimal(text))
        except InvalidOperation:
            pass
        try:
            if _DAY.fullmatch(text):
                return date(*(int(part) for part in text.split("-")))
            return datetime.fromisoformat(text)
        except ValueError:
            pass
    raise EvaluationError(f"{name} is not a bound", expected="a number, a day 2026-10-05 or an instant")


def number(value: float | Decimal) -> Bound:
    """A number without binary rounding: 0.1 is one tenth; infinities and NaN stay floats."""
    if isinstance(value, float) and not math.isfinite(value):
        return value
    if isinstance(value, Decimal):
        return value if value.is_finite() else float(value)
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(int(value))


def less(low: Value, high: Value) -> bool:
    """Whether one value is below another of the same kind: number, text, or day and instant (a day is its midnight)."""
    if isinstance(low, datetime) or isinstance(high, datetime):
        if not isinstance(low, date) or not isinstance(high, date):
            raise TypeError("an instant is compared with something else")
        return _instant(low) < _instant(high)
    if isinstance(low, date) and isinstance(high, date):
        return low < high
    if isinstance(low, str) and isinstance(high, str):
        return low < high
    if isinstance(low, bool | int | float | Decimal) and isinstance(high, bool | int | float | Decimal):
        if isinstance(low, float) and math.isnan(low):
            return False  # as Spark orders it: NaN is greater than every number
        if isinstance(high, float) and math.isnan(high):
            return True
        return low < high
    raise TypeError("values of different kinds are compared")


def _instant(value: date) -> datetime:
    if not isinstance(value, datetime):
        value = datetime.combine(value, time())
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def literal(value: object, data_type: DataType, *, exact: bool) -> Column:
    """A value of a check's kwargs as a Spark literal to compare a column of a type with.

    ``exact`` compares decimals and whole numbers as such and reads naive instants as UTC; otherwise a number is the
    double that Great Expectations makes of it.
    """
    from pyspark.sql import functions as F
    from pyspark.sql.types import DecimalType, IntegralType, TimestampNTZType

    if isinstance(value, datetime):
        if not exact:
            return F.lit(value)
        if isinstance(data_type, TimestampNTZType):
            return F.lit(_instant(value).astimezone(UTC).replace(tzinfo=None).isoformat(" ")).cast("timestamp_ntz")
        return F.lit(_instant(value))
    if isinstance(value, float | Decimal):
        if not exact or not isinstance(data_type, DecimalType | IntegralType):
            return F.lit(float(value))
        plain = number(value)
        return F.lit(_plain(plain) if isinstance(plain, Decimal) else plain)
    return F.lit(value)


def _plain(value: Decimal) -> Decimal:
    """A decimal with a scale Spark can hold: 1E+3 becomes 1000."""
    return Decimal(f"{value:f}")


def shown(value: object) -> str:
    """A value of the check's kwargs as people write it."""
    if isinstance(value, Decimal):
        return f"{value:,f}"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)
