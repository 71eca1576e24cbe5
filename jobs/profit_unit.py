"""Profit per account, product and day, with the month so far beside each day.

    spark-submit --properties-file spark-conf/local.conf jobs/profit_unit.py --period 2026-10 \
        --as-of 2026-11-01T02:00:00Z --warehouse DIR --sources jobs/sources.yml

Grain: account x product x day. Money is DECIMAL(18,2), ratios DECIMAL(18,6). A ratio that cannot be computed is NULL
and the column beside it says why: `no_subscribers`, `no_revenue`, `no_target` (the denominator is absent or zero),
`negative_revenue`, `negative_target` or `source_absent` (a source its parts come from is declared absent). An amount
that does not fit its type is NULL too, and unexplained on purpose: the checks hold it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import Window as Over
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
DRIVERS = ("seats", "revenue", "equal")
UNALLOCATED = "unallocated"
PLACE = ("region", "segment")
REVENUE = ("revenue_subscription", "revenue_one_time", "revenue")
EXPENSES = tuple(f"expense_{category}" for category in CATEGORIES)


def profit_unit(
    *,
    revenue: DataFrame,
    expenses: DataFrame | None,
    licence_events: DataFrame,
    accounts: DataFrame,
    targets: DataFrame | None,
    window: dq.Window,
    rules: Mapping[str, object],
) -> DataFrame:
    """Revenue, allocated expenses and profit per account, product and day of the window.

    An account and product has a row for every day from the first of the month on which it has paid seats or a booking,
    so the month-to-date columns of one day add up to the whole month so far. An expense amount without a driver that
    day stands in a row whose account, product, region and segment are `unallocated`.
    """
    versions = allocation_versions(rules)
    rows = active_days(stack(bookings(revenue, window), seat_changes(licence_events, window), window), window)
    rows = without_expenses(rows) if expenses is None else allocated(rows, daily_expenses(expenses, versions, window))
    rows = month_to_date(rows).where(sf.col("day") >= sf.lit(window.start))
    today = {"": sf.col("day")}
    rows = dq.valid_on(rows, accounts, key="account_id", columns=PLACE, days=today, otherwise=UNALLOCATED)
    rows = with_targets(rows, targets, window)
    no_expenses = (sf.lit(expenses is None), "source_absent")
    no_targets = (sf.lit(targets is None), "source_absent")
    return rows.select(
        "day",
        "account_id",
        "product",
        *PLACE,
        "seats",
        *REVENUE,
        "revenue_lines",
        *EXPENSES,
        "expenses",
        "profit",
        "mtd_revenue",
        "mtd_expenses",
        "mtd_profit",
        *dq.ratio("mtd_unit_profit", "mtd_profit", "seats", "no_subscribers", no_expenses),
        *dq.ratio(
            "mtd_margin",
            "mtd_profit",
            "mtd_revenue",
            "no_revenue",
            no_expenses,
            (sf.col("mtd_revenue") < 0, "negative_revenue"),
        ),
        "product_mtd_profit",
        "product_target_profit",
        *dq.ratio(
            "product_target_attainment",
            "product_mtd_profit",
            "product_target_profit",
            "no_target",
            no_expenses,
            no_targets,
            (sf.col("product_target_profit") < 0, "negative_target"),
        ),
        rule_version(versions).alias("rule_version"),
    )


@dataclass(frozen=True, kw_only=True)
class Allocation:
    """The drivers by which expenses are shared out from a day on: category to driver."""

    version: str
    effective_from: date
    drivers: Mapping[str, str]


def allocation_versions(rules: Mapping[str, object]) -> tuple[Allocation, ...]:
    """The allocation rules, newest first; raises when one leaves a category without a known driver."""
    declared = rules.get("allocation")
    if not isinstance(declared, Sequence) or isinstance(declared, str) or not declared:
        raise dq.DqError("no allocation rule is declared", where="jobs/rules.yml: allocation", expected="a version")
    versions = [allocation(rule, f"jobs/rules.yml: allocation[{number}]") for number, rule in enumerate(declared)]
    return tuple(sorted(versions, key=lambda rule: rule.effective_from, reverse=True))


def allocation(rule: Mapping[str, object], where: str) -> Allocation:
    """One declared allocation rule."""
    missing = [key for key in ("version", "effective_from", "drivers") if not rule.get(key)]
    if missing:
        raise dq.DqError(f"{missing[0]} is missing", where=where, do="add it")
    try:
        effective_from = date.fromisoformat(str(rule["effective_from"]))
    except ValueError:
        raise dq.DqError(f"effective_from is {rule['effective_from']}", where=where, expected="a date") from None
    drivers = dict(rule["drivers"])
    for category in CATEGORIES:
        if drivers.get(category) not in DRIVERS:
            raise dq.DqError(
                f"{category} has the driver {drivers.get(category)}", where=where, expected=" or ".join(DRIVERS)
            )
    if unknown := sorted(set(drivers) - set(CATEGORIES)):
        raise dq.DqError(f"unknown category {unknown[0]}", where=where, expected=", ".join(CATEGORIES))
    return Allocation(version=str(rule["version"]), effective_from=effective_from, drivers=drivers)


def by_version(versions: Sequence[Allocation], value: Mapping[str, Column]) -> Column:
    """The value of the version in force on each row's day, NULL before the first."""
    first, *rest = versions
    chosen = sf.when(sf.col("day") >= sf.lit(first.effective_from), value[first.version])
    for rule in rest:
        chosen = chosen.when(sf.col("day") >= sf.lit(rule.effective_from), value[rule.version])
    return chosen


