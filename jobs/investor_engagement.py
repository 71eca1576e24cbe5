"""Engagement per month, region and segment, and of the company: active users, sessions and daily active time.

    spark-submit --properties-file spark-conf/local.conf jobs/investor_engagement.py --period 2026-10 \
        --as-of 2026-11-04T06:00:00Z --warehouse DIR --sources jobs/sources.yml

Grain: month x `row_kind` x region x segment. A `cell` row is one region and segment; the `total` row is the company.
`mau` are the distinct users of the month so far, `wau` those of the last ISO week that ends within it or, early in the
month, just before it (on `week_ends`); both are counted from user_days at every level, never summed. Times are seconds,
ratios DECIMAL(18,6). A month is compared with the last final of the month before; while it is unfinished, with the same
first days of that month, counted anew from the units its final was built from. A figure that cannot be computed is NULL
and the column beside it says why: `week_not_covered` (a day of that week is not published in user_days),
`no_active_users`, `no_previous` (no such row in the month before), `unfinished_period` (an unfinished month after one
without a final) or `previous_zero` (nothing to grow from).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as sf

import dq

TOTAL = "total"
CELL = ("region", "segment")
ROW = ("row_kind", *CELL)
LEVELS = {"cell": CELL, TOTAL: ()}
COMPARED = {"mau": "bigint", "sessions": "bigint", "average_daily_active_seconds": "decimal(18,6)"}
"""What is told of the month before, and its type."""
PREVIOUS = {f"previous_{name}": (name, kind) for name, kind in COMPARED.items()}


def investor_engagement(
    *,
    units: DataFrame,
    daily: DataFrame,
    previous: DataFrame | None,
    window: dq.Window,
    previous_units: DataFrame | None = None,
    previous_daily: DataFrame | None = None,
    published: Sequence[date] | None = None,
) -> DataFrame:
    """Active users, sessions and active time per cell and company for the month of the window.

    `units` is `user_days`, from which people are counted; `daily` is `engagement_daily`, whose sessions and seconds add
    up; `previous` is this table of the month before; for an unfinished month `previous_units` and `previous_daily` are
    both of that month's same first days instead. A cell of that month without activity in this one has no row.
    `published` are the days of `units` that are there, with rows or, where nothing is expected, without; None means
    those that have rows.
    """
    if previous is None and previous_units is not None and previous_daily is not None:
        before = window.month_before
        previous = investor_engagement(units=previous_units, daily=previous_daily, previous=None, window=before)
    rows = with_active_users(summed(daily, window), units, window, published)
    rows = dq.with_previous(rows, previous, key=ROW, period="month", columns=PREVIOUS)
    rows = rows.withColumns(
        {f"{name}_change": sf.col(name) - sf.col(f"previous_{name}") for name in ("mau", "sessions")}
    )
    unfinished = window.data_through < window.end
    nothing = "unfinished_period" if unfinished and previous is None else "no_previous"
    no_previous = (sf.col("previous_period").isNull(), nothing)
    return rows.select(
        sf.lit(window.month).alias("month"),
        *ROW,
        "mau",
        sf.lit(last_week(window) + timedelta(days=6)).alias("week_ends"),
        "wau",
        "wau_reason",
        "sessions",
        "active_seconds",
        "active_user_days",
        *dq.ratio("average_daily_active_seconds", "active_seconds", "active_user_days", "no_active_users"),
        "previous_period",
        *PREVIOUS,
        *(
            column
            for name in ("mau", "sessions")
            for column in dq.ratio(
                f"{name}_change_ratio", f"{name}_change", f"previous_{name}", "previous_zero", no_previous
            )
        ),
    )


def last_week(window: dq.Window) -> date:
    """The Monday of the last ISO week that has ended by the last day covered."""
    through = window.data_through
    sunday = through - timedelta(days=(through.weekday() + 1) % 7)
    return sunday - timedelta(days=6)


def summed(daily: DataFrame, window: dq.Window) -> DataFrame:
    """Sessions, active seconds and days of active users per cell and company, of the month so far."""
    of_month = sf.col("day").between(sf.lit(window.month_start), sf.lit(window.data_through))
    return (
        dq.at_every_level(daily.where(of_month & (sf.col("dau") > 0)), key=CELL, levels=LEVELS)
        .groupBy(*ROW)
        .agg(
            sf.sum("sessions").alias("sessions"),
            sf.sum("active_seconds").alias("active_seconds"),
            sf.sum("dau").alias("active_user_days"),
        )
    )


def with_active_users(
    rows: DataFrame, units: DataFrame, window: dq.Window, published: Sequence[date] | None
) -> DataFrame:
    """The rows with the distinct users of the month so far and of the last whole week, and whether all of it is there.

    A cell of that week without activity in the month has no row.
    """
    monday = last_week(window)
    in_week = sf.col("day").between(sf.lit(monday), sf.lit(monday + timedelta(days=6)))
    in_month = sf.col("day").between(sf.lit(window.month_start), sf.lit(window.data_through))
    counted = (
        dq.at_every_level(units.select("day", "user_id", *CELL), key=CELL, levels=LEVELS)
        .groupBy(*ROW)
        .agg(
            sf.count_distinct(sf.when(in_month, sf.col("user_id"))).alias("mau"),
            sf.count_distinct(sf.when(in_week, sf.col("user_id"))).alias("users_of_week"),
        )
    )
    days = units.agg(sf.count_distinct(sf.when(in_week, sf.col("day"))).alias("days_of_week"))
    covered = sf.col("days_of_week") == 7
    if published:
        covered = sf.lit({monday + timedelta(days=n) for n in range(7)} <= set(published))
    same = sf.lit(True)
    for name in ROW:
        same = same & sf.col(f"row.{name}").eqNullSafe(sf.col(f"users.{name}"))
    return (
        rows.alias("row")
        .join(counted.alias("users"), on=same, how="left")
        .select("row.*", sf.coalesce("users.mau", sf.lit(0)).alias("mau"), "users.users_of_week")
        .crossJoin(sf.broadcast(days))
        .withColumn("wau", sf.when(covered, sf.coalesce("users_of_week", sf.lit(0))))
        .withColumn("wau_reason", sf.when(~covered, "week_not_covered"))
    )


def main(argv: Sequence[str] | None = None) -> int:
    with dq.pipeline_run("investor_engagement", argv) as run:
        run.publish(
            investor_engagement(
                units=run.read("user_days"),
                daily=run.read("engagement_daily"),
                previous=run.previous(),
                previous_units=run.previous_units("user_days"),
                previous_daily=run.previous_units("engagement_daily"),
                window=run.window,
                published=run.published_days("user_days"),
            )
        )
    return run.exit_code


if __name__ == "__main__":
    sys.exit(main())
