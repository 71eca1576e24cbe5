"""The seeded defects that must be found after user_days: by engagement_daily and by investor_engagement."""

from __future__ import annotations

from datetime import timedelta

from demo import company
from demo.changes import in_job, null, overtaken, put, renamed, some, twice, without
from demo.defects import Change, Defect
from dq.base.model import Severity

_PIPELINE, _INVESTORS = "engagement_daily", "investor_engagement"


def active_users(month: str) -> tuple[Defect, ...]:
    """Every seeded defect of active users, planted in the given month, the one before or the one after."""
    before, after = (f"{company.shift(company.month_of(month), by):%Y-%m}" for by in (-1, 1))
    return (*_accounts(month), *_job(month), *_investors(month), *_restated(before), _quiet(after), _unnamed(after))


def _accounts(month: str) -> tuple[Defect, ...]:
    """What goes wrong in accounts after the user days are published, before engagement is."""
    stale = company.last_day(company.month_of(month)) - timedelta(days=2)

    def defect(name: str, title: str, check: str, change: Change, *, ends: bool = False) -> Defect:
        failure_class, _, word = name.partition("-")
        return Defect(
            id=f"{failure_class}-accounts-{_PIPELINE}-{word}",
            source="accounts",
            month=month,
            title=f"{title}, after the user days were published",
            expected_check=check,
            change=change,
            ends=ends,
            pipeline=_PIPELINE,
        )

    return (
        defect(
            "F01-segment",
            "accounts lost their segment",
            "accounts.segment.required",
            null("segment", "account_id", 10),
        ),
        defect("F02-twice", "a file of accounts was loaded twice", "accounts.key.unique", twice),
        defect(
            "F04-stale",
            "accounts turn out not to be synchronised since three days before the end of the month",
            "accounts_are_not_outdated",
            without(f"synced_at >= TIMESTAMP'{stale} 00:00:00'"),
            ends=True,
        ),
        defect("F07-renamed", "segment is now called tier", "accounts.schema", renamed("segment", "tier")),
        defect(
            "F22-segment",
            "accounts are of a segment that does not exist",
            "accounts.segment.accepted",
            put("segment", "'colossal'", some("account_id", 10)),
        ),
    )


def _job(month: str) -> tuple[Defect, ...]:
    def defect(name: str, title: str, check: str, old: str, new: str) -> Defect:
        failure_class, _, word = name.partition("-")
        return in_job(f"{failure_class}-{_PIPELINE}-{word}", month, f"a change of the job {title}", check, old, new)

    ratio = 'dq.ratio("active_seconds_per_daily_user", "active_seconds", "dau", "no_active_users")'
    placed = '    rows = rows.where(sf.col("day") >= sf.lit(window.start))\n'
    return (
        defect(
            "F03-zero-filled",
            "fills a ratio without a denominator with zero",
            "active_time_per_user_is_explained",
            f"*{ratio}",
            'sf.coalesce(sf.try_divide("active_seconds", "dau"), sf.lit(0)).cast("decimal(18,6)")'
            f'.alias("active_seconds_per_daily_user"), {ratio}[1]',
        ),
        defect(
            "F05-day-lost",
            "leaves out the third day of the month",
            "engagement_daily_every_day",
            placed,
            placed.replace("rows.where(", 'rows.where(sf.dayofmonth("day") != 3).where('),
        ),
        defect(
            "F06-nothing",
            "keeps the days after the month only",
            "engagement_daily_has_rows",
            placed,
            placed.replace(">= sf.lit(window.start)", "> sf.lit(window.end)"),
        ),
        defect(
            "F14-sessions-for-people",
            "takes sessions for people",
            "dau_is_counted_from_user_days",
            'sf.count("*").alias("dau")',
            'sf.sum("sessions").alias("dau")',
        ),
        defect(
            "F14-week-called-uncovered",
            "says of every week that a day of it is missing",
            "wau_is_counted_from_user_days",
            'sf.coalesce("week_covered", sf.lit(False))',
            "sf.lit(False)",
        ),
        overtaken(_PIPELINE, month, "user_days", "        run.publish(\n"),
        defect(
            "F24-milliseconds",
            "divides milliseconds",
            "engagement_active_time_in_range",
            ratio,
            ratio.replace('"active_seconds"', 'sf.col("active_seconds") * 1000'),
        ),
        defect(
            "F26-raises",
            "reads a column that does not exist",
            f"{_PIPELINE}.run.completes",
            'COUNTS = ("events", "page_views"',
            'COUNTS = ("events", "pages_viewed"',
        ),
    )


