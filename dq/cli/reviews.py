"""``dq status --reviews``: the next review meetings, each with the open incidents of its pipelines as its agenda."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from dq.base import clean
from dq.cli import console
from dq.declare import registry
from dq.people.levels import show
from dq.runbooks.reviews import Meeting, meetings
from dq.tell import overview
from dq.tell.overview import Line
from dq.tell.recipients import House

AHEAD = timedelta(days=40)
"""So far ahead every review has a next meeting: those of a business day of the month, too."""


def command(people: House, declared: registry.Registry, found: Sequence[Line], now: datetime, format: str) -> int:
    """Print the next meeting of each review, in the order of time, with what is open for it."""
    coming = upcoming(people, declared, now)
    agenda = {(one.name, one.start): _about(people, one, found) for one in coming}
    if format == "json":
        documents = [_document(one, agenda[one.name, one.start]) for one in coming]
        console.out(json.dumps(clean.value(documents), indent=2, allow_nan=False))
        return 0
    for one in coming:
        for line in _lines(one, agenda[one.name, one.start], people, now):
            console.out(clean.text(line))
    if not coming:
        console.out("no page names a review meeting (`reviews` in the head of a runbook page)")
    return 0


def upcoming(people: House, declared: registry.Registry, now: datetime) -> list[Meeting]:
    """The next meeting of each review that is not over, in the order of time."""
    fronts = {name: front for name in declared.pipelines if (front := people.front(name)) is not None}
    today = now.astimezone(people.roster.zone).date()
    found: dict[str, Meeting] = {}
    for one in meetings(people.roster, fronts, today - timedelta(days=14), today + AHEAD):
        if one.end > now:
            found.setdefault(one.name, one)
    return list(found.values())


def _about(people: House, meeting: Meeting, found: Sequence[Line]) -> list[Line]:
    """The open incidents of a meeting's pipelines; what has no page of its own belongs to the one it stands on."""
    fronts = {line.incident.pipeline: people.front(line.incident.pipeline) for line in found}
    return [line for line in found if (front := fronts[line.incident.pipeline]) and front.pipeline in meeting.pipelines]


def _lines(meeting: Meeting, found: Sequence[Line], people: House, now: datetime) -> list[str]:
    zone = people.roster.zone
    told = [f"{show(meeting.start, now, zone)}  {meeting.name} ({', '.join(meeting.teams)})"]
    told.append(f"  about     {', '.join(meeting.pipelines)}")
    rows = [
        (
            f"  {overview.label(line)}",
            f"{line.incident.pipeline} {line.incident.period}",
            line.incident.failure.check,
            f"since {show(line.incident.since, now, zone)}",
            line.paused,
        )
        for line in found
    ]
    return [*told, *(console.aligned(rows) or ["  nothing is open"])]


def _document(meeting: Meeting, found: Sequence[Line]) -> Mapping[str, object]:
    return {
        "review": meeting.name,
        "start": meeting.start.isoformat(),
        "end": meeting.end.isoformat(),
        "pipelines": [*meeting.pipelines],
        "teams": [*meeting.teams],
        "incidents": [overview.document(line) for line in found],
    }
