"""What waits for what: a pipeline that was not computed because the one it is built on is held has no cause of its own.

Its incident is open like any other, but it is told under the one that holds it back: who hears of that hears nothing
more, and everybody else that theirs is waiting.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from dq.base.model import Severity
from dq.tell.incidents import Incident
from dq.tell.recipients import House, recipients, when

AGAIN = timedelta(hours=1)
"""So long after what held it back has passed it is given time to be run again."""


def causes(incident: Incident, known: Iterable[Incident]) -> list[Incident]:
    """The open incidents that hold back what an incident waits for."""
    return [one for one in _holding(incident, known) if passed(one) is None]


def held_back(incident: Incident, known: Iterable[Incident]) -> list[Incident]:
    """The open incidents that wait for an incident."""
    if passed(incident) is not None or incident.failure.grade is not Severity.CRITICAL:
        return []
    name = f"{incident.pipeline}/{incident.period}"
    return [one for one in known if one.open and one.failure.waits_for == name]


def spared(house: House, incident: Incident, known: Iterable[Incident], now: datetime) -> set[str]:
    """The contacts that are not told of an incident, because they are told of what holds it back."""
    if not incident.failure.waits_for:
        return set()
    found: set[str] = set()
    for one in _holding(incident, known):
        over = passed(one)
        if over is None or now - over <= AGAIN:
            told = when(house, one, now)
            found |= {*recipients(house, one, told.at, told.watching)}
    return found


def passed(one: Incident) -> datetime | None:
    """When an incident stopped to hold anything back: it passed, or a run was published under its waiver."""
    return one.last if one.open and one.failure.waived_by else one.resolved


def _holding(incident: Incident, known: Iterable[Incident]) -> list[Incident]:
    pipeline, _, period = incident.failure.waits_for.partition("/")
    return [
        one
        for one in known
        if (one.pipeline, one.period) == (pipeline, period) and one.failure.grade is Severity.CRITICAL
    ]
