"""The demo company's money: invoice lines, expenses, the books that agree with both, and targets."""

from __future__ import annotations

from datetime import date, datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as sf

from demo import company
from demo.customers import licences, step_day
from demo.seeded import KNOWN_WITHIN_SECONDS, MONEY, MONTH, Company, account_id, add_days, at, money, month_id, pick


def revenue(demo: Company) -> DataFrame:
    """Invoice lines, spread over every day of each month; an account is billed for what it pays for on that day."""
    frames = [_month_lines(demo, month, count) for month, count in demo.lines.items()]
    lines = frames[0]
    for frame in frames[1:]:
        lines = lines.unionAll(frame)
    paid_from = sf.when(~sf.col("trial"), sf.col("start")).otherwise(step_day(sf.lit(1)))
    paying = licences(demo).select(
        "number", "p", paid_from.alias("paid_from"), step_day(sf.col("cancel_step")).alias("paid_until")
    )
    n, p, k, day = sf.col("number"), sf.col("p"), sf.col("k"), sf.col("booked_date")
    pays = sf.coalesce((day >= sf.col("paid_from")) & (day < sf.col("paid_until")), sf.lit(False))
    payer = sf.when(pays, n).otherwise(n - n % 5)
    product = sf.when(pays, p).otherwise(payer % len(company.PRODUCTS))
    one_time = demo.draw("kind", 100, day, k) < 12
    cents = (
        sf.when(demo.draw("refund", 100, day, k) == 0, -(1_000 + demo.draw("amount", 9_000, day, k)))
        .when(one_time, 10_000 + demo.draw("amount", 60_000, day, k))
        .otherwise(4_000 + demo.draw("amount", 32_000, day, k))
    )
    return lines.join(sf.broadcast(paying), on=["number", "p"], how="left").select(
        sf.format_string("R%s%09d", sf.date_format(day, "yyyyMM"), k).alias("line_id"),
        account_id(payer).alias("account_id"),
        pick(company.PRODUCTS, product).alias("product"),
        sf.when(one_time, "one_time").otherwise("subscription").alias("kind"),
        money(cents).alias("amount"),
        sf.lit("USD").alias("currency"),
        day,
        at(day, demo.draw("known", KNOWN_WITHIN_SECONDS, day, k)).alias("recorded_at"),
        month_id(day).alias(MONTH),
    )


def _month_lines(demo: Company, month: date, count: int) -> DataFrame:
    days = (company.last_day(month) - month).days + 1
    slices = -(-count // 2_000_000)
    day = add_days(sf.lit(month), sf.floor(sf.col("k") * days / count))
    return (
        demo.spark.range(0, count, 1, slices)
        .withColumnRenamed("id", "k")
        .select(
            "k",
            day.alias("booked_date"),
            # The product of two draws: large accounts get several times the lines of small ones.
            sf.floor(
                demo.draw("account", 10_000, day, sf.col("k"))
                * demo.draw("account again", 10_000, day, sf.col("k"))
                * demo.accounts
                / 100_000_000
            ).alias("number"),
            demo.draw("product", len(company.PRODUCTS), day, sf.col("k")).alias("p"),
        )
    )


def expenses(demo: Company) -> DataFrame:
    """Expense entries as exported by the accounting tool, which writes amounts as text."""
    plan = [entry for month, count in demo.lines.items() for entry in company.planned_expenses(month, count)]
    rows = [(e.entry_id, e.category, e.provider, e.entry_method, e.incurred_date, e.planned_cents) for e in plan]
    schema = "entry_id string, category string, provider string, entry_method string, incurred_date date, cents bigint"
    varied = sf.floor(sf.col("cents") * (940 + demo.draw("expense", 121, sf.col("entry_id"))) / 1000)
    day = sf.col("incurred_date")
    known = at(day, demo.draw("entered", KNOWN_WITHIN_SECONDS, sf.col("entry_id")))
    return demo.spark.createDataFrame(rows, schema).select(
        "entry_id",
        "category",
        "provider",
        "entry_method",
        money(varied).cast("string").alias("amount"),
        sf.lit("USD").alias("currency"),
        day,
        known.alias("entered_at"),
        month_id(day).alias(MONTH),
    )


def ledger(demo: Company, *, revenue: DataFrame, expenses: DataFrame) -> DataFrame:
    """The books: totals per month, line and booked date, every line on every day; the last month is still open."""
    booked = revenue.select(
        sf.concat(sf.lit("revenue_"), "kind").alias("line"), "booked_date", sf.col("amount").cast("decimal(28,2)")
    )
    spent = expenses.select(
        sf.col("category").alias("line"),
        sf.col("incurred_date").alias("booked_date"),
        sf.col("amount").cast("decimal(28,2)").alias("amount"),
    )
    lines = sf.explode(sf.array(*map(sf.lit, company.LEDGER_LINES)))
    empty = (
        demo.spark.range(1)
        .select(sf.explode(sf.sequence(sf.lit(demo.months[0]), sf.lit(demo.last_day))).alias("booked_date"))
        .select(lines.alias("line"), "booked_date", sf.lit(0).cast("decimal(28,2)").alias("amount"))
    )
    closings: list[tuple[str, datetime | None]] = [
        (f"{month:%Y-%m}", None if month == demo.months[-1] else company.closed_at(month)) for month in demo.months
    ]
    closed = demo.spark.createDataFrame(closings, "month string, closed_at timestamp")
    totals = (
        booked.unionByName(spent).unionByName(empty).groupBy("line", "booked_date").agg(sf.sum("amount").alias("a"))
    )
    return (
        totals.withColumn("month", month_id(sf.col("booked_date")))
        .join(sf.broadcast(closed), on="month", how="left")
        .select(
            "month",
            "line",
            "booked_date",
            sf.col("a").cast(MONEY).alias("amount"),
            "closed_at",
            sf.col("month").alias(MONTH),
        )
    )


def targets(demo: Company) -> DataFrame:
    """Profit targets per month and product."""
    rows = [
        (f"{month:%Y-%m}", product, company.target_cents(month, count, product))
        for month, count in demo.lines.items()
        for product in company.PRODUCTS
    ]
    return demo.spark.createDataFrame(rows, "month string, product string, cents bigint").select(
        "month", "product", money(sf.col("cents")).alias("target_profit"), sf.col("month").alias(MONTH)
    )
