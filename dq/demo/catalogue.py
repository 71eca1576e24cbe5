"""The list of seeded defects; building it needs no Spark session, planting one does."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as sf

from dq.demo import company
from dq.demo.catalogue_engagement import engagement
from dq.demo.catalogue_growth import growth
from dq.demo.catalogue_reports import reports
from dq.demo.changes import null, put, some, twice, without
from dq.demo.defects import Change, Defect, Edit
from dq.errors import UsageError, choices
from dq.model import Severity


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
        *_schemas(month),
        *_books(month, first),
        *_values(month),
        *_late(month),
        *_published(f"{company.shift(first, -1):%Y-%m}", month),
        *_runs(month),
        *engagement(month),
        *growth(month),
        *reports(month),
    )


def _nulls(month: str) -> tuple[Defect, ...]:
    def defect(source: str, column: str, key: str, one_in: int, title: str) -> Defect:
        return Defect(
            id=f"F01-{source}-{column}",
            failure_class="F01",
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


def _duplicates(month: str) -> tuple[Defect, ...]:
    return tuple(
        Defect(
            id=f"F02-{source}-loaded-twice",
            failure_class="F02",
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

    def defect(id_: str, source: str, title: str, change: Change, *, ends: bool = False) -> Defect:
        return Defect(id=id_, failure_class=id_[:3], source=source, month=month, title=title, change=change, ends=ends)

    return (
        Defect(
            id="F03-licence_events-no-subscribers",
            failure_class="F03",
            source="licence_events",
            month=month,
            title="every licence is cancelled on the first of the month: nobody is left to divide by",
            history=lambda past, frame: _cancelled(past, frame, first),
        ),
        defect(
            "F04-revenue-stale", "revenue", "the last three days are missing", without(f"booked_date >= DATE'{stale}'")
        ),
        defect(
            "F04-expenses-stale",
            "expenses",
            "no expense entry for the last three days",
            without(f"incurred_date >= DATE'{stale}'"),
        ),
        defect(
            "F04-accounts-stale",
            "accounts",
            "accounts stopped being synchronised three days before the end of the month",
            without(f"synced_at >= TIMESTAMP'{stale} 00:00:00'"),
            ends=True,
        ),
        defect("F05-revenue-missing-day", "revenue", "a day is missing", without(f"booked_date = DATE'{middle}'")),
        defect(
            "F05-ledger-missing-day",
            "ledger",
            "a day is missing in the books",
            without(f"booked_date = DATE'{middle}'"),
        ),
        *(
            defect(f"F06-{source}-empty", source, "the file is there but holds no rows", lambda frame: frame.limit(0))
            for source in ("revenue", "expenses", "ledger", "targets")
        ),
    )


def _cancelled(past: DataFrame, month: DataFrame, day: date) -> DataFrame:
    """The month's events replaced by a cancellation, on its first day, of every licence that was held before it."""
    newest = sf.row_number().over(
        Window.partitionBy("licence_id").orderBy(sf.desc("effective_date"), sf.desc("sequence_number"))
    )
    held = past.withColumn("newest", newest).where("newest = 1 AND event <> 'cancel'")
    order = Window.partitionBy("account_id").orderBy("licence_id")
    numbers = past.groupBy("account_id").agg(sf.max("sequence_number").alias("last_number"))
    cancelled = held.join(numbers, on="account_id", how="inner").withColumns(
        {
            "event_id": sf.concat(sf.lit("X"), "licence_id"),
            "event": sf.lit("cancel"),
            "seats_before": sf.col("seats_after"),
            "seats_after": sf.lit(0),
            "mrr_before": sf.col("mrr_after"),
            "mrr_after": sf.lit(0).cast("decimal(18,2)"),
            "renewal_date": sf.lit(None).cast("date"),
            "effective_date": sf.lit(day),
            "recorded_at": sf.lit(day).cast("timestamp"),
            "sequence_number": (sf.col("last_number") + sf.row_number().over(order)).cast("bigint"),
        }
    )
    return cancelled.select(*month.columns)


def _schemas(month: str) -> tuple[Defect, ...]:
    def defect(name: str, source: str, title: str, change: Change, *, added: bool = False) -> Defect:
        return Defect(
            id=f"F07-{source}-{name}",
            failure_class="F07",
            source=source,
            month=month,
            title=title,
            severity=Severity.WARNING if added else Severity.CRITICAL,
            expected_check=f"{source}.schema.added" if added else f"{source}.schema",
            change=change,
        )

    def renamed(old: str, new: str) -> Change:
        return lambda frame: frame.withColumnRenamed(old, new)

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
            id=f"F11-ledger-{name}", failure_class="F11", source="ledger", month=month, title=title, change=change
        )

    def silent(category: str, provider: str, title: str) -> Defect:
        return Defect(
            id=f"F12-expenses-{provider}",
            failure_class="F12",
            source="expenses",
            month=month,
            title=title,
            severity=Severity.WARNING,
            change=without(f"category = '{category}' AND provider = '{provider}'"),
        )

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
    )


