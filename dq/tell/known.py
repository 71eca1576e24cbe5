"""What is known when somebody may have to be told: read from the warehouse once, and all of telling follows from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Self

from dq import store
from dq.base.model import Json
from dq.base.verdict import Waiver
from dq.tell import incidents
from dq.tell.incidents import Failure, Incident, Observation
from dq.tell.message import Message
from dq.tell.outbox import Entry, Outbox, in_order

DELIVERIES = "deliveries"
"""What became of each report, and of each of its recipients."""
GIVEN = "given"
"""When each Alertmanager was last given what still fires."""


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """What is red, waived, kept to be told, delivered and given to machines, as seen ``at`` an instant.

    ``waivers`` are the newest of each check and period, ``entries`` all that was ever put into the outbox in the order
    it was made. ``handovers`` are messages that were handed over together and are not all in the outbox yet.
    """

    at: datetime
    observations: Sequence[Observation] = ()
    waivers: Sequence[Waiver] = ()
    entries: Sequence[Entry] = ()
    handovers: Mapping[str, Sequence[Message]] = field(default_factory=dict)
    deliveries: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    given: Mapping[str, datetime] = field(default_factory=dict)

    @cached_property
    def incidents(self) -> Mapping[str, Incident]:
        """Every incident by key, open and resolved."""
        return incidents.fold(self.observations)

    def paused(self, incident: Incident) -> str:
        """Whose waiver pauses an incident and until when; empty where none does."""
        return incidents.paused(incident, self.waivers, self.at)

    def noted(self, pipeline: str, period: str, check: str, failure: Failure | None, as_of: datetime) -> Observation:
        """What is to be said of a check that is judged between runs: it fails since an instant, or passes."""
        return Observation(
            run=incidents.late_name(pipeline, period, self.at),
            pipeline=pipeline,
            period=period,
            as_of=as_of,
            started=self.at,
            failures=[failure] if failure else [],
            passed=[] if failure else [check],
        )

    def observed(self, found: Iterable[Observation]) -> Self:
        """The same with what was found since."""
        return replace(self, observations=sorted([*self.observations, *found], key=lambda one: (one.started, one.run)))

    def told(self, entries: Iterable[Entry]) -> Self:
        """The same with what became of the outbox; nothing is half handed over any more."""
        return replace(self, entries=in_order(entries), handovers={})


def read(warehouse: store.Warehouse, at: datetime) -> Snapshot:
    """What the warehouse says at an instant, each kind of record read once.

    The outbox comes first: what is told of already must not seem to be unheard of.
    """
    outbox = Outbox(warehouse)
    handovers = outbox.handed_over()
    return Snapshot(
        at=at,
        handovers=handovers,
        entries=outbox.entries(handovers),
        waivers=incidents.in_force(warehouse),
        observations=incidents.observations(warehouse),
        deliveries=warehouse.records.all(DELIVERIES),
        given={name: datetime.fromisoformat(str(doc["at"])) for name, doc in warehouse.records.all(GIVEN).items()},
    )
