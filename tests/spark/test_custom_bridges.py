"""Columns that add up in every row, and sequences without gaps: passing, failing, empty and all NULL."""

from __future__ import annotations

import random
from datetime import date
from decimal import Decimal

import pytest
from custom_checks import check, evaluate, frame
from pyspark.sql import DataFrame, SparkSession

from dq.base.model import Outcome

BRIDGE = "opening decimal(18,2), new decimal(18,2), churn decimal(18,2), closing decimal(18,2), kind string"
ADD_UP = check("expect_columns_to_add_up", column="closing", plus=["opening", "new"], minus=["churn"])


def bridges(spark: SparkSession, *rows: tuple[str | None, str | None, str | None, str | None]) -> DataFrame:
    return frame(spark, BRIDGE, *((*(None if v is None else Decimal(v) for v in row), "cell") for row in rows))


GOOD = ("10.00", "5.01", "2.00", "13.01")


def test_rows_that_add_up_pass_to_the_cent(spark: SparkSession) -> None:
    result = evaluate(bridges(spark, GOOD, ("0", "0", "0", "0")), ADD_UP)
    assert (result.outcome, result.observed) == (Outcome.PASSED, "all 2 rows add up")
    assert result.measures == {"element_count": 2, "unexpected_count": 0, "off_by": "0"}


def test_rows_that_are_off_both_ways_do_not_cancel_out(spark: SparkSession) -> None:
    result = evaluate(bridges(spark, GOOD, ("1", "0", "0", "1.01"), ("1", "0", "0", "0.98")), ADD_UP)
    assert result.outcome is Outcome.FAILED
    assert result.observed == "of 3 rows 2 do not add up, off by 0.03 in all and 0.02 at most"
    assert result.measures["off_by"] == "0.03"


def test_a_difference_of_exactly_the_tolerance_passes(spark: SparkSession) -> None:
    rows = bridges(spark, ("1", "0", "0", "1.01"))
    assert evaluate(rows, check(ADD_UP.type, **ADD_UP.kwargs, tolerance="0.01")).outcome is Outcome.PASSED
    assert evaluate(rows, check(ADD_UP.type, **ADD_UP.kwargs, tolerance="0.009")).outcome is Outcome.FAILED


def test_only_the_rows_of_the_condition_are_judged(spark: SparkSession) -> None:
    rows = bridges(spark, GOOD, ("1", "0", "0", "2"))
    for condition, outcome in (("closing > 10", Outcome.PASSED), ("closing < 10", Outcome.FAILED)):
        result = evaluate(rows, check(ADD_UP.type, **ADD_UP.kwargs, row_condition=condition))
        assert (result.outcome, result.measures["element_count"]) == (outcome, 1)


def test_a_null_proves_nothing_and_no_waiver_can_cover_it(spark: SparkSession) -> None:
    for rows in (bridges(spark, GOOD, ("1", None, "0", "1")), bridges(spark, (None, None, None, None))):
        result = evaluate(rows, ADD_UP)
        assert result.outcome is Outcome.FAILED
        assert result.observed.endswith("1 hold a NULL")
        assert "off_by" not in result.measures


def test_bridges_of_no_rows_cannot_be_evaluated_unless_none_may_be_there(spark: SparkSession) -> None:
    assert evaluate(bridges(spark), ADD_UP).reason.endswith("no rows to evaluate")
    assert evaluate(bridges(spark), ADD_UP, may_be_empty=True).outcome is Outcome.PASSED


EVENTS = "account string, number bigint, day date"
SEQUENCE = check("expect_sequences_without_gaps", column="number", group=["account"], order="day")


def events(spark: SparkSession, *rows: tuple[str | None, int | None, int | None]) -> DataFrame:
    return frame(spark, EVENTS, *((a, n, None if d is None else date(2026, 10, d)) for a, n, d in rows))


FULL = [("A", n, n) for n in range(1, 6)] + [("B", n, 3) for n in range(1, 4)]


def test_full_sequences_pass_in_any_order_of_arrival(spark: SparkSession) -> None:
    shuffled = random.Random(3).sample(FULL, len(FULL))  # noqa: S311 - test data, not a secret
    result = evaluate(events(spark, *shuffled).repartition(3), SEQUENCE)
    assert (result.outcome, result.observed) == (Outcome.PASSED, "all 8 rows follow each other")


@pytest.mark.parametrize(
    ("rows", "count", "way"),
    [
        ([row for row in FULL if row[:2] not in (("A", 2), ("A", 3))], 2, "2 numbers are missing"),
        ([row for row in FULL if row[:2] != ("B", 1)], 1, "1 numbers are missing"),
        ([*FULL, ("A", 5, 9)], 1, "1 rows repeat a number"),
        ([*FULL, ("B", 4, 2)], 1, "1 rows come before the day of the row they follow"),
        ([*FULL, ("B", 0, 1)], 1, "1 rows are below 1"),
        ([*FULL, ("B", None, 4), (None, 4, 4)], 2, "2 rows have no number or no account"),
    ],
)
def test_every_way_of_breaking_a_sequence_is_counted(
    spark: SparkSession, rows: list[tuple[str | None, int | None, int | None]], count: int, way: str
) -> None:
    result = evaluate(events(spark, *rows), SEQUENCE)
    assert result.outcome is Outcome.FAILED
    assert way in result.observed
    assert result.measures["unexpected_count"] == count


def test_sequences_of_no_rows_cannot_be_evaluated_and_all_null_ones_fail(spark: SparkSession) -> None:
    assert evaluate(events(spark), SEQUENCE).reason.endswith("no rows to evaluate")
    assert evaluate(events(spark), SEQUENCE, may_be_empty=True).outcome is Outcome.PASSED
    assert evaluate(events(spark, (None, None, None)), SEQUENCE).outcome is Outcome.FAILED


def test_the_order_may_be_left_open_and_the_start_moved(spark: SparkSession) -> None:
    rows = events(spark, ("A", 7, 9), ("A", 8, 1))
    loose = check(SEQUENCE.type, column="number", group=["account"], start=7)
    assert evaluate(rows, loose).outcome is Outcome.PASSED
    assert evaluate(rows, SEQUENCE).measures["unexpected_count"] == 7
