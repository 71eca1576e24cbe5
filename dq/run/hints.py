"""What the files of the inputs say of the run to come: uneven, too many, too large to broadcast or for a partition.

Only sizes and footers are read; no Spark job is started.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from dq import store
from dq.diagnose.changes import SHUFFLE_PARTITIONS
from dq.diagnose.facts import Facts, executor_heap, task_memory
from dq.diagnose.findings import memory, shown, size_of
from dq.engine.run import result_of
from dq.model import Check, CheckResult, Evidence, Outcome
from dq.thresholds import Thresholds

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from dq.project import Bound
    from dq.run.state import State

BROADCAST, PARTITIONS = "spark.sql.autoBroadcastJoinThreshold", "spark.sql.shuffle.partitions"
# What Spark itself refuses to broadcast, whatever the heap.
BROADCAST_LIMIT = 8 << 30
# Of a row in a hashed relation: the row's own header and the pointer to it, and eight bytes per column.
ROW_BYTES, COLUMN_BYTES = 32, 8
# A few partitions say nothing of what is usual.
LEAST_PARTS = 3
# So many footers tell how a compressed byte grows in memory; more would take longer and say the same.
FOOTERS = 50


@dataclass(frozen=True, kw_only=True)
class Input:
    """One input as files: address and bytes of each, and how many columns are read of it."""

    name: str
    files: Mapping[str, int]
    columns: int

    @property
    def bytes(self) -> int:
        """Of all files, on disk."""
        return sum(self.files.values())

    @cached_property
    def in_memory(self) -> int:
        """About its bytes as rows in memory; by its size on disk where no footer says how many rows there are.

        Strings are counted as they are encoded, so repeated ones weigh too little: it is a lower bound.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        rows = encoded = seen = 0
        every = math.ceil(len(self.files) / FOOTERS) or 1
        for path, size in list(self.files.items())[::every]:
            seen += size
            try:
                parts = urlsplit(path)
                footer = pq.read_metadata(Path(unquote(parts.path) if parts.scheme else path))
            except (OSError, pa.ArrowException):
                encoded += size
                continue
            rows += footer.num_rows
            encoded += sum(footer.row_group(number).total_byte_size for number in range(footer.num_row_groups))
        needed = rows * (ROW_BYTES + COLUMN_BYTES * self.columns) + encoded
        return int(needed * self.bytes / seen) if seen else needed


@dataclass(frozen=True, kw_only=True)
class Hint:
    """What one input strains, in a sentence with the number to use, and how often."""

    sentence: str
    count: int = 1


Judge = Callable[[Sequence[Input]], list[Hint]]


