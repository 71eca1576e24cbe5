"""The key that most rows hold, and how to salt it: what checks of heavy keys share."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, cast

from dq.checks.custom_check import Request
from dq.checks.key_rows import key_rows

if TYPE_CHECKING:
    from pyspark.sql import Row, SparkSession

PARTITIONS = "spark.sql.shuffle.partitions"
ADAPTIVE = ("spark.sql.adaptive.enabled", "spark.sql.adaptive.skewJoin.enabled")
# Spark splits a partition of a join that has more bytes than the first, more than so many times the median, and more
# than the size it aims at; never one of a grouping.
THRESHOLD = "spark.sql.adaptive.skewJoin.skewedPartitionThresholdInBytes"
FACTOR = "spark.sql.adaptive.skewJoin.skewedPartitionFactor"
ADVISORY = "spark.sql.adaptive.advisoryPartitionSizeInBytes"


def advice(spark: SparkSession, name: str, share: Decimal, size: int) -> str:
    """By how much to salt a column of which one value holds a share of the rows, and when Spark splits a join of it.

    ``size`` are the bytes of the files the rows are read from, 0 where they are not known.
    """
    from dq.diagnose.findings import salt  # with all of the diagnosis, for which reading a suite has not to wait

    parts = int(spark.conf.get(PARTITIONS) or 0) or 1
    told = f"salt {name} by {salt(float(share * parts), 1)}, which cuts it to an average partition of {parts}"
    settings = split_by_spark(spark, int(share * size), float(share), parts)
    return f"{told}; {settings}" if settings else told


def split_by_spark(spark: SparkSession, heavy: int, share: float, parts: int) -> str:
    """The settings with which a join splits a partition of so many bytes, an estimate; empty where it is too small."""
    from dq.diagnose.findings import shown, size_of

    off = [key for key in ADAPTIVE if (spark.conf.get(key) or "").lower() == "false"]
    limits = {key: size_of(spark.conf.get(key) or "") or 0 for key in (THRESHOLD, ADVISORY)}
    if heavy <= limits[ADVISORY]:
        return ""
    others = (1 - share) / parts
    times, factor = (share + others) / others if others else math.inf, float(spark.conf.get(FACTOR) or 5)
    wanted = [f"{key} to true" for key in off]
    if heavy <= limits[THRESHOLD]:
        half = f"{max(1, heavy // 2 >> 20)}m"
        wanted.append(f"{THRESHOLD} to {half} (now {shown(limits[THRESHOLD])})")
    if times <= factor:
        wanted.append(f"{FACTOR} to {times / 2:.1f} (now {factor:.1f})")
    if not wanted:
        return f"a join splits its {shown(heavy)} by itself, a grouping cannot"
    return f"so that a join splits its {shown(heavy)}, set {' and '.join(wanted)}"


def heaviest(request: Request, name: str) -> Callable[[], Row | None]:
    """A reader of the ``value`` that most rows hold, and ``n``, how many; None without rows."""
    from pyspark.sql import functions as F

    groups = key_rows(request, [name])
    # Of values with as many rows the least, so that it is the same one every time.
    first = F.min_by(F.struct(F.col("key0").alias("value"), "n"), F.struct(-F.col("n"), "key0"))
    return cast("Callable[[], Row | None]", request.gather.of_groups(groups, "heaviest", first))
