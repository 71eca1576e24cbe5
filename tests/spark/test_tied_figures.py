"""What two published tables say of the same thing is tied together, by the checks that the suites declare."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from dq.base.model import Outcome
from dq.declare import project as projects
from dq.engine.dataset import Context, Dataset
from dq.judge.evaluate import evaluate

BOUND = projects.load(Path(__file__).resolve().parents[2]).bound
GROWTH = "day date, account_id string, revenue decimal(18,2), seats_closing bigint, active_users bigint"
WEEK = "row_kind string, day date, account_id string, unit_rows bigint, revenue decimal(18,2), seats bigint, "
WEEK += "active_users bigint"
DAY = date(2026, 10, 5)


def outcome(frame: DataFrame, check: str, tables: dict[str, DataFrame]) -> Outcome:
    """What the declared check of a published table says of a frame beside others."""
    [pipeline] = [bound for bound in BOUND.values() if any(one.check == check for one in bound.checks[bound.name])]
    [declared] = [one for one in pipeline.checks[pipeline.name] if one.check == check]
    dataset = Dataset(name=pipeline.name, frame=frame)
    [result] = evaluate([declared], dataset, Context(tables={pipeline.name: frame, **tables}))
    return result.outcome


def growth(spark: SparkSession, revenue: str = "310.00", seats: int = 4, users: int = 200) -> DataFrame:
    rows = [(DAY, "a", Decimal(revenue), seats, users), (DAY, "b", Decimal("0.00"), 0, None)]
    return spark.createDataFrame(rows, GROWTH)


@pytest.mark.parametrize(
    ("metric", "check", "table", "other"),
    [
        ("revenue", "report_revenue_is_that_of_growth_too", "growth_daily", {"revenue": "310.01"}),
        ("seats", "report_seats_are_those_of_growth_too", "growth_daily.last_day", {"seats": 5}),
    ],
)
def test_the_page_for_executives_holds_growth_against_the_profit_units(
    spark: SparkSession, metric: str, check: str, table: str, other: dict[str, str]
) -> None:
    value = Decimal("310.00") if metric == "revenue" else Decimal(4)
    page = spark.createDataFrame([(metric, value), ("profit", Decimal("-1.00"))], "metric string, value decimal(38,6)")
    assert outcome(page, check, {table: growth(spark)}) is Outcome.PASSED
    assert outcome(page, check, {table: growth(spark, **other)}) is Outcome.FAILED  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("check", "same", "differs"),
    [
        ("experiments_revenue_is_that_of_growth_too", {}, {"revenue": "310.01"}),
        ("experiments_revenue_is_that_of_growth_too", {}, {"seats": 5}),
        # One user in a hundred may be counted under the account of the event by one table alone.
        ("experiments_users_are_those_of_growth_too", {"users": 202}, {"users": 203}),
        ("experiments_users_are_those_of_growth_too", {"users": 199}, {"users": 197}),
    ],
)
def test_weeks_for_experiments_hold_growth_against_profit_and_engagement(
    spark: SparkSession, check: str, same: dict[str, int], differs: dict[str, int]
) -> None:
    week = spark.createDataFrame([("day", DAY, "a", 1, Decimal("310.00"), 4, 200)], WEEK)
    for said, wanted in (({}, Outcome.PASSED), (same, Outcome.PASSED), (differs, Outcome.FAILED)):
        assert outcome(week, check, {"growth_daily": growth(spark, **said)}) is wanted, said  # type: ignore[arg-type]
