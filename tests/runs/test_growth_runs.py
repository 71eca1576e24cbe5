"""Guarded runs of growth_daily and investor_growth on the demo company, and the defects that they must find."""

from __future__ import annotations

import os
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from runs_support import FINAL, ROOT, Bench, Ran, hard_links

from dq.model import Kind, Outcome, Severity, Verdict

MONTH = "2026-10"
PARTS = ("opening", "new", "expansion", "contraction", "churn", "transferred_in", "transferred_out", "closing")


@pytest.fixture(scope="module")
def grown(company: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse in which September is published by both pipelines, as final."""
    from dq.cli.run import run_job

    warehouse = tmp_path_factory.mktemp("grown") / "w"
    os.environ["DQ_DEMO_DIR"], os.environ["DQ_HOME"] = str(company), str(ROOT)
    for pipeline in ("growth_daily", "investor_growth"):
        argv = ["--period", "2026-09", "--as-of", FINAL["2026-09"], "--warehouse", str(warehouse), "--no-docs"]
        assert run_job(pipeline, argv) == 0
    return warehouse


@pytest.fixture
def after_september(grown: Path, bench: Bench) -> Bench:
    """The company with September published by both pipelines."""
    hard_links(grown, bench.warehouse)
    return bench


def alarms(ran: Ran) -> list[str]:
    return [name for name in ran.alarms if ran.result(name).severity is not Severity.INFO]


def test_a_clean_month_is_published_by_both_without_an_alarm_and_every_bridge_closes(
    spark: SparkSession, after_september: Bench
) -> None:
    for pipeline in ("growth_daily", "investor_growth"):
        ran = after_september.run(pipeline, "2026-09")
        assert (ran.code, ran.record.verdict, ran.record.kind) == (0, Verdict.PUBLISH, Kind.FINAL), ran.out
        assert alarms(ran) == []
        assert ran.record.already_published
    rows = after_september.published(spark, "investor_growth", "2026-09")
    (total,) = (row for row in rows if row["row_kind"] == "total")
    for row in rows:
        for name in ("mrr", "licences"):
            opening, new, more, less, churn, came, went, closing = (row[f"{name}_{part}"] for part in PARTS)
            assert opening + new + more + came - less - churn - went == closing  # type: ignore[operator]
    assert Decimal(str(total["mrr_new"])) > 0
    assert Decimal(str(total["mrr_churn"])) > 0
    units = after_september.published(spark, "growth_daily", "2026-09")
    assert sum(u["mrr_closing"] for u in units if u["day"] == date(2026, 9, 30)) == total["mrr_closing"]
    assert {row["product"] for row in rows} == {"total", "analytics", "cloud", "collaboration", "security"}
    assert any(u["licensed_users"] for u in units)
    assert any(u["tickets_resolved"] for u in units)


@pytest.mark.slow
def test_the_month_that_follows_opens_with_what_the_last_one_closed_with(after_september: Bench) -> None:
    assert after_september.run("growth_daily", MONTH).code == 0
    ran = after_september.run("investor_growth", MONTH)
    assert ran.code == 0, ran.out
    assert ran.result("opening_is_the_last_published_closing").outcome is Outcome.PASSED
    assert alarms(ran) == []
