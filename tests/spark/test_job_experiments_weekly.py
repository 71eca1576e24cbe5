"""experiments_weekly: the days and the week of every account, from the same units as the investors' tables."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from job_support import load
from pyspark.sql import SparkSession

from dq.base.model import Kind, Window

pytestmark = pytest.mark.run

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
    "licensed_users bigint, tickets_opened bigint, licensed_users_reason string, tickets_reason string, "
    "campaigns_reason string"
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
    reasons = [more.get("absent")] * 3
    return (*place(day), *amounts, more.get("spend"), more.get("licensed"), more.get("tickets"), *reasons)


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
    assert whole["mrr_growth_rate"] == Decimal("0.050000")
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
    assert rows["week", MON, "a"]["mrr_growth_rate_reason"] == "no_opening_mrr"
    assert rows["week", MON, "a"]["active_seconds_per_user_reason"] == "no_active_users"


def test_an_account_without_profit_units_lacks_subscribers_and_no_source(spark: SparkSession) -> None:
    """Such as one on trial, or a former customer whom a user still visits."""
    trial = grown(MON, "0.00", "0.00", "0.00", "0.00", licensed=3)
    rows = week(spark, profit=[sold(MON, "10.00", 1, "b")], growth=[trial], users=[(*place(TUE), "u1", 5)])
    for key in (("day", MON, "a"), ("day", TUE, "a"), ("week", MON, "a")):
        found = rows[key]
        assert (found["expenses"], found["unit_profit"], found["unit_rows"]) == (Decimal(0), None, 0)
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


ACTIVITY = ("clicks", "page_views", "feature_uses", "sessions", "active_seconds")
MOVES = ("mrr_opening", "mrr_new", "mrr_expansion", "mrr_contraction", "mrr_churn", "mrr_closing")


def test_no_activity_is_0_for_an_account_that_existed_whatever_its_history(spark: SparkSession) -> None:
    """One account has rows of engagement since it was active before, the other never was: both did nothing."""
    before = (*place(MON), 0, 0, 0, 0, 0)
    rows = week(spark, profit=[sold(MON, "10.00", 1), sold(MON, "10.00", 1, "b")], engagement=[before])
    for key in (("day", MON, "a"), ("day", MON, "b"), ("week", MON, "a"), ("week", MON, "b")):
        assert [rows[key][name] for name in (*ACTIVITY, *MOVES)] == [0] * (len(ACTIVITY) + len(MOVES))
        facts = ("licensed_users", "tickets_opened", "campaign_spend")
        assert [rows[key][name] for name in facts] == [0, 0, 0]
        assert {rows[key][name] for name in rows[key] if name.endswith("_reason")} == {
            None,
            "no_opening_mrr",
            "no_active_users",
        } | ({"no_subscribers"} if key[0] == "week" else set())
    visited = week(spark, users=[(*place(TUE), "u1", 5)])["day", TUE, "a"]
    assert (visited["revenue"], visited["seats"], visited["expenses"], visited["active_users"]) == (0, 0, 0, 1)


def test_an_account_that_master_data_does_not_know_has_no_activity_to_be_0(spark: SparkSession) -> None:
    nowhere = (MON, "x", "unallocated", "unallocated")
    rows = week(spark, profit=[(*nowhere, Decimal("10.00"), Decimal("1.00"), Decimal("9.00"), 2, None)])
    for key in (("day", MON, "x"), ("week", MON, "x")):
        found = rows[key]
        assert [found[name] for name in (*ACTIVITY, "mrr_new", "licensed_users")] == [None] * 7
        reasons = ("account_reason", "licensed_users_reason", "tickets_reason", "mrr_growth_rate_reason")
        assert {found[name] for name in reasons} == {"account_unknown"}
        assert (found["revenue"], found["expenses_reason"]) == (Decimal("10.00"), None), "what it has is told"
    # It is known from Tuesday on: the week is that of the days it existed.
    known = week(spark, users=[(*nowhere, "u1", 1), (TUE, "x", "north", "small", "u1", 1)])
    assert (known["day", MON, "x"]["sessions"], known["week", MON, "x"]["sessions"]) == (None, 0)
    assert known["week", MON, "x"]["account_reason"] is None


@pytest.mark.parametrize("region", ["unallocated", None])
def test_an_account_without_a_region_is_known_all_the_same(spark: SparkSession, region: str | None) -> None:
    rows = week(spark, users=[(MON, "x", region, "small", "u1", 1)])
    for key in (("day", MON, "x"), ("week", MON, "x")):
        found = rows[key]
        assert [found[name] for name in (*ACTIVITY, "mrr_new", "licensed_users")] == [0] * 7
        assert (found["account_reason"], found["region"], found["segment"]) == (None, region, "small")


def test_a_fact_whose_source_is_absent_is_null_for_every_account_of_the_day(spark: SparkSession) -> None:
    told = grown(MON, "0.00", "0.00", "0.00", "0.00", absent="source_absent")
    known = grown(SUN, "0.00", "0.00", "0.00", "0.00", tickets=2, licensed=4, spend=Decimal("5.00"))
    rows = week(spark, profit=[sold(MON, "1.00", 1, "b"), sold(SUN, "1.00", 1, "b")], growth=[told, known])
    for account in "ab":
        monday, whole = rows["day", MON, account], rows["week", MON, account]
        assert (monday["tickets_opened"], monday["tickets_reason"]) == (None, "source_absent")
        assert (whole["tickets_opened"], whole["tickets_reason"]) == (None, "upstream_partial")
        assert (whole["licensed_users"], whole["licensed_users_reason"]) == (4 if account == "a" else 0, None)
    assert (rows["day", SUN, "a"]["tickets_opened"], rows["day", SUN, "b"]["tickets_opened"]) == (2, 0)


def test_an_amount_that_does_not_fit_its_type_is_not_taken_for_none(spark: SparkSession) -> None:
    huge = "9999999999999999.99"
    row = week(spark, profit=[sold(MON, huge, 1), sold(MON, huge, 1)])["day", MON, "a"]
    assert row["revenue"] is None
