"""Seeded defects of the executive report and the experiment data: mistakes in a job that is built on proved units."""

from __future__ import annotations

from demo.changes import in_job, overtaken
from demo.defects import Defect
from dq.base.model import Severity

_WEEKLY, _REPORT = "experiments_weekly", "executive_report"


def reports(month: str) -> tuple[Defect, ...]:
    """Every seeded defect of the two, planted in the job."""

    def defect(id_: str, title: str, check: str, old: str, new: str, severity: Severity = Severity.CRITICAL) -> Defect:
        return in_job(id_, month, title, check, old, new, severity=severity)

    stacked = (
        "    stacked = reduce(lambda left, right: left.unionByName(right, allowMissingColumns=True), parts.values())\n"
    )
    exchanged = (
        '    other = sf.translate("account_id", "0123456789", "1032547698")\n'
        '    stacked = stacked.withColumn("account_id", sf.when(sf.col("{}").isNotNull(), other)'
        '.otherwise(sf.col("account_id")))\n'
    )
    of_window = '    return frame.where(sf.col("day").between(sf.lit(window.start), sf.lit(window.data_through)))\n'
    publish = "        run.publish(\n"
    weeks = "    rows = days.unionByName(by_week(days, in_window(user_days, window), absent, window))\n"
    flows = (
        "        *(or_zero(name, dq.money({})).alias(name) for name in MONEY),\n"
        "        *(or_zero(name, dq.money(sf.sum(on"
    )
    unit_profit = 'dq.ratio("unit_profit", "profit", "seats", "no_subscribers", *no_expenses, no_account("seats"))'
    ratio = 'dq.ratio("active_seconds_per_user", "active_seconds", "active_users", "no_active_users")'
    agg = '.agg(\n        sf.bool_or("known").alias("known"),\n        place.alias("place"),\n'
    return (
        defect(
            "F01-experiments_weekly-segment",
            "a change of the job loses the segment of every account",
            f"{_WEEKLY}.segment.required",
            '        "place.segment",\n',
            '        sf.lit(None).cast("string").alias("segment"),\n',
        ),
        defect(
            "F01-experiments_weekly-zero-lost",
            "a change of the job knows no activity only of accounts that have a history of it",
            "experiments_no_activity_is_zero",
            'sf.when(sf.bool_or("known"), sf.lit(0))',
            "sf.lit(None)",
        ),
        defect(
            "F03-experiments_weekly-zero-filled",
            "a ratio without a denominator is filled with zero",
            "experiments_unit_profit_is_explained",
            f"        *{unit_profit},\n",
            '        sf.coalesce(sf.col("profit") / sf.nullif("seats", sf.lit(0)), sf.lit(0))'
            '.cast("decimal(18,6)").alias("unit_profit"),\n'
            f"        {unit_profit}[1],\n",
        ),
        defect(
            "F03-experiments_weekly-called-absent",
            "a change of the job takes an account without profit units for one whose source is absent: so of trials",
            "experiments_only_units_lack_expenses",
            '    some_absent = sf.col("absent_rows") > 0\n',
            '    some_absent = sf.col("unit_rows") == 0\n',
        ),
        defect(
            "F05-experiments_weekly-day-lost",
            "a change of the job leaves out the third day of the week",
            "experiments_every_day",
            stacked,
            stacked + '    stacked = stacked.where(sf.col("day") != sf.date_add(sf.lit(window.start), 2))\n',
        ),
        defect(
            "F05-experiments_weekly-monday-lost",
            "a change of the job leaves out the first day of the week, on which the week's own rows stand",
            "experiments_every_day",
            stacked,
            stacked + '    stacked = stacked.where(sf.col("day") != sf.lit(window.start))\n',
        ),
        defect(
            "F13-experiments_weekly-unit-twice",
            "a change of the job counts the profit units of an account twice",
            "experiments_profit_is_that_of_the_units",
            stacked,
            stacked + '    stacked = stacked.unionByName(stacked.where("profit IS NOT NULL").limit(1))\n',
        ),
        defect(
            "F13-experiments_weekly-growth-twice",
            "a change of the job counts the growth units of an account twice",
            "experiments_growth_is_that_of_the_units",
            stacked,
            stacked + '    stacked = stacked.unionByName(stacked.where("mrr_closing > 0").limit(1))\n',
        ),
        defect(
            "F13-experiments_weekly-sessions-twice",
            "a change of the job counts the sessions of a department twice",
            "experiments_engagement_is_that_of_the_units",
            stacked,
            stacked + '    stacked = stacked.unionByName(stacked.where("sessions > 0").limit(1))\n',
        ),
        defect(
            "F13-experiments_weekly-growth-exchanged",
            "a change of the job gives accounts each other's growth: the sums of every day agree, no account's do",
            "experiments_growth_is_that_of_the_units",
            stacked,
            stacked + exchanged.format("mrr_closing"),
        ),
        defect(
            "F13-experiments_weekly-sessions-exchanged",
            "a change of the job gives accounts each other's sessions: the sums of every day agree, no account's do",
            "experiments_engagement_is_that_of_the_units",
            stacked,
            stacked + exchanged.format("sessions"),
        ),
        defect(
            "F02-experiments_weekly-weeks-twice",
            "a change of the job writes every week twice",
            f"{_WEEKLY}.key.unique",
            weeks,
            f"{weeks}    rows = rows.unionByName(rows.where(\"row_kind = 'week'\"))\n",
        ),
        defect(
            "F06-experiments_weekly-nothing",
            "a change of the job keeps the weeks and computes none",
            "experiments_have_rows",
            weeks,
            "    rows = days.where(\"row_kind = 'week'\")\n",
        ),
        overtaken(_WEEKLY, month, "user_days", publish, period="run.window.month"),
        defect(
            "F22-experiments_weekly-kind",
            "a change of the job calls weeks by another name",
            "experiments_row_kinds",
            '"week", sf.lit(window.start), absences',
            '"weekly", sf.lit(window.start), absences',
        ),
        defect(
            "F24-experiments_weekly-milliseconds",
            "a change of the job divides milliseconds",
            "experiments_active_time_in_range",
            ratio,
            ratio.replace('"active_seconds"', 'sf.col("active_seconds") * 1000'),
        ),
        defect(
            "F14-experiments_weekly-state-summed",
            "a change of the job sums new recurring revenue of the first day only",
            "experiments_weeks_are_the_sum_of_their_days",
            flows.format("total(name)"),
            flows.format("sf.sum(sf.when(first, sf.col(name)))"),
        ),
        defect(
            "F26-experiments_weekly-raises",
            "the job reads a column that does not exist",
            f"{_WEEKLY}.run.completes",
            agg,
            agg.replace("agg(\n", 'agg(\n        sf.sum("no_such_column").alias("nothing"),\n'),
        ),
        defect(
            "F06-executive_report-metric-lost",
            "a change of the job drops the last metric",
            "report_has_every_metric",
            "for number, metric in enumerate(METRICS))))",
            "for number, metric in enumerate(METRICS[:-1]))))",
        ),
        defect(
            "F14-executive_report-day-twice",
            "a change of the job counts the fortnight's first day twice",
            "report_revenue_is_that_of_its_units",
            "        profit_figures(in_window(profit, window), window)\n",
            "        profit_figures(\n            in_window(profit, window)"
            '.unionByName(profit.where(sf.col("day") == sf.lit(window.start))), window\n        )\n',
        ),
        overtaken(_REPORT, month, "growth_daily", publish, period="run.window.month"),
        defect(
            "F01-executive_report-unit",
            "a change of the job loses what values count",
            f"{_REPORT}.unit.required",
            'sf.lit(currency if metric.unit == MONEY else metric.unit).alias("unit")',
            'sf.lit(None).cast("string").alias("unit")',
        ),
        defect(
            "F02-executive_report-line-twice",
            "a change of the job writes the first metric twice",
            f"{_REPORT}.key.unique",
            "enumerate(METRICS)",
            "enumerate((*METRICS, METRICS[0]))",
        ),
        defect(
            "F15-executive_report-threefold",
            "a change of the job compares with three times what was published before",
            "report_headline_trend",
            "columns=PREVIOUS)\n",
            "columns=PREVIOUS)\n"
            '    rows = rows.withColumn("previous_value", (sf.col("previous_value") * 3).cast(VALUE))\n',
            Severity.WARNING,
        ),
        defect(
            "F03-executive_report-change-unexplained",
            "a change of the job says of every change that there was nothing to compare with",
            "report_changes_are_explained",
            'reason.alias("change_ratio_reason")',
            'sf.coalesce(reason, sf.lit("no_previous")).alias("change_ratio_reason")',
        ),
        defect(
            "F26-executive_report-raises",
            "the job reads a column that does not exist",
            f"{_REPORT}.run.completes",
            'sf.count_distinct("user_id").alias("active_users")',
            'sf.count_distinct("used_by").alias("active_users")',
        ),
        defect(
            "F22-executive_report-renamed",
            "a metric is renamed in the job",
            "report_metrics",
            'name="sessions", unit="sessions", of="sessions"',
            'name="visits", unit="sessions", of="sessions"',
        ),
        defect(
            "F24-executive_report-cents",
            "a change of the job shows amounts in cents of cents",
            "report_amounts_in_range",
            "        value, reason = of, sf.when(of.isNull(), sf.col(metric.why))\n",
            "        value, reason = of * 10000, sf.when(of.isNull(), sf.col(metric.why))\n",
        ),
        defect(
            "F24-executive_report-stayed-lost",
            "a change of the job takes what customers who stayed had for lost",
            "report_churn_and_retention_share_the_opening",
            "sf.when(left == 0,",
            "sf.when(left != 0,",
        ),
        defect(
            "F03-executive_report-headline-lost",
            "a change of the job loses the last day, and with it the seats and the closing revenue",
            "report_headline_figures_are_known",
            of_window,
            of_window.replace("sf.lit(window.data_through)", "sf.date_sub(sf.lit(window.data_through), 1)"),
        ),
    )