def _values(month: str) -> tuple[Defect, ...]:
    def defect(id_: str, source: str, title: str, change: Change, check: str = "") -> Defect:
        return Defect(
            id=id_,
            failure_class=id_[:3],
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
            put(column, f"'{value}'", some(key, one_in)),
            f"{source}.{column}.accepted",
        )

    negative = put("seats_after", "-1 - seats_after", some("event_id", 20))
    hundredfold = "cast(cast(amount AS decimal(18,2)) * 100 AS decimal(18,2))"
    return (
        defect("F22-licence_events-seats", "licence_events", "licences with a negative number of seats", negative),
        accepted("revenue", "currency", "EUR", "line_id", 500, "invoice lines in euros"),
        accepted("revenue", "product", "teleport", "line_id", 500, "invoice lines of a product that does not exist"),
        accepted("accounts", "region", "atlantis", "account_id", 10, "accounts in a region that does not exist"),
        accepted("expenses", "category", "parties", "entry_id", 20, "expenses of a category that does not exist"),
        defect("F24-revenue-cents", "revenue", "amounts are in cents", put("amount", hundredfold)),
        defect("F24-revenue-zero", "revenue", "every amount is zero", put("amount", "0")),
        defect(
            "F24-expenses-cents",
            "expenses",
            "amounts are in cents",
            put("amount", hundredfold),
        ),
        *(
            defect(
                f"F24-expenses-{name}",
                "expenses",
                title,
                put("amount", f"'{value}'", some("entry_id", 20)),
                "expenses.amount.converts",
            )
            for name, value, title in (
                ("nan", "NaN", "amounts that are not a number"),
                ("infinity", "Infinity", "infinite amounts"),
                ("overflow", "1E+30", "amounts that fit no account"),
            )
        ),
    )


def _late(month: str) -> tuple[Defect, ...]:
    """Entries by hand that came nine days after their day, while those of the month's last days are in time."""
    entered = "timestamp(incurred_date) + INTERVAL '9' DAY"

    def defect(provider: str, title: str, severity: Severity, check: str) -> Defect:
        where = f"provider = '{provider}' AND dayofmonth(incurred_date) < 25"
        return Defect(
            id=f"F08-expenses-{provider}",
            failure_class="F08",
            source="expenses",
            month=month,
            title=title,
            severity=severity,
            expected_check=check,
            change=put("entered_at", entered, where),
        )

    return (
        defect(
            "trade_fairs",
            "the entries for trade fairs were made nine days late",
            Severity.WARNING,
            "manual_expenses_are_entered_in_time",
        ),
        defect(
            "payroll_office",
            "the payroll of the 15th was entered nine days late",
            Severity.CRITICAL,
            "late_manual_expenses_are_immaterial",
        ),
    )


def _published(month: str, following: str) -> tuple[Defect, ...]:
    """What changes under a month that is published as final, found in the month that follows."""
    day = company.month_of(month) + timedelta(days=9)

    def more(source: str, where: str, amount: str) -> Defect:
        return Defect(
            id=f"F15-{source}-restated",
            failure_class="F15",
            source=source,
            month=month,
            title=f"500.00 more for marketing was entered and booked for {month} after it was final",
            expected_check="previous_profit_rederives",
            change=put("amount", amount, where),
            published=True,
        )

    added = "cast(amount AS decimal(18,2)) + 500.00"
    books = more("ledger", f"line = 'marketing' AND booked_date = DATE'{day}'", added)
    entries = more("expenses", f"provider = 'adnet' AND incurred_date = DATE'{day}'", f"cast({added} AS string)")
    return (
        replace(entries, also=(books,)),
        Defect(
            id="F25-profit_unit-rule-edited",
            failure_class="F25",
            source="profit_unit",
            month=following,
            title="payroll is shared out equally from now on, without a version or a date",
            severity=Severity.WARNING,
            expected_check="profit_unit.rules.versioned",
            edits=(Edit(file="jobs/rules.yml", old="payroll: seats", new="payroll: equal"),),
        ),
    )


def _runs(month: str) -> tuple[Defect, ...]:
    """What goes wrong while a job runs: its code, or another run beside it."""

    def defect(id_: str, pipeline: str, title: str, check: str, old: str, new: str) -> Defect:
        return Defect(
            id=id_,
            failure_class=id_[:3],
            source=pipeline,
            month=month,
            title=title,
            expected_check=check,
            edits=(Edit(file=f"jobs/{pipeline}.py", old=old, new=new),),
        )

    cells = "def cells(units: DataFrame, window: dq.Window) -> DataFrame:\n"
    first_publish = "        run.publish(\n"
    overtaken = """        from dq.cli.run import run_job

        later = run.window.as_of.replace(hour=23).isoformat()
        run_job("profit_unit", [*(argv or ()), "--as-of", later, "--no-docs"])
"""
    return (
        defect(
            "F14-investor_profit-multiplied",
            "investor_profit",
            "a change of the job counts one unit twice",
            "cells_are_the_sum_of_their_units",
            cells,
            cells.replace("units:", "once:") + "    units = once.unionByName(once.limit(1))\n",
        ),
        Defect(
            id="F14-accounts-synced-twice",
            failure_class="F14",
            source="accounts",
            month=month,
            title="every account was synchronised twice: rows that a careless join would multiply; nothing may change",
            change=lambda frame: frame.unionByName(
                frame.withColumn("synced_at", sf.expr("synced_at + INTERVAL '1' SECOND"))
            ),
            harmless=True,
        ),
        defect(
            "F16-investor_profit-overtaken",
            "investor_profit",
            "the units are published anew while the report is computed from the old ones",
            "investor_profit.inputs.current",
            first_publish,
            overtaken + first_publish,
        ),
        defect(
            "F26-profit_unit-raises",
            "profit_unit",
            "a change of the job reads a column that does not exist",
            "profit_unit.run.completes",
            '    amount = sf.col("amount")\n',
            '    amount = sf.col("amout")\n',
        ),
    )
