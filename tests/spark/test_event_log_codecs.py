"""What Spark's own codecs write is what `dq diagnose` reads, whole and cut off."""

from __future__ import annotations

from pathlib import Path

import event_logs as logs
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from dq.diagnose import diagnose

HEAP = logs.raised("java.lang.OutOfMemoryError", "Java heap space")


def compressed(spark: SparkSession, codec: str, data: bytes, path: Path) -> None:
    """Write bytes to a file through the stream that an event log is written through."""
    jvm = spark._jvm
    assert jvm is not None
    conf = jvm.org.apache.spark.SparkConf()
    codecs = jvm.org.apache.spark.io.CompressionCodec
    target = jvm.java.io.FileOutputStream(str(path))
    stream = codecs.createCodec(conf, codec).compressedContinuousOutputStream(target)
    for at in range(0, len(data), 100_000):
        stream.write(data[at : at + 100_000])
        stream.flush()
    stream.close()


@pytest.mark.parametrize("codec", ["zstd", "lz4", "snappy"])
def test_a_log_through_sparks_codec_is_read_whole_and_cut_off(codec: str, spark: SparkSession, tmp_path: Path) -> None:
    died = [logs.job(0, [0]), logs.stage(0, 1), logs.task(0, why=HEAP)]
    events = [*logs.start(), *died, *[logs.task(0, index=n) for n in range(600)], logs.job_end(0, "x"), logs.end()]
    path = tmp_path / f"local-1.{codec}"
    compressed(spark, codec, logs.text(events), path)
    whole = diagnose(path)
    assert (whole.facts.lines, whole.facts.damaged, whole.facts.torn) == (len(events), 0, False)
    assert [cause.cause for cause in whole.causes] == ["executor_heap"]

    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 4 // 5])
    half = diagnose(path)
    assert half.facts.torn
    assert half.facts.damaged == 0
    assert 0 < half.facts.lines < len(events)
    assert [cause.cause for cause in half.causes] == ["executor_heap"]


def test_no_line_that_spark_writes_is_damaged(spark: SparkSession, tmp_path: Path) -> None:
    """Its own listener writes the log of a grouping and a join, whose stages have several RDDs each."""
    jvm, context = spark._jvm, spark.sparkContext._jsc.sc()
    assert jvm is not None
    conf = context.conf().clone()
    conf.set("spark.eventLog.compress", "false").set("spark.eventLog.rolling.enabled", "false")
    none = getattr(getattr(jvm.scala, "None$"), "MODULE$")
    listener = jvm.org.apache.spark.scheduler.EventLoggingListener(
        "local-7", none, jvm.java.net.URI(tmp_path.as_uri()), conf, context.hadoopConfiguration()
    )
    listener.start()
    context.listenerBus().waitUntilEmpty()
    context.addSparkListener(listener)
    try:
        rows = spark.range(0, 1000, 1, 4).withColumn("account_id", F.col("id") % 7)
        sums = rows.groupBy("account_id").agg(F.sum("id").alias("sum"))
        assert rows.hint("merge").join(sums, "account_id").agg(F.count("*")).collect() == [(1000,)]
        context.listenerBus().waitUntilEmpty()
    finally:
        context.removeSparkListener(listener)
        listener.stop()
    (log,) = tmp_path.iterdir()
    found = diagnose(log).facts
    assert found.damaged == 0
    stages = list(found.stages.values())
    assert len(stages) >= 3
    assert all(stage.completed and stage.tasks and stage.name for stage in stages)
    assert any("account_id" in stage.keys for stage in stages)
