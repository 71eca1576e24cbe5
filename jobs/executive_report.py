"""The fortnight in figures: one row per metric of profit, growth and engagement, for executives, CFO and investors.

    spark-submit --properties-file spark-conf/local.conf jobs/executive_report.py --period 2026-09-28 \
        --as-of 2026-10-12T06:00:00Z --warehouse DIR --sources jobs/sources.yml

Grain: fortnight x metric; a fortnight is named by its first Monday. `unit` says what a value counts: the company's
currency, `ratio` (of one), `users`, `seats`, `sessions` or `minutes`. `basis` says which days it covers: `fortnight`,
or `month` for what investors see published for the month of the last day covered: of a whole fortnight the month in
which it ends. A value that cannot be computed is NULL and `value_reason` says why: a denominator of zero (`no_revenue`,
`no_subscribers`, `no_opening_mrr`, `no_active_users`) or below it (`negative_revenue`), a source declared absent on all
of its days (`source_absent`) or on some (`upstream_partial`), no row of those days (`no_rows`), or what the
investors' row says; `not_published` where that row is older than the column. A change is NULL for the same reasons,
with no fortnight published before (`no_previous`), without a value in it (`previous_` and the reason of then) or,
relative to it, from nothing or less (`previous_not_positive`). A NULL that nothing explains has no reason, so that
the report is held.

Ratios and distinct users are computed anew from the units, never summed or averaged. Each metric is defined under
`metric` in jobs/pipelines.yml. It has the name of the column it is of in the tables of units, and `month_` before that
of investors.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as sf

import dq

VALUE = "decimal(28,6)"
FORTNIGHT, MONTH = "fortnight", "month"
# Ratios of the investors' tables, whose reasons stand beside them: margin, and of the trailing twelve months.
MARGINS = ("margin", "previous_margin")
TRAILING = ("ttm_net_revenue_retention", "ttm_gross_revenue_retention", "ttm_cohort_churn_rate")
# What is told of the fortnight before: its column there, and the type.
PREVIOUS = {"previous_value": ("value", VALUE), "previous_reason": ("value_reason", "string")}
# The unit of amounts: in its place stands the company's currency.
MONEY = "money"


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One line of the report.

    A plain figure is the column `of`; a ratio is `of` over `over`, which must be above zero, else `otherwise` says why
    there is none, or `below` where it is negative. Where `of` itself is NULL, the column `why` says so, by default that
    of the section.
    """

    section: str
    name: str
    unit: str
    of: str
    over: str = ""
    otherwise: str = ""
    below: str = ""
    basis: str = FORTNIGHT

    @property
    def why(self) -> str:
        """The column that says why there is no figure."""
        return f"{self.of if self.basis == MONTH else self.section}_reason"


METRICS = (
    Metric(section="profit", name="revenue", unit=MONEY, of="revenue"),
    Metric(section="profit", name="expenses", unit=MONEY, of="expenses"),
    Metric(section="profit", name="profit", unit=MONEY, of="profit"),
    Metric(
        section="profit",
        name="margin",
        unit="ratio",
        of="profit",
        over="revenue",
        otherwise="no_revenue",
        below="negative_revenue",
    ),
    Metric(section="profit", name="seats", unit="seats", of="seats"),
    Metric(section="profit", name="unit_profit", unit=MONEY, of="profit", over="seats", otherwise="no_subscribers"),
    Metric(section="growth", name="mrr_opening", unit=MONEY, of="mrr_opening"),
    Metric(section="growth", name="mrr_new", unit=MONEY, of="mrr_new"),
    Metric(section="growth", name="mrr_expansion", unit=MONEY, of="mrr_expansion"),
    Metric(section="growth", name="mrr_contraction", unit=MONEY, of="mrr_contraction"),
    Metric(section="growth", name="mrr_churn", unit=MONEY, of="mrr_churn"),
    Metric(section="growth", name="mrr_closing", unit=MONEY, of="mrr_closing"),
    *(
        Metric(section="growth", name=name, unit="ratio", of=of, over="mrr_opening", otherwise="no_opening_mrr")
        for name, of in (
            ("mrr_growth_rate", "mrr_change"),
            ("cohort_churn_rate", "mrr_lost"),
            ("gross_revenue_retention", "mrr_kept"),
            ("net_revenue_retention", "mrr_retained"),
        )
    ),
    Metric(section="engagement", name="active_users", unit="users", of="active_users"),
    Metric(section="engagement", name="average_daily_users", unit="users", of="user_days", over="days"),
    Metric(section="engagement", name="sessions", unit="sessions", of="sessions"),
    Metric(
        section="engagement",
        name="active_minutes_per_user_day",
        unit="minutes",
        of="active_minutes",
        over="user_days",
        otherwise="no_active_users",
    ),
    Metric(section="investors", name="month_revenue", unit=MONEY, of="month_revenue", basis=MONTH),
    Metric(section="investors", name="month_profit", unit=MONEY, of="month_profit", basis=MONTH),
    *(Metric(section="investors", name=f"month_{of}", unit="ratio", of=f"month_{of}", basis=MONTH) for of in MARGINS),
    Metric(section="investors", name="month_mrr_closing", unit=MONEY, of="month_mrr_closing", basis=MONTH),
    Metric(section="investors", name="month_mau", unit="users", of="month_mau", basis=MONTH),
    *(Metric(section="investors", name=f"month_{of}", unit="ratio", of=f"month_{of}", basis=MONTH) for of in TRAILING),
)


