"""Sums of doubles that checks tell and judge: the same in whatever order the rows come."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from custom_checks import check, evaluate, frame, tables
from pyspark.sql import DataFrame, SparkSession

from dq.base.model import Json, Outcome

pytestmark = pytest.mark.run

LARGE = 1e16
"""Beyond 2^53, so that adding 1 to it adds nothing."""
AMOUNTS = (LARGE, 1.0, 1.0, 1.0, 1.0)
SUM = Decimal("10000000000000004")
SCHEMA = "key string, account string, day date, seen timestamp, none double, amount double"
DAY, SEEN = date(2026, 10, 5), datetime(2026, 10, 20, tzinfo=UTC)
PAIR = [{"column": "amount", "other": "amount"}]
COHORT = {
    "other": "units",
    "unit": ["account"],
    "opening": "amount",
    "closing": "amount",
    "retained": "amount",
    "lost": "none",
}


def amounts(spark: SparkSession, values: tuple[float, ...], *, times: int = 1) -> DataFrame:
    data = [(str(n), "one", DAY, SEEN, 0.0, value * times) for n, value in enumerate(values)]
    return frame(spark, SCHEMA, *data).coalesce(1)


def judged(spark: SparkSession, values: tuple[float, ...], type_: str, **kwargs: Json) -> Decimal:
    figures, twice = amounts(spark, values), amounts(spark, values, times=2)
    context = tables(twice=twice, nobody=frame(spark, SCHEMA), **{"figures.late": figures, "figures.previous": figures})
    context = replace(context, published={"previous": "2026-09"})
    result = evaluate(figures, check(type_, **kwargs), context)
    assert "off_by" in result.measures, result
    return Decimal(str(result.measures["off_by"]))


TOLD: dict[str, dict[str, Json]] = {
    "columns that add up": {"type_": "expect_columns_to_add_up", "column": "none", "plus": ["amount"]},
    "rows that come late": {
        "type_": "expect_rows_to_arrive_in_time",
        "event": "day",
        "arrival": "seen",
        "within_hours": 1,
        "amount": "amount",
    },
    "rows after the final": {
        "type_": "expect_finals_to_hold_every_row",
        "other": "figures.late",
        "amount": "amount",
    },
    "rows that should not be": {"type_": "expect_rows_to_be_immaterial", "where": "amount > 0", "amount": "amount"},
    "rows of one unknown key": {
        "type_": "expect_values_to_refer_to",
        "columns": ["account"],
        "other": "nobody",
        "other_columns": ["account"],
        "amount": "amount",
    },
    "rows of many unknown keys": {
        "type_": "expect_values_to_refer_to",
        "columns": ["key"],
        "other": "nobody",
        "other_columns": ["key"],
        "amount": "amount",
    },
    "groups": {"type_": "expect_totals_to_match", "other": "twice", "pairs": PAIR, "by": ["key"]},
    "a final by rows": {
        "type_": "expect_published_to_rederive",
        "published": "previous",
        "other": "twice",
        "pairs": PAIR,
        "by": ["key"],
    },
}


@pytest.mark.parametrize("what", TOLD)
def test_what_a_check_tells_of_doubles_is_the_same_in_any_order(spark: SparkSession, what: str) -> None:
    """Every amount once at each place: groups come in an order of their own."""
    turned = [AMOUNTS[n:] + AMOUNTS[:n] for n in range(len(AMOUNTS))]
    assert {judged(spark, values, **TOLD[what]) for values in turned} == {SUM}  # type: ignore[arg-type]


@pytest.mark.parametrize("turn", range(len(AMOUNTS)))
def test_a_cohort_keeps_the_same_in_any_order(spark: SparkSession, turn: int) -> None:
    units = amounts(spark, AMOUNTS[turn:] + AMOUNTS[:turn])
    context = tables(**{"units.first_day": units, "units.last_day": units})
    published = frame(spark, "amount double, none double", (float(SUM), 0.0))
    result = evaluate(published, check("expect_cohort_to_match", **COHORT), context)
    assert result.outcome is Outcome.PASSED, result.observed
