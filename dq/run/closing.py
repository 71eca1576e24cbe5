"""The close of a month as the warehouse tells it: what is published, judged, open, waived and changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time

from dq import store
from dq.base import periods
from dq.base.errors import UsageError
from dq.base.model import Kind
from dq.base.periods import Grain
from dq.base.verdict import Waiver
from dq.declare.implied_checks import IN_TIME
from dq.declare.registry import Registry
from dq.month import close_report, known_facts, level_history
from dq.month.attainment import Attainment, LevelState, Publication
from dq.month.close_report import Change, Closing, Figures, Line, Red, Taken, Waived
from dq.month.known_facts import facts
from dq.month.level_history import BEFORE
from dq.people.levels import deadline, end_of, show
from dq.run import run_records
from dq.run.inputs import KIND_ORDER, stale
from dq.run.known_figures import KnownFigures
from dq.show.section_file import shown
from dq.tell import incidents, report_messages
from dq.tell.incidents import Incident
from dq.tell.known import Snapshot
from dq.tell.recipients import House, next_step, rungs, said

KIND = known_facts.CLOSES


def closing(warehouse: store.Warehouse, known: Snapshot, house: House, declared: Registry, month: str) -> Closing:
    """The close of a month: investors' pipelines and all they are built on, as the warehouse is now.

    Deadlines, people and waivers are looked at from the instant at which all else is known.
    """
    wanted, at = declared.read_by_investors(), known.at
    due = due_at(house, declared, month)
    judged = level_history.attained(
        warehouse, known.incidents.values(), house, declared, month, periods.next_month(month), at
    )
    found = [one for one in known.incidents.values() if one.open and house.known(one.pipeline)]
    # What is missing is read from the warehouse itself, and whether the report arrived is not what it is about.
    found = [one for one in found if one.failure.check != f"{one.pipeline}.{IN_TIME}"]
    own = incidents.key(declared.answers_for_close(), report_messages.check_of(declared.answers_for_close()), month)
    seen = _Seen(
        warehouse=warehouse,
        known=known,
        house=house,
        declared=declared,
        month=month,
        due=due,
        levels=judged,
        red=sorted((one for one in found if one.key != own), key=lambda one: (one.since, one.key)),
    )
    return Closing(month=month, at=at, due=due, lines=[seen.line(name) for name in wanted])


def due_at(house: House, declared: Registry, month: str) -> datetime:
    """The instant by which a month has to be final: that of the latest level which says so."""
    days, roster = periods.days_of(month), house.roster
    found = []
    for name in declared.read_by_investors():
        front = house.front(name)
        for level in front.levels if front else ():
            if level.met_by == "final":
                moment = deadline(level, roster=roster, days=days, first_failed=end_of(days[1], roster.zone))
                found += [end_of(moment, roster.zone)] if moment is not None else []
    if not found:
        raise UsageError(
            "no level says by when a month is final",
            where="runbooks",
            do="give a pipeline that investors read a level with `met_by: final`",
        )
    return max(found)


def keep(warehouse: store.Warehouse, one: Closing) -> None:
    """Keep a close, so that it is known that there was one and what it said."""
    warehouse.records.put(KIND, f"{one.month}-{one.at:%Y%m%dt%H%M%Sz}", close_report.to_json(one))


def overdue(known: KnownFigures, house: House, month: str) -> datetime | None:
    """When the report of a month's close was due, where that is over and none was made since or said *closed*.

    Nobody waits for the close of a month of which nothing was published.
    """
    try:
        due = due_at(house, known.declared, month)
    except UsageError:
        return None
    there = (_entries(known.current[name], name, month, known.declared) for name in known.declared.read_by_investors())
    if known.at <= due or not any(there):
        return None
    made = (one for one in known.closes if one.month == month)
    return None if any(one.state is close_report.MonthState.CLOSED or one.at > due for one in made) else due


def _entries(
    commit: store.Commit | None, pipeline: str, month: str, declared: Registry, wanted: Sequence[str] = ()
) -> list[store.PeriodEntry]:
    """What readers see of a month: its own entries and those of its days, or of the periods wanted of it."""
    entries = commit.entries.values() if commit else ()
    if declared.pipelines[pipeline].grain in (Grain.WEEK, Grain.FORTNIGHT):
        return [one for one in entries if one.period in wanted]
    return [one for one in entries if store.covers(month, one.period)]


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """Everything that is read once for all pipelines of a month."""

    warehouse: store.Warehouse
    known: Snapshot
    house: House
    declared: Registry
    month: str
    due: datetime
    levels: Sequence[Attainment]
    red: Sequence[Incident]

    @property
    def since(self) -> datetime:
        """Nothing of a month can be published before its first day is over."""
        return datetime.combine(periods.days_of(self.month)[0], time(), UTC) - BEFORE

    def line(self, pipeline: str) -> Line:
        """One pipeline of the month."""
        house, roster = self.house, self.house.roster
        published = facts(self.warehouse, pipeline, (), (), self.since).publications
        wanted = self._wanted(pipeline, published)
        commit = self.warehouse.table(pipeline).current()
        entries = _entries(commit, pipeline, self.month, self.declared, wanted)
        final = self.declared.pipelines[pipeline].grain in (Grain.DAY, Grain.MONTH)
        kinds = (Kind.FINAL,) if final else tuple(Kind)
        there = {entry.period for entry in entries if entry.kind in kinds}
        missing = [one for one in wanted if one not in there]
        came = [min((p.at for p in published if p.period == one and p.kind in kinds), default=None) for one in wanted]
        about = [self.month] if final else wanted
        own = [one for one in self.levels if one.pipeline == pipeline and self._of_month(one.period, about)]
        open_ones = [one for one in self.red if one.pipeline == pipeline and self._of_month(one.period, about)]
        front, duty = house.front(pipeline), roster.on_call(self.known.at)
        until = show(duty.until, self.known.at, roster.zone)
        return Line(
            pipeline=pipeline,
            figures=self._figures(pipeline, entries),
            missing=missing,
            settled=max((at for at in came if at), default=None) if None not in came else None,
            owner=front.owner if front else "",
            on_call=f"on call {duty.person.name} until {until} (backup {duty.backup.name})",
            levels=own,
            reds=[self._red(one) for one in open_ones],
            waivers=[_waived(one) for one in self.known.waivers if self._waives(one, pipeline, about)],
            changes=self._changes(pipeline, about),
            taken=self._taken(pipeline, about),
            due=self._due(own, missing),
            next="" if open_ones or not missing else self._next(pipeline, missing[0]),
            outdated=stale(self.warehouse, self.declared, pipeline, entries),
        )

    def _wanted(self, pipeline: str, published: Sequence[Publication]) -> list[str]:
        """The periods of a month that have to be published; of weeks and fortnights none before there were any."""
        grain = self.declared.pipelines[pipeline].grain
        if grain is Grain.DAY:
            return [day.isoformat() for day in periods.days_between(*periods.days_of(self.month))]
        found = periods.ending_in(self.month, grain, self.house.roster.model.rotation.anchor)
        began = min((one.period for one in published), default="")
        return [one for one in found if one >= began] or found

    def _of_month(self, period: str, about: Sequence[str]) -> bool:
        """Whether a period, or what is named after one, belongs to the month."""
        if len(period) == len("2026-W41"):  # days that are judged week by week
            return period in about or (self.month in about and f"{periods.days_of(period)[1]:%Y-%m}" == self.month)
        return period == self.month or any(store.covers(one, period) for one in about)

    def _figures(self, pipeline: str, entries: Sequence[store.PeriodEntry]) -> Figures | None:
        if not entries:
            return None
        version = max(entry.version for entry in entries)
        return Figures(
            version=version,
            kind=min((entry.kind for entry in entries), key=KIND_ORDER.index),
            data_through=max(entry.data_through for entry in entries),
            committed=self.warehouse.table(pipeline).commit_at(version).committed,
            as_of=max((entry.as_of for entry in entries if entry.as_of), default=None),
            partial=sorted({name for entry in entries for name in entry.partial}),
        )

    def _red(self, one: Incident) -> Red:
        step = next_step(self.house, one, self.known.at)
        return Red(
            check=one.failure.check,
            period=one.period,
            severity=one.failure.grade,
            since=one.since,
            runbook=shown(one.failure.runbook),
            paused=self.known.paused(one),
            next=f"to {step.to} {show(step.at, self.known.at, self.house.roster.zone)}" if step else "no rung is left",
        )

    def _waives(self, one: Waiver, pipeline: str, about: Sequence[str]) -> bool:
        return one.pipeline == pipeline and self._of_month(one.period, about) and not one.over(self.known.at)

    def _changes(self, pipeline: str, about: Sequence[str]) -> list[Change]:
        """Every version that took the place of a preliminary or final one of the month, the oldest first.

        What is refreshed while the month runs is not news at its close.
        """
        found = []
        for commit in self.warehouse.table(pipeline).log(self.since):
            # A withdrawal is a commit without a run.
            if not commit.run or not any(self._of_month(period, about) for period in commit.changed):
                continue
            record = run_records.find(self.warehouse, commit.run)
            if record is None or record.replaced is None or record.version != commit.version:
                continue
            if record.replaced.kind is not Kind.MONTH_TO_DATE:
                at, currency = commit.committed, record.currency
                found.append(Change(version=commit.version, at=at, replaced=record.replaced, currency=currency))
        return found

    def _taken(self, pipeline: str, about: Sequence[str]) -> list[Taken]:
        commit = self.warehouse.table(pipeline).current()
        withdrawn: Mapping[int, store.Withdrawal] = {}
        if commit is not None:
            withdrawn = {one.version: one for one in commit.withdrawn.values()}
        return [
            Taken(version=one.version, at=one.at, by=one.by, reason=one.reason)
            for _, one in sorted(withdrawn.items())
            if any(self._of_month(period, about) for period in one.periods)
        ]

    def _due(self, own: Sequence[Attainment], missing: Sequence[str]) -> str:
        """The next deadline of the month that is still ahead."""
        zone = self.house.roster.zone
        ahead = [(one.due, one.label, level_history.due_of(one, zone)) for one in own if one.state is LevelState.OPEN]
        if not ahead and missing:
            ahead = [(self.due, "final by", level_history.due(self.due, zone))]
        if not ahead:
            return ""
        due, label, shown = min(ahead, key=lambda one: one[:2])
        return f"{label} {show(shown, self.known.at, zone)}" + (" (past)" if due < self.known.at else "")

    def _next(self, pipeline: str, period: str) -> str:
        """Who would hear next of a failure that was found now."""
        told = said(rungs(self.house, pipeline, period, self.known.at)[:1], self.house, self.known.at)
        return f"a failure goes {told}" if told else ""


def _waived(one: Waiver) -> Waived:
    return Waived(
        check=one.check,
        period=one.period,
        ceiling=f"{one.ceiling:f}",
        until=one.until,
        owner=one.owner,
        reason=one.reason,
        sign_off=one.sign_off,
    )