def executive_report(
    *,
    profit: DataFrame,
    growth: DataFrame,
    user_days: DataFrame,
    investor_profit: DataFrame,
    investor_growth: DataFrame,
    investor_engagement: DataFrame,
    previous: DataFrame | None,
    window: dq.Window,
    currency: str,
) -> DataFrame:
    """Every metric of the fortnight so far, with its value in the fortnight published before and the change since.

    `profit` is `profit_unit`, `growth` is `growth_daily`; the investor tables are read at their company total.
    """
    figures = (
        profit_figures(in_window(profit, window), window)
        .crossJoin(growth_figures(in_window(growth, window), window))
        .crossJoin(engagement_figures(in_window(user_days, window)))
        .crossJoin(total(investor_profit, "revenue"))
        .crossJoin(total(investor_profit, "profit", reason="margin_reason"))
        .crossJoin(total(investor_growth, "mrr_closing"))
        .crossJoin(total(investor_engagement, "mau"))
        .crossJoin(explained(investor_profit, MARGINS))
        .crossJoin(explained(investor_growth, TRAILING))
        .withColumn("days", sf.lit((window.data_through - window.start).days + 1))
    )
    rows = figures.select(
        sf.explode(sf.array(*(line(number, metric, currency) for number, metric in enumerate(METRICS))))
    )
    rows = dq.with_previous(rows.select("col.*"), previous, key=("metric",), period="fortnight", columns=PREVIOUS)
    return rows.select(
        sf.lit(window.period).alias("fortnight"),
        "line",
        "section",
        "metric",
        "unit",
        "basis",
        "value",
        "value_reason",
        "previous_period",
        "previous_value",
        change().alias("change"),
        *relative_change(),
    )


def in_window(frame: DataFrame, window: dq.Window) -> DataFrame:
    """The rows of the days covered."""
    return frame.where(sf.col("day").between(sf.lit(window.start), sf.lit(window.data_through)))


def profit_figures(units: DataFrame, window: dq.Window) -> DataFrame:
    """Revenue, expenses and profit of the days, and the paid seats at their end, in one row.

    A sum over some of the rows would be a figure of other days than it says: it is NULL unless every row has its part.
    """
    last = sf.col("day") == sf.lit(window.data_through)
    rows, absent = sf.count("*"), sf.count_if(sf.col("mtd_margin_reason") == "source_absent")
    reason = no_rows().when((absent > 0) & (absent == rows), "source_absent").when(absent > 0, "upstream_partial")
    return units.agg(
        *(sf.when(sf.count(name) == rows, sf.sum(name)).alias(name) for name in ("revenue", "expenses", "profit")),
        sf.sum(sf.when(last, sf.col("seats"))).alias("seats"),
        reason.alias("profit_reason"),
    )


def no_rows() -> Column:
    """The reason where there is not one row to take a figure from."""
    return sf.when(sf.count("*") == 0, "no_rows")


def growth_figures(units: DataFrame, window: dq.Window) -> DataFrame:
    """MRR at the beginning and end of the days, its movements and what of the former is retained, kept and lost.

    It is one row. Customers are accounts with all their products, as in the investors' company total; moves between
    cells cancel out. Who has no row on the first day had nothing before it, who has none on the last has nothing left.
    """
    first, last = sf.col("day") == sf.lit(window.start), sf.col("day") == sf.lit(window.data_through)
    movements = ("mrr_new", "mrr_expansion", "mrr_contraction", "mrr_churn")
    customers = units.groupBy("account_id").agg(
        sf.sum(sf.when(first, sf.col("mrr_opening"))).alias("mrr_opening"),
        sf.sum(sf.when(last, sf.col("mrr_closing"))).alias("mrr_closing"),
        *(sf.sum(f"account_{name}").alias(name) for name in movements),
    )
    left = sf.coalesce("mrr_closing", sf.lit(0))
    retained = sf.when(sf.col("mrr_opening") != 0, left).otherwise(sf.lit(0))
    kept = sf.when(sf.col("mrr_opening") != 0, sf.least("mrr_opening", left)).otherwise(sf.lit(0))
    lost = sf.when(left == 0, sf.col("mrr_opening")).otherwise(sf.lit(0))
    # Without any row on the first or the last day nothing is known of what was there: no zero.
    known = (sf.count("mrr_opening") > 0) & (sf.count("mrr_closing") > 0)
    return customers.agg(
        *(sf.sum(name).alias(name) for name in ("mrr_opening", "mrr_closing", *movements)),
        sf.when(known, sf.sum(retained)).alias("mrr_retained"),
        sf.when(known, sf.sum(kept)).alias("mrr_kept"),
        sf.when(known, sf.sum(lost)).alias("mrr_lost"),
        no_rows().alias("growth_reason"),
    ).withColumn("mrr_change", sf.col("mrr_closing") - sf.col("mrr_opening"))


