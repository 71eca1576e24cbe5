"""Measures: the mergeable aggregates that decide checks, read from footers where exact, else from one fused scan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from dq.engine.fields import ALL_ROWS, Field, Where
from dq.engine.sums import FIELDS, summed

if TYPE_CHECKING:
    from pyspark.sql import Column

Value = None | bool | int | float | str | bytes | Decimal | date | datetime

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class MeasureKind(StrEnum):
    """What a measure aggregates."""

    ROWS = "rows"
    NULLS = "nulls"
    MINIMUM = "min"
    MAXIMUM = "max"
    SUM = "sum"
    MEAN = "mean"
    MATCHING = "matching"
    TOTAL = "total"


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One aggregate over the rows of a dataset that meet ``where`` (safe SQL, empty: all rows).

    Equal measures are computed once: identity is the kind, the column or the ``condition`` text, and ``where``.
    ``columns`` are the columns it reads; ``fields`` the aggregation buffer fields it needs, of which Spark compiles at
    most 100 in one aggregate.
    """

    kind: MeasureKind
    column: str = ""
    condition: str = ""
    where: str = ""
    columns: frozenset[str] = field(default=frozenset(), compare=False)
    build: Callable[[], Column] = field(compare=False, repr=False)
    read: Callable[[Value], Value] = field(default=lambda value: value, compare=False, repr=False)
    fields: int = field(default=1, compare=False)

    def __str__(self) -> str:
        what = f"{self.kind}({self.column or self.condition})" if self.column or self.condition else str(self.kind)
        return f"{what} where {self.where}" if self.where else what


def rows(where: Where = ALL_ROWS) -> Measure:
    """The number of rows."""

    def build() -> Column:
        from pyspark.sql import functions as F

        return F.count(_kept(F.lit(1), where))

    return Measure(kind=MeasureKind.ROWS, where=where.sql, columns=where.columns, build=build)


def nulls(column: Field, where: Where = ALL_ROWS) -> Measure:
    """The number of rows whose value in a column is NULL."""

    def build() -> Column:
        from pyspark.sql import functions as F

        return F.count(_kept(F.when(F.expr(column.sql).isNull(), 1), where))

    return Measure(
        kind=MeasureKind.NULLS,
        column=column.name,
        where=where.sql,
        columns=where.columns | {column.top},
        build=build,
    )


def matching(text: str, condition: Callable[[], Column], columns: frozenset[str], where: Where = ALL_ROWS) -> Measure:
    """The number of rows for which a condition is true; ``text`` identifies it among all conditions of a plan."""

    def build() -> Column:
        from pyspark.sql import functions as F

        return F.count(_kept(F.when(condition(), 1), where))

    return Measure(
        kind=MeasureKind.MATCHING, condition=text, where=where.sql, columns=columns | where.columns, build=build
    )


def extreme(kind: MeasureKind, column: Field, where: Where = ALL_ROWS) -> Measure:
    """The least or greatest value of a column; instants come back as aware UTC datetimes."""
    from pyspark.sql.types import TimestampNTZType, TimestampType

    naive = isinstance(column.type, TimestampNTZType)
    instant = naive or isinstance(column.type, TimestampType)

    def build() -> Column:
        from pyspark.sql import functions as F

        value = _kept(F.expr(column.sql), where)
        found = F.min(value) if kind is MeasureKind.MINIMUM else F.max(value)
        # Collected timestamps are converted to the zone of the Python process; microseconds since the epoch are not.
        return F.unix_micros(found.cast("timestamp")) if instant else found

    def read(value: Value) -> Value:
        if not instant or not isinstance(value, int):
            return value
        moment = _EPOCH + timedelta(microseconds=value)
        return moment.replace(tzinfo=None) if naive else moment

    return Measure(
        kind=kind, column=column.name, where=where.sql, columns=where.columns | {column.top}, build=build, read=read
    )


def total(column: Field, where: Where = ALL_ROWS, *, exact: bool, mean: bool = False) -> Measure:
    """The sum or mean of a numeric column.

    ``exact`` adds whole numbers as decimals and doubles without rounding, so that no order of the rows matters;
    otherwise both are added as doubles, as Great Expectations does on Spark 4 so that a sum cannot overflow. The mean
    of whole numbers is a double either way: decimals would round it.
    """
    from pyspark.sql.types import DecimalType, DoubleType, FloatType, IntegralType

    def build() -> Column:
        from pyspark.sql import functions as F

        value, whole = F.expr(column.sql), isinstance(column.type, IntegralType)
        if not exact or isinstance(column.type, DecimalType):
            if whole and not mean:
                value = value.cast("double")
            return F.avg(_kept(value, where)) if mean else F.sum(_kept(value, where))
        kept = _kept(value.cast("decimal(20,0)") if whole else value, where)
        added = summed(kept, column.type)
        return F.try_divide(added.cast("double"), F.count(kept)) if mean else added

    return Measure(
        kind=MeasureKind.MEAN if mean else MeasureKind.SUM,
        column=column.name,
        condition="exact" if exact else "",
        where=where.sql,
        columns=where.columns | {column.top},
        build=build,
        fields=FIELDS + mean if exact and isinstance(column.type, DoubleType | FloatType) else 2 + mean,
    )


def _kept(value: Column, where: Where) -> Column:
    from pyspark.sql import functions as F

    return F.when(F.expr(where.sql), value) if where.sql else value
