"""After a run: note its incidents, keep what is to be told, send what is due in time. No verdict changes by it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from dq import store
from dq.base import clean
from dq.base.model import RunRecord
from dq.declare.registry import Registry
from dq.declare.routes import CLOSE, readers
from dq.run import known_figures, missing_figures, missing_reports
from dq.run.failures import sentence
from dq.run.known_figures import KnownFigures
from dq.runbooks.blocks import write_atomically
from dq.tell import delivery, incidents, report_messages
from dq.tell.declared_people import house_of
from dq.tell.delivery import Told
from dq.tell.incidents import Observation
from dq.tell.message import Report
from dq.tell.recipients import House

if TYPE_CHECKING:
    from dq.declare.project import Project

_NAMED = 5


class Telling(Enum):
    """Who is told of a run when it ends."""

    AT_ONCE = "whoever it concerns"
    TOGETHER = "nobody yet: whoever runs many of them tells what was found of all together"
    NOBODY = "nobody: it is of a clone, and whoever rehearses says what came of it"


@dataclass(frozen=True, kw_only=True)
class ClosePage:
    """What is told of a month's close, by ``name`` and title, and the docs site it is written into."""

    site: Path
    name: str
    title: str
    summary: str
    lines: Sequence[str]


def tell(project: Project, warehouse: store.Warehouse, record: RunRecord, telling: Telling) -> list[str]:
    """Tell whoever a run concerns, as far as it is told; a sentence for each thing that was not kept or delivered."""
    if telling is Telling.NOBODY:
        return []
    return note(warehouse, [record]) if telling is Telling.TOGETHER else tell_of(project, warehouse, [record])


def tell_of(project: Project, warehouse: store.Warehouse, ran: Iterable[RunRecord]) -> list[str]:
    """The same of several runs at once, so that what they found together is told together."""
    problems = note(warehouse, ran)
    notify = project.settings.notify
    if problems or not notify.targets:
        return problems
    try:
        house = house_of(project.root, project.registry, project.roster, project.settings)
        told = bring_up_to_date(warehouse, house, project.registry, seconds=notify.run_seconds)
    except Exception as failure:  # whatever telling does, the verdict stands
        return [f"nobody was told: {sentence(failure)}"]
    return [undelivered(told)] if told.undelivered else []


def note(warehouse: store.Warehouse, ran: Iterable[RunRecord]) -> list[str]:
    """Keep what runs found; a sentence where that failed."""
    try:
        for record in ran:
            incidents.note(warehouse, record)
    except Exception as failure:
        return [f"the run's incidents were not kept: {sentence(failure)}"]
    return []


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
    declared: Registry,
    *,
    seconds: float,
    again: bool = False,
    repeat: bool = False,
) -> Told:
    """Keep what is to be told, send what is due, and put on record what became of the reports, made or late.

    Before all it is looked whether figures are missing that no run was made of. The warehouse is read once: the rest
    follows from that, and from what became of the messages. ``repeat`` also gives every Alertmanager again what still
    fires.
    """
    began, known = time.monotonic(), known_figures.read(warehouse, declared, delivery.clock())
    known = _kept(warehouse, known, house, missing_figures.observations(known, house))
    told = delivery.send_due(warehouse, known, house, seconds=seconds, again=again)
    known = replace(known.told(told.entries), at=known.at + timedelta(seconds=time.monotonic() - began))
    report_messages.record(warehouse, known)
    if found := report_messages.observations(known, house, missing_reports.late_reports(known, house)):
        known, sent = _kept(warehouse, known, house, found), told.sent
        told = delivery.send_due(warehouse, known, house, seconds=max(1.0, seconds - (time.monotonic() - began)))
        told.sent += sent
    if repeat:
        delivery.give_again(warehouse, known.told(told.entries), house, told)
    told.damaged = known.damaged
    return told


def _kept(warehouse: store.Warehouse, known: KnownFigures, house: House, found: Sequence[Observation]) -> KnownFigures:
    """Keep what was found, and the messages that follow from it and from all that is known."""
    for one in found:
        incidents.keep(warehouse, one)
    known = known.observed(found)
    return known.told(delivery.keep_messages(warehouse, known, house))


def hand_over_close(
    warehouse: store.Warehouse, house: House, declared: Registry, month: str, at: datetime, page: ClosePage
) -> None:
    """Write what is told of a month's close, and keep it for those under ``reports.close``.

    Its delivery is answered for by the pipeline that makes a document for investors.
    """
    now = datetime.now(UTC)
    recipients = readers(house.notify, house.roster, CLOSE, now)
    if not recipients:
        return
    name = f"reports/{CLOSE}/{page.name}"
    file = page.site / f"{name}.html"
    body = "\n".join(clean.text(line) if line else "" for line in page.lines)
    write_atomically(
        file,
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(page.title)}</title></head>'
        f"<body><h1>{escape(page.title)}</h1><pre>{escape(body)}</pre></body></html>\n",
    )
    write_atomically(file.with_suffix(".txt"), f"{body}\n")
    report = Report(
        pipeline=declared.answers_for_close(),
        period=month,
        version=int(f"{at:%Y%m%d%H%M%S}"),
        title=page.title,
        summary=page.summary,
        file=str(file.absolute()),
        sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
        text_file=str(file.with_suffix(".txt").absolute()),
        link=f"{house.docs_address.rstrip('/')}/{name}.html" if house.docs_address else "",
    )
    report_messages.put(warehouse, house.notify, report, recipients, now)
