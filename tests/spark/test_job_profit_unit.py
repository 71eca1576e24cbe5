"""profit_unit: pure functions on rows written out here, against oracles of a few lines."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from chispa import assert_df_equality
from job_support import load
from pyspark.sql import DataFrame, Row, SparkSession

import dq
from dq.base.model import Kind, Window

pytestmark = pytest.mark.run

JOB = load("profit_unit")
SEATS_ONLY = dict.fromkeys(JOB.CATEGORIES, "seats")
SCHEMAS = {
    "revenue": "account_id string, product string, kind string, amount decimal(18,2), booked_date date",
    "expenses": "category string, amount decimal(18,2), incurred_date date",
    "licence_events": "event_id string, account_id string, licence_id string, product string, licence_type string, "
    "event string, seats_after int, effective_date date, sequence_number bigint",
    "accounts": "account_id string, region string, segment string, valid_from date, synced_at timestamp",
    "targets": "month string, product string, target_profit decimal(18,2)",
}


def day(number: int, month: int = 10) -> date:
    return date(2026, month, number)


def window(start: int = 1, through: int = 5) -> Window:
    return Window(
        period="2026-10" if start == 1 else f"2026-10-{start:02d}",
        start=day(start),
        end=day(31) if start == 1 else day(start),
        data_through=day(through),
        as_of=datetime(2026, 10, through + 1, 2, tzinfo=UTC),
        kind=Kind.MONTH_TO_DATE,
    )


def line(account: str | None, amount: str | None, booked: date, *, product: str | None = "cloud", kind="subscription"):
    return (account, product, kind, None if amount is None else Decimal(amount), booked)


def spent(category: str | None, amount: str | None, incurred: date):
    return (category, None if amount is None else Decimal(amount), incurred)


def event(
    account: str, seats: int, effective: date, *, sequence=1, name="new", licence_type="standard", product="cloud"
):
    licence = f"L-{account}-{product}"
    return (f"V-{licence}-{sequence}", account, licence, product, licence_type, name, seats, effective, sequence)


def account(name: str, region: str, valid_from: date, *, segment="small", synced: datetime | None = None):
    return (name, region, segment, valid_from, synced or datetime(2026, 9, 1, tzinfo=UTC))


def rules(*versions: tuple[str, str, dict[str, str]]) -> dict[str, object]:
    chosen = versions or (("v1", "2026-01-01", SEATS_ONLY),)
    return {"allocation": [{"version": v, "effective_from": since, "drivers": d} for v, since, d in chosen]}


def run(
    spark: SparkSession, *, at: Window | None = None, by: dict[str, object] | None = None, **rows: Any
) -> DataFrame:
    frames = {
        name: None if rows.get(name, ()) is None else spark.createDataFrame(list(rows.get(name, ())), schema)
        for name, schema in SCHEMAS.items()
    }
    return JOB.profit_unit(**frames, window=at or window(), rules=by or rules())


def by_key(frame: DataFrame) -> dict[tuple[str | None, str | None, int], Row]:
    rows = frame.collect()
    found = {(row.account_id, row.product, row.day.day): row for row in rows}
    assert len(found) == len(rows), "the grain is account x product x day"
    return found


def largest_remainder(cents: int, weights: dict[tuple[str, str], int]) -> dict[tuple[str, str], int]:
    """The textbook method in whole numbers."""
    total = sum(weights.values())
    shares = {key: divmod(abs(cents) * weight, total) for key, weight in weights.items()}
    order = sorted(shares, key=lambda key: (-shares[key][1], key))
    extra = set(order[: abs(cents) - sum(whole for whole, _ in shares.values())])
    return {key: (1 if cents > 0 else -1) * (shares[key][0] + (key in extra)) for key in shares}


def test_allocation_equals_the_textbook_method_for_every_driver_sign_and_day(spark):
    chance = random.Random(7)  # noqa: S311 - test data, not a secret
    names = [f"A{n}" for n in range(9)]
    drivers = dict(zip(JOB.CATEGORIES, ["seats", "revenue", "equal"] * 3, strict=False))
    days = [day(n) for n in range(1, 6)]
    products = ("cloud", "security")
    seats = {(a, p): chance.randrange(0, 60) for a in names for p in products}
    lines = [
        line(chance.choice(names), f"{chance.randrange(-20_000, 90_000) / 100:.2f}", d, product=chance.choice(products))
        for d in days
        for _ in range(12)
    ]
    entries = [
        spent(category, f"{chance.choice([-1, 1, 1]) * chance.randrange(1, 10**7) / 100:.2f}", d)
        for d in days
        for category in JOB.CATEGORIES
        if chance.random() < 0.7
    ]
    frame = run(
        spark,
        revenue=lines,
        expenses=entries,
        licence_events=[event(a, n, day(1, 9), product=p) for (a, p), n in seats.items()],
        by=rules(("v1", "2026-01-01", drivers)),
    )
    rows = by_key(frame)
    compared = 0
    for category, amount, incurred in entries:
        units = {(a, p): row for (a, p, d), row in rows.items() if d == incurred.day and a != "unallocated"}
        weigh = {
            "seats": lambda row: row.seats,
            "revenue": lambda row: max(0, int(row.revenue * 100)),
            "equal": lambda row: int(row.seats > 0 or row.revenue_lines > 0),
        }[drivers[category]]
        expected = largest_remainder(int(amount * 100), {key: weigh(row) for key, row in units.items()})
        got = {key: int(row[f"expense_{category}"] * 100) for key, row in units.items()}
        assert got == expected, (category, amount, incurred)
        compared += len(got)
    assert compared > 300
    assert sum(row.expenses for row in rows.values()) == sum(amount for _, amount, _ in entries)
    assert all(row.expenses == sum(row[name] for name in JOB.EXPENSES) for row in rows.values())


def test_one_cent_among_three_equals_goes_to_the_first_account(spark):
    frame = run(
        spark,
        licence_events=[event(name, 5, day(1)) for name in ("C", "A", "B")],
        expenses=[spent("payroll", "100.00", day(1)), spent("payroll", "-0.01", day(2))],
        at=window(through=2),
    )
    rows = by_key(frame)
    assert [rows[name, "cloud", 1].expense_payroll for name in "ABC"] == [
        Decimal("33.34"),
        Decimal("33.33"),
        Decimal("33.33"),
    ]
    assert [rows[name, "cloud", 2].expense_payroll for name in "ABC"] == [Decimal("-0.01"), 0, 0]


def test_an_amount_without_a_driver_stands_in_one_unallocated_row(spark):
    frame = run(spark, revenue=[line("A", "10.00", day(1))], expenses=[spent("payroll", "7.01", day(2))])
    rows = by_key(frame)
    assert {key[0] for key in rows} == {"A", "unallocated"}
    row = rows["unallocated", "unallocated", 2]
    assert (row.region, row.segment, row.seats) == ("unallocated", "unallocated", 0)
    assert (row.expense_payroll, row.expenses, row.profit) == (Decimal("7.01"), Decimal("7.01"), Decimal("-7.01"))
    assert ("unallocated", "unallocated", 1) not in rows
    assert rows["unallocated", "unallocated", 5].mtd_expenses == Decimal("7.01")


@pytest.mark.parametrize("category", ["parties", None])
def test_an_entry_of_an_unknown_category_is_not_lost(spark, category):
    frame = run(spark, licence_events=[event("A", 3, day(1))], expenses=[spent(category, "5.00", day(1))])
    row = by_key(frame)["unallocated", "unallocated", 1]
    assert row.expenses == Decimal("5.00")
    assert all(row[name] == 0 for name in JOB.EXPENSES)


def test_amounts_that_cancel_each_other_in_the_unallocated_row_are_still_shown(spark):
    frame = run(spark, expenses=[spent("payroll", "5.00", day(1)), spent("servers", "-5.00", day(1))])
    row = by_key(frame)["unallocated", "unallocated", 1]
    assert (row.expense_payroll, row.expense_servers, row.expenses) == (5, -5, 0)


def test_a_rule_applies_from_its_date_on_and_its_version_is_stated(spark):
    equal = dict.fromkeys(JOB.CATEGORIES, "equal")
    frame = run(
        spark,
        licence_events=[event("A", 3, day(1)), event("B", 1, day(1))],
        expenses=[spent("payroll", "8.00", day(1)), spent("payroll", "8.00", day(2))],
        by=rules(("v2", "2026-10-02", equal), ("v1", "2026-01-01", SEATS_ONLY)),
        at=window(through=2),
    )
    rows = by_key(frame)
    assert [(rows["A", "cloud", n].expense_payroll, rows["A", "cloud", n].rule_version) for n in (1, 2)] == [
        (6, "v1"),
        (4, "v2"),
    ]


def test_seats_follow_the_last_event_of_the_day_and_cancelled_or_trial_licences_hold_none(spark):
    frame = run(
        spark,
        licence_events=[
            event("A", 10, day(20, 9)),
            event("A", 12, day(3), sequence=3, name="seats_changed"),
            event("A", 99, day(3), sequence=2, name="seats_changed"),
            event("A", 12, day(5), sequence=4, name="cancel"),
            event("T", 7, day(1, 9), licence_type="trial"),
            event("T", 7, day(4), sequence=2, name="upgrade"),
        ],
    )
    rows = by_key(frame)
    assert [rows["A", "cloud", n].seats for n in range(1, 6)] == [10, 10, 12, 12, 0]
    assert {n: row.seats for (name, _, n), row in rows.items() if name == "T"} == {4: 7, 5: 7}
    gone = rows["A", "cloud", 5]
    assert (gone.mtd_unit_profit, gone.mtd_unit_profit_reason) == (None, "no_subscribers")


def test_seats_of_several_licences_of_a_product_add_up_and_a_licence_can_change_its_product(spark):
    moved = [list(event("A", 4, day(2))), list(event("A", 4, day(4), sequence=2, name="upgrade", product="security"))]
    moved[0][2] = moved[1][2] = "L-moving"
    frame = run(spark, licence_events=[event("A", 10, day(1)), *map(tuple, moved)])
    rows = by_key(frame)
    assert [rows["A", "cloud", n].seats for n in range(1, 6)] == [10, 14, 14, 10, 10]
    assert {n: row.seats for (_, product, n), row in rows.items() if product == "security"} == {4: 4, 5: 4}


def test_region_and_segment_are_those_valid_on_the_day_and_a_later_sync_corrects_an_earlier_one(spark):
    frame = run(
        spark,
        licence_events=[event("A", 1, day(1)), event("X", 1, day(1))],
        accounts=[
            account("A", "north", day(1, 9)),
            account("A", "wrong", day(4), synced=datetime(2026, 10, 4, 1, tzinfo=UTC)),
            account("A", "south", day(4), synced=datetime(2026, 10, 4, 9, tzinfo=UTC)),
        ],
    )
    rows = by_key(frame)
    assert [rows["A", "cloud", n].region for n in range(1, 6)] == ["north", "north", "north", "south", "south"]
    assert (rows["X", "cloud", 1].region, rows["X", "cloud", 1].segment) == ("unallocated", "unallocated")


def test_duplicate_accounts_and_targets_do_not_multiply_revenue(spark):
    frame = run(
        spark,
        revenue=[line("A", "10.00", day(1))],
        accounts=[account("A", "north", day(1, 9))] * 3,
        targets=[("2026-10", "cloud", Decimal("100.00")), ("2026-10", "cloud", Decimal("200.00"))],
    )
    rows = by_key(frame)
    assert sum(row.revenue for row in rows.values()) == Decimal("10.00")
    assert {row.product_target_profit for row in rows.values()} == {Decimal("200.00")}


def test_lines_without_account_product_or_amount_neither_vanish_nor_crash(spark):
    frame = run(
        spark,
        revenue=[
            line(None, "10.00", day(1)),
            line(None, "5.00", day(2)),
            line("A", "1.00", day(1), product=None),
            line("B", None, day(1)),
        ],
        expenses=[spent("payroll", "3.00", day(1)), spent("payroll", None, day(2))],
        by=rules(("v1", "2026-01-01", dict.fromkeys(JOB.CATEGORIES, "equal"))),
    )
    rows = by_key(frame)
    assert [rows[None, "cloud", n].mtd_revenue for n in (1, 2)] == [Decimal("10.00"), Decimal("15.00")]
    assert rows["A", None, 1].revenue == 1
    assert (rows["B", "cloud", 1].revenue, rows["B", "cloud", 1].revenue_lines) == (None, 1)
    assert sum(row.revenue_lines for row in rows.values()) == 4
    assert sum(row.expenses for row in rows.values()) == 3


def test_an_amount_that_does_not_fit_becomes_null_without_a_reason_so_that_a_check_finds_it(spark):
    huge = "9999999999999999.99"
    frame = run(spark, revenue=[line("A", huge, day(1)), line("A", huge, day(1))], at=window(through=1))
    row = by_key(frame)["A", "cloud", 1]
    assert (row.revenue, row.profit) == (None, None)
    assert row.revenue_lines == 2


def test_without_expenses_every_dependent_column_is_null_and_says_source_absent(spark):
    frame = run(
        spark,
        revenue=[line("A", "10.00", day(1))],
        licence_events=[event("A", 2, day(1))],
        expenses=None,
        targets=None,
    )
    row = by_key(frame)["A", "cloud", 1]
    absent = (*JOB.EXPENSES, "expenses", "profit", "mtd_expenses", "mtd_profit", "mtd_unit_profit", "mtd_margin")
    assert [row[name] for name in (*absent, "product_mtd_profit", "product_target_profit")] == [None] * (
        len(absent) + 2
    )
    assert row.mtd_revenue == Decimal("10.00")
    reasons = ("mtd_unit_profit_reason", "mtd_margin_reason", "product_target_attainment_reason")
    assert [row[name] for name in reasons] == ["source_absent"] * 3
    assert {key[0] for key in by_key(frame)} == {"A"}


def test_ratios_are_exact_and_a_denominator_that_is_not_above_zero_is_explained(spark):
    frame = run(
        spark,
        revenue=[line("A", "10.00", day(1)), line("R", "-4.00", day(1), product="security", kind="one_time")],
        licence_events=[event("A", 3, day(1))],
        expenses=[spent("payroll", "3.00", day(1))],
        targets=[("2026-10", "cloud", Decimal("14.00")), ("2026-09", "security", Decimal("14.00"))],
        at=window(through=1),
    )
    rows = by_key(frame)
    row = rows["A", "cloud", 1]
    assert (row.mtd_unit_profit, row.mtd_margin, row.product_target_attainment) == (
        Decimal("2.333333"),
        Decimal("0.700000"),
        Decimal("0.500000"),
    )
    assert (row.mtd_unit_profit_reason, row.mtd_margin_reason, row.product_target_attainment_reason) == (None,) * 3
    row = rows["R", "security", 1]
    assert (row.revenue, row.revenue_one_time, row.revenue_subscription) == (-4, -4, 0)
    assert (row.mtd_unit_profit, row.mtd_unit_profit_reason) == (None, "no_subscribers")
    assert (row.mtd_margin, row.mtd_margin_reason) == (None, "negative_revenue"), "refunds are no lack of revenue"
    assert (row.product_target_attainment, row.product_target_attainment_reason) == (None, "no_target")


def small_company(spark: SparkSession) -> dict[str, list[Any]]:
    chance = random.Random(3)  # noqa: S311 - test data, not a secret
    names = ["A", "B", "C", "D"]
    return {
        "revenue": [
            line(chance.choice(names), f"{chance.randrange(1, 9999) / 100:.2f}", day(n), product=product)
            for n in range(1, 6)
            for product in ("cloud", "security")
            for _ in range(3)
        ],
        "expenses": [
            spent(c, f"{chance.randrange(1, 9999) / 100:.2f}", day(n)) for n in range(1, 6) for c in JOB.CATEGORIES
        ],
        "licence_events": [event(name, 3 + n, day(n + 1)) for n, name in enumerate(names)],
        "accounts": [account(name, "north", day(1, 9)) for name in names],
        "targets": [("2026-10", product, Decimal("50.00")) for product in ("cloud", "security")],
    }


def test_a_day_run_gives_the_rows_the_month_run_gives_for_that_day(spark):
    company = small_company(spark)
    month = run(spark, at=window(through=5), **company).where("day = DATE'2026-10-05'")
    one_day = run(spark, at=window(start=5, through=5), **company)
    assert month.count() > 4
    assert_df_equality(month, one_day, ignore_row_order=True)


def test_shuffling_and_partitioning_the_input_changes_nothing(spark):
    company = small_company(spark)
    shuffled = {name: random.Random(5).sample(rows, len(rows)) for name, rows in company.items()}  # noqa: S311 - test data, not a secret
    frames = {name: spark.createDataFrame(rows, SCHEMAS[name]).repartition(5) for name, rows in shuffled.items()}
    again = JOB.profit_unit(**frames, window=window(), rules=rules())
    assert_df_equality(run(spark, **company), again, ignore_row_order=True)


def test_the_month_so_far_adds_up_to_everything_booked_and_spent(spark):
    company = small_company(spark)
    rows = by_key(run(spark, **company))
    last = [row for (_, _, n), row in rows.items() if n == 5]
    assert sum(row.mtd_revenue for row in last) == sum(amount for _, _, _, amount, _ in company["revenue"])
    assert sum(row.mtd_expenses for row in last) == sum(amount for _, amount, _ in company["expenses"])
    by_product = {row.product: row.product_mtd_profit for row in last}
    assert sum(by_product.values()) == sum(row.mtd_profit for row in last)


def test_rows_outside_the_month_so_far_are_not_counted(spark):
    frame = run(
        spark,
        revenue=[line("A", "1.00", day(30, 9)), line("A", "2.00", day(2)), line("A", "4.00", day(6))],
        expenses=[spent("payroll", "8.00", day(6))],
        licence_events=[event("B", 5, day(6))],
    )
    rows = by_key(frame)
    assert sum(row.revenue for row in rows.values()) == 2
    assert {key[0] for key in rows} == {"A"}
    assert {key[2] for key in rows} == {2, 3, 4, 5}


def test_no_input_gives_no_rows(spark):
    assert run(spark).count() == 0


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({}, "no allocation rule"),
        (rules(("v1", "2026-01-01", SEATS_ONLY | {"payroll": "heads"})), "payroll has the driver heads"),
        (rules(("v1", "2026-01-01", SEATS_ONLY | {"parties": "seats"})), "unknown category parties"),
        (rules(("v1", "soon", SEATS_ONLY)), "soon"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused_with_its_place(declared, message):
    with pytest.raises(dq.DqError, match=message) as refused:
        JOB.allocation_versions(declared)
    assert "jobs/rules.yml: allocation" in str(refused.value)
