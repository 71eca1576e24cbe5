"""The list of seeded defects; building it needs no Spark session, planting one does."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as sf

from demo import company
from demo.catalogue_active_users import active_users
from demo.catalogue_engagement import engagement
from demo.catalogue_growth import growth, investor_growth
from demo.catalogue_investors import RULE_EDITED, investors
from demo.catalogue_moves import moves
from demo.catalogue_reports import reports
from demo.catalogue_thin import fractions, thin_days
from demo.changes import after_final, cancelled, in_job, nothing, null, put, renamed, some, twice, without
from demo.defects import Change, Defect, Edit
from dq.base.errors import UsageError, choices
from dq.base.model import Severity


def find(identifier: str, month: str) -> Defect:
    """The defect of that id for a month."""
    known = {defect.id: defect for defect in catalogue(month)}
    if identifier not in known:
        raise UsageError(f"unknown defect {identifier!r}", expected=choices(identifier, sorted(known)))
    return known[identifier]


def catalogue(month: str) -> tuple[Defect, ...]:
    """Every seeded defect, planted in the given month."""
    first = company.month_of(month)
    last = company.last_day(first)
    return (
        *_nulls(month),
        *_duplicates(month),
        *_days(month, first, last),
        *thin_days(month, last),
        *fractions(month),
        *_schemas(month),
        *_books(month, first),
        *_values(month),
        *_late(month),
        *_runs(month),
        *moves(month),
        _slow(f"{company.shift(first, 1):%Y-%m}"),
        *engagement(month),
        *active_users(month),
        *growth(month),
        *investors(month),
        *investor_growth(month),
        *reports(month),
    )


def _nulls(month: str) -> tuple[Defect, ...]:
    def defect(source: str, column: str, key: str, one_in: int, title: str) -> Defect:
        return Defect(
            id=f"F01-{source}-{column}",
            source=source,
            month=month,
            title=title,
            expected_check=f"{source}.{column}.required",
            change=null(column, key, one_in),
        )

    return (
        defect("revenue", "account_id", "line_id", 500, "invoice lines without an account"),
        defect("revenue", "amount", "line_id", 500, "invoice lines without an amount"),
        defect("expenses", "amount", "entry_id", 20, "expense entries without an amount"),
        defect("licence_events", "seats_after", "event_id", 20, "licence events without the new number of seats"),
        defect("accounts", "region", "account_id", 10, "accounts whose region was not synchronised"),
    )


def _synchronised(frame: DataFrame) -> DataFrame:
    """A few rows again and again, each synchronised a microsecond after the one before."""
    few = frame.where(some("account_id", 50))
    again = few.select(*frame.columns, sf.explode(sf.sequence(sf.lit(1), sf.lit(5_000))).alias("n"))
    later = sf.expr("cast(synced_at + make_interval(0, 0, 0, 0, 0, 0, n / 1000000) AS timestamp)")
    return frame.unionByName(again.withColumn("synced_at", later).drop("n"))


def _duplicates(month: str) -> tuple[Defect, ...]:
    return tuple(
        Defect(
            id=f"F02-{source}-loaded-twice",
            source=source,
            month=month,
            title=f"a file of {source} was loaded twice",
            expected_check=f"{source}.key.unique",
            change=twice,
        )
        for source in ("revenue", "expenses", "licence_events", "ledger", "targets")
    )


def _days(month: str, first: date, last: date) -> tuple[Defect, ...]:
    stale = last - timedelta(days=2)
    middle = first + timedelta(days=11)

    def defect(id_: str, source: str, title: str, check: str, change: Change, *, ends: bool = False) -> Defect:
        return Defect(
            id=id_,
            source=source,
            month=month,
            title=title,
            expected_check=check,
            change=change,
            ends=ends,
        )

    return (
        Defect(
            id="F03-licence_events-no-subscribers",
            source="licence_events",
            month=month,
            title="every licence is cancelled on the first of the month: nobody is left to divide by",
            expected_check="company_has_subscribers",
            history=lambda past, frame: cancelled(past, frame, first, first),
        ),
        defect(
            "F04-revenue-stale",
            "revenue",
            "the last three days are missing",
            "revenue_is_not_silent",
            without(f"booked_date >= DATE'{stale}'"),
        ),
        defect(
            "F04-expenses-stale",
            "expenses",
            "no expense entry for the last three days",
            "expenses_are_not_silent",
            without(f"incurred_date >= DATE'{stale}'"),
        ),
        defect(
            "F04-accounts-stale",
            "accounts",
            "accounts stopped being synchronised three days before the end of the month",
            "accounts_are_not_outdated",
            without(f"synced_at >= TIMESTAMP'{stale} 00:00:00'"),
            ends=True,
        ),
        defect(
            "F05-revenue-missing-day",
            "revenue",
            "a day is missing",
            "revenue_every_day",
            without(f"booked_date = DATE'{middle}'"),
        ),
        defect(
            "F05-ledger-missing-day",
            "ledger",
            "a day is missing in the books",
            "ledger_every_day",
            without(f"booked_date = DATE'{middle}'"),
        ),
        *(
            defect(f"F06-{source}-empty", source, "the file is there but holds no rows", f"{source}_has_rows", nothing)
            for source in ("revenue", "expenses", "ledger", "targets")
        ),
    )


def _schemas(month: str) -> tuple[Defect, ...]:
    def defect(name: str, source: str, title: str, change: Change, *, added: bool = False) -> Defect:
        return Defect(
            id=f"F07-{source}-{name}",
            source=source,
            month=month,
            title=title,
            severity=Severity.WARNING if added else Severity.CRITICAL,
            expected_check=f"{source}.schema.added" if added else f"{source}.schema",
            change=change,
        )

    def retyped(column: str, type_: str) -> Change:
        return lambda frame: frame.withColumn(column, sf.col(column).cast(type_))

    return (
        defect("renamed", "revenue", "amount is now called amount_usd", renamed("amount", "amount_usd")),
        defect("retyped", "revenue", "amount is now a floating-point number", retyped("amount", "double")),
        defect("dropped", "revenue", "currency is gone", lambda frame: frame.drop("currency")),
        defect("case", "revenue", "account_id is now spelled Account_ID", renamed("account_id", "Account_ID")),
        defect(
            "added",
            "revenue",
            "a column channel was added",
            lambda frame: frame.withColumn("channel", sf.lit("web")),
            added=True,
        ),
        defect("renamed", "accounts", "region is now called sales_region", renamed("region", "sales_region")),
    )


def _books(month: str, first: date) -> tuple[Defect, ...]:
    day = first + timedelta(days=9)

    def off_by(line: str, amount: str) -> Change:
        return put("amount", f"amount + {amount}", f"line = '{line}' AND booked_date = DATE'{day}'")

    def books(name: str, title: str, change: Change) -> Defect:
        return Defect(
            id=f"F11-ledger-{name}",
            source="ledger",
            month=month,
            title=title,
            expected_check="profit_ties_out_to_ledger",
            change=change,
        )

    def silent(category: str, provider: str, title: str) -> Defect:
        return Defect(
            id=f"F12-expenses-{provider}",
            source="expenses",
            month=month,
            title=title,
            severity=Severity.WARNING,
            expected_check="expense_feeds_present",
            change=without(f"category = '{category}' AND provider = '{provider}'"),
        )

    third = first + timedelta(days=2)
    return (
        books("marketing", "the books hold 500.00 more for marketing", off_by("marketing", "500.00")),
        books(
            "offsetting",
            "the books hold 500.00 more for marketing and 500.00 less for services: the sum agrees, the lines do not",
            lambda f: off_by("services", "-500.00")(off_by("marketing", "500.00")(f)),
        ),
        books("line-missing", "the books have no line for servers", without("line = 'servers'")),
        silent("marketing", "adnet", "adnet reported no marketing expense"),
        silent("services", "contractors", "contractors reported no services"),
        Defect(
            id="F12-expenses-searchads-dies",
            source="expenses",
            month=month,
            title="searchads fell silent on the 3rd, while adnet and the servers report on every day",
            expected_check="expense_feeds_present_at_close",
            change=without(f"provider = 'searchads' AND incurred_date >= DATE'{third}'"),
        ),
    )


def _values(month: str) -> tuple[Defect, ...]:
    def defect(id_: str, source: str, title: str, check: str, change: Change) -> Defect:
        return Defect(
            id=id_,
            source=source,
            month=month,
            title=title,
            expected_check=check,
            change=change,
        )

    def accepted(source: str, column: str, value: str, key: str, one_in: int, title: str) -> Defect:
        return defect(
            f"F22-{source}-{column}",
            source,
            title,
            f"{source}.{column}.accepted",
            put(column, f"'{value}'", some(key, one_in)),
        )

    negative = put("seats_after", "-1 - seats_after", some("event_id", 20))
    hundredfold = "cast(cast(amount AS decimal(18,2)) * 100 AS decimal(18,2))"
    return (
        Defect(
            id="F17-accounts-synchronised",
            source="accounts",
            month=month,
            title="a few accounts are synchronised every few minutes",
            severity=Severity.WARNING,
            expected_check="accounts_do_not_multiply_what_they_join",
            change=_synchronised,
        ),
        Defect(
            id="F18-revenue-skewed",
            source="revenue",
            month=month,
            title="a third of all invoice lines are of one account",
            severity=Severity.WARNING,
            expected_check="revenue_no_account_is_too_heavy",
            change=put("account_id", "'A000000'", some("line_id", 3)),
        ),
        defect(
            "F22-licence_events-seats",
            "licence_events",
            "licences with a negative number of seats",
            "licence_seats_after_in_range",
            negative,
        ),
        Defect(
            id="F09-licence_events-seats-lost",
            source="licence_events",
            month=month,
            title="a third of the month's licence events did not arrive before seats were counted",
            severity=Severity.WARNING,
            expected_check="seats_sequences_have_no_gaps",
            change=without(some("event_id", 3)),
        ),
        defect(
            "F23-revenue-unknown",
            "revenue",
            "one invoice line in twenty is of an account nobody knows",
            "revenue_of_known_accounts_above_materiality",
            put("account_id", "concat('X', account_id)", some("line_id", 20)),
        ),
        accepted("revenue", "currency", "EUR", "line_id", 500, "invoice lines in euros"),
        accepted("revenue", "product", "teleport", "line_id", 500, "invoice lines of a product that does not exist"),
        accepted("accounts", "region", "atlantis", "account_id", 10, "accounts in a region that does not exist"),
        accepted("expenses", "category", "parties", "entry_id", 20, "expenses of a category that does not exist"),
        defect(
            "F24-revenue-cents",
            "revenue",
            "amounts are in cents",
            "revenue_amount_scale_fits_history",
            put("amount", hundredfold),
        ),
        defect(
            "F24-revenue-zero",
            "revenue",
            "every amount is zero",
            "revenue_amount_scale_fits_history",
            put("amount", "0"),
        ),
        defect(
            "F24-expenses-cents",
            "expenses",
            "amounts are in cents",
            "expense_amount_scale_fits_history",
            put("amount", hundredfold),
        ),
        *(
            defect(
                f"F24-expenses-{name}",
                "expenses",
                title,
                "expenses.amount.converts",
                put("amount", f"'{value}'", some("entry_id", 20)),
            )
            for name, value, title in (
                ("nan", "NaN", "amounts that are not a number"),
                ("infinity", "Infinity", "infinite amounts"),
                ("overflow", "1E+30", "amounts that fit no account"),
            )
        ),
    )


def _late(month: str) -> tuple[Defect, ...]:
    """Entries by hand that came nine days after their day, while those of the last days are in time; and rows of
    the month before that became known after it was final.
    """
    entered = "timestamp(incurred_date) + INTERVAL '9' DAY"

    def defect(provider: str, title: str, severity: Severity, check: str) -> Defect:
        where = f"provider = '{provider}' AND dayofmonth(incurred_date) < 25"
        return Defect(
            id=f"F08-expenses-{provider}",
            source="expenses",
            month=month,
            title=title,
            severity=severity,
            expected_check=check,
            change=put("entered_at", entered, where),
        )

    before = f"{company.shift(company.month_of(month), -1):%Y-%m}"
    known = {"expenses": "entered_at", "revenue": "recorded_at"}
    few, third = (f"dayofmonth(booked_date) < 25 AND {some('line_id', one_in)}" for one_in in (200, 3))
    warning, critical = Severity.WARNING, Severity.CRITICAL
    fairs, payroll = "provider = 'trade_fairs'", "provider = 'payroll_office'"
    return (
        defect(
            "trade_fairs",
            "the entries for trade fairs were made nine days late",
            warning,
            "manual_expenses_are_entered_in_time",
        ),
        defect(
            "payroll_office",
            "the payroll of the 15th was entered nine days late",
            critical,
            "late_manual_expenses_are_immaterial",
        ),
        *(
            after_final("profit_unit", source, before, name, title, check, known[source], where, severity=severity)
            for source, name, title, check, where, severity in (
                ("expenses", "final", "trade fairs", "last_final_holds_every_expense", fairs, warning),
                ("expenses", "material", "the payroll", "last_final_lacks_no_material_expense", payroll, critical),
                ("revenue", "final", "a few invoices", "last_final_holds_every_invoice_line", few, warning),
                (
                    "revenue",
                    "material",
                    "a third of the invoices",
                    "last_final_lacks_no_material_revenue",
                    third,
                    critical,
                ),
            )
        ),
    )


def _slow(month: str) -> Defect:
    """A run that takes longer than the three before it, however fast the machine was that made them.

    It waits for twice as long as they took by what is recorded of them, so that with its own work it takes more than
    that. In the copy of the project a run under a minute may be slow, since those of a small company take less.
    """
    computes = "        run.publish(\n            profit_unit(\n"
    waits = """        import statistics
        import time

        table = run._live.warehouse.table("profit_unit")
        recorded = table.history("profit_unit.strain.time", run.window.period)
        time.sleep(2 * float(statistics.median(seconds for _, seconds in recorded)))
