"""``dq.check`` of a pandas frame in a notebook: no project, and a session of somebody else that stays as it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import SparkSession

import dq
from dq.errors import UsageError
from dq.of_pandas import spark_frame

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