def rule_version(versions: Sequence[Allocation]) -> Column:
    """The version of the rules in force on each row's day."""
    return by_version(versions, {rule.version: sf.lit(rule.version) for rule in versions})


def in_month(day: str, window: dq.Window) -> Column:
    """Whether a day lies in the month so far."""
    return sf.col(day).between(sf.lit(window.month_start), sf.lit(window.data_through))


def bookings(revenue: DataFrame, window: dq.Window) -> DataFrame:
    """Revenue per account, product and day of the month so far; lines without an account or product stay under NULL."""
    amount = sf.col("amount")
    return (
        revenue.where(in_month("booked_date", window))
        .groupBy("account_id", "product", sf.col("booked_date").alias("day"))
        .agg(
            sf.sum(sf.when(sf.col("kind") == "subscription", amount).otherwise(0)).alias("revenue_subscription"),
            sf.sum(sf.when(sf.col("kind") == "one_time", amount).otherwise(0)).alias("revenue_one_time"),
            sf.sum(amount).alias("revenue"),
            sf.count("*").alias("revenue_lines"),
        )
    )


def seat_changes(licence_events: DataFrame, window: dq.Window) -> DataFrame:
    """Changes of paid seats per account, product and day; what was held before the month counts on its first day."""
    held = (
        dq.licence_states(licence_events, window.data_through)
        .where(sf.col("paid") & (sf.col("seats_after") != 0))
        .where(sf.col("until").isNull() | (sf.col("until") > sf.lit(window.month_start)))
    )
    begins = sf.greatest("effective_date", sf.lit(window.month_start))
    gained = sf.struct(begins.alias("day"), sf.col("seats_after").cast("bigint").alias("seat_change"))
    lost = sf.struct(sf.col("until").alias("day"), (-sf.col("seats_after")).cast("bigint").alias("seat_change"))
    return (
        held.select("account_id", "product", sf.explode(sf.array(gained, lost)).alias("change"))
        .select("account_id", "product", "change.*")
        .where(sf.col("day") <= sf.lit(window.data_through))
    )


