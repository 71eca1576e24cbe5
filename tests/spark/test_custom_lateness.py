"""Rows that come late: counted and valued, in time to the second, and told with the command that takes them in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from custom_checks import check, evaluate, frame, tables
from pyspark.sql import DataFrame, SparkSession

from dq.base.model import CheckResult, Outcome

ENTRIES = "day date, seen timestamp, method string, amount decimal(18,2)"
DAY = date(2026, 10, 5)
OVER = datetime(2026, 10, 6, tzinfo=UTC)
IN_TIME = check("expect_rows_to_arrive_in_time", event="day", arrival="seen", within_hours=72)


def entries(spark: SparkSession, *late: tuple[timedelta | None, str, str | None]) -> DataFrame:
    """Entries of one day, each seen so long after its end."""
    data = [
        (DAY, None if after is None else OVER + after, method, None if amount is None else Decimal(amount))
        for after, method, amount in late
    ]
    return frame(spark, ENTRIES, *data)


@pytest.mark.parametrize(
    ("after", "outcome"),
    [
        (timedelta(hours=-20), Outcome.PASSED),
        (timedelta(hours=72), Outcome.PASSED),
        (timedelta(hours=72, microseconds=1), Outcome.FAILED),
        (timedelta(days=40), Outcome.FAILED),
    ],
)
def test_the_bound_itself_is_in_time_and_a_date_is_over_at_its_end(
    spark: SparkSession, after: timedelta, outcome: Outcome
) -> None:
    assert evaluate(entries(spark, (after, "manual", "1.00")), IN_TIME).outcome is outcome


def test_an_instant_counts_from_itself(spark: SparkSession) -> None:
    made = datetime(2026, 10, 5, 12, tzinfo=UTC)
    events = frame(spark, "at timestamp, seen timestamp", (made, made + timedelta(hours=49)))
    wanted = check("expect_rows_to_arrive_in_time", event="at", arrival="seen", within_hours=48)
    result = evaluate(events, wanted)
    assert result.outcome is Outcome.FAILED
    assert result.observed == "1 of 1 rows arrived more than 48 hours after their event; the latest by 49 hours"


def test_a_share_may_be_late(spark: SparkSession) -> None:
    data = entries(spark, *[(timedelta(0), "manual", "1.00")] * 3, (timedelta(days=9), "manual", "1.00"))
    quarter = replace(IN_TIME, kwargs={**IN_TIME.kwargs, "max_share": 0.25})
    assert evaluate(data, quarter).outcome is Outcome.PASSED
    assert evaluate(data, replace(IN_TIME, kwargs={**IN_TIME.kwargs, "max_share": 0.24})).outcome is Outcome.FAILED


def test_late_rows_are_valued_without_their_sign_and_only_where_the_condition_holds(spark: SparkSession) -> None:
    data = entries(
        spark,
        (timedelta(days=9), "manual", "-40.00"),
        (timedelta(days=9), "manual", "60.00"),
        (timedelta(days=9), "manual", None),
        (timedelta(days=9), "api", "1000.00"),
        (timedelta(0), "manual", "500.00"),
    )

    def valued(most: str) -> CheckResult:
        kwargs = {"amount": "amount", "max_amount": most, "max_share": 1, "row_condition": "method = 'manual'"}
        return evaluate(data, replace(IN_TIME, kwargs={**IN_TIME.kwargs, **kwargs}))

    assert valued("100.00").outcome is Outcome.PASSED
    failed = valued("99.99")
    assert failed.outcome is Outcome.FAILED
    assert failed.measures["off_by"] == "100.00"
    assert failed.observed.startswith("3 of 4 rows, 100.00 in all, arrived")


def test_rows_without_an_instant_do_not_count_and_nothing_to_judge_is_an_error(spark: SparkSession) -> None:
    some = entries(spark, (None, "manual", "1.00"), (timedelta(0), "manual", "1.00"))
    assert evaluate(some, IN_TIME).measures["element_count"] == 1
    nothing = evaluate(entries(spark, (None, "manual", "1.00")), IN_TIME)
    assert nothing.outcome is Outcome.ERRORED
    assert "there are no rows to judge" in nothing.reason
    wrong = replace(IN_TIME, kwargs={**IN_TIME.kwargs, "event": "method"})
    assert evaluate(some, wrong).outcome is Outcome.ERRORED


def test_rows_that_came_after_a_final_are_told_with_amount_and_command(spark: SparkSession) -> None:
    held = check("expect_finals_to_hold_every_row", other="entries.late", amount="amount")
    figures = frame(spark, "x int", (1,))

    def late(*data: tuple[timedelta | None, str, str | None]) -> CheckResult:
        found = tables(**{"entries.late": entries(spark, *data)})
        return evaluate(figures, held, replace(found, published={"late": "2026-09"}, pipeline="profit_unit"))

    result = late((timedelta(days=40), "manual", "30.00"), (timedelta(days=40), "manual", "-5.00"))
    assert result.outcome is Outcome.FAILED
    assert result.observed == (
        "2 rows of 2026-09, 35.00 in all, became known after it was published as final; "
        "restate it with: dq backfill profit_unit --from 2026-09 --to 2026-09 --as-of 2026-11-01T02:00:00Z"
    )
    assert (result.measures["off_by"], late().outcome) == ("35.00", Outcome.PASSED)


@pytest.mark.parametrize(
    ("kwargs", "outcome"),
    [
        ({"of": "entries.previous", "max_share": 0.5}, Outcome.PASSED),
        ({"of": "entries.previous", "max_share": 0.49}, Outcome.FAILED),
        ({"amount": "amount", "max_share": 1, "max_amount": "35.00"}, Outcome.PASSED),
        ({"amount": "amount", "max_share": 1, "max_amount": "34.99"}, Outcome.FAILED),
        ({"amount": "amount", "before": "held", "max_share": 1, "max_amount": "40.00"}, Outcome.PASSED),
        ({"amount": "amount", "before": "held", "max_share": 1, "max_amount": "39.99"}, Outcome.FAILED),
    ],
)
def test_a_final_may_lack_a_share_of_its_rows_or_an_amount_and_says_how_much(
    spark: SparkSession, kwargs: dict[str, object], outcome: Outcome
) -> None:
    held = check("expect_finals_to_hold_every_row", other="entries.late", day="day", **kwargs)
    schema = f"{ENTRIES}, held decimal(18,2)"
    rows = [
        (date(2026, 8, 31), OVER, "manual", Decimal("30.00"), Decimal("20.00")),
        (DAY, OVER, "manual", Decimal("-5.00"), Decimal("25.00")),
        (DAY, OVER, "manual", Decimal("1.00"), Decimal("1.00")),
        (DAY, OVER, "manual", None, None),
    ]
    known = tables(**{"entries.late": frame(spark, schema, *rows[:2]), "entries.previous": frame(spark, schema, *rows)})
    result = evaluate(
        frame(spark, "x int", (1,)), held, replace(known, published={"late": "2026-09"}, pipeline="units")
    )
    assert result.outcome is outcome, result.reason
    assert "dq backfill units --from 2026-08 --to 2026-09 --as-of" in result.observed
    assert ("2 of 4 rows" in result.observed) is ("of" in kwargs)
