"""A company that is closed on Saturdays publishes its tables of days: nothing is expected then, and nothing is lost."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from runs_support import Bench

from demo.changes import without
from demo.defects import Defect, apply
from dq import store
from dq.base.model import Severity
from dq.base.periods import days_between, days_of

pytestmark = pytest.mark.run

MONTH = "2026-09"
CLOSED = "\nclosed: {weekdays: [saturday], reason: the product is switched off on Saturdays}\n"


@pytest.fixture
def closed_on_saturdays(spark: SparkSession, bench: Bench, project_copy: Callable[[], Path]) -> Bench:
    """The company without an event on any Saturday, and a copy of the project that does not say so yet."""
    for month in ("2026-08", MONTH, "2026-10"):
        quiet = Defect(
            id="F05-clicks-quiet",
            source="clicks",
            month=month,
            title="no events on Saturdays",
            change=without("dayofweek(event_date) = 7"),
        )
        apply(spark, bench.sources, quiet)
    bench.home = project_copy()
    return bench


@pytest.mark.timeout(1_500)
def test_days_on_which_nothing_is_expected_may_be_empty_from_the_events_to_the_investors(
    spark: SparkSession, closed_on_saturdays: Bench
) -> None:
    bench = closed_on_saturdays
    held = bench.run("user_days", MONTH)
    assert held.code == 1
    assert "user_days_every_day" in held.alarms

    sources = bench.home / "jobs" / "sources.yml"
    sources.write_text(sources.read_text(encoding="utf-8") + CLOSED, encoding="utf-8")
    saturdays = [day for day in days_between(*days_of(MONTH)) if day.weekday() == 5]
    for pipeline in ("user_days", "engagement_daily", "investor_engagement"):
        ran = bench.run(pipeline, MONTH)
        assert ran.code == 0, ran.out
        assert [name for name in ran.alarms if ran.result(name).severity is Severity.CRITICAL] == []
    commit = store.Warehouse(bench.warehouse).table("user_days").current()
    assert commit is not None
    assert {period for period, entry in commit.entries.items() if not entry.rows} == {str(day) for day in saturdays}
    assert len(commit.entries) == 30
    assert {row["day"] for row in bench.published(spark, "user_days", MONTH)} == {
        day for day in days_between(*days_of(MONTH)) if day not in saturdays
    }
    # A week with a closed day is a whole week: those who were active in it are counted.
    investors = bench.published(spark, "investor_engagement", MONTH)
    assert {(row["wau"] is None, row["wau_reason"]) for row in investors} == {(False, None)}
    engagement = bench.published(spark, "engagement_daily", MONTH)
    assert {row["wau_reason"] for row in engagement if row["day"] >= date(2026, 9, 7)} == {None}  # type: ignore[operator]
    again = bench.run("user_days", MONTH)
    assert (again.code, again.record.already_published) == (0, True)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("with_file", [True, False])
def test_a_month_that_begins_with_a_closed_day_is_published_from_that_day_on(
    bench: Bench, spark: SparkSession, project_copy: Callable[[], Path], with_file: bool
) -> None:
    first = Defect(
        id="F05-clicks-quiet",
        source="clicks",
        month="2026-10",
        title="no event on the first",
        change=without("event_date = '2026-10-01'"),
    )
    if with_file:
        apply(spark, bench.sources, first)
    else:
        for folder in bench.sources.rglob("*2026-10*"):
            if "clicks" in str(folder) and folder.exists():
                shutil.rmtree(folder) if folder.is_dir() else folder.unlink()
    bench.home = project_copy()
    held = bench.run("user_days", "2026-10", "2026-10-02T06:00:00Z")
    assert held.code == 3, held.out
    sources = bench.home / "jobs" / "sources.yml"
    closed = "\nclosed: {days: ['2026-10-01'], reason: the product is switched off}\n"
    sources.write_text(sources.read_text(encoding="utf-8") + closed, encoding="utf-8")
    ran = bench.run("user_days", "2026-10", "2026-10-02T06:00:00Z")
    assert (ran.code, ran.alarms) == (0, []), ran.out
    commit = store.Warehouse(bench.warehouse).table("user_days").current()
    assert commit is not None
    assert {period: entry.rows for period, entry in commit.entries.items()} == {"2026-10-01": 0}
    assert bench.published(spark, "user_days", "2026-10-01") == []
