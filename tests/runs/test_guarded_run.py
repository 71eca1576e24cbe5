"""Guarded runs of both pipelines on the demo company, in this process."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from runs_support import Bench, declare_absent

from dq import store
from dq.base.model import Kind, Outcome, Verdict
from dq.base.verdict import Waiver
from dq.cli.parser import build_parser
from dq.cli.upkeep import withdraw_command
from dq.store import waivers

pytestmark = pytest.mark.run

MONTH = "2026-10"


@pytest.mark.slow
def test_a_waiver_makes_another_run_and_lets_a_difference_pass_up_to_its_ceiling(
    after_september: Bench, spark: SparkSession
) -> None:
    after_september.plant(spark, "F11-ledger-marketing")
    held = after_september.run("profit_unit", MONTH)
    assert (held.code, held.record.verdict, held.record.stays) == (1, Verdict.HOLD, None)
    warehouse = store.Warehouse(after_september.warehouse)

    def waive(ceiling: str) -> None:
        waiver = Waiver(
            pipeline="profit_unit",
            check="profit_ties_out_to_ledger",
            period=MONTH,
            ceiling=Decimal(ceiling),
            owner="Danny",
            reason="invoice booked twice by Finance, corrected in November",
            until=date(2999, 12, 31),
            recorded=datetime.now(UTC),
            signed_off_by="Olga Berg",
            signed_off_at=datetime(2026, 11, 4, tzinfo=UTC),
        )
        waivers.record(warehouse, waiver)

    waive("499.99")
    ran = after_september.run("profit_unit", MONTH)
    assert ran.code == 1
    assert "profit_ties_out_to_ledger: ignored, off by 500.00 is beyond its ceiling of 499.99" in ran.out
    waive("500.00")
    ran = after_september.run("profit_unit", MONTH)
    assert ran.code == 0
    assert "WAIVED" in ran.out
    assert "Danny" in ran.out
    assert "signed off by Olga Berg on 2026-11-04" in ran.out
    (note,) = ran.record.waivers
    assert (note.applied, note.ceiling, note.signed_off_by) == (True, "500.00", "Olga Berg")
    investors = after_september.run("investor_profit", MONTH)
    built_on = "profit_unit: profit_ties_out_to_ledger: what this is built on was published under it; up to 500.00"
    assert (investors.code, built_on in investors.out) == (1, True)


def test_a_day_is_published_alone_and_month_to_date(spark: SparkSession, bench: Bench) -> None:
    ran = bench.run("profit_unit", "2026-10-05", "2026-10-06T02:00:00Z")
    assert ran.code == 0, ran.out
    assert (ran.record.kind, ran.record.data_through) == (Kind.MONTH_TO_DATE, date(2026, 10, 5))
    days = {row["day"] for row in bench.published(spark, "profit_unit")}
    assert days == {date(2026, 10, 5)}
    pending = {r.check for r in ran.record.results if r.reason.startswith("pending until")}
    assert "expense_feeds_present_at_close" in pending


@pytest.mark.slow
def test_the_months_first_days_are_published_while_it_runs(spark: SparkSession, bench: Bench) -> None:
    ran = bench.run("profit_unit", MONTH, "2026-10-11T02:00:00Z")
    assert ran.code == 0, ran.out
    assert {row["day"] for row in bench.published(spark, "profit_unit", MONTH)} == {
        date(2026, 10, d) for d in range(1, 11)
    }
    investor = bench.run("investor_profit", MONTH, "2026-10-11T06:00:00Z")
    assert investor.code == 0, investor.out
    assert investor.record.kind is Kind.MONTH_TO_DATE


@pytest.mark.slow
def test_figures_are_not_built_on_inputs_less_complete_than_they_claim_to_be(bench: Bench) -> None:
    assert bench.run("profit_unit", MONTH, "2026-11-01T02:00:00Z").record.kind is Kind.PRELIMINARY
    ran = bench.run("investor_profit", MONTH)
    assert (ran.code, ran.record.version) == (3, None)
    assert "has 2026-10-01 published as preliminary, not as final" in ran.out
    assert bench.run("investor_profit", MONTH, "2026-11-01T06:00:00Z").code == 0


def test_a_final_is_not_replaced_by_an_earlier_instant(after_september: Bench) -> None:
    code, said = after_september.refused("profit_unit", "2026-09", "2026-09-21T02:00:00Z")
    assert code == 2
    assert "is published as final as of 2026-10-05T06:00Z" in said
    assert "dq withdraw profit_unit" in said


def test_a_lost_month_of_a_state_and_rows_of_another_month_are_found(after_september: Bench) -> None:
    shutil.rmtree(after_september.sources / "licence_events" / "month=2026-08")
    october = after_september.sources / "revenue" / "month=2026-10"
    (misfiled,) = (after_september.sources / "revenue" / "month=2026-11").glob("*.parquet")
    shutil.copy(misfiled, october / "part-of-november.parquet")
    ran = after_september.run("profit_unit", MONTH)
    assert ran.code == 1
    assert ran.result("licence_events.period.complete").observed == "no file for 2026-08"
    assert "rows are of another month than their file" in ran.result("revenue.period.complete").observed
    assert ran.result("ledger.period.complete").outcome is Outcome.PASSED


@pytest.mark.slow
def test_a_held_day_holds_what_is_built_on_the_month_though_later_days_were_published(
    spark: SparkSession, bench: Bench
) -> None:
    assert bench.run("profit_unit", MONTH, "2026-10-11T02:00:00Z").code == 0
    bench.plant(spark, "F11-ledger-marketing")  # the books differ on the 10th
    assert bench.run("profit_unit", "2026-10-10", "2026-10-12T01:00:00Z").code == 1
    assert bench.run("profit_unit", "2026-10-11", "2026-10-12T02:00:00Z").code == 0
    ran = bench.run("investor_profit", MONTH, "2026-10-12T06:00:00Z")
    assert ran.code == 3
    assert "the upstream profit_unit is held for 2026-10-10" in ran.out


def test_a_run_whose_record_was_lost_is_still_a_no_op(after_september: Bench) -> None:
    records = after_september.warehouse / "_dq" / "runs"
    for kept in records.iterdir():
        kept.unlink()
    ran = after_september.run("profit_unit", "2026-09")
    assert (ran.code, ran.record.already_published) == (0, True)


def test_a_company_without_expenses_books_and_targets_publishes_partial_figures(
    spark: SparkSession, bench: Bench, project_copy: Callable[[], Path]
) -> None:
    bench.home = project_copy()
    declare_absent(bench.home, "expenses", "ledger", "targets")
    units = bench.run("profit_unit", MONTH)
    assert (units.code, units.record.verdict) == (0, Verdict.PUBLISH_PARTIAL), units.out
    investors = bench.run("investor_profit", MONTH)
    assert (investors.code, investors.record.verdict) == (0, Verdict.PUBLISH_PARTIAL), investors.out
    assert set(investors.record.partial) == {"ledger", "targets", "expenses"}
    assert investors.result("cells_are_the_sum_of_their_units").outcome is Outcome.PASSED
    assert investors.result("total_margin_is_known").outcome is Outcome.NOT_RUN
    rows = bench.published(spark, "investor_profit", MONTH)
    assert {row["profit"] for row in rows} == {None}
    assert {row["margin_reason"] for row in rows} == {"source_absent"}


def test_a_torn_data_page_is_could_not_be_evaluated(after_september: Bench) -> None:
    """The footer is whole, so only reading meets it; `prepare` reads the ledger to learn when it was closed."""
    (victim,) = (after_september.sources / "ledger" / f"month={MONTH}").glob("*.parquet")
    content = bytearray(victim.read_bytes())
    victim.unlink()
    content[4:200] = b"\xff" * 196
    victim.write_bytes(content)
    ran = after_september.run("profit_unit", MONTH)
    assert (ran.code, ran.record.version) == (3, None)
    assert ran.record.verdict is Verdict.HOLD_NOT_EVALUATED


def test_what_a_job_dies_of_is_told_without_the_value(after_september: Bench, project_copy: Callable[[], Path]) -> None:
    home = project_copy()
    job = home / "jobs" / "profit_unit.py"
    old = '    amount = sf.col("amount")\n'
    assert old in job.read_text()
    value = 'sf.concat(sf.col("line_id"), sf.lit("jane.doe@example.com")).cast("int")'
    job.write_text(job.read_text().replace(old, f"    amount = {value}\n"))
    after_september.home = home
    ran = after_september.run("profit_unit", MONTH)
    assert ran.code == 3
    assert "CAST_INVALID_INPUT" in ran.out
    assert "jane.doe" not in ran.out + ran.err


def test_every_day_of_a_month_has_its_own_totals(spark: SparkSession, after_september: Bench) -> None:
    entries = store.Warehouse(after_september.warehouse).table("profit_unit").select("2026-09")
    rows = after_september.published(spark, "profit_unit", "2026-09-01")
    assert entries[0].totals["revenue"] == str(sum(row["revenue"] for row in rows))  # type: ignore[misc]
    assert store.summed(entries)["revenue"] != entries[0].totals["revenue"]


@pytest.mark.slow
def test_an_older_instant_knows_less_and_is_another_run(spark: SparkSession, bench: Bench) -> None:
    """Rows recorded after the as-of instant are not read: the last day's lines are known only the night after."""
    early = bench.run("profit_unit", MONTH, "2026-10-31T00:00:00Z")
    late = bench.run("profit_unit", MONTH, "2026-10-31T12:00:00Z")
    assert early.record.run_key != late.record.run_key


