"""The ways of breaking a month's rows that seeded defects are made of."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as sf

from dq.demo.defects import Change


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


def twice(frame: DataFrame) -> DataFrame:
    """Every row a second time."""
    return frame.unionByName(frame)
