"""What nearly went wrong: skew, spill, garbage collection, full heaps and lost executors, judged by thresholds.

The rules are the field's: Spark's own for a skewed partition, Dr. Elephant's and DataFlint's for the rest.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from dq.diagnose.facts import Facts, Stage, executor_heap
from dq.diagnose.findings import Change, Confidence, Finding, memory, seconds, shown
from dq.thresholds import Thresholds

# Beside a death in the same stage a skew explains it also where it is below the bytes of Spark's rule.
LEAST_ROWS = 100
WORST = 3
# What one task with most of the rows runs out of.
EXPLAINS = ("executor_heap", "container_memory", "python_memory", "fetch_failures", "disk_full")


def skewed_keys(facts: Facts, thresholds: Thresholds, died: Iterable[int]) -> list[Finding]:
    """The worst stages in which one task has most of the work, with the columns they are partitioned by."""
    deadly = set(died)
    found = [(stage, share) for stage in facts.stages.values() if (share := _skew(stage, thresholds, deadly))]
    found.sort(key=lambda one: (one[0].stage not in deadly, -one[1]))
    told = [_skew_finding(facts, stage, stage.stage in deadly, thresholds) for stage, _ in found[:WORST]]
    known = {finding.stage for finding in told}
    return [*_unread(facts, thresholds, deadly - known), *told]


def _unread(facts: Facts, thresholds: Thresholds, died: set[int]) -> list[Finding]:
    """The skew of stages whose heavy task died before it told what it read."""
    found = {}
    for stage in facts.stages.values():
        waiting, median = facts.rows_waiting(stage), max(stage.rows_read.median, 1.0)
        heavy = waiting >= thresholds.skew_factor * median and waiting * stage.tasks >= LEAST_ROWS
        if stage.stage not in died or stage.seconds.count < 2 or not heavy or stage.stage in found:
            continue
        named = ", ".join(stage.keys)
        left = stage.tasks - stage.seconds.count
        evidence = [
            f"{stage.place}: {stage.seconds.count} of {stage.tasks} tasks succeeded and read "
            f"{stage.rows_read.median:,.0f} rows at the median",
            f"{waiting * left:,.0f} rows were left for the other {left}, at least {waiting:,.0f} for the largest",
        ]
        if named:
            evidence.append(f"the plan partitions what it reads by {named}")
        found[stage.stage] = Finding(
            cause="skewed_key",
            title=f"one {f'value of {named}' if named else 'partition'} holds most of the rows that were left",
            confidence=Confidence.LIKELY,
            failure_class="F18",
            evidence=tuple(evidence),
            changes=tuple(_skew_changes(facts, stage, named, waiting, thresholds)),
            explains=EXPLAINS,
            stage=stage.stage,
        )
    return list(found.values())


def _skew(stage: Stage, thresholds: Thresholds, deadly: set[int]) -> float:
    """How much larger the largest task of a stage is, where that is worth a word; 0 where it is not."""
    sizes, rows, times = stage.bytes_read, stage.rows_read, stage.seconds
    factor = thresholds.skew_factor
    if sizes.factor >= factor and sizes.largest >= thresholds.skew_bytes:
        return sizes.largest
    if rows.total and times.factor >= factor and times.largest >= thresholds.skew_seconds:
        return sizes.largest
    if stage.stage in deadly and rows.factor >= factor and rows.total >= LEAST_ROWS and rows.largest > rows.total / 2:
        return max(sizes.largest, 1)
    return 0


def _skew_finding(facts: Facts, stage: Stage, deadly: bool, thresholds: Thresholds) -> Finding:
    rows, sizes, times = stage.rows_read, stage.bytes_read, stage.seconds
    named = ", ".join(stage.keys)
    share = rows.largest / rows.total if rows.total else sizes.largest / max(1, sizes.total)
    evidence = [
        f"{stage.place}: one of {rows.count} tasks read {rows.largest:,.0f} rows, "
        f"{share:.0%} of all; the median is {rows.median:,.0f}",
        f"the largest task read {shown(sizes.largest)}, the median {shown(sizes.median)}",
    ]
    if times.factor >= thresholds.skew_factor:
        evidence.append(f"the longest task took {seconds(times.largest)}, the median {seconds(times.median)}")
    if named:
        evidence.append(f"the plan partitions what it reads by {named}")
    return Finding(
        cause="skewed_key",
        title=f"one {f'value of {named}' if named else 'partition'} holds {share:.0%} of the rows of its stage",
        confidence=Confidence.CERTAIN if named and deadly else Confidence.LIKELY,
        failure_class="F18",
        evidence=tuple(evidence),
        changes=tuple(_skew_changes(facts, stage, named, rows.largest, thresholds)),
        explains=EXPLAINS if deadly else (),
        stage=stage.stage,
    )


def _skew_changes(facts: Facts, stage: Stage, named: str, largest: float, thresholds: Thresholds) -> list[Change]:
    settings = facts.settings
    changes = []
    for key in ("spark.sql.adaptive.enabled", "spark.sql.adaptive.skewJoin.enabled"):
        if settings.get(key, "true").lower() == "false":
            changes.append(Change(setting=key, value="true", now="false", why="Spark then splits a skewed join itself"))
    bound = max(thresholds.target_bytes // 2, int(stage.bytes_read.median * thresholds.skew_factor))
    if stage.bytes_read.largest > bound and stage.bytes_read.largest < thresholds.skew_bytes * 2:
        changes.append(
            Change(
                setting="spark.sql.adaptive.skewJoin.skewedPartitionThresholdInBytes",
                value=memory(bound),
                now=settings.get("spark.sql.adaptive.skewJoin.skewedPartitionThresholdInBytes", "256MB"),
                why="a join then splits this partition too; a grouping it cannot split",
            )
        )
    median = max(stage.rows_read.median, 1.0)
    salt = min(256, max(2, 2 ** math.ceil(math.log2(max(largest, median) / median))))
    changes.append(
        Change(
            why=f"salt {named or 'the key'} with {salt} values: group by it and the salt first, then by it alone; "
            "in a join repeat the other side once per salt"
        )
    )
    changes.append(Change(why="treat the heavy value apart, if it is a default, a test or NULL: filter it before"))
    heap = executor_heap(facts)
    changes.append(
        Change(
            setting="spark.driver.memory" if facts.local else "spark.executor.memory",
            value=memory(max(heap * 4, heap + (1 << 30))),
            now=memory(heap),
            why="the largest task then fits; it still takes as long as it takes",
        )
    )
    return changes


def strains(facts: Facts, thresholds: Thresholds) -> list[Finding]:
    """Everything beside skew that the thresholds name, one finding per kind with its worst stages."""
    found = [
        _spill(facts, thresholds),
        _garbage(facts, thresholds),
        _full_heap(facts, thresholds),
        _large_partition(facts, thresholds),
        _tiny_tasks(facts, thresholds),
        _retries(facts),
    ]
    return [finding for finding in found if finding is not None]


def _strain(cause: str, title: str, evidence: list[str], changes: list[Change], failure_class: str = "F17") -> Finding:
    return Finding(
        cause=cause,
        title=title,
        confidence=Confidence.CERTAIN,
        failure_class=failure_class,
        evidence=tuple(evidence),
        changes=tuple(changes),
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
    now = facts.settings.get("spark.sql.shuffle.partitions", "200")
    parts = max(2 * (int(now) if now.isdigit() else 200), math.ceil(worst.spilled_memory / thresholds.target_bytes))
    changes = [
        Change(
            setting="spark.sql.shuffle.partitions",
            value=str(parts),
            now=now,
            why="smaller partitions are sorted in memory",
        ),
        Change(
            setting="spark.driver.memory" if facts.local else "spark.executor.memory",
            value=memory(executor_heap(facts) * 2),
            now=memory(executor_heap(facts)),
            why="more memory per task",
        ),
    ]
    total = sum(stage.spilled_disk for stage in spilled)
    return _strain("spill", f"tasks spilled {shown(total)} to disk", evidence, changes)


def _garbage(facts: Facts, thresholds: Thresholds) -> Finding | None:
    run = sum(stage.run_seconds for stage in facts.stages.values())
    collecting = sum(stage.gc_seconds for stage in facts.stages.values())
    share = collecting / run if run else 0.0
    if run < thresholds.minimum_task_seconds or share < thresholds.gc_share:
        return None
    grave = ", an alarming share" if share >= thresholds.gc_share_alarm else ""
    evidence = [f"{seconds(collecting)} of {seconds(run)} of task time went into collecting garbage{grave}"]
    key = "spark.driver.memory" if facts.local else "spark.executor.memory"
    heap = executor_heap(facts)
    change = Change(
        setting=key, value=memory(heap * 2), now=memory(heap), why="the collector runs when the heap is full"
    )
    return _strain("garbage_collection", f"{share:.0%} of task time was garbage collection", evidence, [change])


def _full_heap(facts: Facts, thresholds: Thresholds) -> Finding | None:
    heap = executor_heap(facts)
    full = {
        name: one.peak_heap for name, one in facts.executors.items() if one.peak_heap > thresholds.heap_share * heap
    }
    if not full:
        return None
    name, peak = max(full.items(), key=lambda one: one[1])
    evidence = [f"executor {name} peaked at {shown(peak)} of {shown(heap)}, and {len(full) - 1} others above the bound"]
    key = "spark.driver.memory" if facts.local else "spark.executor.memory"
    change = Change(setting=key, value=memory(heap * 1.5), now=memory(heap), why="a little more data does not fit")
    return _strain("full_heap", f"a heap was {peak / heap:.0%} full", evidence, [change])


def _large_partition(facts: Facts, thresholds: Thresholds) -> Finding | None:
    large = [stage for stage in facts.stages.values() if stage.bytes_read.largest > thresholds.partition_bytes]
    if not large:
        return None
    worst = max(large, key=lambda stage: stage.bytes_read.largest)
    wanted = math.ceil(worst.bytes_read.total / thresholds.target_bytes)
    evidence = [f"{worst.place}: a task read {shown(worst.bytes_read.largest)}"]
    change = Change(
        setting="spark.sql.shuffle.partitions",
        value=str(wanted),
        now=facts.settings.get("spark.sql.shuffle.partitions", "200"),
        why=f"{shown(thresholds.target_bytes)} per partition",
    )
    return _strain("large_partition", "a partition is very large", evidence, [change])


def _tiny_tasks(facts: Facts, thresholds: Thresholds) -> Finding | None:
    for stage in facts.stages.values():
        if stage.seconds.count > thresholds.tiny_tasks and stage.seconds.median < thresholds.tiny_task_seconds:
            evidence = [
                f"{stage.place}: {stage.seconds.count:,} tasks with a median of {stage.seconds.median * 1000:.0f} ms"
            ]
            change = Change(why="compact the many small files it reads, or lower spark.sql.shuffle.partitions")
            return _strain("tiny_tasks", "thousands of tasks do next to nothing", evidence, [change], "F18")
    return None


def _retries(facts: Facts) -> Finding | None:
    lost = facts.lost_executors
    retried = sum(stage.retried for stage in facts.stages.values())
    if not (facts.failed_tasks or lost):
        return None
    evidence = [f"{facts.failed_tasks} of {facts.tasks} tasks failed, {retried} ran again, {len(lost)} executors lost"]
    return _strain("failed_tasks", "tasks failed or executors were lost", evidence, [], "F26")