def test_withdrawing_goes_back_a_version_and_the_same_figures_are_not_published_again(
    spark: SparkSession, after_september: Bench
) -> None:
    def investor_months() -> set[object]:
        return {row["month"] for row in after_september.published(spark, "investor_profit")}

    assert after_september.run("profit_unit", MONTH).code == 0
    assert after_september.run("investor_profit", MONTH).code == 0
    assert investor_months() == {"2026-09", MONTH}
    line = ["withdraw", "investor_profit", "--period", MONTH, "--reason", "wrong target", "--by", "Anna"]
    line += ["--warehouse", str(after_september.warehouse)]
    assert withdraw_command(build_parser().parse_args(line)) == 0
    assert investor_months() == {"2026-09"}
    again = after_september.run("investor_profit", MONTH)
    assert again.code == 3
    assert "withdrawn by Anna: wrong target" in again.out
    assert investor_months() == {"2026-09"}


def test_an_input_that_changes_during_the_run_publishes_nothing(
    after_september: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dq.run import staging

    (victim,) = (after_september.sources / "ledger" / f"month={MONTH}").glob("*.parquet")
    content = victim.read_bytes()
    victim.unlink()  # else it is the same file as that of every other test's company, also of one that runs beside this
    victim.write_bytes(content)
    stage = staging.stage

    def touched_while_staging(*arguments: object) -> object:
        os.utime(victim, (0, 0))
        return stage(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(staging, "stage", touched_while_staging)
    ran = after_september.run("profit_unit", MONTH)
    assert (ran.code, ran.record.version) == (3, None)
    assert "changed during the run" in ran.out
    assert store.Warehouse(after_september.warehouse).table("profit_unit").entry("2026-10-01") is None


@pytest.mark.slow
def test_units_published_anew_during_the_run_hold_what_was_built_on_the_old_ones(
    after_september: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F16: another run publishes the same days anew while this one computes, as of an instant this one reads."""
    from dq.run import staging

    assert after_september.run("profit_unit", MONTH, "2026-11-04T05:30:00Z").code == 0
    stage = staging.stage
    other: list[int] = []

    def overtaken(*arguments: object) -> object:
        if not other:
            other.append(1)
            assert after_september.run("profit_unit", MONTH).code == 0
        return stage(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(staging, "stage", overtaken)
    ran = after_september.run("investor_profit", MONTH)
    stale = ran.result("investor_profit.inputs.current")
    assert (ran.code, stale.outcome, stale.failure_class) == (1, Outcome.FAILED, "F16")
    assert "profit_unit 2026-10-01 is at version 3, read was 2" in stale.observed


FAULTY = {
    "multiplies": (
        "investor_profit.py",
        "        units.where(in_month)\n",
        "        units.unionByName(units.limit(1)).where(in_month)\n",
    ),
    "names_a_missing_column": (
        "profit_unit.py",
        '    amount = sf.col("amount")\n',
        '    amount = sf.col("amout")\n',
    ),
    "forgets_to_publish": ("profit_unit.py", "        run.publish(\n", "        (\n"),
    "publishes_another_schema": (
        "profit_unit.py",
        '        "seats",\n        *REVENUE,',
        '        "seats", sf.lit(1).alias("extra"),\n        *REVENUE,',
    ),
}


@pytest.mark.parametrize(
    ("fault", "pipeline", "code", "check", "said"),
    [
        ("multiplies", "investor_profit", 1, "cells_are_the_sum_of_their_units", ""),
        ("names_a_missing_column", "profit_unit", 3, "profit_unit.run.completes", "amout"),
        ("forgets_to_publish", "profit_unit", 3, "profit_unit.run.completes", "ended without publishing"),
        ("publishes_another_schema", "profit_unit", 3, "profit_unit.run.completes", "extra is not declared"),
    ],
)
def test_a_faulty_job_is_held_with_section_and_owner(
    after_september: Bench,
    project_copy: Callable[[], Path],
    fault: str,
    pipeline: str,
    code: int,
    check: str,
    said: str,
) -> None:
    if pipeline == "investor_profit":
        assert after_september.run("profit_unit", MONTH).code == 0
    home = project_copy()
    file, old, new = FAULTY[fault]
    text = (home / "jobs" / file).read_text()
    assert old in text
    (home / "jobs" / file).write_text(text.replace(old, new))
    after_september.home = home
    ran = after_september.run(pipeline, MONTH)
    result = ran.result(check)
    assert ran.code == code, ran.out
    assert result.outcome in (Outcome.FAILED, Outcome.ERRORED)
    assert said in result.reason + result.observed
    if check.endswith("run.completes") and fault != "forgets_to_publish":
        assert f"computing {pipeline}: " in result.reason + result.observed
    assert ran.record.guidance[check].owner
    assert ran.record.guidance[check].runbook.startswith((f"runbooks/{pipeline}/", "runbooks/all/"))


@pytest.mark.slow
def test_a_changed_suite_is_another_run_key(after_september: Bench, project_copy: Callable[[], Path]) -> None:
    first = after_september.run("profit_unit", MONTH)
    after_september.home = project_copy()
    suite = after_september.home / "expectations" / "all" / "targets.yml"
    suite.write_text(suite.read_text().replace("max_value: 1000000000", "max_value: 999999999"))
    second = after_september.run("profit_unit", MONTH)
    assert not second.record.already_published
    assert (first.record.version, second.record.version) == (2, 3)


def test_a_torn_file_is_named_and_nothing_is_published(after_september: Bench) -> None:
    (victim,) = (after_september.sources / "revenue" / f"month={MONTH}").glob("*.parquet")
    content = victim.read_bytes()
    victim.unlink()
    victim.write_bytes(content[: len(content) // 2])
    ran = after_september.run("profit_unit", MONTH)
    assert ran.code == 3
    assert victim.name in ran.out
    assert ran.record.version is None


def test_a_month_without_any_file_has_no_rows(after_september: Bench) -> None:
    for file in (after_september.sources / "revenue" / f"month={MONTH}").iterdir():
        file.unlink()
    ran = after_september.run("profit_unit", MONTH)
    assert ran.code == 3
    assert ran.result("revenue_has_rows").outcome is Outcome.FAILED
    assert ran.result("revenue_has_rows").failure_class == "F06"
    assert ran.result("revenue.key.unique").outcome is Outcome.ERRORED
