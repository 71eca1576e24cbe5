"""Who must be told what now: the difference between what is red and what each contact was last told.

A contact is told when it becomes a recipient of an open incident (opened, handed over, escalated), when the incident is
paused or resolved after it was told, and again after the route's repeat time. Everything follows from incidents,
messages, roster and clock: planning twice changes nothing, and a run, a restart or ``dq deliver`` go on where the last
one ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dq.base.model import Severity
from dq.declare.targets import Alertmanager, Keys
from dq.people.levels import show
from dq.people.watch import Call
from dq.show.section_file import shown
from dq.tell import waiting
from dq.tell.grouping import Due, Heard, Now, grouped
from dq.tell.incidents import Incident
from dq.tell.known import Snapshot
from dq.tell.message import Alert, Message, State
from dq.tell.outbox import Entry
from dq.tell.recipients import House, ladder, next_step, owner_of, recipients, route_of, when

SETTLES = timedelta(minutes=10)
"""A contact hears of one incident at most this often, so that a flapping check does not fill anybody's evening."""


@dataclass(kw_only=True)
class Plan:
    """The messages to keep, and those to take back because what they say is no longer so."""

    messages: list[Message] = field(default_factory=list)
    outdated: list[Entry] = field(default_factory=list)


def plan(known: Snapshot, house: House) -> Plan:
    """The messages that bring what every contact was told up to date."""
    made, current = Plan(), _current(known)
    heard = _heard(house, current, known, made)
    due = [
        one
        for key, it in current.items()
        if house.known(it.incident.pipeline)
        for one in _due(house, it, current, heard.get(key, {}), known.at)
    ]
    made.messages = [_message(house, group, known) for group in grouped(house, due, current, heard)]
    return made


def still_firing(known: Snapshot, house: House) -> list[Message]:
    """What every Alertmanager was told and what still is so, to be given to it again; these are not kept.

    A later one says the same: where one is lost, nothing is.
    """
    current = _current(known)
    heard = _heard(house, current, known, Plan())
    due = [
        one
        for key, it in current.items()
        if it.state is State.FIRING and house.known(it.incident.pipeline)
        for one in _again(house, it, current, heard.get(key, {}), known.at)
    ]
    return [_message(house, group, known) for group in grouped(house, due, current, heard)]


def _current(known: Snapshot) -> dict[str, Now]:
    return {
        key: Now(incident=one, paused=known.paused(one) if one.open else "") for key, one in known.incidents.items()
    }


def _again(
    house: House, it: Now, current: Mapping[str, Now], heard: Mapping[str, Heard], now: datetime
) -> Iterable[Due]:
    """An incident for each Alertmanager that knows it and would be told of it now."""
    _, names = _told(house, it, current, now)
    for name, last in heard.items():
        target = house.notify.targets.get(name)
        if name not in names or not isinstance(target, Alertmanager) or last.at is None or last.pending:
            continue
        over = now >= last.at + timedelta(minutes=target.repeat_minutes)
        if over and last.state is State.FIRING and last.since == it.incident.since:
            yield Due(
                contact=name,
                incident=it.incident,
                state=State.FIRING,
                not_before=now,
                number=last.number,
                repeat=timedelta(hours=route_of(house, it.incident).repeat_hours),
                dedup=last.dedup,
            )


def _heard(house: House, current: Mapping[str, Now], known: Snapshot, made: Plan) -> dict[str, dict[str, Heard]]:
    """Per incident and contact what was told last; what is not sent yet and is no longer so is taken back."""
    heard: dict[str, dict[str, Heard]] = {}
    for entry in known.entries:
        message = entry.message
        outdated = not entry.settled and (
            _is_replaced(message, known) if message.report else _is_outdated(house, current, entry, known.at)
        )
        if outdated:
            made.outdated.append(entry)
        for alert in message.alerts:
            one = heard.setdefault(alert.key, {}).setdefault(message.contact, Heard())
            one.number += 1
            if entry.unheard or (outdated and entry.untouched):
                continue
            one.grades = {*one.grades, alert.severity} if one.since == alert.since else {alert.severity}
            one.state, one.since, one.severity = message.state, alert.since, alert.severity
            one.at, one.dedup = entry.sent.began if entry.sent else max(message.made, message.not_before), message.dedup
            one.doubtful = entry.dropped or outdated
            one.pending = not entry.settled and not entry.refused and not outdated
    return heard


def _is_replaced(message: Message, known: Snapshot) -> bool:
    """Whether a newer version of the same report was handed over since: nobody needs this one any more."""
    old = message.report
    return old is not None and any(
        (new.pipeline, new.period) == (old.pipeline, old.period) and new.version > old.version
        for one in known.entries
        if (new := one.message.report) is not None and one.message.made >= message.made
    )


def _is_outdated(house: House, current: Mapping[str, Now], entry: Entry, now: datetime) -> bool:
    """Whether a message that was not sent says of any incident what is no longer so.

    One that nobody can have received is outdated, too, where its recipient or its time is no longer right.
    """
    message = entry.message
    if message.contact not in house.notify.targets:
        return True
    for alert in message.alerts:
        it = current.get(alert.key)
        if it is None or it.state is not message.state or it.incident.since != alert.since:
            return True
        if message.state is not State.FIRING or not entry.untouched:
            continue
        told, names = _told(house, it, current, now)
        if told.at != max(now, message.not_before) or message.contact not in names:
            return True
    return False


