"""From a finished run to its record, with guidance for every check that needs a person."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from dq import runbooks, store
from dq.base.errors import DqError
from dq.base.model import (
    CheckResult,
    Guidance,
    InputRef,
    Json,
    Outcome,
    Replaced,
    RunRecord,
    Severity,
    Verdict,
    WaiverNote,
)
from dq.base.verdict import notes
from dq.declare.binding import Bound
from dq.declare.project import Project
from dq.run import run_records
from dq.run.state import State
from dq.runbooks.values import of_run
from dq.tell import incidents

log = logging.getLogger("dq.run")
BUILT_ON = "what this is built on was published under it"


class Finished(Protocol):
    """What a record is made of: a run that was decided."""

    project: Project
    bound: Bound
    run: str
    started: datetime
    warehouse: store.Warehouse

    @property
    def state(self) -> State: ...  # noqa: D102

    @property
    def seconds(self) -> float: ...  # noqa: D102

    @property
    def inputs(self) -> list[InputRef]: ...  # noqa: D102

    @property
    def partial(self) -> list[str]: ...  # noqa: D102

    @property
    def spark_jobs(self) -> int: ...  # noqa: D102

    @property
    def currency(self) -> str: ...  # noqa: D102


def record(run: Finished) -> RunRecord:
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
        guidance=guidance(run, state.results),
        inputs=run.inputs,
        run_key=state.key,
        version=state.version if verdict.published else None,
        stays=state.stays,
        already_published=state.already,
        partial=run.partial,
        totals=state.totals,
        replaced=replaced(run) if verdict.published and not state.already else None,
        staged="" if verdict.published or state.staged is None else run.run,
        upstream=state.held_upstream,
        spark_jobs=run.spark_jobs,
        waivers=[*notes(state.results, state.waivers, as_of=window.as_of), *inherited(_read_from(run))],
        sources=_sources(run.project),
        died_before=state.died_before,
        currency=run.currency if run.bound.pipeline.publishes.numbers()["amounts"] else "",
    )


def inherited(read: Iterable[tuple[str, RunRecord]]) -> list[WaiverNote]:
    """The waivers under which what a run read was published, each once: they stand on every card built on them."""
    found: dict[str, WaiverNote] = {}
    for table, published in read:
        for note in published.waivers:
            if note.applied:
                note = replace(note, check=f"{table}: {note.check}", effect=BUILT_ON, applied=False)
            if note.effect == BUILT_ON:
                found.setdefault(note.waiver, note)
    return [*found.values()]


def _read_from(run: Finished) -> Iterator[tuple[str, RunRecord]]:
    """The runs that published what this one read; one whose record is gone tells nothing."""
    for table, pin in run.state.upstream.items():
        for published in sorted({entry.run for entry in pin.entries.values()}):
            found = run_records.find(run.warehouse, published)
            if found is not None:
                yield table, found


def _sources(project: Project) -> str:
    file = project.sources_file.absolute()
    return str(file.relative_to(project.root) if file.is_relative_to(project.root) else file)


def replaced(run: Finished) -> Replaced | None:
    """What was published before for the run's periods, and by how much their totals moved; None for a first time."""
    before = run.state.before
    if not before:
        return None
    was = store.summed(before)
    now = store.total_of(run.state.totals_by_period.get(entry.period, {}) for entry in before)
    newest = max(before, key=lambda entry: entry.version)
    return Replaced(
        version=newest.version,
        kind=newest.kind,
        data_through=newest.data_through,
        moved={name: moved(was.get(name), now.get(name)) for name in run.bound.pipeline.publishes.totals},
    )


def moved(was: Json, now: Json) -> str | None:
    """How far a recorded total moved, exactly; None where it was or is missing."""
    return None if was is None or now is None else str(Decimal(str(now)) - Decimal(str(was)))


def guidance(run: Finished, results: Iterable[CheckResult]) -> dict[str, Guidance]:
    """Per check that did not pass: runbook section, owner, on call and due dates, counted from its first failure."""
    told = {}
    since = _first_failures(run)
    for result in results:
        if result.outcome in (Outcome.FAILED, Outcome.ERRORED) and result.runbook:
            told[result.check] = runbooks.guide(
                page=run.bound.page,
                roster=run.project.roster,
                runbook=result.runbook,
                failure_class=result.failure_class,
                at=run.state.window.as_of,
                days=(run.state.window.start, run.state.window.end),
                first_failed=since.get(result.check),
                severity=Severity.CRITICAL if result.outcome is Outcome.ERRORED else result.severity,
                docs_address=run.project.settings.docs_address,
                values=_values(run, result),
                warehouse=str(run.warehouse.root),
            )
    return told


def _values(run: Finished, result: CheckResult) -> dict[str, str]:
    """What the run knows of the words in capitals in the commands of its runbook."""
    window, events = run.state.window, run.state.event_log
    return of_run(
        pipeline=run.bound.name,
        run=run.run,
        period=window.period,
        as_of=window.as_of,
        data_through=window.data_through,
        result=result,
        upstream=run.bound.pipeline.upstream,
        event_log=str(events.path or "") if events else "",
    )


def _first_failures(run: Finished) -> dict[str, datetime]:
    """Since when each red check is red; where that cannot be read, this run is the first to see it."""
    window = run.state.window
    try:
        return incidents.first_failures(run.warehouse, run.bound.name, window.period, window.as_of)
    except DqError as failure:
        log.warning("when the failures began is not known: %s", failure)
        return {}
