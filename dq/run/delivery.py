"""After the verdict: keep the record and publish the data docs. Nothing here can change what was decided."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from dq import runbook_html
from dq.model import RunRecord
from dq.project import Project
from dq.run import documents, records
from dq.run.guarded import GuardedRun
from dq.run.reasons import sentence


def deliver(run: GuardedRun, record: RunRecord) -> tuple[RunRecord, list[str]]:
    """The record with the address of its page, and a sentence for each thing that could not be delivered."""
    told, problems = record, _kept(run, record)
    if run.options.docs is not None:
        try:
            page = publish_docs(run.project, run.options.docs, record)
        except (Exception, SystemExit) as failure:  # whatever a renderer does, the verdict stands
            problems.append(f"the data docs were not published: {sentence(failure)}")
        else:
            told = replace(record, docs=page.relative_to(run.options.docs).as_posix())
            problems += _kept(run, told)
        if run.bound.pipeline.document and record.verdict.published:
            try:
                documents.publish(run, told, run.options.docs)
            except Exception as failure:
                problems.append(f"the report was not delivered: {sentence(failure)}")
    return told, problems


def _kept(run: GuardedRun, record: RunRecord) -> list[str]:
    """Keep the record; first of all, since what runs downstream asks whether this run was held."""
    try:
        records.save(run.warehouse, record)
    except Exception as failure:
        return [f"the run's record was not kept: {sentence(failure)}"]
    return []


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
