"""Values of a check compared with a column in the column's own type: nothing is rounded, nothing overflows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import TYPE_CHECKING

from dq.base.errors import EvaluationError
from dq.engine.bounds import Bound, bound, literal

if TYPE_CHECKING:
    from pyspark.sql import Column
    from pyspark.sql.types import DataType

_BITS = {"byte": 8, "short": 16, "integer": 32, "long": 64}


@dataclass(frozen=True, kw_only=True)
class _Grid:
    """The numbers a type can hold: multiples of ten to the minus ``scale``, from ``least`` to ``most`` of them."""

    scale: int
    least: int
    most: int
    type: str

    def steps(self, value: Decimal) -> Fraction:
        """A number in steps of the grid, exactly."""
        return Fraction(value) * Fraction(10**self.scale)

    def literal(self, steps: int) -> Column:
        """A number of the grid as a value of the type."""
        from pyspark.sql import functions as F

        sign, digits = "-" if steps < 0 else "", f"{abs(steps):0{self.scale + 1}d}"
        whole, part = (digits[: -self.scale], digits[-self.scale :]) if self.scale else (digits, "")
        return F.expr(f"CAST('{sign}{whole}{'.' if part else ''}{part}' AS {self.type})")


def _grid(data_type: DataType) -> _Grid | None:
    """The grid of a whole number's or decimal's type, None for every other."""
    from pyspark.sql.types import DecimalType

    if isinstance(data_type, DecimalType):
        most = 10**data_type.precision - 1
        return _Grid(scale=data_type.scale, least=-most, most=most, type=data_type.simpleString())
    bits = _BITS.get(data_type.typeName())
    if bits is None:
        return None
    return _Grid(scale=0, least=-(2 ** (bits - 1)), most=2 ** (bits - 1) - 1, type=data_type.simpleString())


def at_least(value: Column, low: Bound, data_type: DataType, *, strict: bool) -> Column:
    """Whether a value is at or, if ``strict``, above a bound."""
    from pyspark.sql import functions as F

    grid = _grid(data_type)
    if grid is None or not isinstance(low, Decimal):
        end = _moment(low, data_type)
        return value > end if strict else value >= end
    steps = grid.steps(low)
    first = floor(steps) + 1 if strict else ceil(steps)
    if first > grid.most:
        return F.lit(False)
    return value >= grid.literal(max(first, grid.least))


def at_most(value: Column, high: Bound, data_type: DataType, *, strict: bool) -> Column:
    """Whether a value is at or, if ``strict``, below a bound."""
    from pyspark.sql import functions as F

    grid = _grid(data_type)
    if grid is None or not isinstance(high, Decimal):
        end = _moment(high, data_type)
        return value < end if strict else value <= end
    steps = grid.steps(high)
    last = ceil(steps) - 1 if strict else floor(steps)
    if last < grid.least:
        return F.lit(False)
    return value <= grid.literal(min(last, grid.most))


def is_in(value: Column, members: Iterable[object], data_type: DataType) -> Column:
    """Whether a value is one of some members; one that the type cannot hold is equal to none."""
    from pyspark.sql import functions as F

    found = [one for member in members if member is not None for one in _member(member, data_type)]
    return value.isin(found) if found else F.lit(False)


def _member(member: object, data_type: DataType) -> list[Column]:
    from pyspark.sql import functions as F
    from pyspark.sql.types import DateType, FractionalType, TimestampNTZType, TimestampType

    grid = _grid(data_type)
    number = isinstance(member, int | float | Decimal) and not isinstance(member, bool)
    dated = isinstance(data_type, DateType | TimestampType | TimestampNTZType)
    if (grid is not None and (number or isinstance(member, str))) or (dated and isinstance(member, str)):
        try:
            read = bound(member, "a member of value_set")
        except EvaluationError:
            return [F.lit(member)]
        if grid is None:
            return [_moment(read, data_type)] if read is not None else []
        steps = grid.steps(read) if isinstance(read, Decimal) else None
        held = steps is not None and steps.denominator == 1 and grid.least <= steps <= grid.most
        return [grid.literal(int(steps))] if held and steps is not None else []
    if number and isinstance(data_type, FractionalType):
        return [F.lit(float(member))]  # type: ignore[arg-type]  # a number, as was asked above
    if number and isinstance(member, int) and abs(member) >= 2**63:
        return [F.lit(Decimal(member))]
    return [_moment(member, data_type)]


def _moment(value: object, data_type: DataType) -> Column:
    """A bound or member as a literal; a day against an instant is its midnight in UTC, whatever the session's zone.

    Days and instants are written as text: on their way as objects those before the Gregorian calendar would move.
    """
    from pyspark.sql import functions as F
    from pyspark.sql.types import TimestampNTZType, TimestampType

    if not isinstance(value, date):
        return literal(value, data_type, exact=True)
    naive = isinstance(data_type, TimestampNTZType)
    if not isinstance(value, datetime):
        if not naive and not isinstance(data_type, TimestampType):
            return F.expr(f"DATE'{value.isoformat()}'")
        value = datetime.combine(value, time())
    moment = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    kind, zone = ("TIMESTAMP_NTZ", "") if naive else ("TIMESTAMP", "+00:00")
    return F.expr(f"{kind}'{moment.isoformat(' ')}{zone}'")
