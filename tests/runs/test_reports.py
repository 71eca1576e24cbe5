"""The two reports that are built on everything else: clean, and delivered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from runs_support import ROOT, Bench, declare_absent, finals, hard_links
from stages import FORTNIGHT_BEFORE, MONTH, PERIODS, Stages, as_of

from dq import store
from dq.base.model import Outcome, Verdict
from dq.base.periods import Grain
from dq.cli import main
from dq.declare import registry

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_500)]
FORTNIGHT, WEEK = PERIODS["executive_report"], PERIODS["experiments_weekly"]


@pytest.fixture
def after_october(stages: Stages, bench: Bench) -> Bench:
    """Every table the reports are built on has published October."""
    hard_links(stages.before("experiments_weekly"), bench.warehouse)
    return bench


@pytest.mark.parametrize("pipeline", sorted(PERIODS))
def test_a_clean_period_is_published_without_an_alarm(after_october: Bench, pipeline: str) -> None:
    ran = after_october.run(pipeline, PERIODS[pipeline], as_of(pipeline, PERIODS[pipeline]))
    assert (ran.code, ran.record.version) == (0, 1), ran.out
    assert ran.alarms_to_act_on == []


def test_a_report_is_delivered_and_its_delivery_recorded(after_october: Bench, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    instant = as_of("executive_report", FORTNIGHT)
    ran = after_october.run("executive_report", FORTNIGHT, instant, "--docs", str(docs))
    assert ran.code == 0, ran.out
    assert ran.result("executive_report.report.delivered").outcome is Outcome.PASSED
    page = docs / "reports" / "executive_report" / f"{FORTNIGHT}-v1.html"
    assert "Mon 12 Oct 2026 to Sun 25 Oct 2026" in page.read_text(encoding="utf-8")
    assert page.with_suffix(".md").is_file()
    after_october.capsys.readouterr()
    assert main(["show", "executive_report", "--warehouse", str(after_october.warehouse)]) == 0
    assert f"report    {page}, delivered " in after_october.capsys.readouterr().out


def test_metrics_that_were_published_under_other_names_are_compared_with_and_drawn(
    spark: SparkSession, after_october: Bench, tmp_path: Path
) -> None:
    """The fortnight before and the investors' month are as a warehouse holds them from before the names of today."""
    bench, former = after_october, registry.load(ROOT).former
    names = former["executive_report"].values["metric"]
    instant = as_of("executive_report", FORTNIGHT_BEFORE)
    assert bench.run("executive_report", FORTNIGHT_BEFORE, instant).code == 0
    before = store.read_published(spark, bench.warehouse, "executive_report", FORTNIGHT_BEFORE)
    figures = store.read_published(spark, bench.warehouse, "investor_growth", MONTH)
    columns = {new: old for old, new in former["investor_growth"].columns.items()}
    assert {"churn_rate", "mrr_growth"} < {*names}
    old = before.replace({new: old for old, new in names.items()}, subset=["metric"]).localCheckpoint()
    finals(spark, bench, "executive_report", {FORTNIGHT_BEFORE: old}, Grain.FORTNIGHT)
    finals(spark, bench, "investor_growth", {MONTH: figures.withColumnsRenamed(columns).localCheckpoint()})
    docs = tmp_path / "docs"
    ran = bench.run("executive_report", FORTNIGHT, as_of("executive_report", FORTNIGHT), "--docs", str(docs))
    assert ran.code == 0, ran.out
    metrics = {row["metric"]: row for row in bench.published(spark, "executive_report", FORTNIGHT)}
    said = {row["metric"]: row["value"] for row in before.collect()}
    for name in names.values():
        assert (metrics[name]["previous_period"], metrics[name]["previous_value"]) == (FORTNIGHT_BEFORE, said[name])
    assert metrics["month_ttm_cohort_churn_rate"]["value_reason"] == "fewer_than_twelve_finals"
    page = (docs / "reports" / "executive_report" / f"{FORTNIGHT}-v3.html").read_text(encoding="utf-8")
    drawn = page.partition("Cohort churn rate")[2].partition("</tr>")[0]
    assert "<svg" in drawn, "its trend has a second point"


