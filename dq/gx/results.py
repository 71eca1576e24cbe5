"""Run records as Great Expectations validation results, built by hand: no data context, no batch, no second run.

Import only after ``dq.gx.load``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import great_expectations as gx
from great_expectations.core import (
    ExpectationSuite,
    ExpectationSuiteValidationResult,
    ExpectationValidationResult,
    RunIdentifier,
)
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

from dq.base.model import Check, CheckResult, Guidance, Json, Outcome, RunRecord
from dq.base.serialize import instant, plain
from dq.base.wording import found_text, owner_line
from dq.runbooks import places

_SHOWN_FIRST = {Outcome.FAILED: 0, Outcome.ERRORED: 1, Outcome.NOT_RUN: 2, Outcome.PASSED: 3}


def configuration(result: CheckResult, guidance: Guidance | None, up: str = "") -> ExpectationConfiguration:
    """The expectation a result is about, with everything of ours under ``meta.dq``.

    ``up`` leads from the page it is shown on to the root of the site.
    """
    runbook = places.of_result(result, guidance)
    about: dict[str, Json] = {
        "outcome": str(result.outcome),
        "owner": owner_line(guidance) if guidance else "",
        "due": list(guidance.due) if guidance else [],
        "found": _found(result),
        "expected": result.expected,
        "evidence": str(result.evidence),
        "waived": result.waived_by,
        "measures": plain(result.measures),
        "rows": plain(result.rows),
    }
    return _configuration(result, runbook, up, about)


def declared(check: Check, up: str = "") -> ExpectationConfiguration:
    """The expectation of a declared check, before it was evaluated."""
    about: dict[str, Json] = {"notes": check.notes, "when": [str(kind) for kind in check.when]}
    return _configuration(check, check.runbook, up, about)


def _configuration(
    source: Check | CheckResult, runbook: str, up: str, about: Mapping[str, Json]
) -> ExpectationConfiguration:
    kwargs = plain(source.kwargs)
    common: dict[str, Json] = {
        "check": source.check,
        "dataset": source.dataset,
        "severity": str(source.severity),
        "description": source.description,
        "failure_class": source.failure_class,
        "runbook": runbook,
        "link": site_link(runbook, up),
        "section": section_name(runbook),
    }
    return ExpectationConfiguration(
        type=source.type,
        kwargs=kwargs if isinstance(kwargs, dict) else {},
        meta={"dq": {**common, **about}},
        severity=str(source.severity),
    )


def validation_result(
    result: CheckResult, guidance: Guidance | None, up: str = "", *, raised: bool = True
) -> ExpectationValidationResult:
    """One result as Great Expectations has it: not run has no success, could not evaluate is a raised exception.

    Without ``raised`` the exception is left out: a page that tells the reason itself needs no second telling.
    """
    errored = raised and result.outcome is Outcome.ERRORED
    # Great Expectations renders the counts of a failed map expectation only when it has all three of them.
    values = plain(result.gx_result)
    found = dict(values) if isinstance(values, dict) else {}
    if "unexpected_count" in found and not {"element_count", "unexpected_percent"} <= set(found):
        del found["unexpected_count"]
    success = {Outcome.PASSED: True, Outcome.NOT_RUN: None}.get(result.outcome, False)
    message = found_text(result) if errored else None
    return ExpectationValidationResult(
        success=success,
        expectation_config=configuration(result, guidance, up),
        result=found,
        exception_info={
            "raised_exception": errored,
            "exception_message": message,
            "exception_traceback": "" if errored else None,
        },
    )


def suite_result(run: RunRecord) -> ExpectationSuiteValidationResult:
    """A run as one validation result of Great Expectations.

    Checks that were not run stand under ``meta.dq.not_run``: its results know only success and failure. As there, any
    failed expectation makes the whole unsuccessful; the verdict is ours and stands under ``meta.dq``.
    """
    judged = [result for result in run.results if result.outcome is not Outcome.NOT_RUN]
    results = [validation_result(result, run.guidance.get(result.check)) for result in judged]
    passed = sum(result.outcome is Outcome.PASSED for result in judged)
    run_id = RunIdentifier(run_name=run.run, run_time=run.started)
    return ExpectationSuiteValidationResult(
        success=bool(judged) and passed == len(judged),
        results=results,
        suite_name=run.pipeline,
        statistics={
            "evaluated_expectations": len(judged),
            "successful_expectations": passed,
            "unsuccessful_expectations": len(judged) - passed,
            "success_percent": 100.0 * passed / len(judged) if judged else None,
        },
        meta={
            "great_expectations_version": gx.__version__,
            "run_id": run_id.to_json_dict(),
            "validation_time": instant(run.started),
            "batch_spec": {"data_asset_name": run.pipeline, "period": run.period},
            "active_batch_definition": {
                "datasource_name": "dq",
                "data_connector_name": "fluent",
                "data_asset_name": run.pipeline,
                "batch_identifiers": {"period": run.period},
            },
            "batch_markers": {},
            "dq": {
                "verdict": str(run.verdict),
                "version": run.version,
                "stays": run.stays,
                "kind": str(run.kind),
                "as_of": instant(run.as_of),
                "data_through": run.data_through.isoformat(),
                "partial": list(run.partial),
                "error": run.error,
                "not_run": [
                    {"check": result.check, "dataset": result.dataset, "type": result.type, "reason": result.reason}
                    for result in run.results
                    if result.outcome is Outcome.NOT_RUN
                ],
            },
        },
    )


def suite_json(run: RunRecord) -> str:
    """The strict JSON text of a run as Great Expectations stores it."""
    return json.dumps(plain(suite_result(run).to_json_dict()), allow_nan=False, indent=2)


def suite(name: str, checks: Sequence[Check], up: str = "") -> tuple[ExpectationSuite, list[Check]]:
    """The suite of one dataset's checks, and the checks whose type or kwargs Great Expectations does not know.

    Each is constructed by itself: a suite that is given such a check drops it with a log line.
    """
    expectations, unknown = [], []
    for check in checks:
        try:
            expectations.append(declared(check, up).to_domain_obj())
        except (gx.exceptions.GreatExpectationsError, ValueError, TypeError):
            unknown.append(check)
    return ExpectationSuite(name=name, expectations=expectations), unknown


def ordered(results: Sequence[CheckResult]) -> list[CheckResult]:
    """Failed first, then what could not be evaluated or was not run, then what passed."""
    return sorted(results, key=lambda result: (_SHOWN_FIRST[result.outcome], result.severity != "critical"))


def site_link(runbook: str, up: str) -> str:
    """The link from a page of the site to a runbook section, empty where there is none."""
    place = places.read(runbook)
    return f"{up}{place.link}" if place else ""


def section_name(runbook: str) -> str:
    """The name of a runbook section as its anchor tells it."""
    place = places.read(runbook)
    return place.title if place else ""


def _found(result: CheckResult) -> str:
    if result.outcome in (Outcome.FAILED, Outcome.ERRORED):
        waived = f" (waived by {result.waived_by})" if result.waived_by else ""
        return found_text(result) + waived
    return result.reason if result.outcome is Outcome.NOT_RUN else result.observed
