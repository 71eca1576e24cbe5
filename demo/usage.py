"""How the demo company's product is used: licensed users by day, the events they cause, and the queue's offsets."""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as sf

from demo import company
from demo.customers import joined_on
from demo.seeded import MONTH, Company, account_id, add_days, at, established, month_id, pick

TOPIC = "product-events"
PARTITIONS = 8
_EVENTS_PER_SESSION = 8
_DAY = 24 * 3600
# Seconds between two events of a session, by its pace; all far below the 30 minutes that end one.
_PACES = (20, 60, 150, 400)
_USERS_AT_LEAST, _USERS_AT_MOST = 2, 4


def _users(demo: Company, account: Column) -> Column:
    """The number of licensed users of an account."""
    return _USERS_AT_LEAST + demo.draw("users", _USERS_AT_MOST - _USERS_AT_LEAST + 1, account)


def _user_id(account: Column, user: Column) -> Column:
    return sf.format_string("U%06d-%d", account, user)


def directory_users(demo: Company) -> DataFrame:
    """One row per licensed user and day, weekends included, from the day on which the user's account joined.

    One user in twenty changes the department at some time.
    """
    n, u, day = sf.col("number"), sf.col("u"), sf.col("day")
    history = (demo.last_day - demo.founded).days
    department = demo.draw("department", len(company.DEPARTMENTS), n, u)
    moves = (demo.draw("department moves", 20, n, u) == 0) & (
        day >= add_days(sf.lit(demo.founded), demo.draw("department moved", history, n, u))
    )
    return (
        demo.spark.range(demo.accounts)
        .withColumnRenamed("id", "number")
        .withColumn("joined", joined_on(demo, n))
        .withColumn("u", sf.explode(sf.sequence(sf.lit(1).cast("bigint"), _users(demo, n))))
        .where(sf.col("joined") <= sf.lit(demo.last_day))
        .withColumn(
            "day",
            sf.explode(sf.sequence(sf.greatest(sf.col("joined"), sf.lit(demo.months[0])), sf.lit(demo.last_day))),
        )
        .select(
            day,
            _user_id(n, u).alias("user_id"),
            account_id(n).alias("account_id"),
            pick(company.DEPARTMENTS, (department + moves.cast("int")) % len(company.DEPARTMENTS)).alias("department"),
            at(day, 3600 + demo.draw("directory", 3 * 3600, n, u, day)).alias("synced_at"),
            month_id(day).alias(MONTH),
        )
    )


def clicks(demo: Company) -> DataFrame:
    """Events of the product in sessions, as landed from the queue, with offsets in the order in which they arrived.

    Some sessions run past midnight, more of them at the end of a month, and those of the last day into the month that
    follows; one in fifty lacks its end. One event in a
    hundred arrives hours late, two in a thousand are delivered twice: the same event under another offset.
    """
    frames = [_month_sessions(demo, month, count) for month, count in demo.clicks.items()]
    sessions = frames[0]
    for frame in frames[1:]:
        sessions = sessions.unionAll(frame)
    n, u, i, k, began = (sf.col(name) for name in ("number", "u", "i", "k", "began_on"))
    last = sf.col("events") - 1
    between = demo.draw("event", 10, began, k, i)
    event_type = (
        sf.when(i == 0, "session_start")
        .when((i == last) & (demo.draw("ends", 50, began, k) > 0), "session_end")
        .when(between < 5, "page_view")
        .when(between < 8, "click")
        .otherwise("feature_use")
    )
    pace = sf.col("pace")
    seconds = sf.col("start") + i * pace + sf.floor(demo.draw("gap", 1000, began, k, i) * pace / 1000)
    late = demo.draw("late", 100, began, k, i) == 0
    delay = 1 + demo.draw("delay", 20, began, k, i)
    delay += sf.when(late, 3600 + demo.draw("hours late", 28 * 3600, began, k, i)).otherwise(0)
    # The second delivery follows within ten minutes of the first.
    again = delay + 1 + demo.draw("again", 600, began, k, i)
    deliveries = sf.when(demo.draw("delivered", 500, began, k, i) == 0, sf.array(delay, again))
    arrived = sf.row_number().over(Window.partitionBy("partition").orderBy("received_at", "event_id"))
    return (
        sessions.withColumn("i", sf.explode(sf.sequence(sf.lit(0), last)))
        .withColumn("event_time", at(began, seconds))
        .withColumn("event_type", event_type)
        .withColumn("delay", sf.explode(deliveries.otherwise(sf.array(delay))))
        .select(
            sf.format_string("C%s%08d-%02d", sf.date_format(began, "yyyyMM"), k, i).alias("event_id"),
            _user_id(n, u).alias("user_id"),
            account_id(n).alias("account_id"),
            "event_type",
            sf.when(
                sf.col("event_type") == "feature_use",
                pick(company.FEATURES, demo.draw("feature", len(company.FEATURES), began, k, i)),
            ).alias("feature"),
            sf.col("event_time").cast("date").alias("event_date"),
            "event_time",
            sf.timestamp_seconds(sf.unix_seconds("event_time") + sf.col("delay")).alias("received_at"),
            sf.lit(TOPIC).alias("topic"),
            # The queue is keyed by user, so one user's events keep their order.
            demo.draw("partition", PARTITIONS, n, u).cast("int").alias("partition"),
        )
        .withColumn("offset", (arrived - 1).cast("bigint"))
        .withColumn(MONTH, month_id(sf.col("event_date")))
    )


