"""The two reports that are built on everything else: clean, delivered, and with each seeded defect of their own."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from catches import caught_by
from pyspark.sql import SparkSession
from runs_support import ROOT, Bench, hard_links

from dq.cli import main
from dq.cli.run import run_job
from dq.demo import catalogue, defects
from dq.demo.catalogue_reports import reports
from dq.demo.defects import Defect
from dq.model import Outcome, Severity
from dq.project import load
from dq.run.schedule import scheduled_as_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_500)]
MONTH = "2026-10"
FORTNIGHT, WEEK = "2026-10-12", "2026-W42"
PERIODS = {"executive_report": FORTNIGHT, "experiments_weekly": WEEK}


def as_of(pipeline: str, period: str) -> str:
    project = load(ROOT)
    item = project.registry.pipelines[pipeline]
    return scheduled_as_of(item.scheduled, project.roster.calendar, period, item.grain).isoformat()


@pytest.fixture(scope="module")
def october(spark: SparkSession, company: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse in which every table the reports are built on has published October."""
    warehouse = tmp_path_factory.mktemp("reports") / "w"
    os.environ["DQ_DEMO_DIR"], os.environ["DQ_HOME"] = str(company), str(ROOT)
    project = load(ROOT)
    for pipeline in project.registry.order():
        if pipeline not in PERIODS:
            argv = ["--period", MONTH, "--as-of", as_of(pipeline, MONTH), "--warehouse", str(warehouse), "--no-docs"]
            assert run_job(pipeline, argv) == 0, pipeline
    return warehouse


@pytest.fixture
def after_october(october: Path, bench: Bench) -> Bench:
    hard_links(october, bench.warehouse)
    return bench


@pytest.mark.parametrize("pipeline", sorted(PERIODS))
def test_a_clean_period_is_published_without_an_alarm(after_october: Bench, pipeline: str) -> None:
    ran = after_october.run(pipeline, PERIODS[pipeline], as_of(pipeline, PERIODS[pipeline]))
    assert (ran.code, ran.record.version) == (0, 1), ran.out
    assert [name for name in ran.alarms if ran.result(name).severity is not Severity.INFO] == []


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


def test_a_report_that_cannot_be_delivered_is_published_and_owed(after_october: Bench, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "reports").write_text("in the way", encoding="utf-8")
    instant = as_of("executive_report", FORTNIGHT)
    ran = after_october.run("executive_report", FORTNIGHT, instant, "--docs", str(docs))
    assert (ran.code, ran.record.version) == (4, 1)
    owed = ran.result("executive_report.report.delivered")
    assert (owed.outcome, owed.failure_class) == (Outcome.FAILED, "F21")
    assert "report-not-delivered-or-late" in ran.record.guidance[owed.check].runbook
    (docs / "reports").unlink()
    again = after_october.run("executive_report", FORTNIGHT, instant, "--docs", str(docs))
    assert (again.code, again.record.already_published) == (0, True)
    assert again.result("executive_report.report.delivered").outcome is Outcome.PASSED
    assert (docs / "reports" / "executive_report" / f"{FORTNIGHT}-v1.html").is_file()


def test_weeks_and_fortnights_are_asked_for_by_their_own_ids(after_october: Bench) -> None:
    code, said = after_october.refused("executive_report", "2026-10", as_of("executive_report", FORTNIGHT))
    assert (code, "2026-10 is no fortnight" in said) == (2, True)
    code, said = after_october.refused("experiments_weekly", "2026-10-12", as_of("experiments_weekly", WEEK))
    assert (code, WEEK in said) == (2, True)


@pytest.mark.parametrize("defect", reports(MONTH), ids=lambda defect: defect.id)
def test_every_defect_of_the_reports_is_caught(
    request: pytest.FixtureRequest, after_october: Bench, project_copy: Callable[[], Path], defect: Defect
) -> None:
    assert defect.id in {one.id for one in catalogue.catalogue(MONTH)}
    bench = after_october
    bench.home = project_copy()
    defects.edit(bench.home, defect)
    period = PERIODS[defect.pipeline]
    ran = bench.run(defect.pipeline, period, as_of(defect.pipeline, period))
    found = ran.result(defect.expected_check)
    assert found.outcome in (Outcome.FAILED, Outcome.ERRORED), ran.out
    assert (found.failure_class, found.severity) == (defect.failure_class, defect.severity)
    caught_by(request, defect.id, [found.check])
    guidance = ran.record.guidance[found.check]
    assert "#" in guidance.runbook
    assert guidance.owner
    assert guidance.on_call
    assert ran.code in (1, 3)
    assert ran.record.version is None
