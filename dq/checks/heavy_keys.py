"""The key that most rows hold: its share of a grouping or a join, and the rows that a join on it makes of one."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, cast

from dq.base.errors import EvaluationError
from dq.base.model import Evidence, Json, Outcome
from dq.checks.custom_check import Judge, Judged, Request
from dq.checks.key_rows import key_rows
from dq.diagnose.findings import salt, size_of
from dq.diagnose.findings import shown as size_shown
from dq.engine.gather import percent, whole

if TYPE_CHECKING:
    from pyspark.sql import Row, SparkSession

PARTITIONS = "spark.sql.shuffle.partitions"
ADAPTIVE = ("spark.sql.adaptive.enabled", "spark.sql.adaptive.skewJoin.enabled")
# Spark splits a partition of a join that has more bytes than the first, more than so many times the median, and more
# than the size it aims at; never one of a grouping.
THRESHOLD = "spark.sql.adaptive.skewJoin.skewedPartitionThresholdInBytes"
FACTOR = "spark.sql.adaptive.skewJoin.skewedPartitionFactor"
ADVISORY = "spark.sql.adaptive.advisoryPartitionSizeInBytes"


def heaviest_key_share_to_be_at_most(request: Request) -> Judge:
    """The share of the value that most rows hold; NULL counts as a value, since one task gets all of its rows too."""
    from pyspark.sql import functions as F

    name = request.text("column")
    read = _heaviest(request, name)
    read_rows = request.own_total("rows", F.count(F.lit(1)))
    allowed = request.share("max_share")

    def judge() -> Judged:
        rows, found = whole(read_rows()), read()
        if not rows or not found:
            raise EvaluationError("no rows to evaluate", where=request.dataset.name)
        count = whole(found["n"])
        share = Decimal(count) / rows
        measures: dict[str, Json] = {"element_count": rows, "heaviest": count}
        which = f"the {name} {found['value']}" if request.check.show else f"the heaviest {name}"
        observed = f"{which} holds {count:,} of {rows:,} rows ({percent(share)}; allowed {percent(allowed)})"
        if share <= allowed:
            return Judged(outcome=Outcome.PASSED, observed=observed, measures=measures, evidence=Evidence.KEY_PASS)
        size = sum(file.size for file in request.dataset.files)
        observed += f"; one task does its work: {advice(request.frame.sparkSession, name, share, size)}"
        return Judged(outcome=Outcome.FAILED, observed=observed, measures=measures, evidence=Evidence.KEY_PASS)

    return judge


def rows_per_key_to_be_at_most(request: Request) -> Judge:
    """The rows of the value that most rows hold: so many a join on it makes of one row before anything is filtered."""
    from pyspark.sql import functions as F

    name = request.text("column")
    read = _heaviest(request, name)
    read_rows = request.own_total("rows", F.count(F.lit(1)))
    allowed = request.count("max_rows", 1)

    def judge() -> Judged:
        rows, found = whole(read_rows()), read()
        if not rows or not found:
            raise EvaluationError("no rows to evaluate", where=request.dataset.name)
        count = whole(found["n"])
        which = f"the {name} {found['value']}" if request.check.show else f"the heaviest {name}"
        observed = f"{which} has {count:,} of {rows:,} rows (allowed {allowed:,}): joined, one row becomes as many"
        measures: dict[str, Json] = {"element_count": rows, "heaviest": count}
        if count <= allowed:
            return Judged(outcome=Outcome.PASSED, observed=observed, measures=measures, evidence=Evidence.KEY_PASS)
        observed += "; keep only the rows that are valid before it"
        return Judged(outcome=Outcome.FAILED, observed=observed, measures=measures, evidence=Evidence.KEY_PASS)

    return judge


def advice(spark: SparkSession, name: str, share: Decimal, size: int) -> str:
    """By how much to salt a column of which one value holds a share of the rows, and when Spark splits a join of it.

    ``size`` are the bytes of the files the rows are read from, 0 where they are not known.
    """
    parts = int(spark.conf.get(PARTITIONS) or 0) or 1
    told = f"salt {name} by {salt(float(share * parts), 1)}, which cuts it to an average partition of {parts}"
    settings = split_by_spark(spark, int(share * size), float(share), parts)
    return f"{told}; {settings}" if settings else told


def split_by_spark(spark: SparkSession, heavy: int, share: float, parts: int) -> str:
    """The settings with which a join splits a partition of so many bytes, an estimate; empty where it is too small."""
    off = [key for key in ADAPTIVE if (spark.conf.get(key) or "").lower() == "false"]
    limits = {key: size_of(spark.conf.get(key) or "") or 0 for key in (THRESHOLD, ADVISORY)}
    if heavy <= limits[ADVISORY]:
        return ""
    others = (1 - share) / parts
    times, factor = (share + others) / others if others else math.inf, float(spark.conf.get(FACTOR) or 5)
    wanted = [f"{key} to true" for key in off]
    if heavy <= limits[THRESHOLD]:
        half = f"{max(1, heavy // 2 >> 20)}m"
        wanted.append(f"{THRESHOLD} to {half} (now {size_shown(limits[THRESHOLD])})")
    if times <= factor:
        wanted.append(f"{FACTOR} to {times / 2:.1f} (now {factor:.1f})")
    if not wanted:
        return f"a join splits its {size_shown(heavy)} by itself, a grouping cannot"
    return f"so that a join splits its {size_shown(heavy)}, set {' and '.join(wanted)}"


def _heaviest(request: Request, name: str) -> Callable[[], Row | None]:
    """A reader of the ``value`` that most rows hold, and ``n``, how many; None without rows."""
    from pyspark.sql import functions as F

    groups = key_rows(request, [name])
    # Of values with as many rows the least, so that it is the same one every time.
    first = F.min_by(F.struct(F.col("key0").alias("value"), "n"), F.struct(-F.col("n"), "key0"))
    return cast("Callable[[], Row | None]", request.gather.of_groups(groups, "heaviest", first))
