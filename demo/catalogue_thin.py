"""Seeded defects of loads that broke off.

The newest days hold a handful of rows (F04), a day in the middle does (F05), or the month holds a part (F06).
"""

from __future__ import annotations

from datetime import date, timedelta

from demo.changes import some, thinned, without
from demo.defects import Defect
from dq.base.model import Severity

# Pipeline, source, its day and key, the rows a day is left with, the check; of one day a warning, of two critical.
_THIN = (
    ("profit_unit", "revenue", "booked_date", "line_id", 2, 1, "revenue_is_fresh"),
    ("profit_unit", "expenses", "incurred_date", "entry_id", 1, 2, "expenses_are_not_silent"),
    ("profit_unit", "ledger", "booked_date", "line", 2, 2, "ledger_is_not_silent"),
    ("growth_daily", "campaigns", "day", "account_id", 2, 1, "campaigns_are_fresh"),
    ("growth_daily", "directory_users", "day", "user_id", 9, 2, "directory_is_not_outdated"),
    ("user_days", "clicks", "event_date", "event_id", 3, 1, "clicks_are_fresh"),
)

# Pipeline, source, its day and key, the rows a day in the middle of the month is left with, the check.
_THIN_BETWEEN = (
    ("profit_unit", "revenue", "booked_date", "line_id", 2, "revenue_every_day"),
    ("profit_unit", "expenses", "incurred_date", "entry_id", 1, "expenses_every_day"),
    ("growth_daily", "directory_users", "day", "user_id", 1, "directory_every_day"),
    ("growth_daily", "campaigns", "day", "account_id", 2, "campaigns_every_day"),
    ("user_days", "clicks", "event_date", "event_id", 3, "clicks_every_day"),
)

# Pipeline, source, its key, one row in how many is left, the check.
_FRACTIONS = (
    ("profit_unit", "revenue", "line_id", 25, "revenue_rows_are_no_fraction"),
    ("growth_daily", "directory_users", "concat(day, user_id)", 25, "directory_rows_are_no_fraction"),
    ("user_days", "clicks", "event_id", 25, "clicks_rows_are_no_fraction"),
)


def fractions(month: str) -> tuple[Defect, ...]:
    """One defect for each source whose month may come in part."""
    return tuple(
        Defect(
            id=f"F06-{source}-fraction",
            source=source,
            month=month,
            title=f"of {source} one row in {one_in} has arrived",
            expected_check=check,
            change=without(f"NOT ({some(key, one_in)})"),
            pipeline=pipeline,
        )
        for pipeline, source, key, one_in, check in _FRACTIONS
    )


def thin_days(month: str, last: date) -> tuple[Defect, ...]:
    """Defects of each source of rows by day in the pipeline that reads it first: the newest days, and one before."""
    middle = last.replace(day=12)
    newest = tuple(
        Defect(
            id=f"F04-{source}-thin",
            source=source,
            month=month,
            title=f"of the last {'day' if days == 1 else 'two days'} of {source} a handful of rows has arrived",
            severity=Severity.WARNING if days == 1 else Severity.CRITICAL,
            expected_check=check,
            change=thinned(day, last - timedelta(days=days - 1), keep, key),
            pipeline=pipeline,
        )
        for pipeline, source, day, key, keep, days, check in _THIN
    )
    between = tuple(
        Defect(
            id=f"F05-{source}-thin",
            source=source,
            month=month,
            title=f"of the 12th of {source} {'one row has' if keep == 1 else 'a handful of rows has'} arrived",
            expected_check=check,
            change=thinned(day, middle, keep, key, middle),
            pipeline=pipeline,
        )
        for pipeline, source, day, key, keep, check in _THIN_BETWEEN
    )
    return (*newest, *between)
