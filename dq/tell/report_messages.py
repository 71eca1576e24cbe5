"""Reports that leave the house: a document for its recipients, through the same outbox, with the delivery on record.

A report that is not with everybody, or is late, is a failure of class F21: it opens an incident of its own and changes
no verdict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dq import store
from dq.base import serialize
from dq.base.model import Json
from dq.declare.routes import Notify
from dq.tell import incidents
from dq.tell.incidents import Observation
from dq.tell.known import DELIVERIES, Snapshot
from dq.tell.message import Message, Report, State
from dq.tell.outbox import Outbox
from dq.tell.recipients import House

KIND = DELIVERIES
FAILURE_CLASS = incidents.LATE
# A report that was just handed over is not late for want of an attempt: the next call makes it.
FIRST_ATTEMPT = timedelta(minutes=15)


@dataclass(frozen=True, kw_only=True)
class Late:
    """Why a report is late although nothing of it waits to be sent, and the instant it was due."""

    since: datetime
    said: str


def check_of(pipeline: str) -> str:
    """The check that a pipeline's report was delivered."""
    return f"{pipeline}.report.delivered"


def name_of(pipeline: str, period: str, version: int) -> str:
    """The name of the record of a report's delivery; that of one recipient follows after ``.to.``."""
    return f"{pipeline}-{period}-v{version}".lower()


def put(warehouse: store.Warehouse, notify: Notify, report: Report, recipients: Sequence[str], now: datetime) -> int:
    """Keep a report for all of its recipients or for none, to be sent at once; how many there are."""
    told = [
        Message(
            contact=name,
            kind=notify.targets[name].kind,
            state=State.FIRING,
            dedup=f"dq/report/{report.pipeline}/{report.period}/v{report.version}",
            pipeline=report.pipeline,
            period=report.period,
            made=now,
            not_before=now,
            report=report,
        )
        for name in recipients
    ]
    Outbox(warehouse).put_all(name_of(report.pipeline, report.period, report.version), told)
    return len(recipients)


def record(warehouse: store.Warehouse, known: Snapshot) -> None:
    """Write down per recipient whether and when a report was sent, or why it is not; what is written stays as it is."""
    for entry in known.entries:
        report = entry.message.report
        if report is None or entry.dropped or entry.on_its_way(known.at):
            continue  # whoever is at it says how it ended
        name = f"{name_of(report.pipeline, report.period, report.version)}.to.{entry.message.contact}"[:128]
        told: dict[str, Json] = {
            "pipeline": report.pipeline,
            "period": report.period,
            "version": report.version,
            "recipient": entry.message.contact,
            "sha256": report.sha256,
        }
        if entry.sent is not None:
            told["sent"] = serialize.instant(entry.sent.ended or entry.sent.began)
        else:
            told["undelivered"] = entry.undelivered(known.at) or "not sent yet"
        if known.deliveries.get(name) != told:
            warehouse.records.put(KIND, name, told)


def recipients_of(warehouse: store.Warehouse, pipeline: str, period: str, version: int) -> list[Mapping[str, Json]]:
    """What is recorded of each recipient of a report."""
    prefix = f"{name_of(pipeline, period, version)}.to."
    found = (warehouse.records.get(KIND, name) for name in warehouse.records.list(KIND, prefix))
    return [one for one in found if one is not None]


def observations(known: Snapshot, house: House, late: Mapping[tuple[str, str], Late]) -> list[Observation]:
    """What is to be said now of reports: which are not with their readers and which are again.

    ``late`` are those that were never made, by pipeline and period.
    """
    now = known.at
    problems: dict[tuple[str, str], str] = {}
    open_yet: set[tuple[str, str]] = set()
    for entry in known.entries:
        report = entry.message.report
        if report is not None and not entry.dropped:
            key = (report.pipeline, report.period)
            new = entry.untouched and now < entry.message.not_before + FIRST_ATTEMPT
            if new or entry.on_its_way(now):
                open_yet.add(key)
            why = "" if new else entry.undelivered(now)
            problems[key] = "; ".join(dict.fromkeys(filter(None, (problems.get(key, ""), why))))
    problems |= {key: "; ".join(filter(None, (problems.get(key, ""), one.said))) for key, one in late.items()}
    found = []
    for (pipeline, period), problem in problems.items():
        before = known.incidents.get(incidents.key(pipeline, check_of(pipeline), period))
        if bool(problem) == (before is not None and before.open) or (not problem and (pipeline, period) in open_yet):
            continue
        due, said = late.get((pipeline, period)), f"the report is not with its readers: {problem}"
        failure = house.failure(pipeline, check_of(pipeline), FAILURE_CLASS, said) if problem else None
        as_of = due.since if due and before is None else now
        found.append(known.noted(pipeline, period, check_of(pipeline), failure, as_of))
    return found
