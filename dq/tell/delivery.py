"""Keep the messages that are planned, send what is due within a budget of time, say what is left."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from dq import store
from dq.base.errors import StoreError
from dq.base.serialize import instant
from dq.declare.targets import Alertmanager
from dq.tell import retry
from dq.tell.known import GIVEN, Snapshot
from dq.tell.message import Message
from dq.tell.next_messages import plan, still_firing
from dq.tell.outbox import Delivery, Entry, Outbox
from dq.tell.recipients import House
from dq.tell.senders import Sender, origin_of, sender


@dataclass(kw_only=True)
class Told:
    """What became of the messages: how many were sent, which wait for their time, which are undelivered and why.

    ``entries`` is the outbox after that, ``again`` how many messages were given to Alertmanager again. ``damaged`` are
    the pipelines of which it is not known what they have published, each with what to do.
    """

    sent: int = 0
    waiting: list[Message] = field(default_factory=list)
    undelivered: list[str] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    again: int = 0
    damaged: Mapping[str, StoreError] = field(default_factory=dict)


def clock() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


def keep_messages(warehouse: store.Warehouse, known: Snapshot, house: House) -> list[Entry]:
    """Keep what is to be told now and what a crash left half handed over, and take back what is no longer so.

    The outbox after that.
    """
    outbox, made = Outbox(warehouse), plan(known, house)
    entries = {entry.message.id: entry for entry in known.entries}
    outbox.finish(known.handovers)
    for entry in made.outdated:
        dropped = outbox.drop(entry, known.at, "what it says no longer holds")
        entries[entry.message.id] = dropped or replace(entry, elsewhere=True)
    for message in made.messages:
        outbox.put(message)
        entries.setdefault(message.id, Entry(message=message))
    return [*entries.values()]


def would_send(known: Snapshot, house: House) -> tuple[list[Message], list[Message]]:
    """The messages that are kept and not sent yet, and those that would be made now."""
    made = plan(known, house)
    gone = {entry.message.id for entry in made.outdated}
    return [one.message for one in known.entries if not one.settled and one.message.id not in gone], made.messages


def send_due(
    warehouse: store.Warehouse,
    known: Snapshot,
    house: House,
    *,
    seconds: float,
    send: Sender | None = None,
    now: Callable[[], datetime] = clock,
    sleep: Callable[[float], None] = time.sleep,
    again: bool = False,
) -> Told:
    """Send every message whose time has come, again and again until the budget is over or nothing is left to try.

    Where a target is down, or asks to wait, everything for it waits, and nobody else: one message tries it when its
    next attempt is due, what was tried least first. What a target asked holds for later calls, too. ``again`` also
    tries what was refused for good, and at once what a target asked to wait for.
    """
    outbox, send = Outbox(warehouse), send or sender(house.notify)
    every = {entry.message.id: entry for entry in known.entries}
    left = {key: entry for key, entry in every.items() if not entry.settled and not entry.elsewhere}
    if again:
        left = {key: outbox.retry(one, now()) if one.refused or one.failed else one for key, one in left.items()}
    end, told = now() + timedelta(seconds=seconds), Told()
    down, failures = _asked_to_wait(house, left.values()), Counter[str]()

    def due(entry: Entry) -> datetime | None:
        at = entry.due()
        return max(at, down.get(origin_of(house.notify, entry.message.contact), at)) if at else None

    while True:
        for entry in sorted(left.values(), key=_order):
            origin, at = origin_of(house.notify, entry.message.contact), due(entry)
            if at is None or at > now() or now() >= end:
                continue
            claimed = outbox.begin(entry, now())
            if claimed is None:
                every[entry.message.id] = replace(left.pop(entry.message.id), elsewhere=True)
                continue
            ended = send(claimed.message, now())
            done = outbox.end(claimed, ended.outcome, now(), reason=ended.reason, retry_after=ended.retry_after)
            left[done.message.id] = done
            told.sent += ended.outcome is Delivery.SENT
            if ended.outcome is Delivery.FAILED and not ended.ours:
                failures[origin] += 1
                wait = retry.backoff(failures[origin])
                down[origin] = max(now() + wait, done.due() or now())
            elif ended.outcome is Delivery.SENT:
                del failures[origin]
        ahead = [at for entry in left.values() if (at := due(entry)) is not None and at < end]
        if not ahead or now() >= end:
            break
        sleep(max(0.0, min((min(ahead) - now()).total_seconds(), (end - now()).total_seconds())))
    _sort(left.values(), now(), told)
    told.entries = [*(every | left).values()]
    return told


def give_again(
    warehouse: store.Warehouse, known: Snapshot, house: House, told: Told, send: Sender | None = None
) -> None:
    """Give every Alertmanager again what still fires, at its own interval.

    It forgets when it is started anew. One that is down is not tried: what is undelivered says so already.
    """
    send, never = send or sender(house.notify), datetime.min.replace(tzinfo=UTC)
    down = {reason.partition(":")[0] for reason in told.undelivered}
    due = {
        name
        for name, target in house.notify.targets.items()
        if isinstance(target, Alertmanager)
        and name not in down
        and known.at >= known.given.get(name, never) + timedelta(minutes=target.repeat_minutes)
    }
    taken, missed = Counter[str](), Counter[str]()
    for message in still_firing(known, house) if due else ():
        if message.contact not in due or missed[message.contact]:
            continue
        ended = send(message, known.at)
        if ended.outcome is Delivery.SENT:
            taken[message.contact] += 1
        else:
            missed[message.contact] += 1
            told.undelivered.append(f"{message.contact}: {ended.reason}")
    for name in due & {*taken} - {*missed}:
        warehouse.records.put(GIVEN, name, {"at": instant(known.at)})
    told.again += taken.total()


def _order(entry: Entry) -> tuple[int, datetime, datetime, str]:
    """What was tried least goes first, so that one message which a target never takes keeps no other from it."""
    return len(entry.attempts), entry.message.not_before, entry.message.made, entry.message.id


def _asked_to_wait(house: House, entries: Iterable[Entry]) -> dict[str, datetime]:
    """Until when the targets asked to wait, by what messages to a target share when it is down."""
    found: dict[str, datetime] = {}
    for entry in entries:
        if entry.failed and entry.last is not None and entry.last.asked and entry.last.again is not None:
            origin = origin_of(house.notify, entry.message.contact)
            found[origin] = max(entry.last.again, found.get(origin, entry.last.again))
    return found


def _sort(entries: Iterable[Entry], now: datetime, told: Told) -> None:
    for entry in entries:
        reason = entry.undelivered(now)
        if reason:
            told.undelivered.append(reason)
        elif not entry.settled:
            told.waiting.append(entry.message)


def pending(known: Snapshot) -> Told:
    """What waits and what is undelivered, without sending anything."""
    told = Told(entries=[*known.entries])
    _sort(known.entries, known.at, told)
    return told
