"""What is told together: to one contact, about one pipeline, in one state, at one time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from dq.base.model import Severity
from dq.declare.targets import Keys
from dq.tell.incidents import Incident
from dq.tell.message import State
from dq.tell.recipients import House

STORM = 20
"""More new incidents than this of one pipeline's period are one event, also where each has a key of its own."""
PERIODS = 2
"""More periods of one pipeline than this, as a backfill brings them, are told in one message."""


@dataclass(frozen=True, kw_only=True)
class Now:
    """An incident, and whose waiver pauses it."""

    incident: Incident
    paused: str

    @property
    def state(self) -> State:
        """What a contact is told it is."""
        if not self.incident.open:
            return State.RESOLVED
        return State.PAUSED if self.paused else State.FIRING


@dataclass(kw_only=True)
class Heard:
    """What a contact was last told of one incident.

    ``pending``: it is still being tried, ``doubtful``: it was taken back after an attempt, so it may have come.
    ``grades`` are all it may have been told as since its first failure.
    """

    number: int = 0
    state: State | None = None
    since: datetime | None = None
    at: datetime | None = None
    severity: Severity | None = None
    grades: set[Severity] = field(default_factory=set)
    dedup: str = ""
    pending: bool = False
    doubtful: bool = False


@dataclass(frozen=True, kw_only=True)
class Due:
    """What a contact is to be told of an incident; ``period`` is what its message is about, once that is known."""

    contact: str
    incident: Incident
    state: State
    not_before: datetime
    number: int
    repeat: timedelta
    dedup: str
    why: str = ""
    period: str = ""
    was: tuple[Severity, ...] = ()


def grouped(
    house: House, due: Sequence[Due], current: Mapping[str, Now], heard: Mapping[str, Mapping[str, Heard]]
) -> list[list[Due]]:
    """What goes to one contact about one pipeline's period together, or about many of its periods.

    Where every incident has a key of its own it is a message of its own, too, unless there are very many: those share
    one key, and are resolved under it once all of them are.
    """
    together: dict[tuple[str, str, State, datetime, str], list[Due]] = {}
    for one in _over_periods(house, due):
        at = (one.contact, one.incident.pipeline, one.state, one.not_before, one.period)
        together.setdefault(at, []).append(one)
    groups: list[list[Due]] = []
    for (contact, pipeline, state, _, period), group in together.items():
        shared = f"dq/{pipeline}/{period}"
        if house.notify.targets[contact].keys is not Keys.OWN:
            groups.append([replace(one, dedup=shared) for one in group])
            continue
        storm = sum(not one.dedup for one in group) > STORM or group[0].incident.period != period
        keyed: dict[str, list[Due]] = {}
        for one in group:
            key = one.dedup or (shared if storm else f"dq/{one.incident.key}")
            keyed.setdefault(key, []).append(replace(one, dedup=key))
        groups += [
            same
            for key, same in keyed.items()
            if state is State.FIRING or _all_are(state, contact, key, current, heard)
        ]
    return groups


def _over_periods(house: House, due: Sequence[Due]) -> list[Due]:
    """The same with the period each is told under: its own, or the first and last of many."""
    about: dict[tuple[str, str, State, datetime], set[str]] = {}
    for one in due:
        if house.notify.targets[one.contact].keys is not Keys.LABELS:
            about.setdefault(_same(one), set()).add(one.incident.period)
    found = []
    for one in due:
        periods = about.get(_same(one), set())
        many = len(periods) > PERIODS
        found.append(replace(one, period=f"{min(periods)}..{max(periods)}" if many else one.incident.period))
    return found


def _same(one: Due) -> tuple[str, str, State, datetime]:
    return one.contact, one.incident.pipeline, one.state, one.not_before


def _all_are(
    state: State, contact: str, dedup: str, current: Mapping[str, Now], heard: Mapping[str, Mapping[str, Heard]]
) -> bool:
    """Whether every incident a contact was told under a key has come to this state."""
    told = [key for key, by in heard.items() if contact in by and by[contact].dedup == dedup]
    open_ones = [key for key in told if heard[key][contact].state in (State.FIRING, State.PAUSED)]
    return all(key not in current or current[key].state is state for key in open_ones)
