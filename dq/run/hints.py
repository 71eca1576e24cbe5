"""What the files of the inputs say of the run to come: uneven, too many, too large to broadcast or for a partition.

Only sizes and footers are read; no Spark job is started.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from dq import store
from dq.base.model import RAW_PREFIX, Check, CheckResult, Evidence, Outcome, Severity
from dq.base.thresholds import Thresholds
from dq.checks.check_results import result_of
from dq.diagnose import live
from dq.diagnose.advice import SHUFFLE_PARTITIONS
from dq.diagnose.facts import Facts
from dq.diagnose.findings import memory, shown, size_of
from dq.diagnose.spark_settings import driver_heap, executor_heap, task_memory

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import DataType

    from dq.run.phases import Checked, Task

BROADCAST, PARTITIONS = "spark.sql.autoBroadcastJoinThreshold", "spark.sql.shuffle.partitions"
# What Spark itself refuses to broadcast, whatever the heap.
BROADCAST_LIMIT = 8 << 30
# Of a row in a hashed relation: the row's own header and the pointer to it, and eight bytes per column.
ROW_BYTES, COLUMN_BYTES = 32, 8
# What Spark adds to the default sizes of a row's columns when it estimates how large a part of a table is, and those
# sizes (DataType.defaultSize); of what nests it takes the sum.
ESTIMATED_ROW = 8
LONG_DIGITS = 18
DEFAULT_BYTES = {
    "boolean": 1,
    "tinyint": 1,
    "smallint": 2,
    "int": 4,
    "date": 4,
    "float": 4,
    "string": 20,
    "binary": 100,
}
# A few partitions say nothing of what is usual.
LEAST_PARTS = 3
# So many footers tell how a compressed byte grows in memory; more would take longer and say the same.
FOOTERS = 50


@dataclass(frozen=True, kw_only=True)
class Input:
    """One input as files: address and bytes of each, and Spark's default bytes of each column that is read of it."""

    name: str
    files: Mapping[str, int]
    columns: Sequence[int]

    @property
    def bytes(self) -> int:
        """Of all files, on disk."""
        return sum(self.files.values())

    @property
    def in_memory(self) -> int:
        """About its bytes as rows in memory; by its size on disk where no footer says how many rows there are.

        Strings are counted as they are encoded, so repeated ones weigh too little: it is a lower bound.
        """
        return self.kept_in_memory(len(self.columns))

    def kept_in_memory(self, kept: int) -> int:
        """The same of its narrowest columns, so many; each has its share of what is encoded by its default bytes."""
        rows, encoded = self._content
        return int(rows * (ROW_BYTES + COLUMN_BYTES * kept) + encoded * self._share(kept))

    def estimated(self, kept: int) -> int:
        """What Spark takes these columns for in a join: the size of the files by the default bytes of a row."""
        return int(self.bytes * self._share(kept))

    def _share(self, kept: int) -> float:
        narrowest = sorted(self.columns)[:kept]
        return (ESTIMATED_ROW + sum(narrowest)) / (ESTIMATED_ROW + sum(self.columns))

    @cached_property
    def _content(self) -> tuple[float, float]:
        """The rows of all files, and their bytes without compression, by some of the footers."""
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
        times = self.bytes / seen if seen else 1.0
        return rows * times, encoded * times


@dataclass(frozen=True, kw_only=True)
class Hint:
    """What one input strains, in a sentence with the number to use, how often, and whether it is beyond an alarm."""

    sentence: str
    count: int = 1
    grave: bool = False


Judge = Callable[[Sequence[Input]], list[Hint]]


