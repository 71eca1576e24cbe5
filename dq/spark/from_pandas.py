"""A pandas frame as a Spark frame: types from its columns, and what pandas calls missing as NULL."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from dq.base.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import DataType

MOST_DIGITS = 38
"""The digits of the longest decimal that Spark has."""


def spark_frame(spark: SparkSession, frame: pd.DataFrame) -> DataFrame:
    """The rows of a pandas frame; its index is left out, and NaN, NaT and NA are NULL as they are to pandas.

    Raises UsageError for what is not a pandas frame and for a column whose values are of several types.
    """
    from pyspark.errors import PySparkException
    from pyspark.sql.types import DecimalType, DoubleType, StructField, StructType

    if type(frame).__module__.partition(".")[0] != "pandas" or not hasattr(frame, "columns"):
        raise UsageError(f"{type(frame).__name__} is not a frame", expected="a Spark or a pandas DataFrame")
    names = [str(name) for name in frame.columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"the frame has several columns {', '.join(twice)}", expected="each name once")
    columns = [_values(frame.iloc[:, number]) for number in range(len(names))]
    schema = StructType(
        [StructField(name, _type(name, frame.iloc[:, number], columns[number])) for number, name in enumerate(names)]
    )
    for number, field in enumerate(schema.fields):
        if isinstance(field.dataType, DecimalType):
            columns[number] = [None if value is None else Decimal(str(value)) for value in columns[number]]
        elif isinstance(field.dataType, DoubleType):
            columns[number] = [None if value is None else float(str(value)) for value in columns[number]]
    try:
        return spark.createDataFrame(list(zip(*columns, strict=True)), schema)
    except (PySparkException, ArithmeticError, TypeError, ValueError) as error:
        # What they say quotes the value.
        raise UsageError(
            f"the frame holds a value that Spark does not take ({type(error).__name__})",
            expected="text, numbers, days or instants",
        ) from None


def _values(column: pd.Series[Any]) -> list[object]:
    """The values as Python's own, None where one is missing."""
    missing = column.isna()
    return [None if gone else _plain(value) for value, gone in zip(column.tolist(), missing.tolist(), strict=True)]


def _plain(value: object) -> object:
    """A value as Python's own; an instant without a zone is one of UTC, as everywhere."""
    if hasattr(value, "to_pydatetime"):
        value = value.to_pydatetime(warn=False)
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    kind = type(value).__name__ if type(value).__module__ == "numpy" else ""
    if kind == "datetime64" and hasattr(value, "astype"):
        return _plain(value.astype("datetime64[us]").item())
    return value.item() if kind not in ("", "timedelta64") and hasattr(value, "item") else value


def _type(name: str, column: pd.Series[Any], values: list[object]) -> DataType:
    """The type of a column, from what its values are; one without any is text unless pandas knows better."""
    from pyspark.sql import types as T

    kinds = {type(value) for value in values if value is not None}
    if not kinds:
        numbers = {"b": T.BooleanType(), "i": T.LongType(), "u": T.LongType(), "f": T.DoubleType()}
        return {**numbers, "M": T.TimestampType()}.get(getattr(column.dtype, "kind", "O"), T.StringType())
    if kinds == {int, Decimal}:
        kinds = {Decimal}
    if kinds == {int, float} and all(map(_is_double, values)):
        kinds = {float}
    if len(kinds) > 1:
        listed = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise UsageError(f"the column {name} holds {listed}", expected="values of one type")
    kind = kinds.pop()
    if kind is int:
        whole = [value for value in values if isinstance(value, int)]
        if -(2**63) <= min(whole) <= max(whole) < 2**63:
            return T.LongType()
        return _decimal(name, [Decimal(value) for value in whole])
    if kind is Decimal:
        return _decimal(name, [Decimal(value) for value in values if isinstance(value, int | Decimal)])
    plain = {
        bool: T.BooleanType(),
        float: T.DoubleType(),
        str: T.StringType(),
        bytes: T.BinaryType(),
        date: T.DateType(),
        datetime: T.TimestampType(),
    }
    if kind not in plain:
        raise UsageError(f"the column {name} holds {kind.__name__}", expected="text, numbers, days or instants")
    return plain[kind]


def _is_double(value: object) -> bool:
    """Whether a value is the same as a double; a whole number beyond 2^53 may not be."""
    try:
        return not isinstance(value, int) or int(float(value)) == value
    except OverflowError:
        return False


def _decimal(name: str, values: list[Decimal]) -> DataType:
    """The decimal type that holds every value as it is."""
    from pyspark.sql.types import DecimalType

    if not all(value.is_finite() for value in values):
        raise UsageError(f"the column {name} holds a decimal that is not a number", expected="finite decimals")
    exponents = [int(value.as_tuple().exponent) for value in values]
    scale = max(0, -min(exponents))
    whole = max(value.adjusted() + 1 for value in values)
    if max(whole, 1) + scale > MOST_DIGITS:
        raise UsageError(f"the column {name} needs more than {MOST_DIGITS} digits", expected="decimals that Spark has")
    return DecimalType(MOST_DIGITS, scale)
