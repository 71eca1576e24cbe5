"""Growth per account, product and day: licences, recurring revenue, revenue to date, users, tickets and campaigns.

    spark-submit --properties-file spark-conf/local.conf jobs/growth_daily.py --period 2026-10 \
        --as-of 2026-11-01T01:00:00Z --warehouse DIR --sources jobs/sources.yml

Grain: account x product x day. Money is in the company's currency, as DECIMAL(18,2); MRR is monthly recurring revenue.
`licences` are seats, trials included; `renewals_due_next_year` and the `events_` count contracts, which are licences by
their id.

*Paid* means not trial and not cancelled. The bridges of MRR and of paid seats are judged at the grain of the row, by
the state at the end of each day: from nothing to something is *new*, whether the account never had the product, tried
it or returns to it; from something to nothing is *churn*; between are *expansion* and *contraction*. So a second
product is new in its own row, a second licence of a product is expansion, and what cancels out in a day is nothing.

The columns that begin with `account_` say the same movements for the account with all its products, which is what the
company gains and loses: a second product is expansion, a product given up while another one stays is contraction, and
whoever changes from one product to another is neither new nor churned.

An account whose region or segment changes on a day is *transferred* with what it had at the day's start. The amount
stands twice in its row: in transferred in, which belongs to `region` and `segment`, and in transferred out, which like
the opening belongs to `region_before` and `segment_before`. Per row and to the cent, and for paid seats alike:

    opening + new + expansion + transferred in - contraction - churn - transferred out = closing

with the movements of the product, and with those of the account as well.

`account_status` is what master data says of the account that day. A licence that nobody cancelled is held, and counts,
whatever the status of its account; that the two contradict each other is for a check to say.

What is known of an account and not of a product (users, tickets, campaigns) stands in the account's row whose product
is `unallocated`. A fact that is not there is NULL and its `_reason` says why: `of_product` (in all other rows),
`source_absent`, `users_unknown` (events that name no user), `account_unknown` (no master data was valid that day and
there is none of it), `none_resolved` (no ticket to take a mean of). Where the account existed, no activity is 0.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, timedelta

from pyspark.sql import Column, DataFrame, GroupedData
from pyspark.sql import Window as Over
from pyspark.sql import functions as sf

import dq

UNALLOCATED = "unallocated"
KEY = ("account_id", "product", "day")
PLACE = ("region", "segment")
# Column of the counted events -> event of the source.
EVENTS = {
    "events_new": "new",
    "events_upgraded": "upgrade",
    "events_downgraded": "downgrade",
    "events_seats_changed": "seats_changed",
    "events_cancelled": "cancel",
    "events_renewed": "renew",
}
SEVERITIES = ("low", "medium", "high", "urgent")
BRIDGED = ("mrr", "seats")
MOVEMENTS = ("opening", "new", "expansion", "contraction", "churn", "transferred_in", "transferred_out", "closing")
"""The parts of a bridge, in the order they are added up."""
OF_ACCOUNT = ("new", "expansion", "contraction", "churn")
"""The parts that may be another one for the account with all its products."""
# What is known of an account and not of a product: the source it comes from -> its columns and their types.
FACTS: Mapping[str, Mapping[str, str]] = {
    "licensed_users": {"licensed_users": "bigint"},
    "active_users": {"active_users": "bigint"},
    "tickets": {
        "tickets_opened": "bigint",
        **{f"tickets_{severity}": "bigint" for severity in SEVERITIES},
        "tickets_resolved": "bigint",
        "resolution_hours": "decimal(18,2)",
    },
    "campaigns": {"campaign_spend": "decimal(18,2)", "touches_event": "bigint", "touches_channel": "bigint"},
}
BY_TYPE = "array<struct<licence_type:string,licences:bigint>>"


def growth_daily(
    *,
    licence_events: DataFrame,
    accounts: DataFrame,
    revenue: DataFrame,
    directory_users: DataFrame | None,
    clicks: DataFrame | None,
    support_tickets: DataFrame | None,
    campaigns: DataFrame | None,
    window: dq.Window,
) -> DataFrame:
    """Licences, MRR and its movements, revenue of the year to date and account facts on each day of the window.

    `revenue` holds the year so far. A row stands for every day on which its account and product had a licence, an
    event, revenue this year or, in the account's `unallocated` row, anything else happened.
    """
    facts = {
        "licensed_users": licensed_users(directory_users, window),
        "active_users": active_users(clicks, window),
        "tickets": tickets(support_tickets, window),
        "campaigns": touches(campaigns, window),
    }
    parts = [holdings(licence_events, window), events(licence_events, window), booked(revenue, window)]
    rows = stacked([*parts, *(part for part in facts.values() if part is not None)])
    places = {"": sf.col("day"), "_before": sf.date_sub("day", 1)}
    rows = with_accounts(with_revenue_to_date(rows))
    rows = dq.valid_on(rows, accounts, key="account_id", columns=(*PLACE, "status"), days=places, otherwise=UNALLOCATED)
    rows = with_facts(rows, [source for source, part in facts.items() if part is None])
    return rows.select(
        "day",
        "account_id",
        "product",
        "region",
        "segment",
        "region_before",
        "segment_before",
        sf.col("status").alias("account_status"),
        "licences",
        "licences_by_type",
        *EVENTS,
        "renewals_due_next_year",
        *bridge("mrr", dq.money),
        *bridge("seats", lambda seats: seats.cast("bigint")),
        *of_account("mrr", dq.money),
        *of_account("seats", lambda seats: seats.cast("bigint")),
        "revenue",
        "revenue_lines",
        "revenue_to_date",
        *(name for columns in FACTS.values() for name in columns),
        *mean_resolution_hours(),
        *(f"{source}_reason" for source in FACTS),
    )


def holdings(licence_events: DataFrame, window: dq.Window) -> DataFrame:
    """Seats, MRR and renewals per account, product and day: what stood at the day's end, and at its start."""
    before = window.start - timedelta(days=1)
    first = sf.greatest(sf.col("effective_date"), sf.lit(before))
    last = sf.least(sf.date_sub(sf.coalesce("until", sf.lit(date.max)), 1), sf.lit(window.data_through))
    paid = sf.col("paid")
    due = sf.year("renewal_date") == sf.year("day") + 1
    by_type = (
        dq.licence_states(licence_events, window.data_through)
        .where(last >= sf.lit(before))
        .withColumn("day", sf.explode(sf.sequence(first, last)))
        .groupBy(*KEY, "licence_type")
        .agg(
            sf.sum("seats_after").alias("licences"),
            sf.sum(sf.when(paid, sf.col("mrr_after"))).alias("mrr"),
            sf.sum(sf.when(paid, sf.col("seats_after"))).alias("seats"),
            sf.count_if(paid & due).alias("due"),
            sf.count_if(paid & sf.col("renewal_date").isNull()).alias("due_unknown"),
        )
    )
    at_end = by_type.groupBy(*KEY).agg(
        sf.sum("licences").alias("licences"),
        sf.array_sort(sf.collect_list(sf.struct("licence_type", "licences"))).alias("licences_by_type"),
        sf.coalesce(sf.sum("mrr"), sf.lit(0)).alias("mrr_closing"),
        sf.coalesce(sf.sum("seats"), sf.lit(0)).alias("seats_closing"),
        sf.when(sf.sum("due_unknown") == 0, sf.sum("due")).alias("due"),
        (sf.sum("due_unknown") > 0).alias("due_unknown"),
    )
    at_start = at_end.where((sf.col("mrr_closing") != 0) | (sf.col("seats_closing") != 0)).select(
        "account_id",
        "product",
        sf.date_add("day", 1).alias("day"),
        sf.col("mrr_closing").alias("mrr_opening"),
        sf.col("seats_closing").alias("seats_opening"),
    )
    both = at_end.unionByName(at_start, allowMissingColumns=True)
    return both.where(sf.col("day").between(sf.lit(window.start), sf.lit(window.data_through)))


