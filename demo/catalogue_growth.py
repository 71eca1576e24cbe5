"""The seeded defects that growth must find: licences out of order, silent platforms, orphans, restated months."""

from __future__ import annotations

from datetime import date, timedelta

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as sf

from demo import company
from demo.changes import (
    after_final,
    cancelled,
    in_job,
    nothing,
    null,
    overtaken,
    put,
    redelivered,
    renamed,
    some,
    twice,
    without,
)
from demo.defects import Change, Defect
from dq.base.model import Severity

_INVESTORS = "investor_growth"


def growth(month: str) -> tuple[Defect, ...]:
    """The defects in what only growth reads, or only growth judges, planted in the given month."""
    first = company.month_of(month)
    last = company.last_day(first)
    stale = last - timedelta(days=2)
    middle = first + timedelta(days=11)
    outage = f"BETWEEN DATE'{middle}' AND DATE'{middle + timedelta(days=4)}'"
    grown = '"expansion": sf.when((opening != 0) & (closing > opening), closing - opening)'

    def defect(
        name: str, title: str, check: str, change: Change, *, severity: Severity = Severity.CRITICAL, ends: bool = False
    ) -> Defect:
        _, source, _ = name.split("-", 2)
        return Defect(
            id=name,
            source=source,
            month=month,
            title=title,
            severity=severity,
            expected_check=check,
            change=change,
            ends=ends,
            pipeline="growth_daily",
        )

    def stranger(key: str, one_in: int) -> Change:
        return put("account_id", "concat('X', account_id)", some(key, one_in))

    return (
        defect(
            "F01-support_tickets-account_id",
            "tickets without an account",
            "support_tickets.account_id.required",
            null("account_id", "ticket_id", 10),
        ),
        defect(
            "F01-campaigns-spend",
            "campaign rows without what was spent",
            "campaigns.spend.required",
            null("spend", "account_id", 20),
        ),
        defect(
            "F02-clicks-counted-redelivered",
            "every tenth event was delivered a second time",
            "clicks_counted_redeliveries_are_counted",
            redelivered,
            severity=Severity.INFO,
        ),
        defect(
            "F11-ledger-growth-revenue",
            "the books hold 500.00 less of one-time revenue than was invoiced",
            "growth_revenue_ties_out_to_ledger",
            put("amount", "amount - 500.00", f"line = 'revenue_one_time' AND booked_date = DATE'{middle}'"),
        ),
        defect("F02-campaigns-loaded-twice", "a file of campaigns was loaded twice", "campaigns.key.unique", twice),
        defect(
            "F04-support_tickets-stale",
            "no ticket for the last three days",
            "support_tickets_are_not_silent",
            without(f"opened_date >= DATE'{stale}'"),
            ends=True,
        ),
        defect(
            "F04-campaigns-stale",
            "no campaign for the last three days",
            "campaigns_are_not_silent",
            without(f"day >= DATE'{stale}'"),
        ),
        defect(
            "F05-directory_users-unsynchronised",
            "the directory was not synchronised on a day",
            "directory_every_day",
            without(f"day = DATE'{middle}'"),
        ),
        defect(
            "F06-campaigns-empty",
            "the file is there but holds no rows",
            "campaigns_has_rows",
            nothing,
        ),
        defect(
            "F07-campaigns-renamed",
            "spend is now called spend_usd",
            "campaigns.schema",
            renamed("spend", "spend_usd"),
        ),
        *(
            after_final(
                "growth_daily",
                "licence_events",
                f"{company.shift(first, -1):%Y-%m}",
                name,
                title,
                check,
                "recorded_at",
                where,
                severity=severity,
            )
            for name, title, check, where, severity in (
                (
                    "final",
                    "a few licence events",
                    "last_final_holds_every_licence_event",
                    some("event_id", 50),
                    Severity.WARNING,
                ),
                (
                    "material",
                    "every licence event",
                    "last_final_lacks_no_material_licence_event",
                    "true",
                    Severity.CRITICAL,
                ),
            )
        ),
        defect(
            "F09-licence_events-lost",
            "a third of the month's licence events did not arrive",
            "licence_sequences_have_no_gaps",
            without(some("event_id", 3)),
        ),
        defect(
            "F09-licence_events-epoch",
            "licence events of 1970",
            "licence_events_are_not_of_1970",
            put("effective_date", "DATE'1970-01-01'", some("event_id", 20)),
        ),
        defect(
            "F09-support_tickets-backwards",
            "tickets that were resolved before they were opened",
            "tickets_are_resolved_after_they_were_opened",
            put("resolved_at", "opened_at - INTERVAL 1 HOUR", some("ticket_id", 5)),
            severity=Severity.WARNING,
        ),
        defect(
            "F12-support_tickets-silent",
            "the ticket platform was silent for five days",
            "ticket_platform_is_heard_at_close",
            without(f"opened_date {outage}"),
        ),
        defect(
            "F12-campaigns-social",
            "the social channel reported nothing",
            "campaign_channels_present_at_close",
            without("channel = 'social'"),
        ),
        defect(
            "F12-campaigns-social-dies",
            "the social channel fell silent on the 3rd, while the others report on every day",
            "campaign_channels_present_at_close",
            without(f"channel = 'social' AND day >= DATE'{first + timedelta(days=2)}'"),
        ),
        defect(
            "F12-campaigns-email-paused",
            "the email channel was silent for five days",
            "campaign_channels_present_at_close",
            without(f"channel = 'email' AND day {outage}"),
        ),
        in_job(
            "F14-growth_daily-expansion-whole",
            month,
            "a change of the job takes all of an account's revenue for expansion",
            "mrr_bridge_adds_up",
            grown,
            grown.replace("closing - opening)", "closing)"),
        ),
        Defect(
            id="F03-licence_events-nobody-pays",
            source="licence_events",
            month=month,
            title="every licence is cancelled on the day before the month: it opens with no recurring revenue",
            expected_check="company_has_recurring_revenue",
            history=lambda past, frame: cancelled(past, frame, first - timedelta(days=1), first),
            pipeline="growth_daily",
        ),
        in_job(
            "F26-growth_daily-raises",
            month,
            "a change of the job reads a column that does not exist",
            "growth_daily.run.completes",
            'sf.sum("amount").alias("gained")',
            'sf.sum("amout").alias("gained")',
        ),
        defect(
            "F22-campaigns-kind",
            "campaigns of a kind that does not exist",
            "campaigns.kind.accepted",
            put("kind", "'rumour'", some("account_id", 20)),
        ),
        defect(
            "F22-support_tickets-severity",
            "tickets of a severity that does not exist",
            "support_tickets.severity.accepted",
            put("severity", "'apocalyptic'", some("ticket_id", 20)),
            severity=Severity.WARNING,
        ),
        defect(
            "F23-revenue-strangers",
            "one invoice line in twenty is of an account nobody knows",
            "revenue_of_known_accounts_above_materiality",
            stranger("line_id", 20),
        ),
        defect(
            "F23-support_tickets-strangers",
            "some tickets are of accounts nobody knows",
            "tickets_of_known_accounts",
            stranger("ticket_id", 20),
            severity=Severity.WARNING,
        ),
        defect(
            "F23-campaigns-strangers",
            "one campaign row in five is of an account nobody knows",
            "campaigns_of_known_accounts_above_materiality",
            stranger("account_id", 5),
        ),
        defect(
            "F23-clicks-strangers",
            "one event in ten is of an account nobody knows",
            "clicks_counted_of_known_accounts_above_materiality",
            stranger("event_id", 10),
        ),
        defect(
            "F23-accounts-closed",
            "one account in four is closed and keeps its licences",
            "closed_accounts_hold_no_material_revenue",
            put("status", "'closed'", some("account_id", 4)),
        ),
        defect(
            "F24-licence_events-negative",
            "licences that cost less than nothing",
            "licence_mrr_in_range",
            put("mrr_after", "-1 - mrr_after", some("event_id", 20)),
        ),
    )


