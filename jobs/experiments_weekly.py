"""Profit, growth and engagement per account for the experiment team: each day of a week, and the week.

    spark-submit --properties-file spark-conf/local.conf jobs/experiments_weekly.py --period 2026-W41 \
        --as-of 2026-10-12T06:00:00Z --warehouse DIR --sources jobs/sources.yml

Grain: account x day (`row_kind` day), and account x week (`row_kind` week, whose `day` is the week's Monday). Money is
the company's currency as DECIMAL(18,2), ratios are DECIMAL(18,6). Flows of the week are the sums of its days; what is a
state (seats, MRR, users) is that of the week's last day; active users are counted anew, and ratios divided anew. MRR
moves as for investors' company total: of the account with all its products. A ratio that cannot be computed is NULL and
the column beside it says why: `no_subscribers` (no paid seats), `no_opening_mrr` (no recurring revenue to begin with),
`no_active_users`, `source_absent` (what it is computed from is declared absent on all of its days) or
`upstream_partial` (on some). Expenses and profit are NULL unless all units of the row have theirs: they would be those
of other days than its revenue.

What an account did not do is 0: every amount and count is 0 where the account existed, that is where master data knew
it that day, whether or not it ever had a row in the table the figure comes from. In a week it existed if it did on a
day that has a row of it. An amount is NULL where it could not have any, and a reason says why: `account_reason` is
`account_unknown` where no master data was valid, and `expenses_reason`, `licensed_users_reason`, `tickets_reason` and
`campaigns_reason` tell a source that is absent, too. What was counted for an account that master data does not know is
told all the same, and active users are counted of every row.

The figures are summed from the same published units as the investors' tables, and must agree with them (class F13).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
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
# What comes of a source that may be absent -> what growth_daily calls its reason.
FACTS = {"licensed_users": "licensed_users", "tickets_opened": "tickets", "campaign_spend": "campaigns"}
UNALLOCATED = "unallocated"
"""The region and segment of an account that master data did not know on the day."""
ROWS = ("unit_rows", "absent_rows")
"""The profit units behind a row, and those of them without expenses because the source is declared absent."""
OF_EXPENSES = ("expenses", "profit")
"""What units have not where expenses are declared absent."""
AMOUNTS = (*MONEY, *OPENINGS, *CLOSINGS, *COUNTS, *STATES)


def experiments_weekly(
    *, profit: DataFrame, growth: DataFrame, engagement: DataFrame, user_days: DataFrame, window: dq.Window
) -> DataFrame:
    """Every account's figures on each day of the week so far that has any, and for the week so far.

    `profit` is `profit_unit`, `growth` is `growth_daily`, `engagement` is `engagement_daily`; all are cut to the window
    here. An account's place is that of its last row in the week.
    """
    absent = absences(in_window(growth, window))
    days = by_day(profit, growth, engagement, user_days, absent, window)
    rows = days.unionByName(by_week(days, in_window(user_days, window), absent, window))
    some_absent = sf.col("absent_rows") > 0
    all_absent = some_absent & (sf.col("absent_rows") == sf.col("unit_rows"))
    no_expenses = ((all_absent, "source_absent"), (some_absent, "upstream_partial"))
    why = sf.when(all_absent, "source_absent").when(some_absent, "upstream_partial")
    why = why.when(sf.col("unit_rows") == 0, sf.col("account_reason"))
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
        sf.when(sf.col("expenses").isNull(), why).alias("expenses_reason"),
        "seats",
        *dq.ratio("unit_profit", "profit", "seats", "no_subscribers", *no_expenses, no_account("seats")),
        "mrr_opening",
        "mrr_new",
        "mrr_expansion",
        "mrr_contraction",
        "mrr_churn",
        "mrr_closing",
        *dq.ratio("mrr_growth_rate", "mrr_change", "mrr_opening", "no_opening_mrr", no_account("mrr_opening")),
        "licensed_users",
        "tickets_opened",
        "campaign_spend",
        *(f"{source}_reason" for source in FACTS.values()),
        "active_users",
        "clicks",
        "page_views",
        "feature_uses",
        "sessions",
        "active_seconds",
        *dq.ratio("active_seconds_per_user", "active_seconds", "active_users", "no_active_users"),
        "unit_rows",
        "account_reason",
    )


def no_account(name: str) -> tuple[Column, str]:
    """The reason of a ratio whose denominator is not there because master data does not know the account."""
    return sf.col(name).isNull() & sf.col("account_reason").isNotNull(), "account_unknown"


def in_window(frame: DataFrame, window: dq.Window) -> DataFrame:
    """The rows of the days covered."""
    return frame.where(sf.col("day").between(sf.lit(window.start), sf.lit(window.data_through)))


def absences(growth: DataFrame) -> DataFrame:
    """Per day whether the source of each fact was absent: then no account's row has it, and most say `of_product`."""
    return growth.groupBy("day").agg(
        *(
            sf.coalesce(sf.bool_or(sf.col(f"{source}_reason") == "source_absent"), sf.lit(False)).alias(
                f"{source}_absent"
            )
            for source in FACTS.values()
        )
    )


