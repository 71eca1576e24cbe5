"""Jobs that die of one cause each, with small heaps and made-up rows: ``python tests/slow/deaths.py NAME LOGS``.

Each writes its event log into the folder LOGS, as a guarded run would, and ends with a code other than 0. ``--conf
KEY=VALUE`` replaces a setting, which is how a test applies what a diagnosis recommends; ``--advised NUMBER`` runs the
job as a recommendation in words says, with the number it names.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

SMALL = {"spark.driver.memory": "512m"}
CLUSTER = {"spark.master": "local-cluster[1,1,2048]", "spark.executor.memory": "512m"}
GROUP = "profit_unit-2026-10-20261103t050000000000z-abcdef"
BASE = {
    "spark.master": "local[2]",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.eventLog.enabled": "true",
    "spark.eventLog.rolling.enabled": "true",
    "spark.eventLog.compress": "true",
    "spark.sql.shuffle.partitions": "8",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.task.maxFailures": "2",
    "spark.stage.maxConsecutiveAttempts": "2",
}


@dataclass(frozen=True, kw_only=True)
class Death:
    """One way to die: what is run, the settings that make it fatal, and what is run where words were followed."""

    job: Callable[[SparkSession, Path], object]
    advised: Callable[[SparkSession, int], object] | None = None
    settings: dict[str, str] = field(default_factory=dict)


def wide(spark: SparkSession, rows: int, width: int = 200) -> DataFrame:
    """So many rows of random text, which no codec makes small."""
    text = F.concat(*[F.sha2(F.concat(F.col("id"), F.lit(n)), 256) for n in range(max(1, width // 64))])
    return spark.range(rows).select("id", text.alias("text"))


def documents(spark: SparkSession, rows: int) -> DataFrame:
    """So many rows of a megabyte each, which fill a heap before the collector has much to do."""
    return spark.range(rows).withColumn("text", F.expr("repeat(sha2(string(id), 256), 16384)"))


def discard(frame: DataFrame) -> object:
    """Compute every row and keep none."""
    return frame.write.format("noop").mode("overwrite").save()


def one_group(spark: SparkSession, _: Path) -> object:
    """A group that does not fit: every row in one list."""
    return discard(documents(spark, 200).groupBy(F.lit(1).alias("everything")).agg(F.collect_list("text")))


def characters() -> Column:
    """The characters of a group, of which every row is gathered first."""
    return F.aggregate(F.collect_list("text"), F.lit(0).cast("long"), lambda sum_, text: sum_ + F.length(text))


def of_one_account(spark: SparkSession) -> DataFrame:
    """Rows of which nine in ten belong to one account."""
    account = F.when(F.col("id") % 10 == 0, F.col("id") % 400).otherwise(F.lit(7))
    return documents(spark, 300).withColumn("account_id", account)


def skewed_group(spark: SparkSession, _: Path) -> object:
    """All rows of an account are gathered."""
    # Brought together first, so that the heavy account is one task's: grouped at once it would be in every map task.
    rows = of_one_account(spark).repartition(8, "account_id")
    return discard(rows.groupBy("account_id").agg(characters()))


def salted_group(spark: SparkSession, salt: int) -> object:
    """The same sums, of each account's parts first."""
    rows = of_one_account(spark).withColumn("salt", F.col("id") % salt).repartition(8, "account_id", "salt")
    parts = rows.groupBy("account_id", "salt").agg(characters().alias("part"))
    sums = {
        row["account_id"]: row["sum"] for row in parts.groupBy("account_id").agg(F.sum("part").alias("sum")).collect()
    }
    heavy = 270 * 16384 * 64
    if sums[7] != heavy:
        raise AssertionError(f"account 7 has {sums[7]} characters instead of {heavy}")
    return sums


def collected(spark: SparkSession, _: Path) -> object:
    """More is collected than the driver takes."""
    return wide(spark, 100_000).collect()


def collected_too_much(spark: SparkSession, _: Path) -> object:
    """More is collected than the driver's heap holds, without a limit that says so."""
    return wide(spark, 1_500_000).repartition(20)._jdf.collect()  # rows in the driver's own heap, not in Python's


def broadcast(spark: SparkSession, _: Path) -> object:
    """A build side estimated far below what it is."""
    built = wide(spark, 3_000_000)
    joined = spark.range(3_000_000).select("id", (F.col("id") % 7).alias("n")).join(built, "id")
    return joined.agg(F.sum(F.length("text") + F.col("n"))).collect()