def events(licence_events: DataFrame, window: dq.Window) -> DataFrame:
    """Licence events per account, product and day, counted by what they are."""
    counts = (sf.count_if(sf.col("event") == event).alias(name) for name, event in EVENTS.items())
    return in_window(licence_events, "effective_date", window).groupBy(*KEY).agg(*counts)


def booked(revenue: DataFrame, window: dq.Window) -> DataFrame:
    """Revenue per account, product and day of the window; what was booked earlier in the year counts as gained on its
    first day. A row stands for every day from the first on, so that the year to date goes on where nothing is booked.
    """
    start = sf.lit(window.start)
    in_period = sf.col("booked_date") >= start
    of_year = sf.col("booked_date").between(sf.lit(window.end.replace(month=1, day=1)), sf.lit(window.data_through))
    lines = (
        revenue.where(of_year)
        .groupBy("account_id", "product", sf.greatest("booked_date", start).alias("day"))
        .agg(
            sf.sum("amount").alias("gained"),
            sf.sum(sf.when(in_period, sf.col("amount"))).alias("revenue"),
            sf.count_if(in_period).alias("revenue_lines"),
        )
    )
    days = lines.groupBy("account_id", "product").agg(sf.min("day").alias("first"))
    every_day = days.select(
        "account_id", "product", sf.explode(sf.sequence("first", sf.lit(window.data_through))).alias("day")
    )
    return lines.unionByName(every_day, allowMissingColumns=True)


