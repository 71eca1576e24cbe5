"""The seeded defects of the books and targets that investors' tables read, and of the job of investor_profit."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from demo import company
from demo.changes import cancelled, in_job, nothing, null, overtaken, put, renamed, some, thinned, twice, without
from demo.defects import Change, Defect, Edit
from dq.base.model import Severity

RULE_EDITED = Edit(file="jobs/rules.yml", old="payroll: seats", new="payroll: equal")
_PROFIT, _GROWTH = "investor_profit", "investor_growth"


def investors(month: str) -> tuple[Defect, ...]:
    """Every one of them, planted in the given month or the one before."""
    first = company.month_of(month)
    before = f"{company.shift(first, -1):%Y-%m}"
    return (
        *_books(month, _PROFIT, first),
        *_books(month, _GROWTH, first),
        *_targets(month),
        *_profit(month, first),
        _restated(before),
    )


def _books(month: str, pipeline: str, first: date) -> tuple[Defect, ...]:
    """What goes wrong in the books after the units are published, before the investors' table is."""
    middle, stale = first + timedelta(days=11), company.last_day(first) - timedelta(days=2)

    def defect(name: str, title: str, check: str, change: Change) -> Defect:
        failure_class, _, word = name.partition("-")
        return Defect(
            id=f"{failure_class}-ledger-{pipeline}-{word}",
            source="ledger",
            month=month,
            title=f"{title}, after the units were published",
            expected_check=check,
            change=change,
            pipeline=pipeline,
        )

    line = "concat(line, booked_date)"
    both = (
        defect("F02-twice", "a file of the books was loaded twice", "ledger.key.unique", twice),
        defect(
            "F04-stale",
            "the last three days of the books are missing",
            "ledger_is_not_silent",
            without(f"booked_date >= DATE'{stale}'"),
        ),
        defect(
            "F04-thin",
            "the last two days of the books hold two lines each",
            "ledger_is_not_silent",
            thinned("booked_date", stale + timedelta(days=1), 2, "line"),
        ),
        defect(
            "F05-missing-day",
            "a day is missing in the books",
            "ledger_every_day",
            without(f"booked_date = DATE'{middle}'"),
        ),
        defect(
            "F22-line",
            "the books have a line that does not exist",
            "ledger.line.accepted",
            put("line", "'parties'", some(line, 20)),
        ),
    )
    if pipeline == _GROWTH:
        return (
            *both,
            defect("F06-empty", "the books hold no rows", "ledger_has_rows", nothing),
            defect("F07-renamed", "amount is now called amount_usd", "ledger.schema", renamed("amount", "amount_usd")),
        )
    marketing = f"line = 'marketing' AND booked_date = DATE'{middle}'"
    return (
        *both,
        defect("F01-amount", "lines of the books have no amount", "ledger.amount.required", null("amount", line, 20)),
        defect(
            "F11-corrected",
            "the books hold 500.00 more for marketing",
            "investor_profit_ties_out_to_ledger",
            put("amount", "amount + 500.00", marketing),
        ),
    )


def _targets(month: str) -> tuple[Defect, ...]:
    def defect(name: str, title: str, check: str, change: Change, severity: Severity = Severity.CRITICAL) -> Defect:
        failure_class, _, word = name.partition("-")
        return Defect(
            id=f"{failure_class}-targets-{_PROFIT}-{word}",
            source="targets",
            month=month,
            title=f"{title}, after the units were published",
            severity=severity,
            expected_check=check,
            change=change,
            pipeline=_PROFIT,
        )

    return (
        defect("F06-empty", "there are no targets", "targets_has_rows", nothing),
        defect(
            "F07-renamed",
            "target_profit is now called target",
            "targets.schema",
            renamed("target_profit", "target"),
        ),
        defect(
            "F12-missing",
            "a product has no target any more",
            "every_product_has_a_target",
            without("product = 'cloud'"),
            Severity.WARNING,
        ),
        defect(
            "F24-zeros",
            "a target has six zeros too many",
            "targets_in_range",
            put("target_profit", "target_profit * 1000000"),
        ),
    )


def _profit(month: str, first: date) -> tuple[Defect, ...]:
    last = company.last_day(first)
    cells = "def cells(units: DataFrame, window: dq.Window, spent: Sequence[str]) -> DataFrame:\n"
    counted = '        sf.count("*").alias("unit_rows"),\n'
    return (
        Defect(
            id="F03-licence_events-last-day",
            source="licence_events",
            month=month,
            title="every licence is cancelled on the last day of the month: the month has no subscribers to divide by",
            expected_check="total_unit_profit_is_known",
            history=lambda past, frame: cancelled(past, frame, last, last),
            pipeline=_PROFIT,
            enters="profit_unit",
        ),
        in_job(
            f"F14-{_PROFIT}-multiplied",
            month,
            "a change of the job counts one unit twice",
            "cells_are_the_sum_of_their_units",
            cells,
            cells.replace("units:", "once:") + "    units = once.unionByName(once.limit(1))\n",
        ),
        overtaken(_PROFIT, month, "profit_unit", "        run.publish(\n"),
        Defect(
            id=f"F25-{_PROFIT}-rule-edited",
            source=_PROFIT,
            month=month,
            title="payroll is shared out equally, without a version or a date, after the units were published",
            severity=Severity.WARNING,
            expected_check=f"{_PROFIT}.rules.versioned",
            edits=(RULE_EDITED,),
            pipeline=_PROFIT,
        ),
        in_job(
            f"F26-{_PROFIT}-raises",
            month,
            "a change of the job reads a column that does not exist",
            f"{_PROFIT}.run.completes",
            counted,
            counted.replace('count("*")', 'sum("rows")'),
        ),
    )


def _restated(month: str) -> Defect:
    """What changes under a month that is published as final, found in the month that follows."""
    day = company.month_of(month) + timedelta(days=9)

    def more(source: str, where: str, amount: str) -> Defect:
        return Defect(
            id=f"F15-{source}-restated",
            source=source,
            month=month,
            title=f"500.00 more for marketing was entered and booked for {month} after it was final",
            expected_check="previous_profit_rederives",
            change=put("amount", amount, where),
            published=True,
            pipeline=_PROFIT,
            enters="profit_unit",
        )

    added = "cast(amount AS decimal(18,2)) + 500.00"
    books = more("ledger", f"line = 'marketing' AND booked_date = DATE'{day}'", added)
    entries = more("expenses", f"provider = 'adnet' AND incurred_date = DATE'{day}'", f"cast({added} AS string)")
    return replace(entries, also=(books,))
