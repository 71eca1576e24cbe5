"""After the verdict: keep the record and publish the data docs. Nothing here can change what was decided."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from dq import runbook_html
from dq.model import RunRecord
from dq.project import Project
from dq.run import records
from dq.run.guarded import GuardedRun
from dq.run.reasons import sentence


def deliver(run: GuardedRun, record: RunRecord) -> tuple[RunRecord, list[str]]:
    """The record with the address of its page, and a sentence for each thing that could not be delivered."""
    problems = []
    told = record
    if run.options.docs is not None:
        try:
            told = replace(record, docs=str(publish_docs(run.project, run.options.docs, record)))
        except (Exception, SystemExit) as failure:  # whatever a renderer does, the verdict stands
            problems.append(f"the data docs were not published: {sentence(failure)}")
    try:
        records.save(run.warehouse, told)
    except Exception as failure:
        problems.append(f"the run's record was not kept: {sentence(failure)}")
    return told, problems


def publish_docs(project: Project, site: Path, record: RunRecord) -> Path:
    """Render one run's page, its pipeline's suite page and the runbooks into the site; returns the run's page."""
    from dq.gx import docs

    bound = project.bound[record.pipeline]
    write_runbooks(project, site)
    docs.publish_suite(site, record.pipeline, bound.all_checks)
    return docs.publish(site, record)


def write_runbooks(project: Project, site: Path) -> None:
    """Render every runbook page with the list of its checks into the site."""
    checks = [check for bound in project.bound.values() for check in bound.all_checks]
    runbook_html.write_runbooks(site, project.pages, checks, project.roster)
