"""Distinct values counted anew, against the count that is published."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from dq.base.model import Evidence, Json, Outcome
from dq.checks.compared_names import SO_FAR
from dq.checks.custom_check import MAX_ROWS, Judge, Judged, NothingToJudgeError, NotRunError, Request, group_of, listed
from dq.checks.type_spec import OTHER_CONDITION, ROW_CONDITION, KwargSpec, KwargType, TypeSpec, own_column
from dq.engine.gather import column, condition, decimal, shown, whole
from dq.engine.sums import counts

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, Row


def distinct_counts_to_match(request: Request) -> Judge:
    """A published count of distinct values against the same count made anew, for every group on either side.

    With ``so_far`` a row of the other table counts for its own ``day`` and all later days of its week or month that
    ``through`` names, so that a count which grows over the days is counted from the rows and not from itself. A row
    with a reason is left out, and fails unless the other table lacks a day of its week or month; so does one without.
    """
    from pyspark.sql import functions as F

    other, frame = request.other()
    by, so_far = request.texts("by"), request.text("so_far")
    through = [(request.text("through"), "day")] if so_far else []
    wanted, other_rule = request.condition(), condition(frame, request.text("other_condition"), table=other)
    why = request.text("reason_column")
    rule = _and(wanted, request.column(why).isNull()) if why else wanted
    value = column(frame, request.text("other_column"), table=other)
    pairs = [*((name, name) for name in by), *through]
    keys = [f"key{n}" for n in range(len(pairs))]
    ours = (request.frame if rule is None else request.frame.where(rule)).select(
        *(request.column(name).alias(key) for (name, _), key in zip(pairs, keys, strict=True)),
        request.column(request.text("column"), "number").cast("decimal(20,0)").alias("ours"),
    )
    theirs = (frame if other_rule is None else frame.where(other_rule)).select(
        *(column(frame, name, table=other).alias(key) for (_, name), key in zip(pairs, keys, strict=True)),
        value.alias("value"),
    )
    if so_far:
        values = _so_far(theirs, ours, keys, so_far)
    else:
        values = theirs.groupBy(*keys).agg(F.count_distinct("value").alias("theirs"))
    counted = values.withColumn("theirs", F.col("theirs").cast("decimal(20,0)"))
    # Stacked, not joined: keys may be NULL, and a group that only one side has must be seen.
    both = ours.withColumn("theirs", F.lit(None).cast("decimal(20,0)")).unionByName(
        counted.withColumn("ours", F.lit(None).cast("decimal(20,0)"))
    )
    compared = both.groupBy(*keys).agg(counts("ours").alias("ours"), counts("theirs").alias("theirs"))
    # A group nobody was counted in and that published nobody agree; so do groups without anybody and none at all.
    mine, their = F.coalesce("ours", F.lit(0)), F.coalesce("theirs", F.lit(0))
    off = F.abs(mine - their)
    table = f"distinct of {request.check.check}"
    read_groups = request.gather.total(table, compared, "groups", F.count(F.lit(1)))
    read_wrong = request.gather.total(table, compared, "wrong", F.count_if(off > 0))
    read_off = request.gather.total(table, compared, "off", counts(off))
    label = request.text("column")
    read_nulls = request.own_total(
        f"no count in {label!r} and no {why!r} where {request.text('row_condition')!r}",
        F.count_if(_and(rule, request.column(label).isNull())),
    )
    covered = _published(request, other, theirs.select(F.col(keys[-1]).cast("date").alias("day"))) if why else None
    reasons = _reasons(request, wanted, covered, why) if covered is not None else None

    def judge() -> Judged:
        groups, wrong, nulls = whole(read_groups()), whole(read_wrong()), whole(read_nulls())
        reasoned, untrue, unsaid, counted_too = (whole(read()) for read in reasons) if reasons else (0, 0, 0, 0)
        if untrue or unsaid or counted_too:
            parts = [f"{untrue:,} rows have one, though no day lacks"] if untrue else []
            parts += [f"{unsaid:,} rows have none, though a day lacks"] if unsaid else []
            parts += [f"{counted_too:,} rows have one beside a count"] if counted_too else []
            observed = f"{why} does not say in which {so_far} {other} lacks a day: {'; '.join(parts)}"
            counts: dict[str, Json] = {"groups": groups, "unexpected_count": untrue + unsaid + counted_too}
            return Judged(outcome=Outcome.FAILED, observed=observed, measures=counts)
        if reasoned and not groups:
            raise NotRunError(f"no {label} to count: {other} lacks a day of each {so_far}, as {why} says of every row")
        if not groups:
            raise NothingToJudgeError(f"there is no group on either side to compare with {other}")
        measures: dict[str, Json] = {"groups": groups, "totals_off": wrong, "off_by": str(decimal(read_off()) or 0)}
        if nulls:
            observed = f"{label} is NULL in {nulls:,} rows"
            return Judged(outcome=Outcome.FAILED, observed=observed, measures=measures)
        if not wrong:
            agree = f"{label} of {groups:,} groups is what {other} counts anew"
            return Judged(outcome=Outcome.PASSED, observed=agree, measures=measures)
        worst = compared.where(off > 0).orderBy(off.desc(), *keys).limit(MAX_ROWS).collect()
        lines = [_difference(row, number, len(pairs), request.check.show) for number, row in enumerate(worst, start=1)]
        told = [f"{line['line']}: {line['ours']}, {other} {line['theirs']}" for line in lines]
        observed = f"{wrong:,} of {groups:,} groups differ in {label}: {listed(told)}"
        return Judged(outcome=Outcome.FAILED, observed=observed, measures=measures, rows=lines)

    return judge


def _published(request: Request, other: str, rows: DataFrame) -> DataFrame:
    """The days there are of another table: those published, with rows or without, or else those that have rows."""
    from pyspark.sql import functions as F

    days = request.context.published_days.get(other.removesuffix(SO_FAR))
    if not days:
        return rows
    return rows.sparkSession.range(1).select(F.explode(F.array(*map(F.lit, sorted(days)))).alias("day"))


def _reasons(request: Request, rule: Column | None, theirs: DataFrame, why: str) -> list[Callable[[], object]]:
    """Readers of how many rows have a reason, of them those that need none, how many lack one, and have a count too.

    A reason is needed where the week or month of the row is not covered: some day up to the row's own is not in
    ``theirs``.
    """
    from pyspark.sql import functions as F

    begins = F.date_trunc(request.text("so_far"), F.col("day")).cast("date")
    rows = request.frame if rule is None else request.frame.where(rule)
    said = request.column(why).isNotNull()
    days = (
        rows.groupBy(request.column(request.text("through")).cast("date").alias("day"))
        .agg(
            F.count_if(said).alias("with"),
            F.count(F.lit(1)).alias("rows"),
            F.count_if(said & request.column(request.text("column")).isNotNull()).alias("counted"),
        )
        .withColumn("begins", begins)
        .alias("ours")
    )
    there = theirs.distinct().withColumn("begins", begins).alias("theirs")
    until = (F.col("ours.begins") == F.col("theirs.begins")) & (F.col("theirs.day") <= F.col("ours.day"))
    numbers = ("with", "rows", "counted")
    found = days.join(F.broadcast(there), on=until, how="left").groupBy("ours.day", "ours.begins", *numbers)
    covered = F.col("there") == F.datediff("day", "begins") + 1
    table, frame = f"reasons of {request.check.check}", found.agg(F.count("theirs.day").alias("there"))
    values = {
        "reasons": counts("with"),
        "untrue": counts(F.when(covered, F.col("with"))),
        "unsaid": counts(F.when(~covered, F.col("rows") - F.col("with"))),
        "counted": counts("counted"),
    }
    return [request.gather.total(table, frame, name, value) for name, value in values.items()]


def _so_far(theirs: DataFrame, ours: DataFrame, keys: list[str], period: str) -> DataFrame:
    """For every day of our groups, the last key, how many different values its week or month has had until then.

    A value counts from the first day on that it is there. What is spread over the later days is therefore how many
    values were new on a day, few rows, and not every value again for every day.
    """
    from pyspark.sql import functions as F

    *groups, day = keys
    first = theirs.groupBy(*groups, F.date_trunc(period, F.col(day)).alias("begins"), "value").agg(
        F.min(day).alias("first")
    )
    new = first.groupBy(*groups, "begins", "first").agg(F.count("value").alias("new"))
    days = ours.select(day).distinct().withColumn("begins", F.date_trunc(period, F.col(day)))
    spread = new.join(F.broadcast(days), on="begins", how="inner").where(F.col("first") <= F.col(day))
    return spread.groupBy(*keys).agg(counts("new").alias("theirs"))


def _difference(row: Row, number: int, keys: int, show: bool) -> dict[str, Json]:
    group = group_of(row, keys)
    line = (group or "all rows") if show or not keys else f"group {number}"
    return {"line": line, "ours": shown(decimal(row["ours"]), "none"), "theirs": shown(decimal(row["theirs"]), "none")}


def _and(rule: Column | None, wrong: Column) -> Column:
    return wrong if rule is None else rule & wrong


def _mistakes(kwargs: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    if (kwargs.get("so_far") is None) != (kwargs.get("through") is None):
        yield "through", "so_far and through belong together: of what to count, and up to which day"
    if kwargs.get("reason_column") is not None and kwargs.get("so_far") is None:
        yield "so_far", "reason_column needs the week or month of which a day may lack"


TYPE = TypeSpec(
    doc="A published count of distinct values equals the one counted anew from another table, group by group.",
    sentence="$column must be the number of distinct $other_column in $other[, by $by]"
    "[, counted over the $so_far up to $through]"
    "[, except where $reason_column says that $other lacks a day of it][, of rows where $row_condition]"
    "[, of other rows where $other_condition].",
    kwargs={
        "column": own_column("The published count."),
        "other": KwargSpec(type=KwargType.TABLE, required=True, doc="The dataset counted anew."),
        "other_column": KwargSpec(
            type=KwargType.OTHER_COLUMN, required=True, doc="Column whose distinct values are counted."
        ),
        "by": KwargSpec(type=KwargType.BY, default=(), doc="Columns whose every group is counted."),
        "so_far": KwargSpec(
            type=KwargType.CHOICE,
            choices=("week", "month"),
            doc="Count from the beginning of the ISO week or month of `through` to that day, by the other's `day`.",
        ),
        "through": KwargSpec(
            type=KwargType.COLUMN, doc="Date up to which a row counts so far; each of its days is a group."
        ),
        "reason_column": KwargSpec(
            type=KwargType.COLUMN,
            doc="Why a row has no count: exactly where the other dataset lacks a day of that week or month.",
        ),
        "row_condition": ROW_CONDITION,
        "other_condition": OTHER_CONDITION,
    },
    mistakes=_mistakes,
    judge=distinct_counts_to_match,
    evidence=Evidence.COMPARISON,
    how="distinct values",
)
