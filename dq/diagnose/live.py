"""The same facts from a session that still runs: its status store, which every session keeps, with a UI or without.

Nothing is imported from Spark: the session that is handed in answers for itself, as the JSON of Spark's REST interface.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from dq.base.thresholds import Thresholds
from dq.diagnose.distribution import Distribution
from dq.diagnose.facts import Executor, Facts, Stage
from dq.diagnose.findings import size_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Events reach the store a moment after they happened; a store that lags longer is read as it is.
PATIENCE_MILLISECONDS = 5000
_QUANTILES = (0.5, 0.75, 1.0)
_ALL = (1 << 31) - 1
# Each answer is a call into the JVM; in these the heaps were fullest.
STAGES_ASKED = 20
# The node of a plan that builds a table on the driver and sends it whole, and the metric of its size.
_BROADCAST, _BUILT = "BroadcastExchange", "data size"
Json = Mapping[str, Any]


def read(spark: SparkSession, group: str, began: datetime, thresholds: Thresholds) -> Facts:
    """The facts of the jobs of one ``group`` that began at an instant; how tasks differ only where it may matter.

    The columns a stage is partitioned by are not among them: those stand in the event log.
    """
    store = _Store(spark)
    ours = [job for job in store.jobs() if job.get("jobGroup") == group]
    jobs = {int(job["jobId"]) for job in ours}
    wanted = {stage for job in ours for stage in job["stageIds"]}
    facts = Facts(settings=store.settings(), started=int(began.timestamp() * 1000))
    listed = [one for one in store.stages() if one["stageId"] in wanted and one["status"] not in ("PENDING", "SKIPPED")]
    for info in listed:
        stage = _stage(info, group)
        if _worth_asking(stage, info, thresholds):
            _spread(stage, info, store.summary(stage.stage, stage.attempt))
        facts.stages[stage.stage, stage.attempt] = stage
        facts.tasks += int(info["numCompleteTasks"]) + stage.failed
    facts.rows_in, facts.rows_in_again = rows_read(listed, store.tasks)
    facts.failed_tasks = sum(stage.failed for stage in facts.stages.values())
    facts.executors = _executors(store.executors(), facts)
    for name, peak in heap_peaks(facts, store.peaks).items():
        facts.executors.setdefault(name, Executor()).peak_heap = peak
    facts.broadcasts = store.broadcasts(jobs, thresholds.broadcast_bytes)
    for key, stage in facts.stages.items():
        for name, spilled in (store.spilled(*key) if stage.spilled_disk else {}).items():
            facts.executors.setdefault(name, Executor()).spilled += spilled
    return facts


def settings(spark: SparkSession) -> dict[str, str]:
    """The settings of a session, with the cores it found where they leave those open."""
    return _Store(spark).settings()


def rows_read(stages: Iterable[Json], tasks: Callable[[int, int], list[Json]]) -> tuple[int, int]:
    """The rows that were read, each once, and those that Spark counted again because a task failed or was repeated.

    Spark adds to a stage what its failed attempts read, too, and computes lost shuffle files again in a stage of a new
    number over the same RDDs. ``tasks`` lists those of one attempt of a stage; it is asked only where something was
    repeated.
    """
    attempts: dict[tuple[int, ...], list[Json]] = {}
    for info in stages:
        if info["inputRecords"]:
            attempts.setdefault(tuple(sorted(info["rddIds"])), []).append(info)
    once = counted = 0
    for infos in attempts.values():
        rows = sum(int(info["inputRecords"]) for info in infos)
        counted += rows
        unsuccessful = any(info["numFailedTasks"] or info["numKilledTasks"] for info in infos)
        if len(infos) > 1 or unsuccessful:
            listed = (tasks(int(info["stageId"]), int(info["attemptId"])) for info in infos)
            rows = sum(_of_last_success(task for some in listed for task in some))
        once += rows
    return once, counted - once


def _of_last_success(tasks: Iterable[Json]) -> Iterable[int]:
    """The rows read for each partition by the task whose result counts."""
    read = {}
    for task in sorted(tasks, key=lambda one: int(one["taskId"])):
        if task["status"] == "SUCCESS":
            metrics = (task.get("taskMetrics") or {}).get("inputMetrics") or {}
            read[task["partitionId"]] = int(metrics.get("recordsRead") or 0)
    return read.values()


class _Store:
    """The status store of a session, asked for JSON; every answer is one call."""

    def __init__(self, spark: SparkSession) -> None:
        context = spark.sparkContext
        self._context = context
        self._gateway = cast("Any", context._gateway)
        self._jvm = cast("Any", context._jvm)
        scala: Any = context._jsc.sc()
        try:
            scala.listenerBus().waitUntilEmpty(PATIENCE_MILLISECONDS)
        except Exception as error:  # what py4j raises carries the Java class; only that one is expected
            if "TimeoutException" not in str(error):
                raise
        self._store = scala.statusStore()
        session: Any = spark._jsparkSession
        self._queries = session.sharedState().statusStore()
        self._mapper = self._jvm.org.apache.spark.status.api.v1.JacksonMessageWriter().mapper()

    def settings(self) -> dict[str, str]:
        """As they are set; ``local[*]`` and executors of all cores of a machine with the number that was found."""
        given = {str(key): str(value) for key, value in self._context.getConf().getAll()}
        found = max((int(one["totalCores"]) for one in self.executors()), default=0)
        if found and given.get("spark.master", "").startswith("local["):
            given["spark.master"] = f"local[{found}]"
        elif found:
            given.setdefault("spark.executor.cores", str(found))
        return given

    def jobs(self) -> list[Json]:
        return self._json(self._store.jobsList(None))  # type: ignore[no-any-return]

    def stages(self) -> list[Json]:
        none = self._doubles(())
        found = self._store.stageList(None, False, False, none, self._jvm.java.util.ArrayList())
        return self._json(found)  # type: ignore[no-any-return]

    def executors(self) -> list[Json]:
        return self._json(self._store.executorList(False))  # type: ignore[no-any-return]

    def spilled(self, stage: int, attempt: int) -> dict[str, int]:
        """The bytes that each executor spilled to disk for an attempt of a stage."""
        found = self._json(self._store.executorSummary(stage, attempt))
        return {str(name): int(one["diskBytesSpilled"]) for name, one in found.items()}

    def peaks(self, stage: int, attempt: int) -> dict[str, int]:
        """The fullest heap in bytes of the driver and each executor while an attempt of a stage ran, by their ids."""
        found = self._json(self._store.executorSummary(stage, attempt))
        return {
            name: int((one.get("peakMemoryMetrics") or {}).get("JVMHeapMemory") or 0) for name, one in found.items()
        }

    def tasks(self, stage: int, attempt: int) -> list[Json]:
        """All tasks of an attempt of a stage."""
        return self._json(self._store.taskList(stage, attempt, _ALL))  # type: ignore[no-any-return]

    def broadcasts(self, jobs: set[int], least: int) -> dict[int, int]:
        """By query of these jobs the bytes of the largest table that was built to be broadcast, above ``least``."""
        found = {}
        for query in self._json(self._queries.executionsList()):
            number, values = int(query["executionId"]), query.get("metricValues") or {}
            if not jobs & {int(job) for job in query["jobs"]}:
                continue
            # What a shuffle wrote has the same name, and the sizes of its tasks behind it.
            large = {int(key): size for key, text in values.items() if (size := size_of(text) or 0) > least}
            if large:
                nodes = self._json(self._queries.planGraph(number).allNodes())
                named = (one for node in nodes if node.get("name") == _BROADCAST for one in node["metrics"])
                sizes = [large.get(int(one["accumulatorId"]), 0) for one in named if one["name"] == _BUILT]
                if max(sizes, default=0):
                    found[number] = max(sizes)
        return found

    def summary(self, stage: int, attempt: int) -> Json | None:
        """A stage's tasks at the median, the third quartile and the largest; None where no task has ended."""
        return self._json(self._store.taskSummary(stage, attempt, self._doubles(_QUANTILES)))  # type: ignore[no-any-return]

    def _json(self, found: object) -> Any:
        return json.loads(self._mapper.writeValueAsString(found))

    def _doubles(self, values: Iterable[float]) -> object:
        given = list(values)
        array = self._gateway.new_array(self._jvm.double, len(given))
        for number, value in enumerate(given):
            array[number] = value
        return array


