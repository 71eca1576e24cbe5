"""The close of a month: what readers see of each pipeline, whether it came in time, and what is still open.

Plain values and plain functions: nothing here reads a warehouse or prints.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from dq.base import serialize
from dq.base.model import Json, Kind, Replaced, Severity
from dq.month.attainment import Attainment


class MonthState(StrEnum):
    """Whether a month is closed: everything final in time and nothing open, still open, or late."""

    CLOSED = "closed"
    OPEN = "open"
    LATE = "late"


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What readers see of a month: the newest version, how complete its least complete period is, up to which day."""

    version: int
    kind: Kind
    data_through: date
    committed: datetime
    as_of: datetime | None = None
    partial: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Change:
    """A version that took the place of another one; a restatement where that was final.

    ``currency`` is what its amounts are in, empty where it has none.
    """

    version: int
    at: datetime
    replaced: Replaced
    currency: str = ""

    @property
    def restatement(self) -> bool:
        """Whether figures that were final have moved."""
        return self.replaced.kind is Kind.FINAL


@dataclass(frozen=True, kw_only=True)
class Taken:
    """Figures that were withdrawn: which version did it, when, by whom and why."""

    version: int
    at: datetime
    by: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Waived:
    """A waiver in force: its check, the ceiling in the check's unit, until when, whose it is, who signed it off."""

    check: str
    period: str
    ceiling: str
    until: date
    owner: str
    reason: str
    sign_off: str = ""


@dataclass(frozen=True, kw_only=True)
class Red:
    """An open incident: what failed since when, whose waiver pauses it, and who hears next."""

    check: str
    period: str
    severity: Severity
    since: datetime
    runbook: str
    paused: str = ""
    next: str = ""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One pipeline of a month.

    ``missing`` are its periods that are not published as they have to be, ``outdated`` tells of finals whose units were
    published anew since, ``settled`` is the instant at which all were first there; ``due`` and ``next`` say what is due
    and who hears next, empty where there is nothing left.
    """

    pipeline: str
    figures: Figures | None
    missing: Sequence[str]
    settled: datetime | None
    owner: str
    on_call: str
    levels: Sequence[Attainment] = ()
    reds: Sequence[Red] = ()
    waivers: Sequence[Waived] = ()
    changes: Sequence[Change] = ()
    taken: Sequence[Taken] = ()
    due: str = ""
    next: str = ""
    outdated: Sequence[str] = ()

    @property
    def done(self) -> bool:
        """Whether everything of the month is published as it has to be."""
        return not self.missing

    @property
    def open(self) -> list[Red]:
        """The incidents that no waiver pauses."""
        return [red for red in self.reds if not red.paused]


@dataclass(frozen=True, kw_only=True)
class Closing:
    """The close of a month at an instant; ``due`` is the instant by which everything has to be final."""

    month: str
    at: datetime
    due: datetime
    lines: Sequence[Line]

    @property
    def late(self) -> list[Line]:
        """The pipelines that were not there in time."""
        return [
            line
            for line in self.lines
            if (self.at > self.due if line.missing else line.settled is not None and line.settled > self.due)
        ]

    @property
    def state(self) -> MonthState:
        """Late comes before open: it can no longer be fixed. A month of no pipelines is not closed."""
        if self.late:
            return MonthState.LATE
        whole = self.lines and all(line.done and not line.open and not line.outdated for line in self.lines)
        return MonthState.CLOSED if whole else MonthState.OPEN


def to_json(one: Closing) -> dict[str, Json]:
    """The close as a plain JSON document."""
    return {"state": one.state.value, "close": serialize.plain(one)}


def from_json(doc: Mapping[str, Json], where: str) -> Closing:
    """The close in a document that ``to_json`` wrote; RecordError or KeyError where it holds something else."""
    return serialize.decode(Closing, doc["close"], where)
