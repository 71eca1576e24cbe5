"""What the tests of telling share: a house, runs that fail and pass, a clock to turn, and servers that misbehave."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from run_records import guidance, record, result

from dq import people
from dq.base.model import CheckResult, Kind, Outcome, RunRecord, Severity, Verdict
from dq.base.verdict import Waiver
from dq.declare import registry, settings
from dq.declare.routes import Notify, contacts
from dq.declare.settings import Settings
from dq.run import known_figures
from dq.run.known_figures import KnownFigures
from dq.store import Warehouse
from dq.tell import incidents
from dq.tell.declared_people import house_of
from dq.tell.known import Snapshot
from dq.tell.message import Message
from dq.tell.next_messages import plan
from dq.tell.outbox import Attempt, Entry
from dq.tell.outbox import Delivery as Became
from dq.tell.recipients import House
from dq.tell.senders import Sent
from dq.tell.words import headline

ROOT = Path(__file__).resolve().parents[1]


def at(text: str) -> datetime:
    """An instant in UTC from ``2026-11-25 02:00``."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@cache
def declared() -> tuple[registry.Registry, people.Roster]:
    return registry.load(ROOT), people.load_roster(ROOT / "runbooks" / "roster.yml")


def every_contact(kind: str = "slack") -> dict[str, Any]:
    """A target of one kind for every contact of the roster."""
    return {name: {"kind": kind} for name in contacts(declared()[1])}


def house(roster: people.Roster | None = None, **notify: Any) -> House:
    """The project's people and pages with settings of the test's own; by default every contact is a Slack channel."""
    notify.setdefault("targets", every_contact())
    known, usual = declared()
    configured = Settings(warehouse="w", docs="d", docs_address="https://docs.example.com", notify=Notify(**notify))
    return house_of(ROOT, known, roster or usual, configured)


def seen(warehouse: Warehouse, when: datetime | str, known: registry.Registry | None = None) -> KnownFigures:
    """All that telling looks at in a warehouse, at an instant."""
    return known_figures.read(warehouse, known or declared()[0], at(when) if isinstance(when, str) else when)


BROKEN = "cells_are_the_sum_of_their_units"


def guarded(warehouse: Warehouse, record: RunRecord) -> Any:
    """A finished run as far as telling looks at it."""
    known, roster = declared()
    project = SimpleNamespace(root=ROOT, registry=known, roster=roster, settings=settings.load(ROOT))
    bound = SimpleNamespace(name=record.pipeline, pipeline=SimpleNamespace(document=""))
    return SimpleNamespace(
        task=SimpleNamespace(warehouse=warehouse, project=project, bound=bound),
        options=SimpleNamespace(docs=None, warehouse=warehouse.root),
        event_log="",
        finish=lambda _: record,
    )


def failed(check: str = BROKEN, severity: Severity = Severity.CRITICAL, **changes: Any) -> CheckResult:
    values: dict[str, Any] = {"dataset": "investor_profit", "severity": severity, "failure_class": "F14"}
    return result(check, Outcome.FAILED, **{**values, "observed": "3 of 40 cells differ", **changes})


def errored(check: str = BROKEN) -> CheckResult:
    return result(check, Outcome.ERRORED, dataset="investor_profit", failure_class="F06", reason="no rows")


def ran(when: str, *results: CheckResult, pipeline: str = "investor_profit", period: str = "2026-11") -> RunRecord:
    """A run of a pipeline as of an instant, with these results."""
    instant = at(when)
    bad = [one.check for one in results if one.outcome is not Outcome.PASSED]
    return record(
        *results,
        run=f"{pipeline}-{period.lower()}-{instant:%Y%m%dt%H%M%S%fz}-a1b2c3",
        pipeline=pipeline,
        period=period,
        as_of=instant,
        started=instant,
        kind=Kind.MONTH_TO_DATE,
        verdict=Verdict.HOLD if bad else Verdict.PUBLISH,
        guidance={check: guidance() for check in bad},
        docs=f"runs/{pipeline}.html",
    )


