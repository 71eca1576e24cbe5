"""Row-wise expectation types of one column: the condition of an unexpected row, and what footers prove about it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from typing import TYPE_CHECKING

from dq.base.errors import EvaluationError
from dq.base.model import Check, Json
from dq.engine.bounds import Bounds, bounds_of, literal
from dq.engine.exact import at_least, at_most, is_in
from dq.engine.fields import Field, resolve, where_of
from dq.engine.footers import ColumnFooter, Footers
from dq.engine.measures import Measure, Value, matching, nulls, rows
from dq.engine.native_demand import Concluded, Found, Requirement, Unexpected

if TYPE_CHECKING:
    from pyspark.sql import Column
    from pyspark.sql.types import StructType


@dataclass(frozen=True, kw_only=True)
class RowRule:
    """The unexpected rows of one check: a condition, the rows left out, and a footer proof that there are none."""

    columns: tuple[Field, ...]
    unexpected: Callable[[], Column]
    expected: Callable[[Column], Column] = lambda value: value.isNotNull()
    dropped: Callable[[], Column] | None = None
    none_unexpected: Callable[[ColumnFooter], bool] = lambda _: False


def column_requirement(check: Check, schema: StructType, *, house: bool) -> Requirement:
    """A row-wise check of one column; NULLs are left out."""
    column = resolve(check.kwargs.get("column"), schema)
    where = where_of(check.kwargs, schema)
    rule = _COLUMN_RULES[check.type](check.kwargs, column, house)
    all_rows, missing = rows(where), nulls(column, where)
    failing = matching(identity(check, house), rule.unexpected, frozenset({column.top}), where)

    def judge(found: Found) -> Concluded:
        total = found.count(all_rows)
        return judged(check, total, total - found.count(missing), found.count(failing))

    def proof(footers: Footers) -> Mapping[Measure, Value]:
        footer = footers.columns.get(column.name)
        provable = footer is not None and footer.ordered and not where.sql
        return {failing: 0} if provable and footer and _none(rule, footer) else {}

    return Requirement(
        check=check,
        columns=(column.top, *sorted(where.columns - {column.top})),
        measures=(all_rows, missing, failing),
        unexpected=Unexpected(columns=(column,), condition=rule.unexpected, where=where),
        sums=not house,
        proof=proof,
        judge=judge,
    )


def _none(rule: RowRule, footer: ColumnFooter) -> bool:
    if footer.minimum is None:
        return True
    try:
        return rule.none_unexpected(footer)
    except TypeError:
        return False


def null_requirement(check: Check, schema: StructType, *, house: bool) -> Requirement:
    """Whether a column is NULL (or not) in every row."""
    column = resolve(check.kwargs.get("column"), schema)
    where = where_of(check.kwargs, schema)
    all_rows, missing = rows(where), nulls(column, where)
    wanted_null = check.type == "expect_column_values_to_be_null"

    def judge(found: Found) -> Concluded:
        total, empty = found.count(all_rows), found.count(missing)
        return judged(check, total, None, total - empty if wanted_null else empty)

    def condition() -> Column:
        from pyspark.sql import functions as F

        value = F.col(column.sql)
        return ~value.isNull() if wanted_null else ~value.isNotNull()

    return Requirement(
        check=check,
        columns=(column.top, *sorted(where.columns - {column.top})),
        measures=(all_rows, missing),
        unexpected=Unexpected(columns=(column,), condition=condition, where=where),
        sums=not house,
        judge=judge,
    )


def judged(check: Check, total: int, kept: int | None, unexpected: int) -> Concluded:
    """A row-wise check judged by its ``mostly``: no rows to look at is a pass, as in Great Expectations."""
    considered = total if kept is None else kept
    mostly = check.kwargs.get("mostly")
    share = 1.0 if mostly is None else float(str(mostly))
    success = True if not total or not considered else (considered - unexpected) / considered >= share
    measures: dict[str, Json] = {"element_count": total, "unexpected_count": unexpected}
    if kept is not None:
        measures["missing_count"] = total - kept
    return Concluded(success=success, rows=total, kept=kept, unexpected=unexpected, left=kept, measures=measures)


def identity(check: Check, house: bool) -> str:
    """The text that tells a condition from all others: the type and the kwargs that make it."""
    apart = {"mostly", "row_condition", "condition_parser"}
    kwargs = {name: value for name, value in check.kwargs.items() if name not in apart}
    return f"{check.type}{json.dumps(kwargs, sort_keys=True, default=repr)}{'' if house else ' as GX'}"


def _not_null_and(column: Field, expected: Callable[[Column], Column]) -> Callable[[], Column]:
    def condition() -> Column:
        from pyspark.sql import functions as F

        value = F.col(column.sql)
        return value.isNotNull() & ~expected(value)

    return condition


def _between(kwargs: Mapping[str, Json], column: Field, house: bool) -> RowRule:
    from pyspark.sql.types import BooleanType, DecimalType, FractionalType, StringType

    bounds = bounds_of(kwargs)
    if bounds.low is None and bounds.high is None:
        raise EvaluationError("the check has neither min_value nor max_value", expected="at least one of them")
    if not bounds.ordered() or (not house and _out_of_order(kwargs)):
        raise EvaluationError("min_value is above max_value", expected="a range some value can lie in")
    if isinstance(column.type, StringType | BooleanType):
        raise EvaluationError(
            f"{column.name} is of type {column.type.simpleString()}, which has no range",
            expected="a column of numbers, days or instants",
        )
    binary = isinstance(column.type, FractionalType) and not isinstance(column.type, DecimalType)

    def expected(value: Column) -> Column:
        from pyspark.sql import functions as F

        inside = _inside(value, bounds, column, house)
        return inside & ~F.isnan(value) if house and binary else inside

    return RowRule(
        columns=(column,),
        unexpected=_not_null_and(column, expected),
        none_unexpected=lambda footer: bounds.holds(footer.minimum) and bounds.holds(footer.maximum),
    )


def _out_of_order(kwargs: Mapping[str, Json]) -> bool:
    """Whether Great Expectations finds the bounds the wrong way round: it compares them as they are written."""
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    try:
        return low is not None and high is not None and low > high  # type: ignore[operator]
    except TypeError:
        return True


def _inside(value: Column, bounds: Bounds, column: Field, house: bool) -> Column:
    parts = []
    if house:
        if bounds.low is not None:
            parts.append(at_least(value, bounds.low, column.type, strict=bounds.strict_low))
        if bounds.high is not None:
            parts.append(at_most(value, bounds.high, column.type, strict=bounds.strict_high))
        return reduce(lambda left, right: left & right, parts)
    if bounds.low is not None:
        low = literal(bounds.low, column.type, exact=False)
        parts.append(value > low if bounds.strict_low else value >= low)
    if bounds.high is not None:
        high = literal(bounds.high, column.type, exact=False)
        parts.append(value < high if bounds.strict_high else value <= high)
    return reduce(lambda left, right: left & right, parts)


def members_of(kwargs: Mapping[str, Json]) -> list[object]:
    """The values of a check's ``value_set``."""
    members = kwargs.get("value_set")
    if not isinstance(members, list | tuple | set | frozenset):
        raise EvaluationError("value_set is not a list", expected="a list of values")
    return list(members)


