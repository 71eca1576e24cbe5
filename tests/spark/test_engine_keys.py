"""Uniqueness is exact: NULLs, NaN, signed zero, colliding hashes, collations, nested keys."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from dq.engine import keys
from dq.engine.fields import Where, resolve
from dq.engine.native_demand import KeySet


def _repeats(frame: DataFrame, *names: str, drop_nulls: str = "none", where: str = "") -> int:
    columns = tuple(resolve(name, frame.schema) for name in names)
    return keys.duplicate_rows(frame, KeySet(columns=columns, drop_nulls=drop_nulls, where=Where(sql=where)))


def _frame(spark: SparkSession, schema: str, *rows: tuple[Any, ...]) -> DataFrame:
    return spark.createDataFrame(list(rows), schema)


def test_every_row_of_a_repeated_key_is_counted(spark: SparkSession) -> None:
    frame = _frame(spark, "id int", (1,), (1,), (1,), (2,), (3,), (3,))
    assert _repeats(frame, "id") == 5


def test_no_rows_and_unique_rows_have_no_repeats(spark: SparkSession) -> None:
    assert _repeats(_frame(spark, "id int"), "id") == 0
    assert _repeats(spark.range(1000).toDF("id"), "id") == 0


def test_nulls_are_equal_to_each_other_unless_they_are_left_out(spark: SparkSession) -> None:
    frame = _frame(spark, "a int, b int", (None, None), (None, None), (1, None), (1, None), (1, 1))
    assert _repeats(frame, "a", "b") == 4
    assert _repeats(frame, "a", "b", drop_nulls="all") == 2
    assert _repeats(frame, "a", "b", drop_nulls="any") == 0


def test_a_null_in_one_column_is_not_a_null_in_another(spark: SparkSession) -> None:
    assert _repeats(_frame(spark, "a int, b int", (None, 1), (1, None)), "a", "b") == 0


def test_signed_zeros_are_one_value_and_nan_is_one_value(spark: SparkSession) -> None:
    nan = float("nan")
    assert _repeats(_frame(spark, "x double", (0.0,), (-0.0,), (nan,), (nan,), (1.0,)), "x") == 4
    assert _repeats(_frame(spark, "x float", (0.0,), (-0.0,)), "x") == 2


def test_only_rows_that_meet_the_condition_count(spark: SparkSession) -> None:
    frame = _frame(spark, "id int, kept boolean", (1, True), (1, False), (2, True), (2, True))
    assert _repeats(frame, "id", where="`kept`") == 2


@pytest.mark.parametrize("same", [0, 7])
def test_keys_that_share_a_hash_are_told_apart_by_value(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch, same: int
) -> None:
    monkeypatch.setattr(F, "xxhash64", lambda *_: F.lit(same).cast("long"))
    assert _repeats(spark.range(50).toDF("id"), "id") == 0
    assert _repeats(spark.range(50).toDF("id").union(_frame(spark, "id long", (3,))), "id") == 2


def test_text_under_a_collation_is_compared_as_the_collation_says(spark: SparkSession) -> None:
    frame = _frame(spark, "name string", ("ann",), ("ANN",), ("bob",))
    assert _repeats(frame, "name") == 0
    assert _repeats(frame.selectExpr("name collate UTF8_LCASE as name"), "name") == 2


def test_nested_keys_are_compared_by_value(spark: SparkSession) -> None:
    frame = spark.range(4).selectExpr("struct(id % 2 as x) as s", "array(id) as l")
    assert _repeats(frame, "s") == 4
    assert _repeats(frame, "l") == 0
    assert _repeats(frame, "s.x") == 4


def test_repeats_do_not_depend_on_partitioning(spark: SparkSession) -> None:
    frame = spark.range(500).selectExpr("cast(id % 490 as string) as id")
    assert [_repeats(frame.repartition(parts), "id") for parts in (1, 7)] == [20, 20]
