"""A queue's consumer that falls behind."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

from dq.base.errors import EvaluationError
from dq.base.model import Evidence, Json, Outcome
from dq.checks.custom_check import MAX_ROWS, Judge, Judged, Request, group_of, listed
from dq.checks.events import instant
from dq.checks.queues import HOUR, MAX_PARTITIONS, begin_of, bounded
from dq.checks.type_spec import KwargSpec, KwargType, TypeSpec, own_column
from dq.engine.gather import decimal


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
    limit = int((decimal(request.kwargs["max_hours"]) or Decimal(0)) * HOUR)
    reference = begin_of(request.context.window.data_through + timedelta(days=1))

    def judge() -> Judged:
        partitions = bounded(read(), request)
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
                        "partition": group_of(row, len(names)),
                        "behind": f"{now['end'] - now['committed']:,} offsets, {lag // HOUR:,} hours",
                        "observed": f"{age // HOUR:,} hours before the end",
                    }
                )
        measures: dict[str, Json] = {
            "partitions": len(partitions),
            "unexpected_count": len(rows),
            "lag_hours": worst_lag // HOUR,
            "age_hours": worst_age // HOUR,
        }
        summary = (
            f"at most {worst_lag // HOUR:,} hours behind, newest observation at most {worst_age // HOUR:,} hours old"
        )
        if not rows:
            observed_text = f"all {len(partitions)} partitions: {summary}"
            return Judged(outcome=Outcome.PASSED, observed=observed_text, measures=measures)
        shown: list[Mapping[str, Json]] = [
            dict(row) for row in sorted(rows, key=lambda row: row["partition"])[:MAX_ROWS]
        ]
        told = [f"{row['partition']}: {row['behind']} behind, observed {row['observed']}" for row in shown]
        observed_text = f"{len(rows)} of {len(partitions)} partitions are too late: {listed(told)}"
        return Judged(outcome=Outcome.FAILED, observed=observed_text, measures=measures, rows=shown)

    return judge


TYPE = TypeSpec(
    doc="The consumer of a queue is not too far behind, and every partition was observed lately.",
    sentence="$committed must be less than $max_hours hours behind $end in every partition ($columns), "
    "by an $observed less than $max_hours hours before the end of the last day covered.",
    kwargs={
        "columns": KwargSpec(
            type=KwargType.COLUMNS, required=True, doc="Columns that name a partition, such as topic and partition."
        ),
        "observed": own_column("Timestamp of the observation."),
        "end": own_column("End offset of the partition at that time."),
        "committed": own_column("Offset the consumer had committed by then."),
        "max_hours": KwargSpec(type=KwargType.NUMBER, required=True, doc="Hours from which on it is too late."),
    },
    judge=consumer_lag_to_be_bounded,
    evidence=Evidence.KEY_PASS,
    how="totals of each partition",
)
