"""Judge any frame by any suite, with our verdict: the embedded form of ``dq check``."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dq import suites
from dq.errors import SourceError, UsageError
from dq.model import Check, Json, Kind, RunRecord
from dq.native_kwargs import is_parameter
from dq.verdict import decide

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.core import ExpectationSuite
    from pyspark.sql import DataFrame, DataFrameReader, SparkSession

    from dq.engine.base import Dataset

PARQUET = b"PAR1"
DATA = "a .csv file, a Parquet file or folder, or a table"


def check(
    df: DataFrame | pd.DataFrame,
    suite: str | Path | Mapping[str, Json] | ExpectationSuite,
    expectation_parameters: Mapping[str, Any] | None = None,
) -> RunRecord:
    """The verdict on a frame by a suite: a RunRecord without period, with ``verdict`` and ``results``.

    ``suite`` is a path to our YAML or Great Expectations' JSON, a mapping in either form, or an ExpectationSuite;
    ``expectation_parameters`` are the values of its ``{"$PARAMETER": name}``.
    Unlike ``validate``, a frame without rows could not be evaluated, NaN never lies in a range, and cell values are
    left out unless the suite opts its columns in; what pandas calls missing is NULL. A session that runs already is
    left as it is. Raises ConfigError for a suite with mistakes.
    """
    from dq.engine.base import Dataset

    name, checks = _checks(suite, expectation_parameters)
    from pyspark.sql import DataFrame

    if isinstance(df, DataFrame):
        return judge(name, checks, Dataset(name=name, frame=df))
    from dq import session
    from dq.of_pandas import spark_frame

    with session.apart("dq check") as spark:
        return judge(name, checks, Dataset(name=name, frame=spark_frame(spark, df)))


def judge(name: str, checks: Sequence[Check], dataset: Dataset) -> RunRecord:
    """The record of checks judged on a dataset outside any pipeline."""
    from dq.engine.base import Context
    from dq.engine.run import evaluate

    began, started = time.monotonic(), datetime.now(UTC)
    results = evaluate(checks, dataset, Context(sample=True))
    return RunRecord(
        run="check",
        pipeline=name,
        period="",
        kind=Kind.FINAL,
        as_of=started,
        data_through=started.date(),
        verdict=decide(results),
        started=started,
        seconds=round(time.monotonic() - began, 3),
        results=results,
        guidance={},
        inputs=(),
        run_key="",
    )


def check_data(data: str, suite: Path) -> RunRecord:
    """``check`` for a CSV file, a Parquet file or folder, or the name of a Spark table."""
    from dq import registry, session
    from dq.engine.base import Dataset

    name, checks = _checks(suite)
    path = Path(data)
    looks_like_path = path.exists() or "/" in data or path.suffix in (".csv", ".parquet")
    if looks_like_path and not path.exists():
        raise UsageError(f"there is no {data}", expected=DATA)
    if path.is_file() and not _is_csv(path) and path.suffix.lower() != ".parquet" and not _is_parquet(path):
        raise UsageError(
            f"{data} is neither CSV nor Parquet",
            expected="a .csv file (also .gz or .bz2), a Parquet file, a folder of either, or a table",
        )
    try:
        conf = registry.find_root() / "spark-conf"
    except UsageError:
        conf = None
    spark = session.session("dq check", conf)
    frame = _frame(spark, path) if looks_like_path else _table(spark, data)
    return judge(name, checks, Dataset(name=name, frame=frame))


def _is_parquet(path: Path) -> bool:
    """Whether a file begins as Parquet does, whatever it is called."""
    try:
        with path.open("rb") as file:
            return file.read(len(PARQUET)) == PARQUET
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror}", where=str(path)) from error


def _frame(spark: SparkSession, path: Path) -> DataFrame:
    if _is_csv(path) or (path.is_dir() and any(_is_csv(one) for one in path.iterdir())):
        return _read(lambda: _csv(spark, path), path)
    return _read(lambda: spark.read.parquet(str(path)), path)


def _is_csv(path: Path) -> bool:
    """Whether a file is CSV by its name, compressed or not."""
    return ".csv" in (path.suffix.lower(), Path(path.stem).suffix.lower() if path.suffix in (".gz", ".bz2") else "")


def _csv(spark: SparkSession, path: Path) -> DataFrame:
    """CSV as RFC 4180 has it, with types from the values; a row with too few or too many of them is an error.

    A column stays text where a value begins with a zero that its number would lose, such as a postal code.
    """
    from pyspark.sql import functions as F
    from pyspark.sql.types import DecimalType, DoubleType, IntegralType

    def reader(*, infer: bool) -> DataFrameReader:
        options = {"header": "true", "multiLine": "true", "quote": '"', "escape": '"', "enforceSchema": "false"}
        options |= {"mode": "FAILFAST", "columnPruning": "false", "inferSchema": str(infer).lower()}
        return spark.read.options(**options)

    typed, raw = (reader(infer=infer).csv(str(path)) for infer in (True, False))
    numbers = [f.name for f in typed.schema.fields if isinstance(f.dataType, IntegralType | DecimalType | DoubleType)]
    if not numbers:
        return typed
    quoted = {name: F.col(f"`{name.replace('`', '``')}`") for name in numbers}
    found = raw.agg(*(F.max(quoted[name].rlike(r"^\s*[+-]?0[0-9]")).alias(f"c{n}") for n, name in enumerate(numbers)))
    row = found.collect()[0]
    as_text = {name for n, name in enumerate(numbers) if row[n]}
    if not as_text:
        return typed
    schema = typed.schema
    for field in schema.fields:
        if field.name in as_text:
            field.dataType = raw.schema[field.name].dataType
    return reader(infer=False).schema(schema).csv(str(path))


def _table(spark: SparkSession, name: str) -> DataFrame:
    if not spark.catalog.tableExists(name):
        raise UsageError(f"there is no file and no table {name}", expected="a .csv or Parquet path, or a table")
    return spark.table(name)


def _read(reader: Callable[[], DataFrame], path: Path) -> DataFrame:
    from dq.run.reasons import sentence

    try:
        return reader()
    except Exception as error:
        raise SourceError(f"cannot be read: {sentence(error)}", where=str(path)) from error


def _checks(
    suite: str | Path | Mapping[str, Json] | ExpectationSuite, parameters: Mapping[str, Any] | None = None
) -> tuple[str, Sequence[Check]]:
    """A suite's name and checks; our YAML is read without Great Expectations, unless it has parameters."""
    name, checks = _declared(suite)
    if any(is_parameter(value) for check in checks for value in check.kwargs.values()):
        from dq.gx.convert import with_parameters

        return name, with_parameters(checks, parameters)
    return name, checks


def _declared(suite: str | Path | Mapping[str, Json] | ExpectationSuite) -> tuple[str, Sequence[Check]]:
    if isinstance(suite, str | Path):
        path = Path(suite)
        if not path.is_file():
            raise UsageError(f"there is no suite {path}", where="--suite", expected="a YAML or JSON file")
        if path.suffix != ".json":
            loaded = suites.load(path)
            return loaded.name, loaded.checks
    from dq.gx.convert import as_suite, from_gx

    built = as_suite(suite)
    return built.name, from_gx(built)
