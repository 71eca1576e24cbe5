"""What an event log tells, in memory that does not grow with the number of its tasks."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from dq.diagnose.distribution import Distribution

# Of each kind, cause and job: the first and the last; what repeats says nothing new.
INCIDENTS_KEPT = 10
# Jobs that failed in an application that goes on, and what they say; the first and the last.
JOBS_KEPT = 1000
# By each measure; below the smallest factor that anything is told from.
STAGES_WORST = 20
UNEVEN = 1.2
TASK_KINDS = frozenset({"ExceptionFailure", "ExecutorLostFailure", "FetchFailed"})


@dataclass(kw_only=True)
class Stage:
    """One attempt of a stage; times in seconds, sizes in bytes. Failed tasks count towards sizes, not towards times."""

    stage: int
    attempt: int
    name: str = ""
    # What the run that started it was doing, where it said so.
    step: str = ""
    tasks: int = 0
    job: int | None = None
    execution: int | None = None
    group: str = ""
    parents: tuple[int, ...] = ()
    failed: int = 0
    killed: int = 0
    retried: int = 0
    completed: bool = False
    seconds: Distribution = field(default_factory=Distribution)
    bytes_read: Distribution = field(default_factory=Distribution)
    rows_read: Distribution = field(default_factory=Distribution)
    rows_written: int = 0
    bytes_in: int = 0
    bytes_written: int = 0
    result_bytes: int = 0
    spilled_memory: int = 0
    spilled_disk: int = 0
    gc_seconds: float = 0.0
    run_seconds: float = 0.0
    peak_memory: int = 0
    peak_heap: int = 0
    # The accumulators that its tasks added to: they tell which exchange of the plan it reads, by these columns.
    accumulators: set[int] = field(default_factory=set)
    keys: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """The stage and what the run was doing, for people."""
        return f"stage {self.stage}.{self.attempt}{f' ({self.step})' if self.step else ''}"


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """Something that went wrong, as one event tells it; ``text`` may hold values of rows and is never shown."""

    line: int
    kind: str
    text: str
    file: str = ""
    # The line within its file.
    at: int = 0
    stage: int | None = None
    attempt: int = 0
    executor: str = ""
    job: int | None = None
    execution: int | None = None
    group: str = ""
    # The jobs that ran when an executor went.
    during: tuple[int, ...] = ()

    @property
    def where(self) -> str:
        """File and line, for people."""
        return f"{self.file}:{self.at}"

    @property
    def scopes(self) -> frozenset[tuple[str, int]]:
        """The jobs and the query that it belongs to."""
        jobs = {("job", job) for job in (self.job, *self.during) if job is not None}
        return frozenset(jobs | ({("query", self.execution)} if self.execution is not None else set()))


@dataclass(kw_only=True)
class Executor:
    """One executor: when it came and went (milliseconds since 1970) and why."""

    added: int = 0
    cores: int = 0
    removed: int | None = None
    reason: str = ""
    peak_heap: int = 0
    peak_python: int = 0
    spilled: int = 0


def _uneven(spread: Distribution) -> float:
    """The largest, where it stands out."""
    return spread.largest if spread.largest > UNEVEN * spread.upper else 0.0


# What a finding or a remark is made of, each: the worst by it are kept.
_WORST: tuple[Callable[[Stage], float], ...] = (
    lambda stage: stage.run_seconds,
    lambda stage: stage.spilled_disk,
    lambda stage: stage.seconds.largest,
    lambda stage: stage.bytes_read.largest,
    lambda stage: _uneven(stage.seconds),
    lambda stage: _uneven(stage.bytes_read),
    lambda stage: stage.seconds.count,
)


@dataclass(kw_only=True)
class Facts:
    """All of a log that diagnosis needs. Instants are milliseconds since 1970."""

    spark_version: str = ""
    app: str = ""
    name: str = ""
    started: int | None = None
    ended: int | None = None
    last: int | None = None
    lines: int = 0
    # The file that is being read, and the lines of those before it.
    file: str = ""
    lines_before: int = 0
    damaged: int = 0
    torn: bool = False
    # Not in the last line of the last file, where every log of a killed driver may break off.
    torn_within: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)
    # Not where the first part of a log is missing.
    settings_known: bool = True
    # What one partition of a shuffle should hold.
    target_bytes: int = 128 << 20
    stages: dict[tuple[int, int], Stage] = field(default_factory=dict)
    executors: dict[str, Executor] = field(default_factory=dict)
    # By job: of each kind and cause the first and the last. Those of a job that succeeded killed nothing and are gone.
    kept: dict[int | None, dict[tuple[str, str], list[Trouble]]] = field(default_factory=dict)
    open_jobs: set[int] = field(default_factory=set)
    failed_jobs: set[int] = field(default_factory=set)
    open_executions: set[int] = field(default_factory=set)
    failed_executions: set[int] = field(default_factory=set)
    # Executors whose tasks were all done again by a stage that then succeeded, as far as the log says.
    replaced: set[str] = field(default_factory=set)
    # The job group of each job and query that has one: the run it belongs to.
    groups_of_jobs: dict[int, str] = field(default_factory=dict)
    groups_of_executions: dict[int, str] = field(default_factory=dict)
    # Per SQL execution: the accumulators of each exchange, and the columns it partitions by.
    exchanges: dict[int, dict[int, tuple[str, ...]]] = field(default_factory=dict)
    # Per SQL execution: the accumulators that hold the size of what it broadcasts; and the sizes that were told.
    building: dict[int, set[int]] = field(default_factory=dict)
    broadcasts: dict[int, int] = field(default_factory=dict)
    groups: dict[str, None] = field(default_factory=dict)
    tasks: int = 0
    # What was read of inputs, each row once, and what attempts that failed or were repeated read besides.
    rows_in: int = 0
    rows_in_again: int = 0
    failed_tasks: int = 0
    killed_tasks: int = 0
    # Stages that ended well and are not listed any more, and what they add up to.
    others: int = 0
    other_run_seconds: float = 0.0
    other_gc_seconds: float = 0.0
    other_spilled: int = 0

    @property
    def local(self) -> bool:
        """Whether the driver was the executor."""
        master = self.settings.get("spark.master", "")
        return master == "local" or master.startswith("local[")

    @property
    def peak_heap(self) -> int:
        """The fullest heap of an executor in bytes, in local mode that of the driver; 0 where nothing says it."""
        peaks = {name: one.peak_heap for name, one in self.executors.items()}
        return max((peak for name, peak in peaks.items() if self.local or name != "driver"), default=0)

    @property
    def lost_executors(self) -> dict[str, Executor]:
        """Executors that went before the application ended, other than idle ones and those it gave back."""
        wanted = ("idle", "decommission", "Driver", "driver commanded", "stopped", "shutting down")
        return {
            name: one
            for name, one in self.executors.items()
            if one.removed is not None and not any(word in one.reason for word in wanted)
        }

    def only(self, run: str) -> None:
        """Leave out what happened in other runs of the same application; what belongs to no run stays."""
        mine = ("", run)
        self.kept = {
            job: {key: [one for one in told if one.group in mine] for key, told in by_cause.items()}
            for job, by_cause in self.kept.items()
        }
        self.failed_jobs = {job for job in self.failed_jobs if self.groups_of_jobs.get(job, "") in mine}
        self.open_jobs = {job for job in self.open_jobs if self.groups_of_jobs.get(job, "") in mine}
        groups = self.groups_of_executions
        self.failed_executions = {one for one in self.failed_executions if groups.get(one, "") in mine}
        self.open_executions = {one for one in self.open_executions if groups.get(one, "") in mine}
        self.stages = {key: stage for key, stage in self.stages.items() if stage.group in mine}

    @property
    def failed(self) -> bool:
        """Whether a job or a query failed for good."""
        return bool(self.failed_jobs or self.failed_executions)

    @property
    def cut_off(self) -> bool:
        """Whether the log stops within a job or a query."""
        return self.ended is None and bool(self.open_jobs or self.open_executions)

    @property
    def incidents(self) -> list[Trouble]:
        """What went wrong in jobs and queries that failed, or within which the log stops, in the order of the log.

        An executor counts by the tasks that were lost with it, where the log has them, else by the jobs that ran.
        """
        jobs = self.failed_jobs | (self.open_jobs if self.ended is None else set())
        found = [one for one in self._told() if one.kind != "executor removed" and self._deadly(one, jobs)]
        fetches = {one.job for one in found if one.kind == "FetchFailed"}
        lost = {one.executor for one in found if one.kind == "ExecutorLostFailure"}
        for one in self._told():
            if one.kind == "executor removed" and not jobs.isdisjoint(one.during):
                done_again = one.executor in self.replaced and one.executor not in lost
                if not done_again or not fetches.isdisjoint(one.during):
                    found.append(one)
        return sorted(found, key=lambda one: one.line)

    def _told(self) -> Iterator[Trouble]:
        for by_cause in self.kept.values():
            for told in by_cause.values():
                yield from told

    def _deadly(self, incident: Trouble, jobs: set[int]) -> bool:
        if incident.job is not None:
            return incident.job in jobs
        # Without its job, whose beginning is missing, a task says only that something failed.
        return incident.execution in self.failed_executions or (incident.execution is None and bool(jobs))

    def rows_waiting(self, stage: Stage) -> float:
        """The mean of the rows that each task of a stage which has not succeeded still had to read; 0 where unknown.

        A task that died does not say what it read: it is what was written for the stage, less what the others read.
        """
        tasks = stage.tasks - stage.seconds.count
        written = sum(
            max((one.rows_written for one in self.stages.values() if one.stage == parent), default=0)
            for parent in stage.parents
        )
        return max(0.0, written - stage.rows_read.total) / tasks if tasks > 0 and written else 0.0

    def prune(self, bound: int) -> None:
        """Let go of stages that ended well, where there are many: of these the worst by each measure are kept.

        What they add up to is kept of all. Parents of a job that runs stay, as what they wrote is looked up.
        """
        if len(self.stages) < bound:
            return
        jobs = self.failed_jobs | self.open_jobs
        well = [one for one in self.stages.values() if one.completed and not one.failed and one.job not in jobs]
        kept: set[int] = set()
        for measure in _WORST:
            kept.update(id(one) for one in heapq.nlargest(STAGES_WORST, well, key=measure))
        for one in well:
            if id(one) not in kept:
                del self.stages[one.stage, one.attempt]
                self.others += 1
                self.other_run_seconds += one.run_seconds
                self.other_gc_seconds += one.gc_seconds
                self.other_spilled += one.spilled_disk

    @property
    def run_seconds(self) -> float:
        """The time of all tasks."""
        return self.other_run_seconds + sum(stage.run_seconds for stage in self.stages.values())

    @property
    def gc_seconds(self) -> float:
        """The time of all tasks that went into collecting garbage."""
        return self.other_gc_seconds + sum(stage.gc_seconds for stage in self.stages.values())

    @property
    def spilled_disk(self) -> int:
        """The bytes that all tasks spilled to disk."""
        return self.other_spilled + sum(stage.spilled_disk for stage in self.stages.values())

    def settle(self, stage: Stage) -> None:
        """Name the columns a stage that is over was partitioned by, and let go of what they were found by."""
        exchanges = self.exchanges.get(-1 if stage.execution is None else stage.execution, {})
        read = {columns for accumulator, columns in exchanges.items() if accumulator in stage.accumulators and columns}
        known = read or {columns for columns in exchanges.values() if columns}
        if len(known) == 1 and stage.rows_read.total:
            stage.keys = known.pop()
        stage.accumulators.clear()
        for spread in (stage.seconds, stage.bytes_read, stage.rows_read):
            spread.settle()

    def note(self, incident: Trouble, cause: str) -> None:
        """Keep an incident, or of many of a kind and cause in one job the first and the last."""
        by_cause = self.kept.setdefault(incident.job, {})
        told = by_cause.setdefault((incident.kind, cause), [])
        if len(told) == INCIDENTS_KEPT:
            del told[INCIDENTS_KEPT // 2]
        told.append(incident)

    def forget_job(self, job: int) -> None:
        """Let go of what went wrong in a job that succeeded nevertheless."""
        self.kept.pop(job, None)
        self.groups_of_jobs.pop(job, None)

    def forget_stage(self, stage: Stage) -> None:
        """Let go of tasks that failed and were done again with success; their executors are known as replaced."""
        for (kind, _), told in self.kept.get(stage.job, {}).items():
            if kind in TASK_KINDS:
                gone = [one for one in told if one.stage == stage.stage]
                self.replaced |= {one.executor for one in gone if one.kind == "ExecutorLostFailure"}
                told[:] = [one for one in told if one.stage != stage.stage]

    def fail_job(self, job: int) -> None:
        """A job failed for good; of very many the first and the last are kept."""
        self.failed_jobs.add(job)
        if len(self.failed_jobs) > JOBS_KEPT:
            middle = sorted(self.failed_jobs)[JOBS_KEPT // 2]
            self.failed_jobs.discard(middle)
            self.forget_job(middle)
