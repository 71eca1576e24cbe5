"""Profit, growth and engagement per account for the experiment team: each day of a week, and the week.

    spark-submit --properties-file spark-conf/local.conf jobs/experiments_weekly.py --period 2026-W41 \
        --as-of 2026-10-12T06:00:00Z --warehouse DIR --sources jobs/sources.yml

Grain: account x day (`row_kind` day), and account x week (`row_kind` week, whose `day` is the week's Monday). Money is
the company's currency as DECIMAL(18,2), ratios are DECIMAL(18,6). Flows of the week are the sums of its days; what is a
state (seats, MRR, users) is that of the week's last day; active users are counted anew, and ratios divided anew. MRR
moves as for investors' company total: of the account with all its products. A ratio that cannot be had is NULL and the
column beside it says why: `no_subscribers` (no paid seats), `no_opening` (no recurring revenue to begin with),
`no_active_users`, `source_absent` (what it is computed from is declared absent on all of its days) or
`upstream_partial` (on some). Expenses and profit are NULL unless all units of the row have theirs: they would be those
of other days than its revenue.

The figures are summed from the same published units as the investors' tables, and must agree with them (class F13).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as sf

import dq

UNIT = ("day", "account_id")
MOVEMENTS = ("mrr_new", "mrr_expansion", "mrr_contraction", "mrr_churn")
MONEY = ("revenue", "expenses", "profit", *MOVEMENTS, "campaign_spend")
"""Amounts that flow: a week's are the sum of its days'."""
COUNTS = ("tickets_opened", "clicks", "page_views", "feature_uses", "sessions", "active_seconds")
"""Counts that flow."""
OPENINGS = ("mrr_opening",)
CLOSINGS = ("mrr_closing",)
STATES = ("seats", "licensed_users")
ROWS = ("unit_rows", "absent_rows")
"""The profit units behind a row, and those of them without expenses because the source is declared absent."""
OF_EXPENSES = ("expenses", "profit")
"""What units have not where expenses are declared absent."""


def experiments_weekly(
    *, profit: DataFrame, growth: DataFrame, engagement: DataFrame, user_days: DataFrame, window: dq.Window
) -> DataFrame:
    """Every account's figures on each day of the week so far that has any, and for the week so far.

    `profit` is `profit_unit`, `growth` is `growth_daily`, `engagement` is `engagement_daily`; all are cut to the window
    here. An account's place is that of its last row in the week.
    """
    days = by_day(profit, growth, engagement, user_days, window)
    rows = days.unionByName(by_week(days, in_window(user_days, window), window))
    some_absent = sf.col("absent_rows") > 0
    all_absent = some_absent & (sf.col("absent_rows") == sf.col("unit_rows"))
    no_expenses = ((all_absent, "source_absent"), (some_absent, "upstream_partial"))
    return rows.select(
        sf.lit(window.period).alias("week"),
        "row_kind",
        "day",
        "account_id",
        "region",
        "segment",
        "revenue",
        "expenses",
        "profit",
        "seats",
        *dq.ratio("unit_profit", "profit", "seats", "no_subscribers", *no_expenses),
        "mrr_opening",
        "mrr_new",
        "mrr_expansion",
        "mrr_contraction",
        "mrr_churn",
        "mrr_closing",
        *dq.ratio("mrr_growth", "mrr_change", "mrr_opening", "no_opening"),
        "licensed_users",
        "tickets_opened",
        "campaign_spend",
        "active_users",
        "clicks",
        "page_views",
        "feature_uses",
        "sessions",
        "active_seconds",
        *dq.ratio("active_seconds_per_user", "active_seconds", "active_users", "no_active_users"),
        "unit_rows",
    )


def in_window(frame: DataFrame, window: dq.Window) -> DataFrame:
    """The rows of the days covered."""
    return frame.where(sf.col("day").between(sf.lit(window.start), sf.lit(window.data_through)))


def by_day(
    profit: DataFrame, growth: DataFrame, engagement: DataFrame, user_days: DataFrame, window: dq.Window
) -> DataFrame:
    """One row per account and day with any unit, stacked rather than joined so that nothing is multiplied or lost."""
    parts = {
        "profit": in_window(profit, window).select(
            *UNIT,
            "region",
            "segment",
            "revenue",
            *OF_EXPENSES,
            "seats",
            sf.lit(1).alias("unit_rows"),
            (sf.col("mtd_margin_reason") == "source_absent").cast("int").alias("absent_rows"),
        ),
        "growth": in_window(growth, window).select(
            *UNIT,
            "region",
            "segment",
            *OPENINGS,
            *(sf.col(f"account_{name}").alias(name) for name in MOVEMENTS),
            *CLOSINGS,
            "campaign_spend",
            "licensed_users",
            "tickets_opened",
        ),
        "engagement": in_window(engagement, window).select(*UNIT, "region", "segment", *COUNTS[1:]),
        "users": in_window(user_days, window).select(
            *UNIT, "region", "segment", (sf.col("events") > 0).cast("bigint").alias("active_users")
        ),
    }
    stacked = reduce(lambda left, right: left.unionByName(right, allowMissingColumns=True), parts.values())
    place = sf.max(sf.struct("region", "segment"))
    return (
        stacked.groupBy(*UNIT)
        .agg(
            place.alias("place"),
            *(dq.money(total(name)).alias(name) for name in (*MONEY, *OPENINGS, *CLOSINGS)),
            *(sf.sum(name).cast("bigint").alias(name) for name in (*COUNTS, *STATES, "active_users", *ROWS)),
        )
        .select(
            sf.lit("day").alias("row_kind"),
            *UNIT,
            "place.region",
            "place.segment",
            *MONEY,
            *OPENINGS,
            *CLOSINGS,
            *COUNTS,
            *STATES,
            sf.coalesce("active_users", sf.lit(0)).alias("active_users"),
            dq.money(sf.col("mrr_closing") - sf.col("mrr_opening")).alias("mrr_change"),
            *(sf.coalesce(name, sf.lit(0)).alias(name) for name in ROWS),
        )
    )


def total(name: str) -> Column:
    """The sum of a column; of what depends on expenses NULL unless every row with profit units has it."""
    if name not in OF_EXPENSES:
        return sf.sum(name)
    return sf.when(sf.count(name) == sf.count_if(sf.col("unit_rows") > 0), sf.sum(name))


def by_week(days: DataFrame, user_days: DataFrame, window: dq.Window) -> DataFrame:
    """One row per account: flows added up, states of the first and last day covered, users counted anew."""
    first, last = sf.col("day") == sf.lit(window.start), sf.col("day") == sf.lit(window.data_through)
    users = user_days.where("events > 0").groupBy("account_id").agg(sf.count_distinct("user_id").alias("active_users"))
    place = sf.max_by(sf.struct("region", "segment"), "day")
    summed = days.groupBy("account_id").agg(
        place.alias("place"),
        *(dq.money(total(name)).alias(name) for name in MONEY),
        *(sf.sum(name).alias(name) for name in COUNTS),
        *(dq.money(sf.sum(sf.when(first, sf.col(name)).otherwise(0))).alias(name) for name in OPENINGS),
        *(dq.money(sf.sum(sf.when(last, sf.col(name)).otherwise(0))).alias(name) for name in CLOSINGS),
        *(sf.sum(sf.when(last, sf.col(name))).alias(name) for name in STATES),
        *(sf.sum(name).alias(name) for name in ROWS),
    )
    return summed.join(users, on="account_id", how="left").select(
        sf.lit("week").alias("row_kind"),
        sf.lit(window.start).alias("day"),
        "account_id",
        "place.region",
        "place.segment",
        *MONEY,
        *OPENINGS,
        *CLOSINGS,
        *COUNTS,
        *STATES,
        sf.coalesce("active_users", sf.lit(0)).alias("active_users"),
        dq.money(sf.col("mrr_closing") - sf.col("mrr_opening")).alias("mrr_change"),
        *ROWS,
    )


def main(argv: Sequence[str] | None = None) -> int:
    with dq.pipeline_run("experiments_weekly", argv) as run:
        run.publish(
            experiments_weekly(
                profit=run.read("profit_unit"),
                growth=run.read("growth_daily"),
                engagement=run.read("engagement_daily"),
                user_days=run.read("user_days"),
                window=run.window,
            )
        )
    return run.exit_code


if __name__ == "__main__":
    sys.exit(main())
