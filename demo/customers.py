"""The demo company's customers: who they are, what they hold, and the events by which that changed."""

from __future__ import annotations

from datetime import date, timedelta

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as sf

from demo import company
from demo.seeded import (
    KNOWN_WITHIN_SECONDS,
    MONTH,
    Company,
    account_id,
    add_days,
    at,
    established,
    money,
    month_id,
    pick,
)

_STEPS_PER_YEAR = 12
# No row is ever reached by a step of this number.
_NEVER = 9999
# Every account is synchronised once in so many days, some accounts on every day.
_RESYNC_DAYS = 30


def _spans(demo: Company) -> tuple[int, int]:
    """The days of the history and of the months with revenue."""
    return (demo.months[0] - demo.founded).days, (demo.last_day - demo.months[0]).days + 1


def joined_on(demo: Company, number: Column) -> Column:
    """The day on which an account joined, by its number."""
    history, running = _spans(demo)
    joined = (
        sf.when(established(number), demo.draw("joined", history - 60, number))
        .when(demo.draw("early", 100, number) < 85, demo.draw("joined", history, number))
        .otherwise(history + demo.draw("joined", running, number))
    )
    return add_days(sf.lit(demo.founded), joined)


def _people(demo: Company) -> DataFrame:
    """One row per account: when it joined and its first and, for some, second region and segment."""
    n = sf.col("number")
    history, running = _spans(demo)
    region = demo.draw("region", len(company.REGIONS), n)
    segment = sf.least(demo.draw("segment", 10, n) % 5, sf.lit(3))
    moved = demo.draw("moves", 100, n)
    return (
        demo.spark.range(demo.accounts)
        .withColumnRenamed("id", "number")
        .select(
            n,
            joined_on(demo, n).alias("joined"),
            region.alias("region"),
            segment.alias("segment"),
            sf.when(moved < 5, (region + 1) % len(company.REGIONS)).otherwise(region).alias("next_region"),
            sf.when(moved.between(3, 8), sf.least(segment + 1, sf.lit(3))).otherwise(segment).alias("next_segment"),
            sf.when(moved <= 8, 30 + demo.draw("moved", history + running - 30, n)).alias("moved_after"),
        )
    )


def accounts(demo: Company, *, synced_through: date) -> DataFrame:
    """Account master data: a row when an account joins or moves, and one for each re-sync until ``synced_through``."""
    n = sf.col("number")
    joined = sf.col("joined")
    first = sf.struct(joined.alias("valid_from"), sf.col("region"), sf.col("segment"))
    later = sf.struct(
        add_days(joined, sf.col("moved_after")).alias("valid_from"),
        sf.col("next_region").alias("region"),
        sf.col("next_segment").alias("segment"),
    )
    versions = _people(demo).select(
        n,
        sf.explode(sf.when(sf.col("moved_after").isNull(), sf.array(first)).otherwise(sf.array(first, later))).alias(
            "v"
        ),
    )
    following = sf.lead("valid_from").over(Window.partitionBy("number").orderBy("valid_from"))
    versions = versions.select(n, "v.*").withColumn("valid_until", following)
    begin = demo.months[0] - timedelta(days=2)
    synced = sf.explode(sf.sequence(sf.lit(begin), sf.lit(synced_through)))
    resyncs = (
        demo.spark.range(1)
        .select(synced.alias("synced_on"))
        .join(versions, on=sf.pmod(n + sf.unix_date("synced_on"), sf.lit(_RESYNC_DAYS)) == 0, how="inner")
        .where(sf.col("synced_on") >= sf.col("valid_from"))
        .where(sf.col("valid_until").isNull() | (sf.col("synced_on") < sf.col("valid_until")))
        .withColumn("synced_at", at(sf.col("synced_on"), 4 * 3600 + demo.draw("resync", 18 * 3600, n)))
        .drop("synced_on")
    )
    created = versions.where(sf.col("valid_from") <= sf.lit(synced_through)).withColumn(
        "synced_at", at(sf.col("valid_from"), 600 + demo.draw("sync", 3600, n))
    )
    return created.unionByName(resyncs).select(
        account_id(n).alias("account_id"),
        pick(company.REGIONS, sf.col("region")).alias("region"),
        pick(company.SEGMENTS, sf.col("segment")).alias("segment"),
        pick(("health", "manufacturing", "public", "retail"), demo.draw("business", 4, n)).alias("business_category"),
        pick(("direct", "partner"), sf.least(demo.draw("partner", 5, n), sf.lit(1))).alias("partnership_level"),
        sf.when(demo.draw("status", 100, n) == 0, "suspended").otherwise("active").alias("status"),
        "valid_from",
        "synced_at",
        month_id(sf.col("synced_at")).alias(MONTH),
    )


def step_day(step: Column) -> Column:
    """The day of a licence's step: twelve evenly spaced ones a year from its start."""
    return add_days(sf.col("start"), sf.floor(step * 365 / _STEPS_PER_YEAR))


