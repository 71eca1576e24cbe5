"""After the verdict: keep the record and publish the data docs. Nothing here can change what was decided."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from dq import store
from dq.base.model import RunRecord
from dq.declare.project import Project
from dq.month import level_history
from dq.run import judging, report_delivery, run_records
from dq.run.failures import sentence
from dq.run.phases import Task, ToldRun
from dq.run.record import guidance
from dq.runbooks import html
from dq.tell.declared_people import house_of


def deliver(task: Task, record: RunRecord, site: Path | None, event_log: str = "") -> ToldRun:
    """The record with the address of its page in the site, and a sentence for each thing that could not be delivered.

    Nobody is told yet: sending may take its time, and whoever waits for the verdict must not wait for it.
    """
    problems = _kept(task, record)
    if site is not None and record.verdict.published and task.bound.pipeline.document:
        record, undelivered = _with_document(task, record, site, event_log)
        problems += undelivered
    told = record
    if site is not None:
        problems += write_levels(task.project, task.warehouse, site, only=record.pipeline)
        try:
            page = publish_docs(task.project, site, record)
        except (Exception, SystemExit) as failure:  # whatever a renderer does, the verdict stands
            problems.append(f"the data docs were not published: {sentence(failure)}")
        else:
            told = replace(record, docs=page.relative_to(site).as_posix())
            problems += _kept(task, told)
    return ToldRun(record=told, problems=problems)


def _with_document(task: Task, record: RunRecord, site: Path, event_log: str) -> tuple[RunRecord, list[str]]:
    """The record with the result of delivering its report, and a sentence where that failed."""
    try:
        report_delivery.publish(task, record, site)
        problem = ""
    except Exception as failure:
        problem = f"the report was not delivered: {sentence(failure)}"
    results = judging.of_delivery(task.bound, problem)
    judged = {result.check for result in results}
    kept = [result for result in record.results if result.check not in judged]
    told = replace(
        record,
        results=[*kept, *results],
        guidance={**record.guidance, **guidance(task, record, results, event_log)},
    )
    return told, [problem, *_kept(task, told)] if problem else _kept(task, told)


def _kept(task: Task, record: RunRecord) -> list[str]:
    """Keep the record; first of all, since what runs downstream asks whether this run was held."""
    try:
        run_records.save(task.warehouse, record)
    except Exception as failure:
        why = sentence(failure)
        told = any(why in result.reason for result in record.results)  # the card says already what is wrong there
        return ["the run's record was not kept" + ("" if told else f": {why}")]
    return []


def publish_docs(project: Project, site: Path, record: RunRecord) -> Path:
    """Render one run's page, its pipeline's suite page and the runbooks into the site; returns the run's page."""
    from dq.docs import build

    bound = project.bound[record.pipeline]
    write_runbooks(project, site)
    build.publish_suite(site, record.pipeline, bound.all_checks)
    return build.publish(site, record)


def write_levels(project: Project, warehouse: store.Warehouse, site: Path, only: str = "") -> list[str]:
    """Render the service levels over time into the site, judged anew of all pipelines or one; a sentence on failure."""
    from dq.docs import levels_page as page

    now = datetime.now(UTC)
    try:
        people = house_of(project.root, project.registry, project.roster, project.settings)
        found = level_history.over_time(warehouse, people, project.registry, now, only)
        page.write(site, found, at=now, zone=people.roster.zone)
    except Exception as failure:  # whatever stands in the way, the verdict stands
        return [f"the service levels were not written into the data docs: {sentence(failure)}"]
    return []


def write_runbooks(project: Project, site: Path) -> None:
    """Render every runbook page with the list of its checks into the site."""
    checks = [check for bound in project.bound.values() for check in bound.all_checks]
    used = Counter(bound.pipeline.runbook for bound in project.bound.values())
    several = [page for page, pipelines in used.items() if pipelines > 1]
    html.write_runbooks(site, project.pages, checks, project.roster, several)
