"""Profit per month, product, region and segment, per product, and of the company.

    spark-submit --properties-file spark-conf/local.conf jobs/investor_profit.py --period 2026-10 \
        --as-of 2026-11-05T05:00:00Z --warehouse DIR --sources jobs/sources.yml

Grain: month x `row_kind` x product x region x segment. A `cell` row is one product, region and segment; a `product` row
has `total` for region and segment; the `total` row is the company. Money is DECIMAL(18,2), ratios DECIMAL(18,6). Totals
of ratios are ratios of totals. A month is compared with the last final of the month before; while it is unfinished,
with the same first days of that month, computed anew from the units its final was built from. A ratio that cannot
be computed is NULL and the column beside it says why: `no_subscribers`, `no_revenue`, `negative_revenue` (more was
refunded than invoiced), `no_target`, `negative_target`, `no_previous` (no such row in the month before),
`unfinished_period` (an unfinished month whose predecessor has no final), `previous_not_positive` (growth on a loss has
no meaning) or `source_absent`.

Margin stands beside `previous_margin`, which of an unfinished month is that of the same first days: payroll lands on
one day, so that it says little beside the margin of a whole month. It is NULL for the reasons of growth, or with
`previous_` and the reason of then.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as sf

import dq

TOTAL = "total"
CELL = ("product", "region", "segment")
ROW = ("row_kind", *CELL)
LEVELS = {"cell": CELL, "product": ("product",), TOTAL: ()}
REVENUE = ("revenue_subscription", "revenue_one_time", "revenue")
RESULT = ("expenses", "profit")
PREVIOUS = {
    "previous_profit": ("profit", "decimal(18,2)"),
    "previous_margin": ("margin", "decimal(18,6)"),
    "before_reason": ("margin_reason", "string"),
}
"""What is told of the month before: its column there, and the type."""


def investor_profit(
    *,
    units: DataFrame,
    targets: DataFrame | None,
    previous: DataFrame | None,
    window: dq.Window,
    previous_units: DataFrame | None = None,
) -> DataFrame:
    """Revenue, expenses, profit and paid seats per cell, product and company for the month of the window.

    `units` is `profit_unit`, whose `source_absent` reasons carry over; `previous` is this table of the month before;
    for an unfinished month `previous_units` are the units of that month's same first days instead. A cell of that month
    without units in this one has no row; the product and company rows still hold the full change.
    """
    if previous is None and previous_units is not None:
        before = window.month_before
        previous = investor_profit(units=previous_units, targets=None, previous=None, window=before)
    # Whatever categories expenses were shared out by.
    spent = [name for name in units.columns if name.startswith("expense_")]
    rows = with_targets(summed(cells(units, window, spent), spent), targets, window)
    rows = dq.with_previous(rows, previous, key=ROW, period="month", columns=PREVIOUS)
    rows = rows.withColumn("profit_change", dq.money(sf.col("profit") - sf.col("previous_profit")))
    no_expenses = (sf.col("expenses_absent"), "source_absent")
    no_targets = (sf.lit(targets is None) & (sf.col("row_kind") != "cell"), "source_absent")
    unfinished = window.data_through < window.end
    nothing = "unfinished_period" if unfinished and previous is None else "no_previous"
    no_previous = (sf.col("previous_period").isNull(), nothing)
    return rows.select(
        sf.lit(window.month).alias("month"),
        *ROW,
        *REVENUE,
        *spent,
        *RESULT,
        "seats",
        *dq.ratio("unit_profit", "profit", "seats", "no_subscribers", no_expenses),
        *dq.ratio(
            "margin", "profit", "revenue", "no_revenue", no_expenses, (sf.col("revenue") < 0, "negative_revenue")
        ),
        "target_profit",
        *dq.ratio(
            "target_attainment",
            "profit",
            "target_profit",
            "no_target",
            no_expenses,
            no_targets,
            (sf.col("target_profit") < 0, "negative_target"),
        ),
        "previous_period",
        "previous_profit",
        "profit_change",
        "previous_margin",
        sf.when(sf.col("previous_period").isNull(), nothing)
        .when(sf.col("previous_margin").isNull(), sf.concat(sf.lit("previous_"), sf.col("before_reason")))
        .alias("previous_margin_reason"),
        *dq.ratio(
            "profit_change_ratio", "profit_change", "previous_profit", "previous_not_positive", no_expenses, no_previous
        ),
        "unit_rows",
    )


def cells(units: DataFrame, window: dq.Window, spent: Sequence[str]) -> DataFrame:
    """Units of the month so far by product, region and segment, with the seats at the end of the last day."""
    in_month = sf.col("day").between(sf.lit(window.month_start), sf.lit(window.data_through))
    on_last_day = sf.col("day") == sf.lit(window.data_through)
    return (
        units.where(in_month)
        .groupBy(*CELL)
        .agg(
            *(sf.sum(name).alias(name) for name in (*REVENUE, *spent, *RESULT)),
            sf.sum(sf.when(on_last_day, sf.col("seats")).otherwise(0)).alias("seats"),
            sf.coalesce(sf.bool_or(sf.col("mtd_margin_reason") == "source_absent"), sf.lit(False)).alias(
                "expenses_absent"
            ),
            sf.count("*").alias("unit_rows"),
        )
    )


def summed(cells: DataFrame, spent: Sequence[str]) -> DataFrame:
    """Cell, product and company rows, each the sum of the same cells; a cell without a product stays under NULL."""
    return (
        dq.at_every_level(cells, key=CELL, levels=LEVELS)
        .groupBy(*ROW)
        .agg(
            *(dq.money(sf.sum(name)).alias(name) for name in (*REVENUE, *spent, *RESULT)),
            sf.sum("seats").alias("seats"),
            sf.bool_or("expenses_absent").alias("expenses_absent"),
            sf.sum("unit_rows").alias("unit_rows"),
        )
    )


def with_targets(rows: DataFrame, targets: DataFrame | None, window: dq.Window) -> DataFrame:
    """The rows with the target of the product, and of all products for the company; of two the more demanding."""
    if targets is None:
        return rows.withColumn("target_profit", sf.lit(None).cast("decimal(18,2)"))
    of_product = (
        targets.where(sf.col("month") == window.month)
        .groupBy("product")
        .agg(sf.max("target_profit").alias("target_profit"))
        .where(sf.col("product").isNotNull())
    )
    keyed = sf.explode(
        sf.array(
            sf.struct(sf.lit("product").alias("row_kind"), sf.col("product")),
            sf.struct(sf.lit(TOTAL).alias("row_kind"), sf.lit(TOTAL).alias("product")),
        )
    )
    by_row = (
        of_product.select(keyed.alias("row"), "target_profit")
        .groupBy("row.row_kind", "row.product")
        .agg(dq.money(sf.sum("target_profit")).alias("target_profit"))
    )
    return rows.join(sf.broadcast(by_row), on=["row_kind", "product"], how="left")


def main(argv: Sequence[str] | None = None) -> int:
    with dq.pipeline_run("investor_profit", argv) as run:
        run.publish(
            investor_profit(
                units=run.read("profit_unit"),
                targets=run.read("targets"),
                previous=run.previous(),
                previous_units=run.previous_units("profit_unit"),
                window=run.window,
            )
        )
    return run.exit_code


if __name__ == "__main__":
    sys.exit(main())