def investor_growth(month: str) -> tuple[Defect, ...]:
    """The defects in the job of the investors' growth, and in what was recorded too late for the month before."""
    first = company.month_of(month)

    def defect(name: str, title: str, check: str, old: str, new: str) -> Defect:
        failure_class, _, word = name.partition("-")
        return in_job(f"{failure_class}-{_INVESTORS}-{word}", month, f"a change of the job {title}", check, old, new)

    return (
        defect(
            "F01-nameless",
            "gives totals no name",
            f"{_INVESTORS}.region.required",
            "        *ROW,\n        *(sf.col(name) if",
            '        "row_kind",\n        *(sf.nullif(name, sf.lit(TOTAL)).alias(name) for name in CELL),\n'
            "        *(sf.col(name) if",
        ),
        defect(
            "F03-sign",
            "turns the sign of what retention is divided by",
            "total_net_revenue_retention_is_known",
            '"mrr_retained", "mrr_opening"',
            '"mrr_retained", -sf.col("mrr_opening")',
        ),
        defect(
            "F14-closing-summed",
            "adds up what every day closed with",
            "closing_is_what_stood_on_the_last_day",
            'booked = {"opening": first, "closing": last}',
            'booked = {"opening": first}',
        ),
        defect(
            "F14-products-for-customers",
            "takes the second product of a customer for a new customer",
            "company_growth_is_that_of_its_accounts",
            'sf.when(sf.col("row_kind") == TOTAL, sf.col(by)).otherwise(sf.col(name))',
            "sf.col(name)",
        ),
        defect(
            "F14-newcomers-retained",
            "takes what customers of this month pay for retained",
            "retention_of_the_company_is_that_of_its_accounts",
            'sf.when(sf.col("customers_opening") != 0, sf.col("closing"))',
            'sf.col("closing")',
        ),
        defect(
            "F14-expansion-kept",
            "takes what customers pay more for kept, so that gross retention is above 1",
            "retention_of_cells_is_that_of_their_units",
            'sf.least("opening", "closing")',
            'sf.col("closing")',
        ),
        defect(
            "F14-churn-kept",
            "takes what customers who left had for kept, so that a cohort keeps and loses the same dollar",
            "cohort_churn_and_retention_share_the_opening",
            'sf.least("opening", "closing")',
            'sf.col("opening")',
        ),
        defect(
            "F14-unchanged-lost",
            "takes what stayed as it was for lost, so that a cohort loses more than fell",
            "cohort_moves_within_the_movements",
            'sf.when(sf.col("opening") != 0, sf.least("opening", "closing"))',
            'sf.when(sf.col("opening") != sf.col("closing"), sf.least("opening", "closing"))',
        ),
        Defect(
            id="F15-licence_events-late",
            source="licence_events",
            month=month,
            title="seats that were added on the last day of the month before are recorded in this one",
            expected_check="opening_is_the_last_published_closing",
            history=lambda past, frame: frame.unionByName(_added_late(past, frame, first)),
            pipeline=_INVESTORS,
            enters="growth_daily",
        ),
        overtaken(_INVESTORS, month, "growth_daily", "        run.publish(\n"),
        defect(
            "F24-cents",
            "shows recurring revenue in cents",
            "investor_growth_scale_fits_history",
            '(dq.money(sf.sum(name)).alias(name) for name in amounts if "mrr_" in name)',
            '(dq.money(sf.sum(name) * 100).alias(name) for name in amounts if "mrr_" in name)',
        ),
        defect(
            "F26-raises",
            "reads a column that does not exist",
            f"{_INVESTORS}.run.completes",
            'sf.col("region_before").alias("region")',
            'sf.col("region_was").alias("region")',
        ),
    )


