"""Keys that must stand elsewhere, and distinct values counted anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import reduce
from typing import TYPE_CHECKING

from dq.base.errors import EvaluationError
from dq.base.model import Json, Outcome
from dq.checks.compared_names import SO_FAR
from dq.checks.custom_check import MAX_ROWS, Judge, Judged, NothingToJudgeError, NotRunError, Request, listed
from dq.checks.key_rows import KeyRows, key_rows
from dq.engine.gather import column, column_types, condition, decimal, percent, shown, whole
from dq.engine.sums import counts, summed

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, Row
    from pyspark.sql.types import DataType


def values_to_refer_to(request: Request) -> Judge:
    """The rows whose key is in no row of another table: their share, and their sum where an amount values them.

    A row with a NULL in its key refers to nothing and is left to the check that requires the value; with
    ``where_known`` one of which these columns alone are not found is left to the check that looks for them.
    """
    from pyspark.sql import functions as F

    other, frame = request.other()
    names, theirs = request.texts("columns"), request.texts("other_columns")
    rule, other_rule = request.condition(), condition(frame, request.text("other_condition"), table=other)
    amount_name = request.text("amount")
    referred = frame if other_rule is None else frame.where(other_rule)
    groups = key_rows(request, names)

    def missing(parts: Sequence[int]) -> Column:
        some = [theirs[n] for n in parts]
        keys = referred.select(*(column(frame, name, table=other) for name in some))
        return groups.unknown(f"{some!r} of {other} where {request.text('other_condition')!r}", keys, parts)

    unknown = missing(range(len(theirs)))
    judged_by = request.texts("where_known")
    if judged_by:
        if not set(judged_by) < set(names):
            raise EvaluationError("where_known is not a part of columns", where=request.check.check)
        unknown = unknown & ~missing([names.index(name) for name in judged_by])
    worth = groups.worth(amount_name, request.column(amount_name, "number")) if amount_name else ""
    present = reduce(lambda left, right: left & right, (request.column(name).isNotNull() for name in names))
    read_rows = request.own_total(
        f"rows with {names!r} where {request.text('row_condition')!r}", F.count_if(_and(rule, present))
    )

    def total(value: Column, *types: DataType) -> Callable[[], object]:
        counted = F.when(unknown, value)
        return request.gather.of_groups(groups, str(counted), summed(counted, *types))

    read_orphans, read_keys = total(F.col("n")), total(F.lit(1))
    read_worth = total(F.col(worth), column_types(request.frame)[amount_name]) if worth else lambda: None
    allowed = request.share("max_share")
    most = decimal(request.kwargs.get("max_amount"))

    def judge() -> Judged:
        rows, lost, distinct = whole(read_rows()), whole(read_orphans()), whole(read_keys())
        request.refuse_nothing(rows, f"no row has a value of {', '.join(names)} to judge")
        amount = decimal(read_worth()) or Decimal(0)
        share = Decimal(lost) / rows if rows else Decimal(0)
        measures: dict[str, Json] = {"element_count": rows, "unexpected_count": lost, "keys": distinct}
        key = ", ".join(names)
        if not lost:
            observed = f"every {key} of {rows:,} rows is in {other}"
            observed += f", where their {', '.join(judged_by)} is" if judged_by else ""
            return Judged(outcome=Outcome.PASSED, observed=observed, measures=measures)
        valued = ""
        if amount_name:
            measures["off_by"] = str(abs(amount))
            valued = f", worth {shown(amount)} of {amount_name}"
        observed = (
            f"{lost:,} of {rows:,} rows ({percent(share)}) have no row of {other} for their {key}"
            f" ({distinct:,} different){valued}"
        )
        too_much = most is not None and (not amount.is_finite() or abs(amount) > most)
        failed = share > allowed or too_much
        if allowed or most is not None:
            limits = [f"{percent(allowed)} of the rows"] if allowed else []
            limits += [f"{shown(most)} of {amount_name}"] if most is not None else []
            observed += f" (allowed {' and '.join(limits)})"
        samples = _orphans(request, groups, unknown, names) if failed else []
        outcome = Outcome.FAILED if failed else Outcome.PASSED
        return Judged(outcome=outcome, observed=observed, measures=measures, rows=samples)

    return judge


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
    group = " / ".join("NULL" if row[f"key{n}"] is None else str(row[f"key{n}"]) for n in range(keys))
    line = (group or "all rows") if show or not keys else f"group {number}"
    return {"line": line, "ours": shown(decimal(row["ours"]), "none"), "theirs": shown(decimal(row["theirs"]), "none")}


def _orphans(request: Request, groups: KeyRows, unknown: Column, names: list[str]) -> list[dict[str, Json]]:
    """The keys that most rows without a counterpart have, only where the suite opts their columns in."""
    from pyspark.sql import functions as F

    if not (request.context.sample and request.check.show):
        return []
    found = groups.frame().where(unknown).orderBy(F.desc("n"), *groups.keys).limit(MAX_ROWS).collect()
    return [
        {**{name: str(row[key]) for name, key in zip(names, groups.keys, strict=True)}, "rows": str(row["n"])}
        for row in found
    ]


def _and(rule: Column | None, wrong: Column) -> Column:
    return wrong if rule is None else rule & wrong
