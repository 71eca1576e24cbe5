"""What nearly went wrong beside skew: spill, garbage collection, full heaps and lost executors, judged by thresholds.

The rules are the field's, Dr. Elephant's and DataFlint's.
"""

from __future__ import annotations

import math

from dq.base.failure_classes import FailureClass
from dq.base.thresholds import Thresholds
from dq.diagnose.facts import Facts, Stage
from dq.diagnose.findings import Change, Confidence, Finding, memory, seconds, shown
from dq.diagnose.spark_settings import executor_heap, heap_key, heap_of, setting_number, task_memory

WORST = 3


def strains(facts: Facts, thresholds: Thresholds) -> list[Finding]:
    """Everything beside skew that the thresholds name, one finding per kind with its worst stages."""
    found = [
        _spill(facts, thresholds),
        _garbage(facts, thresholds),
        _full_heap(facts, thresholds),
        _large_partition(facts, thresholds),
        _large_broadcast(facts, thresholds),
        _tiny_tasks(facts, thresholds),
        _retries(facts),
    ]
    return [finding for finding in found if finding is not None]


def _strain(
    cause: str,
    title: str,
    evidence: list[str],
    changes: list[Change],
    failure_class: str = FailureClass.MEMORY,
    *,
    mild: bool = False,
) -> Finding:
    return Finding(
        cause=cause,
        title=title,
        confidence=Confidence.CERTAIN,
        failure_class=failure_class,
        evidence=tuple(evidence),
        changes=tuple(changes),
        mild=mild,
    )


def _spill(facts: Facts, thresholds: Thresholds) -> Finding | None:
    spilled = [stage for stage in facts.stages.values() if stage.spilled_disk >= thresholds.spill_bytes]
    if not spilled:
        return None
    spilled.sort(key=lambda stage: -stage.spilled_disk)
    evidence = [
        f"{stage.place}: {shown(stage.spilled_disk)} on disk, "
        f"{shown(stage.spilled_memory)} in memory, of {shown(stage.bytes_read.total + stage.bytes_in)} read"
        for stage in spilled[:WORST]
    ]
    worst = spilled[0]
    alarming = _alarming(facts, worst, thresholds)
    evidence += alarming
    now = facts.settings.get("spark.sql.shuffle.partitions", "200")
    parts = max(
        2 * setting_number(facts, "spark.sql.shuffle.partitions", 200),
        math.ceil(worst.spilled_memory / thresholds.target_bytes),
    )
    changes = [
        Change(
            setting="spark.sql.shuffle.partitions",
            value=str(parts),
            now=now,
            why="smaller partitions are sorted in memory",
        ),
        Change(
            setting=heap_key(facts),
            value=memory(executor_heap(facts) * 2),
            now=memory(executor_heap(facts)),
            why="more memory per task",
        ),
    ]
    total = sum(stage.spilled_disk for stage in spilled)
    return _strain("spill", f"tasks spilled {shown(total)} to disk", evidence, changes, mild=not alarming)


def _alarming(facts: Facts, stage: Stage, thresholds: Thresholds) -> list[str]:
    """Whether a spill is grave: by the memory its tasks had, or by how many executors of several had one."""
    told = []
    share = stage.spilled_disk / (task_memory(facts) * max(1, stage.seconds.count or stage.tasks))
    if share > thresholds.spill_share_alarm:
        told.append(f"an alarming spill: {share:.0%} of the memory that the tasks of {stage.place} have")
    executors = [one for name, one in facts.executors.items() if name.isdigit()]
    spilling = sum(one.spilled >= thresholds.spill_bytes for one in executors)
    if len(executors) > 1 and spilling > thresholds.spill_executors_alarm * len(executors):
        told.append(f"an alarming spill: {spilling} of {len(executors)} executors had one")
    return told


def _garbage(facts: Facts, thresholds: Thresholds) -> Finding | None:
    run = facts.run_seconds
    collecting = facts.gc_seconds
    share = collecting / run if run else 0.0
    if run < thresholds.minimum_task_seconds or share < thresholds.gc_share:
        return None
    mild = share < thresholds.gc_share_alarm
    grave = "" if mild else ", an alarming share"
    evidence = [f"{seconds(collecting)} of {seconds(run)} of task time went into collecting garbage{grave}"]
    key = heap_key(facts)
    heap = executor_heap(facts)
    change = Change(
        setting=key, value=memory(heap * 2), now=memory(heap), why="the collector runs when the heap is full"
    )
    title = f"{share:.0%} of task time was garbage collection"
    return _strain("garbage_collection", title, evidence, [change], mild=mild)


