"""Profit per month, product, region and segment, per product, and of the company.

    spark-submit --properties-file spark-conf/local.conf jobs/investor_profit.py --period 2026-10 \
        --as-of 2026-11-05T05:00:00Z --warehouse DIR --sources jobs/sources.yml

Grain: month x `row_kind` x product x region x segment. A `cell` row is one product, region and segment; a `product` row
has `total` for region and segment; the `total` row is the company. Money is DECIMAL(18,2), ratios DECIMAL(18,6). Totals
of ratios are ratios of totals. A month is compared with the last final of the month before; while it is unfinished,
with the same first days of that month, computed anew from the units its final was built from. A ratio that cannot be
had is NULL and the column beside it says why: `no_subscribers`, `no_revenue`, `negative_revenue` (more was refunded
than invoiced), `no_target`, `negative_target`, `no_previous` (no such row in the month before), `unfinished_period`
(an unfinished month whose predecessor has no final), `previous_not_positive` (growth on a loss has no meaning) or
`source_absent`.

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

CATEGORIES = (
    "payroll",
    "marketing",
    "insurance",
    "research_and_development",
    "services",
    "rent_and_inventory",
    "servers",
    "capital",
)
TOTAL = "total"
CELL = ("product", "region", "segment")
ROW = ("row_kind", *CELL)
AMOUNTS = (
    "revenue_subscription",
    "revenue_one_time",
    "revenue",
    *(f"expense_{category}" for category in CATEGORIES),
    "expenses",
    "profit",
)


def investor_profit(
    *,
    units: DataFrame,
    targets: DataFrame | None,
    previous: DataFrame | None,
    window: dq.Window,
    previous_units: DataFrame | None = None,
) -> DataFrame:
    """Revenue, expenses, profit and subscribers per cell, product and company for the month of the window.

    `units` is `profit_unit`, whose `source_absent` reasons carry over; `previous` is this table of the month before;
    for an unfinished month `previous_units` are the units of that month's same first days instead. A cell of that month
    without units in this one has no row; the product and company rows still hold the full change.
    """
    if previous is None and previous_units is not None:
        before = window.month_before
        previous = investor_profit(units=previous_units, targets=None, previous=None, window=before)
    rows = with_previous(with_targets(summed(cells(units, window)), targets, window), previous)
    no_expenses = (sf.col("expenses_absent"), "source_absent")
    no_targets = (sf.lit(targets is None) & (sf.col("row_kind") != "cell"), "source_absent")
    unfinished = window.data_through < window.end
    nothing = "unfinished_period" if unfinished and previous is None else "no_previous"
    no_previous = (sf.col("previous_period").isNull(), nothing)
    return rows.select(
        sf.lit(window.month).alias("month"),
        *ROW,
        *AMOUNTS,
        "subscribers",
        *dq.ratio("unit_profit", "profit", "subscribers", "no_subscribers", no_expenses),
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


def cells(units: DataFrame, window: dq.Window) -> DataFrame:
    """Units of the month so far by product, region and segment, with the seats at the end of the last day."""
    in_month = sf.col("day").between(sf.lit(window.month_start), sf.lit(window.data_through))
    on_last_day = sf.col("day") == sf.lit(window.data_through)
    return (
        units.where(in_month)
        .groupBy(*CELL)
        .agg(
            *(sf.sum(name).alias(name) for name in AMOUNTS),
            sf.sum(sf.when(on_last_day, sf.col("seats")).otherwise(0)).alias("subscribers"),
            sf.coalesce(sf.bool_or(sf.col("mtd_margin_reason") == "source_absent"), sf.lit(False)).alias(
                "expenses_absent"
            ),
            sf.count("*").alias("unit_rows"),
        )
    )


def summed(cells: DataFrame) -> DataFrame:
    """Cell, product and company rows, each the sum of the same cells; a cell without a product stays under NULL."""
    levels = {
        "cell": CELL,
        "product": ("product", None, None),
        TOTAL: (None, None, None),
    }
    rows = [
        sf.struct(
            sf.lit(kind).alias("row_kind"),
            *((sf.col(key) if key else sf.lit(TOTAL)).alias(name) for name, key in zip(CELL, keys, strict=True)),
        )
        for kind, keys in levels.items()
    ]
    return (
        cells.withColumn("row", sf.explode(sf.array(*rows)))
        .groupBy("row.row_kind", "row.product", "row.region", "row.segment")
        .agg(
            *(dq.money(sf.sum(name)).alias(name) for name in AMOUNTS),
            sf.sum("subscribers").alias("subscribers"),
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


def with_previous(rows: DataFrame, previous: DataFrame | None) -> DataFrame:
    """The rows with the profit and margin published for the month before and the change of profit."""
    if previous is None:
        absent = sf.lit(None)
        found = rows.withColumn("previous_period", absent.cast("string"))
        found = found.withColumn("previous_profit", absent.cast("decimal(18,2)"))
        found = found.withColumn("previous_margin", absent.cast("decimal(18,6)")).withColumn("before_reason", absent)
    else:
        before = (
            previous.groupBy(*ROW)
            .agg(
                sf.max("month").alias("previous_period"),
                sf.max("profit").alias("previous_profit"),
                sf.max("margin").alias("previous_margin"),
                sf.max("margin_reason").alias("before_reason"),
            )
            .alias("before")
        )
        rows = rows.alias("now")
        same = sf.lit(True)
        for name in ROW:
            same = same & sf.col(f"now.{name}").eqNullSafe(sf.col(f"before.{name}"))
        found = rows.join(sf.broadcast(before), on=same, how="left").select(
            "now.*", *(f"before.{name}" for name in before.columns if name not in ROW)
        )
    return found.withColumn("profit_change", dq.money(sf.col("profit") - sf.col("previous_profit")))


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
