"""A queue's partitions: offsets that never landed, and a consumer that falls behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from dq.base.errors import EvaluationError
from dq.base.model import Evidence, Json, Outcome
from dq.checks.custom_check import MAX_ROWS, Judge, Judged, NotRunError, Request, listed
from dq.checks.events import instant
from dq.engine.gather import column_types, decimal, whole
from dq.engine.sums import counts

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, Row

# A topic with more partitions than this is none: the columns name something else.
MAX_PARTITIONS = 10_000
_HOUR = 3_600_000_000


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
    first = _micros(request.context.days_from or window.start) + int(settle * _HOUR)
    last = _micros(window.data_through + timedelta(days=1))
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
        partitions = _bounded(read(), request)
        if not partitions:
            raise EvaluationError("no offset landed in the period", where=request.dataset.name)
        gaps = {
            _label(row, len(names)): whole(row["high"]) - whole(row["low"]) + 1 - whole(row["landed"])
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
            return Judged(outcome=Outcome.PASSED, observed=observed, measures=measures, evidence=Evidence.KEY_PASS)
        rows = _ranges(landed, keys)
        ranges = [f"{row['partition']}: {row['first missing']} to {row['last missing']}" for row in rows]
        observed = (
            f"{missing:,} offsets are missing in {sum(1 for gap in gaps.values() if gap)} partitions: {listed(ranges)}"
        )
        if allowed:
            observed += f" (allowed {allowed:,})"
        outcome = Outcome.FAILED if missing > allowed else Outcome.PASSED
        return Judged(outcome=outcome, observed=observed, measures=measures, rows=rows, evidence=Evidence.KEY_PASS)

    return judge


def _whole(request: Request, name: str) -> Column:
    """A column of whole numbers; anything else can be no offset."""
    from pyspark.sql.types import DecimalType, IntegralType

    value, kind = request.column(name, "number"), column_types(request.frame)[name]
    if not isinstance(kind, IntegralType) and not (isinstance(kind, DecimalType) and kind.scale == 0):
        raise EvaluationError(f"{name} is {kind.simpleString()}", where=request.dataset.name, expected="whole numbers")
    return value.cast("bigint")


def consumer_lag_to_be_bounded(request: Request) -> Judge:
    """How long ago what the consumer has committed was the end of the queue, and how old the newest observation is.

    Both in hours per partition, so that one bound fits a busy and a quiet topic. A consumer behind since before the
    first observation of the period is late by at least the time since then.
    """
    from pyspark.sql import functions as F

    if request.context.window is None:
        raise EvaluationError("there is no period to judge the lag in", where=request.check.check, do="give a period")
    names = request.texts("columns")
    observed = F.unix_micros(instant(request, request.text("observed")))
    end, committed = (request.column(request.text(name), "number") for name in ("end", "committed"))
    keys = [f"key{n}" for n in range(len(names))]
    seen = request.frame.select(
        *(request.column(name).alias(key) for name, key in zip(names, keys, strict=True)),
        observed.alias("at"),
        end.alias("end"),
        committed.alias("committed"),
    ).where("at IS NOT NULL AND end IS NOT NULL AND committed IS NOT NULL")
    newest = seen.groupBy(*keys).agg(
        F.max("at").alias("newest"),
        F.min("at").alias("oldest"),
        F.max_by(F.struct("end", "committed"), "at").alias("now"),
    )
    behind = (
        seen.join(newest, on=keys, how="inner")
        .groupBy(*keys, "newest", "oldest", "now")
        .agg(F.max(F.when(F.col("end") <= F.col("now.committed"), F.col("at"))).alias("caught_up"))
    )
    read = request.gather.rows(f"lag by {names!r}", behind.limit(MAX_PARTITIONS + 1))
    limit = int((decimal(request.kwargs["max_hours"]) or Decimal(0)) * _HOUR)
    reference = _micros(request.context.window.data_through + timedelta(days=1))

    def judge() -> Judged:
        partitions = _bounded(read(), request)
        if not partitions:
            raise EvaluationError("no observation of any partition", where=request.dataset.name)
        rows, worst_lag, worst_age = [], 0, 0
        for row in partitions:
            now = row["now"]
            since = row["newest"] - (row["oldest"] if row["caught_up"] is None else row["caught_up"])
            lag = since if now["committed"] < now["end"] else 0
            age = max(reference - row["newest"], 0)
            worst_lag, worst_age = max(worst_lag, lag), max(worst_age, age)
            if lag >= limit or age >= limit:
                rows.append(
                    {
                        "partition": _label(row, len(names)),
                        "behind": f"{now['end'] - now['committed']:,} offsets, {lag // _HOUR:,} hours",
                        "observed": f"{age // _HOUR:,} hours before the end",
                    }
                )
        measures: dict[str, Json] = {
            "partitions": len(partitions),
            "unexpected_count": len(rows),
            "lag_hours": worst_lag // _HOUR,
            "age_hours": worst_age // _HOUR,
        }
        summary = (
            f"at most {worst_lag // _HOUR:,} hours behind, newest observation at most {worst_age // _HOUR:,} hours old"
        )
        if not rows:
            observed_text = f"all {len(partitions)} partitions: {summary}"
            return Judged(outcome=Outcome.PASSED, observed=observed_text, measures=measures, evidence=Evidence.KEY_PASS)
        shown: list[Mapping[str, Json]] = [
            dict(row) for row in sorted(rows, key=lambda row: row["partition"])[:MAX_ROWS]
        ]
        told = [f"{row['partition']}: {row['behind']} behind, observed {row['observed']}" for row in shown]
        observed_text = f"{len(rows)} of {len(partitions)} partitions are too late: {listed(told)}"
        return Judged(
            outcome=Outcome.FAILED, observed=observed_text, measures=measures, rows=shown, evidence=Evidence.KEY_PASS
        )

    return judge


def _ranges(landed: DataFrame, keys: Sequence[str]) -> list[Mapping[str, Json]]:
    """The first and last offset of the widest gaps; names of partitions and offsets are no data of a person."""
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    before = F.lag("offset").over(Window.partitionBy(*keys).orderBy("offset"))
    gap: Column = F.col("offset") - F.col("before")
    found = landed.withColumn("before", before).where(gap > 1).orderBy(gap.desc(), *keys).limit(MAX_ROWS).collect()
    return [
        {
            "partition": _label(row, len(keys)),
            "first missing": f"{row['before'] + 1}",
            "last missing": f"{row['offset'] - 1}",
        }
        for row in found
    ]


def _bounded(rows: Sequence[Row], request: Request) -> Sequence[Row]:
    if len(rows) > MAX_PARTITIONS:
        raise EvaluationError(
            f"{', '.join(request.texts('columns'))} name more than {MAX_PARTITIONS:,} partitions",
            where=request.dataset.name,
            expected="columns such as topic and partition",
        )
    return rows


def _label(row: Row, keys: int) -> str:
    return " / ".join("NULL" if row[f"key{n}"] is None else str(row[f"key{n}"]) for n in range(keys))


def _micros(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp()) * 1_000_000
