"""What stands beside a pipeline of which something is red: whose it is, what is due by when, and who hears next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from dq.base import periods
from dq.people.levels import Age, Within, applies, end_of, left, marks, moment_text, show
from dq.tell.incidents import Incident
from dq.tell.recipients import House, hears, rungs, said

UNTIL_MENDED = ("pre_validated", "green")
"""Levels met by these are still owed when their day is over; figures that were due then are there or are late."""


@dataclass(frozen=True, kw_only=True)
class Aid:
    """Whose a pipeline is, what of its levels is due and how long that is, and who hears next."""

    owner: str
    due: str
    next: str


def aid(house: House, pipeline: str, about: Sequence[str], found: Sequence[Incident], now: datetime, owner: str) -> Aid:
    """The help for a pipeline with open incidents, or of whose periods nothing is known.

    Levels and rungs count from the first failure of each incident; of what is not known from now. What a waiver pauses
    is owed by nobody.
    """
    owed = [one for one in found if not one.failure.waived_by]
    failing = [(one.period, one.since, one.failure.failure_class) for one in owed]
    unknown = [] if found else [(period, now, "") for period in about]
    steps = hears(house, owed, now)
    if unknown:
        steps = said(rungs(house, pipeline, about[0], now), house, now)
    return Aid(
        owner=owner or whose(house, pipeline, now), due=owes(house, pipeline, failing or unknown, now), next=steps
    )


def whose(house: House, pipeline: str, now: datetime) -> str:
    """The owning team, and who is on call."""
    front, duty = house.front(pipeline), house.roster.on_call(now)
    until = show(duty.until, now, house.roster.zone)
    on_call = f"on call {duty.person.name} until {until} (backup {duty.backup.name})"
    return "; ".join(filter(None, (front.owner if front else "", on_call)))


def owes(house: House, pipeline: str, failing: Sequence[tuple[str, datetime, str]], now: datetime) -> str:
    """What failures of a pipeline owe by when and how long that is, in the order of time.

    Each is a period, its first failure and its class. A level that several of them owe stands at its earliest.
    """
    front, roster = house.front(pipeline), house.roster
    earliest: dict[str, tuple[datetime, str]] = {}
    for period, since, failure_class in failing if front else ():
        days = periods.days_of(period, house.grain(pipeline))
        for level in front.levels if front else ():
            if not applies(level.classes, failure_class):
                continue
            for label, moment in marks(level, roster=roster, days=days, first_failed=since):
                end = end_of(moment, roster.zone)
                if end < now and not (level.met_by in UNTIL_MENDED or isinstance(level, Within | Age)):
                    continue
                text = f"{label} {moment_text(level, moment, now, roster.zone)} ({time_left(moment, now, roster.zone)})"
                earliest[label] = min(earliest.get(label, (end, text)), (end, text))
    return "; ".join(text for _, text in sorted(earliest.values()))


def time_left(moment: date | datetime, now: datetime, zone: ZoneInfo) -> str:
    """How long it is to a deadline: calendar days of the company, or hours and minutes within the day of an instant."""
    day = moment.astimezone(zone).date() if isinstance(moment, datetime) else moment
    days = (day - now.astimezone(zone).date()).days
    if days or not isinstance(moment, datetime):
        return left(days)
    minutes = int((moment - now).total_seconds() // 60)
    hours, rest = divmod(abs(minutes), 60)
    return f"{hours} h {rest:02} min {'left' if minutes >= 0 else 'over'}"
