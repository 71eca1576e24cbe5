"""Validation in Great Expectations' terms: our engine where it can, theirs for the rest, one result object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dq.base.errors import ConfigError, DqError, Finding, UsageError
from dq.base.model import Check, Json, Outcome
from dq.gx.convert import as_suite, quiet
from dq.gx.fallback import BATCH, declared_with_batch, is_pandas, run_gx, safe_kwargs
from dq.spark import session

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.core import (
        ExpectationSuite,
        ExpectationSuiteValidationResult,
        ExpectationValidationResult,
    )
    from great_expectations.core.result_format import ResultFormat
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
    from pyspark.sql import DataFrame

    from dq.base.model import CheckResult
    from dq.engine.native_result import NativeResult

FORMATS = ("BOOLEAN_ONLY", "BASIC", "SUMMARY", "COMPLETE")


def validation_result(
    df: DataFrame | pd.DataFrame,
    suite: str | Path | Mapping[str, Json] | ExpectationSuite,
    result_format: str | ResultFormat | Mapping[str, Any],
    parameters: Mapping[str, Any] | None = None,
) -> ExpectationSuiteValidationResult:
    """The validation result of a frame against a suite; ``dq.validate`` says what is promised."""
    built = as_suite(suite)
    wanted = _result_format(result_format)
    columns = _columns(df)
    with quiet(), nullcontext() if is_pandas(df) else session.read_as_written(df.sparkSession):
        configurations = resolved([expectation.configuration for expectation in built.expectations], parameters)
        _refuse_unsafe(configurations, columns, spark=not is_pandas(df))
        placed = _evaluated(configurations, df, wanted)
    return _suite_result(built, placed, spark=not is_pandas(df))


def _evaluated(
    configurations: Sequence[ExpectationConfiguration], df: DataFrame | pd.DataFrame, result_format: object
) -> list[ExpectationValidationResult]:
    """One result for every expectation, in Great Expectations' order."""
    from dq.checks.evaluation import evaluate_custom, is_custom
    from dq.engine.dataset import Context, Dataset
    from dq.engine.native import evaluate_native, supports

    checks = [
        Check(check=str(number), dataset="frame", type=item.type, kwargs=item.kwargs)
        for number, item in enumerate(configurations)
    ]
    results: dict[int, ExpectationValidationResult] = {}
    if is_pandas(df):
        custom = sorted({check.type for check in checks if is_custom(check)})
        if custom:
            raise UsageError(f"{', '.join(custom)} cannot be evaluated on a pandas frame", do="give a Spark DataFrame")
    else:
        dataset = Dataset(name="frame", frame=df)
        own = [check for check in checks if is_custom(check)]
        if own:
            for name, found in evaluate_custom(own, dataset, Context()).items():
                results[int(name)] = _from_custom(configurations[int(name)], found)
        native = [check for check in checks if isinstance(result_format, str) and supports(check)]
        if native:
            given = evaluate_native(native, dataset, result_format=str(result_format), samples=True)
            for check, answer in zip(native, given, strict=True):
                if answer.success is not None:
                    position = int(check.check)
                    # A result that Great Expectations refuses is an error of its own: it says which one below.
                    with suppress(Exception):
                        results[position] = _from_native(configurations[position], answer)
    left = [position for position in range(len(checks)) if position not in results]
    if left:
        for number, result in run_gx([configurations[position] for position in left], df, result_format):
            results[left[number]] = result
    missing = [position for position in range(len(checks)) if position not in results]
    if missing:
        raise DqError(f"Great Expectations gave no result for {len(missing)} of {len(checks)} expectations")
    # Stable: metrics that could not be asked for, then metrics that failed, then all that was judged.
    return sorted((results[position] for position in _by_column(configurations)), key=_stage)


def _by_column(configurations: Sequence[ExpectationConfiguration]) -> list[int]:
    """Positions grouped by column, in the order in which columns first appear."""
    groups: dict[str, list[int]] = {}
    for position, item in enumerate(configurations):
        column = item.kwargs.get("column")
        groups.setdefault(column if isinstance(column, str) else "_nocolumn", []).append(position)
    return [position for group in groups.values() for position in group]