def licences(demo: Company) -> DataFrame:
    """One row per licence: its account and product, start, trial, size, and the steps at which it changes."""
    n, p = sf.col("number"), sf.col("p")
    primary = n % len(company.PRODUCTS)
    lasting = established(n) & (p == primary)
    trial = ~lasting & (demo.draw("trial", 100, n, p) < 12)
    lost = trial & (demo.draw("lost", 100, n, p) < 30)
    leaves = ~lasting & (demo.draw("leaves", 100, n, p) < 6)
    upgrade = sf.when(demo.draw("upgrades", 100, n, p) < 20, 2 + demo.draw("upgrade", 14, n, p)).otherwise(_NEVER)
    downgrades = demo.draw("downgrades", 100, n, p) < 25
    factor = sf.element_at(sf.array(*map(sf.lit, (1, 3, 8, 20))), (sf.col("segment") + 1).cast("int"))
    wait = sf.when(p == primary, demo.draw("wait", 20, n, p)).otherwise(demo.draw("wait", 150, n, p))
    return (
        _people(demo)
        .withColumn(
            "p", sf.explode(sf.sequence(sf.lit(0).cast("bigint"), sf.lit(len(company.PRODUCTS) - 1).cast("bigint")))
        )
        .where((p == primary) | (demo.draw("buys", 100, n, p) < 40))
        .select(
            n,
            p,
            add_days(sf.col("joined"), wait).alias("start"),
            trial.alias("trial"),
            ((3 + demo.draw("seats", 20, n, p)) * factor).alias("seats"),
            (demo.draw("drift", 6, n, p) - 1).alias("drift"),
            upgrade.alias("upgrade_step"),
            sf.when(downgrades, upgrade + 4).otherwise(_NEVER).alias("downgrade_step"),
            sf.when(lost, 1).when(leaves, 4 + demo.draw("leave", 14, n, p)).otherwise(_NEVER).alias("cancel_step"),
        )
    )


def _level(step: Column) -> Column:
    """The licence type's index at a step: 0 trial, 1 standard, 2 professional."""
    raised = (step >= sf.col("upgrade_step")).cast("int") - (step >= sf.col("downgrade_step")).cast("int")
    return sf.when(sf.col("trial") & (step < 1), 0).otherwise(1 + raised)


def _seats(step: Column) -> Column:
    """Seats at a step: they drift by -1 to 4 % of the first size a month, and rest when the contract renews."""
    moves = step - sf.floor(step / _STEPS_PER_YEAR)
    held = sf.greatest(sf.lit(1), sf.col("seats") + sf.floor(sf.col("seats") * sf.col("drift") * moves / 100))
    return sf.when((step < 0) | (step >= sf.col("cancel_step")), 0).otherwise(held).cast("int")


def _mrr(step: Column) -> Column:
    price = sf.when(_level(step) == 0, 0).when(_level(step) == 1, 1500).otherwise(2900) + sf.when(
        _level(step) == 0, 0
    ).otherwise(sf.col("p") * 300)
    return money(_seats(step) * price)


def licence_events(demo: Company) -> DataFrame:
    """Licence events from the founding on: new, seats changed, upgrade, downgrade, renew, cancel, without gaps."""
    step, day = sf.col("step"), sf.col("effective_date")
    steps = (demo.last_day - demo.founded).days * _STEPS_PER_YEAR // 365 + 1
    before = step - 1
    event = (
        sf.when(step == 0, "new")
        .when(step == sf.col("cancel_step"), "cancel")
        .when(_level(step) > _level(before), "upgrade")
        .when(_level(step) < _level(before), "downgrade")
        .when(step % _STEPS_PER_YEAR == 0, "renew")
        .when(_seats(step) != _seats(before), "seats_changed")
    )
    renewal = step_day((sf.floor(step / _STEPS_PER_YEAR) + 1) * _STEPS_PER_YEAR)
    licence = sf.format_string("L%06d-%d", sf.col("number"), sf.col("p"))
    order = Window.partitionBy("account_id").orderBy("effective_date", "licence_id", "step")
    return (
        licences(demo)
        .withColumn("step", sf.explode(sf.sequence(sf.lit(0), sf.lit(steps))))
        .withColumn("effective_date", step_day(step))
        .withColumn("event", event)
        .where(step <= sf.col("cancel_step"))
        .where(sf.col("event").isNotNull() & (day <= sf.lit(demo.last_day)))
        .select(
            sf.format_string("V%06d-%d-%03d", sf.col("number"), sf.col("p"), step).alias("event_id"),
            account_id(sf.col("number")).alias("account_id"),
            licence.alias("licence_id"),
            pick(company.PRODUCTS, sf.col("p")).alias("product"),
            pick(company.LICENCE_TYPES, _level(step)).alias("licence_type"),
            "event",
            _seats(before).alias("seats_before"),
            _seats(step).alias("seats_after"),
            sf.when(before < 0, money(sf.lit(0))).otherwise(_mrr(before)).alias("mrr_before"),
            _mrr(step).alias("mrr_after"),
            sf.when((_level(step) > 0) & (sf.col("event") != "cancel"), renewal).alias("renewal_date"),
            day,
            at(day, demo.draw("recorded", KNOWN_WITHIN_SECONDS, sf.col("number"), sf.col("p"), step)).alias(
                "recorded_at"
            ),
            "step",
        )
        .withColumn("sequence_number", sf.row_number().over(order).cast("bigint"))
        .drop("step")
        .withColumn(MONTH, month_id(day))
    )