def _investors(month: str) -> tuple[Defect, ...]:
    def defect(name: str, title: str, check: str, old: str, new: str) -> Defect:
        failure_class, _, word = name.partition("-")
        return in_job(f"{failure_class}-{_INVESTORS}-{word}", month, f"a change of the job {title}", check, old, new)

    average = 'dq.ratio("average_daily_active_seconds", "active_seconds", "active_user_days", "no_active_users")'
    rows = "    rows = with_active_users(summed(daily, window), units, window, published)\n"
    active = 'daily.where(of_month & (sf.col("dau") > 0))'
    people = 'sf.count_distinct(sf.when(in_month, sf.col("user_id"))).alias("mau")'
    return (
        defect(
            "F01-nameless",
            "gives the company total no name",
            f"{_INVESTORS}.region.required",
            '        *ROW,\n        "mau",\n',
            '        "row_kind",\n        *(sf.nullif(name, sf.lit(TOTAL)).alias(name) for name in CELL),\n'
            '        "mau",\n',
        ),
        defect(
            "F02-total-twice",
            "writes the company total twice",
            f"{_INVESTORS}.key.unique",
            rows,
            rows + "    rows = rows.unionByName(rows.where(\"row_kind = 'total'\"))\n",
        ),
        defect(
            "F03-sign",
            "turns the sign of what the average is divided by",
            "total_average_time_is_known",
            average,
            average.replace('"active_user_days"', '-sf.col("active_user_days")'),
        ),
        defect(
            "F06-nobody",
            "keeps only cells with fewer users than none",
            "investor_engagement_has_rows",
            active,
            active.replace(">", "<"),
        ),
        defect(
            "F14-days-for-people",
            "counts the days of users instead of users",
            "mau_of_the_company_is_counted_from_user_days",
            people,
            people.replace("count_distinct", "count"),
        ),
        overtaken(_INVESTORS, month, "engagement_daily", "        run.publish(\n"),
        defect(
            "F22-kind",
            "calls cells by another name",
            "investor_engagement_row_kinds",
            'LEVELS = {"cell": CELL',
            'LEVELS = {"segment": CELL',
        ),
        defect(
            "F24-milliseconds",
            "divides milliseconds",
            "average_time_in_range",
            average,
            average.replace('"active_seconds"', 'sf.col("active_seconds") * 1000'),
        ),
        defect(
            "F26-raises",
            "reads a column that does not exist",
            f"{_INVESTORS}.run.completes",
            'sf.sum("dau").alias("active_user_days")',
            'sf.sum("active").alias("active_user_days")',
        ),
    )


def _restated(month: str) -> tuple[Defect, ...]:
    """What changes under a month that is published as final, found in the month that follows."""
    return tuple(
        Defect(
            id=f"F15-clicks-{name}",
            source="clicks",
            month=month,
            title=f"the events of every tenth user were taken away from {month} after it was final",
            expected_check=check,
            change=without(some("user_id", 10)),
            published=True,
            pipeline=pipeline,
            enters="user_days",
        )
        for name, pipeline, check in (
            ("restated", _INVESTORS, "previous_engagement_rederives"),
            (f"{_PIPELINE}-restated", _PIPELINE, "previous_daily_engagement_rederives"),
        )
    )


def _unnamed(month: str) -> Defect:
    """A field that is no longer sent, which no contract requires."""
    return Defect(
        id="F01-clicks-feature",
        source="clicks",
        month=month,
        title="events no longer name the feature that was used",
        severity=Severity.WARNING,
        expected_check="clicks_feature_null_share_fits_history",
        change=put("feature", "NULL"),
        pipeline="user_days",
        months_before=3,
    )


def _quiet(month: str) -> Defect:
    """A month unlike the three before it, which are as many as it takes to say what is usual."""
    return Defect(
        id=f"F15-clicks-{_PIPELINE}-quiet",
        source="clicks",
        month=month,
        title="the events of three users in four never landed",
        severity=Severity.WARNING,
        expected_check="engagement_sessions_fit_history",
        change=without(f"NOT ({some('user_id', 4)})"),
        pipeline=_PIPELINE,
        enters="user_days",
        months_before=3,
    )
