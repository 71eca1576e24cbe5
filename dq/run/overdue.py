"""Reports that are due and were never made: documents of pipelines, the report of a close."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from dq import periods, store
from dq.close import levels
from dq.notify import reports
from dq.notify.recipients import House
from dq.notify.routes import CLOSE
from dq.people.levels import Ready, ReadyDay, deadline, show
from dq.registry import Registry
from dq.run import closing, records

LOOKED_BACK = timedelta(days=31)
"""Reports due longer ago are not looked for any more."""


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
    return {**found, **dict(_late_closes(warehouse, house, declared, now))}


def _late_closes(
    warehouse: store.Warehouse, house: House, declared: Registry, now: datetime
) -> Iterator[tuple[tuple[str, str], str]]:
    """The months whose close somebody waits to read about."""
    if not house.notify.reports.get(CLOSE):
        return
    month = periods.previous_month(f"{now.astimezone(house.roster.zone):%Y-%m}")
    for one in (periods.previous_month(month), month):
        due = closing.overdue(warehouse, house, declared, one, now)
        if due is not None and now - LOOKED_BACK <= due:
            by = show(levels.due(due, house.roster.zone), now, house.roster.zone)
            yield (declared.answers_for_close(), one), f"the report of the close was due after {by} (dq close)"


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