def _stage(info: Json, group: str) -> Stage:
    stage = Stage(
        stage=int(info["stageId"]),
        attempt=int(info["attemptId"]),
        name=str(info["name"]),
        step=str(info.get("description") or ""),
        tasks=int(info["numTasks"]),
        group=group,
        failed=int(info["numFailedTasks"]),
        killed=int(info["numKilledTasks"]),
        completed=info["status"] == "COMPLETE",
    )
    stage.retried = stage.failed if stage.completed else 0  # a stage completes when what failed was done again
    stage.rows_written = int(info["shuffleWriteRecords"])
    stage.bytes_in, stage.bytes_written = int(info["inputBytes"]), int(info["shuffleWriteBytes"])
    stage.spilled_memory, stage.spilled_disk = int(info["memoryBytesSpilled"]), int(info["diskBytesSpilled"])
    stage.gc_seconds, stage.run_seconds = info["jvmGcTime"] / 1000, info["executorRunTime"] / 1000
    stage.peak_memory = int(info["peakExecutionMemory"])
    stage.peak_heap = int((info.get("peakExecutorMetrics") or {}).get("JVMHeapMemory") or 0)
    stage.bytes_read = Distribution.known(total=info["shuffleReadBytes"])
    stage.rows_read = Distribution.known(total=info["shuffleReadRecords"])
    return stage


