"""A message of the outbox: to which contact, about what, and all its text needs; no address and no secret."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import cast

from dq.base import serialize
from dq.base.model import Json, Severity


class State(StrEnum):
    """What a contact is told an incident is."""

    FIRING = "firing"
    PAUSED = "paused"
    RESOLVED = "resolved"


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One incident as it is told; ``number`` counts what this contact was told of it before.

    ``since_shown`` is the first failure as people of the company read it, ``next_step`` when it goes to whom next,
    ``why`` whose waiver pauses it or why it is over although it did not pass, ``holds`` which pipelines wait for it.
    ``again`` is when this contact would hear of it again. ``was`` are the other grades it was told since its first
    failure.
    """

    key: str
    pipeline: str
    period: str
    check: str
    dataset: str
    severity: Severity
    failure_class: str
    found: str
    since: datetime
    since_shown: str
    number: int
    owner: str
    on_call: str
    runbook: str = ""
    report: str = ""
    next_step: str = ""
    why: str = ""
    holds: str = ""
    resolved: datetime | None = None
    again: datetime | None = None
    was: Sequence[Severity] = ()


@dataclass(frozen=True, kw_only=True)
class Report:
    """A document that leaves the house: where it lies, what it must hash to, and a few words about it.

    ``file`` and ``text_file`` are paths of the HTML and the text part, ``link`` its public address where there is one.
    """

    pipeline: str
    period: str
    version: int
    title: str
    summary: str
    file: str
    sha256: str
    text_file: str
    link: str = ""


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message to one contact, not before an instant; ``dedup`` is the same on retry and until it is resolved."""

    contact: str
    kind: str
    state: State
    dedup: str
    pipeline: str
    period: str
    made: datetime
    not_before: datetime
    alerts: Sequence[Alert] = ()
    report: Report | None = None

    @property
    def id(self) -> str:
        """A name that is the same whenever the same is told to the same contact."""
        told: list[object] = [(a.key, serialize.instant(a.since), a.number) for a in self.alerts]
        if self.report is not None:
            told = [self.report.pipeline, self.report.period, self.report.version]
        text = repr((self.contact, self.state.value, self.dedup, sorted(map(repr, told))))
        return f"{self.pipeline[:40]}-{self.period.lower()}-{hashlib.sha256(text.encode()).hexdigest()[:24]}"

    def to_dict(self) -> Mapping[str, Json]:
        """The plain document."""
        return cast("Mapping[str, Json]", serialize.plain(self))


def from_dict(document: object, where: str) -> Message:
    """The message in a document."""
    return serialize.decode(Message, document, where)
