"""The document of a published report: written into the docs site, and its delivery recorded in the warehouse."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from dq import store
from dq.base import periods
from dq.base.model import Json, Outcome, RunRecord, Severity
from dq.declare.registry import DOCUMENT_COLUMNS
from dq.declare.routes import readers
from dq.run.phases import Task
from dq.runbooks.blocks import write_atomically
from dq.show import document
from dq.tell import report_messages
from dq.tell.message import Report

KIND = report_messages.KIND


def publish(task: Task, record: RunRecord, site: Path) -> Path:
    """Draw the document of what this run published, write it and hand it over to its recipients; returns the HTML file.

    Whether it worked is recorded under the version either way: a report that was not delivered is a failure of its own
    (class F21), whatever its figures are. It is recorded last: whoever dies before has made no report, which is missed.
    """
    written: dict[str, Json] = {
        "pipeline": record.pipeline,
        "period": record.period,
        "version": record.version,
        "run": record.run,
    }
    try:
        issue = _issue(task, record)
        page = site / path(record)
        texts = {page: document.html(issue), page.with_suffix(".md"): document.markdown(issue)}
        for file, text in texts.items():
            write_atomically(file, text)
        hand_over(task, record, page)
        content = hashlib.sha256(texts[page].encode()).hexdigest()
        written |= {"delivered": datetime.now(UTC).isoformat(), "document": str(page), "sha256": content}
    except Exception as failure:
        _record(task, record, {**written, "problem": str(failure)[:500]})
        raise
    _record(task, record, written)
    return page


def hand_over(task: Task, record: RunRecord, page: Path) -> None:
    """Keep the document of a published report for all of its recipients; it is sent with the run's messages."""
    project = task.project
    address = project.settings.docs_address
    kind = record.kind.value.replace("_", " ")
    report = Report(
        pipeline=record.pipeline,
        period=record.period,
        version=record.version or 0,
        title=f"{task.bound.pipeline.document} {record.period}",
        summary=f"{task.bound.pipeline.document} {record.period}, {kind}, data through {record.data_through}, "
        f"version {record.version}. Every figure passed its checks before it was published.",
        file=str(page.absolute()),
        sha256=hashlib.sha256(page.read_bytes()).hexdigest(),
        text_file=str(page.with_suffix(".md").absolute()),
        link=f"{address.rstrip('/')}/{path(record)}" if address else "",
    )
    notify, now = project.settings.notify, datetime.now(UTC)
    report_messages.put(task.warehouse, notify, report, readers(notify, project.roster, record.pipeline, now), now)


def path(record: RunRecord) -> str:
    """The document of a published version, relative to the root of the site."""
    return f"reports/{record.pipeline}/{record.period}-v{record.version}.html"


def told(warehouse: store.Warehouse, record: RunRecord) -> list[str]:
    """What is recorded of the delivery of the report a run published, in a line; nothing where there is none."""
    doc = warehouse.records.get(KIND, _name(record)) if record.version else None
    if doc is None:
        return []
    if doc.get("problem"):
        return [f"report    not delivered: {doc['problem']}"]
    lines = [f"report    {doc['document']}, delivered {doc['delivered']}, sha256 {str(doc['sha256'])[:12]}"]
    for one in report_messages.recipients_of(warehouse, record.pipeline, record.period, record.version or 0):
        became = f"sent {one['sent']}" if one.get("sent") else f"not delivered: {one.get('undelivered')}"
        lines.append(f"          to {one['recipient']}, {became}")
    return lines


def _record(task: Task, record: RunRecord, doc: Mapping[str, Json]) -> None:
    task.warehouse.records.put(KIND, _name(record), doc)


def _name(record: RunRecord) -> str:
    return report_messages.name_of(record.pipeline, record.period, record.version or 0)


def _issue(task: Task, record: RunRecord) -> document.Issue:
    """The published rows of the period and of those before it, read from the files readers see."""
    item = task.bound.pipeline
    table = task.warehouse.table(record.pipeline)
    commit = table.commit_at(record.version or 0)
    entry = commit.entries[record.period]
    ids = sorted(period for period in commit.entries if period < record.period)[-document.TREND + 1 :]
    before = table.known(entry.as_of or record.as_of, ids)
    failed = [result for result in record.results if result.outcome is Outcome.FAILED]
    return document.Issue(
        title=item.document,
        pipeline=record.pipeline,
        period=record.period,
        days=periods.days_of(record.period, item.grain),
        data_through=record.data_through,
        kind=record.kind,
        version=record.version or 0,
        as_of=entry.as_of or record.as_of,  # drawn again by a later run it is the same document
        rows=_rows(table, entry),
        earlier={period: _rows(table, one) for period, one in before.items()},
        partial=record.partial,
        warnings=sum(result.severity is Severity.WARNING for result in failed),
    )


def _rows(table: store.Table, entry: store.PeriodEntry) -> list[dict[str, Json]]:
    import pyarrow.parquet as pq

    table.verify_entries([entry])
    files = (pq.read_table(file, partitioning=None).to_pylist() for file in table.paths(entry))
    rows = [table.former.row(row) for of_file in files for row in of_file]
    return [{name: None if row.get(name) is None else str(row[name]) for name in DOCUMENT_COLUMNS} for row in rows]