def by_day(
    profit: DataFrame,
    growth: DataFrame,
    engagement: DataFrame,
    user_days: DataFrame,
    absent: DataFrame,
    window: dq.Window,
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
    # A version without a region is master data, too: only where there is none are both unallocated.
    nowhere = sf.col("region").eqNullSafe(UNALLOCATED) & sf.col("segment").eqNullSafe(UNALLOCATED)
    stacked = stacked.withColumn("known", ~nowhere)
    rows = stacked.groupBy(*UNIT).agg(
        sf.bool_or("known").alias("known"),
        sf.max(sf.struct("known", "region", "segment")).alias("place"),
        *(or_zero(name, dq.money(total(name))).alias(name) for name in (*MONEY, *OPENINGS, *CLOSINGS)),
        *(or_zero(name, sf.sum(name)).cast("bigint").alias(name) for name in (*COUNTS, *STATES)),
        sf.coalesce(sf.sum("active_users"), sf.lit(0)).alias("active_users"),
        *(sf.coalesce(sf.sum(name), sf.lit(0)).alias(name) for name in ROWS),
    )
    absences = {source: sf.when(sf.col(f"{source}_absent"), "source_absent") for source in FACTS.values()}
    return explained(rows.join(sf.broadcast(absent), on="day", how="left"), "day", sf.col("day"), absences)


def total(name: str) -> Column:
    """The sum of a column; of what depends on expenses NULL where a row with profit units lacks it."""
    if name not in OF_EXPENSES:
        return sf.sum(name)
    return sf.when(sf.count_if((sf.col("unit_rows") > 0) & sf.col(name).isNull()) == 0, sf.sum(name))


def or_zero(name: str, amount: Column, of: Column | None = None) -> Column:
    """An amount of grouped rows that is 0 where none of them has any and master data knows the account.

    Where it does not, there is none. An amount that does not fit its type is NULL and stays so, as do expenses that
    some profit unit lacks.
    """
    there = sf.count_if(sf.col("unit_rows") > 0) if name in OF_EXPENSES else sf.count(name if of is None else of)
    return sf.when(there > 0, amount).otherwise(sf.when(sf.bool_or("known"), sf.lit(0)))


def explained(rows: DataFrame, kind: str, day: Column, absences: Mapping[str, Column]) -> DataFrame:
    """Rows of a kind without the facts whose source is absent, and with why an amount is not there.

    `absences` is the reason that a source gives, NULL where it was there.
    """
    unknown = sf.when(~sf.col("known"), "account_unknown")
    facts = {name: sf.when(absences[source].isNull(), sf.col(name)) for name, source in FACTS.items()}
    reasons = {
        f"{source}_reason": sf.coalesce(absences[source], sf.when(sf.col(name).isNull(), unknown))
        for name, source in FACTS.items()
    }
    return rows.withColumns(reasons).select(
        sf.lit(kind).alias("row_kind"),
        day.alias("day"),
        "account_id",
        "known",
        "place.region",
        "place.segment",
        *(facts.get(name, sf.col(name)).alias(name) for name in AMOUNTS),
        "active_users",
        dq.money(sf.col("mrr_closing") - sf.col("mrr_opening")).alias("mrr_change"),
        *ROWS,
        *reasons,
        unknown.alias("account_reason"),
    )


def by_week(days: DataFrame, user_days: DataFrame, absent: DataFrame, window: dq.Window) -> DataFrame:
    """One row per account: flows added up, states of the first and last day covered, users counted anew."""
    first, last = sf.col("day") == sf.lit(window.start), sf.col("day") == sf.lit(window.data_through)
    users = user_days.where("events > 0").groupBy("account_id").agg(sf.count_distinct("user_id").alias("users"))
    place = sf.max_by(sf.struct("region", "segment"), "day")
    ends = [(name, first) for name in OPENINGS] + [(name, last) for name in (*CLOSINGS, *STATES)]
    on = {name: sf.when(end, sf.col(name)) for name, end in ends}
    rows = days.groupBy("account_id").agg(
        sf.bool_or("known").alias("known"),
        place.alias("place"),
        *(or_zero(name, dq.money(total(name))).alias(name) for name in MONEY),
        *(or_zero(name, dq.money(sf.sum(on[name])), on[name]).alias(name) for name in (*OPENINGS, *CLOSINGS)),
        *(or_zero(name, sf.sum(on[name]), on[name]).alias(name) for name in STATES),
        *(or_zero(name, sf.sum(name)).alias(name) for name in COUNTS),
        *(sf.sum(name).alias(name) for name in ROWS),
    )
    rows = rows.join(users, on="account_id", how="left").withColumn("active_users", sf.coalesce("users", sf.lit(0)))
    # Flows lack every day their source was absent on, a state only the last.
    lacking = absent.agg(
        *(sf.count_if(f"{source}_absent").alias(f"{source}_days") for source in FACTS.values()),
        *(sf.count_if(last & sf.col(f"{source}_absent")).alias(f"{source}_last") for source in FACTS.values()),
        sf.count("*").alias("days"),
    )
    absences = {}
    for name, source in FACTS.items():
        if name in STATES:
            absences[source] = sf.when(sf.col(f"{source}_last") > 0, "source_absent")
        else:
            some = sf.col(f"{source}_days") > 0
            every = some & (sf.col(f"{source}_days") == sf.col("days"))
            absences[source] = sf.when(every, "source_absent").when(some, "upstream_partial")
    return explained(rows.crossJoin(sf.broadcast(lacking)), "week", sf.lit(window.start), absences)


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
