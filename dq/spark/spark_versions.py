"""What differs between the versions of Spark that dq runs on: no other module asks for a version.

Nothing here imports PySpark before it is called. ``make test-matrix`` runs the tests on each version and writes
docs/spark-versions.md.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from dq.base.errors import DqError

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

SUPPORTED = ("3.5", "4.0", "4.1", "4.2", "4.3")
"""By their first two numbers, from the oldest on."""
DEFAULT = "4.1"
"""The one in requirements.lock: the newest that Kafka, Delta, Iceberg and Great Expectations all support."""
JAVA = (17, 21)
MISSING = {"3.5": "Python 3.12 and later", "4.0": "Python 3.14"}
"""What is not there on a version, in the words of docs/spark-versions.md."""
RANGE = f"Spark {SUPPORTED[0]} to {SUPPORTED[-1]}"
ADVICE = f"install one of them (pip install 'pyspark=={DEFAULT}.*'), or submit to a cluster that has one"
NEWEST_PYTHON = {"3.5": (3, 11), "4.0": (3, 13)}
"""Where it is not the newest that dq takes; 3.5 imports distutils, which Python 3.12 left out."""


def numbers(version: str) -> str:
    """The first two numbers of a version, which a vendor's build has, too (``4.1.4-amzn-0``); empty for no version."""
    found = re.match(r"(\d+\.\d+)(?!\d)", version)
    return found[1] if found else ""


def check() -> None:
    """Raise with one sentence when the PySpark of this process is none that dq runs on."""
    import pyspark

    _must_be_supported(str(pyspark.__version__))


def _must_be_supported(version: str, python: tuple[int, int] = sys.version_info[:2]) -> None:
    if numbers(version) not in SUPPORTED:
        raise DqError(f"Spark {version} is not supported", expected=RANGE, do=ADVICE)
    newest = NEWEST_PYTHON.get(numbers(version), python)
    if python > newest:
        raise DqError(
            f"Spark {version} does not support Python {python[0]}.{python[1]}",
            expected=f"Python 3.11 to {newest[0]}.{newest[1]}" if newest > (3, 11) else "Python 3.11",
            do=f"take such a Python, or a later Spark of {SUPPORTED[0]} to {SUPPORTED[-1]}",
        )


_UNREADABLE = "FAILED_READ_FILE"
_NAMED_SINCE = {f"_LEGACY_ERROR_TEMP_{number}": _UNREADABLE for number in (2055, 2062, 2063, 2064)}
"""Conditions of 3.5 that had no name yet, and the one they have from 4.0 on: a file that is gone or cannot be read."""


def try_cast(value: Column, wanted: str) -> Column:
    """A column as another type, NULL where a value cannot be it: ``Column.try_cast``, which Spark has from 4.0 on.

    Example:
        >>> lines.select(dq.try_cast(sf.col("seats"), "int").alias("seats"))
    """
    if hasattr(type(value), "try_cast"):
        return value.try_cast(wanted)
    from pyspark import SparkContext

    column: Any = type(value)
    old: Any = value._jc
    jvm: Any = SparkContext._active_spark_context._jvm  # type: ignore[union-attr]
    catalyst = jvm.org.apache.spark.sql.catalyst.expressions
    type_ = jvm.org.apache.spark.sql.types.DataType.fromDDL(wanted)
    found = catalyst.Cast(old.expr(), type_, jvm.scala.Option.empty(), catalyst.EvalMode.TRY())
    return column(jvm.org.apache.spark.sql.Column(found))  # type: ignore[no-any-return]


def whole_numbers(spark: SparkSession, name: str, values: Sequence[int]) -> DataFrame:
    """A frame of one column: through Arrow, from which Spark makes frames from 4.0 on, else row by row."""
    import pyspark

    if numbers(str(pyspark.__version__)) == "3.5":
        return spark.createDataFrame([(value,) for value in values], f"{name} bigint", verifySchema=False)
    import pyarrow as pa

    return spark.createDataFrame(pa.table({name: pa.array(values, pa.int64())}))


def json_keeps_digits(spark: SparkSession) -> bool:
    """Whether a number of a JSON file that is read as text is what stands there; 3.5 makes a double of it first."""
    try:
        return spark.conf.get("spark.sql.json.enableExactStringParsing") == "true"
    except Exception:  # of a setting that a version has not
        return False


def condition(error: BaseException) -> str:
    """The name of Spark's error condition, which 3.5 calls the error's class; empty where an error has none.

    It is named as from 4.0 on, whichever version raised it.
    """
    found = _named(_thrown(error) or error)
    return _NAMED_SINCE.get(found, found)


def parameters(error: BaseException) -> dict[str, str]:
    """What Spark says of an error beside its condition; it may quote rows."""
    ask = getattr(_thrown(error) or error, "getMessageParameters", None)
    try:
        found = ask() if callable(ask) else None
    except Exception:
        return {}
    return {str(key): str(value) for key, value in (found or {}).items()}


def raised(error: BaseException) -> BaseException:
    """The error as from 4.0 on: 3.5 wraps what a failed task died of, so that Python has no class for it."""
    found = _thrown(error)
    if found is None:
        return error
    from pyspark.errors.exceptions.captured import convert_exception

    try:
        return convert_exception(found)
    except Exception:
        return error


_DEEPEST = 20


def _thrown(error: BaseException) -> Any:
    """The first in Java's chain of causes that has a condition, for an error that Python has no class for."""
    cause: Any = getattr(error, "java_exception", None)
    try:
        for _ in range(_DEEPEST):
            if cause is None or _named(cause):
                return cause
            cause = cause.getCause()
    except Exception:  # as below
        return None
    return None


def _named(error: Any) -> str:
    """The condition that an error of Python's, or of Java's, says it has: any of Java's may be asked for any method."""
    for name in ("getCondition", "getErrorClass"):
        ask = getattr(error, name, None)
        with suppress(Exception):  # it is asked of the JVM, which may be what died, or has no such method
            if callable(ask):
                return str(ask() or "")
    return ""


def python_loggers() -> list[logging.Logger]:
    """The loggers to which Spark's Python side says what failed, from 4.0 on."""
    try:
        from pyspark.logger import PySparkLogger
    except ImportError:
        return []
    return [PySparkLogger.getLogger(name) for name in ("DataFrameQueryContextLogger", "SQLQueryContextLogger")]
