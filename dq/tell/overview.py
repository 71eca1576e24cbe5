"""What is red now, oldest first: each open incident, whose it is, who is on call, what comes next, who was told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dq.base.model import Json, Outcome
from dq.base.serialize import instant
from dq.people.levels import show
from dq.show.section_file import shown
from dq.tell import waiting
from dq.tell.incidents import Incident
from dq.tell.known import Snapshot
from dq.tell.message import State
from dq.tell.outbox import Entry
from dq.tell.recipients import House, Step, ladder, next_step, owner_of, when

ALIKE = 3
"""So many checks that could not be evaluated for one and the same reason are shown as one."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One open incident at an instant; ``waits`` says until when nobody is called, empty where somebody may be now.

    ``causes`` are the open incidents it waits for, ``holds`` those that wait for it.
    """

    incident: Incident
    owner: str
    on_call: str
    until: datetime
    backup: str
    call_at: datetime
    waits: str
    escalated: Sequence[Step]
    next: Step | None
    paused: str
    causes: Sequence[Incident]
    holds: Sequence[Incident]
    told: Sequence[str]
    undelivered: Sequence[str]


def lines(known: Snapshot, house: House) -> list[Line]:
    """The open incidents, oldest first."""
    found = [one for one in known.incidents.values() if one.open and house.known(one.pipeline)]
    found.sort(key=lambda one: (one.since, one.key))
    return [_line(known, house, one, found) for one in found]


def _line(known: Snapshot, house: House, incident: Incident, among: Sequence[Incident]) -> Line:
    now = known.at
    duty = house.roster.on_call(now)
    told = when(house, incident, now)
    about = [one for one in known.entries if any(alert.key == incident.key for alert in one.message.alerts)]
    # What was told of an earlier failure of the same check is not said of this one.
    about = [one for one in about if one.message.made >= incident.since or not one.settled]
    return Line(
        incident=incident,
        owner=owner_of(house, incident),
        on_call=duty.person.name,
        until=duty.until,
        backup=duty.backup.name,
        call_at=told.at,
        waits="" if told.now else told.why,
        escalated=[step for step in ladder(house, incident) if step.at <= now],
        next=next_step(house, incident, now),
        paused=known.paused(incident),
        causes=waiting.causes(incident, among),
        holds=waiting.held_back(incident, among),
        told=[*{one.message.contact: text for one in about if (text := _told(house, one, now))}.values()],
        undelivered=[reason for one in about if (reason := one.undelivered(now))],
    )


def _told(house: House, entry: Entry, now: datetime) -> str:
    """A message that was sent or waits for its time, in a few words; of several to one contact the last is shown."""
    if entry.message.state is State.RESOLVED or entry.dropped:
        return ""
    if entry.sent is not None:
        return f"{entry.message.contact} {show(entry.sent.began, now, house.roster.zone)}"
    if entry.message.not_before > now:
        return f"{entry.message.contact} waits until {show(entry.message.not_before, now, house.roster.zone)}"
    return ""


def text(found: Sequence[Line], house: House, now: datetime) -> list[str]:
    """The incidents as lines for people."""
    zone = house.roster.zone
    told: list[str] = []
    for line, alike in _alike(found):
        incident, failure = line.incident, line.incident.failure
        times = "1 run" if incident.times == 1 else f"{incident.times} runs"
        more = f" and {alike} more" if alike else ""
        told.append(f"{label(line)}  {incident.pipeline} {incident.period}  {failure.check}{more}")
        ahead = f"to {line.next.to} {show(line.next.at, now, zone)}" if line.next else "no rung is left"
        went = [f"to {step.to} {show(step.at, now, zone)}" for step in line.escalated]
        pairs = (
            ("since", f"{show(incident.since, now, zone)}, seen by {times}"),
            ("found", failure.found),
            ("paused", line.paused),
            ("waits for", _waits_for(line)),
            ("holds", ", ".join(f"{one.pipeline} {one.period}" for one in line.holds)),
            (
                "owner",
                f"{line.owner}; on call {line.on_call} until {show(line.until, now, zone)} (backup {line.backup})",
            ),
            ("call", f"not before {show(line.call_at, now, zone)}, {line.waits}" if line.waits else "now"),
            ("escalated", ", ".join(went)),
            ("next", ahead),
            ("told", ", ".join(line.told)),
            ("not told", "; ".join(dict.fromkeys(line.undelivered))),
            ("runbook", shown(failure.runbook)),
        )
        told += [f"  {word:<10}{said}" for word, said in pairs if said]
    return told


def _waits_for(line: Line) -> str:
    """What holds an incident's pipeline back, and what is to be done once that has passed."""
    name = line.incident.failure.waits_for.replace("/", " ")
    if not name:
        return ""
    checks = ", ".join(one.failure.check for one in line.causes[:ALIKE])
    more = f" and {len(line.causes) - ALIKE} more" if len(line.causes) > ALIKE else ""
    return f"{name}: {checks}{more}" if checks else f"nothing any more, {name} passes: run it again"


def label(line: Line) -> str:
    """What stands before an incident."""
    failure = line.incident.failure
    return "COULD NOT EVALUATE" if failure.outcome is Outcome.ERRORED else failure.severity.upper()


def _alike(found: Sequence[Line]) -> list[tuple[Line, int]]:
    """The lines to show, each with how many others are left out because they say the same."""
    groups: dict[tuple[str, ...], list[Line]] = {}
    for line in found:
        incident, failure = line.incident, line.incident.failure
        errored = failure.outcome is Outcome.ERRORED
        same = (incident.pipeline, incident.period, instant(incident.since), failure.found if errored else incident.key)
        groups.setdefault(same, []).append(line)
    shown = []
    for group in groups.values():
        shown += [(group[0], len(group) - 1)] if len(group) > ALIKE else [(line, 0) for line in group]
    return shown


def document(line: Line) -> Mapping[str, Json]:
    """One incident for programs."""
    incident, failure = line.incident, line.incident.failure
    return {
        "incident": incident.key,
        "pipeline": incident.pipeline,
        "check": failure.check,
        "period": incident.period,
        "dataset": failure.dataset,
        "since": instant(incident.since),
        "last": instant(incident.last),
        "runs": incident.times,
        "run": incident.run,
        "severity": failure.severity.value,
        "outcome": failure.outcome.value,
        "failure_class": failure.failure_class,
        "found": failure.found,
        "runbook": shown(failure.runbook),
        "owner": line.owner,
        "on_call": line.on_call,
        "on_call_until": instant(line.until),
        "backup": line.backup,
        "call_at": instant(line.call_at),
        "escalated": [{"to": step.to, "at": instant(step.at)} for step in line.escalated],
        "next_escalation": instant(line.next.at) if line.next else None,
        "next_escalation_to": line.next.to if line.next else None,
        "paused": line.paused or None,
        "waits_for": [one.key for one in line.causes],
        "holds": [one.key for one in line.holds],
        "told": [*line.told],
        "undelivered": [*line.undelivered],
    }
