"""What sizes and footers of the inputs say before a run computes."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dq.base.model import Check, Outcome, Severity
from dq.base.thresholds import Thresholds
from dq.diagnose.facts import Facts
from dq.diagnose.spark_settings import task_memory
from dq.run import hints
from dq.run.hints import Input, Machine

LIMITS = Thresholds()
MIB, GIB = 1 << 20, 1 << 30
KEY = "spark.executor.memory"


def machine(heap: int, broadcast: int = 10 * MIB, task_memory: int = GIB, partitions: int = 8) -> Machine:
    return Machine(heaps={KEY: heap}, task_memory=task_memory, broadcast=broadcast, partitions=partitions)


def made(name: str, sizes: dict[str, int], columns: int = 5) -> Input:
    return Input(name=name, files=sizes, columns=[20] * columns)


def test_a_partition_that_dwarfs_the_others_is_told_with_the_files_to_write() -> None:
    even = {f"/d/day={n}/a": 100 * MIB for n in range(5)}
    assert hints.uneven([made("clicks", even)], LIMITS) == []
    heavy = {**even, "/d/day=5/a": 300 * MIB, "/d/day=5/b": 300 * MIB}
    (found,) = hints.uneven([made("revenue", even), made("clicks", heavy)], LIMITS)
    assert found.sentence == (
        "a partition of clicks has 600.0 MiB, the median 100.0 MiB: write it in 5 files of 128.0 MiB"
    )


def test_a_file_that_dwarfs_those_of_its_own_partition_is_told() -> None:
    files = {"/d/a": 10 * MIB, "/d/b": 10 * MIB, "/d/c": 10 * MIB, "/d/d": 256 * MIB}
    (found,) = hints.uneven([made("clicks", files)], LIMITS)
    assert found.sentence.startswith("a file of clicks has 256.0 MiB, the median 10.0 MiB: write it in 2 files")
    # A byte less is no skew worth a word, and two files have no usual size.
    assert hints.uneven([made("clicks", {**files, "/d/d": 256 * MIB - 1})], LIMITS) == []
    assert hints.uneven([made("clicks", {"/d/a": MIB, "/d/b": 900 * MIB})], LIMITS) == []


def test_many_small_files_are_told_with_the_number_to_compact_into() -> None:
    files = {f"/d/{n}": 2 * MIB for n in range(100)}
    (found,) = hints.small([made("clicks", files)], LIMITS)
    assert found.sentence == "clicks has 100 files of 2.0 MiB on average: compact it into 2"
    assert found.count == 100
    assert hints.small([made("clicks", dict(list(files.items())[:99]))], LIMITS) == []
    assert hints.small([made("clicks", dict.fromkeys(files, 3 * MIB))], LIMITS) == []


def written(folder: Path, rows: int) -> dict[str, int]:
    path = folder / "accounts.parquet"
    pq.write_table(pa.table({"account_id": pa.array(["A"] * rows), "region": pa.array(["emea"] * rows)}), path)
    return {str(path): path.stat().st_size}


def test_what_is_small_on_disk_and_large_in_memory_is_not_for_broadcasting(tmp_path: Path) -> None:
    accounts, clicks = made("accounts", written(tmp_path, 100_000), 2), made("clicks", {"/c/a": GIB})
    needed = accounts.in_memory
    # Each row has a header, a pointer and two columns; one value repeated is next to nothing in the file.
    assert 100_000 * (32 + 2 * 8) <= needed < 100_000 * (32 + 2 * 8) + 10_000
    heap = 20 * MIB
    (found,) = hints.too_large_to_broadcast([accounts, clicks], machine(heap), LIMITS)
    assert "accounts has" in found.sentence
    assert f"it takes about 4.6 MiB of the 20.0 MiB of {KEY} where a join broadcasts it (allowed 20%)" in found.sentence
    assert found.sentence.endswith(f"set {hints.BROADCAST} to -1, or {KEY} to 64m")
    # With the setting of the hint it is not broadcast, with the memory of the hint it fits.
    assert hints.too_large_to_broadcast([accounts, clicks], machine(heap, -1), LIMITS) == []
    assert hints.too_large_to_broadcast([accounts, clicks], machine(64 * MIB), LIMITS) == []


def test_a_table_above_the_limit_is_told_where_few_of_its_columns_are_below_it(tmp_path: Path) -> None:
    """Spark scales the size of the files by the columns that a join keeps."""
    accounts, clicks = made("accounts", written(tmp_path, 100_000), 2), made("clicks", {"/c/a": GIB})
    limit = accounts.estimated(1)
    assert accounts.estimated(2) == accounts.bytes > limit
    (found,) = hints.too_large_to_broadcast([accounts, clicks], machine(10 * MIB, limit), LIMITS)
    assert f"Spark takes 1 of its 2 columns for {limit} bytes, no more than {hints.BROADCAST}" in found.sentence
    needed = 100_000 * (32 + 8)
    assert needed <= accounts.kept_in_memory(1) < needed + 10_000
    assert hints.too_large_to_broadcast([accounts, clicks], machine(10 * MIB, limit - 1), LIMITS) == []


def test_what_is_broadcast_has_to_fit_the_driver_and_every_executor(tmp_path: Path) -> None:
    accounts, clicks = made("accounts", written(tmp_path, 100_000), 2), made("clicks", {"/c/a": GIB})
    driver = "spark.driver.memory"

    def told(heap: int, of_driver: int) -> str:
        runs_on = Machine(heaps={driver: of_driver, KEY: heap}, task_memory=GIB, broadcast=10 * MIB, partitions=8)
        return "; ".join(hint.sentence for hint in hints.too_large_to_broadcast([accounts, clicks], runs_on, LIMITS))

    assert told(GIB, GIB) == ""
    assert told(GIB, 20 * MIB).endswith(
        f"of the 20.0 MiB of {driver} where a join broadcasts it (allowed 20%): "
        f"set {hints.BROADCAST} to -1, or {driver} to 64m"
    )
    assert f"of the 10.0 MiB of {KEY}" in told(10 * MIB, 20 * MIB)
    assert told(10 * MIB, 20 * MIB).endswith(f"or {driver} to 64m and {KEY} to 64m")


def test_beyond_what_spark_broadcasts_at_all_no_heap_helps() -> None:
    huge = made("accounts", {"/gone/a": 9 * GIB})
    many = machine(1024 * GIB, broadcast=10 * GIB)
    (found,) = hints.too_large_to_broadcast([huge, made("clicks", {"/c/a": 20 * GIB}, 0)], many, LIMITS)
    assert found.sentence.endswith(f"Spark allows 8.0 GiB: set {hints.BROADCAST} to -1")
    assert KEY not in found.sentence


def test_nothing_is_broadcast_without_a_second_input_or_where_it_is_switched_off(tmp_path: Path) -> None:
    accounts, clicks = made("accounts", written(tmp_path, 100_000), 2), made("clicks", {"/c/a": GIB})
    assert hints.too_large_to_broadcast([accounts], machine(MIB), LIMITS) == []
    assert hints.too_large_to_broadcast([accounts, clicks], machine(MIB, -1), LIMITS) == []


def test_what_has_no_footer_counts_by_its_size(tmp_path: Path) -> None:
    path = tmp_path / "targets.csv"
    path.write_text("a,b\n" * 10)
    assert made("targets", {str(path): 40}).in_memory == 40
    assert made("targets", {path.as_uri(): 40}).in_memory == 40
    assert made("gone", {str(tmp_path / "gone.parquet"): 7}).in_memory == 7


def test_what_leaves_a_task_more_than_its_memory_is_told_with_the_partitions_to_cut_it_into() -> None:
    clicks = made("clicks", {"/gone/a": 9 * GIB})
    (found,) = hints.too_few_partitions([made("accounts", {"/gone/b": GIB}), clicks], machine(4 * GIB), LIMITS)
    assert found.sentence == (
        "clicks takes about 9.0 GiB in memory, 1.1 GiB in each of 8 partitions, and a task has 1.0 GiB: "
        "set spark.sql.shuffle.partitions to 72, for 128.0 MiB each"
    )
    # With the setting of the hint nothing is told, nor with the memory that holds it.
    assert hints.too_few_partitions([clicks], machine(4 * GIB, partitions=72), LIMITS) == []
    assert hints.too_few_partitions([clicks], machine(4 * GIB, task_memory=2 * GIB), LIMITS) == []
    assert not found.grave
    strict = LIMITS.model_copy(update={"partition_share": 0.1})
    assert len(hints.too_few_partitions([clicks], machine(4 * GIB, task_memory=2 * GIB), strict)) == 1


@pytest.mark.parametrize("partitions", [1, 8, 15, 16, 20, 63, 200])
def test_more_partitions_are_named_than_are_set_and_they_are_enough(partitions: int) -> None:
    clicks, memory = made("clicks", {"/gone/a": 2 * GIB}), 10 * MIB  # less than the target of 128 MiB
    (found,) = hints.too_few_partitions([clicks], machine(512 * MIB, task_memory=memory, partitions=partitions), LIMITS)
    wanted = int(found.sentence.partition(f"set {hints.PARTITIONS} to ")[2].partition(",")[0])
    assert wanted > partitions
    after = machine(512 * MIB, task_memory=memory, partitions=wanted)
    assert hints.too_few_partitions([clicks], after, LIMITS) == []


def test_a_partition_beyond_the_alarm_warns() -> None:
    check = Check(check="x", dataset="x", type="expect_partitions_to_fit_memory", kwargs={}, severity=Severity.INFO)
    clicks = made("clicks", {"/gone/a": 9 * GIB})
    for partitions, severity in ((8, Severity.INFO), (1, Severity.WARNING)):
        told = hints.too_few_partitions([clicks], machine(4 * GIB, partitions=partitions), LIMITS)
        result = hints._result(check, told)
        assert (result.outcome, result.severity) == (Outcome.FAILED, severity)


@pytest.mark.parametrize(
    ("settings", "bytes_each"),
    [
        # Spark keeps 300 MiB of a heap, and the tasks at work share 60% of the rest.
        ({"spark.master": "local[2]", "spark.driver.memory": "4g"}, int((4 * GIB - 300 * MIB) * 0.6 / 2)),
        (
            {"spark.master": "spark://h:7077", "spark.executor.memory": "8g", "spark.executor.cores": "4"},
            (8 * GIB - 300 * MIB) * 3 // 20,
        ),
        ({"spark.master": "yarn", "spark.memory.fraction": "0.5"}, (GIB - 300 * MIB) // 2),
    ],
)
def test_a_task_has_its_share_of_the_heap(settings: dict[str, str], bytes_each: int) -> None:
    assert task_memory(Facts(settings=settings)) == bytes_each


def test_of_many_files_some_footers_tell_how_a_byte_grows_in_memory(tmp_path: Path) -> None:
    one = written(tmp_path, 10_000)
    (path, size), *_ = one.items()
    many = {f"{path}?{n}": size for n in range(3 * hints.FOOTERS)}
    for name in many:
        Path(name).hardlink_to(path)
    alone = made("accounts", one, 2).in_memory
    assert made("accounts", many, 2).in_memory == alone * len(many)
