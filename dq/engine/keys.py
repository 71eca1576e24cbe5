"""Uniqueness, exactly: one pass per key set over 64-bit hashes, then the rows of repeated hashes compared by value."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from dq.base.errors import EvaluationError
from dq.base.model import Check
from dq.engine.fields import Field, resolve, where_of
from dq.engine.measures import matching, nulls, rows
from dq.engine.native_demand import Concluded, Found, KeySet, Requirement, Unexpected
from dq.engine.native_map import judged
from dq.engine.native_records import dropped_rows, record
from dq.engine.sums import counts
from dq.spark.hashes import Repeated, hashable

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import StructType


def unique_requirement(check: Check, schema: StructType, *, house: bool) -> Requirement:
    """Whether no two rows share a value (NULLs are left out) or a combination of values (see ``ignore_row_if``)."""
    del house
    where = where_of(check.kwargs, schema)
    all_rows = rows(where)
    single = check.type == "expect_column_values_to_be_unique"
    columns = (resolve(check.kwargs.get("column"), schema),) if single else record(check.kwargs, schema)
    dropped = None
    if single:
        keys = KeySet(columns=columns, where=where, drop_nulls="any")
        counted = nulls(columns[0], where)
    else:
        rule = str(check.kwargs.get("ignore_row_if", "all_values_are_missing"))
        dropped = dropped_rows(check.kwargs, columns, "all_values_are_missing")
        drop_nulls = {"all_values_are_missing": "all", "any_value_is_missing": "any"}.get(rule, "none")
        keys = KeySet(columns=columns, where=where, drop_nulls=drop_nulls)
        left_out = dropped
        text = f"{drop_nulls} of {', '.join(column.name for column in columns)} is NULL"
        tops = frozenset(column.top for column in columns)
        counted = all_rows if left_out is None else matching(text, left_out, tops, where)

    def judge(found: Found) -> Concluded:
        total = found.count(all_rows)
        kept = total if counted is all_rows else total - found.count(counted)
        return judged(check, total, kept, found.duplicates[keys])

    def repeated() -> Column:
        from pyspark.sql import Window
        from pyspark.sql import functions as F

        read = [F.col(column.sql) for column in columns]
        return ~(F.count(F.lit(1)).over(Window.partitionBy(*read if single else [F.struct(*read)])) <= 1)

    return Requirement(
        check=check,
        columns=(*dict.fromkeys(column.top for column in columns), *sorted(where.columns)),
        measures=tuple(dict.fromkeys((all_rows, counted))),
        keys=keys,
        unexpected=Unexpected(
            columns=columns,
            condition=repeated,
            where=where,
            dropped=(lambda: columns_null(columns, any_=True)) if single else dropped,
            shape="value" if single else "record",
        ),
        judge=judge,
    )


def columns_null(columns: tuple[Field, ...], *, any_: bool) -> Column:
    """The condition that any, or all, of the columns are NULL."""
    from pyspark.sql import functions as F

    missing = [F.col(column.sql).isNull() for column in columns]
    return reduce(lambda left, right: left | right if any_ else left & right, missing)


def duplicate_rows(frame: DataFrame, keys: KeySet) -> int:
    """The number of rows whose key occurs more than once.

    One action finds the hashes that repeat; only if there are any, a second one groups the rows behind them by their
    values, so that two keys that merely share a hash are not called duplicates.
    """
    from pyspark.sql import functions as F

    kept = frame.where(F.expr(keys.where.sql)) if keys.where.sql else frame
    if keys.drop_nulls != "none":
        kept = kept.where(~columns_null(keys.columns, any_=keys.drop_nulls == "any"))
    names = [f"k{position}" for position in range(len(keys.columns))]
    selected = kept.select(*(_normal(column).alias(name) for column, name in zip(keys.columns, names, strict=True)))
    if not all(_hashable(column) for column in keys.columns):
        return _repeated(selected, names)
    suspected = Repeated(selected, names).among(selected)
    return 0 if suspected is None else _repeated(suspected, names)


def _repeated(frame: DataFrame, names: list[str]) -> int:

    found = frame.groupBy(*names).count().where("count > 1").agg(counts("count")).collect()[0][0]
    return int(found or 0)


def _normal(column: Field) -> Column:
    """A key column in one form per value: zero without sign, one NaN."""
    from pyspark.sql import functions as F
    from pyspark.sql.types import DoubleType, FloatType

    value = F.col(column.sql)
    if isinstance(column.type, DoubleType | FloatType):
        return F.when(F.isnan(value), F.lit(float("nan")).cast(column.type)).otherwise(
            value + F.lit(0).cast(column.type)
        )
    return value


def _hashable(column: Field) -> bool:
    """Whether a column's values in one form each, equal ones, always have the same hash."""
    from pyspark.sql.types import FractionalType, MapType

    if isinstance(column.type, MapType):
        raise EvaluationError(f"{column.name} is a map, which has no equality", expected="key columns of plain types")
    return isinstance(column.type, FractionalType) or hashable(column.type)