@dataclass
class Clock:
    """A clock that moves when it is told to, or when somebody sleeps."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=max(seconds, 0.001))


@dataclass
class Post:
    """Takes messages as a target would, and keeps what it took; ``answers`` are given in turn before it accepts."""

    answers: list[Sent] = field(default_factory=list)
    taken: list[tuple[datetime, Message]] = field(default_factory=list)

    def __call__(self, message: Message, now: datetime) -> Sent:
        answer = self.answers.pop(0) if self.answers else Sent(outcome=Became.SENT)
        if answer.outcome is Became.SENT:
            self.taken.append((now, message))
        return answer


@dataclass
class Served:
    """A server on this machine: its port, and every request it got, head and body."""

    port: int
    requests: list[bytes] = field(default_factory=list)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"


Behaviour = Callable[[socket.socket, bytes], None]


def answer(status: str, *headers: str, body: bytes = b"") -> Behaviour:
    """Answers with a status line and headers."""

    def behave(connection: socket.socket, _: bytes) -> None:
        head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""])
        connection.sendall(head.encode() + body)

    return behave


def hang(connection: socket.socket, _: bytes) -> None:
    connection.settimeout(5)
    with suppress(OSError):
        connection.recv(1)


def reset(connection: socket.socket, _: bytes) -> None:
    import struct

    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def drip(connection: socket.socket, _: bytes) -> None:
    """A header that never ends, a byte every twentieth of a second."""
    with suppress(OSError):
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        for _ in range(100):
            connection.sendall(b"a")
            time.sleep(0.05)


def endless(connection: socket.socket, _: bytes) -> None:
    """A body without an end."""
    with suppress(OSError):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65536)


@contextmanager
def serving(*behaviours: Behaviour) -> Iterator[Served]:
    """A server that treats the first request as the first behaviour says, and so on; the last one stays."""
    listener = socket.create_server(("127.0.0.1", 0))
    served = Served(listener.getsockname()[1])
    stopping = threading.Event()

    def work() -> None:
        while not stopping.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=one, args=(connection,), daemon=True).start()

    def one(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(5)
            request = read_request(connection)
            served.requests.append(request)
            behaviours[min(len(served.requests), len(behaviours)) - 1](connection, request)

    threading.Thread(target=work, daemon=True).start()
    try:
        yield served
    finally:
        stopping.set()
        listener.close()


def read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            return data
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")), 0
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def contacts_of(messages: Sequence[Message]) -> list[str]:
    return sorted(message.contact for message in messages)


def waiver(run: RunRecord, check: str, recorded: datetime) -> Waiver:
    """Anna's waiver of a check of the period that a run was of."""
    return Waiver(
        pipeline=run.pipeline,
        check=check,
        period=run.period,
        ceiling=Decimal(5),
        owner="Anna",
        reason="known",
        until=date(2999, 1, 1),
        recorded=recorded,
    )


@dataclass
class World:
    """Incidents, messages and a post office in memory, with a clock that is turned by hand."""

    house: House
    runs: list[RunRecord] = field(default_factory=list)
    waived: list[tuple[str, str, str]] = field(default_factory=list)  # check, from, until
    entries: list[Entry] = field(default_factory=list)
    post: Post = field(default_factory=Post)

    def tick(self, now: datetime) -> list[Message]:
        """Bring everybody up to date at an instant; what was sent then."""
        seen = [run for run in self.runs if run.as_of <= now]
        names = {name for name, first, last in self.waived if at(first) <= now < at(last)}
        waivers = [waiver(run, name, now + timedelta(seconds=1)) for run in seen for name in names]
        observed = [incidents.observed(run) for run in seen]
        made = plan(Snapshot(at=now, observations=observed, waivers=waivers, entries=self.entries), self.house)
        gone = {entry.message.id for entry in made.outdated}
        dropped = Attempt(began=now, outcome=Became.DROPPED)
        self.entries = [
            replace(entry, attempts=[*entry.attempts, dropped]) if entry.message.id in gone else entry
            for entry in self.entries
        ]
        kept = {entry.message.id for entry in self.entries}
        assert not kept & {message.id for message in made.messages}, "a message of its own each time"
        self.entries += [Entry(message=message) for message in made.messages]
        sent = []
        for n, entry in enumerate(self.entries):
            due = entry.due()
            if due is not None and due <= now:
                outcome = self.post(entry.message, now).outcome
                again = now + timedelta(minutes=15)
                done = Attempt(began=now, outcome=outcome, ended=now, again=again)
                self.entries[n] = replace(entry, attempts=[*entry.attempts, done])
                sent += [entry.message] if outcome is Became.SENT else []
        return sent

    def walk(self, first: str, last: str, step: timedelta) -> list[str]:
        """Every message sent between two instants, as ``when (company's time)  to  what``."""
        now, lines = at(first), []
        while now <= at(last):
            told: dict[str, list[str]] = {}
            for message in self.tick(now):
                told.setdefault(headline(message), []).append(message.contact)
            local = now.astimezone(self.house.roster.zone)
            lines += [f"{local:%a %d %b %H:%M}  {what}  -> {', '.join(sorted(to))}" for what, to in told.items()]
            now += step
        return lines
