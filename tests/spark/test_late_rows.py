"""The rows of a final month that became known only afterwards, whatever was delivered twice or published in parts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from sources_support import CONTRACTS, config, order, write_parquet

from dq.base import periods
from dq.run import late_rows
from dq.sources import SourcesConfig

FIRST, SECOND = datetime(2026, 11, 3, 6, tzinfo=UTC), datetime(2026, 11, 10, 6, tzinfo=UTC)
NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)
DAYS = periods.days_between(*periods.days_of("2026-10"))
DELIVERED = CONTRACTS.replace(
    "    columns", "    duplicates: {rule: drop_identical, delivery: [recorded_at]}\n    columns"
)


def found(spark: SparkSession, loaded: SourcesConfig, finals: Mapping[datetime, list[date]]) -> tuple[Any, Any]:
    project: Any = SimpleNamespace(sources=loaded)
    both = late_rows._read(spark, project, "orders", late_rows._whole("2026-10", NOW), finals)
    assert not isinstance(both, str)
    return both


def ids(frame: DataFrame) -> list[str]:
    return sorted(row["line_id"] for row in frame.select("line_id").collect())


def test_a_row_is_late_when_it_became_known_after_its_own_day_was_published(
    spark: SparkSession, tmp_path: Path
) -> None:
    rows = [
        order("in time"),
        order("just in time", recorded_at=FIRST),
        order("late", recorded_at=FIRST + timedelta(microseconds=1)),
        order("not known yet", recorded_at=NOW + timedelta(microseconds=1)),
        order("published later", day=date(2026, 10, 31), recorded_at=SECOND),
        order("late for the later one", day=date(2026, 10, 31), recorded_at=NOW),
    ]
    write_parquet(tmp_path / "data/orders/month=2026-10/a.parquet", rows)
    rows_late, month = found(spark, config(tmp_path), {FIRST: DAYS[:-1], SECOND: DAYS[-1:]})
    assert ids(rows_late) == ["late", "late for the later one"]
    assert month.count() == 5


def test_what_had_come_in_time_and_was_delivered_again_is_not_late(spark: SparkSession, tmp_path: Path) -> None:
    rows = [
        order("again", recorded_at=FIRST - timedelta(days=1)),
        order("again", recorded_at=FIRST + timedelta(days=1)),
        order("late twice", recorded_at=FIRST + timedelta(days=1)),
        order("late twice", recorded_at=FIRST + timedelta(days=2)),
    ]
    write_parquet(tmp_path / "data/orders/month=2026-10/a.parquet", rows)
    rows_late, _ = found(spark, config(tmp_path, contract_text=DELIVERED), {FIRST: DAYS})
    assert [(row["line_id"], row["recorded_at"].day) for row in rows_late.collect()] == [("late twice", 4)]


@pytest.mark.parametrize("text", [CONTRACTS, DELIVERED])
def test_where_the_footers_prove_that_nothing_came_late_no_row_is_looked_at(
    spark: SparkSession, tmp_path: Path, text: str
) -> None:
    write_parquet(tmp_path / "data/orders/month=2026-10/a.parquet", [order("in time")])
    rows_late, month = found(spark, config(tmp_path, contract_text=text), {FIRST: DAYS})
    assert (ids(rows_late), ids(month)) == ([], ["in time"])
    assert "parquet" not in rows_late._jdf.queryExecution().optimizedPlan().toString().lower()


def test_of_a_source_that_is_read_up_to_a_day_a_row_of_an_earlier_month_is_late_too(
    spark: SparkSession, tmp_path: Path
) -> None:
    rows = [
        order("long ago", day=date(2026, 8, 3), recorded_at=FIRST + timedelta(days=1)),
        order("known long ago", day=date(2026, 8, 3), recorded_at=datetime(2026, 8, 3, tzinfo=UTC)),
        order("of this month", day=date(2026, 11, 2), recorded_at=FIRST + timedelta(days=1)),
        order("late", recorded_at=FIRST + timedelta(days=1)),
    ]
    # Filed under the month in which they became known.
    write_parquet(tmp_path / "data/orders/month=2026-11/a.parquet", rows)
    write_parquet(tmp_path / "data/orders/month=2026-10/a.parquet", [order("in time")])
    loaded = config(tmp_path, contract_text=CONTRACTS.replace("read: period", "read: until"))
    rows_late, month = found(spark, loaded, {FIRST: DAYS})
    assert ids(rows_late) == ["late", "long ago"]
    assert ids(month) == ["in time", "late"]


def test_a_month_that_cannot_be_looked_at_says_why(spark: SparkSession, tmp_path: Path) -> None:
    project: Any = SimpleNamespace(sources=config(tmp_path))
    (tmp_path / "data" / "orders").mkdir(parents=True)
    said = late_rows._read(spark, project, "orders", late_rows._whole("2026-10", NOW), {FIRST: DAYS})
    assert "2026-10 cannot be looked at again: orders: no files for 2026-10" in str(said)
