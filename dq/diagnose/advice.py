"""What to change after each cause of death, most promising first, with numbers from the log itself."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from dq.base.thresholds import MEBIBYTE
from dq.diagnose.facts import Facts, Stage
from dq.diagnose.findings import Change, memory, shown, size_of
from dq.diagnose.spark_settings import cores as cores_of
from dq.diagnose.spark_settings import (
    driver_heap,
    executor_heap,
    setting_number,
    setting_seconds,
    setting_share,
    setting_size,
)

if TYPE_CHECKING:
    from dq.diagnose.hits import Hit

# Spark's defaults, where the log does not set the key.
SHUFFLE_PARTITIONS = 200
OVERHEAD_SHARE = 0.1
OVERHEAD_SHARE_OF_PYTHON = 0.4  # on Kubernetes, where nothing says that the application is none
OVERHEAD_LEAST = 384 * MEBIBYTE
MAX_RESULT = 1 << 30
ARROW_BATCH = 10_000


def heap_changes(facts: Facts, hits: Sequence[Hit]) -> list[Change]:
    """More heap per task: smaller partitions where there is something to split, then memory, then fewer tasks."""
    key = "spark.driver.memory" if facts.local else "spark.executor.memory"
    heap = executor_heap(facts)
    changes = [
        Change(
            setting=key,
            value=memory(max(heap * 4, heap + (1 << 30))),
            now=memory(heap),
            why="what one task holds at once did not fit; a group, a window or an array cannot be split over tasks",
        )
    ]
    split = _more_partitions(facts, hits, facts.target_bytes)
    if split:
        changes.insert(0, split)
    cores = cores_of(facts)
    if cores > 1:
        key = "spark.master" if facts.local else "spark.executor.cores"
        half = max(1, cores // 2)
        value = f"local[{half}]" if facts.local else str(half)
        changes.append(
            Change(
                setting=key,
                value=value,
                now=facts.settings.get(key, ""),
                why="fewer tasks share a heap, for longer",
            )
        )
    return changes


def beside_heap_changes(facts: Facts, hits: Sequence[Hit]) -> list[Change]:
    """By the memory that its message names: threads, classes or buffers."""
    said = hits[0].match[0].lower()
    options = "spark.driver.extraJavaOptions" if facts.local else "spark.executor.extraJavaOptions"
    fewer = "spark.master" if facts.local else "spark.executor.cores"
    if "thread" in said:
        return [
            Change(why="raise the limit on processes of the user (ulimit -u) or of the container (pids)"),
            Change(why=f"fewer tasks at a time start fewer threads: lower {fewer}"),
        ]
    if "direct" in said:
        heap = executor_heap(facts)
        return [
            Change(
                setting=options,
                value=f"-XX:MaxDirectMemorySize={memory(heap * 2)}",
                now=facts.settings.get(options, "") or "as large as the heap",
                why="buffers of network and files live beside the heap, by default in as much memory as it has",
            ),
            *([] if facts.local else overhead_changes(facts, hits)[:1]),
        ]
    return [
        Change(
            setting=options,
            value="-XX:MaxMetaspaceSize=1g, or without that option",
            now=facts.settings.get(options, ""),
            why="classes live beside the heap, without a limit unless an option sets one",
        ),
        Change(why="many different queries in one application generate many classes: start a new one in between"),
    ]


def _more_partitions(facts: Facts, hits: Sequence[Hit], target: int) -> Change | None:
    """More shuffle partitions, where the partitions of the stage that died are evenly large."""
    for stage in _stages(facts, hits):
        even = stage.bytes_read.largest < 2 * max(stage.bytes_read.median, 1)
        if even and stage.bytes_read.largest > target:
            wanted = math.ceil(stage.bytes_read.total / target / 8) * 8
            now = setting_number(facts, "spark.sql.shuffle.partitions", SHUFFLE_PARTITIONS)
            if wanted > now:
                return Change(
                    setting="spark.sql.shuffle.partitions",
                    value=str(wanted),
                    now=str(now),
                    why=f"stage {stage.stage} read {shown(stage.bytes_read.total)}, evenly: "
                    f"{wanted} partitions hold {shown(target)} each",
                )
    return None


def _stages(facts: Facts, hits: Sequence[Hit]) -> list[Stage]:
    keys = {(hit.incident.stage, hit.incident.attempt) for hit in hits if hit.incident.stage is not None}
    return [stage for key, stage in facts.stages.items() if key in keys]


def driver_changes(facts: Facts, hits: Sequence[Hit], during: Collection[int | None] = ()) -> list[Change]:
    """Less to the driver, or a larger one."""
    heap = driver_heap(facts)
    jobs = {*during, *(hit.incident.job for hit in hits if hit.incident.job is not None)}
    size = sum(stage.result_bytes for stage in facts.stages.values() if stage.job in jobs)
    changes = [
        Change(
            setting="spark.driver.memory",
            value=memory(max(heap * 4, size * 4)),
            now=memory(heap),
            why=f"{shown(size)} of serialized results were on their way, which take several times that as objects"
            if size > heap / 10
            else "what the driver keeps (results, broadcasts, plans) did not fit",
        ),
        Change(why="write the result instead of collecting it, or cut it with limit() and an aggregation first"),
    ]
    if size_of(facts.settings.get("spark.driver.maxResultSize", "1g")) == 0:
        changes.append(
            Change(
                setting="spark.driver.maxResultSize",
                value=memory(MAX_RESULT),
                now="0, which means no limit",
                why="a job that collects too much then fails by itself instead of ending the driver",
            )
        )
    return changes


def result_changes(facts: Facts, hits: Sequence[Hit]) -> list[Change]:
    """Collect less, or allow what all tasks of the stage would have sent."""
    tasks, size = int(hits[0].match[1]), size_of(hits[0].match[2]) or 0
    of_stage = max([stage.tasks for stage in _stages(facts, hits)], default=tasks)
    expected = size / max(1, tasks) * max(of_stage, tasks)
    limit = memory(expected * 1.5)
    changes = [
        Change(
            setting="spark.driver.maxResultSize",
            value=limit,
            now=facts.settings.get("spark.driver.maxResultSize", "1g"),
            why=f"{tasks} of {of_stage} tasks had sent {shown(size)}: about {shown(expected)} in all",
        ),
        Change(why="write the result instead of collecting it, or cut it with limit() and an aggregation first"),
    ]
    if expected * 3 > driver_heap(facts):
        changes.insert(
            1,
            Change(
                setting="spark.driver.memory",
                value=memory(expected * 4),
                now=memory(driver_heap(facts)),
                why="the results take several times their serialized size as objects",
            ),
        )
    return changes


def broadcast_changes(facts: Facts, _: Sequence[Hit]) -> list[Change]:
    """Join by sorting instead; then room for the broadcast."""
    heap = driver_heap(facts)
    return [
        Change(
            setting="spark.sql.autoBroadcastJoinThreshold",
            value="-1",
            now=facts.settings.get("spark.sql.autoBroadcastJoinThreshold", "10485760"),
            why="the build side is larger than its estimate; a sort-merge join spills where a broadcast dies",
        ),
        Change(why="remove a broadcast() or /*+ BROADCAST */ hint of that table: a hint overrules the threshold"),
        Change(
            setting="spark.driver.memory",
            value=memory(heap * 4),
            now=memory(heap),
            why="the driver builds the table before it is sent, at several times its size in files",
        ),
    ]


def disk_changes(facts: Facts, _: Sequence[Hit]) -> list[Change]:
    """Room for what was written, then less of it."""
    written = sum(stage.bytes_written + stage.spilled_disk for stage in facts.stages.values())
    left = sum(stage.tasks for stage in facts.stages.values() if not stage.completed)
    room = f"at least {shown(written * 2)} free" if written else "several times the input free"
    return [
        Change(
            setting="spark.local.dir",
            value=f"a folder on a disk with {room}",
            now=facts.settings.get("spark.local.dir", "/tmp"),  # noqa: S108 - Spark's default
            why=(f"{shown(written)} of shuffle and spill files were written whole" if written else "no file was whole")
            + (f", {left} tasks were not done" if left else "")
            + "; on YARN and Kubernetes the cluster names the disk",
        ),
        Change(why="remove columns before joins and groupings, and shuffle files of applications that died"),
    ]


def python_changes(facts: Facts, _: Sequence[Hit]) -> list[Change]:
    """Room for the workers, then smaller batches."""
    limit = facts.settings.get("spark.executor.pyspark.memory")
    batch = setting_number(facts, "spark.sql.execution.arrow.maxRecordsPerBatch", ARROW_BATCH)
    smaller = Change(
        setting="spark.sql.execution.arrow.maxRecordsPerBatch",
        value=str(max(100, batch // 10)),
        now=str(batch),
        why="a Python worker holds a batch and its results at once",
    )
    if limit:
        size = size_of(limit, "m") or 1 << 30
        more = Change(
            setting="spark.executor.pyspark.memory",
            value=memory(size * 8),
            now=limit,
            why="the limit shared by the Python workers of an executor",
        )
    elif facts.local:
        more = Change(
            setting="spark.driver.memory",
            value=memory(driver_heap(facts) / 2),
            now=memory(driver_heap(facts)),
            why="the machine ran out of memory: the workers live beside the heap, which can leave them more",
        )
    else:
        more = Change(
            setting="spark.executor.memoryOverhead",
            value=memory(_overhead(facts) * 4),
            now=memory(_overhead(facts)),
            why="Python workers live in the container's memory outside the heap",
        )
    return [more, smaller]


def overhead_changes(facts: Facts, _: Sequence[Hit]) -> list[Change]:
    """More room beside the heap, then less use of it."""
    changes = [
        Change(
            setting="spark.executor.memoryOverhead",
            value=memory(max(_overhead(facts) * 2, 1 << 30)),
            now=memory(_overhead(facts)),
            why="the container held the heap and more: Python workers, network buffers, native memory",
        )
    ]
    if cores_of(facts) > 1:
        changes.append(
            Change(
                setting="spark.executor.cores",
                value=str(max(1, cores_of(facts) // 2)),
                now=str(cores_of(facts)),
                why="each task at a time has its own buffers and Python worker",
            )
        )
    changes.append(Change(why="on a machine without containers, look for the kernel's out-of-memory killer in its log"))
    return changes


def lost_changes(facts: Facts, hits: Sequence[Hit]) -> list[Change]:
    """What most often stands behind an executor that just went: memory of its container, long pauses, preemption."""
    changes = [
        Change(why="look into the log of the executor (YARN, Kubernetes or the worker): only it may say why it went"),
        *overhead_changes(facts, hits)[:1],
    ]
    if "heartbeat" in hits[0].match[0]:
        heap = executor_heap(facts)
        longer = Change(
            setting="spark.executor.memory",
            value=memory(heap * 2),
            now=memory(heap),
            why="a heap that is nearly full is collected for so long that no heartbeat is sent",
        )
        changes.insert(0, longer)
    elif "143" in hits[0].match[0]:
        changes.append(Change(why="143 is a request to end: a preempted queue, a node that was taken away, or a limit"))
    return changes


def _overhead(facts: Facts) -> int:
    """The bytes beside an executor's heap in its container: as set, else a share of the heap, as set or by default."""
    kubernetes = facts.settings.get("spark.master", "").startswith("k8s://")
    python = facts.settings.get("spark.kubernetes.resource.type", "python" if kubernetes else "") in ("python", "r")
    share = OVERHEAD_SHARE_OF_PYTHON if kubernetes and python else OVERHEAD_SHARE
    for key in ("spark.kubernetes.memoryOverheadFactor", "spark.executor.memoryOverheadFactor"):
        share = setting_share(facts, key, share)
    least = setting_size(facts, "spark.executor.minMemoryOverhead", OVERHEAD_LEAST)
    return setting_size(facts, "spark.executor.memoryOverhead", max(int(executor_heap(facts) * share), least))


def fetch_changes(facts: Facts, _: Sequence[Hit]) -> list[Change]:
    """Find what took the files away; where nothing did, more patience."""
    lost = facts.lost_executors
    tries = setting_number(facts, "spark.shuffle.io.maxRetries", 3)
    patience = setting_seconds(facts, "spark.network.timeout", 120)
    first = (
        f"{len(lost)} executors were lost, with their shuffle files: their own cause comes first"
        if lost
        else "no executor was lost: look for something that removes files below spark.local.dir, or for the network"
    )
    return [
        Change(why=first),
        Change(
            setting="spark.shuffle.io.maxRetries",
            value=str(max(10, 2 * tries)),
            now=str(tries),
            why=f"a long collection of garbage or a busy disk outlasts {tries} tries five seconds apart",
        ),
        Change(
            setting="spark.network.timeout",
            value=f"{max(600, 2 * patience)}s",
            now=f"{patience}s",
            why="the same, for connections that stay silent",
        ),
    ]