def in_set_rule(column: Field, members: list[object], *, house: bool) -> RowRule:
    """The values outside a set; footers prove that there are none where the column is constant."""

    def expected(value: Column) -> Column:
        return is_in(value, members, column.type) if house else value.isin(members)

    def constant_member(footer: ColumnFooter) -> bool:
        return footer.minimum == footer.maximum and any(_same(footer.minimum, item) for item in members)

    return RowRule(
        columns=(column,),
        expected=expected,
        unexpected=_not_null_and(column, expected),
        none_unexpected=constant_member,
    )


def _in_set(kwargs: Mapping[str, Json], column: Field, house: bool) -> RowRule:
    return in_set_rule(column, members_of(kwargs), house=house)


def _not_in_set(kwargs: Mapping[str, Json], column: Field, house: bool) -> RowRule:
    members = members_of(kwargs)

    def expected(value: Column) -> Column:
        return ~(is_in(value, members, column.type) if house else value.isin(members))

    return RowRule(columns=(column,), unexpected=_not_null_and(column, expected))


def _same(value: Value, member: object) -> bool:
    plain = member if not isinstance(member, float) else Decimal(repr(member))
    if isinstance(value, bool) or isinstance(plain, bool):
        return value is plain
    if isinstance(value, int | Decimal):
        return isinstance(plain, int | Decimal) and value == plain
    return type(value) is type(plain) and value == plain


