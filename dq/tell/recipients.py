"""Whom a failure concerns at an instant: its route, its ladder, and when it may be told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dq.base import periods
from dq.base.errors import DqError
from dq.base.model import Outcome, Severity
from dq.base.periods import Grain
from dq.declare.routes import Notify, Route
from dq.people.levels import escalates_at, show
from dq.people.roster import Roster
from dq.people.watch import Call, call
from dq.runbooks import FrontMatter, Page
from dq.tell.incidents import Failure, Incident


@dataclass(frozen=True, kw_only=True)
class House:
    """What is declared about the people: the roster, the page of each pipeline, and who is told how.

    ``page`` and ``grain`` answer by pipeline; ``page`` is None for a pipeline that is not declared any more.
    ``docs_address`` is the public address of the data docs. ``remark`` says that the roster has mistakes and which one
    serves in its place.
    """

    roster: Roster
    notify: Notify
    page: Callable[[str], Page | None]
    grain: Callable[[str], Grain]
    docs_address: str = ""
    remark: str = ""

    def front(self, pipeline: str) -> FrontMatter | None:
        """The head of a pipeline's page."""
        page = self.page(pipeline)
        return page.front if page else None

    def known(self, pipeline: str) -> bool:
        """Whether a pipeline is still declared."""
        return self.page(pipeline) is not None

    def section(self, pipeline: str, failure_class: str) -> tuple[str, str]:
        """The section of a pipeline's page about a way of failing: in the repository, and in the data docs."""
        page = self.page(pipeline)
        if page is None:
            return "", ""
        section = page.section_for_class(failure_class)
        root = f"{self.docs_address.rstrip('/')}/" if self.docs_address else ""
        return page.path_of(section), root + page.place(section).link

    def failure(self, pipeline: str, check: str, failure_class: str, found: str, waits_for: str = "") -> Failure:
        """A critical failure of a pipeline's check that is judged between its runs."""
        front = self.front(pipeline)
        runbook, url = self.section(pipeline, failure_class)
        return Failure(
            check=check,
            dataset=pipeline,
            severity=Severity.CRITICAL,
            outcome=Outcome.FAILED,
            failure_class=failure_class,
            found=found[:500],
            runbook=runbook,
            runbook_url=url,
            owner=front.owner if front else "",
            waits_for=waits_for,
        )


@dataclass(frozen=True, kw_only=True)
class Step:
    """One rung an open incident climbs: to whom (in words and as a contact), and when."""

    at: datetime
    to: str
    contact: str


def ladder(house: House, incident: Incident, now: datetime | None = None) -> list[Step]:
    """The rungs of an incident in the order of time, each at its earliest, counted from the first failure.

    Each names who stands there when it is climbed or, where that is over, ``now``.
    """
    return rungs(house, incident.pipeline, incident.period, incident.since, incident.failure.failure_class, now)


def rungs(
    house: House,
    pipeline: str,
    period: str,
    since: datetime,
    failure_class: str = "",
    now: datetime | None = None,
) -> list[Step]:
    """The rungs that a failure since an instant climbs; without a class those that every failure does."""
    front = house.front(pipeline)
    if front is None:
        return []
    days = periods.days_of(period, house.grain(pipeline))
    roster = house.roster
    owner = roster.teams.get(front.owner)
    names = {"lead": "the Lead", "manager": "the manager", "owner_manager": f"the {front.owner}'s manager"}

    def contact(to: str, at: datetime) -> str:
        if to == "owner_manager":
            return (owner.manager or owner.contact) if owner else ""
        day = at.astimezone(roster.zone).date()
        return (roster.lead(day) if to == "lead" else roster.manager(day)).contact

    earliest: dict[str, Step] = {}
    for rung in front.escalation:
        if rung.classes and failure_class not in rung.classes:
            continue
        at = escalates_at(rung, front.levels, roster=roster, days=days, first_failed=since)
        if at is not None and (rung.to not in earliest or at < earliest[rung.to].at):
            earliest[rung.to] = Step(at=at, to=names[rung.to], contact=contact(rung.to, max(at, now or at)))
    return sorted(earliest.values(), key=lambda step: step.at)


def next_step(house: House, incident: Incident, now: datetime) -> Step | None:
    """The next rung that is still ahead."""
    return next((step for step in ladder(house, incident) if step.at > now), None)


def hears(house: House, found: Sequence[Incident], now: datetime) -> str:
    """Who has heard and who hears next of incidents together, each rung at its earliest."""
    earliest: dict[str, Step] = {}
    for step in (step for one in found for step in ladder(house, one)):
        if step.to not in earliest or step.at < earliest[step.to].at:
            earliest[step.to] = step
    return said(sorted(earliest.values(), key=lambda step: step.at), house, now)


def said(steps: Sequence[Step], house: House, now: datetime) -> str:
    """Rungs in words: those that were climbed, those that are now, those ahead."""
    zone = house.roster.zone
    told = [(f"went to {one.to}" if one.at < now else f"to {one.to}", one.at) for one in steps]
    return "; ".join(f"{what} {'at once' if at == now else show(at, now, zone)}" for what, at in told)


def route_of(house: House, incident: Incident) -> Route:
    """The route a failure takes."""
    return house.notify.route(incident.failure.grade, incident.pipeline, owner_of(house, incident))


def owner_of(house: House, incident: Incident) -> str:
    """The team that owns the pipeline."""
    front = house.front(incident.pipeline)
    return front.owner if front else incident.failure.owner


def recipients(house: House, incident: Incident, at: datetime, watching: Sequence[str]) -> list[str]:
    """The contacts a failure is told at an instant: those of its route, and whoever it was escalated to by then.

    Nobody who has left is among them: who replaced them is, and of an engineer nobody followed who is on call.
    """
    roster = house.roster
    front = house.front(incident.pipeline)
    duty, day = roster.on_call(at), at.astimezone(roster.zone).date()
    teams = roster.teams
    roles: Mapping[str, Callable[[], list[str]]] = {
        "on_call": lambda: [duty.person.contact],
        "backup": lambda: [duty.backup.contact],
        "watching_teams": lambda: [teams[team].contact for team in watching if team in teams],
        "engineer": lambda: [(roster.standing(front.engineer, day) or duty.person).contact] if front else [],
        "owner_team": lambda: [teams[front.owner].contact] if front and front.owner in teams else [],
        "lead": lambda: [roster.lead(day).contact],
        "manager": lambda: [roster.manager(day).contact],
    }
    found = [name for to in route_of(house, incident).to for name in (roles[to]() if to in roles else [to])]
    found += [step.contact for step in ladder(house, incident, at) if step.at <= at]
    return [name for name in dict.fromkeys(found) if name in house.notify.targets and not roster.gone(name, day)]


def when(house: House, incident: Incident, now: datetime) -> Call:
    """When a failure may be told, and which teams watch then; at once where nobody is said to watch."""
    failure = incident.failure
    try:
        return call(house.roster, incident.pipeline, now, severity=failure.grade, failure_class=failure.failure_class)
    except DqError:
        return Call(now=True, at=now, watching=(), why="nobody is said to watch it")
