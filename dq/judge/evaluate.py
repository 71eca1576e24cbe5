"""All checks of one dataset judged by the rules of the house: not due, absent, zero rows, redacted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from dq.base.errors import EvaluationError
from dq.base.model import ALLOWED, Check, CheckResult, Evidence, Json, Outcome
from dq.checks.check_results import result_of
from dq.checks.custom_types import CUSTOM_TYPES, judges_published
from dq.checks.evaluation import Asked, ask, columns_named
from dq.engine import measures
from dq.engine.dataset import RAW_PREFIX, Context, Dataset
from dq.engine.kept import kept_rows, nothing_kept, nothing_left, only_gx_counts, rows_of_condition
from dq.engine.measures import Measure, Value
from dq.engine.native import Examined, examine, results, supports
from dq.engine.native_aggregate import plain
from dq.engine.native_result import NativeResult
from dq.engine.native_schema import SCHEMA_ONLY
from dq.engine.native_types import COUNTING_ROWS
from dq.engine.reasons import reason, rows_kept_from_logs
from dq.engine.sentences import observed
from dq.spark import session

NO_ROWS = "no rows to evaluate"
# Result keys of Great Expectations that hold cells, or the text of a filter over them.
_CELLS = frozenset(
    {
        "partial_unexpected_list",
        "partial_unexpected_counts",
        "partial_unexpected_index_list",
        "partial_missing_list",
        "unexpected_list",
        "unexpected_index_list",
        "unexpected_index_query",
        "unexpected_rows",
    }
)
# Types whose observed value counts rows or values, or names columns; any other is a value of the data.
_COUNTED = {*COUNTING_ROWS} | SCHEMA_ONLY | {"expect_column_unique_value_count_to_be_between"}
_TOTALLED = frozenset({"expect_column_sum_to_be_between", "expect_column_mean_to_be_between"})


def evaluate(checks: Sequence[Check], dataset: Dataset, context: Context) -> list[CheckResult]:
    """The results of the checks of one dataset, in their order; a check that raises is errored and aborts no other.

    Raises EvaluationError only for a type that the run itself has to judge: that is a mistake of the caller.
    """
    for check in checks:
        if check.type in CUSTOM_TYPES and CUSTOM_TYPES[check.type].run_level:
            raise EvaluationError(f"{check.type} is judged by the run, not on a dataset", where=check.check)
    with session.read_as_written(dataset.frame.sparkSession), rows_kept_from_logs():
        return _evaluated(checks, dataset, context)


def _evaluated(checks: Sequence[Check], dataset: Dataset, context: Context) -> list[CheckResult]:
    made: dict[int, CheckResult] = {}
    due: list[int] = []
    for position, check in enumerate(checks):
        why = _not_run(check, dataset, context)
        if why:
            made[position] = result_of(check, Outcome.NOT_RUN, reason=why)
        else:
            due.append(position)
    custom = [position for position in due if checks[position].type in CUSTOM_TYPES]
    native = [position for position in due if position not in custom and supports(checks[position], house=True)]
    others = [position for position in due if position not in custom and position not in native]
    asked = _asked([checks[position] for position in custom], dataset, context)
    schema = dataset.frame.schema
    kept = {position: kept_rows(checks[position], schema) for position in (*native, *others)}
    examined = _examined([checks[position] for position in native], dataset, asked, kept.values())
    empty = _is_empty(examined, dataset, bool(custom or others))
    excused = empty and dataset.may_be_empty
    if empty and not excused:
        waits = [position for position in due if checks[position].type not in {*COUNTING_ROWS, *SCHEMA_ONLY}]
        made.update({position: result_of(checks[position], Outcome.ERRORED, reason=NO_ROWS) for position in waits})
        custom, others = [], []
    elif empty and dataset.closed:
        # What compares with another table still has to find that nothing is there either.
        waits = [n for n in due if checks[n].type not in SCHEMA_ONLY and not checks[n].kwargs.get("other")]
        why = f"no row, {ALLOWED}: {dataset.closed}"
        made.update({position: result_of(checks[position], Outcome.NOT_RUN, reason=why) for position in waits})
        custom, others = [n for n in custom if n not in made], [n for n in others if n not in made]
    elif not empty:
        made.update(_nothing_kept({position: checks[position] for position in kept}, kept, examined))
        others = [position for position in others if position not in made]
    samples = [context.sample and checks[position].show for position in native]
    for position, found in zip(native, _native(examined, dataset, samples), strict=True):
        rows = examined.found.values.get(kept[position] or measures.rows())
        made.setdefault(position, _judged(checks[position], found, rows, excused=excused))
    given = _fallback([checks[position] for position in others], dataset, excused=excused)
    for position, one in zip(others, given, strict=True):
        made[position] = one if isinstance(one, CheckResult) else _judged(checks[position], one, excused=excused)
    made.update(_custom({position: checks[position] for position in custom}, asked, examined))
    return [made[position] for position in range(len(checks))]


def _not_run(check: Check, dataset: Dataset, context: Context) -> str:
    """Why a check is not due, empty if it is: its time has not come, or what it needs is declared absent."""
    if check.when and (context.window is None or context.window.kind not in check.when):
        return f"pending until {' or '.join(kind.replace('_', ' ') for kind in check.when)}"
    for name in () if judges_published(check.type) else columns_named(check):
        if name in dataset.absent_columns:
            return dataset.absent_columns[name]
    other = check.kwargs.get("other")
    if isinstance(other, str) and other in context.absent_tables:
        return context.absent_tables[other]
    return ""


def _asked(checks: Sequence[Check], dataset: Dataset, context: Context) -> Asked | str:
    """The custom checks prepared, or why they could not be."""
    try:
        return ask(checks, dataset, context)
    except Exception as error:
        return reason(error)


def _examined(
    checks: Sequence[Check], dataset: Dataset, asked: Asked | str, kept: Iterable[Measure | None]
) -> Examined:
    """Everything the native checks need, the totals of the custom ones, and the row count wherever rows are read."""
    data = [check for check in checks if check.type not in SCHEMA_ONLY]
    totals = [] if isinstance(asked, str) else asked.gather.measures()
    counted = [measure for measure in kept if measure is not None]
    also = (measures.rows(), *counted, *totals) if data or totals or counted else ()
    return examine(checks, dataset, house=True, also=also)


def _nothing_kept(
    checks: Mapping[int, Check], kept: Mapping[int, Measure | None], examined: Examined
) -> dict[int, CheckResult]:
    """The results of the checks whose row condition keeps no row."""
    values = examined.found.values
    total, made = values.get(measures.rows()), {}
    for position, check in checks.items():
        measure = kept[position]
        if measure is not None and values.get(measure) == 0:
            outcome, why = nothing_kept(check, total if isinstance(total, int) else None)
            made[position] = result_of(check, outcome, reason=why)
        elif measure is not None and measure in examined.scanned.errors:
            made[position] = result_of(check, Outcome.ERRORED, reason=examined.scanned.errors[measure])
    return made


def _is_empty(examined: Examined, dataset: Dataset, asked: bool) -> bool:
    count = examined.found.values.get(measures.rows())
    if count is not None:
        return count == 0
    if examined.scanned.errors or not asked:
        return False  # what could not be counted is errored by itself
    try:
        return bool(dataset.frame.isEmpty())
    except Exception:  # every check that reads the frame meets the same error and reports it
        return False


def _native(examined: Examined, dataset: Dataset, samples: Sequence[bool]) -> list[NativeResult]:
    try:
        return results(examined, dataset, result_format="SUMMARY", samples=samples)
    except Exception as error:
        return [NativeResult(success=None, error=reason(error)) for _ in samples]


def _fallback(checks: Sequence[Check], dataset: Dataset, *, excused: bool) -> list[NativeResult | CheckResult]:
    """The results that Great Expectations gives, with a count of the rows of each condition only it can read."""
    if not checks:
        return []
    hidden = [name for name in dataset.frame.columns if name.startswith(RAW_PREFIX)]
    counted = [] if excused else [n for n, check in enumerate(checks) if only_gx_counts(check)]
    try:
        from dq.gx.fallback import evaluate_fallback

        asked = [*checks, *(rows_of_condition(checks[n]) for n in counted)]
        found: list[NativeResult | CheckResult] = []
        found += evaluate_fallback(asked, dataset.frame.drop(*hidden), "SUMMARY")
    except Exception as error:
        evidence = Evidence.GREAT_EXPECTATIONS
        return [NativeResult(success=None, error=reason(error), evidence=evidence) for _ in checks]
    for n, rows in zip(counted, found[len(checks) :], strict=True):
        if isinstance(rows, NativeResult) and rows.success is False:
            outcome, why = nothing_kept(checks[n])
            found[n] = result_of(checks[n], outcome, reason=why)
        elif isinstance(rows, NativeResult) and rows.success is None:
            found[n] = rows
    return found[: len(checks)]


def _custom(checks: Mapping[int, Check], asked: Asked | str, examined: Examined) -> dict[int, CheckResult]:
    if not checks:
        return {}
    why = asked if isinstance(asked, str) else ""
    found: dict[str, CheckResult] = {}
    if not isinstance(asked, str):
        try:
            asked.gather.take(examined.scanned)
            found = asked.results()
        except Exception as error:
            why = reason(error)
    lost = why or "it was evaluated, but its result is missing"
    return {
        position: found.get(check.check) or result_of(check, Outcome.ERRORED, reason=lost)
        for position, check in checks.items()
    }


def _judged(check: Check, found: NativeResult, rows: Value = None, *, excused: bool) -> CheckResult:
    """The result of a check by its numbers; ``excused`` is a dataset without rows that may have none."""
    if found.success is None:
        return result_of(check, Outcome.ERRORED, reason=found.error, evidence=found.evidence)
    if not found.measures:
        found = replace(found, measures=_counts(found.result))
    passed = found.success
    if found.left == 0 and not excused and (passed or check.may_be_empty):
        outcome, why = nothing_left(check, found.measures.get("element_count", rows))
        return result_of(check, outcome, reason=why, evidence=found.evidence)
    if found.left == 0 and excused:
        passed = True  # without values there are no wrong ones, where no rows are allowed
    cells = found.result.get("partial_unexpected_list") if check.show else None
    return result_of(
        check,
        Outcome.PASSED if passed else Outcome.FAILED,
        observed=observed(check, found, show=check.show),
        evidence=found.evidence,
        measures={**found.measures, **(found.private if check.show else {})},
        rows=[_row(check, cell) for cell in cells] if isinstance(cells, list | tuple) and not passed else (),
        gx_result=_shown(check, found.result),
    )


def _counts(result: Mapping[str, object]) -> dict[str, Json]:
    """The counts of a result that Great Expectations computed itself."""
    names = ("element_count", "unexpected_count", "missing_count")
    counts = {name: value for name in names if isinstance(value := result.get(name), int)}
    return {**counts} if {"element_count", "unexpected_count"} <= set(counts) else {}


def _row(check: Check, cell: object) -> dict[str, Json]:
    """One failing value, pair or record as cells by column name."""
    if "column" in check.kwargs:
        return {str(check.kwargs["column"]): _json(cell)}
    if isinstance(cell, Mapping):
        return {str(name): _json(value) for name, value in cell.items()}
    values = cell if isinstance(cell, tuple) else (cell,)
    return {name: _json(value) for name, value in zip(columns_named(check), values, strict=False)}


def _shown(check: Check, result: Mapping[str, object]) -> dict[str, Json]:
    """A result of Great Expectations as JSON, without cells unless the check may show them."""
    private = set() if check.show else set(_CELLS)
    aggregate = "element_count" not in result and check.type not in _COUNTED | _TOTALLED
    if aggregate and not check.show:
        private |= {"observed_value", "details"}
    return {name: _json(value) for name, value in result.items() if name not in private}


def _json(value: object) -> Json:
    if isinstance(value, Mapping):
        return {str(name): _json(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_json(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str | Decimal | date):
        return plain(value)
    return str(value)
