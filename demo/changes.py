"""The ways of breaking a month's rows, or a job, that seeded defects are made of."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as sf

from demo.defects import Change, Defect, Edit
from dq.base.model import Severity


def some(key: str, one_in: int) -> str:
    """About one row in so many, the same ones every time."""
    return f"pmod(xxhash64('defect', {key}), {one_in}) = 0"


def put(column: str, value: str, where: str = "true") -> Change:
    """The column set to a SQL expression where the condition holds, its type kept."""

    def change(frame: DataFrame) -> DataFrame:
        return frame.withColumn(column, sf.expr(f"if({where}, {value}, {column})").cast(frame.schema[column].dataType))

    return change


def null(column: str, key: str, one_in: int) -> Change:
    """The column NULL in about one row in so many."""
    return put(column, "NULL", some(key, one_in))


def without(condition: str) -> Change:
    """The rows that meet the condition gone."""
    return lambda frame: frame.where(f"NOT coalesce({condition}, false)")


def thinned(day: str, first: date, keep: int, key: str, last: date | None = None) -> Change:
    """Of every day from one on, or to another, only so many rows left, the same ones every time."""

    def change(frame: DataFrame) -> DataFrame:
        order = Window.partitionBy(day).orderBy(sf.xxhash64(sf.lit("defect"), key), key)
        numbered = frame.withColumn("__number", sf.row_number().over(order))
        thin = (sf.col(day) >= sf.lit(first)) & (sf.col(day) <= sf.lit(last or date.max))
        return numbered.where(~thin | (sf.col("__number") <= keep)).drop("__number")

    return change


def renamed(old: str, new: str) -> Change:
    """The column under another name."""
    return lambda frame: frame.withColumnRenamed(old, new)


def twice(frame: DataFrame) -> DataFrame:
    """Every row a second time."""
    return frame.unionByName(frame)


def redelivered(frame: DataFrame) -> DataFrame:
    """Some events once more a minute later, the same but for their delivery."""
    later = sf.timestamp_seconds(sf.unix_seconds("received_at") + 60)
    again = frame.where(some("event_id", 10)).withColumn("received_at", later)
    return frame.unionByName(again.withColumn("offset", sf.col("offset") + 1_000_000_000))


def nothing(frame: DataFrame) -> DataFrame:
    """The file without a row."""
    return frame.limit(0)


def cancelled(past: DataFrame, month: DataFrame, day: date, recorded: date) -> DataFrame:
    """The month's licence events replaced by a cancellation, on a day, of every licence that was held before it."""
    newest = sf.row_number().over(
        Window.partitionBy("licence_id").orderBy(sf.desc("effective_date"), sf.desc("sequence_number"))
    )
    held = past.withColumn("newest", newest).where("newest = 1 AND event <> 'cancel'")
    order = Window.partitionBy("account_id").orderBy("licence_id")
    numbers = past.groupBy("account_id").agg(sf.max("sequence_number").alias("last_number"))
    last = held.join(numbers, on="account_id", how="inner").withColumns(
        {
            "event_id": sf.concat(sf.lit("X"), "licence_id"),
            "event": sf.lit("cancel"),
            "seats_before": sf.col("seats_after"),
            "seats_after": sf.lit(0),
            "mrr_before": sf.col("mrr_after"),
            "mrr_after": sf.lit(0).cast("decimal(18,2)"),
            "renewal_date": sf.lit(None).cast("date"),
            "effective_date": sf.lit(day),
            "recorded_at": sf.lit(recorded).cast("timestamp"),
            "sequence_number": (sf.col("last_number") + sf.row_number().over(order)).cast("bigint"),
        }
    )
    return last.select(*month.columns)


def in_job(
    id_: str, month: str, title: str, check: str, old: str, new: str, *, severity: Severity = Severity.CRITICAL
) -> Defect:
    """A mistake in the job of the pipeline that the id names: a text of it that is replaced by another."""
    _, pipeline, _ = id_.split("-", 2)
    return Defect(
        id=id_,
        source=pipeline,
        month=month,
        title=title,
        severity=severity,
        expected_check=check,
        edits=(Edit(file=f"jobs/{pipeline}.py", old=old, new=new),),
        pipeline=pipeline,
    )


def after_final(
    pipeline: str,
    source: str,
    month: str,
    name: str,
    title: str,
    check: str,
    known_at: str,
    where: str,
    *,
    severity: Severity,
) -> Defect:
    """Rows of a month that were recorded on the twentieth of the one that follows, after the month was final."""
    recorded = f"timestamp_seconds(unix_seconds(timestamp(add_months(DATE'{month}-01', 1))) + 19 * 24 * 3600)"
    return Defect(
        id=f"F08-{source}-{name}",
        source=source,
        month=month,
        title=f"{title} of {month} became known after it was final",
        severity=severity,
        expected_check=check,
        change=put(known_at, recorded, where),
        published=True,
        pipeline=pipeline,
    )


def overtaken(pipeline: str, month: str, upstream: str, publish: str, *, period: str = "") -> Defect:
    """An upstream table that is published anew while the pipeline computes: ``publish`` is the line where it happens.

    Without ``period`` the upstream table is run for the pipeline's own. It is published as of the pipeline's own
    instant: what is published as of a later one is nothing the pipeline could have read.
    """
    arguments = "*(argv or ())" if not period else f'"--period", {period}, *(argv or ())[2:]'
    again = f"""        from dq.cli.run import run_job

        run_job("{upstream}", [{arguments}, "--as-of", run.window.as_of.isoformat(), "--no-docs"])
"""
    return in_job(
        f"F16-{pipeline}-overtaken",
        month,
        f"{upstream} is published anew while {pipeline} is computed from the old one",
        f"{pipeline}.inputs.current",
        publish,
        again + publish,
    )
