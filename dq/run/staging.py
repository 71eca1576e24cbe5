"""Stage the computed figures, read the staged bytes back and judge them, commit them in one step."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING

from dq import store
from dq.base.errors import EvaluationError
from dq.base.model import CheckResult, Evidence, Json, Outcome, PinnedFile, Window
from dq.base.periods import Grain
from dq.checks.check_results import result_of
from dq.checks.custom_kwargs import expects
from dq.declare.binding import Bound
from dq.declare.implied_checks import EVERY_DAY
from dq.declare.overrides import closed_throughout
from dq.engine import conditions
from dq.engine.dataset import Context, Dataset
from dq.engine.sums import summed
from dq.spark import named_files

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession
    from pyspark.sql.types import StructType

PERIOD = "period"


@dataclass(frozen=True, kw_only=True)
class Staged:
    """Figures written to the staging area of a table: their files as they were before the audit, and their schema."""

    run: str
    inventory: store.Manifest
    schema: StructType


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What the audit of staged bytes found, and the sums of the columns the registry names as totals."""

    results: Sequence[CheckResult]
    totals: Mapping[str, Json] = field(default_factory=dict)
    by_period: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)


def stage(table: store.Table, run: str, frame: DataFrame, bound: Bound, window: Window) -> Staged:
    """Write the frame into the run's staging folder, one file per period, and take stock of what was written.

    The rows of a period are written by one task and in the order of the key, so that the same figures make the
    same files on one machine and on a cluster, whatever was retried, but for the order of encodings in their footers.
    """
    published = bound.pipeline.publishes
    differences = schema_differences(frame, {name: column.type for name, column in published.columns.items()})
    if differences:
        raise EvaluationError(
            f"the job's columns are not those it publishes: {'; '.join(differences)}",
            where=f"jobs/pipelines.yml: pipelines.{bound.name}.publishes",
            do="change the job's last select or the published schema",
        )
    ordered = in_order(frame, bound, window)
    ordered.write.partitionBy(PERIOD).mode("errorifexists").parquet(table.staging(run))
    descriptions = {name: column.description for name, column in published.columns.items()}
    schema = store.described(frame.schema.json(), descriptions)
    inventory = table.inventory(run, schema_json=schema, fingerprint="")
    return Staged(run=run, inventory=inventory, schema=frame.schema)


def in_order(frame: DataFrame, bound: Bound, window: Window) -> DataFrame:
    """The frame with the period of each row: the rows of a period in one task, in the order of the key."""
    from pyspark.sql import functions as F

    period = period_of(bound, window)
    if bound.pipeline.grain is not Grain.DAY:
        # Of a literal Spark knows that it needs no order, forgets that rows are ordered by it, and puts them in order
        # again by the period alone, instead of by the key. A literal behind this condition it does not see through.
        period = F.when(F.spark_partition_id() >= 0, period)
    placed = frame.withColumn(PERIOD, period).repartition(PERIOD)
    return placed.sortWithinPartitions(PERIOD, *bound.pipeline.publishes.key)


def schema_differences(frame: DataFrame, declared: Mapping[str, str]) -> list[str]:
    """How a frame's columns differ from the declared ones, by name and type; order is not judged."""
    found = dict(frame.dtypes)
    differences = [f"{name} is missing" for name in declared if name not in found]
    differences += [f"{name} is not declared" for name in found if name not in declared]
    for name, kind in declared.items():
        if name in found and found[name] != kind:
            differences.append(f"{name} is {found[name]}, declared {kind}")
    return differences


def read_back(spark: SparkSession, staged: Staged) -> DataFrame:
    """The staged bytes, read anew by the schema they were written with; without files there are no rows."""
    paths = staged.inventory.absolute_paths
    if not paths:
        return spark.createDataFrame([], staged.schema)
    return named_files.read(spark, "parquet", paths, schema=staged.schema)


