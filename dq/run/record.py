"""From a finished run to its record, with guidance for every check that needs a person."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from dq import runbooks, store
from dq.base import periods
from dq.base.errors import DqError
from dq.base.model import (
    CheckResult,
    Guidance,
    Json,
    Outcome,
    Replaced,
    RunRecord,
    Severity,
    WaiverNote,
    Window,
)
from dq.base.verdict import notes
from dq.declare.project import Project
from dq.run import phases, run_records
from dq.run.phases import Audited, Begun, Computed, Decided, Keyed, Pinned, Task
from dq.runbooks.values import of_run
from dq.tell import incidents

log = logging.getLogger("dq.run")
BUILT_ON = "what this is built on was published under it"


def record(task: Task, end: Decided, *, seconds: float, spark_jobs: int, event_log: str) -> RunRecord:
    """The record of a run that ended; nothing is written by this."""
    reached, window, verdict = end.reached, end.window, end.verdict
    return RunRecord(
        run=task.run,
        pipeline=task.bound.name,
        period=window.period,
        kind=window.kind,
        as_of=window.as_of,
        data_through=window.data_through,
        verdict=verdict,
        started=task.started,
        seconds=seconds,
        results=end.results,
        guidance=guidance(task, window, end.results, event_log),
        inputs=phases.refs(reached),
        run_key=reached.key if isinstance(reached, Keyed) else "",
        version=end.version if verdict.published else None,
        stays=reached.stays,
        already_published=end.already,
        partial=phases.partial(task, reached),
        totals=end.totals,
        replaced=replaced(task, reached) if verdict.published and not end.already else None,
        staged="" if verdict.published or not isinstance(reached, Computed) else task.run,
        upstream=end.held_upstream,
        spark_jobs=spark_jobs,
        waivers=[
            *notes(end.results, reached.waivers, as_of=window.as_of),
            *inherited(_read_from(task.warehouse, reached)),
        ],
        sources=_sources(task.project),
        died_before=end.died_before,
        currency=task.currency if task.bound.pipeline.publishes.numbers()["amounts"] else "",
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


def _read_from(warehouse: store.Warehouse, reached: Begun) -> Iterator[tuple[str, RunRecord]]:
    """The runs that published what this one read; one whose record is gone tells nothing."""
    for table, pin in reached.upstream.items() if isinstance(reached, Pinned) else ():
        for published in sorted({entry.run for entry in pin.entries.values()}):
            found = run_records.find(warehouse, published)
            if found is not None:
                yield table, found


def _sources(project: Project) -> str:
    file = project.sources_file.absolute()
    return str(file.relative_to(project.root) if file.is_relative_to(project.root) else file)


def replaced(task: Task, reached: Begun) -> Replaced | None:
    """What was published before for the run's periods, and by how much their totals moved; None for a first time."""
    if not isinstance(reached, Audited) or not reached.before:
        return None
    before = reached.before
    was = task.table.former.by_column(store.summed(before))
    now = store.total_of(reached.totals_by_period.get(entry.period, {}) for entry in before)
    newest = max(before, key=lambda entry: entry.version)
    return Replaced(
        version=newest.version,
        kind=newest.kind,
        data_through=newest.data_through,
        moved={name: moved(was.get(name), now.get(name)) for name in task.bound.pipeline.publishes.totals},
    )


def moved(was: Json, now: Json) -> str | None:
    """How far a recorded total moved, exactly; None where it was or is missing."""
    return None if was is None or now is None else str(Decimal(str(now)) - Decimal(str(was)))


def guidance(
    task: Task, about: Window | RunRecord, results: Iterable[CheckResult], event_log: str
) -> dict[str, Guidance]:
    """Per check that did not pass: runbook section, owner, on call and due dates, counted from its first failure."""
    told = {}
    bound, project = task.bound, task.project
    since = _first_failures(task, about.period, about.as_of)
    for result in results:
        if result.outcome in (Outcome.FAILED, Outcome.ERRORED) and result.runbook:
            told[result.check] = runbooks.guide(
                page=bound.page,
                roster=project.roster,
                runbook=result.runbook,
                failure_class=result.failure_class,
                at=about.as_of,
                days=periods.days_of(about.period, bound.pipeline.grain),
                first_failed=since.get(result.check),
                severity=Severity.CRITICAL if result.outcome is Outcome.ERRORED else result.severity,
                docs_address=project.settings.docs_address,
                values=_values(task, about, result, event_log),
                warehouse=str(task.warehouse.root),
            )
    return told


def _values(task: Task, about: Window | RunRecord, result: CheckResult, event_log: str) -> dict[str, str]:
    """What the run knows of the words in capitals in the commands of its runbook."""
    return of_run(
        pipeline=task.bound.name,
        run=task.run,
        period=about.period,
        as_of=about.as_of,
        data_through=about.data_through,
        result=result,
        upstream=task.bound.pipeline.upstream,
        event_log=event_log,
    )


def _first_failures(task: Task, period: str, as_of: datetime) -> dict[str, datetime]:
    """Since when each red check is red; where that cannot be read, this run is the first to see it."""
    try:
        return incidents.first_failures(task.warehouse, task.bound.name, period, as_of)
    except DqError as failure:
        log.warning("when the failures began is not known: %s", failure)
        return {}