def spilling(spark: SparkSession, _: Path) -> object:
    """A shuffle larger than the disk it is written to."""
    return wide(spark, 1_000_000).repartition(8, "id").agg(F.sum(F.length("text"))).collect()


def python_memory(spark: SparkSession, _: Path) -> object:
    """A function in Python that takes a gigabyte."""

    def hungry(batches: Iterator[object]) -> Iterator[object]:
        kept = bytearray(1_000_000_000)
        for batch in batches:
            kept[0] = 1
            yield batch

    return spark.range(100).mapInArrow(hungry, "id long").collect()


def python_killed(spark: SparkSession, _: Path) -> object:
    """A Python worker that the operating system kills because of the size of its batches."""

    def killed(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            if batch.num_rows > 5000:
                os.kill(os.getpid(), signal.SIGKILL)
            yield batch

    return spark.range(0, 20_000, 1, 1).mapInArrow(killed, "id long").count()


def executor_killed(spark: SparkSession, _: Path) -> object:
    """An executor that is killed because its container outgrew the memory beside the heap.

    The task's own worker is the manager of the container: it looks at what it holds, and kills.
    """
    overhead = int(spark.sparkContext.getConf().get("spark.executor.memoryOverhead", "384m").removesuffix("m")) << 20

    def kill(batches: Iterator[object]) -> Iterator[object]:
        kept = b"x" * (500 << 20)
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        resident = int(status.partition("VmRSS:")[2].split()[0]) << 10
        if kept and resident > overhead:
            daemon = os.getppid()
            parent = int(Path(f"/proc/{daemon}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[1])
            os.kill(parent, signal.SIGKILL)
        yield from batches

    return spark.range(100).repartition(1).mapInArrow(kill, "id long").collect()


def shuffle_lost(spark: SparkSession, local: Path) -> object:
    """Shuffle files that vanish before they are read, as often as they are written again."""
    pairs = spark.sparkContext.parallelize([(n % 8, n) for n in range(1000)], 4).partitionBy(4)
    pairs.count()
    folder = str(local)

    def vanish(rows: Iterator[object]) -> Iterator[object]:
        for file in Path(folder).rglob("shuffle_*"):
            file.unlink(missing_ok=True)
        return rows

    for file in local.rglob("shuffle_*"):
        file.unlink()
    # The map side is computed again by the retry; the second pass of it removes its own files.
    again = spark.sparkContext.parallelize([(n % 8, n) for n in range(1000)], 4).partitionBy(4)
    again.count()
    for file in local.rglob("shuffle_*"):
        file.unlink()
    return again.mapPartitions(vanish).count()


def shuffle_kept(spark: SparkSession, _: int) -> object:
    """The same shuffle where nothing removes its files."""
    return spark.sparkContext.parallelize([(n % 8, n) for n in range(1000)], 4).partitionBy(4).count()


def driver_killed(spark: SparkSession, _: Path) -> object:
    """The driver is killed while its application runs."""
    spark.range(1000).agg(F.sum("id")).collect()
    process = spark.sparkContext._gateway.proc  # type: ignore[union-attr]
    spark._jvm.java.lang.Runtime.getRuntime().halt(137)  # type: ignore[union-attr]
    return process


DEATHS: dict[str, Death] = {
    "heap_local": Death(job=one_group, settings=SMALL),
    "heap_executor": Death(job=one_group, settings=CLUSTER),
    "skewed_key": Death(
        job=skewed_group, advised=salted_group, settings=CLUSTER | {"spark.sql.adaptive.enabled": "false"}
    ),
    "max_result": Death(job=collected, settings=SMALL | {"spark.driver.maxResultSize": "1m"}),
    "driver_heap": Death(job=collected_too_much, settings=CLUSTER | SMALL | {"spark.driver.maxResultSize": "0"}),
    "broadcast_memory": Death(job=broadcast, settings=SMALL | {"spark.sql.autoBroadcastJoinThreshold": "1g"}),
    "broadcast_limit": Death(
        job=broadcast,
        settings={"spark.sql.autoBroadcastJoinThreshold": "1g", "spark.sql.maxBroadcastTableSize": "16m"},
    ),
    "disk_full": Death(job=spilling),
    "python_memory": Death(job=python_memory, settings={"spark.executor.pyspark.memory": "256m"}),
    "python_killed": Death(job=python_killed),
    "executor_killed": Death(job=executor_killed, settings=CLUSTER),
    "shuffle_lost": Death(job=shuffle_lost, advised=shuffle_kept),
    "driver_killed": Death(job=driver_killed),
}


def counted(spark: SparkSession) -> object:
    """A scan."""
    return spark.range(1000).agg(F.sum("id")).collect()


def grouped(spark: SparkSession) -> object:
    """A shuffle of even groups."""
    return spark.range(20_000).groupBy(F.col("id") % 100).count().collect()


def joined_by_broadcast(spark: SparkSession) -> object:
    """A small build side."""
    return spark.range(20_000).join(F.broadcast(spark.range(100)), "id").count()


def joined_by_sorting(spark: SparkSession) -> object:
    """Two sides that are sorted."""
    return spark.range(20_000).hint("merge").join(spark.range(20_000), "id").count()


def windowed(spark: SparkSession) -> object:
    """A window."""
    ranked = F.row_number().over(Window.partitionBy(F.col("id") % 10).orderBy("id"))
    return discard(spark.range(5000).withColumn("n", ranked))


def a_skew_too_small_to_matter(spark: SparkSession) -> object:
    """Nine of ten rows have one key, and it is nothing."""
    return spark.range(20_000).groupBy(F.when(F.col("id") % 10 == 0, F.col("id")).otherwise(0)).count().collect()


def in_python(spark: SparkSession) -> object:
    """A function in Python."""
    return spark.range(100).mapInArrow(lambda batches: batches, "id long").collect()


def retried(spark: SparkSession) -> object:
    """Empty partitions and an exchange that adaptive execution merges."""
    return spark.range(10).repartition(50).count()


def cached(spark: SparkSession) -> object:
    """A cached frame, read twice."""
    frame = spark.range(5000).cache()
    return frame.count() + frame.count()


def limited(spark: SparkSession) -> object:
    """A limit, which runs jobs of growing size."""
    return spark.range(10_000).limit(3).collect()


def nothing(spark: SparkSession) -> object:
    """No job at all."""
    return spark.range(3).schema


def warned(spark: SparkSession) -> object:
    """A warning in the driver's log whose exception quotes a row."""
    jvm = spark._jvm
    error = jvm.java.lang.IllegalStateException("account 4711")  # type: ignore[union-attr]
    jvm.org.apache.logging.log4j.LogManager.getLogger("dq.test").warn("of a test", error)  # type: ignore[union-attr]
    return counted(spark)


HEALTHY: tuple[Callable[[SparkSession], object], ...] = (
    counted,
    grouped,
    joined_by_broadcast,
    joined_by_sorting,
    windowed,
    a_skew_too_small_to_matter,
    in_python,
    retried,
    cached,
    limited,
    nothing,
    warned,
)


def live(settings: dict[str, str]) -> int:
    """Run every healthy application in its own context, in one JVM."""
    for job in HEALTHY:
        spark = begun(job.__name__, settings)
        spark.sparkContext.setJobGroup(GROUP, GROUP)
        job(spark)
        spark.stop()
    return 0


def begun(name: str, settings: dict[str, str]) -> SparkSession:
    """A session with these settings."""
    builder = SparkSession.builder.appName(name)
    for key, value in settings.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def main() -> int:
    """Die as asked; 0 where the job passed after all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=[*DEATHS, "healthy"])
    parser.add_argument("logs", type=Path)
    parser.add_argument("--local", type=Path, required=True, help="where shuffle files go")
    parser.add_argument("--advised", type=int, help="run it as a recommendation in words says, with this number")
    parser.add_argument("--conf", action="append", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args()
    given = dict(pair.partition("=")[::2] for pair in arguments.conf)
    place = {"spark.local.dir": str(arguments.local), "spark.eventLog.dir": arguments.logs.resolve().as_uri()}
    if arguments.name == "healthy":
        return live(BASE | place | given)
    death = DEATHS[arguments.name]
    spark = begun(f"death of {arguments.name}", BASE | place | death.settings | given)
    spark.sparkContext.setLogLevel("OFF")
    spark.sparkContext.setJobGroup(GROUP, GROUP)
    try:
        if death.advised and arguments.advised is not None:
            death.advised(spark, arguments.advised)
        else:
            death.job(spark, arguments.local)
    except BaseException as failure:
        sys.stderr.write(f"{type(failure).__name__}: {str(failure)[:2000]}\n")
        spark.stop()
        return 1
    spark.stop()
    return 0


if __name__ == "__main__":
    code = main()
    shutil.rmtree("spark-warehouse", ignore_errors=True)
    sys.exit(code)