def _full_heap(facts: Facts, thresholds: Thresholds) -> Finding | None:
    full = {
        name: one.peak_heap / heap_of(facts, name)
        for name, one in facts.executors.items()
        if facts.settings_known and one.peak_heap > thresholds.heap_share * heap_of(facts, name)
    }
    if not full:
        return None
    name = max(full, key=lambda one: full[one])
    peak, heap = facts.executors[name].peak_heap, heap_of(facts, name)
    who = "the driver" if name == "driver" else f"executor {name}"
    evidence = [f"{who} peaked at {shown(peak)} of {shown(heap)}, and {len(full) - 1} others above the bound"]
    key = heap_key(facts, name)
    change = Change(setting=key, value=memory(heap * 1.5), now=memory(heap), why="a little more data does not fit")
    return _strain("full_heap", f"a heap was {peak / heap:.0%} full", evidence, [change])


def _large_partition(facts: Facts, thresholds: Thresholds) -> Finding | None:
    large = [stage for stage in facts.stages.values() if stage.bytes_read.largest > thresholds.partition_bytes]
    if not large:
        return None
    worst = max(large, key=lambda stage: stage.bytes_read.largest)
    wanted = math.ceil(worst.bytes_read.total / thresholds.target_bytes)
    now = setting_number(facts, "spark.sql.shuffle.partitions", 200)
    evidence = [f"{worst.place}: a task read {shown(worst.bytes_read.largest)}"]
    if wanted > max(now, worst.tasks):
        change = Change(
            setting="spark.sql.shuffle.partitions",
            value=str(wanted),
            now=str(now),
            why=f"{shown(thresholds.target_bytes)} per partition",
        )
    else:
        change = Change(why="more partitions do not split it: salt its heaviest key, or treat that value apart")
    return _strain("large_partition", "a partition is very large", evidence, [change])


def _large_broadcast(facts: Facts, thresholds: Thresholds) -> Finding | None:
    query, size = max(facts.broadcasts.items(), key=lambda one: one[1], default=(0, 0))
    if size <= thresholds.broadcast_bytes:
        return None
    key = "spark.sql.autoBroadcastJoinThreshold"
    change = Change(
        setting=key,
        value="-1",
        now=facts.settings.get(key, "10485760"),
        why="the driver and every executor hold it whole; a hint in the code overrules the setting",
    )
    evidence = [f"query {query}: the driver built {shown(size)} to broadcast"]
    return _strain("large_broadcast", "a very large table was broadcast", evidence, [change])


def oversized(facts: Facts, thresholds: Thresholds) -> str:
    """Whether heaps were larger than the work needed, as a sentence; empty where not, or where too little was done."""
    run = facts.run_seconds
    peak, heap = facts.peak_heap, executor_heap(facts)
    if (
        not peak
        or not facts.settings_known
        or run < thresholds.minimum_task_seconds
        or peak >= thresholds.heap_share_least * heap
    ):
        return ""
    key = heap_key(facts)
    wanted = memory(peak / thresholds.heap_share_least)
    return f"no heap was ever fuller than {peak / heap:.0%}: {key} {wanted} would do (now {memory(heap)})"


def _tiny_tasks(facts: Facts, thresholds: Thresholds) -> Finding | None:
    for stage in facts.stages.values():
        if stage.seconds.count > thresholds.tiny_tasks and stage.seconds.median < thresholds.tiny_task_seconds:
            evidence = [
                f"{stage.place}: {stage.seconds.count:,} tasks with a median of {stage.seconds.median * 1000:.0f} ms"
            ]
            change = Change(why="compact the many small files it reads, or lower spark.sql.shuffle.partitions")
            return _strain("tiny_tasks", "thousands of tasks do next to nothing", evidence, [change], FailureClass.SKEW)
    return None


def _retries(facts: Facts) -> Finding | None:
    lost = facts.lost_executors
    retried = sum(stage.retried for stage in facts.stages.values())
    if not (facts.failed_tasks or lost):
        return None
    evidence = [f"{facts.failed_tasks} of {facts.tasks} tasks failed, {retried} ran again, {len(lost)} executors lost"]
    return _strain("failed_tasks", "tasks failed or executors were lost", evidence, [], FailureClass.MEMORY)