def test_a_report_that_cannot_be_delivered_is_published_and_owed(after_october: Bench, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "reports").write_text("in the way", encoding="utf-8")
    instant = as_of("executive_report", FORTNIGHT)
    ran = after_october.run("executive_report", FORTNIGHT, instant, "--docs", str(docs))
    assert (ran.code, ran.record.version) == (4, 1)
    owed = ran.result("executive_report.report.delivered")
    assert (owed.outcome, owed.failure_class) == (Outcome.FAILED, "F21")
    assert "the-report-is-not-with-its-readers" in ran.record.guidance[owed.check].runbook
    (docs / "reports").unlink()
    again = after_october.run("executive_report", FORTNIGHT, instant, "--docs", str(docs))
    assert (again.code, again.record.already_published) == (0, True)
    assert again.result("executive_report.report.delivered").outcome is Outcome.PASSED
    assert (docs / "reports" / "executive_report" / f"{FORTNIGHT}-v1.html").is_file()


@pytest.mark.parametrize(
    ("period", "reason", "month"),
    [("2026-10", "source_absent", Outcome.NOT_RUN), ("2026-10-14", "upstream_partial", Outcome.PASSED)],
)
def test_without_expenses_both_are_published_as_partial_and_all_else_is_compared(
    spark: SparkSession,
    after_october: Bench,
    project_copy: Callable[[], Path],
    period: str,
    reason: str,
    month: Outcome,
) -> None:
    """Expenses are declared absent for all of October, or for one of the days, which leaves the month its profit."""
    tables = ["profit_unit", "investor_profit"] if period == MONTH else ["profit_unit"]
    for table in reversed(tables):
        line = ["withdraw", table, "--period", period, "--reason", "no expenses", "--by", "Anna"]
        assert main([*line, "--warehouse", str(after_october.warehouse)]) == 0
    after_october.home = project_copy()
    declare_absent(after_october.home, "expenses")
    for table in tables:
        units = after_october.run(table, period, as_of(table, MONTH))
        assert (units.code, units.record.verdict) == (0, Verdict.PUBLISH_PARTIAL), units.out

    report = after_october.run("executive_report", FORTNIGHT, as_of("executive_report", FORTNIGHT))
    assert (report.code, report.record.verdict) == (0, Verdict.PUBLISH_PARTIAL), report.out
    profit = report.result("report_profit_is_that_of_its_units")
    assert (profit.outcome, profit.reason) == (Outcome.NOT_RUN, "expenses is declared absent")
    assert report.result("report_month_is_what_investors_see").outcome is month
    assert report.result("report_revenue_is_that_of_its_units").outcome is Outcome.PASSED
    metrics = {row["metric"]: row for row in after_october.published(spark, "executive_report", FORTNIGHT)}
    assert (metrics["profit"]["value"], metrics["profit"]["value_reason"]) == (None, reason)

    weekly = after_october.run("experiments_weekly", WEEK, as_of("experiments_weekly", WEEK))
    assert (weekly.code, weekly.record.verdict) == (0, Verdict.PUBLISH_PARTIAL), weekly.out
    assert weekly.result("experiments_profit_is_that_of_the_units").outcome is Outcome.NOT_RUN
    for check in ("experiments_revenue_is_that_of_the_units", "experiments_weeks_are_the_sum_of_their_days"):
        assert weekly.result(check).outcome is Outcome.PASSED
    weeks = [row for row in after_october.published(spark, "experiments_weekly", WEEK) if row["row_kind"] == "week"]
    assert {row["profit"] for row in weeks if row["unit_profit_reason"] == reason} == {None}
    assert {row["unit_profit_reason"] for row in weeks if row["unit_rows"] == 0} == {"no_subscribers"}


def test_weeks_and_fortnights_are_asked_for_by_their_own_ids(after_october: Bench) -> None:
    code, said = after_october.refused("executive_report", "2026-10", as_of("executive_report", FORTNIGHT))
    assert (code, "2026-10 is not a fortnight" in said) == (2, True)
    code, said = after_october.refused("experiments_weekly", "2026-10-12", as_of("experiments_weekly", WEEK))
    assert (code, WEEK in said) == (2, True)
