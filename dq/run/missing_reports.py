"""Reports that are due and were never made: documents of pipelines, the report of a close."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from dq import store
from dq.base import periods
from dq.declare.registry import Registry
from dq.declare.routes import CLOSE
from dq.month import level_history
from dq.people.levels import Age, Within, deadline, end_of, moment_text, show
from dq.run import closing, missing_figures, run_records
from dq.runbooks.agenda import failed_first
from dq.tell import report_messages
from dq.tell.incidents import Observation
from dq.tell.recipients import House
from dq.tell.report_messages import Late

LOOKED_BACK = timedelta(days=31)
"""Reports due longer ago are not looked for any more."""
DRAWN = timedelta(minutes=30)
"""So long after a version is published its report may take to be made."""


def observations(warehouse: store.Warehouse, house: House, declared: Registry, now: datetime) -> list[Observation]:
    """What is to be said now of reports that were never made and of which nobody was told yet."""
    return report_messages.observations(warehouse, house, (), late_reports(warehouse, house, declared, now), now)


def late_reports(
    warehouse: store.Warehouse, house: House, declared: Registry, now: datetime
) -> dict[tuple[str, str], Late]:
    """The reports that are due and were never made, by pipeline and period, each with when it was due.

    Only periods after the pipeline's first run count: nobody waits for what was due before there was one. While a log
    is damaged it says nothing of its pipeline, nor of a close.
    """
    found = {}
    damaged = missing_figures.unreadable(warehouse, declared)
    for name, item in declared.pipelines.items():
        if not item.document or name in damaged:
            continue
        first = min(
            (period for run in run_records.names(warehouse, name) if (period := run_records.period_of(run))), default=""
        )
        for period in _begun(now.date(), item.grain, house) if first else ():
            late = _late(house, name, period, item.grain, now) if first <= period else None
            if late and now - LOOKED_BACK <= late.since and not _made(warehouse, name, period):
                found[name, period] = late
        for period, late in _outdated(warehouse, house, name, now):
            found.setdefault((name, period), late)
    return found if damaged else {**found, **dict(_late_closes(warehouse, house, declared, now))}


def _late_closes(
    warehouse: store.Warehouse, house: House, declared: Registry, now: datetime
) -> Iterator[tuple[tuple[str, str], Late]]:
    """The months whose close somebody waits to read about."""
    if not house.notify.reports.get(CLOSE):
        return
    month = periods.previous_month(f"{now.astimezone(house.roster.zone):%Y-%m}")
    for one in (periods.previous_month(month), month):
        due = closing.overdue(warehouse, house, declared, one, now)
        if due is not None and now - LOOKED_BACK <= due:
            by = show(level_history.due(due, house.roster.zone), now, house.roster.zone)
            said = f"the report of the close was due after {by} (dq close)"
            yield (declared.answers_for_close(), one), Late(since=due, said=said)


def _begun(today: date, grain: periods.Grain, house: House) -> list[str]:
    """The periods that end in this month or the one before, as far as they have a whole day."""
    month = f"{today:%Y-%m}"
    anchor = house.roster.model.rotation.anchor
    if grain is periods.Grain.DAY:
        first = periods.days_of(periods.previous_month(month))[0]
        return [day.isoformat() for day in periods.days_between(first, today - timedelta(days=1))]
    ids = [one for each in (periods.previous_month(month), month) for one in periods.ending_in(each, grain, anchor)]
    return [one for one in ids if periods.days_of(one, grain)[0] < today]


def _late(house: House, pipeline: str, period: str, grain: periods.Grain, now: datetime) -> Late | None:
    """The first level of a period's figures that is over; ages and what counts from a failure are none of figures."""
    front, zone, days = house.front(pipeline), house.roster.zone, periods.days_of(period, grain)
    over: list[Late] = []
    for level in front.levels if front else ():
        if level.met_by != "published" or isinstance(level, Age | Within):
            continue
        due = deadline(level, roster=house.roster, days=days, first_failed=failed_first(level, days))
        if due is None or (grain is not periods.Grain.MONTH and end_of(due, zone).date() <= days[1]):
            continue  # a date of the month asks for what is over by then
        if end_of(due, zone) <= now:
            over.append(Late(since=end_of(due, zone), said=f"it was due {moment_text(level, due, now, zone)}"))
    return min(over, key=lambda one: one.since, default=None)


def _outdated(warehouse: store.Warehouse, house: House, pipeline: str, now: datetime) -> Iterator[tuple[str, Late]]:
    """The periods of which readers have the report of an earlier version than is published, each since that was."""
    commits = warehouse.table(pipeline).log(now - LOOKED_BACK)
    for commit in commits:
        for period in commit.changed:
            entry = commits[-1].entries.get(period)
            if entry is None or entry.version != commit.version or now - commit.committed < DRAWN:
                continue
            made = _made(warehouse, pipeline, period)
            if made and entry.version not in made:
                when = show(commit.committed, now, house.roster.zone)
                said = f"that of version {entry.version}, published {when}, was never made (dq run {pipeline})"
                yield period, Late(since=commit.committed, said=said)


def _made(warehouse: store.Warehouse, pipeline: str, period: str) -> set[int]:
    """The versions of a period of which the report was made and handed over."""
    prefix = f"{pipeline}-{period}-v".lower()
    kept = {name: name.removeprefix(prefix) for name in warehouse.records.list(report_messages.KIND, prefix)}
    made = {
        int(number): warehouse.records.get(report_messages.KIND, name)
        for name, number in kept.items()
        if number.isdigit()
    }
    return {version for version, one in made.items() if one is not None and not one.get("problem")}