def audit(spark: SparkSession, staged: Staged, bound: Bound, context: Context, partial: Collection[str]) -> Audit:
    """Judge the staged bytes by the pipeline's own suite, its contract and the control totals.

    Columns that are NULL for want of a source in ``partial`` are not judged.
    """
    from pyspark.sql import functions as F

    from dq.judge.evaluate import evaluate

    frame = read_back(spark, staged)
    window, by_day = context.window, bound.pipeline.grain is Grain.DAY
    closed = closed_throughout(bound.sources, window.start, window.data_through) if window and by_day else ""
    dataset = Dataset(
        name=bound.name,
        frame=frame,
        files=[PinnedFile(path=path, size=0, modified_ns=0) for path in staged.inventory.absolute_paths],
        footer_columns={name: name for name in frame.columns},
        absent_columns=bound.pipeline.publishes.null_without(partial),
        may_be_empty=bool(closed),
        closed=closed,
    )
    own = replace(context, tables={**context.tables, bound.name: frame})
    results = evaluate(bound.checks[bound.name], dataset, own)
    published = bound.pipeline.publishes
    # One pass: the rows decoded from the data pages, and the sums of each period that are shown and recorded.
    condition = conditions.expression(published.totals_of, frame.columns) if published.totals_of else "true"
    sums = [
        summed(F.when(F.expr(condition), F.col(name)), frame.schema[name].dataType).alias(name)
        for name in published.totals
    ]
    decoding = F.sum(F.hash(*frame.columns)).alias("__read")
    period = period_of(bound, context.window).alias("__period")
    rows = frame.groupBy(period).agg(F.count("*").alias("__rows"), decoding, *sums).collect()
    by_period = {str(row["__period"]): {name: _text(row[name]) for name in published.totals} for row in rows}
    decoded = sum(int(row["__rows"]) for row in rows)
    written = staged.inventory.rows
    for check in bound.run_checks.values():
        if check.type == "expect_rows_written_to_be_read_back":
            results.append(
                result_of(
                    check,
                    Outcome.PASSED if decoded == written else Outcome.FAILED,
                    observed=f"{written:,} rows written, {decoded:,} read back",
                    evidence=Evidence.SCAN,
                    measures={"written": written, "read_back": decoded, "off_by": abs(written - decoded)},
                )
            )
    return Audit(results=results, totals=store.total_of(by_period.values()), by_period=by_period)


def _text(value: object) -> Json:
    return None if value is None else str(value)


def period_of(bound: Bound, window: Window | None) -> Column:
    """The id of the period a row is published under."""
    from pyspark.sql import functions as F

    if bound.pipeline.grain is Grain.DAY or window is None:
        return F.date_format("day", "yyyy-MM-dd")
    return F.lit(window.period)


def seal(table: store.Table, staged: Staged, key: str, audit: Mapping[str, object]) -> store.Manifest:
    """Bind files, run key and verdict together; a StoreError when the files are not those the audit read."""
    return table.seal(
        staged.run,
        schema_json=staged.inventory.schema_json,
        fingerprint=key,
        audit=audit,
        audited=staged.inventory,
    )


def may_be_empty(bound: Bound, period: str) -> bool:
    """Whether a day of a table of days may be without rows: each check of its days says that nothing is expected."""
    if bound.pipeline.grain is not Grain.DAY:
        return False
    own, day = [check for check in bound.checks[bound.name] if check.type == EVERY_DAY], date.fromisoformat(period)
    return bool(own) and not any(expects(check.kwargs, day) for check in own)


def commit(
    table: store.Table,
    bound: Bound,
    sealed: store.Manifest,
    infos: Mapping[str, store.PeriodInfo],
    base: Mapping[str, int | None],
) -> store.Commit:
    """Publish the sealed periods in one atomic step; a run that lost the race raises ConflictError.

    A day on which nothing is expected may have no rows: it is published empty, so that whoever asks for it finds it.
    """
    found = set(sealed.periods)
    different = {day for day in found ^ set(base) if day in found or not may_be_empty(bound, day)}
    if different:
        raise EvaluationError(
            f"the staged periods and the run's period differ by {', '.join(sorted(different))}",
            do="look at the days the job computes; days on which nothing is expected are `closed` in the sources file",
        )
    return table.commit(sealed, periods=infos, expected=base)
