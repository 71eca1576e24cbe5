"""Whose a pipeline is at an instant: who is on call and why, whether they are called now, and who hears next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from dq.base.model import Severity
from dq.base.periods import last_day
from dq.people.calendar import BusinessCalendar
from dq.people.levels import Escalation, Level
from dq.people.roster import OnCall, Roster
from dq.people.watch import Call, call
from dq.runbooks.frontmatter import FrontMatter


@dataclass(frozen=True, kw_only=True)
class Contact:
    """Somebody to be reached: a person or a team by name, and the name of their address."""

    name: str
    contact: str


@dataclass(frozen=True, kw_only=True)
class Rung:
    """Who hears when a failure stays red, and after what."""

    who: Contact
    when: str
    classes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Duty:
    """The answer to *who is it?* for a pipeline at an instant.

    ``why`` says how the person follows from the rotation and what kind of day it is; ``engineer`` and their backup are
    informed. Where a pipeline has no page of its own, owner, engineer and ladder are those of the page it stands on.
    """

    pipeline: str
    at: datetime
    on_call: OnCall
    why: str
    call: Call
    copied: tuple[Contact, ...]
    owner: Contact
    engineer: Contact
    engineer_backup: Contact
    ladder: tuple[Rung, ...]


def duty(
    front: FrontMatter, roster: Roster, pipeline: str, at: datetime, *, severity: Severity = Severity.CRITICAL
) -> Duty:
    """Who answers for a pipeline at an instant, for a failure of some severity."""
    when = call(roster, pipeline, at, severity=severity)
    on_call = roster.on_call(at)
    today = at.astimezone(roster.zone).date()

    def person(person_id: str) -> Contact:
        found = roster.standing(person_id, today) or roster.person(person_id)
        return Contact(name=found.name, contact=found.contact)

    def team(name: str) -> Contact:
        return Contact(name=name, contact=roster.team(name).contact)

    return Duty(
        pipeline=pipeline,
        at=at.astimezone(UTC),
        on_call=on_call,
        why="; ".join((on_call.why, *day_kind(roster.calendar, at.astimezone(roster.zone)))),
        call=when,
        copied=tuple(map(team, when.watching)),
        owner=team(front.owner),
        engineer=person(front.engineer),
        engineer_backup=person(front.backup),
        ladder=tuple(_rung(rung, front, roster, today) for rung in front.escalation),
    )


def day_kind(calendar: BusinessCalendar, local: datetime) -> list[str]:
    """What is special about a day of the company: a holiday by its name, a weekend, the last week of the month."""
    day = local.date()
    told = []
    if name := calendar.holiday(day):
        told.append(f"holiday ({name})")
    if day.weekday() > 4:
        told.append("weekend")
    if day > last_day(day) - timedelta(days=7):
        told.append("last week of the month")
    return told


def _rung(rung: Escalation, front: FrontMatter, roster: Roster, today: date) -> Rung:
    if rung.to == "owner_manager":
        contact = roster.team(front.owner).manager or ""
        who = Contact(name=f"manager of {front.owner}", contact=contact)
    else:
        found = roster.lead(today) if rung.to == "lead" else roster.manager(today)
        who = Contact(name=found.name, contact=found.contact)
    return Rung(who=who, when=climbs(rung, front.levels), classes=tuple(rung.classes))


def climbs(rung: Escalation, levels: Sequence[Level]) -> str:
    """When a rung is climbed, as people read it: ``1 business day after the day of 'pre-validation', 09:00``."""
    if rung.hours is not None:
        return f"{rung.hours} hours after the first failure"
    label = next(level.label for level in levels if level.id in (rung.after, rung.before))
    days = "1 business day" if rung.business_days == 1 else f"{rung.business_days} business days"
    return f"{days} {'after' if rung.after else 'before'} the day of '{label}', {rung.at:%H:%M}"
