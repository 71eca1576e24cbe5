"""How many Spark jobs the evidence costs, on files that Spark itself wrote."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import pandas as pd
import pytest
from engine_frames import SCHEMA, check, full
from pyspark.sql import SparkSession

from dq.base.model import Check, Evidence, Outcome, PinnedFile, RangeFilter
from dq.engine import measures
from dq.engine.dataset import Context, Dataset
from dq.engine.fields import resolve
from dq.engine.native import evaluate_native
from dq.engine.scan import scan
from dq.judge.evaluate import evaluate
from dq.judge.plan import plan

BETWEEN = "expect_column_values_to_be_between"
NOT_NULL = "expect_column_values_to_not_be_null"


@pytest.fixture(autouse=True)
def one_job_per_action(spark: SparkSession) -> Iterator[None]:
    """Adaptive execution submits every shuffle stage as a job of its own; without it an action is one job."""
    spark.conf.set("spark.sql.adaptive.enabled", "false")
    yield
    spark.conf.set("spark.sql.adaptive.enabled", "true")


class Jobs:
    """The Spark jobs started inside a ``with`` block."""

    count = 0

    def __init__(self, spark: SparkSession, name: str) -> None:
        self.context, self.name = spark.sparkContext, f"counted {name} {id(self)}"

    def __enter__(self) -> Jobs:
        self.context.setJobGroup(self.name, self.name)
        return self

    def __exit__(self, *_: object) -> None:
        self.count = len(self.context.statusTracker().getJobIdsForGroup(self.name))
        self.context.setLocalProperty("spark.jobGroup.id", None)  # type: ignore[arg-type]


@pytest.fixture
def written(spark: SparkSession, tmp_path: Path) -> Dataset:
    """The full frame as Spark writes it, pinned, with every column read unchanged."""
    target = tmp_path / "table"
    full(spark).repartition(2).write.parquet(str(target))
    frame = spark.read.schema(SCHEMA).parquet(str(target))
    files = []
    for name in sorted(frame.inputFiles()):
        path = Path(urlsplit(name).path)
        files.append(PinnedFile(path=name, size=path.stat().st_size, modified_ns=path.stat().st_mtime_ns))
    return Dataset(name="d", frame=frame, files=files, footer_columns={name: name for name in frame.columns})


FROM_FOOTERS = [
    check("expect_table_row_count_to_equal", value=7),
    *(check(NOT_NULL, column=name) for name in SCHEMA.replace("(10,2)", "").replace(",", "").split()[::2]),
    check(BETWEEN, column="price", min_value=-1, max_value=99.99),
    check(BETWEEN, column="day", min_value="2025-12-31", max_value="2026-01-09"),
    check(BETWEEN, column="k", min_value=1, max_value=3),
    check("expect_column_min_to_be_between", column="price", min_value=-1, max_value=-1),
    check("expect_column_max_to_be_between", column="day", min_value="2026-01-09", max_value="2026-01-09"),
    check("expect_column_max_to_be_between", column="id", max_value=4),
]


def test_footers_start_no_job_and_agree_with_the_scan(spark: SparkSession, written: Dataset) -> None:
    with Jobs(spark, "footers") as jobs:
        by_footers = evaluate(FROM_FOOTERS, written, Context())
    assert jobs.count == 0
    assert {result.evidence for result in by_footers} == {Evidence.FOOTERS}
    by_scan = evaluate(FROM_FOOTERS, Dataset(name="d", frame=written.frame), Context())
    assert {result.evidence for result in by_scan} == {Evidence.SCAN}
    for one, other in zip(by_footers, by_scan, strict=True):
        assert (one.outcome, one.measures, one.observed) == (other.outcome, other.measures, other.observed)
    assert {result.outcome for result in by_footers} == {Outcome.PASSED, Outcome.FAILED}


def test_a_filter_that_drops_rows_sends_footers_to_the_scan(spark: SparkSession, written: Dataset) -> None:
    late = RangeFilter(column="day", low=date(2026, 1, 1))
    filtered = Dataset(
        **{**vars(written), "frame": written.frame.where("day is null or day >= '2026-01-01'"), "filters": [late]}
    )
    with Jobs(spark, "filtered") as jobs:
        result = evaluate([check("expect_table_row_count_to_equal", value=6)], filtered, Context())[0]
    assert (jobs.count, result.evidence, result.outcome) == (1, Evidence.SCAN, Outcome.PASSED)


def _twenty() -> list[Check]:
    return [
        check("expect_table_row_count_to_be_between", min_value=1),
        *(check(NOT_NULL, column=name) for name in ("id", "k", "x", "name")),
        *(check(BETWEEN, column="x", min_value=0, max_value=n) for n in range(1, 6)),
        *(check("expect_column_values_to_be_in_set", column="k", value_set=list(range(n))) for n in range(1, 5)),
        check("expect_column_values_to_match_regex", column="name", regex="^[a-z]+$"),
        check("expect_column_value_lengths_to_be_between", column="name", max_value=9),
        check("expect_column_pair_values_a_to_be_greater_than_b", column_A="a", column_B="b"),
        check("expect_column_mean_to_be_between", column="k", min_value=0),
        check("expect_column_sum_to_be_between", column="price", min_value=0, row_condition="k = 1"),
        check("expect_column_distinct_values_to_be_in_set", column="k", value_set=[1, 2, 3]),
    ]


def test_twenty_checks_are_one_job(spark: SparkSession, written: Dataset) -> None:
    assert len(_twenty()) == 20
    with Jobs(spark, "scan") as jobs:
        results = evaluate(_twenty(), Dataset(name="d", frame=written.frame), Context())
    assert jobs.count == 1
    assert {result.outcome for result in results} == {Outcome.PASSED, Outcome.FAILED}


def test_totals_of_custom_checks_are_read_by_the_same_job(spark: SparkSession, written: Dataset) -> None:
    add_up = check("expect_columns_to_add_up", column="k", plus=["k"], row_condition="k IS NOT NULL")
    wrong = replace(add_up, check="wrong", kwargs={**add_up.kwargs, "row_condition": "k / (k - k) > 0"})
    dataset = Dataset(name="d", frame=written.frame)
    apart = [evaluate([one], dataset, Context())[0] for one in (*_twenty(), add_up)]
    with Jobs(spark, "totals") as jobs:
        together = evaluate([*_twenty(), add_up], dataset, Context())
    assert jobs.count == 1
    assert together == apart
    assert together[-1].outcome is Outcome.PASSED
    # A total that cannot be computed takes down its own check and no other.
    broken = evaluate([*_twenty(), wrong, add_up], dataset, Context())
    assert (broken[-2].outcome, broken[-2].reason) == (Outcome.ERRORED, evaluate([wrong], dataset, Context())[0].reason)
    assert [*broken[:-2], broken[-1]] == apart


def test_planning_starts_no_job(spark: SparkSession, written: Dataset) -> None:
    with Jobs(spark, "plan") as jobs:
        made = plan([*_twenty(), *FROM_FOOTERS], written)
    assert jobs.count == 0
    assert len(made.scans) == 1
    assert {line.evidence for line in made.lines} == {Evidence.FOOTERS, Evidence.SCAN}


def test_a_unique_key_is_one_job_and_repeated_ones_two_more(spark: SparkSession) -> None:
    unique = check("expect_column_values_to_be_unique", column="id")
    for frame, passes in ((spark.range(100).toDF("id"), 1), (spark.range(100).selectExpr("id % 99 as id"), 3)):
        with Jobs(spark, "keys") as jobs:
            evaluate([unique], Dataset(name="d", frame=frame), Context())
        assert jobs.count == 1 + passes  # one for the rows and NULLs; suspects are broadcast, then verified


def test_samples_of_all_failed_checks_are_one_job(spark: SparkSession, written: Dataset) -> None:
    checks = [
        check(BETWEEN, column="x", min_value=1, max_value=1),
        check("expect_column_values_to_be_in_set", column="name", value_set=["ann"]),
        check("expect_column_pair_values_to_be_equal", column_A="a", column_B="b"),
        check(NOT_NULL, column="name"),
    ]
    with Jobs(spark, "samples") as jobs:
        results = evaluate_native(checks, Dataset(name="d", frame=written.frame))
    assert jobs.count == 2
    assert [len(list(result.result["partial_unexpected_list"])) for result in results] == [5, 5, 4, 1]  # type: ignore[call-overload]


def test_only_the_columns_needed_are_read(spark: SparkSession, written: Dataset) -> None:
    checks = [check(NOT_NULL, column="k"), check(BETWEEN, column="x", min_value=0)]
    [batch] = plan(checks, Dataset(name="d", frame=written.frame)).scans
    text = str(written.frame.agg(*(one.build() for one in batch))._jdf.queryExecution().executedPlan().toString())
    assert "ReadSchema: struct<k:int,x:double>" in text


def test_measures_agree_with_pandas(spark: SparkSession) -> None:
    frame = full(spark)
    data = pd.DataFrame([tuple(row) for row in frame.collect()], columns=frame.columns)
    price, k = resolve("price", frame.schema), resolve("k", frame.schema)
    wanted = {
        measures.rows(): len(data),
        measures.nulls(price): int(data.price.isna().sum()),
        measures.extreme(measures.MeasureKind.MINIMUM, price): data.price.dropna().min(),
        measures.extreme(measures.MeasureKind.MAXIMUM, k): data.k.max(),
        measures.total(price, exact=True): sum(data.price.dropna(), Decimal(0)),
        measures.total(k, exact=True, mean=True): data.k.mean(),
        measures.matching("two", lambda: frame.k == 2, frozenset({"k"})): int((data.k == 2).sum()),
    }
    assert scan(frame, wanted).values == wanted
