"""What jobs compute with: what master data said of a key on a day."""

from __future__ import annotations

from datetime import UTC, date, datetime

from pyspark.sql import SparkSession
from pyspark.sql import functions as sf

import dq


def test_on_each_day_the_newest_sync_of_the_version_that_had_begun_is_valid(spark: SparkSession) -> None:
    def version(key: str | None, begins: date | None, place: str | None, synced: int) -> tuple[object, ...]:
        return key, begins, place, datetime(2026, 10, synced, tzinfo=UTC)

    versions = spark.createDataFrame(
        [
            version("a", date(2026, 10, 3), "south", 3),
            version("a", date(2026, 10, 3), "west", 4),
            version("a", date(2026, 10, 1), "north", 5),
            version("a", None, "nowhere", 9),
            version("b", date(2026, 10, 1), None, 1),
            version(None, date(2026, 10, 1), "lost", 1),
        ],
        "key string, valid_from date, place string, synced_at timestamp",
    )
    rows = spark.createDataFrame(
        [
            *(("a", date(2026, 9 + n // 30, n % 30 + 1)) for n in (29, 30, 31, 32)),
            ("b", date(2026, 10, 2)),
            (None, None),
        ],
        "key string, day date",
    )
    found = dq.valid_on(
        rows,
        versions,
        key="key",
        columns=["place"],
        days={"": sf.col("day"), "_before": sf.date_sub("day", 1)},
        otherwise="unallocated",
    )
    assert sorted(found.columns) == ["day", "key", "place", "place_before"]
    said = {(row.key, row.day and row.day.day): (row.place, row.place_before) for row in found.collect()}
    assert said == {
        ("a", 30): ("unallocated", "unallocated"),
        ("a", 1): ("north", "unallocated"),
        ("a", 2): ("north", "north"),
        ("a", 3): ("west", "north"),
        ("b", 2): ("unallocated", "unallocated"),
        (None, None): ("unallocated", "unallocated"),
    }
