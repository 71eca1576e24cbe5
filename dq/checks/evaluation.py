"""Evaluation of the expectation types that Great Expectations lacks: ask, run a few jobs, judge."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

from dq.base.errors import DqError, EvaluationError
from dq.base.model import ALLOWED, Check, CheckResult, Evidence, Outcome
from dq.checks.check_results import result_of
from dq.checks.custom_check import Judge, Judged, NothingToJudgeError, NotRunError, Request
from dq.checks.custom_kwargs import kwarg_problems
from dq.checks.custom_types import CUSTOM_TYPES, columns_of, judges_published, other_columns_of
from dq.engine.conditions import named_columns
from dq.engine.dataset import Context, Dataset
from dq.engine.gather import Gather, whole
from dq.engine.kept import nothing_kept
from dq.engine.reasons import reason


def is_custom(check: Check) -> bool:
    """Whether a check is of a type that is evaluated here."""
    return check.type in CUSTOM_TYPES and not CUSTOM_TYPES[check.type].run_level


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The custom checks of one dataset, prepared: what they ask of the data, and how each is judged by the answers."""

    checks: Sequence[Check]
    gather: Gather
    judges: Mapping[str, Judge]

    def results(self) -> dict[str, CheckResult]:
        """The results by check id; starts the jobs for what no scan has answered before."""
        self.gather.run()
        return {check.check: _result(check, _attempt(self.judges[check.check])) for check in self.checks}


def ask(checks: Sequence[Check], dataset: Dataset, context: Context) -> Asked:
    """The custom checks on one dataset, prepared without a Spark job.

    All of them share their jobs: one for the totals of this dataset, one for those of each table compared with, one per
    grouping. A check whose evidence cannot be computed is errored with the reason and leaves the others alone.
    Raises ValueError for a check that the run itself has to judge, or whose type is not a custom one.
    """
    foreign = sorted({check.type for check in checks if not is_custom(check)})
    if foreign:
        raise ValueError(f"not evaluated on a dataset: {', '.join(foreign)}")
    gather = Gather()
    judges = {check.check: _prepared(check, dataset, context, gather) for check in checks}
    return Asked(checks=checks, gather=gather, judges=judges)


def evaluate_custom(checks: Sequence[Check], dataset: Dataset, context: Context) -> dict[str, CheckResult]:
    """The results of the custom checks on one dataset, by check id; see ``ask``."""
    return ask(checks, dataset, context).results()


def plan_line(check: Check) -> str:
    """How a custom check will be decided, as one line of the plan."""
    spec = CUSTOM_TYPES[check.type]
    how, kwargs = spec.how, spec.completed(check.kwargs)
    other = kwargs.get("other")
    if kwargs.get("by"):
        how = f"totals by {', '.join(str(name) for name in _list(kwargs['by']))}"
    against = f" against {other}" if other else ""
    columns = ", ".join(columns_of(check.type, check.kwargs)) or "no column"
    return f"{spec.evidence}: {how}{against} ({columns})"


def _prepared(check: Check, dataset: Dataset, context: Context, gather: Gather) -> Judge:
    """The judge of one check; whatever stops it from asking for evidence becomes a judge that says so."""

    def prepare() -> Judge:
        problems = kwarg_problems(check.type, check.kwargs)
        if problems:
            raise EvaluationError("; ".join(f"{name}: {what}" for name, what in problems), where=check.check)
        if not judges_published(check.type):
            absent = context.absent_columns.get(str(check.kwargs.get("other")), {})
            _want(columns_of(check.type, check.kwargs), dataset.absent_columns)
            _want(other_columns_of(check.type, check.kwargs), absent)
        spec = CUSTOM_TYPES[check.type]
        ask_for_evidence = cast("Callable[[Request], Judge]", spec.judge)  # ``ask`` takes no type without one
        kwargs = spec.completed(check.kwargs)
        request = Request(check=check, kwargs=kwargs, dataset=dataset, context=context, gather=gather)
        if dataset.may_be_empty:
            request.every_row()
        return _excusing(request, _judged_rows(request, ask_for_evidence(request)))

    try:
        return prepare()
    except Exception as error:
        judged = _failed(error)
        return lambda: judged


def _judged_rows(request: Request, judge: Judge) -> Judge:
    """The judge of a check, which may not pass where its condition keeps no row of this dataset.

    A total that is missing over no rows still fails; a number of rows, and what was published, are judged as they are.
    """
    counts = request.text("metric") == "row_count"
    of_published = judges_published(request.check.type) or bool(request.text("published"))
    if request.condition() is None or counts or of_published:
        return judge
    read = request.kept_rows()

    def judge_rows() -> Judged:
        kept = whole(read()) or request.excused()
        if kept:
            return judge()
        judged = _attempt(judge)
        if judged.outcome is Outcome.FAILED:
            return judged
        outcome, why = nothing_kept(request.check)
        if outcome is judged.outcome is Outcome.ERRORED:
            why = f"{why}: {judged.reason}"
        return Judged(outcome=outcome, reason=why, evidence=Evidence.NONE)

    return judge_rows


def _excusing(request: Request, judge: Judge) -> Judge:
    """The judge of a check that is not run where nothing is left to judge and that may be."""

    def judged() -> Judged:
        try:
            return judge()
        except NothingToJudgeError as error:
            if not (request.check.may_be_empty or request.excused()):
                raise
            return Judged(outcome=Outcome.NOT_RUN, reason=f"{error.what}, {ALLOWED}", evidence=Evidence.NONE)

    return judged


def _want(columns: Sequence[str], absent: Mapping[str, str]) -> None:
    """Leave a check not run that needs a column which is NULL for want of a source."""
    for name in columns:
        if name in absent:
            raise NotRunError(absent[name])


def _attempt(judge: Judge) -> Judged:
    try:
        return judge()
    except Exception as error:
        return _failed(error)


def _failed(error: Exception) -> Judged:
    if isinstance(error, NotRunError):
        return Judged(outcome=Outcome.NOT_RUN, reason=str(error), evidence=Evidence.NONE)
    return Judged(outcome=Outcome.ERRORED, reason=reason(error), evidence=Evidence.NONE)


def _result(check: Check, judged: Judged) -> CheckResult:
    return result_of(
        check,
        judged.outcome,
        observed=judged.observed,
        reason=judged.reason,
        evidence=CUSTOM_TYPES[check.type].evidence if judged.evidence is None else judged.evidence,
        measures=judged.measures,
        rows=judged.rows,
        gx_result={"observed_value": judged.observed or judged.reason, **judged.measures},
    )


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else ()


def columns_named(check: Check) -> list[str]:
    """The columns of its own dataset a check names, those of its row condition last; each once."""
    if check.type in CUSTOM_TYPES:
        named = list(columns_of(check.type, check.kwargs))
    else:
        named = [name for key in ("column", "column_A", "column_B") if isinstance(name := check.kwargs.get(key), str)]
        listed = check.kwargs.get("column_list")
        named += [str(name) for name in listed] if isinstance(listed, list | tuple) else []
    condition = check.kwargs.get("row_condition")
    if isinstance(condition, str) and condition:
        with suppress(DqError):  # evaluating the check says what is wrong with its condition
            named += named_columns(condition)
    return list(dict.fromkeys(named))
