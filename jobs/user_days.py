"""What each user did on each day: events, sessions and active time, with the account and department of that day.

    spark-submit --properties-file spark-conf/local.conf jobs/user_days.py --period 2026-10 \
        --as-of 2026-11-04T05:00:00Z --warehouse DIR --sources jobs/sources.yml

Grain: user x day, a row where the user caused at least one event that day. Times are whole seconds. A session ends
after 30 minutes without an event; it counts on the day on which it began, its time on the days on which it elapsed.
Time elapses between two events of one session, so nothing is counted after its last one. Where a session runs over the
midnight that ends the last day covered, its next event tells how long it was active before, as far as that is known by
then: a final is made 48 hours later.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import Window as Over
from pyspark.sql import functions as sf

import dq

UNALLOCATED = "unallocated"
PLACE = ("region", "segment")
SESSION_ENDS_AFTER = 30 * 60 * 1_000_000
"""Microseconds without an event after which a session has ended; an event at exactly that time begins another one."""
DAY = 24 * 60 * 60 * 1_000_000
KINDS = {"page_views": "page_view", "clicks": "click", "feature_uses": "feature_use"}
HOURS = range(24)


def user_days(
    *, clicks: DataFrame, directory_users: DataFrame | None, accounts: DataFrame, window: dq.Window
) -> DataFrame:
    """Events, sessions and active seconds per user and day of the window.

    `clicks` reach beyond the window's first and last day, so that a session which was running at either midnight is
    known. A user whom the directory does not list that day keeps the account of the events and has the department
    `unallocated`; the region and segment of an account that is not known that day are `unallocated` too.
    """
    events = in_sessions(clicks)
    # A day's last event may have its successor on the next day: time that elapsed before midnight is this day's. What
    # else is known of the days around the window is none of it.
    days = by_day(events, window)
    rows, today = with_departments(days, directory_users), {"": sf.col("day")}
    rows = dq.valid_on(rows, accounts, key="account_id", columns=PLACE, days=today, otherwise=UNALLOCATED)
    return rows.select(
        "day",
        "user_id",
        "account_id",
        "department",
        *PLACE,
        "events",
        *KINDS,
        "sessions",
        "active_seconds",
        "events_by_hour",
    )


def in_sessions(clicks: DataFrame) -> DataFrame:
    """Every event with whether it begins a session, and the time elapsed since the one before it, by day.

    Time is in microseconds: `elapsed` since midnight or the event before, whichever is later, and `elapsed_before`
    from the event before to that midnight, which belongs to the day of the event before.
    """
    user = Over.partitionBy("user_id").orderBy("at", "event_id")
    before = sf.lag("at").over(user)
    same = sf.col("at") - sf.col("before") < SESSION_ENDS_AFTER
    midnight = sf.unix_micros(sf.col("event_date").cast("timestamp"))
    # No session is as long as a day between two events, so one midnight at most lies between them. Where an event is
    # filed under a later day than its time (which a check tells), no time goes to that day.
    since = sf.least(sf.greatest("before", midnight), "at")
    return (
        clicks.withColumn("at", sf.unix_micros("event_time"))
        .withColumn("before", before)
        .withColumn("begins", ~sf.coalesce(same, sf.lit(False)))
        .withColumn("elapsed", sf.when(sf.col("begins"), 0).otherwise(sf.col("at") - since))
        .withColumn("elapsed_before", sf.when(sf.col("begins"), 0).otherwise(since - sf.col("before")))
    )


def by_day(events: DataFrame, window: dq.Window) -> DataFrame:
    """One row per user and day with an event: counts, sessions begun, whole seconds of active time, events by hour.

    Events of a user under several accounts on one day count under the first of them by name.
    """
    day, own = sf.col("event_date"), sf.col("own")
    # What elapsed before midnight goes to the day before: a row of its own that holds nothing but that time. Made of
    # the same row, so that no join can multiply or lose it and the events are put in order once.
    of_day = sf.struct(day.alias("day"), sf.col("elapsed").alias("active"), sf.lit(True).alias("own"))
    of_day_before = sf.struct(
        sf.date_sub(day, 1).alias("day"), sf.col("elapsed_before").alias("active"), sf.lit(False).alias("own")
    )
    parts = sf.when(sf.col("elapsed_before") > 0, sf.array(of_day, of_day_before)).otherwise(sf.array(of_day))
    spread = events.select("user_id", "account_id", "event_id", "event_type", "event_time", "begins", sf.inline(parts))
    hour = sf.hour("event_time")
    kind = sf.col("event_type")
    return (
        spread.where(sf.col("day").between(sf.lit(window.start), sf.lit(window.data_through)))
        .groupBy("day", "user_id")
        .agg(
            sf.min(sf.when(own, sf.col("account_id"))).alias("clicked_account"),
            sf.count_if(own & sf.col("event_id").isNotNull()).alias("events"),
            *(sf.count_if(own & (kind == value)).alias(name) for name, value in KINDS.items()),
            sf.count_if(own & sf.col("begins")).alias("sessions"),
            sf.floor(sf.sum("active") / 1_000_000).cast("bigint").alias("active_seconds"),
            sf.array(*(sf.count_if(own & (hour == number)) for number in HOURS)).alias("events_by_hour"),
        )
        .where(sf.col("events") > 0)
    )


def with_departments(days: DataFrame, directory_users: DataFrame | None) -> DataFrame:
    """The rows with the account and department the directory has for the user on that day."""
    if directory_users is None:
        return days.withColumn("account_id", sf.col("clicked_account")).withColumn("department", sf.lit(UNALLOCATED))
    # One row per user and day, the newest synchronisation, so that the join cannot multiply.
    listed = directory_users.groupBy("day", "user_id").agg(
        sf.max(sf.struct("synced_at", "account_id", "department")).alias("newest")
    )
    return (
        days.join(listed, on=["day", "user_id"], how="left")
        .withColumn("account_id", sf.coalesce("newest.account_id", "clicked_account"))
        .withColumn("department", sf.coalesce("newest.department", sf.lit(UNALLOCATED)))
    )


def main(argv: Sequence[str] | None = None) -> int:
    with dq.pipeline_run("user_days", argv) as run:
        run.publish(
            user_days(
                clicks=run.read("clicks"),
                directory_users=run.read("directory_users"),
                accounts=run.read("accounts"),
                window=run.window,
            )
        )
    return run.exit_code


if __name__ == "__main__":
    sys.exit(main())
