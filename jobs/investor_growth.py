"""Growth per month, product, region and segment, per product, and of the company: MRR as money, licences in seats.

    spark-submit --properties-file spark-conf/local.conf jobs/investor_growth.py --period 2026-10 \
        --as-of 2026-11-05T05:00:00Z --warehouse DIR --sources jobs/sources.yml

Grain: month x `row_kind` x product x region x segment. A `cell` row is one product, region and segment; a `product` row
has `total` for region and segment; the `total` row is the company. MRR is monthly recurring revenue as DECIMAL(18,2),
licences are paid seats, ratios DECIMAL(18,6). In every row and to the cent, for MRR and licences alike:

    opening + new + expansion + transferred in - contraction - churn - transferred out = closing

The movements are the sums of the daily ones of `growth_daily`: what an account gains on the 3rd and loses on the 20th
is expansion and contraction, not nothing. In cells and products they are those of accounts in a product; the customers
of the company are accounts with all their products. So in the `total` row a second product is expansion, a product
given up while another one stays is contraction, and only who becomes or ceases to be a customer is new or churned:
there these four are not the sums of the cells', while new + expansion - contraction - churn is.

Opening and transferred out belong to the cell the account was in before, all else to the cell it is in. For products
and the company transferred in equals transferred out and both cancel out; they say how much moved between cells.

Retention and the cohort churn rate are of a cohort: of those who had MRR before the first day, each in the cell where
it was then. `mrr_retained` is what they have after the last day, wherever it is booked then; `mrr_kept` is that without
expansion, of each no more than it had; `mrr_lost` is what those of them had who have nothing then. So opening - kept -
lost is the cohort's contraction, which is not churn. A cell and a product count accounts in the product, the `total`
row accounts with all their products, so that a product bought later by one of the cohort is retained and by anybody
else is not. Who comes and goes within the month is in the movements and in none of the three.

The `ttm_` columns say the same of trailing twelve months: of those who had MRR before the first day of the twelve
months that end with the last day covered, each in the cell where it was then, what they have now. It is that cohort
counted from the published units of both days, not twelve months' rates multiplied or added up: who left and came back
is retained, who came since is not in it. They are NULL, with `fewer_than_twelve_finals`, until all those months before
this one are published as final; while the month is unfinished, the month in which they begin is one of them.

Ratios divide by opening MRR and are divided anew for totals: the growth rate is (closing - opening) / opening, which in
a cell holds its transfers too; net revenue retention is retained / opening; gross revenue retention is kept / opening,
never above 1; the cohort churn rate is lost / opening, so that it and gross revenue retention add up to 1 less what the
cohort contracted by. Without opening MRR they are NULL with `no_opening_mrr`, while nothing is retained, kept and lost.
`mrr_change_ratio` is against what the last final of the month before closed with; while the month is unfinished,
against what that month had at the end of the same first days, computed anew from the units its final was built from. It
is NULL with `no_previous` (no such row there), `unfinished_period` (an unfinished month after one without a final) or
`previous_not_positive`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import Window as Over
from pyspark.sql import functions as sf

import dq

TOTAL = "total"
UNALLOCATED = "unallocated"
CELL = ("product", "region", "segment")
ROW = ("row_kind", *CELL)
LEVELS = {"cell": CELL, "product": ("product",), TOTAL: ()}
MOVEMENTS = ("opening", "new", "expansion", "contraction", "churn", "transferred_in", "transferred_out", "closing")
# Name of the amount here -> in the units.
BRIDGED = {"mrr": "mrr", "licences": "seats"}
COHORT = ("mrr_retained", "mrr_kept", "mrr_lost")
"""Of those who had MRR at the opening: what they have at the end, that without expansion, and what who left had."""
YEAR = ("ttm_mrr_opening", *(f"ttm_{name}" for name in COHORT))
"""The same of those who had MRR twelve months ago, and what they had."""
AMOUNTS = (*(f"{name}_{part}" for name in BRIDGED for part in MOVEMENTS), *COHORT, *YEAR)
OF_ACCOUNT = ("new", "expansion", "contraction", "churn")
PREVIOUS = {"previous_mrr": ("mrr_closing", "decimal(18,2)")}
"""What is told of the month before: its column there, and the type."""
BY_CUSTOMER = {
    name: f"customers_{name}"
    for name in (*(f"{name}_{part}" for name in BRIDGED for part in OF_ACCOUNT), *COHORT, *YEAR)
}
"""The amounts that may be others for an account with all its products, and what they are called on the way."""
LEFT_BEHIND = ("opening", "transferred_out")
"""The movements that belong to where an account was before."""


def investor_growth(
    *,
    units: DataFrame,
    previous: DataFrame | None,
    window: dq.Window,
    previous_units: DataFrame | None = None,
    trailing: DataFrame | None = None,
) -> DataFrame:
    """Opening, movements and closing of MRR and licences per cell, product and company for the month of the window.

    `units` is `growth_daily`; `previous` is this table of the month before; for an unfinished month `previous_units`
    are the units of that month's same first days instead. `trailing` are the units of the day with which the twelve
    months began, where there are finals of all of them.
    """
    if previous is None and previous_units is not None:
        previous = investor_growth(units=previous_units, previous=None, window=window.month_before)
    rows = summed(cells(units, window, trailing))
    rows = dq.with_previous(rows, previous, key=ROW, period="month", columns=PREVIOUS)
    rows = rows.withColumn("mrr_change", dq.money(sf.col("mrr_closing") - sf.col("previous_mrr")))
    no_year = (sf.lit(trailing is None), "fewer_than_twelve_finals")
    gained = sf.col("mrr_closing") - sf.col("mrr_opening")
    unfinished = window.data_through < window.end
    nothing = "unfinished_period" if unfinished and previous is None else "no_previous"
    no_previous = (sf.col("previous_period").isNull(), nothing)
    return rows.select(
        sf.lit(window.month).alias("month"),
        *ROW,
        *(sf.col(name) if name in rows.columns else dq.money(sf.lit(None)).alias(name) for name in AMOUNTS),
        *dq.ratio("mrr_growth_rate", gained, "mrr_opening", "no_opening_mrr"),
        *dq.ratio("cohort_churn_rate", "mrr_lost", "mrr_opening", "no_opening_mrr"),
        *dq.ratio("net_revenue_retention", "mrr_retained", "mrr_opening", "no_opening_mrr"),
        *dq.ratio("gross_revenue_retention", "mrr_kept", "mrr_opening", "no_opening_mrr"),
        *dq.ratio("ttm_cohort_churn_rate", "ttm_mrr_lost", "ttm_mrr_opening", "no_opening_mrr", no_year),
        *dq.ratio("ttm_net_revenue_retention", "ttm_mrr_retained", "ttm_mrr_opening", "no_opening_mrr", no_year),
        *dq.ratio("ttm_gross_revenue_retention", "ttm_mrr_kept", "ttm_mrr_opening", "no_opening_mrr", no_year),
        "previous_period",
        "previous_mrr",
        "mrr_change",
        *dq.ratio("mrr_change_ratio", sf.col("mrr_change"), "previous_mrr", "previous_not_positive", no_previous),
        "unit_rows",
    )


def cells(units: DataFrame, window: dq.Window, trailing: DataFrame | None) -> DataFrame:
    """Movements of the month so far by product, region and segment; what stood before its first day and after its last.

    What is retained, kept and lost of the former stands in the cell it was in. Every unit row is booked twice: in the
    cell its account was in before and in the cell it is in, mostly the same.
    """
    first, last = sf.col("day") == sf.lit(window.month_start), sf.col("day") == sf.lit(window.data_through)
    of_product = sf.coalesce(sf.col("product") != UNALLOCATED, sf.lit(True))
    in_month = sf.col("day").between(sf.lit(window.month_start), sf.lit(window.data_through))

    def amounts(parts: Sequence[str]) -> list[Column]:
        booked = {"opening": first, "closing": last}
        return [
            sf.when(booked.get(part, sf.lit(True)), sf.col(f"{ours}_{part}")).alias(f"{name}_{part}")
            for name, ours in BRIDGED.items()
            for part in parts
        ]

    left = [part for part in MOVEMENTS if part in LEFT_BEHIND]
    here = [part for part in MOVEMENTS if part not in LEFT_BEHIND]
    units = units.where(in_month & of_product)
    cohorts = cohort(units.where(first | last), first, last)
    if trailing is not None:
        began = sf.col("day") == sf.lit(window.year_start)
        both = trailing.where(began & of_product).unionByName(units.where(last), allowMissingColumns=True)
        cohorts = cohorts.unionByName(cohort(both, began, last, "ttm_"), allowMissingColumns=True)
    before = units.select(
        "product",
        sf.col("region_before").alias("region"),
        sf.col("segment_before").alias("segment"),
        *amounts(left),
        sf.lit(0).alias("unit_rows"),
    ).where(" OR ".join(f"{name}_{part} <> 0" for name in BRIDGED for part in left))
    customers = [
        sf.col(f"account_{ours}_{part}").alias(f"customers_{name}_{part}")
        for name, ours in BRIDGED.items()
        for part in OF_ACCOUNT
    ]
    now = units.select(*CELL, *amounts(here), *customers, sf.lit(1).alias("unit_rows"))
    booked = now.unionByName(before, allowMissingColumns=True).unionByName(cohorts, allowMissingColumns=True)
    names = [name for name in (*AMOUNTS, *BY_CUSTOMER.values()) if name in booked.columns]
    return booked.groupBy(*CELL).agg(
        *(sf.coalesce(sf.sum(name), sf.lit(0)).alias(name) for name in names), sf.sum("unit_rows").alias("unit_rows")
    )


def cohort(units: DataFrame, first: Column, last: Column, prefix: str = "") -> DataFrame:
    """What of an account's opening in a product is retained, kept and lost, in the cell it was in before the first day.

    `units` are the rows of the first and the last day. Who has no row on the first day had nothing before it, who has
    none on the last has nothing left. For the company the account's products together decide what each of them is. The
    amounts are named with ``prefix``, and with one they hold what was open too.
    """
    had = first & (sf.col("mrr_opening") != 0)
    places = {
        name: sf.coalesce(sf.max(sf.when(had, sf.col(f"{name}_before"))), sf.max(sf.when(last, sf.col(name))))
        for name in CELL[1:]
    }
    account = Over.partitionBy("account_id")
    held = (
        # By account alone: what is added up over its products then needs no further exchange.
        units.repartition("account_id")
        .groupBy("account_id", "product")
        .agg(
            *(place.alias(name) for name, place in places.items()),
            sf.coalesce(sf.sum(sf.when(had, sf.col("mrr_opening"))), sf.lit(0)).alias("opening"),
            sf.coalesce(sf.sum(sf.when(last, sf.col("mrr_closing"))), sf.lit(0)).alias("closing"),
        )
        .where("opening <> 0 OR closing <> 0")
        .withColumn("customers_opening", sf.sum("opening").over(account))
        .withColumn("customers_closing", sf.sum("closing").over(account))
    )
    # A customer with less than before keeps what is left of every product, any other what every product opened with.
    shrank = sf.col("customers_closing") < sf.col("customers_opening")
    kept = sf.when(shrank, sf.col("closing")).otherwise(sf.col("opening"))
    amounts = {
        "mrr_retained": sf.when(sf.col("opening") != 0, sf.col("closing")),
        "mrr_kept": sf.when(sf.col("opening") != 0, sf.least("opening", "closing")),
        "mrr_lost": sf.when(sf.col("closing") == 0, sf.col("opening")),
    }
    of_customers = {
        "mrr_retained": sf.when(sf.col("customers_opening") != 0, sf.col("closing")),
        "mrr_kept": sf.when(sf.col("customers_opening") != 0, kept),
        "mrr_lost": sf.when(sf.col("customers_closing") == 0, sf.col("opening")),
    }
    open_then = {"mrr_opening": sf.col("opening")} if prefix else {}
    return held.select(
        *CELL,
        *(amount.alias(f"{prefix}{name}") for name, amount in {**open_then, **amounts}.items()),
        *(amount.alias(f"customers_{prefix}{name}") for name, amount in {**open_then, **of_customers}.items()),
        sf.lit(0).alias("unit_rows"),
    )


def summed(cells: DataFrame) -> DataFrame:
    """Cell, product and company rows, each the sum of the same cells; a cell without a product stays under NULL.

    What the company moves, retains and loses is that of its accounts with all their products.
    """
    amounts = [name for name in AMOUNTS if name in cells.columns]
    return (
        dq.at_every_level(cells, key=CELL, levels=LEVELS)
        .withColumns(
            {
                name: sf.when(sf.col("row_kind") == TOTAL, sf.col(by)).otherwise(sf.col(name))
                for name, by in BY_CUSTOMER.items()
                if name in amounts
            }
        )
        .groupBy(*ROW)
        .agg(
            *(dq.money(sf.sum(name)).alias(name) for name in amounts if "mrr_" in name),
            *(sf.sum(name).cast("bigint").alias(name) for name in amounts if "mrr_" not in name),
            sf.sum("unit_rows").alias("unit_rows"),
        )
    )


def main(argv: Sequence[str] | None = None) -> int:
    with dq.pipeline_run("investor_growth", argv) as run:
        run.publish(
            investor_growth(
                units=run.read("growth_daily"),
                previous=run.previous(),
                previous_units=run.previous_units("growth_daily"),
                trailing=run.trailing_units("growth_daily"),
                window=run.window,
            )
        )
    return run.exit_code


if __name__ == "__main__":
    sys.exit(main())