def engagement_figures(user_days: DataFrame) -> DataFrame:
    """Distinct active users, their user days, sessions and active minutes, in one row."""
    active = user_days.where("events > 0")
    return active.agg(
        sf.count_distinct("user_id").alias("active_users"),
        sf.count("*").alias("user_days"),
        sf.coalesce(sf.sum("sessions"), sf.lit(0)).alias("sessions"),
        (sf.coalesce(sf.sum("active_seconds"), sf.lit(0)) / sf.lit(60).cast("decimal(3,0)")).alias("active_minutes"),
        no_rows().alias("engagement_reason"),
    )


def total(published: DataFrame, column: str, reason: str = "") -> DataFrame:
    """The company total of a published investor table, in one row, with what its column `reason` says."""
    said = no_rows().otherwise(sf.max(reason)) if reason else no_rows()
    company = published.where("row_kind = 'total'")
    return company.agg(sf.max(column).alias(f"month_{column}"), said.alias(f"month_{column}_reason"))


def explained(published: DataFrame, columns: Sequence[str]) -> DataFrame:
    """Ratios of the company as investors see them and why there is none; `not_published` where the table lacks one."""
    there = {name for name in columns if name in published.columns}
    figures = {name: sf.max(name) if name in there else sf.lit(None) for name in columns}
    reasons = {
        name: no_rows().otherwise(sf.max(f"{name}_reason")) if name in there else sf.lit("not_published")
        for name in columns
    }
    return published.where("row_kind = 'total'").agg(
        *(figure.cast("decimal(18,6)").alias(f"month_{name}") for name, figure in figures.items()),
        *(reason.alias(f"month_{name}_reason") for name, reason in reasons.items()),
    )


def line(number: int, metric: Metric, currency: str) -> Column:
    """One row of the report as a struct."""
    of = sf.col(metric.of)
    if metric.over:
        usable = sf.coalesce(sf.col(metric.over) > 0, sf.lit(False))
        value = sf.when(usable, sf.try_divide(of.cast("decimal(28,6)"), sf.col(metric.over).cast("decimal(20,2)")))
        reason = sf.when(of.isNull(), sf.col(metric.why))
        if metric.below:
            reason = reason.when(sf.col(metric.over) < 0, metric.below)
        reason = reason.when(~usable, metric.otherwise)
    else:
        value, reason = of, sf.when(of.isNull(), sf.col(metric.why))
    return sf.struct(
        sf.lit(number + 1).alias("line"),
        sf.lit(metric.section).alias("section"),
        sf.lit(metric.name).alias("metric"),
        sf.lit(currency if metric.unit == MONEY else metric.unit).alias("unit"),
        sf.lit(metric.basis).alias("basis"),
        dq.try_cast(value, VALUE).alias("value"),
        reason.alias("value_reason"),
    )


def change() -> Column:
    """The value less the value before."""
    return dq.try_cast(sf.col("value") - sf.col("previous_value"), VALUE)


def relative_change() -> tuple[Column, Column]:
    """The change as a ratio of the value before, and why there is none."""
    before = sf.col("previous_value")
    reason = (
        sf.when(sf.col("value").isNull(), sf.col("value_reason"))
        .when(sf.col("previous_period").isNull(), "no_previous")
        .when(before.isNull(), sf.concat(sf.lit("previous_"), sf.col("previous_reason")))
        .when(before <= 0, "previous_not_positive")
    )
    ratio = sf.when(reason.isNull(), sf.try_divide(change(), before))
    return dq.try_cast(ratio, "decimal(18,6)").alias("change_ratio"), reason.alias("change_ratio_reason")


def main(argv: Sequence[str] | None = None) -> int:
    with dq.pipeline_run("executive_report", argv) as run:
        run.publish(
            executive_report(
                profit=run.read("profit_unit"),
                growth=run.read("growth_daily"),
                user_days=run.read("user_days"),
                investor_profit=run.read("investor_profit"),
                investor_growth=run.read("investor_growth"),
                investor_engagement=run.read("investor_engagement"),
                previous=run.previous(),
                window=run.window,
                currency=run.currency,
            )
        )
    return run.exit_code


if __name__ == "__main__":
    sys.exit(main())
