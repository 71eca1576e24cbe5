"""How the demo company deals with its customers: the tickets they open and the campaigns that reach them."""

from __future__ import annotations

from datetime import date, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as sf

from demo import company
from demo.customers import joined_on
from demo.seeded import KNOWN_WITHIN_SECONDS, MONTH, Company, account_id, at, money, month_id, pick

# One more ticket a day for every so many accounts.
_ACCOUNTS_PER_TICKET = 100
_ACCOUNTS_PER_TOUCH = 60
_DAY_SECONDS = 24 * 3600


def support_tickets(demo: Company) -> DataFrame:
    """Support tickets since the founding, as known in the end; filed by the month in which they became known.

    Nine in ten are resolved within five days; what the company's last day did not see resolved is open.
    """
    k, day = sf.col("k"), sf.col("day")
    seconds = demo.draw("ticket opened", _DAY_SECONDS, day, k)
    resolved = sf.timestamp_seconds(
        sf.unix_seconds("opened_at") + 600 + demo.draw("ticket resolved", 5 * _DAY_SECONDS, day, k)
    )
    end = sf.lit(demo.last_day + timedelta(days=1)).cast("timestamp")
    known = at(day, seconds + demo.draw("ticket known", KNOWN_WITHIN_SECONDS - _DAY_SECONDS, day, k))
    return (
        _daily(demo, demo.founded, 2 + demo.accounts // _ACCOUNTS_PER_TICKET, "ticket")
        .withColumn("opened_at", at(day, seconds))
        .withColumn("resolved_at", sf.when(demo.draw("ticket closes", 10, day, k) > 0, resolved))
        .withColumn("recorded_at", known)
        .select(
            sf.format_string("T%s-%05d", sf.date_format(day, "yyyyMMdd"), k).alias("ticket_id"),
            account_id(sf.col("number")).alias("account_id"),
            pick(("low", "medium", "high", "urgent"), _rarer(demo.draw("ticket severity", 10, day, k))).alias(
                "severity"
            ),
            day.alias("opened_date"),
            "opened_at",
            sf.when(sf.col("resolved_at") < end, sf.col("resolved_at")).alias("resolved_at"),
            "recorded_at",
            month_id(sf.col("recorded_at")).alias(MONTH),
        )
    )


def campaigns(demo: Company) -> DataFrame:
    """Campaigns by account and day: three channels every day, a webinar on Tuesdays, a trade fair on Thursdays."""
    day = sf.col("day")
    weekday = sf.weekday(day)
    running = sf.filter(
        sf.array(
            *(sf.lit(channel) for channel in company.CHANNELS),
            *(sf.when(weekday == on, sf.lit(name)) for name, on in company.EVENTS.items()),
        ),
        lambda name: name.isNotNull(),
    )
    cents = 500 + demo.draw("campaign spend", 20_000, day, sf.col("channel"), sf.col("number"))
    return (
        _daily(demo, demo.months[0], 2 + demo.accounts // _ACCOUNTS_PER_TOUCH, "touch")
        .withColumn("channel", sf.explode(running))
        .select("day", "number", "channel")
        # The same account drawn twice on a day is touched once.
        .distinct()
        .select(
            sf.format_string("C%s-%s", sf.date_format(day, "yyyyMM"), sf.col("channel")).alias("campaign_id"),
            account_id(sf.col("number")).alias("account_id"),
            day,
            sf.when(sf.col("channel").isin(*company.EVENTS), "event").otherwise("channel").alias("kind"),
            "channel",
            money(cents).alias("spend"),
            at(day, demo.draw("campaign known", KNOWN_WITHIN_SECONDS, day, sf.col("channel"), sf.col("number"))).alias(
                "recorded_at"
            ),
            month_id(day).alias(MONTH),
        )
    )


def _daily(demo: Company, first: date, count: int, name: str) -> DataFrame:
    """So many draws of an account on every day from the first on, where the account had joined by then.

    The first draw of a day falls on one of the accounts that were there early, so that no later day is empty.
    """
    k, day = sf.col("k"), sf.col("day")
    drawn = demo.draw(f"{name} account", demo.accounts, day, k)
    days = sf.explode(sf.sequence(sf.lit(first), sf.lit(demo.last_day)))
    return (
        demo.spark.range(count)
        .withColumnRenamed("id", "k")
        .withColumn("day", days)
        .withColumn("number", sf.when(k == 0, drawn - drawn % 5).otherwise(drawn))
        .where(day >= joined_on(demo, sf.col("number")))
    )


def _rarer(draw: Column) -> Column:
    """Four of ten low, three medium, two high, one urgent."""
    return sf.when(draw < 4, 0).when(draw < 7, 1).when(draw < 9, 2).otherwise(3)