def _month_sessions(demo: Company, month: date, clicks: int) -> DataFrame:
    """Sessions begun in a month, spread over its days: who, when, how many events and how fast."""
    count = max(clicks // _EVENTS_PER_SESSION, 1)
    last = company.last_day(month)
    k, day = sf.col("k"), sf.col("began_on")
    late_share = sf.when(day == sf.lit(last), 25).otherwise(4)
    runs_late = demo.draw("runs late", 100, day, k) < late_share
    drawn = sf.floor(
        demo.draw("clicker", 10_000, day, k) * demo.draw("clicker again", 10_000, day, k) * demo.accounts / 100_000_000
    )
    return (
        demo.spark.range(0, count, 1, -(-count // 250_000))
        .withColumnRenamed("id", "k")
        .withColumn("began_on", add_days(sf.lit(month), sf.floor(k * last.day / count)))
        .withColumn("drawn", drawn)
        .withColumn(
            "number",
            sf.when(
                established(sf.col("drawn")) | (joined_on(demo, sf.col("drawn")) <= day), sf.col("drawn")
            ).otherwise(sf.col("drawn") - sf.col("drawn") % 5),
        )
        .select(
            "k",
            "began_on",
            "number",
            (1 + demo.draw("user", 1_000_000, day, k) % _users(demo, sf.col("number"))).alias("u"),
            sf.when(runs_late, _DAY - 240 + demo.draw("start", 240, day, k))
            .otherwise(6 * 3600 + demo.draw("start", 8 * 3600, day, k) + demo.draw("start again", 8 * 3600, day, k))
            .alias("start"),
            (3 + demo.draw("events", 2 * _EVENTS_PER_SESSION - 5, day, k)).cast("int").alias("events"),
            sf.when(runs_late, _PACES[-1])
            .otherwise(sf.element_at(sf.array(*map(sf.lit, _PACES)), (1 + demo.draw("pace", 4, day, k)).cast("int")))
            .alias("pace"),
        )
    )


def kafka_offsets(demo: Company, *, clicks: DataFrame) -> DataFrame:
    """The end offset and the committed one, per partition and full hour; the consumer lags by less than an hour."""
    observed = sf.col("observed_at")
    seen = clicks.groupBy(
        "topic", "partition", sf.timestamp_seconds(sf.ceil(sf.unix_seconds("received_at") / 3600) * 3600).alias("h")
    ).agg((sf.max("offset") + 1).alias("end_in_hour"))
    hours = demo.spark.range(1).select(
        sf.explode(sf.sequence(*(sf.lit(d).cast("timestamp") for d in (demo.months[0], demo.last_day)))).alias("d")
    )
    every = hours.select(
        sf.explode(sf.transform(sf.sequence(sf.lit(0), sf.lit(23)), lambda h: at(sf.col("d"), h * 3600))).alias("h")
    ).withColumn("partition", sf.explode(sf.sequence(sf.lit(0), sf.lit(PARTITIONS - 1))))
    so_far = Window.partitionBy("partition").orderBy("h")
    behind = demo.draw("behind", 4, sf.col("partition"), sf.unix_seconds(observed))
    return (
        every.join(seen.drop("topic"), on=["partition", "h"], how="left")
        .withColumn("end_offset", sf.coalesce(sf.max("end_in_hour").over(so_far), sf.lit(0)).cast("bigint"))
        .withColumn("hour_before", sf.lag("end_offset", 1, 0).over(so_far))
        .withColumnRenamed("h", "observed_at")
        .select(
            sf.lit(TOPIC).alias("topic"),
            "partition",
            observed.cast("date").alias("observed_date"),
            "observed_at",
            "end_offset",
            sf.greatest(sf.col("end_offset") - behind, "hour_before").cast("bigint").alias("committed_offset"),
            month_id(observed).alias(MONTH),
        )
    )
