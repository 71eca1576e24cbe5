"""Sequences per group: every number there once, in the order in which things happened."""

from __future__ import annotations

from dq.base.model import Evidence, Json, Outcome
from dq.checks.custom_check import Judge, Judged, Request
from dq.checks.type_spec import KwargSpec, KwargType, TypeSpec, own_column
from dq.engine.gather import whole
from dq.engine.sums import counts


def sequences_without_gaps(request: Request) -> Judge:
    """Numbers missing or repeated in a group, and rows whose order falls while the number rises.

    A row without a number or without a group belongs to no sequence and is wrong itself. Groups are compared row by
    row with the row before, so one lost number is one gap however long the sequence is.
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    name, start = request.text("column"), request.count("start", 1)
    number = request.column(name, "number")
    keys = [request.column(key) for key in request.texts("group")]
    order = request.column(request.text("order")) if request.text("order") else F.lit(None)
    homeless = number.isNull()
    for key in keys:
        homeless = homeless | key.isNull()
    named = request.frame.select(
        *(key.alias(f"key{n}") for n, key in enumerate(keys)),
        number.alias("number"),
        order.alias("place"),
        homeless.alias("homeless"),
    )
    by_number = Window.partitionBy(*(f"key{n}" for n in range(len(keys))), "homeless").orderBy("number", "place")
    followed = named.select(
        "number",
        "place",
        "homeless",
        F.lag("number").over(by_number).alias("before"),
        F.lag("place").over(by_number).alias("place_before"),
    )
    there = ~F.col("homeless")
    step = F.col("number") - F.coalesce("before", F.lit(start - 1))
    table = f"sequences of {request.check.check}"
    ways = {
        f"{name}s are missing": counts(F.when(there & (step > 1), (step - 1).cast("decimal(20,0)"))),
        f"rows repeat a {name}": F.count_if(there & F.col("before").isNotNull() & (step == 0)),
        f"rows are below {start}": F.count_if(there & (F.col("number") < start)),
        f"rows come before the {request.text('order')} of the row they follow": F.count_if(
            there & (F.col("place") < F.col("place_before"))
        ),
        f"rows have no {name} or no {' or '.join(request.texts('group'))}": F.count_if("homeless"),
    }
    read_rows = request.gather.total(table, followed, "rows", F.count(F.lit(1)))
    readers = {way: request.gather.total(table, followed, way, count) for way, count in ways.items()}

    def judge() -> Judged:
        rows = whole(read_rows())
        request.refuse_nothing(rows)
        found = {way: count for way, read in readers.items() if (count := whole(read()))}
        measures: dict[str, Json] = {"element_count": rows, "unexpected_count": sum(found.values())}
        if not found:
            return Judged(outcome=Outcome.PASSED, observed=f"all {rows:,} rows follow each other", measures=measures)
        observed = "; ".join(f"{count:,} {way}" for way, count in found.items()) + f", of {rows:,} rows"
        return Judged(outcome=Outcome.FAILED, observed=observed, measures=measures)

    return judge


TYPE = TypeSpec(
    doc="The numbers of every group count up by one without gap or repetition, in the order of another column.",
    sentence="$column must count up from $start without gap or repetition for each $group[, in the order of $order].",
    kwargs={
        "column": own_column("The whole number that counts up."),
        "group": KwargSpec(type=KwargType.COLUMNS, required=True, doc="Columns that name one sequence."),
        "order": KwargSpec(type=KwargType.COLUMN, doc="Column that must never fall while the number rises."),
        "start": KwargSpec(type=KwargType.COUNT, default=1, doc="The first number of every sequence."),
    },
    judge=sequences_without_gaps,
    evidence=Evidence.COMPARISON,
    how="one pass in the order of numbers",
)
