"""The durable outbox in the warehouse: every message is kept before it is sent, and each attempt before it is made.

A crash between sending and marking sends again, with the same dedup key: at least once. Messages and attempts are
documents of their own that are created once, so senders at the same time lose nothing and do not send twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import cast

from dq import store
from dq.base import serialize
from dq.base.errors import StoreError
from dq.tell import message as messages
from dq.tell import retry
from dq.tell.message import Message

KIND = "outbox"
ATTEMPTS = "attempts"
HANDOVERS = "handovers"
"""Messages that were handed over together and are not all in the outbox yet."""


class Delivery(StrEnum):
    """How an attempt ended; ``begun`` has not, ``dropped`` was not made because there was nothing left to tell."""

    BEGUN = "begun"
    SENT = "sent"
    FAILED = "failed"
    REFUSED = "refused"
    DROPPED = "dropped"


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One attempt: when it began, how it ended, why it failed (no address, no secret) and when the next may be made."""

    began: datetime
    outcome: Delivery = Delivery.BEGUN
    ended: datetime | None = None
    reason: str = ""
    again: datetime | None = None
    # The target itself asked to wait until then.
    asked: bool = False


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A message with its attempts, the first to the last; ``number`` is that of the last, torn ones counted.

    ``elsewhere`` says that another sender was faster since it was read: how that ended is not known here.
    """

    message: Message
    attempts: Sequence[Attempt] = field(default_factory=tuple)
    number: int = 0
    elsewhere: bool = False

    @property
    def last(self) -> Attempt | None:
        """The latest attempt."""
        return self.attempts[-1] if self.attempts else None

    @property
    def sent(self) -> Attempt | None:
        """The attempt that succeeded."""
        return next((one for one in self.attempts if one.outcome is Delivery.SENT), None)

    @property
    def dropped(self) -> bool:
        """Whether it was taken back, because what it says no longer holds."""
        return any(one.outcome is Delivery.DROPPED for one in self.attempts)

    @property
    def settled(self) -> bool:
        """Whether nothing more is to be done."""
        return self.dropped or self.sent is not None

    @property
    def unheard(self) -> bool:
        """Whether it was taken back before any attempt, so that nobody can have received it."""
        return self.dropped and len(self.attempts) == 1

    @property
    def untouched(self) -> bool:
        """Whether no attempt was ever made, so that certainly nobody has received it."""
        return not self.attempts

    @property
    def refused(self) -> bool:
        """Whether the target refused it for good."""
        return self.last is not None and self.last.outcome is Delivery.REFUSED and self.sent is None

    @property
    def failed(self) -> bool:
        """Whether its last attempt failed, so that it waits for the next."""
        return self.last is not None and self.last.outcome is Delivery.FAILED and self.sent is None

    def due(self) -> datetime | None:
        """When the next attempt may be made; None where it is settled or refused, or somebody else makes it."""
        if self.settled or self.refused or self.elsewhere:
            return None
        if self.last is None:
            return self.message.not_before
        return self.last.again or self.last.began

    def on_its_way(self, now: datetime) -> bool:
        """Whether a sender is at it that may still live."""
        last = self.last
        begun = last is not None and last.outcome is Delivery.BEGUN and last.again is not None and now < last.again
        return begun or self.elsewhere

    def undelivered(self, now: datetime) -> str:
        """Why a message whose time has come is not with its recipient; empty where it waits or is sent."""
        if self.settled or self.message.not_before > now or self.on_its_way(now):
            return ""
        reason = self.last.reason if self.last and self.last.reason else "it was not sent yet"
        return f"{self.message.contact}: {reason}"


class Outbox:
    """The messages of a warehouse."""

    def __init__(self, warehouse: store.Warehouse, *, lease: timedelta = timedelta(minutes=5)) -> None:
        self._records = warehouse.records
        self._lease = lease  # after which an attempt without an end was that of a process that died

    def put(self, message: Message) -> bool:
        """Keep a message to be sent; False where the same one is kept already."""
        return self._records.put_new(KIND, message.id, message.to_dict())

    def put_all(self, name: str, told: Sequence[Message]) -> None:
        """Keep messages that belong together, all of them or none: after a crash halfway ``finish`` keeps the rest."""
        if told:
            self._records.put(HANDOVERS, name, {"messages": [message.to_dict() for message in told]})
            self.finish({name: told})

    def handed_over(self) -> dict[str, Sequence[Message]]:
        """What was handed over together and is not all in the outbox yet, by name."""
        return {
            name: [messages.from_dict(one, name) for one in told]
            for name, document in self._records.all(HANDOVERS).items()
            if isinstance(told := document["messages"], Sequence)
        }

    def finish(self, handed_over: Mapping[str, Sequence[Message]]) -> None:
        """Keep what is left of messages that were handed over together."""
        for name, told in handed_over.items():
            for message in told:
                self.put(message)
            self._records.delete(HANDOVERS, name)

    def entries(self, handed_over: Mapping[str, Sequence[Message]] | None = None) -> list[Entry]:
        """Every message in the order they were made, each with its attempts; those handed over count already."""
        handed = self.handed_over() if handed_over is None else handed_over
        attempts: dict[str, list[tuple[int, str]]] = {}
        for name in self._records.list(ATTEMPTS):
            key, _, number = name.rpartition(".")
            if number.isdigit():
                attempts.setdefault(key, []).append((int(number), name))
        found = []
        for name in self._records.list(KIND):
            document = self._records.get(KIND, name)
            if document is not None:
                numbered = sorted(attempts.get(name, []))
                tried = [one for _, key in numbered if (one := self._attempt(key))]
                highest = numbered[-1][0] if numbered else 0
                found.append(Entry(message=messages.from_dict(document, name), attempts=tried, number=highest))
        known = {entry.message.id for entry in found}
        found += [Entry(message=one) for told in handed.values() for one in told if one.id not in known]
        return in_order(found)

    def begin(self, entry: Entry, now: datetime) -> Entry | None:
        """Claim the next attempt; None where another sender is at it."""
        last = entry.last
        if last is not None and last.outcome is Delivery.BEGUN and now < last.began + self._lease:
            return None
        return self._add(entry, Attempt(began=now, again=now + self._lease))

    def end(
        self, entry: Entry, outcome: Delivery, now: datetime, *, reason: str = "", retry_after: str | None = None
    ) -> Entry:
        """Mark how the attempt that was begun ended."""
        again, said = None, ""
        if outcome is Delivery.FAILED:
            wait, said = retry.wait(entry.number, retry_after, now)
            again, reason = now + wait, " and ".join(filter(None, (reason, said)))
        last = entry.attempts[-1]
        done = replace(last, outcome=outcome, ended=now, reason=reason, again=again, asked=bool(said))
        self._records.put(ATTEMPTS, _name(entry, entry.number), _plain(done))
        return replace(entry, attempts=[*entry.attempts[:-1], done])

    def drop(self, entry: Entry, now: datetime, reason: str) -> Entry | None:
        """Take back a message that was not sent; None where a sender was faster."""
        return self._add(entry, Attempt(began=now, ended=now, outcome=Delivery.DROPPED, reason=reason))

    def retry(self, entry: Entry, now: datetime) -> Entry:
        """Let a message that was refused for good, or has to wait, be tried again, since somebody fixed the cause."""
        done = replace(entry.attempts[-1], outcome=Delivery.FAILED, again=now, asked=False)
        self._records.put(ATTEMPTS, _name(entry, entry.number), _plain(done))
        return replace(entry, attempts=[*entry.attempts[:-1], done])

    def _add(self, entry: Entry, attempt: Attempt) -> Entry | None:
        number = entry.number + 1
        if not self._records.put_new(ATTEMPTS, _name(entry, number), _plain(attempt)):
            return None
        return replace(entry, attempts=[*entry.attempts, attempt], number=number)

    def _attempt(self, name: str) -> Attempt | None:
        document = self._records.get(ATTEMPTS, name)
        return serialize.decode(Attempt, document, name) if document is not None else None


def in_order(entries: Iterable[Entry]) -> list[Entry]:
    """Messages in the order they were made."""
    return sorted(entries, key=lambda one: (one.message.made, one.message.id))


def _name(entry: Entry, number: int) -> str:
    return f"{entry.message.id}.{number}"


def _plain(attempt: Attempt) -> dict[str, object]:
    plain = serialize.plain(attempt)
    if not isinstance(plain, dict):
        raise StoreError("an attempt is an object")
    return cast("dict[str, object]", plain)
