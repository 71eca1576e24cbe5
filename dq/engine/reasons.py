"""Why something could not be evaluated, in one sentence without data values."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from dq.base.errors import DqError
from dq.spark import spark_versions as versions

_SENTENCES = {
    "CAST_INVALID_INPUT": "a value cannot be converted to the type it is compared with",
    "CAST_OVERFLOW": "a value does not fit the type it is compared with",
    "DIVIDE_BY_ZERO": "it divides by zero; write try_divide(a, b) where that is to give NULL",
    "REMAINDER_BY_ZERO": "it divides by zero; write try_mod(a, b) where that is to give NULL",
    "ARITHMETIC_OVERFLOW": "a number grew beyond its type",
    "NUMERIC_VALUE_OUT_OF_RANGE": "a number grew beyond its type",
    "FAILED_READ_FILE": "a file could not be read",
    "UNRESOLVED_COLUMN": "a column does not exist",
    "DATATYPE_MISMATCH": "the types cannot be compared",
    "INCOMPATIBLE_TYPES": "the types cannot be compared",
    "INVALID_PARAMETER_VALUE": "a pattern or argument is not valid",
}

# Raised while reading, whatever is computed from the row.
_NOT_A_ROW = ("FAILED_READ_FILE", "CANNOT_READ", "INVALID_BUCKET_FILE", "USER_RAISED_EXCEPTION")

# Datasets are judged in several threads: the filter goes when the last of them is done.
_KEEP = Lock()
_keeping = 0


def reason(error: BaseException) -> str:
    """What went wrong, from our own error's text or Spark's error condition; never a message that may quote a row."""
    if isinstance(error, DqError):
        return str(error)
    condition = _condition(error)
    if condition:
        known = next((text for name, text in _SENTENCES.items() if condition.split(".")[0].startswith(name)), "")
        return f"Spark could not evaluate it: {known} ({condition})" if known else f"Spark raised {condition}"
    java = getattr(error, "java_exception", None)
    if java is not None:
        return f"Spark raised {java.getClass().getSimpleName()}"
    if isinstance(error, ConnectionError) or type(error).__name__.startswith("Py4JNetwork"):
        return "the Spark session is gone"
    return f"it raised {type(error).__name__}"


@contextmanager
def rows_kept_from_logs() -> Iterator[None]:
    """Spark's Python side logs the message of a failed expression, which quotes the value it failed on; not here."""
    loggers = versions.python_loggers()
    global _keeping
    with _KEEP:
        _keeping += 1
        for logger in loggers:
            logger.addFilter(_nothing)
    try:
        yield
    finally:
        with _KEEP:
            _keeping -= 1
            for logger in loggers if not _keeping else ():
                logger.removeFilter(_nothing)


def _nothing(_: logging.LogRecord) -> bool:
    return False


def is_about_values(error: BaseException) -> bool:
    """Whether an error comes from evaluating an expression on a row, so that other expressions may still succeed.

    So does one of Python, which has no days after the year 9999.
    """
    from pyspark.errors import (
        ArithmeticException,
        ArrayIndexOutOfBoundsException,
        DateTimeException,
        IllegalArgumentException,
        NumberFormatException,
        SparkRuntimeException,
        UnsupportedOperationException,
    )

    return not _condition(error).startswith(_NOT_A_ROW) and isinstance(
        versions.raised(error),
        OverflowError
        | ValueError
        | ArithmeticException
        | ArrayIndexOutOfBoundsException
        | DateTimeException
        | IllegalArgumentException
        | NumberFormatException
        | SparkRuntimeException
        | UnsupportedOperationException,
    )


def _condition(error: BaseException) -> str:
    from pyspark.errors import PySparkException

    return versions.condition(error) or (type(error).__name__ if isinstance(error, PySparkException) else "")
