"""From a finished run to its record, with guidance for every check that needs a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dq import runbooks
from dq.model import Guidance, Outcome, RunRecord, Verdict
from dq.verdict import notes

if TYPE_CHECKING:
    from dq.run.guarded import GuardedRun


def record(run: GuardedRun) -> RunRecord:
    """The record of a finished run; nothing is written by this."""
    state = run.state
    window = state.window
    assert state.verdict is not None  # noqa: S101 - finish() decided
    verdict: Verdict = state.verdict
    return RunRecord(
        run=run.run,
        pipeline=run.bound.name,
        period=window.period,
        kind=window.kind,
        as_of=window.as_of,
        data_through=window.data_through,
        verdict=verdict,
        started=run.started,
        seconds=run.seconds,
        results=state.results,
        guidance=guidance(run),
        inputs=run.inputs,
        run_key=state.key,
        version=state.version if verdict.published else None,
        stays=state.stays,
        already_published=state.already,
        partial=run.partial,
        totals=state.totals,
        staged="" if verdict.published or state.staged is None else run.run,
        upstream=state.held_upstream,
        spark_jobs=run.spark_jobs,
        waivers=notes(state.results, state.waivers, as_of=window.as_of),
    )


def guidance(run: GuardedRun) -> dict[str, Guidance]:
    """Per check that did not pass: runbook section, owner, on call and due dates."""
    told = {}
    for result in run.state.results:
        if result.outcome in (Outcome.FAILED, Outcome.ERRORED) and result.runbook:
            told[result.check] = runbooks.guide(
                page=run.bound.page,
                roster=run.project.roster,
                runbook=result.runbook,
                failure_class=result.failure_class,
                at=run.state.window.as_of,
                period=run.state.window.period,
                docs_address=run.project.settings.docs_address,
            )
    return told
