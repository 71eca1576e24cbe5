"""investor_profit: cells, products and the company summed from the same units."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from chispa import assert_df_equality
from job_support import load
from pyspark.sql import DataFrame, Row, SparkSession

from dq.base.model import Kind, Window

pytestmark = pytest.mark.run

JOB = load("investor_profit")
OCTOBER = Window(
    period="2026-10",
    start=date(2026, 10, 1),
    end=date(2026, 10, 31),
    data_through=date(2026, 10, 31),
    as_of=datetime(2026, 11, 5, 5, tzinfo=UTC),
    kind=Kind.FINAL,
)
AMOUNTS = (*JOB.REVENUE, "expense_payroll", "expense_marketing", *JOB.RESULT)
UNITS = (
    "day date, product string, region string, segment string, seats int, "
    + ", ".join(f"{name} decimal(18,2)" for name in AMOUNTS)
    + ", mtd_margin_reason string"
)
TARGETS = "month string, product string, target_profit decimal(18,2)"


def unit(
    product: str | None,
    revenue: str | None,
    *,
    region="north",
    segment="small",
    seats=0,
    payroll: str | None = "0.00",
    day=31,
    month=10,
    reason: str | None = None,
):
    """One unit row whose only expense is payroll; None there stands for expenses that are declared absent."""
    earned = None if revenue is None else Decimal(revenue)
    paid = None if payroll is None else Decimal(payroll)
    amounts = dict.fromkeys(AMOUNTS, None if paid is None else Decimal(0))
    profit = None if earned is None or paid is None else earned - paid
    amounts |= {"revenue_subscription": earned, "revenue_one_time": Decimal(0), "revenue": earned}
    amounts |= {"expense_payroll": paid, "expenses": paid, "profit": profit}
    return (date(2026, month, day), product, region, segment, seats, *amounts.values(), reason)


def run(spark: SparkSession, *units: tuple, targets: list | None = (), previous: DataFrame | None = None) -> DataFrame:
    return JOB.investor_profit(
        units=spark.createDataFrame(list(units), UNITS),
        targets=None if targets is None else spark.createDataFrame(list(targets), TARGETS),
        previous=previous,
        window=OCTOBER,
    )


def by_key(frame: DataFrame) -> dict[tuple[str, str | None, str, str], Row]:
    rows = frame.collect()
    found = {(row.row_kind, row["product"], row.region, row.segment): row for row in rows}
    assert len(found) == len(rows), "the grain is month x row kind x product x region x segment"
    return found


TOTAL = ("total", "total", "total", "total")


def test_cells_products_and_the_company_are_sums_of_the_same_units(spark):
    rows = by_key(
        run(
            spark,
            unit("cloud", "10.00", seats=2, payroll="4.00"),
            unit("cloud", "20.00", seats=3, payroll="5.00", region="south"),
            unit("cloud", "1.00", seats=9, day=30),
            unit("security", "7.00", seats=1),
        )
    )
    assert set(rows) == {
        ("cell", "cloud", "north", "small"),
        ("cell", "cloud", "south", "small"),
        ("cell", "security", "north", "small"),
        ("product", "cloud", "total", "total"),
        ("product", "security", "total", "total"),
        TOTAL,
    }
    for kind in ("cell", "product", "total"):
        of_kind = [row for key, row in rows.items() if key[0] == kind]
        assert sum(row.revenue for row in of_kind) == Decimal("38.00")
        assert sum(row.profit for row in of_kind) == Decimal("29.00")
        assert sum(row.expense_payroll for row in of_kind) == Decimal("9.00")
        assert sum(row.seats for row in of_kind) == 6
        assert sum(row.unit_rows for row in of_kind) == 4
    assert rows[TOTAL].month == "2026-10"


def test_seats_are_those_of_the_last_day_only(spark):
    rows = by_key(run(spark, unit("cloud", "1.00", seats=50, day=1), unit("cloud", "1.00", seats=4, region="south")))
    assert rows["cell", "cloud", "north", "small"].seats == 0
    assert rows[TOTAL].seats == 4


def test_ratios_of_totals_are_recomputed_and_not_summed(spark):
    rows = by_key(
        run(
            spark,
            unit("cloud", "10.00", seats=2, payroll="5.00"),
            unit("cloud", "30.00", seats=8, payroll="25.00", region="south"),
        )
    )
    assert rows[TOTAL].unit_profit == Decimal("1.000000")
    assert rows[TOTAL].margin == Decimal("0.250000")
    assert rows["cell", "cloud", "south", "small"].margin == Decimal("0.166667")


def test_a_denominator_that_is_not_above_zero_gives_null_and_the_reason(spark):
    row = by_key(run(spark, unit("cloud", "0.00", payroll="3.00")))[TOTAL]
    assert (row.unit_profit, row.unit_profit_reason) == (None, "no_subscribers")
    assert (row.margin, row.margin_reason) == (None, "no_revenue")
    assert (row.target_attainment, row.target_attainment_reason) == (None, "no_target")
    assert (row.profit_change_ratio, row.profit_change_ratio_reason) == (None, "no_previous")


def test_a_negative_denominator_is_not_called_absent(spark):
    owed = [("2026-10", "cloud", Decimal("-20.00"))]
    row = by_key(run(spark, unit("cloud", "-466.67"), targets=owed))[TOTAL]
    assert (row.margin, row.margin_reason) == (None, "negative_revenue")
    assert (row.target_attainment, row.target_attainment_reason) == (None, "negative_target")


def test_targets_stand_at_product_and_company_and_duplicates_do_not_add_up(spark):
    rows = by_key(
        run(
            spark,
            unit("cloud", "10.00"),
            targets=[
                ("2026-10", "cloud", Decimal("20.00")),
                ("2026-10", "cloud", Decimal("20.00")),
                ("2026-10", "security", Decimal("5.00")),
                ("2026-09", "cloud", Decimal("999.00")),
            ],
        )
    )
    assert rows["product", "cloud", "total", "total"].target_profit == Decimal("20.00")
    assert rows["product", "cloud", "total", "total"].target_attainment == Decimal("0.500000")
    assert rows[TOTAL].target_profit == Decimal("25.00")
    assert rows["cell", "cloud", "north", "small"].target_profit is None
    assert rows["cell", "cloud", "north", "small"].target_attainment_reason == "no_target"


def test_absent_targets_are_said_to_be_absent(spark):
    rows = by_key(run(spark, unit("cloud", "10.00"), targets=None))
    assert (rows[TOTAL].target_profit, rows[TOTAL].target_attainment_reason) == (None, "source_absent")


def test_absent_expenses_of_the_units_carry_over(spark):
    row = by_key(run(spark, unit("cloud", "10.00", seats=2, payroll=None, reason="source_absent")))[TOTAL]
    assert (row.revenue, row.expenses, row.expense_payroll, row.profit) == (Decimal("10.00"), None, None, None)
    reasons = (row.unit_profit_reason, row.margin_reason, row.target_attainment_reason, row.profit_change_ratio_reason)
    assert reasons == ("source_absent",) * 4


def test_growth_compares_with_the_published_month_before(spark):
    september = run(spark, unit("cloud", "10.00"), unit("security", "2.00", payroll="3.00"))
    previous = september.selectExpr("'2026-09' AS month", *(c for c in september.columns if c != "month"))
    rows = by_key(run(spark, unit("cloud", "15.00"), unit("security", "4.00"), unit("mail", "1.00"), previous=previous))
    cloud = rows["product", "cloud", "total", "total"]
    assert (cloud.previous_period, cloud.previous_profit, cloud.profit_change, cloud.profit_change_ratio) == (
        "2026-09",
        Decimal("10.00"),
        Decimal("5.00"),
        Decimal("0.500000"),
    )
    loss = rows["product", "security", "total", "total"]
    assert (loss.profit_change, loss.profit_change_ratio, loss.profit_change_ratio_reason) == (
        Decimal("5.00"),
        None,
        "previous_not_positive",
    )
    new = rows["product", "mail", "total", "total"]
    assert (new.previous_profit, new.profit_change_ratio_reason) == (None, "no_previous")
    assert rows[TOTAL].profit_change == Decimal("11.00")


def test_an_unfinished_month_grows_from_the_same_days_of_the_month_before(spark):
    window = replace(OCTOBER, data_through=date(2026, 10, 10), kind=Kind.MONTH_TO_DATE)

    def figures(previous_units: DataFrame | None) -> Row:
        frame = JOB.investor_profit(
            units=spark.createDataFrame([unit("cloud", "15.00", day=10)], UNITS),
            targets=None,
            previous=None,
            previous_units=previous_units,
            window=window,
        )
        return by_key(frame)["product", "cloud", "total", "total"]

    september = [unit("cloud", "4.00", day=1, month=9), unit("cloud", "6.00", day=10, month=9, region="south")]
    row = figures(spark.createDataFrame(september, UNITS))
    assert (row.previous_period, row.previous_profit, row.profit_change_ratio) == (
        "2026-09",
        Decimal(10),
        Decimal("0.5"),
    )
    alone = figures(None)
    assert (alone.profit_change_ratio, alone.profit_change_ratio_reason) == (None, "unfinished_period")
    assert (alone.previous_margin, alone.previous_margin_reason) == (None, "unfinished_period")


def test_the_margin_of_an_unfinished_month_stands_beside_that_of_the_same_days(spark):
    """Payroll lands on the tenth: the margin of the whole month before says little about the first nine days."""
    window = replace(OCTOBER, data_through=date(2026, 10, 9), kind=Kind.MONTH_TO_DATE)
    september = [unit("cloud", "10.00", day=1, month=9), unit("cloud", "10.00", day=10, month=9, payroll="18.00")]

    def margins(*before: tuple) -> tuple:
        frame = JOB.investor_profit(
            units=spark.createDataFrame([unit("cloud", "8.00", day=9, payroll="2.00")], UNITS),
            targets=None,
            previous=None,
            previous_units=spark.createDataFrame(list(before), UNITS).where("day <= DATE'2026-09-09'"),
            window=window,
        )
        row = by_key(frame)[TOTAL]
        return row.margin, row.previous_margin, row.previous_margin_reason

    assert margins(*september) == (Decimal("0.75"), Decimal(1), None)
    assert margins(unit("cloud", "-1.00", day=1, month=9)) == (Decimal("0.75"), None, "previous_negative_revenue")


def test_a_previous_month_with_repeated_rows_does_not_multiply(spark):
    september = run(spark, unit("cloud", "10.00"))
    previous = september.unionByName(september)
    rows = run(spark, unit("cloud", "15.00"), previous=previous)
    assert by_key(rows)[TOTAL].revenue == Decimal("15.00")


def test_units_without_a_product_stay_in_the_total(spark):
    rows = by_key(run(spark, unit(None, "10.00"), unit("cloud", "1.00")))
    assert rows[TOTAL].revenue == Decimal("11.00")
    assert rows["product", None, "total", "total"].revenue == Decimal("10.00")


def test_a_product_called_total_is_not_mixed_up_with_the_company(spark):
    rows = by_key(run(spark, unit("total", "10.00", region="total", segment="total"), unit("cloud", "1.00")))
    assert rows["cell", "total", "total", "total"].revenue == Decimal("10.00")
    assert rows[TOTAL].revenue == Decimal("11.00")


def test_units_of_other_months_are_not_counted(spark):
    rows = by_key(run(spark, unit("cloud", "10.00"), unit("cloud", "99.00", month=9, day=30)))
    assert (rows[TOTAL].revenue, rows[TOTAL].unit_rows) == (Decimal("10.00"), 1)


def test_no_units_give_no_rows_so_that_nothing_is_published_as_zero(spark):
    assert run(spark, targets=[("2026-10", "cloud", Decimal("20.00"))]).count() == 0


def test_a_sum_that_does_not_fit_becomes_null_without_a_reason(spark):
    huge = "9999999999999999.99"
    row = by_key(run(spark, unit("cloud", huge, seats=1), unit("cloud", huge, seats=1, region="south")))[TOTAL]
    assert (row.revenue, row.profit, row.unit_profit, row.unit_profit_reason) == (None, None, None, None)


def test_shuffling_the_units_changes_nothing(spark):
    units = [unit(p, f"{n}.10", region=r, seats=n) for n, p in enumerate("abc") for r in ("north", "south")]
    frame = run(spark, *units)
    again = run(spark, *reversed(units))
    assert_df_equality(frame, again, ignore_row_order=True)
