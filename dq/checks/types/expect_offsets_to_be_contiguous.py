"""Offsets of a queue's partitions that never landed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from dq.base.errors import EvaluationError
from dq.base.model import Evidence, Json, Outcome
from dq.checks.custom_check import MAX_ROWS, Judge, Judged, NotRunError, Request, group_of, listed
from dq.checks.events import instant
from dq.checks.queues import HOUR, MAX_PARTITIONS, begin_of, bounded
from dq.checks.type_spec import KwargSpec, KwargType, TypeSpec, own_column
from dq.engine.gather import column_types, decimal, whole
from dq.engine.sums import counts

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


def offsets_to_be_contiguous(request: Request) -> Judge:
    """The offsets between the first and the last one landed that never did, partition by partition.

    Only rows that arrived within the period count, after its first hours: offsets before were partly taken by late rows
    of earlier days, offsets after it by rows of later days, and neither are among the rows of this period.
    """
    from pyspark.sql import functions as F

    if request.context.window is None:
        raise EvaluationError("there is no period to judge offsets in", where=request.check.check, do="give a period")
    names, offset = request.texts("columns"), _whole(request, request.text("offset"))
    arrival = F.unix_micros(instant(request, request.text("arrival")))
    window = request.context.window
    settle = decimal(request.kwargs.get("settle_hours")) or Decimal(0)
    first = begin_of(request.context.days_from or window.start) + int(settle * HOUR)
    last = begin_of(window.data_through + timedelta(days=1))
    if first >= last:
        raise NotRunError(f"the period is not {settle} hours old; until then offsets may be those of days before it")
    landed = request.frame.where((arrival >= first) & (arrival < last) & offset.isNotNull()).select(
        *(request.column(name).alias(f"key{n}") for n, name in enumerate(names)), offset.alias("offset")
    )
    keys = [f"key{n}" for n in range(len(names))]
    # Offsets are dense: one bit each, sixty-four of them in a number, are counted exactly and hardly shuffled.
    words = landed.groupBy(*keys, F.shiftright("offset", 6).alias("word")).agg(
        F.min("offset").alias("low"),
        F.max("offset").alias("high"),
        F.bit_or(F.expr("shiftleft(1L, CAST(offset & 63 AS INT))")).alias("bits"),
    )
    found = words.groupBy(*keys).agg(
        F.min("low").alias("low"), F.max("high").alias("high"), counts(F.bit_count("bits")).alias("landed")
    )
    read = request.gather.rows(f"offsets of {request.check.check}", found.limit(MAX_PARTITIONS + 1))
    allowed = request.count("max_missing", 0)

    def judge() -> Judged:
        partitions = bounded(read(), request)
        if not partitions:
            raise EvaluationError("no offset landed in the period", where=request.dataset.name)
        gaps = {
            group_of(row, len(names)): whole(row["high"]) - whole(row["low"]) + 1 - whole(row["landed"])
            for row in partitions
        }
        missing, landed_rows = sum(gaps.values()), sum(whole(row["landed"]) for row in partitions)
        measures: dict[str, Json] = {
            "partitions": len(partitions),
            "element_count": landed_rows,
            "unexpected_count": missing,
        }
        if not missing:
            observed = f"{landed_rows:,} offsets of {len(partitions)} partitions have no gap"
            return Judged(outcome=Outcome.PASSED, observed=observed, measures=measures)
        rows = _ranges(landed, keys)
        ranges = [f"{row['partition']}: {row['first missing']} to {row['last missing']}" for row in rows]
        observed = (
            f"{missing:,} offsets are missing in {sum(1 for gap in gaps.values() if gap)} partitions: {listed(ranges)}"
        )
        if allowed:
            observed += f" (allowed {allowed:,})"
        outcome = Outcome.FAILED if missing > allowed else Outcome.PASSED
        return Judged(outcome=outcome, observed=observed, measures=measures, rows=rows)

    return judge


def _whole(request: Request, name: str) -> Column:
    """A column of whole numbers; anything else cannot be an offset."""
    from pyspark.sql.types import DecimalType, IntegralType

    value, kind = request.column(name, "number"), column_types(request.frame)[name]
    if not isinstance(kind, IntegralType) and not (isinstance(kind, DecimalType) and kind.scale == 0):
        raise EvaluationError(f"{name} is {kind.simpleString()}", where=request.dataset.name, expected="whole numbers")
    return value.cast("bigint")


def _ranges(landed: DataFrame, keys: Sequence[str]) -> list[Mapping[str, Json]]:
    """The first and last offset of the widest gaps; names of partitions and offsets are not personal data."""
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    before = F.lag("offset").over(Window.partitionBy(*keys).orderBy("offset"))
    gap: Column = F.col("offset") - F.col("before")
    found = landed.withColumn("before", before).where(gap > 1).orderBy(gap.desc(), *keys).limit(MAX_ROWS).collect()
    return [
        {
            "partition": group_of(row, len(keys)),
            "first missing": f"{row['before'] + 1}",
            "last missing": f"{row['offset'] - 1}",
        }
        for row in found
    ]


TYPE = TypeSpec(
    doc="The offsets of every partition of a queue that have landed have no gap.",
    sentence="$offset must have no gap within $columns[, of rows that arrived $settle_hours hours after the "
    "period's beginning or later by $arrival]; at most $max_missing may be missing.",
    kwargs={
        "columns": KwargSpec(
            type=KwargType.COLUMNS, required=True, doc="Columns that name a partition, such as topic and partition."
        ),
        "offset": own_column("Whole number that counts on by one within a partition."),
        "arrival": own_column("Timestamp at which the row arrived."),
        "settle_hours": KwargSpec(
            type=KwargType.NUMBER,
            default=48,
            doc="Hours at the period's beginning in which late rows of earlier days take up offsets.",
        ),
        "max_missing": KwargSpec(type=KwargType.COUNT, default=0, doc="Offsets that may be missing."),
    },
    judge=offsets_to_be_contiguous,
    evidence=Evidence.KEY_PASS,
    how="totals of each partition",
)