def licensed_users(directory_users: DataFrame | None, window: dq.Window) -> DataFrame | None:
    """Licensed users per account and day, as the directory was synchronised."""
    if directory_users is None:
        return None
    users = in_window(directory_users, "day", window)
    return of_accounts(users).agg(sf.count_distinct("user_id").alias("licensed_users"))


def active_users(clicks: DataFrame | None, window: dq.Window) -> DataFrame | None:
    """Distinct users with an event per account and day; unknown where events name no user at all."""
    if clicks is None:
        return None
    return of_accounts(in_window(clicks, "event_date", window)).agg(
        sf.count_distinct("user_id").alias("active_users"), (sf.count("user_id") == 0).alias("users_unknown")
    )


def tickets(support_tickets: DataFrame | None, window: dq.Window) -> DataFrame | None:
    """Tickets per account and day: opened, by severity, and resolved, with the hours from opening to resolution."""
    if support_tickets is None:
        return None
    opened = of_accounts(in_window(support_tickets, "opened_date", window)).agg(
        sf.count("*").alias("tickets_opened"),
        *(sf.count_if(sf.col("severity") == name).alias(f"tickets_{name}") for name in SEVERITIES),
    )
    seconds = sf.unix_seconds("resolved_at") - sf.unix_seconds("opened_at")
    resolved = of_accounts(
        in_window(support_tickets.withColumn("resolved_on", sf.to_date("resolved_at")), "resolved_on", window)
    ).agg(
        sf.count("*").alias("tickets_resolved"),
        (sf.sum(seconds).cast("decimal(20,0)") / 3600).alias("resolution_hours"),
    )
    return opened.unionByName(resolved, allowMissingColumns=True)


def touches(campaigns: DataFrame | None, window: dq.Window) -> DataFrame | None:
    """Campaign spend per account and day, and how often campaigns reached it, by kind."""
    if campaigns is None:
        return None
    return of_accounts(in_window(campaigns, "day", window)).agg(
        sf.sum("spend").alias("campaign_spend"),
        *(sf.count_if(sf.col("kind") == kind).alias(f"touches_{kind}") for kind in ("event", "channel")),
    )


def in_window(rows: DataFrame, day: str, window: dq.Window) -> DataFrame:
    """The rows of the window, with their day under the name of the grain."""
    between = sf.col(day).between(sf.lit(window.start), sf.lit(window.data_through))
    return rows.where(between).withColumn("day", sf.col(day))


def of_accounts(rows: DataFrame) -> GroupedData:
    """The rows by account and day, in the account's `unallocated` row."""
    return rows.withColumn("product", sf.lit(UNALLOCATED)).groupBy(*KEY)


def stacked(parts: Sequence[DataFrame]) -> DataFrame:
    """The parts under each other, grouped to account x product x day.

    Stacked rather than joined: a stack can neither multiply nor lose an amount, and NULL keys need no special care.
    """
    first, *rest = parts
    rows = first
    for part in rest:
        rows = rows.unionByName(part, allowMissingColumns=True)
    amounts = ("mrr_opening", "mrr_closing", "revenue", "gained")
    counts = ("licences", "seats_opening", "seats_closing", *EVENTS, "revenue_lines")
    facts = [name for columns in FACTS.values() for name in columns] + ["users_unknown"]
    return (
        # By account alone: what is added up over its products and over its days then needs no further exchange.
        rows.repartition("account_id")
        .groupBy(*KEY)
        .agg(
            *(sf.coalesce(sf.sum(name), sf.lit(0)).alias(name) for name in (*amounts, *counts)),
            sf.coalesce(sf.max("licences_by_type"), sf.array().cast(BY_TYPE)).alias("licences_by_type"),
            sf.when(~sf.coalesce(sf.max("due_unknown"), sf.lit(False)), sf.coalesce(sf.max("due"), sf.lit(0))).alias(
                "renewals_due_next_year"
            ),
            *(sf.max(name).alias(name) for name in facts if name in rows.columns),
        )
    )


def with_revenue_to_date(rows: DataFrame) -> DataFrame:
    """The rows with the revenue of the year so far at the end of each day."""
    so_far = Over.partitionBy("account_id", "product").orderBy("day")
    return rows.withColumns(
        {
            "revenue": dq.money(sf.col("revenue")),
            "revenue_to_date": dq.money(sf.sum("gained").over(so_far)),
            "licences": sf.col("licences").cast("bigint"),
        }
    )


def with_accounts(rows: DataFrame) -> DataFrame:
    """The rows with what their account had in all its products at the day's start and at its end."""
    account_day = Over.partitionBy("account_id", "day")
    return rows.withColumns(
        {
            f"account_{name}_{part}": sf.sum(f"{name}_{part}").over(account_day)
            for name in BRIDGED
            for part in ("opening", "closing")
        }
    )


