"""What the broadcast hint says of a join is what Spark plans, and what it recommends changes that plan."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T

from dq.base.thresholds import Thresholds
from dq.run import hints
from dq.run.hints import Input, Machine

ROWS, WIDE = 20_000, 10


def planned(frame: DataFrame) -> str:
    return str(frame._jdf.queryExecution().toString())


@pytest.mark.parametrize("kept", [1, 2])
def test_the_setting_of_the_hint_stops_the_broadcast_of_a_table_whose_files_exceed_the_limit(
    kept: int, spark: SparkSession, tmp_path: Path
) -> None:
    columns = {"id": pa.array(range(ROWS))}
    columns |= {f"c{n}": pa.array([(row * 7919 + n) ** 2 for row in range(ROWS)]) for n in range(WIDE)}
    path = tmp_path / "accounts.parquet"
    pq.write_table(pa.table(columns), path)
    size = path.stat().st_size
    frame = spark.read.parquet(str(path))
    accounts = Input(name="accounts", files={str(path): size}, columns=hints._columns(frame))
    clicks = Input(name="clicks", files={"/c": 1 << 30}, columns=[8])
    limit = accounts.estimated(kept)
    assert limit < size

    def joined() -> DataFrame:
        left = spark.range(50_000_000)
        return left.join(frame.select("id", *[f"c{n}" for n in range(kept - 1)]), "id")

    try:
        spark.conf.set(hints.BROADCAST, f"{limit}b")
        assert "BroadcastHashJoin" in planned(joined())
        machine = Machine(heaps={"spark.driver.memory": 1 << 20}, task_memory=1, broadcast=limit, partitions=1)
        (hint,) = hints.too_large_to_broadcast([accounts, clicks], machine, Thresholds())
        assert f"Spark takes {kept} of its {WIDE + 1} columns" in hint.sentence
        key, _, value = hint.sentence.partition("set ")[2].partition(",")[0].partition(" to ")
        spark.conf.set(key, value)
        assert "BroadcastHashJoin" not in planned(joined())
        # It was the estimate: with a byte less than it Spark does not broadcast what it keeps.
        spark.conf.set(hints.BROADCAST, f"{limit - 1}b")
        assert "BroadcastHashJoin" not in planned(joined())
    finally:
        spark.conf.unset(hints.BROADCAST)


@pytest.mark.parametrize(
    "of",
    [
        *(T.BooleanType(), T.ByteType(), T.ShortType(), T.IntegerType(), T.LongType(), T.FloatType(), T.DoubleType()),
        *(T.StringType(), T.BinaryType(), T.DateType(), T.TimestampType(), T.TimestampNTZType()),
        *(
            T.DecimalType(18, 2),
            T.DecimalType(38, 2),
            T.ArrayType(T.LongType()),
            T.MapType(T.StringType(), T.IntegerType()),
        ),
        T.StructType([T.StructField("a", T.LongType()), T.StructField("b", T.StringType())]),
    ],
    ids=lambda of: of.simpleString(),
)
def test_the_default_bytes_of_a_type_are_sparks(of: T.DataType, spark: SparkSession) -> None:
    parsed = spark._jvm.org.apache.spark.sql.types.DataType.fromJson(of.json())  # type: ignore[union-attr]
    assert hints.default_bytes(of) == parsed.defaultSize()


def test_the_cores_of_a_session_on_all_cores_are_counted(spark: SparkSession) -> None:
    from dq.diagnose import live
    from dq.diagnose.facts import Facts
    from dq.diagnose.spark_settings import cores

    found = live.settings(spark)
    assert cores(Facts(settings=found)) == spark.sparkContext.defaultParallelism
    asked = {"spark.master": "local[*]"}
    store = live._Store(spark)
    store._context = _Given(asked)  # type: ignore[assignment]
    assert cores(Facts(settings=asked)) == 1
    assert cores(Facts(settings=store.settings())) == spark.sparkContext.defaultParallelism


class _Given:
    """A context that has these settings."""

    def __init__(self, settings: dict[str, str]) -> None:
        self._settings = settings

    def getConf(self) -> _Given:  # noqa: N802 - Spark's name
        return self

    def getAll(self) -> list[tuple[str, str]]:  # noqa: N802
        return list(self._settings.items())