def _stage(result: ExpectationValidationResult) -> int:
    """The stage in which Great Expectations finished with an expectation; it lists results by stage."""
    info = result.exception_info or {}
    if "raised_exception" not in info:
        return 1 if info else 2
    unasked = info["raised_exception"] and "No provider found" in str(info.get("exception_message"))
    return 0 if unasked else 2


def _from_native(item: ExpectationConfiguration, answer: NativeResult) -> ExpectationValidationResult:
    from great_expectations.core import ExpectationValidationResult

    return ExpectationValidationResult(
        success=answer.success, expectation_config=declared_with_batch(item), result=dict(answer.result)
    )


def _from_custom(item: ExpectationConfiguration, found: CheckResult) -> ExpectationValidationResult:
    from great_expectations.core import ExpectationValidationResult

    evaluated = found.outcome in (Outcome.PASSED, Outcome.FAILED)
    raised = {"raised_exception": True, "exception_message": found.reason, "exception_traceback": ""}
    return ExpectationValidationResult(
        success=found.outcome is Outcome.PASSED,
        expectation_config=declared_with_batch(item),
        result=dict(found.gx_result) if evaluated else {},
        exception_info=None if evaluated else raised,
    )


def _suite_result(
    suite: ExpectationSuite, results: Sequence[ExpectationValidationResult], *, spark: bool
) -> ExpectationSuiteValidationResult:

    from great_expectations import __version__
    from great_expectations.core import ExpectationSuiteValidationResult
    from great_expectations.validator.validation_statistics import calc_validation_statistics

    statistics = calc_validation_statistics(list(results))
    source, _, asset = BATCH.partition("-")
    return ExpectationSuiteValidationResult(
        success=statistics.success,
        results=list(results),
        suite_name=suite.name,
        statistics={
            "evaluated_expectations": statistics.evaluated_expectations,
            "successful_expectations": statistics.successful_expectations,
            "unsuccessful_expectations": statistics.unsuccessful_expectations,
            "success_percent": statistics.success_percent,
        },
        meta={
            "great_expectations_version": __version__,
            "batch_spec": {"batch_data": "SparkDataFrame" if spark else "PandasDataFrame"},
            "batch_markers": {"ge_load_time": datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")},
            "active_batch_definition": {
                "datasource_name": source,
                "data_connector_name": "fluent",
                "data_asset_name": asset,
                "batch_identifiers": {"dataframe": "<DATAFRAME>"},
            },
        },
        batch_id=BATCH,
    )


def resolved(
    configurations: Sequence[ExpectationConfiguration], parameters: Mapping[str, Any] | None
) -> list[ExpectationConfiguration]:
    """The expectations with their suite parameters put in; one without a value is a mistake of the suite."""
    findings, values = [], dict(parameters or {})
    for number, item in enumerate(configurations):
        try:
            item.process_suite_parameters(suite_parameters=values, interactive_evaluation=True, data_context=None)
        except Exception as error:
            findings.append(Finding("suite", 0, f"expectations[{number}]", " ".join(str(error).split())))
    if findings:
        raise ConfigError(findings)
    return list(configurations)


def _refuse_unsafe(configurations: Sequence[ExpectationConfiguration], columns: Sequence[str], *, spark: bool) -> None:

    findings = []
    for number, item in enumerate(configurations):
        try:
            safe_kwargs(item.kwargs, columns, spark=spark)
        except DqError as error:
            findings.append(Finding("suite", 0, f"expectations[{number}].kwargs", str(error)))
    if findings:
        raise ConfigError(findings)


def _result_format(given: str | ResultFormat | Mapping[str, Any]) -> str | dict[str, Any]:
    if isinstance(given, Mapping):
        name, options = given.get("result_format"), dict(given)
        if name not in FORMATS:
            raise UsageError(f"unknown result format {name}", expected=", ".join(FORMATS))
        return options if set(options) != {"result_format"} else str(name)
    name = str(getattr(given, "value", given))
    if name not in FORMATS:
        raise UsageError(f"unknown result format {name}", expected=", ".join(FORMATS))
    return name


def _columns(df: DataFrame | pd.DataFrame) -> list[str]:
    columns = getattr(df, "columns", None)
    if columns is None:
        raise UsageError(f"{type(df).__name__} is not a frame", expected="a Spark or a pandas DataFrame")
    return [str(name) for name in columns]