"""
    slower = in_job(
        "F19-profit_unit-slowed",
        month,
        "a change of the job waits twice as long as the runs before it took for a lock that nobody holds",
        "profit_unit.strain.time",
        computes,
        waits + computes,
        severity=Severity.WARNING,
    )
    floor = Edit(file="jobs/settings.yml", old="  slow_seconds: 60.0 ", new="  slow_seconds: 1.0  ")
    return replace(slower, edits=(*slower.edits, floor), months_before=3)


def _runs(month: str) -> tuple[Defect, ...]:
    """What goes wrong in the job of the units, or in a rule it computes by."""
    of_month = 'revenue.where(in_month("booked_date", window))\n'
    return (
        in_job(
            "F14-profit_unit-lines-lost",
            month,
            "a change of the job leaves out one-time revenue",
            "profit_unit_keeps_every_invoice_line",
            of_month,
            of_month.replace(")\n", ' & (sf.col("kind") == "subscription"))\n'),
        ),
        Defect(
            id="F25-profit_unit-rule-edited",
            source="profit_unit",
            month=month,
            title="payroll is shared out equally from now on, without a version or a date",
            severity=Severity.WARNING,
            expected_check="profit_unit.rules.versioned",
            edits=(RULE_EDITED,),
        ),
        in_job(
            "F26-profit_unit-raises",
            month,
            "a change of the job reads a column that does not exist",
            "profit_unit.run.completes",
            '    amount = sf.col("amount")\n',
            '    amount = sf.col("amout")\n',
        ),
    )