def of_inputs(spark: SparkSession, task: Task, checked: Checked) -> list[CheckResult]:
    """The results of the checks on the files of all inputs."""
    found, thresholds = list(_inputs(checked, task.warehouse)), task.project.settings.runtime
    machine = Machine.of(spark)
    judges: Mapping[str, Judge] = {
        "expect_files_to_be_even": lambda inputs: uneven(inputs, thresholds),
        "expect_files_not_to_be_small": lambda inputs: small(inputs, thresholds),
        "expect_build_sides_to_fit_memory": lambda inputs: too_large_to_broadcast(inputs, machine, thresholds),
        "expect_partitions_to_fit_memory": lambda inputs: too_few_partitions(inputs, machine, thresholds),
    }
    return [
        _result(check, judges[check.type](found)) for check in task.bound.run_checks.values() if check.type in judges
    ]


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What a session runs on, in bytes: heaps by the settings that size them, a task's share of one, and two limits.

    In local mode the driver is the executor.
    """

    heaps: Mapping[str, int]
    task_memory: int
    broadcast: int
    partitions: int

    @classmethod
    def of(cls, spark: SparkSession) -> Machine:
        """By the settings of a session, and by the cores it found where they leave those open."""
        facts = Facts(settings=live.settings(spark))
        heaps = {"spark.driver.memory": driver_heap(facts)}
        if not facts.local:
            heaps["spark.executor.memory"] = executor_heap(facts)
        return cls(
            heaps=heaps,
            task_memory=task_memory(facts),
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
    """The inputs that Spark would broadcast by its estimate, and that take more than their share of a heap.

    It estimates what a join keeps of an input, which no file tells: the most columns count that stay within the limit.
    """
    limit, share = machine.broadcast, thresholds.build_share
    if len(inputs) < 2 or limit <= 0:  # nothing to join, or broadcasting is off
        return []
    hints = []
    for one in inputs:
        kept = next((kept for kept in range(len(one.columns), 0, -1) if one.estimated(kept) <= limit), 0)
        needed = one.kept_in_memory(kept) if kept else 0
        small = {key: heap for key, heap in machine.heaps.items() if needed > share * heap}
        if not small and needed <= BROADCAST_LIMIT:
            continue
        what = f"{one.name} has {shown(one.bytes)} on disk"
        if kept < len(one.columns):
            what += f"; Spark takes {kept} of its {len(one.columns)} columns for {shown(one.estimated(kept))}"
        what += f", no more than {BROADCAST} ({shown(limit)}), and it takes about {shown(needed)}"
        if needed > BROADCAST_LIMIT:
            what += (
                f" where a join broadcasts it, of which Spark allows {shown(BROADCAST_LIMIT)}: set {BROADCAST} to -1"
            )
        else:
            key, heap = min(small.items(), key=lambda one: one[1])
            more = " and ".join(f"{key} to {memory(needed / share)}" for key in small)
            what += f" of the {shown(heap)} of {key} where a join broadcasts it (allowed {share:.0%}): "
            what += f"set {BROADCAST} to -1, or {more}"
        hints.append(Hint(sentence=what))
    return hints


def too_few_partitions(inputs: Sequence[Input], machine: Machine, thresholds: Thresholds) -> list[Hint]:
    """The inputs that, shuffled into as many partitions as are set, leave a task more than its memory holds."""
    hints = []
    for one in inputs:
        each, allowed = one.in_memory / machine.partitions, thresholds.partition_share * machine.task_memory
        if each > allowed:
            target = min(thresholds.target_bytes, allowed)
            sentence = (
                f"{one.name} takes about {shown(one.in_memory)} in memory, {shown(each)} in each of "
                f"{machine.partitions} partitions, and a task has {shown(machine.task_memory)}: set {PARTITIONS} to "
                f"{math.ceil(one.in_memory / target)}, for {shown(target)} each"
            )
            hints.append(Hint(sentence=sentence, grave=each > thresholds.partition_bytes))
    return hints


def _inputs(checked: Checked, warehouse: store.Warehouse) -> Iterable[Input]:
    for name, pinned in checked.pins.items():
        files = {file.path: file.size for file in pinned.pin.files}
        yield Input(name=name, files=files, columns=_columns(checked.frames[name]))
    for name, pin in checked.upstream.items():
        table = warehouse.table(name)
        files = {}
        for entry in pin.entries.values():
            files |= dict(zip(table.paths(entry), (file.size for file in entry.files), strict=True))
        yield Input(name=name, files=files, columns=_columns(checked.frames[name]))


def _columns(frame: DataFrame) -> list[int]:
    """The default bytes of each column; hidden ones are read by no join."""
    return [default_bytes(field.dataType) for field in frame.schema.fields if not field.name.startswith(RAW_PREFIX)]


def default_bytes(of: DataType) -> int:
    """What Spark takes a value of a type for, in bytes."""
    from pyspark.sql import types as T

    if isinstance(of, T.DecimalType):
        return 8 if of.precision <= LONG_DIGITS else 16
    if isinstance(of, T.ArrayType):
        return default_bytes(of.elementType)
    if isinstance(of, T.MapType):
        return default_bytes(of.keyType) + default_bytes(of.valueType)
    if isinstance(of, T.StructType):
        return sum(default_bytes(field.dataType) for field in of.fields)
    return DEFAULT_BYTES.get(of.simpleString(), COLUMN_BYTES)


def _result(check: Check, hints: Sequence[Hint]) -> CheckResult:
    grave = any(hint.grave for hint in hints)
    return result_of(
        replace(check, severity=Severity.WARNING) if grave else check,
        Outcome.FAILED if hints else Outcome.PASSED,
        observed="; ".join(hint.sentence for hint in hints) or "every input",
        evidence=Evidence.FOOTERS,
        measures={"unexpected_count": sum(hint.count for hint in hints)},
    )
