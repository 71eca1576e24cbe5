"""executive_report: a fortnight's metrics from units, the month as investors see it, and the change since."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from job_support import load
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from dq.base.model import Kind, Window

pytestmark = pytest.mark.run

JOB = load("executive_report")
FORTNIGHT = Window(
    period="2026-09-28",
    start=date(2026, 9, 28),
    end=date(2026, 10, 11),
    data_through=date(2026, 10, 11),
    as_of=datetime(2026, 10, 12, 6, tzinfo=UTC),
    kind=Kind.MONTH_TO_DATE,
)
MONEY = "decimal(18,2)"
PROFIT = f"day date, revenue {MONEY}, expenses {MONEY}, profit {MONEY}, seats int, mtd_margin_reason string"
MOVEMENTS = (
    "mrr_opening",
    "account_mrr_new",
    "account_mrr_expansion",
    "account_mrr_contraction",
    "account_mrr_churn",
    "mrr_closing",
)
GROWTH = "day date, account_id string, " + ", ".join(f"{name} {MONEY}" for name in MOVEMENTS)
USERS = "day date, user_id string, events bigint, sessions bigint, active_seconds bigint"
YEAR = "".join(f", {name} decimal(18,6), {name}_reason string" for name in JOB.TRAILING)
FIRST, LAST = FORTNIGHT.start, FORTNIGHT.end


def money(text: str) -> Decimal:
    return Decimal(text)


def report(
    spark: SparkSession,
    *,
    profit: list[tuple[object, ...]] | None = None,
    growth: list[tuple[object, ...]] | None = None,
    users: list[tuple[object, ...]] | None = None,
    year: tuple[object, ...] | None = (Decimal("1.1"), None, Decimal("0.9"), None, Decimal("0.05"), None),
    investors: tuple[object, ...] | None = ("total", Decimal("900.00"), Decimal("300.00"), None),
    previous: DataFrame | None = None,
    window: Window = FORTNIGHT,
    currency: str = "EUR",
) -> dict[str, dict[str, object]]:
    usual = [
        (FIRST, money("100.00"), money("60.00"), money("40.00"), 7, None),
        (LAST, money("300.00"), money("180.00"), money("120.00"), 8, None),
    ]
    moves = [
        (FIRST, "a", *map(money, ("1000.00", "50.00", "0.00", "0.00", "0.00", "1050.00"))),
        (LAST, "a", *map(money, ("1030.00", "0.00", "30.00", "10.00", "0.00", "1050.00"))),
        (LAST, "b", *map(money, ("20.00", "0.00", "0.00", "0.00", "20.00", "0.00"))),
    ]
    active = [(FIRST, "u1", 3, 1, 600), (LAST, "u1", 2, 1, 300), (LAST, "u2", 1, 2, 900), (LAST, "u3", 0, 0, 0)]
    total = "row_kind string, revenue decimal(18,2), profit decimal(18,2), margin_reason string"
    margins = {
        "margin": F.when(F.col("margin_reason").isNull(), F.lit(0.4)).cast("decimal(18,6)"),
        "previous_margin": F.lit(0.3).cast("decimal(18,6)"),
        "previous_margin_reason": F.lit(None).cast("string"),
    }
    cell = ("cell", money("1.00"), money("1.00"), None)
    frame = JOB.executive_report(
        profit=spark.createDataFrame(usual if profit is None else profit, PROFIT),
        growth=spark.createDataFrame(moves if growth is None else growth, GROWTH),
        user_days=spark.createDataFrame(active if users is None else users, USERS),
        investor_profit=spark.createDataFrame([cell, *([investors] if investors else [])], total).withColumns(margins),
        investor_growth=spark.createDataFrame(
            [("total", money("1050.00"), *(year or ()))],
            f"row_kind string, mrr_closing decimal(18,2){YEAR if year else ''}",
        ),
        investor_engagement=spark.createDataFrame([("total", 5)], "row_kind string, mau bigint"),
        previous=previous,
        window=window,
        currency=currency,
    )
    return {row["metric"]: row.asDict() for row in frame.collect()}


def test_amounts_are_summed_states_are_the_last_days_and_ratios_divided_anew(spark: SparkSession) -> None:
    rows = report(spark)
    values = {name: row["value"] for name, row in rows.items()}
    assert values["revenue"] == money("400")
    assert values["profit"] == money("160")
    assert values["margin"] == money("0.4")
    assert values["seats"] == 8
    assert values["unit_profit"] == money("20")
    assert (values["mrr_opening"], values["mrr_closing"]) == (money("1000"), money("1050"))
    assert values["mrr_growth_rate"] == money("0.05")
    assert (values["mrr_churn"], values["cohort_churn_rate"]) == (money("20"), money("0"))
    assert (values["net_revenue_retention"], values["gross_revenue_retention"]) == (money("1.05"), money("1"))
    assert values["active_users"] == 2
    assert values["average_daily_users"] == money("0.214286")
    assert values["sessions"] == 4
    assert values["active_minutes_per_user_day"] == money("10")
    assert (values["month_revenue"], values["month_mau"]) == (money("900"), 5)
    assert [row["line"] for row in rows.values()] == list(range(1, len(JOB.METRICS) + 1))
    assert {row["change_ratio_reason"] for row in rows.values()} == {"no_previous"}
    units = {name: row["unit"] for name, row in rows.items()}
    assert (units["revenue"], units["mrr_closing"], units["month_profit"], units["margin"]) == ("EUR",) * 3 + ("ratio",)
    assert {*units.values()} == {"EUR", "ratio", "seats", "users", "sessions", "minutes"}


def test_trailing_twelve_months_are_as_investors_see_them(spark: SparkSession) -> None:
    def shown(year: tuple[object, ...] | None) -> list[object]:
        rows = report(spark, year=year)
        return [(rows[f"month_{name}"]["value"], rows[f"month_{name}"]["value_reason"]) for name in JOB.TRAILING]

    told = (money("1.1"), None, money("0.9"), None, money("0.05"), None)
    assert shown(told) == [(money("1.1"), None), (money("0.9"), None), (money("0.05"), None)]
    assert shown((None, "fewer_than_twelve_finals") * 3) == [(None, "fewer_than_twelve_finals")] * 3
    assert shown(None) == [(None, "not_published")] * 3, "a month that was published before they were told"


MIDDLE = date(2026, 10, 1)


def growth(day: date, account: str, *amounts: int) -> tuple[object, ...]:
    """A row of growth: opening, new, expansion, contraction, churn, closing."""
    return (day, account, *map(Decimal, amounts))


GONE = [growth(FIRST, "b", 1000, 0, 0, 0, 1000, 0)]
LESS = [growth(FIRST, "b", 500, 0, 0, 100, 0, 400), growth(LAST, "b", 400, 0, 0, 0, 0, 400)]
MORE = [growth(FIRST, "c", 500, 0, 300, 0, 0, 800), growth(LAST, "c", 800, 0, 0, 0, 0, 800)]


@pytest.mark.parametrize(
    ("rows", "churned", "cohort_churn_rate", "retention", "gross"),
    [
        # Upgraded and cancelled after the opening, by who was not there.
        ([growth(MIDDLE, "b", 0, 500, 400, 0, 0, 900), growth(LAST, "b", 900, 0, 0, 0, 0, 900)], "0", "0", "1", "1"),
        ([growth(MIDDLE, "b", 0, 500, 0, 0, 500, 0)], "500", "0", "1", "1"),
        # Lost, without a row on the last day; and lost and won back.
        (GONE, "1000", "0.5", "0.5", "0.5"),
        ([*GONE, growth(LAST, "b", 0, 600, 0, 0, 0, 600)], "1000", "0", "0.8", "0.8"),
        # A second product, in a row of its own, of who was there.
        ([growth(MIDDLE, "a", 0, 0, 50, 0, 0, 50), growth(LAST, "a", 50, 0, 0, 0, 0, 50)], "0", "0", "1.05", "1"),
        # Who pays less has not left, and who pays more keeps what was there.
        ([*LESS, *MORE], "0", "0", "1.1", "0.95"),
    ],
)
def test_churn_and_retention_are_of_the_accounts_that_were_there_at_the_opening(
    spark: SparkSession,
    rows: list[tuple[object, ...]],
    churned: str,
    cohort_churn_rate: str,
    retention: str,
    gross: str,
) -> None:
    stays = [growth(day, "a", 1000, 0, 0, 0, 0, 1000) for day in (FIRST, LAST)]
    found = report(spark, growth=[*stays, *rows])
    values = [found[name]["value"] for name in ("mrr_churn", "cohort_churn_rate")]
    assert values == [money(churned), money(cohort_churn_rate)]
    kept = [found[f"{name}_revenue_retention"]["value"] for name in ("net", "gross")]
    assert kept == [money(retention), money(gross)]


def test_retention_of_nobody_and_of_a_day_that_is_lost(spark: SparkSession) -> None:
    ratios = ("cohort_churn_rate", "net_revenue_retention", "gross_revenue_retention")
    nobody = report(spark, growth=[growth(day, "a", 0, 0, 0, 0, 0, 0) for day in (FIRST, LAST)])
    assert [(nobody[name]["value"], nobody[name]["value_reason"]) for name in ratios] == [(None, "no_opening_mrr")] * 3
    lost = report(spark, growth=[growth(FIRST, "a", 10, 0, 0, 0, 0, 10)])
    assert [(lost[name]["value"], lost[name]["value_reason"]) for name in ratios] == [(None, None)] * 3


def test_days_outside_the_fortnight_do_not_count(spark: SparkSession) -> None:
    outside = (date(2026, 10, 12), money("1.00"), money("1.00"), money("0.00"), 1, None)
    usual = (LAST, money("300.00"), money("180.00"), money("120.00"), 8, None)
    assert report(spark, profit=[usual, outside])["revenue"]["value"] == money("300")


def test_without_a_denominator_or_a_source_a_value_is_null_and_says_why(spark: SparkSession) -> None:
    absent = (LAST, money("0.00"), None, None, 0, "source_absent")
    rows = report(spark, profit=[absent], growth=[], users=[])
    reasons = {name: (row["value"], row["value_reason"]) for name, row in rows.items()}
    assert reasons["revenue"] == (money("0"), None)
    assert reasons["profit"] == (None, "source_absent")
    assert reasons["margin"] == (None, "source_absent")
    assert reasons["mrr_growth_rate"] == (None, "no_rows")
    assert reasons["active_users"] == (0, None)
    assert reasons["active_minutes_per_user_day"] == (None, "no_active_users")
    nothing = report(spark, profit=[(LAST, money("0.00"), money("5.00"), money("-5.00"), 0, "no_revenue")])
    assert (nothing["margin"]["value"], nothing["margin"]["value_reason"]) == (None, "no_revenue")
    refunded = report(spark, profit=[(LAST, money("-466.67"), money("5.00"), money("-471.67"), 1, None)])
    assert (refunded["margin"]["value"], refunded["margin"]["value_reason"]) == (None, "negative_revenue")
    assert (nothing["unit_profit"]["value"], nothing["unit_profit"]["value_reason"]) == (None, "no_subscribers")


def test_what_is_absent_on_some_days_only_is_no_sum_of_the_others(spark: SparkSession) -> None:
    known = (FIRST, money("100.00"), money("60.00"), money("40.00"), 7, None)
    absent = (LAST, money("300.00"), None, None, 8, "source_absent")
    rows = report(spark, profit=[known, absent])
    assert (rows["revenue"]["value"], rows["revenue"]["value_reason"]) == (money("400"), None)
    assert (rows["profit"]["value"], rows["profit"]["value_reason"]) == (None, "upstream_partial")
    assert (rows["margin"]["value"], rows["margin"]["value_reason"]) == (None, "upstream_partial")


def test_the_month_says_why_by_the_investors_own_row(spark: SparkSession) -> None:
    absent = report(spark, investors=("total", money("900.00"), None, "source_absent"))
    assert (absent["month_profit"]["value_reason"], absent["month_revenue"]["value"]) == ("source_absent", money("900"))
    assert (absent["month_margin"]["value_reason"], absent["month_previous_margin"]["value"]) == (
        "source_absent",
        money("0.3"),
    )
    missing = report(spark, investors=None)
    assert [missing[name]["value_reason"] for name in ("month_profit", "month_revenue")] == ["no_rows"] * 2


def test_a_null_that_nothing_explains_is_not_called_absent(spark: SparkSession) -> None:
    """An amount that did not fit its type, or a day that was lost: the report is held for it."""
    profit = [(LAST, money("300.00"), money("180.00"), None, 8, None)]
    rows = report(spark, profit=profit, investors=("total", money("900.00"), None, None))
    told = {name: (row["value"], row["value_reason"]) for name, row in rows.items() if row["value"] is None}
    assert told == dict.fromkeys(("profit", "margin", "unit_profit", "month_profit"), (None, None))


def test_the_change_is_against_what_was_published_before(spark: SparkSession) -> None:
    rows = [
        ("2026-09-14", "revenue", money("320"), None),
        ("2026-09-14", "profit", money("-5"), None),
        ("2026-09-14", "expenses", None, "upstream_partial"),
    ]
    columns = "fortnight string, metric string, value decimal(28,6), value_reason string"
    previous = spark.createDataFrame(rows, columns)
    found = report(spark, previous=previous)
    revenue, profit, margin = found["revenue"], found["profit"], found["margin"]
    assert (revenue["previous_period"], revenue["change"], revenue["change_ratio"]) == (
        "2026-09-14",
        money("80"),
        money("0.25"),
    )
    assert (profit["change"], profit["change_ratio"], profit["change_ratio_reason"]) == (
        money("165"),
        None,
        "previous_not_positive",
    )
    assert margin["change_ratio_reason"] == "no_previous"
    expenses = found["expenses"]
    assert (expenses["change"], expenses["change_ratio_reason"]) == (None, "previous_upstream_partial")


def test_an_unfinished_fortnight_divides_by_the_days_it_has(spark: SparkSession) -> None:
    window = replace(FORTNIGHT, data_through=date(2026, 9, 29))
    users = [(FIRST, "u1", 3, 1, 600), (date(2026, 9, 29), "u1", 3, 1, 600)]
    assert report(spark, users=users, window=window)["average_daily_users"]["value"] == 1