def _worth_asking(stage: Stage, info: Json, thresholds: Thresholds) -> bool:
    """Whether a threshold could be crossed at all: asking for a distribution costs a walk over the stage's tasks."""
    if info["numCompleteTasks"] < 2:
        return False
    least = min(thresholds.skew_bytes, thresholds.partition_bytes)
    long = stage.run_seconds >= thresholds.skew_seconds
    return long or stage.bytes_read.total >= least or stage.tasks > thresholds.tiny_tasks


def _spread(stage: Stage, info: Json, summary: Json | None) -> None:
    if summary is None:
        return
    count, read = int(info["numCompleteTasks"]), summary["shuffleReadMetrics"]

    def of(values: list[float], total: float, unit: float = 1) -> Distribution:
        median, upper, largest = (value / unit for value in values)
        return Distribution.known(total=total, count=count, median=median, upper=upper, largest=largest)

    stage.seconds = of(summary["executorRunTime"], stage.run_seconds, 1000)
    stage.bytes_read = of(read["readBytes"], stage.bytes_read.total)
    stage.rows_read = of(read["readRecords"], stage.rows_read.total)


def _executors(listed: list[Json], facts: Facts) -> dict[str, Executor]:
    """Those that were there since the run began."""
    found = {}
    for one in listed:
        removed = _milliseconds(one.get("removeTime"))
        if removed is None or removed >= (facts.started or 0):
            reason = str(one.get("removeReason") or "")
            found[str(one["id"])] = Executor(added=_milliseconds(one["addTime"]) or 0, removed=removed, reason=reason)
    return found


def heap_peaks(facts: Facts, peaks: Callable[[int, int], dict[str, int]]) -> dict[str, int]:
    """The fullest heap of the driver and of the executors in bytes, while the run's own stages ran.

    A stage's peak is that of whoever was fullest. On a cluster ``peaks`` tells by name for an attempt of a stage; it is
    asked from the fullest stage on, until no stage left can have an executor that was fuller, and of so many at most.
    """
    stages = sorted((s for s in facts.stages.values() if s.peak_heap), key=lambda s: s.peak_heap, reverse=True)
    if facts.local:
        return {f"of stage {one.stage}": one.peak_heap for one in stages[:1]}
    found: dict[str, int] = {}
    for stage in stages[:STAGES_ASKED]:
        if stage.peak_heap <= max((peak for name, peak in found.items() if name != "driver"), default=0):
            break
        for name, peak in peaks(stage.stage, stage.attempt).items():
            found[name] = max(peak, found.get(name, 0))
    return found


def _milliseconds(text: object) -> int | None:
    """An instant as Spark's REST interface writes it: ``2026-11-20T20:17:24.384GMT``."""
    if not isinstance(text, str):
        return None
    return int(datetime.fromisoformat(text.replace("GMT", "+00:00")).timestamp() * 1000)
