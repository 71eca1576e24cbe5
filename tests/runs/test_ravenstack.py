"""The outside company through the guarded run, revenue side: partial figures, and what the checks find in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from runs_support import ROOT, Bench, Ran

from dq.model import Kind, Outcome, Severity
from dq.periods import days_of

DATA = Path(os.environ.get("DQ_RAVENSTACK_DIR") or ROOT.parent / "shared" / "data" / "ravenstack")
pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="the outside company's files are not here (DQ_RAVENSTACK_DIR)"
)
MONTHS = [f"2024-{month:02}" for month in range(1, 13)]


def run(bench: Bench, month: str, monkeypatch: pytest.MonkeyPatch) -> Ran:
    monkeypatch.setenv("DQ_RAVENSTACK_DIR", str(DATA))
    year, number = divmod(int(month[:4]) * 12 + int(month[5:]), 12)
    as_of = f"{year}-{number + 1:02}-01T02:00:00Z"
    return bench.run("profit_unit", month, as_of, "--sources", str(ROOT / "jobs" / "ravenstack.yml"))


def critical(ran: Ran) -> dict[str, str]:
    failed = [r for r in ran.record.results if r.outcome is Outcome.FAILED and r.severity is Severity.CRITICAL]
    return {r.check: r.observed for r in failed}


def judged(ran: Ran, month: str) -> None:
    record = ran.record
    assert record.kind is Kind.PRELIMINARY
    assert record.data_through == days_of(month)[1]
    assert [r.check for r in record.results if r.outcome is Outcome.ERRORED] == [], ran.out
    assert list(record.partial) == ["expenses", "ledger", "targets"]
    for check in (
        "profit_ties_out_to_ledger",
        "profit_unit_keeps_every_expense",
        "expenses_has_rows",
        "ledger_has_rows",
    ):
        assert ran.result(check).outcome is Outcome.NOT_RUN
    assert ran.result("profit_unit_keeps_every_invoice_line").outcome is Outcome.PASSED
    assert "accounts.region.accepted" in critical(ran)  # UK is no ISO 3166 code
    assert ran.code == 1


def test_a_month_of_the_outside_company_is_partial_and_its_country_codes_hold_it(
    spark: SparkSession, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = run(bench, "2024-03", monkeypatch)
    judged(ran, "2024-03")
    assert ran.record.totals["expenses"] is None
    assert ran.record.totals["profit"] is None
    assert "declared absent by Finance and Risk Teams" in ran.out


@pytest.mark.slow
@pytest.mark.parametrize("month", MONTHS)
def test_every_month_of_2024_is_judged(
    spark: SparkSession, bench: Bench, monkeypatch: pytest.MonkeyPatch, month: str
) -> None:
    judged(run(bench, month, monkeypatch), month)
