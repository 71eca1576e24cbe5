"""After a run: note its incidents, keep what is to be told, send what is due in time. No verdict changes by it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from dq import periods, store
from dq.model import RunRecord
from dq.notify import delivery, incidents, reports
from dq.notify.delivery import Told
from dq.notify.house import house_of
from dq.notify.message import Report
from dq.notify.outbox import Outbox
from dq.notify.recipients import House
from dq.notify.routes import CLOSE
from dq.people.levels import Ready, ReadyDay, deadline, show
from dq.registry import Registry
from dq.reports import clean
from dq.run import documents, records
from dq.run.reasons import sentence
from dq.runbooks.blocks import write_atomically

if TYPE_CHECKING:
    from dq.project import Project
    from dq.run.guarded import GuardedRun

_rehearsing: ContextVar[bool] = ContextVar("rehearsing", default=False)

LOOKED_BACK = timedelta(days=31)
"""Reports due longer ago are not looked for any more."""
_NAMED = 5


@contextmanager
def rehearsing() -> Iterator[None]:
    """Inside the block runs tell nobody: they are of a clone, and whoever rehearses says what came of it."""
    token = _rehearsing.set(True)
    try:
        yield
    finally:
        _rehearsing.reset(token)


@dataclass(frozen=True, kw_only=True)
class ClosePage:
    """What a pre-validation says, and the docs site it is written into."""

    site: Path
    state: str
    lines: Sequence[str]


def tell(run: GuardedRun, record: RunRecord) -> list[str]:
    """Note what the run found and tell whom it concerns; a sentence for each thing that was not kept or delivered."""
    return [] if _rehearsing.get() else tell_of(run.project, run.warehouse, [record])


def tell_of(project: Project, warehouse: store.Warehouse, ran: Iterable[RunRecord]) -> list[str]:
    """The same of several runs at once, so that what they found together is told together."""
    try:
        for record in ran:
            incidents.note(warehouse, record)
    except Exception as failure:
        return [f"the run's incidents were not kept: {sentence(failure)}"]
    notify = project.settings.notify
    if not notify.targets:
        return []
    try:
        house = house_of(project.root, project.registry, project.roster, project.settings)
        told = bring_up_to_date(warehouse, house, seconds=notify.run_seconds)
    except Exception as failure:  # whatever telling does, the verdict stands
        return [f"nobody was told: {sentence(failure)}"]
    return [undelivered(told)] if told.undelivered else []


def undelivered(told: Told) -> str:
    """What is not delivered, in one sentence that says what becomes of it."""
    reasons = list(dict.fromkeys(told.undelivered))
    count = len(told.undelivered)
    rest = f"; and {len(reasons) - _NAMED} more" if len(reasons) > _NAMED else ""
    what = "1 message is" if count == 1 else f"{count} messages are"
    return f"{what} not delivered: {'; '.join(reasons[:_NAMED])}{rest}; kept, the next run or dq deliver tries again"


def bring_up_to_date(
    warehouse: store.Warehouse,
    house: House,
    *,
    seconds: float,
    late: Mapping[tuple[str, str], str] | None = None,
    again: bool = False,
) -> Told:
    """Keep what is to be told, send what is due, and put on record what became of the reports."""
    began = time.monotonic()
    delivery.keep_messages(warehouse, house, delivery.clock())
    told = delivery.send_due(warehouse, house, seconds=seconds, again=again)
    now = delivery.clock()
    entries = Outbox(warehouse).entries()
    reports.record(warehouse, entries, now)
    if reports.judge(warehouse, house, entries, late or {}, now):
        delivery.keep_messages(warehouse, house, delivery.clock())
        left = max(1.0, seconds - (time.monotonic() - began))
        sent = told.sent
        told = delivery.send_due(warehouse, house, seconds=left)
        told.sent += sent
    return told


def hand_over(run: GuardedRun, record: RunRecord, page: Path) -> None:
    """Keep the document of a published report for each of its recipients; it is sent with the run's messages."""
    project = run.project
    address = project.settings.docs_address
    kind = record.kind.value.replace("_", " ")
    report = Report(
        pipeline=record.pipeline,
        period=record.period,
        version=record.version or 0,
        title=f"{run.bound.pipeline.document} {record.period}",
        summary=f"{run.bound.pipeline.document} {record.period}, {kind}, data through {record.data_through}, "
        f"version {record.version}. Every figure passed its checks before it was published.",
        file=str(page.absolute()),
        sha256=hashlib.sha256(page.read_bytes()).hexdigest(),
        text_file=str(page.with_suffix(".md").absolute()),
        link=f"{address.rstrip('/')}/{documents.path(record)}" if address else "",
    )
    notify = project.settings.notify
    reports.put(run.warehouse, notify, report, notify.reports.get(record.pipeline, ()), datetime.now(UTC))


