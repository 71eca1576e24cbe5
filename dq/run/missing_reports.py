"""Reports that are due and were never made: documents of pipelines, the report of a close."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta

from dq.base import periods
from dq.declare.routes import CLOSE
from dq.month import level_history
from dq.people.levels import Age, Within, deadline, end_of, moment_text, show
from dq.run import closing, run_records
from dq.run.known_figures import LOOKED_BACK, KnownFigures
from dq.runbooks.agenda import failed_first
from dq.tell import report_messages
from dq.tell.incidents import Observation
from dq.tell.recipients import House
from dq.tell.report_messages import Late

DRAWN = timedelta(minutes=30)
"""So long after a version is published its report may take to be made."""


def observations(known: KnownFigures, house: House) -> list[Observation]:
    """What is to be said now of reports that were never made and of which nobody was told yet."""
    return report_messages.observations(replace(known, entries=()), house, late_reports(known, house))


def late_reports(known: KnownFigures, house: House) -> dict[tuple[str, str], Late]:
    """The reports that are due and were never made, by pipeline and period, each with when it was due.

    Only periods after the pipeline's first run count: nobody waits for what was due before there was one. While a log
    is damaged it says nothing of its pipeline, nor of a close.
    """
    found, now = {}, known.at
    for name, item in known.declared.pipelines.items():
        if not item.document or name in known.damaged:
            continue
        began = (period for run in known.runs.get(name, ()) if (period := run_records.period_of(run)))
        first = min(began, default="")
        for period in _begun(now.date(), item.grain, house) if first else ():
            late = _late(house, name, period, item.grain, now) if first <= period else None
            if late and now - LOOKED_BACK <= late.since and not _made(known, name, period):
                found[name, period] = late
        for period, late in _outdated(known, house, name):
            found.setdefault((name, period), late)
    return found if known.damaged else {**found, **dict(_late_closes(known, house))}


def _late_closes(known: KnownFigures, house: House) -> Iterator[tuple[tuple[str, str], Late]]:
    """The months whose close somebody waits to read about."""
    now = known.at
    if not house.notify.reports.get(CLOSE):
        return
    month = periods.previous_month(f"{now.astimezone(house.roster.zone):%Y-%m}")
    for one in (periods.previous_month(month), month):
        due = closing.overdue(known, house, one)
        if due is not None and now - LOOKED_BACK <= due:
            by = show(level_history.due(due, house.roster.zone), now, house.roster.zone)
            said = f"the report of the close was due after {by} (dq close)"
            yield (known.declared.answers_for_close(), one), Late(since=due, said=said)


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


def _outdated(known: KnownFigures, house: House, pipeline: str) -> Iterator[tuple[str, Late]]:
    """The periods of which readers have the report of an earlier version than is published, each since that was."""
    commits, now = known.recent[pipeline], known.at
    for commit in commits:
        for period in commit.changed:
            entry = commits[-1].entries.get(period)
            if entry is None or entry.version != commit.version or now - commit.committed < DRAWN:
                continue
            made = _made(known, pipeline, period)
            if made and entry.version not in made:
                when = show(commit.committed, now, house.roster.zone)
                said = f"that of version {entry.version}, published {when}, was never made (dq run {pipeline})"
                yield period, Late(since=commit.committed, said=said)


def _made(known: KnownFigures, pipeline: str, period: str) -> set[int]:
    """The versions of a period of which the report was made and handed over."""
    prefix = f"{pipeline}-{period}-v".lower()
    made = {name.removeprefix(prefix): one for name, one in known.deliveries.items() if name.startswith(prefix)}
    return {int(version) for version, one in made.items() if version.isdigit() and not one.get("problem")}
