"""What a month is compared with: the last final before it, the same first days, and what it replaces itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as sf
from runs_support import Bench

from demo import catalogue
from demo.defects import Defect, apply
from dq import store
from dq.base.model import Kind, Outcome
from dq.base.verdict import Waiver
from dq.run import run_records
from dq.store import waivers

pytestmark = pytest.mark.run

MONTH = "2026-10"
LATER = "2026-11-04T05:00:00Z"


def waive(bench: Bench, check: str, period: str, ceiling: str, pipeline: str = "investor_profit") -> None:
    waiver = Waiver(
        pipeline=pipeline,
        check=check,
        period=period,
        ceiling=Decimal(ceiling),
        owner="Danny",
        reason="invoice of a trade fair came in late",
        until=date(2999, 12, 31),
        recorded=datetime(2026, 11, 4, tzinfo=UTC),
    )
    waivers.record(store.Warehouse(bench.warehouse), waiver)


@pytest.mark.slow
def test_a_restated_month_holds_the_next_until_its_amount_is_waived(
    spark: SparkSession, after_september: Bench
) -> None:
    bench = after_september
    assert bench.run("profit_unit", MONTH).code == 0
    apply(spark, bench.sources, catalogue.find("F15-expenses-restated", MONTH))
    held = bench.run("profit_unit", "2026-09-10", LATER)
    assert (held.code, held.result("profit_unit.final.amounts").outcome) == (1, Outcome.FAILED), held.out
    assert held.result("profit_unit.final.counts").outcome is Outcome.PASSED
    waive(bench, "profit_unit.final.amounts", "2026-09-10", "500.00", pipeline="profit_unit")
    restated = bench.run("profit_unit", "2026-09-10", LATER)
    assert restated.code == 0, restated.out
    assert "expenses +500.00, profit -500.00" in restated.out
    held = bench.run("investor_profit", MONTH)
    result = held.result("previous_profit_rederives")
    assert (held.code, result.outcome, result.failure_class) == (1, Outcome.FAILED, "F15")
    assert "2026-09 profit: published" in result.observed
    assert "restated by -500.00 in" in result.observed
    assert "revenue" not in result.observed
    assert held.result("previous_subscribers_rederive").outcome is Outcome.PASSED
    assert held.result("final_profit_stands").outcome is Outcome.NOT_RUN
    waive(bench, "previous_profit_rederives", MONTH, "500.00")
    assert bench.run("investor_profit", MONTH).code == 0


@pytest.mark.slow
def test_a_final_is_published_anew_with_other_figures_only_when_waived(
    spark: SparkSession, after_september: Bench
) -> None:
    bench = after_september
    apply(spark, bench.sources, catalogue.find("F15-expenses-restated", MONTH))
    units = bench.run("profit_unit", "2026-09", LATER)
    assert (units.code, [name for name in units.alarms if units.result(name).blocks]) == (
        1,
        ["profit_unit.final.amounts"],
    )
    assert units.record.version is None
    waive(bench, "profit_unit.final.amounts", "2026-09", "500.00", pipeline="profit_unit")
    assert bench.run("profit_unit", "2026-09", LATER).code == 0
    held = bench.run("investor_profit", "2026-09", LATER)
    result = held.result("final_profit_stands")
    assert (held.code, result.outcome, result.failure_class) == (1, Outcome.FAILED, "F15")
    assert "restated by -500.00 in" in result.observed
    waive(bench, "final_profit_stands", "2026-09", "500.00")
    published = bench.run("investor_profit", "2026-09", LATER)
    assert published.code == 0
    assert "REPLACES  version 1, final, data through 30 Sep" in published.out
    assert bench.run("profit_unit", MONTH).code == 0
    october = bench.run("investor_profit", MONTH)
    assert october.code == 0, october.out
    assert october.result("previous_profit_rederives").outcome is Outcome.PASSED


@pytest.mark.slow
def test_an_unfinished_month_grows_from_the_same_days_and_its_replacement_is_stated(
    spark: SparkSession, after_september: Bench
) -> None:
    bench = after_september
    units_of = {day: bench.run("profit_unit", MONTH, f"{day}T02:00:00Z") for day in ("2026-10-31", "2026-11-01")}
    assert {day: ran.code for day, ran in units_of.items()} == dict.fromkeys(units_of, 0)
    early = bench.run("investor_profit", MONTH, "2026-10-31T06:00:00Z")
    assert early.code == 0, early.out
    seen = "profit_unit version {}, preliminary, data through {} Oct, as of {}T02:00Z"
    version = units_of["2026-10-31"].record.version
    assert f"BUILT ON  {seen.format(version, 30, '2026-10-31')}" in early.out, (
        "not what was published as of the day after"
    )
    assert (early.record.kind, early.record.data_through) == (Kind.PRELIMINARY, date(2026, 10, 30))
    (total,) = (row for row in bench.published(spark, "investor_profit", MONTH) if row["row_kind"] == "total")
    units = bench.published(spark, "profit_unit", "2026-09")
    assert total["previous_profit"] == sum(row["profit"] for row in units)  # type: ignore[misc]
    assert total["profit_change_ratio"] is not None
    late = bench.run("investor_profit", MONTH, "2026-11-01T06:00:00Z")
    assert late.code == 0, late.out
    assert f"BUILT ON  {seen.format(units_of['2026-11-01'].record.version, 31, '2026-11-01')}" in late.out
    replaced = late.record.replaced
    assert replaced is not None
    assert (replaced.version, replaced.kind, replaced.data_through) == (2, Kind.PRELIMINARY, date(2026, 10, 30))
    before, after = (Decimal(str(ran.record.totals["profit"])) for ran in (early, late))
    assert replaced.moved["profit"] == str(after - before)
    assert "REPLACES  version 2, preliminary, data through 30 Oct; moved: revenue +" in late.out


def test_units_that_were_published_as_of_a_later_instant_are_not_read(after_september: Bench) -> None:
    bench = after_september
    assert bench.run("profit_unit", MONTH, "2026-11-05T06:00:00Z").code == 0
    ran = bench.run("investor_profit", MONTH, "2026-11-05T05:00:00Z")
    assert (ran.code, ran.record.version) == (3, None)
    assert (
        "the upstream profit_unit has published 2026-10-01 to 2026-10-31 (31 days) only as of 2026-11-05T06:00:00Z, "
        "which was not known at 2026-11-05T05:00:00Z; run this as of then or later: --as-of 2026-11-05T06:00:00Z"
    ) in " ".join(ran.out.split())


def test_a_first_month_is_not_run_with_the_reason(after_september: Bench) -> None:
    record = run_records.latest(store.Warehouse(after_september.warehouse), "investor_profit", ["2026-09"])
    assert record is not None
    told = {result.check: result.reason for result in record.results if result.outcome is Outcome.NOT_RUN}
    reason = "investor_profit 2026-08 is not published as final, so there is nothing to compare with"
    assert told["previous_profit_rederives"] == reason
    assert told["final_profit_stands"] == "no final of 2026-09 would be replaced"
    assert record.replaced is None


@pytest.mark.slow
def test_a_new_rule_is_told_with_its_date(after_september: Bench, project_copy: Callable[[], Path]) -> None:
    after_september.home = project_copy()
    rules = after_september.home / "jobs" / "rules.yml"
    declared = rules.read_text()
    version = declared[declared.index("  - version") :]
    later = version.replace('"2024.1"', '"2026.1"').replace('"2024-01-01"', '"2026-10-02"')
    rules.write_text(declared + later.replace("the first written allocation", "servers by revenue"))
    told = after_september.run("profit_unit", "2026-10-02", "2026-10-03T02:00:00Z")
    assert told.code == 0, told.out
    step = told.result("profit_unit.rules.changed")
    assert step.observed == "allocation 2026.1 is in force from 2026-10-02, 2024.1 before: servers by revenue"
    assert (step.severity, step.failure_class) == ("info", "F25")
    assert told.result("profit_unit.rules.versioned").outcome is Outcome.PASSED


@pytest.mark.slow
def test_a_rule_that_begins_after_the_data_ends_the_run_with_its_section(
    after_september: Bench, project_copy: Callable[[], Path]
) -> None:
    after_september.home = project_copy()
    rules = after_september.home / "jobs" / "rules.yml"
    rules.write_text(rules.read_text().replace('"2024-01-01"', '"2026-10-15"'))
    held = after_september.run("profit_unit", MONTH)
    result = held.result("profit_unit.rules.cover")
    assert (held.code, held.record.version, result.outcome, result.failure_class) == (1, None, Outcome.FAILED, "F25")
    assert "the rule allocation begins on 2026-10-15 (2024.1), yet days from 2026-10-01 on are computed" in held.out
    assert "a-rule-of-calculation-changed" in held.out
    assert "not computed" in held.result("profit_unit_keeps_every_invoice_line").reason


@pytest.mark.slow
def test_an_expense_entered_after_its_month_was_final_is_told_with_the_command_that_takes_it_in(
    spark: SparkSession, after_september: Bench
) -> None:
    bench = after_september
    entered = "if(provider = 'trade_fairs', TIMESTAMP'2026-10-20 09:00:00', entered_at)"
    late = Defect(
        id="F08-late",
        source="expenses",
        month="2026-09",
        title="late",
        change=lambda frame: frame.withColumn("entered_at", sf.expr(entered)),
    )
    apply(spark, bench.sources, late)
    ran = bench.run("profit_unit", "2026-10-20", "2026-10-21T02:00:00Z")
    told = ran.result("last_final_holds_every_expense")
    assert (ran.code, told.outcome, told.severity, told.failure_class) == (0, Outcome.FAILED, "warning", "F08")
    assert told.observed.startswith("4 rows of 2026-09, ")
    assert "dq backfill profit_unit --from 2026-09 --to 2026-09 --as-of 2026-10-21T02:00:00Z" in told.observed