def _regex(kwargs: Mapping[str, Json], column: Field, house: bool) -> RowRule:
    del house
    pattern = _pattern(kwargs.get("regex", "(?s).*"))
    return RowRule(columns=(column,), unexpected=_not_null_and(column, lambda value: value.rlike(pattern)))


def _not_regex(kwargs: Mapping[str, Json], column: Field, house: bool) -> RowRule:
    del house
    pattern = _pattern(kwargs.get("regex"))
    return RowRule(columns=(column,), unexpected=_not_null_and(column, lambda value: ~value.rlike(pattern)))


def _pattern(value: Json) -> str:
    """A pattern that Java can compile: one that it cannot would take the whole scan down."""
    from pyspark.sql import SparkSession

    if not isinstance(value, str):
        raise EvaluationError("regex is not text", expected="a regular expression")
    session = SparkSession.getActiveSession()
    if session is not None:
        try:
            session._jvm.java.util.regex.Pattern.compile(value)  # type: ignore[union-attr]
        except Exception as error:
            raise EvaluationError(f"{value} is not a regular expression", expected="one in Java's syntax") from error
    return value


def _lengths(kwargs: Mapping[str, Json], column: Field, house: bool) -> RowRule:
    del house
    bounds = bounds_of(kwargs)
    ends = [end for end in (bounds.low, bounds.high) if end is not None]
    if not ends or not all(isinstance(end, Decimal) and end == int(end) for end in ends):
        raise EvaluationError("a bound of the length is not a whole number", expected="min_value, max_value or both")

    def expected(value: Column) -> Column:
        from pyspark.sql import functions as F

        length = F.length(value)
        parts = []
        if isinstance(bounds.low, Decimal):
            parts.append(length > int(bounds.low) if bounds.strict_low else length >= int(bounds.low))
        if isinstance(bounds.high, Decimal):
            parts.append(length < int(bounds.high) if bounds.strict_high else length <= int(bounds.high))
        return reduce(lambda left, right: left & right, parts)

    return RowRule(columns=(column,), unexpected=_not_null_and(column, expected))


def _length(kwargs: Mapping[str, Json], column: Field, house: bool) -> RowRule:
    del house
    wanted = kwargs.get("value")
    if isinstance(wanted, bool) or not isinstance(wanted, int | float):
        raise EvaluationError("value is not a length", expected="a whole number")

    def expected(value: Column) -> Column:
        from pyspark.sql import functions as F

        return F.length(value) == float(wanted)

    return RowRule(columns=(column,), unexpected=_not_null_and(column, expected))


_COLUMN_RULES: Mapping[str, Callable[[Mapping[str, Json], Field, bool], RowRule]] = {
    "expect_column_values_to_be_between": _between,
    "expect_column_values_to_be_in_set": _in_set,
    "expect_column_values_to_not_be_in_set": _not_in_set,
    "expect_column_values_to_match_regex": _regex,
    "expect_column_values_to_not_match_regex": _not_regex,
    "expect_column_value_lengths_to_be_between": _lengths,
    "expect_column_value_lengths_to_equal": _length,
}
