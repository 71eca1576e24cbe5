"""Short ways to state a frame and one custom check on it, for the tests beside this file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from pyspark.sql import DataFrame, SparkSession

from dq.base.model import Check, CheckResult, Json, Kind, Window
from dq.checks.evaluation import evaluate_custom
from dq.engine.dataset import Context, Dataset

OCTOBER = Window(
    period="2026-10",
    start=date(2026, 10, 1),
    end=date(2026, 10, 31),
    data_through=date(2026, 10, 31),
    as_of=datetime(2026, 11, 1, 2, tzinfo=UTC),
    kind=Kind.FINAL,
)


def check(type_name: str, *, check_id: str = "it", show: bool = False, **kwargs: Json) -> Check:
    return Check(check=check_id, dataset="figures", type=type_name, kwargs=kwargs, show=show)


def evaluate(frame: DataFrame, one: Check, context: Context | None = None, **dataset: object) -> CheckResult:
    given = Dataset(name="figures", frame=frame, **dataset)  # type: ignore[arg-type]
    return evaluate_custom([one], given, context or Context(window=OCTOBER))[one.check]


def tables(**frames: DataFrame) -> Context:
    return Context(window=OCTOBER, tables=frames)


@dataclass
class JobCount:
    jobs: int = 0
    groups: list[str] = field(default_factory=list)


@contextmanager
def counted_jobs(spark: SparkSession, name: str) -> Iterator[JobCount]:
    """Count the Spark jobs started inside, by job group."""
    counted = JobCount()
    context = spark.sparkContext
    context.setJobGroup(name, name)
    try:
        yield counted
    finally:
        counted.jobs = len(context.statusTracker().getJobIdsForGroup(name))
        context.setJobGroup("", "")


def rows(result: CheckResult) -> list[Mapping[str, Json]]:
    return list(result.rows)


def frame(spark: SparkSession, schema: str, *data: Sequence[object]) -> DataFrame:
    return spark.createDataFrame([tuple(row) for row in data], schema)