def stack(booked: DataFrame, seats: DataFrame, window: dq.Window) -> DataFrame:
    """Bookings, seat changes and one empty `unallocated` row, stacked and grouped to account x product x day.

    Stacked rather than joined: a stack can neither multiply nor lose an amount, and NULL keys need no special care.
    """
    unallocated = booked.sparkSession.range(1).select(
        sf.lit(UNALLOCATED).alias("account_id"),
        sf.lit(UNALLOCATED).alias("product"),
        sf.lit(window.month_start).alias("day"),
    )
    return (
        booked.unionByName(seats, allowMissingColumns=True)
        .unionByName(unallocated, allowMissingColumns=True)
        .repartition("account_id", "product")
        .groupBy("account_id", "product", "day")
        .agg(
            *(sf.sum(name).alias(name) for name in REVENUE),
            sf.coalesce(sf.sum("revenue_lines"), sf.lit(0)).alias("revenue_lines"),
            sf.coalesce(sf.sum("seat_change"), sf.lit(0)).alias("seat_change"),
        )
    )


def active_days(stacked: DataFrame, window: dq.Window) -> DataFrame:
    """One row per account, product and day from its first change to the end, with the seats at the end of the day."""
    unit = Over.partitionBy("account_id", "product").orderBy("day")
    last = sf.coalesce(sf.date_sub(sf.lead("day").over(unit), 1), sf.lit(window.data_through))
    changed = sf.col("day") == sf.col("changed_on")
    booked = {name: sf.when(changed & (sf.col("revenue_lines") > 0), sf.col(name)).otherwise(0) for name in REVENUE}
    return (
        stacked.withColumn("seats", sf.sum("seat_change").over(unit))
        .withColumn("last", last)
        .withColumnRenamed("day", "changed_on")
        .withColumn("day", sf.explode(sf.sequence("changed_on", "last")))
        .select(
            "day",
            "account_id",
            "product",
            dq.try_cast(sf.col("seats"), "int").alias("seats"),
            *(dq.money(amount).alias(name) for name, amount in booked.items()),
            sf.when(changed, sf.col("revenue_lines")).otherwise(0).alias("revenue_lines"),
        )
    )


def daily_expenses(expenses: DataFrame, versions: Sequence[Allocation], window: dq.Window) -> DataFrame:
    """Per day of the month so far: the total of each category with an entry, in cents, and the driver in force.

    A category that no rule names has no driver, so its amount will stand unallocated rather than get lost.
    """
    drivers = {
        rule.version: sf.try_element_at(
            sf.create_map(*(sf.lit(text) for pair in rule.drivers.items() for text in pair)), sf.col("category")
        )
        for rule in versions
    }
    return (
        expenses.where(in_month("incurred_date", window))
        .groupBy(sf.col("incurred_date").alias("day"), "category")
        .agg((sf.sum("amount") * 100).cast("decimal(30,0)").alias("cents"))
        .where(sf.col("cents") != 0)
        .withColumn("driver", by_version(versions, drivers))
        .groupBy("day")
        .agg(sf.collect_list(sf.struct("category", "cents", "driver")).alias("spent"))
    )


def without_expenses(rows: DataFrame) -> DataFrame:
    """The rows with NULL for every expense column: that no expenses are known is not the same as none."""
    unknown = sf.lit(None).cast("decimal(18,2)")
    return rows.where(~placed_nowhere()).withColumns(dict.fromkeys((*EXPENSES, "expenses", "profit"), unknown))


def placed_nowhere() -> Column:
    """Whether a row is the one that takes what cannot be allocated."""
    return sf.coalesce((sf.col("account_id") == UNALLOCATED) & (sf.col("product") == UNALLOCATED), sf.lit(False))


