"""What one run is asked to do, and what it has found out so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dq import sources, store
from dq.base.model import CheckResult, Died, Json, RunRecord, Verdict, Window
from dq.base.verdict import Waiver
from dq.run import inputs, staging
from dq.run.deaths import EventLog
from dq.run.late_rows import Late
from dq.run.previous import Previous

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True, kw_only=True)
class Options:
    """What one run is asked to do; ``docs`` None publishes no data docs."""

    period: str
    as_of: datetime
    warehouse: Path
    docs: Path | None


class RunOver(Exception):  # noqa: N818 - not an error: the run has its verdict, the rest of the job is skipped
    """Raised inside a job's body to leave it early."""


@dataclass(kw_only=True)
class State:
    """What a run has found out so far; ``verdict`` is None until it is decided, ``seconds`` are by step."""

    window: Window
    step: str = "starting"
    seconds: dict[str, float] = field(default_factory=dict)
    results: list[CheckResult] = field(default_factory=list)
    pins: dict[str, inputs.SourcePin] = field(default_factory=dict)
    upstream: dict[str, inputs.UpstreamPin] = field(default_factory=dict)
    frames: dict[str, DataFrame] = field(default_factory=dict)
    sources: dict[str, sources.SourceFrame] = field(default_factory=dict)
    key: str = ""
    base: dict[str, int | None] = field(default_factory=dict)
    before: list[store.PeriodEntry] = field(default_factory=list)
    version: int | None = None
    stays: int | None = None
    already: bool = False
    totals: dict[str, Json] = field(default_factory=dict)
    totals_by_period: dict[str, Mapping[str, Json]] = field(default_factory=dict)
    staged: staging.Staged | None = None
    held_upstream: RunRecord | None = None
    previous: Previous | None = None
    replaced: Mapping[str, store.PeriodEntry] = field(default_factory=dict)
    late: Late = field(default_factory=Late)
    verdict: Verdict | None = None
    published: bool = False
    waivers: list[Waiver] = field(default_factory=list)
    event_log: EventLog | None = None
    died_before: Died | None = None
    noted_before: Mapping[str, Json] | None = None
