"""What a running session says of its own jobs: by group, with the step, the spread of tasks and what was read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as sf

from dq.base.thresholds import Thresholds
from dq.diagnose import live, skew, strain

# Everything is worth a word, so that a small job shows all of it.
KEEN = Thresholds(skew_bytes=1, skew_seconds=0.001, skew_factor=2.0, minimum_task_seconds=0.0)
RUN, OTHER = "profit_unit-2026-10-20261104t030000000000z-abcdef", "growth_daily-2026-10-20261104t030000000000z-abcdef"


def test_what_a_group_of_jobs_strained_is_told_with_its_step(spark: SparkSession, tmp_path: Path) -> None:
    began = datetime.now(UTC) - timedelta(seconds=1)
    context = spark.sparkContext
    context.setJobGroup(OTHER, "computing another")
    spark.range(50_000).write.parquet(str(tmp_path / "rows"))
    context.setJobGroup(RUN, "computing profit_unit")
    rows = spark.read.parquet(str(tmp_path / "rows"))
    # Nineteen of twenty rows have one key: with the plan as it is written one task of four gets them.
    spark.conf.set("spark.sql.adaptive.enabled", "false")
    try:
        skewed = rows.withColumn("key", sf.expr("if(id % 20 = 0, id, -1)")).repartition(4, "key")
        skewed.write.format("noop").mode("overwrite").save()
    finally:
        spark.conf.unset("spark.sql.adaptive.enabled")
    context.setJobGroup(OTHER, "after")
    facts = live.read(spark, RUN, began, KEEN)

    assert (facts.rows_in, facts.rows_in_again) == (50_000, 0)
    assert {stage.step for stage in facts.stages.values()} == {"computing profit_unit"}
    assert facts.failed_tasks == 0
    assert not facts.lost_executors
    heavy = max(facts.stages.values(), key=lambda stage: stage.rows_read.largest)
    assert (heavy.rows_read.total, heavy.rows_read.count) == (50_000, 4)
    assert heavy.rows_read.largest > 47_000
    (found,) = skew.skewed_keys(facts, KEEN, ())
    assert f"stage {heavy.stage}.0 (computing profit_unit): one of 4 tasks read" in found.evidence[0]
    # On a cluster the heap is asked for by executor; here the driver is the only one, and as full as the stage says.
    asked = live._Store(spark).peaks(heavy.stage, heavy.attempt)
    assert asked == {"driver": heavy.peak_heap}
    # At the field's thresholds the same job is none worth a word, and its tasks are not even asked for.
    quiet = live.read(spark, RUN, began, Thresholds())
    assert skew.skewed_keys(quiet, Thresholds(), ()) == []
    assert {stage.seconds.count for stage in quiet.stages.values()} == {0}
    assert live.read(spark, "nobody-2026-10-20261104t030000000000z-abcdef", began, KEEN).stages == {}


def test_a_task_that_failed_is_counted_and_the_rows_it_read_are_not(spark: SparkSession, tmp_path: Path) -> None:
    began = datetime.now(UTC) - timedelta(seconds=1)
    spark.range(0, 8, 1, 1).write.parquet(str(tmp_path / "rows"))
    spark.sparkContext.setJobGroup(RUN.replace("abcdef", "abcde0"), "checking")
    failing = sf.expr("if(id = 3, cast(raise_error('planted') as bigint), id)")
    frame = spark.read.parquet(str(tmp_path / "rows")).select(failing.alias("x"))
    with pytest.raises(Exception, match="planted"):
        frame.collect()
    facts = live.read(spark, RUN.replace("abcdef", "abcde0"), began, KEEN)
    assert facts.failed_tasks >= 1
    assert (facts.rows_in, facts.rows_in_again) == (0, 8)
    assert [one.cause for one in strain.strains(facts, KEEN)][-1] == "failed_tasks"


def test_what_an_executor_spilled_is_told(spark: SparkSession) -> None:
    began = datetime.now(UTC) - timedelta(seconds=1)
    run = RUN.replace("abcdef", "abcde1")
    spark.sparkContext.setJobGroup(run, "checking")
    # A window keeps ten rows of a partition in memory, and of the rest a hundred at a time.
    small = {
        "spark.sql.windowExec.buffer.in.memory.threshold": "10",
        "spark.sql.windowExec.buffer.spill.threshold": "100",
    }
    try:
        for key, value in small.items():
            spark.conf.set(key, value)
        counted = spark.range(5000).withColumn("n", sf.count("id").over(Window.partitionBy(sf.col("id") % 2)))
        counted.write.format("noop").mode("overwrite").save()
    finally:
        for key in small:
            spark.conf.unset(key)
    facts = live.read(spark, run, began, KEEN)
    spilled = sum(stage.spilled_disk for stage in facts.stages.values())
    assert spilled > 0
    assert facts.executors["driver"].spilled == spilled
    (told,) = (one for one in strain.strains(facts, Thresholds(spill_bytes=1)) if one.cause == "spill")
    assert "(checking)" in told.evidence[0]


def test_a_table_that_was_broadcast_is_told_with_its_size_and_a_shuffle_is_not(spark: SparkSession) -> None:
    began = datetime.now(UTC) - timedelta(seconds=1)
    run = RUN.replace("abcdef", "abcde2")
    spark.sparkContext.setJobGroup(run, "computing profit_unit")
    built = spark.range(1000).withColumn("text", sf.sha2(sf.col("id").cast("string"), 256))
    joined = spark.range(20_000).join(sf.broadcast(built), "id")
    joined.groupBy(sf.col("id") % 7).agg(sf.max("text")).write.format("noop").mode("overwrite").save()
    spark.range(20_000).repartition(4).write.format("noop").mode("overwrite").save()
    spark.sparkContext.setJobGroup(OTHER, "computing another")
    spark.range(10).join(sf.broadcast(built), "id").write.format("noop").mode("overwrite").save()
    facts = live.read(spark, run, began, Thresholds(broadcast_bytes=1))
    ((query, size),) = facts.broadcasts.items()
    assert size > 1000 * 64  # a thousand hashes of 64 characters
    (told,) = (one for one in strain.strains(facts, Thresholds(broadcast_bytes=1)) if one.cause == "large_broadcast")
    assert told.evidence[0].startswith(f"query {query}: the driver built ")
    assert live.read(spark, run, began, Thresholds(broadcast_bytes=100 * size)).broadcasts == {}
