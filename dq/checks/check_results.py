"""The result of a check as one value, with what identifies the check copied from its declaration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dq.base.model import Check, CheckResult, Evidence, Json, Outcome
from dq.checks.custom_kwargs import describe, kwarg_problems
from dq.checks.custom_types import CUSTOM_TYPES
from dq.engine.sentences import expected


def result_of(
    check: Check,
    outcome: Outcome,
    *,
    observed: str = "",
    reason: str = "",
    evidence: Evidence = Evidence.NONE,
    measures: Mapping[str, Json] | None = None,
    rows: Sequence[Mapping[str, Json]] = (),
    gx_result: Mapping[str, Json] | None = None,
) -> CheckResult:
    """The result of a check; what it expects is said in the words of its type."""
    return CheckResult(
        check=check.check,
        dataset=check.dataset,
        type=check.type,
        severity=check.severity,
        outcome=outcome,
        kwargs=check.kwargs,
        description=check.description,
        failure_class=check.failure_class,
        runbook=check.runbook,
        observed=observed,
        expected=_expected(check),
        reason=reason,
        evidence=evidence,
        measures=measures or {},
        rows=rows,
        gx_result=gx_result or {},
        where=check.where,
    )


def _expected(check: Check) -> str:
    if check.type not in CUSTOM_TYPES:
        return expected(check)
    return "" if kwarg_problems(check.type, check.kwargs) else describe(check.type, check.kwargs)
