"""What the versions of Spark do differently by themselves is the same in a session of ours."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyspark
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from dq.engine.reasons import is_about_values, reason, rows_kept_from_logs
from dq.spark import spark_versions as versions
from dq.spark.session import read_as_written


def test_the_spark_that_runs_is_a_supported_one_and_pythons_own(spark: SparkSession) -> None:
    versions.check()
    assert versions.numbers(spark.version) == versions.numbers(pyspark.__version__)


def test_a_cast_that_is_tried_gives_null_where_a_value_cannot_be_it(spark: SparkSession) -> None:
    rows = spark.createDataFrame([("1.25", "2026-10-01"), ("x", "2026-13-01"), (None, None)], "a string, d string")
    tried = rows.select(
        versions.try_cast(F.col("a"), "decimal(18,2)").cast("string").alias("amount"),
        versions.try_cast(F.col("d"), "date").alias("day"),
    )
    assert tried.collect() == [("1.25", date(2026, 10, 1)), (None, None), (None, None)]


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("cast(a as int)", "a value cannot be converted to the type it is compared with"),
        ("1 / (length(a) - 1)", "it divides by zero"),
        ("element_at(array(1), 5 + length(a))", "Spark raised INVALID_ARRAY_INDEX"),
    ],
)
def test_a_value_that_cannot_be_evaluated_raises_and_the_reason_quotes_no_row(
    expression: str, said: str, spark: SparkSession
) -> None:
    rows = spark.createDataFrame([("x",)], "a string")
    with rows_kept_from_logs(), pytest.raises(Exception, match=r"(?s).") as raised:
        rows.select(F.expr(expression)).collect()
    assert said in reason(raised.value)
    assert is_about_values(raised.value)
    assert "'x'" not in reason(raised.value)


def test_half_a_date_and_a_with_within_another_are_read_not_refused(spark: SparkSession) -> None:
    rows = spark.createDataFrame([("2026-10-01 x",)], "a string")
    with read_as_written(spark):
        found = rows.select(F.expr("try_to_timestamp(a, 'yyyy-MM-dd')")).collect()
        inner = spark.sql(
            "WITH t AS (SELECT 1 AS n) SELECT * FROM (WITH t AS (SELECT 2 AS n) SELECT n FROM t)"
        ).collect()
    assert found == [(None,)]
    assert inner == [(2,)]


def test_a_file_that_is_gone_has_one_name_and_is_no_fault_of_a_row(spark: SparkSession, tmp_path: Path) -> None:
    spark.createDataFrame([("x",)], "a string").write.parquet(str(tmp_path / "read"))
    rows = spark.read.parquet(str(tmp_path / "read"))
    for file in (tmp_path / "read").glob("*.parquet"):
        file.unlink()
    with pytest.raises(Exception, match=r"(?s).") as raised:
        rows.agg(F.max("a")).collect()
    assert reason(raised.value).startswith("Spark could not evaluate it: a file could not be read (FAILED_READ_FILE")
    assert not is_about_values(raised.value)


def test_whole_numbers_of_python_make_a_frame(spark: SparkSession) -> None:
    values = [0, -1, (1 << 63) - 1, -(1 << 63)]
    frame = versions.whole_numbers(spark, "__n", values)
    assert frame.dtypes == [("__n", "bigint")]
    assert [row[0] for row in frame.collect()] == values
