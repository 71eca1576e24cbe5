"""One run, published, held and refused: what make test shows of guarded runs; make test-runs has the rest."""

from __future__ import annotations

import os

import deltalake
import pyarrow.compute as pc
import pytest
from pyspark.sql import SparkSession
from runs_support import ROOT, Bench

from dq.base.model import Kind, Verdict
from dq.declare import registry

MONTH = "2026-10"


def test_a_clean_month_is_published_and_the_same_key_again_does_nothing(
    spark: SparkSession, after_september: Bench
) -> None:
    ran = after_september.run("profit_unit", MONTH)
    assert (ran.code, ran.record.verdict, ran.record.version, ran.record.kind) == (0, Verdict.PUBLISH, 2, Kind.FINAL)
    critical = [check for check in ran.alarms if ran.result(check).severity != "info"]
    assert critical == []
    again = after_september.run("profit_unit", MONTH)
    assert again.record.already_published
    assert again.record.version == 2
    assert "ALREADY PUBLISHED" in again.out
    total = sum(row["revenue"] for row in after_september.published(spark, "profit_unit", MONTH))
    assert str(total) == ran.record.totals["revenue"]


def test_the_investor_table_follows_and_compares_with_the_month_before(
    spark: SparkSession, after_september: Bench
) -> None:
    assert after_september.run("profit_unit", MONTH).code == 0
    ran = after_september.run("investor_profit", MONTH)
    assert ran.code == 0, ran.out
    rows = after_september.published(spark, "investor_profit", MONTH)
    before = after_september.published(spark, "investor_profit", "2026-09")
    (total,) = (row for row in rows if row["row_kind"] == "total")
    (earlier,) = (row for row in before if row["row_kind"] == "total")
    assert total["previous_profit"] == earlier["profit"]
    assert total["profit_change"] == total["profit"] - earlier["profit"]  # type: ignore[operator]
    assert ran.record.inputs[-1].name == "profit_unit"
    opened = deltalake.DeltaTable(after_september.warehouse / "investor_profit")
    others = opened.to_pyarrow_dataset().to_table(filter=pc.field("period") == MONTH).drop_columns(["period"])
    assert sorted(map(str, others.to_pylist())) == sorted(map(str, rows)), "other readers see the same rows"
    declared = registry.load(ROOT).pipeline("investor_profit").publishes.columns
    described = {one.name: one.metadata["comment"] for one in opened.schema().fields if one.name != "period"}
    assert described == {name: column.description for name, column in declared.items()}


def test_a_held_upstream_holds_what_is_built_on_it_with_its_card(after_september: Bench, spark: SparkSession) -> None:
    after_september.plant(spark, "F11-ledger-marketing")
    assert after_september.run("profit_unit", MONTH).code == 1
    ran = after_september.run("investor_profit", MONTH)
    assert (ran.code, ran.record.verdict) == (3, Verdict.HOLD_NOT_EVALUATED)
    assert "UPSTREAM" in ran.out
    assert "profit_ties_out_to_ledger" in ran.out
    assert [row["month"] for row in after_september.published(spark, "investor_profit")].count(MONTH) == 0


def test_an_upstream_that_was_never_published_is_said_with_the_command_to_run(bench: Bench) -> None:
    ran = bench.run("investor_profit", MONTH)
    assert ran.code == 3
    assert "has not published 2026-10-01 to 2026-10-31 (31 days)" in ran.out
    assert "dq run profit_unit --period 2026-10" in ran.out


def test_a_warehouse_that_cannot_be_written_is_one_sentence(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    from dq.cli.run import run_job

    bench.warehouse.write_text("in the way")
    os.environ["DQ_DEMO_DIR"] = str(bench.sources)
    argv = ["--period", MONTH, "--as-of", "2026-11-04T06:00:00Z", "--warehouse", str(bench.warehouse), "--no-docs"]
    assert run_job("profit_unit", argv) == 3
    captured = capsys.readouterr()
    assert "opening the warehouse" in captured.out
    assert "Traceback" not in captured.out + captured.err
