"""Keys that repeat are found by hash, and what is read once stays where it is."""

from __future__ import annotations

import pytest
from custom_checks import counted_jobs, frame
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from dq.sources import delivered_once
from dq.spark import hashes
from dq.spark.hashes import Repeated

SCHEMA = "id string, text string, offset bigint"
ROWS = (
    ("once", "x", 1),
    ("twice", "x", 9),
    ("twice", "x", 3),
    ("conflict", "x", 4),
    ("conflict", None, 5),
    ("conflict", "x", 2),
    (None, "x", 6),
    (None, "x", 7),
    (None, None, 8),
)
FIRST: list[tuple[object, ...]] = [
    (None, None, 8),
    (None, "x", 6),
    ("conflict", None, 5),
    ("conflict", "x", 2),
    ("once", "x", 1),
    ("twice", "x", 3),
]


def told(found: DataFrame) -> list[tuple[object, ...]]:
    return sorted((tuple(row) for row in found.collect()), key=str)


def test_rows_are_cut_into_those_whose_key_may_repeat_and_the_others(spark: SparkSession) -> None:
    rows = frame(spark, SCHEMA, *ROWS)
    repeated = Repeated(rows, ["id"])
    again = repeated.among(rows)
    assert again is not None
    assert again.columns == rows.columns
    assert told(again) == sorted(ROWS[1:], key=str)
    assert told(repeated.others(rows)) == [ROWS[0]]
    assert not repeated.many


def test_what_was_found_is_not_looked_for_again(spark: SparkSession) -> None:
    rows = frame(spark, SCHEMA, *ROWS)
    repeated = Repeated(rows, ["id", "text"])
    assert repeated.among(rows) is not None
    with counted_jobs(spark, "again") as counted:
        assert repeated.among(rows) is not None
        repeated.others(rows)
    assert counted.jobs == 0


def test_where_no_key_repeats_nothing_is_joined(spark: SparkSession) -> None:
    rows = frame(spark, SCHEMA, *ROWS[:2])
    repeated = Repeated(rows, ["id"])
    assert repeated.among(rows) is None
    assert repeated.others(rows) is rows
    assert delivered_once(rows, ["offset"], repeated) is rows


@pytest.mark.parametrize(("most", "moved"), [(3, False), (2, True)])
def test_the_first_delivery_of_each_is_the_same_however_many_repeat(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch, most: int, moved: bool
) -> None:
    monkeypatch.setattr(hashes, "MOST_SENT", most)
    rows = frame(spark, SCHEMA, *ROWS)
    repeated = Repeated(rows, ["id"])
    found = delivered_once(rows, ["offset"], repeated)
    assert repeated.many == moved
    assert told(found) == told(delivered_once(rows, ["offset"])) == sorted(FIRST, key=str)
    # Rows that are there once are read as they are: no exchange stands over them.
    plan = str(found._jdf.queryExecution().optimizedPlan().toString())
    assert ("LeftAnti" in plan) != moved


def test_keys_that_only_share_a_hash_keep_their_rows(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(F, "xxhash64", lambda *_: F.lit(7).cast("long"))
    rows = frame(spark, SCHEMA, *ROWS)
    assert told(delivered_once(rows, ["offset"], Repeated(rows, ["id"]))) == sorted(FIRST, key=str)


def test_rows_that_cannot_be_read_fail_where_they_are_used(spark: SparkSession) -> None:
    rows = frame(spark, SCHEMA, *ROWS).withColumn("id", F.expr("IF(offset = 4, raise_error('no id'), id)"))
    seen = delivered_once(rows, ["offset"], Repeated(rows, ["id"]))
    with pytest.raises(Exception, match="no id"):
        seen.collect()


@pytest.mark.parametrize("type_", ["double", "float", "string collate UTF8_LCASE", "struct<a: int>", "array<int>"])
def test_types_whose_equal_values_may_differ_in_hash_are_no_keys(spark: SparkSession, type_: str) -> None:
    assert not hashes.hashable(spark.sql(f"SELECT CAST(NULL AS {type_}) AS key").schema["key"].dataType)


@pytest.mark.parametrize("type_", ["string", "bigint", "decimal(18,2)", "date", "timestamp", "boolean", "binary"])
def test_plain_types_are_keys(spark: SparkSession, type_: str) -> None:
    assert hashes.hashable(spark.sql(f"SELECT CAST(NULL AS {type_}) AS key").schema["key"].dataType)
