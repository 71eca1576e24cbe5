"""What is run, and what is known of it: one value per phase of a run, each made from the one before.

No value changes: a phase that finds something makes the next value, and an error leaves the one before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from dq import sources, store
from dq.base import periods
from dq.base.model import CheckResult, Died, InputRef, Json, RunRecord, Verdict, Window
from dq.base.periods import Grain
from dq.base.verdict import Waiver
from dq.declare.binding import Bound
from dq.declare.project import Project
from dq.run import inputs, staging
from dq.run.late_rows import Late
from dq.run.previous import Previous

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

P = TypeVar("P", bound="Begun")


@dataclass(frozen=True, kw_only=True)
class Options:
    """What one run is asked to do; ``docs`` None publishes no data docs."""

    period: str
    as_of: datetime
    warehouse: Path
    docs: Path | None


class RunOver(Exception):  # noqa: N818 - not an error: the run has its verdict, the rest of the job is skipped
    """Raised inside a job's body to leave it early."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is run: a pipeline of a project, into a warehouse, under the id ``run``."""

    project: Project
    bound: Bound
    warehouse: store.Warehouse
    run: str
    started: datetime

    @cached_property
    def table(self) -> store.Table:
        """The table the pipeline publishes."""
        return self.warehouse.table(self.bound.name)

    @property
    def present_sources(self) -> list[str]:
        """The sources it reads that are not declared absent."""
        return [name for name in self.bound.pipeline.sources if not self.absent(name)]

    @property
    def currency(self) -> str:
        """The currency of all the company's amounts, as ISO 4217 names it."""
        return self.project.sources.currency

    def absent(self, name: str) -> bool:
        """Whether a source it reads is declared absent."""
        return name in self.bound.pipeline.sources and self.project.sources.absence(name) is not None

    def periods(self, window: Window) -> list[str]:
        """The ids it publishes a window under: of a table of days those of its days."""
        if self.bound.pipeline.grain is Grain.DAY:
            return [day.isoformat() for day in periods.days_between(window.start, window.data_through)]
        return [window.period]


@dataclass(frozen=True, kw_only=True)
class Begun:
    """What is known of a run before its inputs are: ``stays`` is the version that stays where it publishes nothing.

    The kind of the window is provisional until the ledger has been read.
    """

    window: Window
    results: Sequence[CheckResult] = ()
    waivers: Sequence[Waiver] = ()
    stays: int | None = None


@dataclass(frozen=True, kw_only=True)
class Pinned(Begun):
    """The inputs, and what is compared with, in the very files and versions; ``empty`` are sources without a file."""

    pins: Mapping[str, inputs.SourcePin] = field(default_factory=dict)
    empty: Mapping[str, str] = field(default_factory=dict)
    upstream: Mapping[str, inputs.UpstreamPin] = field(default_factory=dict)
    previous: Previous | None = None
    replaced: Mapping[str, store.PeriodEntry] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Read(Pinned):
    """The sources as frames, and the window with the kind that the ledger gives it."""

    sources: Mapping[str, sources.SourceFrame] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Keyed(Read):
    """The key of what goes into the run, and what is published for its periods; ``base`` are their versions."""

    key: str = ""
    before: Sequence[store.PeriodEntry] = ()
    base: Mapping[str, int | None] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Opened(Keyed):
    """The inputs as a job reads them, of which nothing was looked at yet."""

    frames: Mapping[str, DataFrame] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Checked(Opened):
    """The rows of the inputs that came late, and in ``results`` what was found of the inputs."""

    late: Late = field(default_factory=Late)


@dataclass(frozen=True, kw_only=True)
class Computed(Checked):
    """The figures of the job, as they lie in the staging area."""

    staged: staging.Staged


@dataclass(frozen=True, kw_only=True)
class Audited(Computed):
    """What the staged bytes add up to, and in ``results`` what was found of them."""

    totals: Mapping[str, Json]
    totals_by_period: Mapping[str, Mapping[str, Json]]


@dataclass(frozen=True, kw_only=True)
class Decided:
    """How a run ended, at whichever phase it had ``reached``; ``version`` is what it published, or found published.

    ``already`` says that it found exactly its figures published, ``held_upstream`` is the held run it ended for.
    """

    reached: Begun
    verdict: Verdict
    results: Sequence[CheckResult]
    version: int | None = None
    already: bool = False
    totals: Mapping[str, Json] = field(default_factory=dict)
    died_before: Died | None = None
    held_upstream: RunRecord | None = None

    @property
    def window(self) -> Window:
        """The period of the run and how much of it is there."""
        return self.reached.window


@dataclass(frozen=True, kw_only=True)
class ToldRun:
    """The record of a run as it was told, with its page, and a sentence for each thing not kept, delivered or shown."""

    record: RunRecord
    problems: Sequence[str] = ()

    @property
    def exit_code(self) -> int:
        """That of the verdict, or 4 where only the telling failed."""
        return self.record.verdict.exit_code or (4 if self.problems else 0)

    def but(self, problems: Iterable[str]) -> ToldRun:
        """The same with more that failed."""
        return replace(self, problems=[*self.problems, *problems])


def after(phase: Begun, into: type[P], **found: Any) -> P:
    """The value of a later phase: all that was known before, and what was found since."""
    known = {one.name: getattr(phase, one.name) for one in fields(phase)}
    return into(**(known | found))


def judged(phase: P, results: Iterable[CheckResult]) -> P:
    """The same phase with more results."""
    return replace(phase, results=[*phase.results, *results])


def whole(window: Window) -> bool:
    """Whether every day of the period is covered: part of a month is not compared with a whole one."""
    return window.data_through == window.end


def refs(reached: Begun) -> list[InputRef]:
    """The inputs as far as they were pinned."""
    if not isinstance(reached, Pinned):
        return []
    return [pinned.ref() for pinned in reached.pins.values()] + [pin.ref() for pin in reached.upstream.values()]


def partial(task: Task, reached: Begun) -> list[str]:
    """The sources declared absent, here or in what this was built on."""
    own = [name for name in task.bound.pipeline.sources if task.absent(name)]
    upstream = reached.upstream.values() if isinstance(reached, Pinned) else ()
    return list(dict.fromkeys([*own, *(name for pin in upstream for name in pin.partial)]))