def hand_over_close(project: Project, warehouse: store.Warehouse, month: str, as_of: datetime, page: ClosePage) -> None:
    """Write the answer to whether a month is ready, and keep it for those under ``reports.close``.

    Its delivery is answered for by the pipeline that makes a document for investors.
    """
    notify = project.settings.notify
    recipients = notify.reports.get(CLOSE, ())
    if not recipients:
        return
    name = f"reports/{CLOSE}/{month}-{as_of:%Y%m%dt%H%M%Sz}"
    file = page.site / f"{name}.html"
    title = f"Pre-validation of {month}: {page.state}"
    body = "\n".join(clean.text(line) if line else "" for line in page.lines)
    write_atomically(
        file,
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title></head>'
        f"<body><h1>{escape(title)}</h1><pre>{escape(body)}</pre></body></html>\n",
    )
    write_atomically(file.with_suffix(".txt"), f"{body}\n")
    items = project.registry.pipelines
    address = project.settings.docs_address
    report = Report(
        pipeline=next((one for one, item in items.items() if item.document and item.investors), next(iter(items))),
        period=month,
        version=int(f"{as_of:%Y%m%d%H%M%S}"),
        title=title,
        summary=f"As of {as_of:%Y-%m-%d %H:%M} UTC: {page.state}. Nothing was published by it.",
        file=str(file.absolute()),
        sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
        text_file=str(file.with_suffix(".txt").absolute()),
        link=f"{address.rstrip('/')}/{name}.html" if address else "",
    )
    reports.put(warehouse, notify, report, recipients, datetime.now(UTC))


def late_reports(
    warehouse: store.Warehouse, house: House, declared: Registry, now: datetime
) -> dict[tuple[str, str], str]:
    """The reports that are due and were never made, by pipeline and period, each with when it was due.

    Only periods after the pipeline's first run count: nobody waits for what was due before there was one.
    """
    found = {}
    for name, item in declared.pipelines.items():
        if not item.document:
            continue
        first = min(
            (period for run in records.names(warehouse, name) if (period := records.period_of(run))), default=""
        )
        for period in _ended(now.date(), item.grain, house) if first else ():
            due = _due(house, name, period, item.grain, now)
            if first <= period and due and now - LOOKED_BACK <= due <= now and not _made(warehouse, name, period):
                found[name, period] = f"it was due {show(due, now, house.roster.zone)}"
    return found


def _ended(today: date, grain: periods.Grain, house: House) -> list[str]:
    """The periods that ended in this month or the one before."""
    month = f"{today:%Y-%m}"
    anchor = house.roster.model.rotation.anchor
    ids = [one for each in (periods.previous_month(month), month) for one in periods.ending_in(each, grain, anchor)]
    return [one for one in ids if periods.days_of(one, grain)[1] < today]


def _due(house: House, pipeline: str, period: str, grain: periods.Grain, now: datetime) -> datetime | None:
    front = house.front(pipeline)
    level = next((one for one in front.levels if isinstance(one, Ready | ReadyDay)), None) if front else None
    if level is None:
        return None
    due = deadline(level, roster=house.roster, days=periods.days_of(period, grain), first_failed=now)
    return due if isinstance(due, datetime) else None


def _made(warehouse: store.Warehouse, pipeline: str, period: str) -> bool:
    kept = warehouse.records.list(reports.KIND, f"{pipeline}-{period}-v".lower())
    made = (warehouse.records.get(reports.KIND, name) for name in kept if ".to." not in name)
    return any(one is not None and not one.get("problem") for one in made)
