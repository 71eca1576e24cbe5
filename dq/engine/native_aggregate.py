"""Expectation types about one number of the whole table or of a column: row count, least, greatest, mean, sum."""

from __future__ import annotations

import math
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from dq.base.errors import EvaluationError
from dq.base.model import Check, Json
from dq.engine.bounds import Bound, Bounds, bounds_of, number
from dq.engine.fields import resolve, where_of
from dq.engine.measures import Measure, MeasureKind, Value, extreme, rows, total
from dq.engine.native_demand import Concluded, Found, Requirement

if TYPE_CHECKING:
    from pyspark.sql.types import StructType


def row_count_requirement(check: Check, schema: StructType, *, house: bool) -> Requirement:
    """The number of rows against a range or a number."""
    del house
    where = where_of(check.kwargs, schema)
    counted = rows(where)
    if check.type == "expect_table_row_count_to_equal":
        wanted = check.kwargs.get("value")
        if isinstance(wanted, bool) or not isinstance(wanted, int):
            raise EvaluationError("value is not a row count", expected="a whole number")
        exactly = Decimal(wanted)
        bounds = Bounds(low=exactly, high=exactly)
    else:
        bounds = bounds_of(check.kwargs)

    def judge(found: Found) -> Concluded:
        count = found.count(counted)
        return Concluded(success=bounds.holds(count), result={"observed_value": count}, measures={"row_count": count})

    return Requirement(check=check, columns=tuple(sorted(where.columns)), measures=(counted,), judge=judge)


def number_requirement(check: Check, schema: StructType, *, house: bool) -> Requirement:
    """The least, greatest, mean or sum of a column against a range; a column without values fails."""
    column = resolve(check.kwargs.get("column"), schema)
    where = where_of(check.kwargs, schema)
    bounds = bounds_of(check.kwargs)
    kind = _KINDS[check.type]
    if kind in (MeasureKind.MINIMUM, MeasureKind.MAXIMUM):
        measure = extreme(kind, column, where)
    else:
        from pyspark.sql.types import NumericType

        if not isinstance(column.type, NumericType):
            raise EvaluationError(
                f"{column.name} is of type {column.type.simpleString()}, which has no {kind}",
                expected="a column of numbers",
            )
        measure = total(column, where, exact=house, mean=kind is MeasureKind.MEAN)

    def judge(found: Found) -> Concluded:
        value = found.values[measure]
        return _judged(value, bounds, measure) if house else _as_gx(value, bounds)

    return Requirement(
        check=check,
        columns=(column.top, *sorted(where.columns - {column.top})),
        measures=(measure,),
        judge=judge,
    )


_KINDS = {
    "expect_column_min_to_be_between": MeasureKind.MINIMUM,
    "expect_column_max_to_be_between": MeasureKind.MAXIMUM,
    "expect_column_mean_to_be_between": MeasureKind.MEAN,
    "expect_column_sum_to_be_between": MeasureKind.SUM,
}


def _judged(value: Value, bounds: Bounds, measure: Measure) -> Concluded:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return Concluded(success=False, left=0, result={"observed_value": None}, measures={"values": 0})
    try:
        # A double stands for the shortest decimal that is read as it, as a bound does: 0.6 is not below 0.6.
        success = bounds.holds(number(value) if isinstance(value, float) else value)
    except TypeError as error:
        raise EvaluationError(
            f"the {measure.kind} of {measure.column} cannot be compared with {bounds}",
            expected="bounds of the column's type",
        ) from error
    measured = {str(measure.kind): plain(value)}
    if measure.kind in (MeasureKind.SUM, MeasureKind.MEAN):
        return Concluded(success=success, result={"observed_value": value}, measures=measured)
    return Concluded(success=success, result={"observed_value": value}, private=measured)


def plain(value: Value) -> Json:
    """A value as JSON holds it without loss: decimals, days and instants as text."""
    if isinstance(value, bool | int | str) or value is None:
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return str(value)


def _as_gx(value: Value, bounds: Bounds) -> Concluded:
    """The judgement of Great Expectations: metrics are turned to JSON first, so decimals are doubles, days are text."""
    metric: Value = value
    if isinstance(value, Decimal):
        metric = float(value)
    elif isinstance(value, datetime):
        local = value.astimezone().replace(tzinfo=None) if value.tzinfo else value
        metric = local.isoformat()
    elif isinstance(value, date):
        metric = value.isoformat()
    if metric is None or (isinstance(metric, float) and math.isnan(metric)):
        return Concluded(success=False, result={"observed_value": None})
    low, high = (_double(end) for end in (bounds.low, bounds.high))
    ends = [end for end in (low, high) if end is not None]
    if isinstance(metric, str) and any(isinstance(end, date) for end in ends):
        try:
            parsed = datetime.fromisoformat(metric)
        except ValueError as error:
            raise EvaluationError("the column holds no days or instants", expected="bounds of its type") from error
        metric = parsed if any(isinstance(end, datetime) for end in ends) else parsed.date()
    for end in ends:
        if not _comparable(metric, end):
            raise EvaluationError("a bound cannot be compared with the column", expected="bounds of its type")
    success = Bounds(low=low, high=high, strict_low=bounds.strict_low, strict_high=bounds.strict_high).holds(metric)
    return Concluded(success=success, result={"observed_value": metric})


def _comparable(metric: Value, end: Bound) -> bool:
    if isinstance(metric, str):
        return False
    if isinstance(end, datetime) or isinstance(metric, datetime):
        both = isinstance(end, datetime) and isinstance(metric, datetime)
        return both and (end.tzinfo is None) == (metric.tzinfo is None)  # type: ignore[union-attr]
    return isinstance(end, date) == isinstance(metric, date)


def _double(end: Bound | None) -> Bound | None:
    return float(end) if isinstance(end, Decimal) else end