def of_inputs(
    spark: SparkSession, bound: Bound, state: State, warehouse: store.Warehouse, thresholds: Thresholds
) -> list[CheckResult]:
    """The results of the checks on the files of all inputs."""
    found = list(_inputs(bound, state, warehouse))
    machine = Machine.of(spark)
    judges: Mapping[str, Judge] = {
        "expect_files_to_be_even": lambda inputs: uneven(inputs, thresholds),
        "expect_files_not_to_be_small": lambda inputs: small(inputs, thresholds),
        "expect_build_sides_to_fit_memory": lambda inputs: too_large_to_broadcast(inputs, machine, thresholds),
        "expect_partitions_to_fit_memory": lambda inputs: too_few_partitions(inputs, machine, thresholds),
    }
    return [_result(check, judges[check.type](found)) for check in bound.run_checks.values() if check.type in judges]


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What a session runs on: an executor's heap with its setting, a task's share of it, and two limits; in bytes."""

    heap: int
    heap_key: str
    task_memory: int
    broadcast: int
    partitions: int

    @classmethod
    def of(cls, spark: SparkSession) -> Machine:
        """By the settings of a session; in local mode the driver is the executor."""
        settings = Facts(settings=dict(spark.sparkContext.getConf().getAll()))
        return cls(
            heap=executor_heap(settings),
            heap_key="spark.driver.memory" if settings.local else "spark.executor.memory",
            task_memory=task_memory(settings),
            broadcast=size_of(spark.conf.get(BROADCAST, None) or "10485760b") or 0,
            partitions=int(spark.conf.get(PARTITIONS, None) or SHUFFLE_PARTITIONS),
        )


def uneven(inputs: Iterable[Input], thresholds: Thresholds) -> list[Hint]:
    """The inputs of which one partition, or one file, is many times the size of the median one."""
    hints = []
    for one in inputs:
        partitions: dict[str, int] = defaultdict(int)
        for path, size in one.files.items():
            partitions[path.rpartition("/")[0]] += size
        for label, sizes in (("partition", [*partitions.values()]), ("file", [*one.files.values()])):
            middle = median(sizes) if len(sizes) >= LEAST_PARTS else 0
            if middle and max(sizes) >= max(thresholds.skew_factor * middle, thresholds.skew_bytes):
                files = math.ceil(max(sizes) / thresholds.target_bytes)
                sentence = (
                    f"a {label} of {one.name} has {shown(max(sizes))}, the median {shown(middle)}: write it in {files} "
                    f"files of {shown(thresholds.target_bytes)}"
                )
                hints.append(Hint(sentence=sentence))
                break
    return hints


def small(inputs: Iterable[Input], thresholds: Thresholds) -> list[Hint]:
    """The inputs cut into many files that hold little each."""
    hints = []
    for one in inputs:
        many = len(one.files) >= thresholds.small_files
        if many and one.bytes / len(one.files) < thresholds.small_file_bytes:
            wanted = max(1, math.ceil(one.bytes / thresholds.target_bytes))
            sentence = f"{one.name} has {len(one.files):,} files of {shown(one.bytes / len(one.files))} on average"
            hints.append(Hint(sentence=f"{sentence}: compact it into {wanted}", count=len(one.files)))
    return hints


def too_large_to_broadcast(inputs: Sequence[Input], machine: Machine, thresholds: Thresholds) -> list[Hint]:
    """The inputs that Spark would broadcast by their size on disk, and that take more than their share of a heap."""
    limit, heap, share = machine.broadcast, machine.heap, thresholds.build_share
    if len(inputs) < 2 or limit <= 0:  # nothing to join, or broadcasting is off
        return []
    hints = []
    for one in inputs:
        if one.bytes > limit:
            continue
        needed, allowed = one.in_memory, min(share * heap, BROADCAST_LIMIT)
        if needed > allowed:
            sentence = (
                f"{one.name} has {shown(one.bytes)} on disk, less than {BROADCAST} ({shown(limit)}), and takes about "
                f"{shown(needed)} of a heap of {shown(heap)} where a join broadcasts it (allowed {share:.0%}): set "
                f"{BROADCAST} to {max(one.bytes - 1, 0)}b, or {machine.heap_key} to {memory(needed / share)}"
            )
            hints.append(Hint(sentence=sentence))
    return hints


def too_few_partitions(inputs: Sequence[Input], machine: Machine, thresholds: Thresholds) -> list[Hint]:
    """The inputs that, shuffled into as many partitions as are set, leave a task more than its memory holds."""
    hints = []
    for one in inputs:
        each = one.in_memory / machine.partitions
        if each > thresholds.partition_share * machine.task_memory:
            wanted = math.ceil(one.in_memory / thresholds.target_bytes)
            sentence = (
                f"{one.name} takes about {shown(one.in_memory)} in memory, {shown(each)} in each of "
                f"{machine.partitions} partitions, and a task has {shown(machine.task_memory)}: set {PARTITIONS} to "
                f"{wanted}, for {shown(thresholds.target_bytes)} each"
            )
            hints.append(Hint(sentence=sentence))
    return hints


def _inputs(bound: Bound, state: State, warehouse: store.Warehouse) -> Iterable[Input]:
    for name, pinned in state.pins.items():
        files = {file.path: file.size for file in pinned.pin.files}
        yield Input(name=name, files=files, columns=len(bound.sources.contract(name).columns))
    for name, pin in state.upstream.items():
        table = warehouse.table(name)
        files = {}
        for entry in pin.entries.values():
            files |= dict(zip(table.paths(entry), (file.size for file in entry.files), strict=True))
        yield Input(name=name, files=files, columns=len(state.frames[name].columns))


def _result(check: Check, hints: Sequence[Hint]) -> CheckResult:
    return result_of(
        check,
        Outcome.FAILED if hints else Outcome.PASSED,
        observed="; ".join(hint.sentence for hint in hints) or "every input",
        evidence=Evidence.FOOTERS,
        measures={"unexpected_count": sum(hint.count for hint in hints)},
    )
