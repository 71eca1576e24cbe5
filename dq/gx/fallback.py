"""Great Expectations' own engine on a frame, for the types we do not evaluate ourselves."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dq.base.errors import DqError, EvaluationError
from dq.base.model import Check, Evidence, Json
from dq.engine import conditions
from dq.engine.native_kwargs import value_problems
from dq.engine.native_result import NativeResult
from dq.engine.reasons import rows_kept_from_logs
from dq.gx.convert import quiet
from dq.gx.load import load
from dq.gx.registered_types import register
from dq.spark.identifiers import quote

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.core import ExpectationValidationResult
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
    from pyspark.sql import DataFrame

BATCH = "dq-frame"
"""The id of the one batch: what a data source ``dq`` with the asset ``frame`` would be called."""

_TABLE = "dq_checked_table"
_QUERIES = ("unexpected_rows_query", "base_query")
_POSITION = "dq_position"
_COUNTS = ("element_count", "missing_count", "unexpected_count")
_VALUES = (
    "partial_unexpected_list",
    "partial_unexpected_counts",
    "partial_unexpected_index_list",
    "unexpected_list",
    "unexpected_index_list",
    "unexpected_index_query",
    "unexpected_index_column_names",
)


def evaluate_fallback(
    checks: Sequence[Check], frame: DataFrame, result_format: str = "BASIC", *, samples: bool = True
) -> list[NativeResult]:
    """The results of the checks, in their order, as Great Expectations' Spark engine gives them.

    Without ``samples`` no cell value stays in a result. A check that cannot be evaluated has a reason without values.
    """
    load()
    register()
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    found: dict[int, NativeResult] = {}
    positions: list[int] = []
    configurations: list[ExpectationConfiguration] = []
    for position, check in enumerate(checks):
        try:
            safe_kwargs(check.kwargs, frame.columns)
            _columns_exist(check, frame.columns)
            configuration = ExpectationConfiguration(type=check.type, kwargs=dict(check.kwargs))
            with quiet():
                configuration = configuration.to_domain_obj().configuration
            if wrong := [f"{name}: {what}" for name, what in value_problems(check.type, check.kwargs)]:
                raise EvaluationError("; ".join(wrong))
        except Exception as error:
            found[position] = _not_evaluated(_reason(error))
            continue
        positions.append(position)
        configurations.append(configuration)
    results = run_gx(configurations, frame, result_format) if configurations else []
    for number, result in results:
        found[positions[number]] = _native(result, samples)
    return [
        found.get(position) or _not_evaluated("Great Expectations gave no result") for position in range(len(checks))
    ]


def run_gx(
    configurations: Sequence[ExpectationConfiguration], frame: DataFrame | pd.DataFrame, result_format: object
) -> list[tuple[int, ExpectationValidationResult]]:
    """The results in the order Great Expectations gives them, each with the position of its expectation.

    Runs without a data context, so that a caller's own stays the current one, and without caching the frame. Free SQL
    reaches Spark only in its checked form; the results carry the expectations as they were declared.
    """
    engine, columns = _engine(frame)
    from great_expectations.validator.validator import Validator

    prepared = []
    for position, declared in enumerate(configurations):
        running = copy.deepcopy(declared)
        safe = safe_kwargs(running.kwargs, columns, spark=not is_pandas(frame))
        running.kwargs = {**safe, "batch_id": BATCH}
        running.meta = {_POSITION: position}
        prepared.append(running)
    with quiet(), rows_kept_from_logs():
        validator = Validator(execution_engine=engine)
        # The progress bars are drawn on stderr whatever the caller wants there.
        validator.metrics_calculator.show_progress_bars = False
        validator._determine_progress_bars = lambda: False
        ordered = validator.process_expectations_for_validation(prepared, None)
        results = validator.graph_validate(ordered, {"result_format": copy.deepcopy(result_format)})
    placed = []
    for result in results:
        position = result.expectation_config.meta[_POSITION]
        result.expectation_config = declared_with_batch(configurations[position])
        placed.append((position, result))
    return placed


def declared_with_batch(configuration: ExpectationConfiguration) -> ExpectationConfiguration:
    """An expectation as it stands in a result: as declared, with the id of the batch it was evaluated on."""
    copied = copy.deepcopy(configuration)
    copied.kwargs["batch_id"] = BATCH
    return copied


def safe_kwargs(kwargs: Mapping[str, Json], columns: Sequence[str], *, spark: bool = True) -> dict[str, Any]:
    """The kwargs with every free SQL text replaced by its checked form, or a DqError that says what is refused.

    Pandas conditions keep their text, which has a grammar of its own, but have to be as plain as the Spark ones.
    """
    safe: dict[str, Any] = dict(kwargs)
    if safe.get("condition_parser") not in conditions.OWN_LANGUAGE:
        condition = conditions.row_condition(kwargs, columns)
        if condition is not None and spark:
            safe["row_condition"] = {"type": "pass_through", "pass_through_filter": condition}
            safe.pop("condition_parser", None)
    for name in _QUERIES:
        text = safe.get(name)
        if isinstance(text, str):
            checked = conditions.query(text.replace("{batch}", _TABLE), _TABLE)
            # Great Expectations formats it: any other brace would be one more text that nobody has checked.
            safe[name] = checked.replace("{", "{{").replace("}", "}}").replace(quote(_TABLE), "{batch}")
    return safe


def _engine(frame: DataFrame | pd.DataFrame) -> tuple[Any, list[str]]:
    if is_pandas(frame):
        from great_expectations.execution_engine import PandasExecutionEngine

        engine = PandasExecutionEngine()
    else:
        from great_expectations.execution_engine import SparkDFExecutionEngine

        engine = SparkDFExecutionEngine(persist=False, spark=frame.sparkSession)
    engine.load_batch_data(BATCH, frame)
    return engine, [str(name) for name in frame.columns]


def is_pandas(frame: object) -> bool:
    """Whether a frame is a pandas one, told without importing pandas."""
    return type(frame).__module__.partition(".")[0] == "pandas"


def _columns_exist(check: Check, columns: Sequence[str]) -> None:
    named = [check.kwargs.get(name) for name in ("column", "column_A", "column_B")]
    several = check.kwargs.get("column_list")
    named += list(several) if isinstance(several, list | tuple) else []
    lower = {name.lower() for name in columns}
    for name in named:
        top = name.split(".")[0] if isinstance(name, str) else ""
        if isinstance(name, str) and not {name.lower(), top.lower(), name.strip("`").lower()} & lower:
            raise EvaluationError(f"the column {name} does not exist")


def _native(result: ExpectationValidationResult, samples: bool) -> NativeResult:
    raised = raised_class(result.exception_info)
    if raised is not None:
        return _not_evaluated(f"Great Expectations raised {raised}")
    values: dict[str, object] = dict(result.result)
    measures: dict[str, Json] = {name: int(str(values[name])) for name in _COUNTS if values.get(name) is not None}
    counts = [measures.get(name) for name in ("element_count", "missing_count")]
    left = counts[0] - counts[1] if isinstance(counts[0], int) and isinstance(counts[1], int) else None
    private: dict[str, Json] = {}
    if "observed_value" in values:
        private["observed_value"] = str(values["observed_value"])
    if not samples:
        values = {name: value for name, value in values.items() if name not in _VALUES}
        details = values.get("details")
        if isinstance(details, Mapping):
            del values["details"]
    return NativeResult(
        success=bool(result.success),
        result=values,
        left=left,
        evidence=Evidence.GREAT_EXPECTATIONS,
        measures=measures,
        private=private,
    )


def raised_class(info: Mapping[str, Any] | None) -> str | None:
    """The class of the exception an expectation ended with, None where it was evaluated.

    Great Expectations has one flat record, or one record for each metric that failed.
    """
    records = [info or {}] if "raised_exception" in (info or {}) else list((info or {}).values())
    for record in records:
        if record.get("raised_exception"):
            last = str(record.get("exception_traceback") or "").strip().splitlines()[-1:]
            name = last[0].partition(":")[0].rpartition(".")[2] if last else ""
            return name if name.isidentifier() else "an exception"
    return None


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, DqError) else f"Great Expectations refuses it: {type(error).__name__}"


def _not_evaluated(why: str) -> NativeResult:
    return NativeResult(success=None, error=why, evidence=Evidence.NONE)
