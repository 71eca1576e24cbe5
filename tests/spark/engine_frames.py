"""Frames and checks shared by the engine's tests: every type with NULL, NaN, infinities, empty text, decimals, days."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from dq.base.model import Check
from dq.engine.dataset import Dataset

SCHEMA = (
    "id long, k int, price decimal(10,2), x double, name string, day date, at timestamp, flag boolean, a long, b long"
)
ROWS: list[tuple[Any, ...]] = [
    (1, 1, Decimal("1.50"), 1.0, "ann", date(2026, 1, 1), datetime(2026, 1, 1, 1), True, 1, 1),
    (2, 1, Decimal("0.10"), float("nan"), "bob", date(2026, 1, 2), datetime(2026, 1, 2, 1), False, 2, 1),
    (3, 2, None, -0.0, "", None, None, None, None, 3),
    (4, 2, Decimal("99.99"), 0.0, "bob", date(2026, 1, 5), datetime(2026, 1, 5, 1), True, None, None),
    (5, None, Decimal("-1.00"), None, None, date(2025, 12, 31), datetime(2025, 12, 31, 1), True, 5, None),
    (5, 3, Decimal("1.50"), float("inf"), "Zoë", date(2026, 1, 1), datetime(2026, 1, 1, 1), False, 5, 5),
    (None, 3, Decimal("7.00"), 2.5, "x'y", date(2026, 1, 9), datetime(2026, 1, 9, 1, 2, 3, 4), None, 6, 7),
]


def full(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame(ROWS, SCHEMA).coalesce(1)


def empty(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame([], SCHEMA)


def all_null(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame([(None,) * 10] * 3, SCHEMA)


def dataset(frame: DataFrame, **over: Any) -> Dataset:
    return Dataset(name="d", frame=frame, **over)


def check(type_name: str, **kwargs: Any) -> Check:
    return Check(check=type_name, dataset="d", type=type_name, kwargs=kwargs)