def _told(house: House, it: Now, current: Mapping[str, Now], now: datetime) -> tuple[Call, list[str]]:
    """When an incident may be told, and to whom then: not to those who hear of what holds it back."""
    told = when(house, it.incident, now)
    names = recipients(house, it.incident, told.at, told.watching)
    spared = waiting.spared(house, it.incident, (one.incident for one in current.values()), now)
    return told, [name for name in names if name not in spared]


def _due(house: House, it: Now, current: Mapping[str, Now], heard: Mapping[str, Heard], now: datetime) -> Iterable[Due]:
    """What each contact is to be told of one incident."""
    incident, state, targets = it.incident, it.state, house.notify.targets
    repeat = timedelta(hours=route_of(house, incident).repeat_hours)
    if state is State.FIRING:
        told, names = _told(house, it, current, now)
        at = told.at
    else:
        open_for = [name for name, last in heard.items() if last.state in (State.FIRING, State.PAUSED)]
        # A machine is told that it is over whoever watched it; to a person who has left nothing goes any more.
        day = now.astimezone(house.roster.zone).date()
        names = [n for n in open_for if n in targets and (targets[n].machine or not house.roster.gone(n, day))]
        at = when(house, incident, now).at if names else now
    for name in names:
        last = heard.get(name, Heard())
        by_labels = targets[name].keys is Keys.LABELS
        if not _news(last, incident, state, repeat, now, by_labels=by_labels):
            continue
        goes_on = last.state in (State.FIRING, State.PAUSED) and last.since == incident.since
        grades = last.grades - {incident.failure.grade} if last.since == incident.since else set()
        yield Due(
            contact=name,
            incident=incident,
            state=state,
            not_before=now if state is not State.FIRING and targets[name].machine else at,
            number=last.number,
            repeat=repeat,
            dedup=last.dedup if goes_on or state is not State.FIRING else "",
            why=it.paused if incident.open else incident.settled,
            was=tuple(sorted(grades, key=_rank)),
        )


def _news(last: Heard, incident: Incident, state: State, repeat: timedelta, now: datetime, *, by_labels: bool) -> bool:
    """Whether a contact has something to hear: a change, a turn for the worse, or that it still fails after a time.

    To one that knows an alert ``by_labels`` any other grade is another alert.
    """
    if last.at is None:
        return state is State.FIRING
    worse = last.severity is not None and _rank(incident.failure.grade) < _rank(last.severity)
    moved = by_labels and last.severity is not incident.failure.grade
    if state is State.FIRING and (worse or moved):
        return True
    if last.state is state and (state is not State.FIRING or last.since == incident.since):
        again = now >= last.at + repeat and not last.pending
        return last.doubtful or (state is State.FIRING and again)
    return now >= last.at + SETTLES


def _rank(severity: Severity) -> int:
    return list(Severity).index(severity)


def _message(house: House, group: Sequence[Due], known: Snapshot) -> Message:
    first, every = group[0], list(known.incidents.values())
    return Message(
        contact=first.contact,
        kind=house.notify.targets[first.contact].kind,
        state=first.state,
        dedup=first.dedup,
        pipeline=first.incident.pipeline,
        period=first.period,
        made=known.at,
        not_before=first.not_before,
        alerts=[_alert(house, one, every) for one in group],
    )


def _alert(house: House, due: Due, known: Sequence[Incident]) -> Alert:
    incident, failure, roster = due.incident, due.incident.failure, house.roster
    at = due.not_before
    duty = roster.on_call(at)
    step = next_step(house, incident, at)
    passed = [one for one in ladder(house, incident) if one.at <= at]
    went = (
        f"escalated to {passed[-1].to} {show(passed[-1].at.astimezone(roster.zone), at, roster.zone)}" if passed else ""
    )
    goes = f"to {step.to} {show(step.at, at, roster.zone)}" if step else ""
    return Alert(
        key=incident.key,
        pipeline=incident.pipeline,
        period=incident.period,
        check=failure.check,
        dataset=failure.dataset,
        severity=failure.grade,
        failure_class=failure.failure_class,
        found=failure.found if due.period == incident.period else f"{incident.period}: {failure.found}",
        since=incident.since,
        since_shown=show(incident.since, at, roster.zone),
        number=due.number,
        owner=owner_of(house, incident),
        on_call=f"{duty.person.name} until {show(duty.until, at, roster.zone)} (backup {duty.backup.name})",
        runbook=failure.runbook_url
        if failure.runbook_url.startswith(("https://", "http://"))
        else shown(failure.runbook),
        report=f"{house.docs_address.rstrip('/')}/{incident.docs}" if house.docs_address and incident.docs else "",
        next_step=", ".join(filter(None, (went, goes))),
        why=due.why,
        holds=", ".join(f"{one.pipeline} {one.period}" for one in waiting.held_back(incident, known)),
        resolved=incident.resolved,
        again=at + 2 * due.repeat if due.state is State.FIRING else None,
        was=due.was,
    )