def _added_late(past: DataFrame, month: DataFrame, first: date) -> DataFrame:
    """Events that belong to the month before: a hundred dollars more for accounts that this one leaves alone.

    They are in force since the day before it, numbered on without a gap, and recorded on its twentieth day: after the
    month before was final.
    """
    newest = sf.row_number().over(
        Window.partitionBy("account_id").orderBy(sf.desc("effective_date"), sf.desc("sequence_number"))
    )
    quiet = past.join(month.select("account_id").distinct(), on="account_id", how="left_anti")
    recorded = sf.timestamp_seconds(sf.unix_seconds(sf.lit(first).cast("timestamp")) + 19 * 24 * 3600)
    late = (
        quiet.withColumn("newest", newest)
        .where(f"newest = 1 AND event <> 'cancel' AND licence_type <> 'trial' AND {some('account_id', 2)}")
        .withColumns(
            {
                "event_id": sf.concat(sf.lit("Y"), "licence_id"),
                "event": sf.lit("seats_changed"),
                "seats_before": sf.col("seats_after"),
                "seats_after": sf.col("seats_after") + 1,
                "mrr_before": sf.col("mrr_after"),
                "mrr_after": (sf.col("mrr_after") + 100).cast("decimal(18,2)"),
                "effective_date": sf.lit(first - timedelta(days=1)),
                "recorded_at": recorded,
                "sequence_number": sf.col("sequence_number") + 1,
            }
        )
    )
    return late.select(*month.columns)
