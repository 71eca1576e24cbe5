"""``dq.check`` of a pandas frame in a notebook: no project, and a session of somebody else that stays as it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession

import dq
from dq.base.errors import UsageError
from dq.spark.from_pandas import spark_frame

NOT_NULL = "expect_column_values_to_not_be_null"


@pytest.fixture
def foreign(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SparkSession]:
    """The active session of a notebook in another folder, with settings of its own."""
    theirs = spark.newSession()
    for key, value in {"spark.sql.session.timeZone": "Asia/Tokyo", "spark.sql.ansi.enabled": "false"}.items():
        theirs.conf.set(key, value)
    theirs.range(1).count()
    theirs.createDataFrame([(1,)], "x int")  # makes it the active one
    monkeypatch.chdir(tmp_path)
    yield theirs
    spark.createDataFrame([(1,)], "x int")


def _suite(*expectations: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    return {"name": "orders", "expectations": [{"type": name, "kwargs": kwargs} for name, kwargs in expectations]}


def test_a_pandas_frame_is_judged_beside_a_foreign_session(foreign: SparkSession) -> None:
    frame = pd.DataFrame(
        {"id": [1, 2, 2], "at": pd.to_datetime(["2026-10-01T23:30", "2026-10-02T00:00", "2026-10-03T00:00"])}
    )
    late = {"column": "at", "min_value": "2026-10-01 23:00:00", "max_value": "2026-10-03"}
    record = dq.check(
        frame,
        _suite(("expect_column_values_to_be_unique", {"column": "id"}), ("expect_column_values_to_be_between", late)),
    )
    assert [result.outcome for result in record.results] == ["failed", "passed"]
    assert (record.passed, record.published, record.success) == (False, False, False)
    assert SparkSession.getActiveSession() is foreign
    assert foreign.conf.get("spark.sql.session.timeZone") == "Asia/Tokyo"
    assert foreign.conf.get("spark.sql.ansi.enabled") == "false"


def test_what_pandas_calls_missing_is_null(foreign: SparkSession) -> None:
    frame = pd.DataFrame(
        {
            "whole": [1, None, 3],
            "text": ["a", None, "b"],
            "money": [Decimal("0.10"), None, Decimal("12345678901234567890.125")],
            "day": [date(2026, 10, 1), None, date(2026, 10, 2)],
            "at": pd.to_datetime(["2026-10-01", None, "2026-10-02"]),
            "nothing": [None, None, None],
        }
    )
    record = dq.check(frame, _suite(*((NOT_NULL, {"column": name}) for name in frame.columns)))
    assert {result.measures["unexpected_count"] for result in record.results[:-1]} == {1}
    assert record.results[-1].measures["unexpected_count"] == 3


def test_values_come_over_as_they_are(spark: SparkSession) -> None:
    money = [Decimal("0.10"), Decimal("12345678901234567890.125")]
    frame = pd.DataFrame({"money": money, "big": [2**70, 1], "flag": [True, False], "c": pd.Categorical(["x", "y"])})
    made = spark_frame(spark, frame)
    assert [kind for _, kind in made.dtypes] == ["decimal(38,3)", "decimal(38,0)", "boolean", "string"]
    assert [row.money for row in made.collect()] == money
    assert [int(row.big) for row in made.collect()] == [2**70, 1]


@pytest.mark.parametrize(
    ("values", "kind", "read"),
    [
        ([1, 2.5, None], "double", [1.0, 2.5, None]),
        ([2**53, float("inf")], "double", [float(2**53), float("inf")]),
        ([np.int64(1), np.float32(2.5)], "double", [1.0, 2.5]),
        ([1, Decimal("2.50")], "decimal(38,2)", [Decimal("1.00"), Decimal("2.50")]),
        ([np.bool_(True), False], "boolean", [True, False]),
        ([np.str_("a"), "b"], "string", ["a", "b"]),
        ([np.datetime64("2026-10-01", "ns"), pd.Timestamp("2026-10-01")], "timestamp", None),
    ],
)
def test_numbers_of_two_kinds_and_values_of_numpy_are_what_they_equal(
    spark: SparkSession, values: list[Any], kind: str, read: list[Any] | None
) -> None:
    made = spark_frame(spark, pd.DataFrame({"x": pd.Series(values, dtype="object")}))
    assert made.dtypes == [("x", kind)]
    assert read is None or [row.x for row in made.collect()] == read


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([2**53 + 1, 0.5], "the column x holds float, int"),
        ([10**400, 0.5], "the column x holds float, int"),
        ([4711, True], "the column x holds bool, int"),
        ([Decimal("47.11"), 47.5], "the column x holds Decimal, float"),
        ([date(2026, 10, 1), pd.Timestamp("2026-10-01")], "the column x holds date, datetime"),
        ([b"4711", "4711"], "the column x holds bytes, str"),
        ([np.timedelta64(4711, "ns")], "the column x holds timedelta64"),
    ],
)
def test_what_is_not_of_one_type_is_told_without_a_value(spark: SparkSession, values: list[Any], said: str) -> None:
    with pytest.raises(UsageError) as told:
        dq.check(pd.DataFrame({"x": pd.Series(values, dtype="object")}), _suite((NOT_NULL, {"column": "x"})))
    assert said in str(told.value)
    assert "47" not in str(told.value)


def test_what_spark_refuses_is_told_without_the_value_it_quotes() -> None:
    def refuse(rows: list[tuple[Any, ...]], _: object) -> None:
        raise ValueError(f"{rows[0][0]} is not accepted")

    refusing: Any = SimpleNamespace(createDataFrame=refuse)
    with pytest.raises(UsageError, match="the frame holds a value that Spark does not take") as told:
        spark_frame(refusing, pd.DataFrame({"x": ["4711"]}))
    assert "4711" not in str(told.value)


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (pd.DataFrame({"x": ["a", 1]}), "the column x holds int, str"),
        (pd.DataFrame([[1, 2]], columns=["x", "x"]), "several columns x"),
        (pd.DataFrame({"x": [{"a": 1}]}), "the column x holds dict"),
        ([1, 2], "list is not a frame"),
    ],
)
def test_what_cannot_be_judged_is_one_sentence(spark: SparkSession, frame: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        dq.check(frame, _suite((NOT_NULL, {"column": "x"})))
