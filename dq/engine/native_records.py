"""Row-wise expectation types of two or more columns: pairs and records, with the rows they leave out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import reduce
from typing import TYPE_CHECKING

from dq.base.errors import EvaluationError
from dq.base.model import Check, Json
from dq.engine.fields import Field, resolve, where_of
from dq.engine.measures import matching, rows
from dq.engine.native_demand import Concluded, Found, Requirement, Unexpected
from dq.engine.native_map import RowRule, identity, judged

if TYPE_CHECKING:
    from pyspark.sql import Column
    from pyspark.sql.types import StructType

_PAIR_IGNORES = ("both_values_are_missing", "either_value_is_missing")
_RECORD_IGNORES = ("all_values_are_missing", "any_value_is_missing")


def columns_requirement(check: Check, schema: StructType, *, house: bool) -> Requirement:
    """A row-wise check of two or more columns; ``ignore_row_if`` says which rows are left out."""
    where = where_of(check.kwargs, schema)
    rule = _COLUMNS_RULES[check.type](check.kwargs, schema, house)
    tops = frozenset(column.top for column in rule.columns)
    all_rows = rows(where)
    text = identity(check, house)
    dropped = rule.dropped

    def unexpected() -> Column:
        return rule.unexpected() if dropped is None else ~dropped() & rule.unexpected()

    failing = matching(text, unexpected, tops, where)
    kept = all_rows if dropped is None else matching(f"kept by {text}", lambda: ~dropped(), tops, where)

    def judge(found: Found) -> Concluded:
        return judged(check, found.count(all_rows), found.count(kept), found.count(failing))

    return Requirement(
        check=check,
        columns=(*dict.fromkeys(column.top for column in rule.columns), *sorted(where.columns - tops)),
        measures=(all_rows, kept, failing),
        unexpected=Unexpected(
            columns=rule.columns,
            condition=rule.unexpected,
            where=where,
            dropped=dropped,
            shape="pair" if "column_A" in check.kwargs else "record",
        ),
        judge=judge,
    )


def dropped_rows(kwargs: Mapping[str, Json], columns: tuple[Field, ...], default: str) -> Callable[[], Column] | None:
    """The rows ``ignore_row_if`` leaves out: those with all, with any, or with no column NULL."""
    rule = str(kwargs.get("ignore_row_if", default))
    if rule in ("neither", "never"):
        return None
    if rule not in (*_PAIR_IGNORES, *_RECORD_IGNORES):
        raise EvaluationError(f"ignore_row_if is {rule}", expected="one of Great Expectations' words for it")
    every = rule in ("both_values_are_missing", "all_values_are_missing")

    def dropped() -> Column:
        from pyspark.sql import functions as F

        missing = [F.col(column.sql).isNull() for column in columns]
        return reduce(lambda left, right: left & right if every else left | right, missing)

    return dropped


def _pair(kwargs: Mapping[str, Json], schema: StructType, compare: Callable[[Column, Column], Column]) -> RowRule:
    left, right = resolve(kwargs.get("column_A"), schema), resolve(kwargs.get("column_B"), schema)

    def unexpected() -> Column:
        from pyspark.sql import functions as F

        return ~compare(F.col(left.sql), F.col(right.sql))

    dropped = dropped_rows(kwargs, (left, right), "both_values_are_missing")
    return RowRule(columns=(left, right), unexpected=unexpected, dropped=dropped)


def _greater(kwargs: Mapping[str, Json], schema: StructType, house: bool) -> RowRule:
    del house
    if kwargs.get("or_equal"):
        return _pair(kwargs, schema, lambda left, right: (left >= right) | left.eqNullSafe(right))
    return _pair(kwargs, schema, lambda left, right: left > right)


def _equal(kwargs: Mapping[str, Json], schema: StructType, house: bool) -> RowRule:
    del house
    return _pair(kwargs, schema, lambda left, right: left.eqNullSafe(right))


def record(kwargs: Mapping[str, Json], schema: StructType) -> tuple[Field, ...]:
    """The columns of a check that names a ``column_list``."""
    names = kwargs.get("column_list")
    if not isinstance(names, list | tuple) or not names:
        raise EvaluationError("column_list names no column", expected="a list of columns")
    return tuple(resolve(name, schema) for name in names)


def _sum(kwargs: Mapping[str, Json], schema: StructType, house: bool) -> RowRule:
    from pyspark.sql.types import IntegralType

    columns = record(kwargs, schema)
    wanted = kwargs.get("sum_total")
    if isinstance(wanted, bool) or not isinstance(wanted, int | float | str):
        raise EvaluationError("sum_total is not a number", expected="a number")

    def unexpected() -> Column:
        from pyspark.sql import functions as F

        parts = []
        for column in columns:
            text = f"COALESCE({column.sql}, 0)"
            parts.append(f"CAST({text} AS DECIMAL(38, 0))" if isinstance(column.type, IntegralType) else text)
        exact = house and not any(column.type.typeName() in ("double", "float") for column in columns)
        total = Decimal(str(wanted)) if exact else float(str(wanted))
        return ~(F.expr("+".join(parts)) == F.lit(total))

    dropped = dropped_rows(kwargs, columns, "all_values_are_missing")
    return RowRule(columns=columns, unexpected=unexpected, dropped=dropped)


_COLUMNS_RULES: Mapping[str, Callable[[Mapping[str, Json], StructType, bool], RowRule]] = {
    "expect_column_pair_values_a_to_be_greater_than_b": _greater,
    "expect_column_pair_values_to_be_equal": _equal,
    "expect_multicolumn_sum_to_equal": _sum,
}
