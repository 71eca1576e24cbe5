"""Engagement per account, department and day: events, sessions, active time, and active users of day, week and month.

    spark-submit --properties-file spark-conf/local.conf jobs/engagement_daily.py --period 2026-10 \
        --as-of 2026-11-04T05:00:00Z --warehouse DIR --sources jobs/sources.yml

Grain: account x department x day. `dau` are the distinct users active that day, `wau` those of the ISO week so far,
`mau` those of the calendar month so far; they are counted from user_days and never summed. Times are whole seconds, the
ratio is DECIMAL(18,6). A figure that cannot be computed is NULL and the column beside it says why: `no_active_users`
(nobody was active that day) or `week_not_covered` (a day of the week so far is not published in user_days).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import Window as Over
from pyspark.sql import functions as sf

import dq

UNALLOCATED = "unallocated"
CELL = ("account_id", "department")
PLACE = ("region", "segment")
COUNTS = ("events", "page_views", "clicks", "feature_uses", "sessions", "active_seconds")
HOURS = range(24)


def engagement_daily(
    *, units: DataFrame, accounts: DataFrame, window: dq.Window, published: Sequence[date] | None = None
) -> DataFrame:
    """Engagement per account, department and day of the window.

    `units` is `user_days`, with the days of the first week that lie in the month before where they are published. A
    cell has a row for every day from its first activity in that time on, so that its week and month stay visible on
    the days on which nobody was active. `published` are the days of `units` that are there, with rows or, where nothing
    is expected, without; None means those that have rows.
    """
    rows = with_active_users(daily(units, window), units, published)
    rows = rows.where(sf.col("day") >= sf.lit(window.start))
    today = {"": sf.col("day")}
    rows = dq.valid_on(rows, accounts, key="account_id", columns=PLACE, days=today, otherwise=UNALLOCATED)
    return rows.select(
        "day",
        *CELL,
        *PLACE,
        "events",
        "page_views",
        "clicks",
        "feature_uses",
        "sessions",
        "active_seconds",
        "dau",
        sf.when(sf.col("week_covered"), sf.col("wau")).alias("wau"),
        sf.when(~sf.col("week_covered"), "week_not_covered").alias("wau_reason"),
        "mau",
        *dq.ratio("active_seconds_per_daily_user", "active_seconds", "dau", "no_active_users"),
        "events_by_hour",
    )


def daily(units: DataFrame, window: dq.Window) -> DataFrame:
    """The sums of every cell on every day of the month so far, zeros from its first activity on."""
    summed = units.groupBy("day", *CELL).agg(
        *(sf.sum(name).alias(name) for name in COUNTS),
        sf.count("*").alias("dau"),
        sf.array(*(sf.sum(sf.element_at("events_by_hour", hour + 1)) for hour in HOURS)).alias("events_by_hour"),
    )
    began = sf.greatest(sf.min("day"), sf.lit(window.month_start))
    days = (
        units.groupBy(*CELL)
        .agg(began.alias("began"))
        .select(*CELL, sf.explode(sf.sequence("began", sf.lit(window.data_through))).alias("day"))
    )
    nothing = sf.array_repeat(sf.lit(0).cast("bigint"), len(HOURS))
    # Keys may be NULL, where a check holds the run; the comparison keeps their rows.
    same = sf.lit(True)
    for name in ("day", *CELL):
        same = same & sf.col(f"cell.{name}").eqNullSafe(sf.col(f"sums.{name}"))
    return (
        days.alias("cell")
        .join(summed.alias("sums"), on=same, how="left")
        .select(
            "cell.*",
            *(sf.coalesce(f"sums.{name}", sf.lit(0)).alias(name) for name in (*COUNTS, "dau")),
            sf.coalesce("sums.events_by_hour", nothing).alias("events_by_hour"),
        )
    )


def with_active_users(rows: DataFrame, units: DataFrame, days: Sequence[date] | None) -> DataFrame:
    """The rows with the distinct users of the week and of the month so far, and whether all days of the week are there.

    A user counts from the first active day in the week or month on, so adding up who came new counts nobody twice.
    """
    covered = units.select("day").distinct()
    if days:
        covered = units.sparkSession.range(1).select(sf.explode(sf.array(*map(sf.lit, days))).alias("day"))
    published = covered.withColumn("week", sf.date_trunc("week", "day").cast("date"))
    so_far = Over.partitionBy("week").orderBy("day")
    whole = published.select(
        "day", (sf.count("*").over(so_far) == sf.datediff("day", "week") + 1).alias("week_covered")
    )
    for name, unit in (("wau", "week"), ("mau", "month")):
        first = (
            units.withColumn("begins", sf.date_trunc(unit, "day").cast("date"))
            .groupBy(*CELL, "user_id", "begins")
            .agg(sf.min("day").alias("day"))
        )
        new = first.groupBy(*CELL, "begins", "day").agg(sf.count("*").alias("new"))
        # Stacked, not joined: the days before the month count into the week that runs on into it.
        stacked = rows.withColumn("begins", sf.date_trunc(unit, "day").cast("date")).unionByName(
            new, allowMissingColumns=True
        )
        running = Over.partitionBy(*CELL, "begins").orderBy("day").rangeBetween(Over.unboundedPreceding, 0)
        rows = (
            stacked.withColumn(name, sf.coalesce(sf.sum("new").over(running), sf.lit(0)))
            .where(sf.col("events").isNotNull())
            .drop("new", "begins")
        )
    return rows.join(sf.broadcast(whole), on="day", how="left").withColumn(
        "week_covered", sf.coalesce("week_covered", sf.lit(False))
    )


def main(argv: Sequence[str] | None = None) -> int:
    with dq.pipeline_run("engagement_daily", argv) as run:
        run.publish(
            engagement_daily(
                units=run.read("user_days"),
                accounts=run.read("accounts"),
                window=run.window,
                published=run.published_days("user_days"),
            )
        )
    return run.exit_code


if __name__ == "__main__":
    sys.exit(main())