def bridge(name: str, typed: Callable[[Column], Column]) -> list[Column]:
    """The movements of one amount between a day's start and end, in the order they are added up, all of them positive.

    What moves with the account is what it had at the day's start; what then changes happens where it has moved to.
    """
    opening, closing = sf.col(f"{name}_opening"), sf.col(f"{name}_closing")
    zero = sf.lit(0)
    moved = (sf.col("region") != sf.col("region_before")) | (sf.col("segment") != sf.col("segment_before"))
    parts = {
        "opening": opening,
        "new": sf.when((opening == 0) & (closing != 0), closing).otherwise(zero),
        "expansion": sf.when((opening != 0) & (closing > opening), closing - opening).otherwise(zero),
        "contraction": sf.when((closing != 0) & (closing < opening), opening - closing).otherwise(zero),
        "churn": sf.when((opening != 0) & (closing == 0), opening).otherwise(zero),
        "transferred_in": sf.when(moved, opening).otherwise(zero),
        "transferred_out": sf.when(moved, opening).otherwise(zero),
        "closing": closing,
    }
    return [typed(parts[part]).alias(f"{name}_{part}") for part in MOVEMENTS]


def of_account(name: str, typed: Callable[[Column], Column]) -> list[Column]:
    """The movements of a row as those of its account with all its products, in the order they are added up.

    What is new where the account had something at the day's start is expansion; what is lost where it keeps something
    at the day's end is contraction. All else is what it is for the product, so that the bridge closes as well.
    """
    opening, closing = sf.col(f"{name}_opening"), sf.col(f"{name}_closing")
    came, left = (opening == 0) & (closing != 0), (opening != 0) & (closing == 0)
    was_customer, stays = sf.col(f"account_{name}_opening") != 0, sf.col(f"account_{name}_closing") != 0
    gained, lost = sf.greatest(closing - opening, sf.lit(0)), sf.greatest(opening - closing, sf.lit(0))
    new, churned = came & ~was_customer, left & ~stays
    parts = {
        "new": sf.when(new, gained).otherwise(sf.lit(0)),
        "expansion": sf.when(new, sf.lit(0)).otherwise(gained),
        "contraction": sf.when(churned, sf.lit(0)).otherwise(lost),
        "churn": sf.when(churned, lost).otherwise(sf.lit(0)),
    }
    return [typed(parts[part]).alias(f"account_{name}_{part}") for part in OF_ACCOUNT]


def with_facts(rows: DataFrame, absent: Collection[str]) -> DataFrame:
    """The rows with what is known of the account in its own row, NULL in all others, and the reason for NULL."""
    of_product = sf.coalesce(sf.col("product") != UNALLOCATED, sf.lit(True))
    for source, columns in FACTS.items():
        why = sf.when(of_product, "of_product").when(sf.lit(source in absent), "source_absent")
        if source == "active_users" and source not in absent:
            why = why.when(sf.col("users_unknown"), "users_unknown")
        if source not in absent:
            nothing = sf.coalesce(*columns).isNull()
            why = why.when((sf.col("region") == UNALLOCATED) & nothing, "account_unknown")
        rows = rows.withColumn(f"{source}_reason", why)
        for name, type_ in columns.items():
            known = sf.lit(None) if source in absent else sf.coalesce(sf.col(name), sf.lit(0))
            rows = rows.withColumn(name, dq.try_cast(sf.when(sf.col(f"{source}_reason").isNull(), known), type_))
    return rows


def mean_resolution_hours() -> tuple[Column, Column]:
    """The mean hours from opening to resolution of the tickets resolved that day, and the reason why there is none."""
    none = sf.when(sf.col("tickets_resolved") == 0, "none_resolved")
    why = sf.coalesce(sf.col("tickets_reason"), none)
    mean = sf.when(why.isNull(), sf.try_divide("resolution_hours", "tickets_resolved"))
    return dq.try_cast(mean, "decimal(18,6)").alias("mean_resolution_hours"), why.alias("mean_resolution_hours_reason")


def main(argv: Sequence[str] | None = None) -> int:
    with dq.pipeline_run("growth_daily", argv) as run:
        run.publish(
            growth_daily(
                licence_events=run.read("licence_events"),
                accounts=run.read("accounts"),
                revenue=run.read("revenue"),
                directory_users=run.read("directory_users"),
                clicks=run.read("clicks"),
                support_tickets=run.read("support_tickets"),
                campaigns=run.read("campaigns"),
                window=run.window,
            )
        )
    return run.exit_code


if __name__ == "__main__":
    sys.exit(main())
