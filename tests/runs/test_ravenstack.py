"""The outside company through the guarded run: partial figures of clean months, and a card where its data is wrong."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from runs_support import ROOT, Bench, Ran

from dq.base.model import Kind, Outcome, Severity, Verdict
from dq.base.periods import days_of
from dq.cli import main

DATA = Path(os.environ.get("DQ_RAVENSTACK_DIR") or ROOT.parent / "shared" / "data" / "ravenstack")
pytestmark = [
    pytest.mark.skipif(not DATA.is_dir(), reason="the outside company's files are not here (DQ_RAVENSTACK_DIR)"),
    # Many runs each, on machines that may be busy.
    pytest.mark.timeout(1_500),
]
MONTHS = [f"2024-{month:02}" for month in range(1, 13)]
STRANGERS = "tickets_of_known_accounts_above_materiality"
USAGE = "clicks_counted_of_known_accounts_above_materiality"
# What its data has wrong month by month: tickets and usage that are older than their account, until most accounts are
# there, and in June two different uses of a feature under one id.
HELD = {month: {STRANGERS, USAGE} for month in MONTHS[:10]} | {"2024-06": {STRANGERS, USAGE, "clicks.key.unique"}}


@pytest.fixture(autouse=True)
def _files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DQ_RAVENSTACK_DIR", str(DATA))


def run(bench: Bench, pipeline: str, month: str) -> Ran:
    year, number = divmod(int(month[:4]) * 12 + int(month[5:]), 12)
    as_of = f"{year}-{number + 1:02}-04T06:00:00Z"
    return bench.run(pipeline, month, as_of, "--sources", str(ROOT / "jobs" / "ravenstack.yml"))


def critical(ran: Ran) -> set[str]:
    failed = [r for r in ran.record.results if r.outcome is Outcome.FAILED and r.severity is Severity.CRITICAL]
    return {r.check for r in failed}


def partial(ran: Ran, month: str, *absent: str) -> None:
    """A final month, published without what the company has not, which is said on the card."""
    record = ran.record
    assert [r.check for r in record.results if r.outcome is Outcome.ERRORED] == [], ran.out
    assert critical(ran) == set()
    assert (ran.code, record.verdict, record.kind) == (0, Verdict.PUBLISH_PARTIAL, Kind.FINAL), ran.out
    assert record.data_through == days_of(month)[1]
    assert set(record.partial) == set(absent)


def test_a_clean_month_is_published_as_partial_and_says_what_is_absent(spark: SparkSession, bench: Bench) -> None:
    ran = run(bench, "profit_unit", "2024-03")
    partial(ran, "2024-03", "expenses", "ledger", "targets")
    assert "PUBLISHED AS PARTIAL  profit_unit 2024-03" in ran.out
    assert "declared absent by Finance and Risk Teams" in ran.out
    for check in ("profit_ties_out_to_ledger", "profit_unit_keeps_every_expense", "expenses_has_rows"):
        assert ran.result(check).outcome is Outcome.NOT_RUN
    assert ran.result("profit_unit_keeps_every_invoice_line").outcome is Outcome.PASSED
    assert ran.result("accounts.region.accepted").outcome is Outcome.PASSED  # UK is mapped to GB, its ISO 3166 code
    assert ran.record.totals["expenses"] is None
    assert ran.record.totals["profit"] is None


@pytest.mark.slow
def test_investors_figures_are_built_on_partial_units(spark: SparkSession, bench: Bench) -> None:
    partial(run(bench, "profit_unit", "2024-11"), "2024-11", "expenses", "ledger", "targets")
    investors = run(bench, "investor_profit", "2024-11")
    partial(investors, "2024-11", "ledger", "targets", "expenses")
    (total,) = (r for r in bench.published(spark, "investor_profit", "2024-11") if r["row_kind"] == "total")
    assert (total["profit"], total["margin_reason"], total["target_attainment_reason"]) == (
        None,
        *["source_absent"] * 2,
    )
    assert str(total["revenue"]) == str(investors.record.totals["revenue"])
    for month in ("2024-11", "2024-12"):
        units = run(bench, "growth_daily", month)
        partial(units, month, "ledger", "directory_users", "campaigns")
        growth = run(bench, "investor_growth", month)
        partial(growth, month, "ledger", "directory_users", "campaigns")
    assert growth.result("opening_is_the_last_published_closing").outcome is Outcome.PASSED


@pytest.mark.slow
def test_tickets_older_than_their_account_hold_a_month_until_their_number_is_waived(
    spark: SparkSession, bench: Bench
) -> None:
    held = run(bench, "growth_daily", "2024-03")
    assert (held.code, critical(held)) == (1, {STRANGERS, USAGE})
    assert held.result(STRANGERS).observed.startswith("531 of 1,242 rows (42.8%) have no row of accounts")
    assert held.result(USAGE).observed.startswith("459 of 1,069 rows")
    assert "runbooks/growth_daily/events-of-accounts-that-do-not-exist.md" in held.out
    assert held.record.guidance[STRANGERS].owner == "Accounts Team"

    def waive(check: str, ceiling: str) -> None:
        words = ["--check", check, "--period", "2024-03", "--ceiling", ceiling, "--owner", "anna"]
        words += ["--until", f"{datetime.now(UTC) + timedelta(days=10):%Y-%m-%d}"]
        words += ["--reason", "signup dates are being corrected", "--warehouse", str(bench.warehouse)]
        assert main(["waive", "growth_daily", *words]) == 0

    waive(USAGE, "459")
    waive(STRANGERS, "530")
    short = run(bench, "growth_daily", "2024-03")
    assert (short.code, "off by 531 is beyond its ceiling of 530" in short.out) == (1, True)
    waive(STRANGERS, "531")
    released = run(bench, "growth_daily", "2024-03")
    assert (released.code, released.record.verdict) == (0, Verdict.PUBLISH_PARTIAL)
    assert "signup dates are being corrected" in released.out


@pytest.mark.slow
def test_every_month_of_2024_is_published_or_held_for_what_its_data_has_wrong(
    spark: SparkSession, bench: Bench
) -> None:
    for month in MONTHS:
        partial(run(bench, "profit_unit", month), month, "expenses", "ledger", "targets")
    assert {month: found for month in MONTHS if (found := critical(run(bench, "growth_daily", month)))} == HELD