def allocated(rows: DataFrame, daily: DataFrame) -> DataFrame:
    """The rows with each day's expenses shared out by the category's driver, to the cent.

    Largest remainder: a row gets the whole cents of its exact share, and the cents left over go to the largest
    fractions, equal ones in the order of account and product. A negative amount is shared out like its positive.
    """
    to_share = Over.partitionBy("day", "category")
    order = to_share.orderBy(sf.col("rest").desc_nulls_last(), "account_id", "product")
    weight = (
        sf.when(sf.col("driver") == "seats", sf.greatest("seats", sf.lit(0)))
        .when(sf.col("driver") == "revenue", sf.greatest("revenue", sf.lit(0)) * 100)
        .when(sf.col("driver") == "equal", ((sf.col("seats") > 0) | (sf.col("revenue_lines") > 0)).cast("int"))
    )
    share = sf.try_multiply(sf.abs("cents"), sf.col("weight"))
    whole = ((sf.col("share") - sf.col("rest")) / sf.col("total")).cast("decimal(30,0)")
    # The rests of a day and category add up to as many totals as there are cents left over.
    left_over = (sf.col("rests") / sf.col("total")).cast("decimal(30,0)")
    placed = sf.when(placed_nowhere(), sf.col("cents")).otherwise(0)
    cents = sf.when(sf.col("total").isNull(), placed).otherwise(
        sf.signum("cents").cast("int") * (whole + (sf.col("rank") <= left_over).cast("int"))
    )
    own = ("day", "account_id", "product", "seats", *REVENUE, "revenue_lines")
    spent = {
        f"expense_{name}": sf.when(sf.col("category") == name, sf.col("cents")).otherwise(0) for name in CATEGORIES
    }
    spent["expenses"] = sf.coalesce(sf.col("cents"), sf.lit(0))
    return (
        rows.join(sf.broadcast(daily), on="day", how="left")
        .select(*own, sf.inline_outer("spent"))
        .withColumn("weight", sf.coalesce(weight, sf.lit(0)).cast("decimal(20,0)"))
        .withColumn("total", sf.nullif(sf.sum("weight").over(to_share), sf.lit(0)))
        .withColumn("share", share)
        .withColumn("rest", sf.col("share") % sf.col("total"))
        .withColumns({"rests": sf.sum("rest").over(to_share), "rank": sf.row_number().over(order)})
        .withColumn("cents", cents)
        .repartition("account_id", "product")
        .groupBy(*own)
        .agg(*(dq.money(sf.sum(amount) / 100).alias(name) for name, amount in spent.items()))
        .withColumn("profit", dq.money(sf.col("revenue") - sf.col("expenses")))
    )


def month_to_date(rows: DataFrame) -> DataFrame:
    """The rows with the month so far of revenue, expenses and profit, less an `unallocated` row that took nothing."""
    so_far = Over.partitionBy("account_id", "product").orderBy("day")
    spent = sf.exists(sf.array(*EXPENSES, "expenses"), lambda amount: sf.coalesce(amount != 0, sf.lit(True)))
    return (
        rows.withColumn("mtd_revenue", dq.money(sf.sum("revenue").over(so_far)))
        .withColumn("mtd_expenses", dq.money(sf.sum("expenses").over(so_far)))
        .withColumn("took", sf.max(spent).over(so_far))
        .where(~placed_nowhere() | sf.col("took"))
        .withColumn("mtd_profit", dq.money(sf.col("mtd_revenue") - sf.col("mtd_expenses")))
    )


def with_targets(rows: DataFrame, targets: DataFrame | None, window: dq.Window) -> DataFrame:
    """The rows with the product's profit of the month so far and its target; of two targets the more demanding."""
    product_day = Over.partitionBy("product", "day")
    rows = rows.withColumn("product_mtd_profit", dq.money(sf.sum("mtd_profit").over(product_day)))
    if targets is None:
        return rows.withColumn("product_target_profit", sf.lit(None).cast("decimal(18,2)"))
    of_month = targets.where(sf.col("month") == window.month).groupBy("product")
    return rows.join(
        sf.broadcast(of_month.agg(sf.max("target_profit").alias("product_target_profit"))), on="product", how="left"
    )


def main(argv: Sequence[str] | None = None) -> int:
    with dq.pipeline_run("profit_unit", argv) as run:
        run.publish(
            profit_unit(
                revenue=run.read("revenue"),
                expenses=run.read("expenses"),
                licence_events=run.read("licence_events"),
                accounts=run.read("accounts"),
                targets=run.read("targets"),
                window=run.window,
                rules=run.rules,
            )
        )
    return run.exit_code


if __name__ == "__main__":
    sys.exit(main())
