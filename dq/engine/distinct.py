"""Expectation types about the distinct values of a column; values are fetched only where they can decide."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from dq.base.model import Check, Json
from dq.engine.bounds import bounds_of, number
from dq.engine.fields import resolve, where_of
from dq.engine.measures import matching, nulls, rows
from dq.engine.native_demand import Concluded, Distinct, DistinctFound, Found, Requirement
from dq.engine.native_map import in_set_rule, members_of

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import StructType

MAX_VALUES = 20


def distinct_requirement(check: Check, schema: StructType, *, house: bool) -> Requirement:
    """Whether the distinct values lie in, contain, or equal a set.

    Whether any value lies outside is one more measure of the scan; only if one does are the values looked up.
    """
    column = resolve(check.kwargs.get("column"), schema)
    where = where_of(check.kwargs, schema)
    members = members_of(check.kwargs)
    inside = check.type != "expect_column_distinct_values_to_contain_set"
    contains = check.type != "expect_column_distinct_values_to_be_in_set"
    rule = in_set_rule(column, members, house=house)
    text = f"outside {column.name} {members!r}{'' if house else ' as GX'}"
    outside = matching(text, rule.unexpected, frozenset({column.top}), where)
    asked = Distinct(column=column, where=where, members=tuple(members), outside=inside, present=contains, exact=house)
    counted = (rows(where), nulls(column, where)) if house else ()

    def judge(found: Found) -> Concluded:
        seen = found.distinct.get(asked.key, DistinctFound())
        result: dict[str, object] = {"observed_value": None}
        lists: dict[str, object] = {}
        success = True
        if inside:
            result["unexpected_count"] = seen.outside_count
            lists["partial_unexpected_list"] = list(seen.outside)[:MAX_VALUES]
            success = seen.outside_count == 0
        if contains:
            absent = len(members) - seen.present_count
            result["missing_count"] = absent
            lists["partial_missing_list"] = missing(members, seen.present, exact=house)[:MAX_VALUES]
            success = success and absent == 0
        measures: dict[str, Json] = {
            key: int(str(result[key])) for key in ("unexpected_count", "missing_count") if key in result
        }
        left = found.count(counted[0]) - found.count(counted[1]) if counted else None
        return Concluded(success=success, left=left, result={**result, **lists}, measures=measures)

    return Requirement(
        check=check,
        columns=(column.top, *sorted(where.columns - {column.top})),
        measures=(outside, *counted) if inside else counted,
        distinct=asked,
        distinct_unless=None if contains else outside,
        judge=judge,
    )


def count_requirement(check: Check, schema: StructType, *, house: bool) -> Requirement:
    """The number of distinct values of a column against a range."""
    del house
    column = resolve(check.kwargs.get("column"), schema)
    where = where_of(check.kwargs, schema)
    bounds = bounds_of(check.kwargs)
    asked = Distinct(column=column, where=where, count=True)

    def judge(found: Found) -> Concluded:
        count = found.distinct[asked.key].count
        measures: dict[str, Json] = {"distinct_count": count}
        return Concluded(success=bounds.holds(count), left=count, result={"observed_value": count}, measures=measures)

    return Requirement(
        check=check,
        columns=(column.top, *sorted(where.columns - {column.top})),
        distinct=asked,
        judge=judge,
    )


def mode_requirement(check: Check, schema: StructType, *, house: bool) -> Requirement:
    """Whether the most common value is in a set; of several as common as each other, one is enough if ties are okay."""
    column = resolve(check.kwargs.get("column"), schema)
    where = where_of(check.kwargs, schema)
    asked = Distinct(column=column, where=where, members=tuple(members_of(check.kwargs)), modes=True, exact=house)
    ties = bool(check.kwargs.get("ties_okay"))

    def judge(found: Found) -> Concluded:
        seen = found.distinct[asked.key]
        if not seen.modes:
            return Concluded(success=False, result={"observed_value": None}, measures={"values": 0})
        success = seen.modes_inside > 0 if ties else seen.modes == seen.modes_inside == 1
        return Concluded(
            success=success,
            result={"observed_value": None},
            measures={"most_common_values": seen.modes, "most_common_in_set": seen.modes_inside},
        )

    return Requirement(
        check=check,
        columns=(column.top, *sorted(where.columns - {column.top})),
        distinct=asked,
        judge=judge,
    )


def look_up(frame: DataFrame, asked: Distinct) -> DistinctFound:
    """The answer to one question about distinct values: one small action for each thing asked."""
    from pyspark.sql import functions as F

    kept = frame.where(F.expr(asked.where.sql)) if asked.where.sql else frame
    values = kept.select(F.col(asked.column.sql).alias("value")).where(F.col("value").isNotNull())
    count = values.agg(F.countDistinct("value")).collect()[0][0] if asked.count else 0
    members = list(asked.members)
    modes = modes_inside = 0
    if asked.modes:
        modes, modes_inside = _modes(values, in_set_rule(asked.column, members, house=asked.exact).expected)
    present: Sequence[object] = ()
    if asked.present and members:
        rule = in_set_rule(asked.column, members, house=asked.exact)
        found = values.where(rule.expected(F.col("value"))).distinct().limit(len(members) + 1).collect()
        present = [row[0] for row in found]
    outside_count, outside = 0, []
    if asked.outside:
        rule = in_set_rule(asked.column, members, house=asked.exact)
        others = values.where(~rule.expected(F.col("value"))) if members else values
        outside_count = others.agg(F.countDistinct("value")).collect()[0][0] or 0
        outside = [row[0] for row in others.distinct().limit(MAX_VALUES).collect()] if outside_count else []
    return DistinctFound(
        count=int(count or 0),
        outside_count=int(outside_count),
        outside=outside,
        present=present,
        present_count=len(present),
        modes=modes,
        modes_inside=modes_inside,
    )


def _modes(values: DataFrame, member: Callable[[Column], Column]) -> tuple[int, int]:
    """How many values are as common as the most common one, and how many of them are members."""
    from pyspark.sql import functions as F

    counts = values.groupBy("value").agg(F.count(F.lit(1)).alias("n"))
    by_count = counts.groupBy("n").agg(
        F.count(F.lit(1)).alias("modes"), F.count_if(member(F.col("value"))).alias("inside")
    )
    most = by_count.orderBy(F.desc("n")).first()
    return (most["modes"], most["inside"]) if most is not None else (0, 0)


def missing(members: Sequence[object], present: Sequence[object], *, exact: bool) -> list[object]:
    """The members that are not among the values present, compared by value, not by how they are written."""
    if not exact:
        return [member for member in members if member not in present]
    seen = {_written(value) for value in present}
    return [member for member in members if _written(member) not in seen]


def _written(value: object) -> str:
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        plain = number(value)
        return f"{plain.normalize():f}" if isinstance(plain, Decimal) else str(plain)
    return value.isoformat() if isinstance(value, date) else str(value)
