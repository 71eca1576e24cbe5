"""The roster: people, teams and the weekly rotation of one company, and who is on call at an instant."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from dq.base import yamlfile
from dq.base.errors import DqError, Finding, choices
from dq.people.calendar import BusinessCalendar
from dq.people.roster_file import Person, RosterModel, Team, successor

WEEK = timedelta(days=7)
_DAY = timedelta(days=1)
NEVER_THERE = date.min
"""When somebody left who is named and not there: that is told where they are named."""


@dataclass(frozen=True, kw_only=True)
class OnCall:
    """Who owns a problem at an instant: exactly one person, who stands behind, until when (company zone), and why."""

    person: Person
    backup: Person
    until: datetime
    why: str


@dataclass(frozen=True, kw_only=True)
class Roster:
    """A roster; all its instants are aware, all its weeks calendar weeks of the company's zone.

    One that is ``mistaken`` is only good for finding more mistakes; ``stood_in`` are the entries and sections in which
    something stands in for what could not be read.
    """

    model: RosterModel
    document: yamlfile.Document
    zone: ZoneInfo
    calendar: BusinessCalendar
    mistaken: bool = False
    stood_in: frozenset[yamlfile.Key] = frozenset()

    @property
    def people(self) -> Mapping[str, Person]:
        """Everybody by id."""
        return self.model.people

    @property
    def teams(self) -> Mapping[str, Team]:
        """Every team by the name it is written with."""
        return self.model.teams

    def person(self, person_id: str) -> Person:
        """The person of that id, or a sentence that lists the valid ones."""
        if person_id not in self.people:
            raise DqError(
                f"nobody has the id {person_id!r}", where=self.document.file, do=choices(person_id, [*self.people])
            )
        return self.people[person_id]

    def team(self, name: str) -> Team:
        """The team of that name, or a sentence that lists the valid ones."""
        if name not in self.teams:
            raise DqError(f"there is no team {name!r}", where=self.document.file, do=choices(name, [*self.teams]))
        return self.teams[name]

    def standing(self, person_id: str, day: date) -> Person | None:
        """Who stands in somebody's place on a day: themselves or who replaced them; None where nobody followed."""
        found = self.people[successor(self.people, person_id, day)] if person_id in self.people else None
        return None if found is None or (found.left is not None and found.left <= day) else found

    def lead(self, day: date) -> Person:
        """Who takes what goes to the Lead on a day: where the Lead left and nobody followed, the manager."""
        return self._above("lead", day)

    def manager(self, day: date) -> Person:
        """Who takes what goes to the manager on a day: where they left and nobody followed, the Lead."""
        return self._above("manager", day)

    def _above(self, role: Literal["lead", "manager"], day: date) -> Person:
        places = (self.model.rotation.lead, self.model.rotation.manager)
        first, second = places if role == "lead" else places[::-1]
        return self.standing(first, day) or self.standing(second, day) or self.people[first]

    def gone(self, contact: str, day: date) -> bool:
        """Whether a contact is only that of people who have left by a day."""
        held = [person for person in self.people.values() if person.contact == contact]
        others = any(contact in (team.contact, team.manager) for team in self.teams.values())
        return bool(held) and not others and all(person.left is not None and person.left <= day for person in held)

    def on_call(self, at: datetime) -> OnCall:
        """Who is on call at an instant.

        The ring's person of the week, or who swapped with them; on their leave the backup, with both away the Lead.
        ``until`` is the instant of the next handover, or an earlier one at which leave changes the person.
        """
        if at.tzinfo is None:
            raise ValueError("on_call needs an aware instant")
        week = self.week(at)
        person, backup, why = self._assigned(week, at)
        handover = self.handover(week + WEEK)
        asked = {*self.chain(week), *self.chain(week, week + WEEK)}
        changes = [i for i in self._leave_edges(asked) if at < i < handover]
        until = next((i for i in sorted(changes) if self._assigned(week, i)[0] != person), handover)
        return OnCall(
            person=self.people[person], backup=self.people[backup], until=until.astimezone(self.zone), why=why
        )

    def handover(self, monday: date) -> datetime:
        """The UTC instant of a Monday's handover; in a gap of the clock the wall time before the gap counts."""
        return datetime.combine(monday, self.model.rotation.handover, self.zone).astimezone(UTC)

    def week(self, at: datetime) -> date:
        """The Monday whose handover is the last one at or before an instant."""
        today = at.astimezone(self.zone).date()
        monday = today - timedelta(days=today.weekday())
        return monday if at >= self.handover(monday) else monday - WEEK

    def ring_person(self, monday: date, places: int = 0) -> str:
        """The id of the ring's person of a week, or the one some places further on; who replaced a leaver counts."""
        rotation = self.model.rotation
        place = ((monday - rotation.anchor).days // 7 + places) % len(rotation.ring)
        return successor(self.people, rotation.ring[place], monday)

    def chain(self, monday: date, day: date | None = None) -> tuple[str, ...]:
        """The ids to be asked in a week, in order: ring or swap, the next in the ring, the Lead, the manager.

        Weeks of the ring are somebody's from their Monday; Lead and manager are those of a ``day``.
        """
        rotation = self.model.rotation
        first = next((swap.person for swap in self.model.swaps if swap.week == monday), self.ring_person(monday))
        places = range(1, len(rotation.ring) + 1)
        others = (self.ring_person(monday, n) for n in places)
        lead, manager = (successor(self.people, one, day or monday) for one in (rotation.lead, rotation.manager))
        follower = next((p for p in others if p != first), lead)
        return tuple(dict.fromkeys((first, follower, lead, manager)))

    def _assigned(self, monday: date, at: datetime) -> tuple[str, str, str]:
        """The person on call, the backup and the reason; the manager is only behind, or there for a Lead who left."""
        today = at.astimezone(self.zone).date()
        chain = self.chain(monday, today)
        places = (self.model.rotation.lead, self.model.rotation.manager)
        lead, manager = (successor(self.people, place, today) for place in places)
        if self._left(lead, at) and not self._left(manager, at):
            lead, manager = manager, lead  # nobody followed the Lead: the manager takes what would be theirs
        here = [person for person in chain if person != manager and not self.away(person, at)]
        person = here[0] if here else lead
        behind = [p for p in chain[chain.index(person) + 1 :] if p != person and not self.away(p, at)]
        backup = behind[0] if behind else (manager if person != manager else lead)
        first = chain[0]
        swapped = first != self.ring_person(monday)
        why = f"swap with {self.people[self.ring_person(monday)].name}" if swapped else "weekly rotation"
        if person != first:
            absent = [self.people[p].name for p in chain[: chain.index(person)]]
            why += f", {' and '.join(absent)} away"
        if not here:
            why += f", {self.people[lead].name} away too" if person != first else ""
        return person, backup, why

    def away(self, person: str, at: datetime) -> bool:
        """Whether somebody is on leave, or has left, on the company's day of an instant."""
        today = at.astimezone(self.zone).date()
        return self._left(person, at) or any(
            item.person == person and item.first <= today <= item.last for item in self.model.leave
        )

    def _left(self, person: str, at: datetime) -> bool:
        left = self.people[person].left
        return left is not None and left <= at.astimezone(self.zone).date()

    def _leave_edges(self, chain: Collection[str]) -> Iterator[datetime]:
        """The instants at which the leave of somebody in the chain begins or ends, or at which they leave."""
        days = [day for item in self.model.leave if item.person in chain for day in (item.first, item.last + _DAY)]
        days += [day for person in chain if (day := self.people[person].left)]
        for day in days:
            yield datetime.combine(day, time(), self.zone).astimezone(UTC)


def roster_of(
    model: RosterModel,
    document: yamlfile.Document,
    *,
    mistaken: bool = False,
    stood_in: frozenset[yamlfile.Key] = frozenset(),
) -> Roster:
    """The roster of a model; ``document`` is where its findings are placed."""
    calendar = BusinessCalendar(
        country=model.country,
        subdivision=model.subdivision,
        company_days={item.day: item.name for item in model.company_days},
        worked_holidays=frozenset(model.worked_holidays),
    )
    return Roster(
        model=model,
        document=document,
        zone=ZoneInfo(model.zone),
        calendar=calendar,
        mistaken=mistaken,
        stood_in=stood_in,
    )


def lint_roster(roster: Roster) -> list[Finding]:
    """What is wrong with the people, though a roster with it can be used: gaps that the Lead would have to fill.

    Places of people who have left and are not replaced, teams of which nobody is left, swaps into somebody's leave,
    and the weeks in which nobody is there to be called: ring person, backup and Lead away on the same day.
    """
    return [*lint_places(roster), *lint_swaps(roster), *lint_weeks(roster)]


def lint_places(roster: Roster) -> Iterator[Finding]:
    """Places in the ring and above it that nobody fills once somebody has left, and teams of which nobody is left."""
    rotation = roster.model.rotation
    places: list[tuple[yamlfile.Key, str]] = [
        (("rotation", "ring", n), person) for n, person in enumerate(rotation.ring)
    ]
    places += [(("rotation", "lead"), rotation.lead), (("rotation", "manager"), rotation.manager)]
    for key, person in places:
        last = roster.people[successor(roster.people, person, date.max)]
        if last.left and last.left != NEVER_THERE:
            message = f"{last.name} leaves on {last.left} and nobody follows; give them replaced_by, or fill the place"
            yield roster.document.finding(key, message)
    for name, team in roster.teams.items():
        gone = [left for person in team.people if (left := roster.people[person].left)]
        if team.people and len(gone) == len(team.people) and max(gone) != NEVER_THERE:
            message = f"from {max(gone)} on nobody is in the team"
            yield roster.document.finding(("teams", name, "people"), message)


def lint_swaps(roster: Roster) -> Iterator[Finding]:
    """Swaps into the leave of whoever takes over."""
    for n, swap in enumerate(roster.model.swaps):
        known = roster.people[swap.person].left != NEVER_THERE
        if known and roster.away(swap.person, roster.handover(swap.week)):
            message = f"{roster.people[swap.person].name} is away in the week they would take over"
            yield roster.document.finding(("swaps", n, "person"), message)


def lint_weeks(roster: Roster) -> Iterator[Finding]:
    """Weeks in which nobody is there to be called."""
    since: dict[date, datetime] = {}
    findings: dict[date, Finding] = {}
    for number, item in enumerate(roster.model.leave):
        days = (item.first + timedelta(days=n) for n in range((item.last - item.first).days + 1))
        handovers = [roster.handover(day) for day in days if day.weekday() == 0]
        for at in (datetime.combine(item.first, time(), roster.zone), *handovers):
            chain = roster.chain(roster.week(at))[:-1]  # the manager stands behind, but is not called
            week = roster.week(at)
            if all(roster.away(person, at) for person in chain) and at <= since.get(week, at):
                names = ", ".join(roster.people[person].name for person in chain)
                message = f"from {at.astimezone(roster.zone):%Y-%m-%d} on everyone is away: {names}; record a swap"
                since[week], findings[week] = at, roster.document.finding(("leave", number), message)
    yield from findings.values()
