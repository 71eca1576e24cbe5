"""experiments_weekly: the days and the week of every account, from the same units as the investors' tables."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from job_support import load
from pyspark.sql import SparkSession

from dq.model import Kind, Window

JOB = load("experiments_weekly")
WEEK = Window(
    period="2026-W41",
    start=date(2026, 10, 5),
    end=date(2026, 10, 11),
    data_through=date(2026, 10, 11),
    as_of=datetime(2026, 10, 12, 6, tzinfo=UTC),
    kind=Kind.MONTH_TO_DATE,
)
MON, TUE, SUN = WEEK.start, WEEK.start + timedelta(days=1), WEEK.end
MONEY = "decimal(18,2)"
PLACE = "day date, account_id string, region string, segment string"
PROFIT = f"{PLACE}, revenue {MONEY}, expenses {MONEY}, profit {MONEY}, seats int, mtd_margin_reason string"
GROWTH = (
    f"{PLACE}, mrr_opening {MONEY}, account_mrr_new {MONEY}, account_mrr_expansion {MONEY}, "
    f"account_mrr_contraction {MONEY}, account_mrr_churn {MONEY}, mrr_closing {MONEY}, campaign_spend {MONEY}, "
    "licensed_users bigint, tickets_opened bigint"
)
ENGAGEMENT = f"{PLACE}, clicks bigint, page_views bigint, feature_uses bigint, sessions bigint, active_seconds bigint"
USERS = f"{PLACE}, user_id string, events bigint"
Rows = list[tuple[object, ...]]


def week(
    spark: SparkSession, *, profit: Rows = (), growth: Rows = (), engagement: Rows = (), users: Rows = ()
) -> dict[tuple[str, date, str], dict[str, object]]:
    frame = JOB.experiments_weekly(
        profit=spark.createDataFrame(list(profit), PROFIT),
        growth=spark.createDataFrame(list(growth), GROWTH),
        engagement=spark.createDataFrame(list(engagement), ENGAGEMENT),
        user_days=spark.createDataFrame(list(users), USERS),
        window=WEEK,
    )
    rows = [row.asDict() for row in frame.collect()]
    found = {(row["row_kind"], row["day"], row["account_id"]): row for row in rows}
    assert len(found) == len(rows)
    return found


def place(day: date, account: str = "a", segment: str = "small") -> tuple[object, ...]:
    return day, account, "north", segment


def sold(day: date, revenue: str, seats: int, account: str = "a", expenses: str | None = "1.00") -> tuple[object, ...]:
    cost = None if expenses is None else Decimal(expenses)
    profit = None if cost is None else Decimal(revenue) - cost
    return (*place(day, account), Decimal(revenue), cost, profit, seats, "source_absent" if cost is None else None)


def grown(day: date, opening: str, new: str, churn: str, closing: str, **more: object) -> tuple[object, ...]:
    amounts = [Decimal(text) for text in (opening, new, "0.00", "0.00", churn, closing)]
    return (*place(day), *amounts, more.get("spend"), more.get("licensed"), more.get("tickets"))


def test_flows_of_the_week_are_the_sums_of_its_days_and_states_those_of_its_last(spark: SparkSession) -> None:
    rows = week(
        spark,
        profit=[sold(MON, "10.00", 3), sold(MON, "5.00", 2), sold(SUN, "20.00", 4)],
        growth=[
            grown(MON, "100.00", "7.00", "0.00", "107.00", licensed=9),
            grown(SUN, "107.00", "0.00", "2.00", "105.00", licensed=8),
        ],
        engagement=[(*place(MON), 4, 3, 2, 1, 60), (*place(SUN), 1, 1, 1, 1, 30)],
        users=[(*place(MON), "u1", 5), (*place(SUN), "u1", 2), (*place(SUN), "u2", 2), (*place(SUN), "u3", 0)],
    )
    monday, whole = rows["day", MON, "a"], rows["week", MON, "a"]
    assert (monday["revenue"], monday["profit"], monday["seats"], monday["unit_rows"]) == (
        Decimal("15.00"),
        Decimal("13.00"),
        5,
        2,
    )
    assert (whole["revenue"], whole["profit"], whole["seats"], whole["unit_rows"]) == (
        Decimal("35.00"),
        Decimal("32.00"),
        4,
        3,
    )
    assert whole["unit_profit"] == Decimal("8.000000")
    assert (whole["mrr_opening"], whole["mrr_new"], whole["mrr_churn"], whole["mrr_closing"]) == tuple(
        map(Decimal, ("100.00", "7.00", "2.00", "105.00"))
    )
    assert whole["mrr_growth"] == Decimal("0.050000")
    assert whole["licensed_users"] == 8
    assert (whole["clicks"], whole["sessions"], whole["active_seconds"]) == (5, 2, 90)
    assert (monday["active_users"], rows["day", SUN, "a"]["active_users"], whole["active_users"]) == (1, 2, 2)
    assert whole["active_seconds_per_user"] == Decimal("45.000000")


def test_nothing_is_multiplied_or_lost_and_other_days_do_not_count(spark: SparkSession) -> None:
    after = SUN + timedelta(days=1)
    rows = week(
        spark,
        profit=[sold(MON, "10.00", 1), sold(TUE, "1.00", 1, "b"), sold(after, "99.00", 1)],
        engagement=[(*place(MON), 1, 0, 0, 1, 10), (*place(MON), 2, 0, 0, 1, 10)],
        users=[(*place(TUE, "c"), "u9", 1)],
    )
    assert set(rows) == {("day", MON, "a"), ("day", TUE, "b"), ("day", TUE, "c")} | {("week", MON, n) for n in "abc"}
    assert sum(row["revenue"] or 0 for (kind, _, _), row in rows.items() if kind == "week") == Decimal("11.00")
    assert rows["day", MON, "a"]["clicks"] == 3
    assert rows["week", MON, "c"]["active_users"] == 1


def test_a_ratio_without_a_denominator_says_why(spark: SparkSession) -> None:
    rows = week(spark, profit=[sold(MON, "10.00", 0), sold(MON, "10.00", 5, "b", expenses=None)])
    assert (rows["day", MON, "a"]["unit_profit"], rows["day", MON, "a"]["unit_profit_reason"]) == (
        None,
        "no_subscribers",
    )
    assert rows["day", MON, "b"]["unit_profit_reason"] == "source_absent"
    assert rows["week", MON, "a"]["mrr_growth_reason"] == "no_opening"
    assert rows["week", MON, "a"]["active_seconds_per_user_reason"] == "no_active_users"


def test_an_account_without_profit_units_lacks_subscribers_and_no_source(spark: SparkSession) -> None:
    """Such as one on trial, or a former customer whom a user still visits."""
    trial = grown(MON, "0.00", "0.00", "0.00", "0.00", licensed=3)
    rows = week(spark, profit=[sold(MON, "10.00", 1, "b")], growth=[trial], users=[(*place(TUE), "u1", 5)])
    for key in (("day", MON, "a"), ("day", TUE, "a"), ("week", MON, "a")):
        found = rows[key]
        assert (found["expenses"], found["unit_profit"], found["unit_rows"]) == (None, None, 0)
        assert found["unit_profit_reason"] == "no_subscribers"


def test_expenses_absent_on_some_days_only_are_no_sum_of_the_others(spark: SparkSession) -> None:
    known, absent = sold(MON, "10.00", 2), sold(SUN, "30.00", 2, expenses=None)
    rows = week(spark, profit=[known, absent, sold(MON, "5.00", 1, "b", expenses=None)])

    def told(*key: object) -> tuple[object, ...]:
        return tuple(rows[key][name] for name in ("revenue", "expenses", "profit", "unit_profit_reason"))  # type: ignore[index]

    assert told("day", MON, "a") == (Decimal("10.00"), Decimal("1.00"), Decimal("9.00"), None)
    assert told("day", SUN, "a") == (Decimal("30.00"), None, None, "source_absent")
    assert told("week", MON, "a") == (Decimal("40.00"), None, None, "upstream_partial")
    assert told("week", MON, "b") == (Decimal("5.00"), None, None, "source_absent")


def test_a_null_that_nothing_explains_is_not_called_absent(spark: SparkSession) -> None:
    """An amount that did not fit its type: the ratio's check holds the week for it."""
    lost = (*place(MON), Decimal("10.00"), Decimal("1.00"), None, 5, None)
    rows = week(spark, profit=[lost, sold(SUN, "10.00", 5)])
    for kind, day in (("day", MON), ("week", MON)):
        found = rows[kind, day, "a"]
        assert (found["profit"], found["unit_profit"], found["unit_profit_reason"]) == (None, None, None)
    assert rows["week", MON, "a"]["expenses"] == Decimal("2.00")


def test_the_week_takes_the_place_of_the_accounts_last_day(spark: SparkSession) -> None:
    moved = (*place(SUN, segment="large"), Decimal("1.00"), Decimal("1.00"), Decimal("0.00"), 1, None)
    rows = week(spark, profit=[sold(MON, "10.00", 1), moved])
    assert rows["week", MON, "a"]["segment"] == "large"
    assert rows["day", MON, "a"]["segment"] == "small"
