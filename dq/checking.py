"""Judge any frame by any suite, with our verdict: the embedded form of ``dq check``."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dq.base.errors import DqError, SourceError, UsageError
from dq.base.model import Check, Json, Kind, RunRecord
from dq.base.paths import local
from dq.base.verdict import decide
from dq.declare import suite_files, suites
from dq.engine.native_kwargs import is_parameter

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.core import ExpectationSuite
    from pyspark.sql import DataFrame, SparkSession

    from dq.engine.dataset import Dataset
    from dq.sources.csvfile import Dialect
    from dq.sources.csvtypes import Patterns

DATA = "CSV, JSON, Parquet, ORC or Avro, a file, a folder or a pattern such as 'in/*.csv', delta:PATH, or a table"
_SUFFIXES = (".csv", ".json", ".jsonl", ".ndjson", ".parquet", ".orc", ".avro")


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
    left as it is. Raises ConfigError for a suite with mistakes, UsageError for one that is not there.

    Example:
        >>> import pandas as pd
        >>> unique = {"type": "expect_column_values_to_be_unique", "kwargs": {"column": "invoice_id"}}
        >>> suite = {"name": "invoices", "expectations": [unique]}
        >>> record = dq.check(pd.DataFrame({"invoice_id": ["a", "b", "b"]}), suite)
        >>> record.passed, str(record.verdict), [str(result.outcome) for result in record.results]
        (False, 'hold', ['failed'])
    """
    from dq.engine.dataset import Dataset

    name, checks = _checks(suite, expectation_parameters)
    from pyspark.sql import DataFrame

    if isinstance(df, DataFrame):
        return judge(name, checks, Dataset(name=name, frame=df))
    from dq.spark import session
    from dq.spark.from_pandas import spark_frame

    with session.apart("dq check") as spark:
        return judge(name, checks, Dataset(name=name, frame=spark_frame(spark, df)))


def judge(name: str, checks: Sequence[Check], dataset: Dataset) -> RunRecord:
    """The record of checks judged on a dataset outside any pipeline."""
    from dq.engine.dataset import Context
    from dq.judge.evaluate import evaluate

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


def check_data(
    data: str,
    suite: Path,
    dialect: Dialect | None = None,
    note: Callable[[str], None] | None = None,
    patterns: Patterns | None = None,
) -> RunRecord:
    """``check`` for files of one format, a folder or a pattern of them, ``delta:PATH``, or the name of a Spark table.

    ``note`` is told what is not part of the verdict, such as which row keeps a column of CSV text.
    """
    from dq.engine.dataset import Dataset
    from dq.sources import deltafolder, undeclared
    from dq.sources.listing import split_pattern

    if data.startswith(deltafolder.SCHEME):
        return _delta(local(data.removeprefix(deltafolder.SCHEME), "DATA"), suite)
    path = local(data, "DATA")
    name, checks = _checks(suite)
    base, pattern = split_pattern(path)
    looks_like_path = path.exists() or bool(pattern) or "/" in data or path.suffix in _SUFFIXES
    if looks_like_path and not base.exists():
        raise UsageError(f"there is no {base}", expected=DATA)
    if looks_like_path:
        undeclared.files_of(path)  # what is wrong with them is said before Spark starts
    spark = _session()
    frame = _frame(spark, path, dialect, note, patterns) if looks_like_path else _table(spark, data)
    return judge(name, checks, Dataset(name=name, frame=frame))


def _delta(folder: Path, suite: Path) -> RunRecord:
    """The verdict on the newest version of a Delta table; footers are evidence where its files are its rows."""
    from dq.engine.dataset import Dataset
    from dq.sources import deltafolder
    from dq.sources.raw_rows import of_delta

    name, checks = _checks(suite)
    found = deltafolder.snapshot(folder)  # what is wrong with it is said before Spark starts
    frame = of_delta(_session(), found, found.files)
    in_files = [] if found.only_by else [column for column, _ in found.columns if column not in found.folders]
    files = () if found.only_by else found.files
    return judge(name, checks, Dataset(name=name, frame=frame, files=files, footer_columns={c: c for c in in_files}))


def _session() -> SparkSession:
    from dq.declare import registry
    from dq.spark import session

    try:
        conf = registry.find_root() / "spark-conf"
    except UsageError:
        conf = None
    return session.session("dq check", conf)


def _frame(
    spark: SparkSession,
    path: Path,
    dialect: Dialect | None = None,
    note: Callable[[str], None] | None = None,
    patterns: Patterns | None = None,
) -> DataFrame:
    from dq.run.failures import sentence
    from dq.sources import csvfile, undeclared

    try:
        return undeclared.read(spark, path, dialect or csvfile.RFC_4180, note, patterns)
    except DqError:
        raise
    except Exception as error:
        raise SourceError(f"cannot be read: {sentence(error)}", where=str(path)) from error


def _table(spark: SparkSession, name: str) -> DataFrame:
    from dq.sources import cataloguetable

    try:
        there = spark.catalog.tableExists(name)
    except Exception as error:  # a catalogue that is down; what it says may name an address with a password
        raise cataloguetable.unanswered(name, error) from error
    if not there:
        raise UsageError(f"there is no file and no table {name}", expected=DATA)
    return spark.table(name)


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
        path = local(suite, "--suite")
        if not path.is_file():
            do = suite_files.elsewhere(path)
            raise UsageError(f"there is no suite {path}", where="--suite", expected="a YAML or JSON file", do=do)
        if path.suffix != ".json":
            loaded = suites.load(path)
            return loaded.name, loaded.checks
    from dq.gx.convert import as_suite, from_gx

    built = as_suite(suite)
    return built.name, from_gx(built)
