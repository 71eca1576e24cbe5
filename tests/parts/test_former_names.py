"""What was published under another name: declared once, refused where it is ambiguous, found by the old name."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dq.base.former import Former
from dq.cli import main
from dq.declare import project, registry
from dq.run.guarded import GuardedRun
from dq.run.phases import Options

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("column", "says", "said"),
    [
        (
            "cohort_churn_rate",
            "formerly: mrr_churn",
            "columns.cohort_churn_rate.formerly: mrr_churn is still a column of the table; it cannot be both",
        ),
        (
            "cohort_churn_rate",
            "formerly: ttm_mrr_churn_rate",
            "formerly: ttm_mrr_churn_rate is what cohort_churn_rate was called; it cannot be both",
        ),
        (
            "mrr_opening",
            "formerly: mrr_start",
            "columns.mrr_opening.formerly: a total is recorded by its name in every version, so that it keeps it",
        ),
        (
            "row_kind",
            "values_formerly: {total: company, company: total}",
            "values_formerly.total: company is the former name of one value alone, and no present one",
        ),
        (
            "row_kind",
            "values_formerly: {total: company, product: company}",
            "values_formerly.product: company is the former name of one value alone",
        ),
        (
            "mrr_lost",
            "values_formerly: {one: two}",
            "columns.mrr_lost.values_formerly: only values of type string are names",
        ),
    ],
)
def test_lint_refuses_a_former_name_that_cannot_be_told_apart(
    project_copy: Callable[[], Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    column: str,
    says: str,
    said: str,
) -> None:
    home = project_copy()
    monkeypatch.setenv("DQ_HOME", str(home))
    declared = home / "jobs/pipelines.yml"
    before, name, table = declared.read_text(encoding="utf-8").partition("\n  investor_growth:\n")
    table, times = re.subn(
        rf"(\n        {column}: {{.*?)(formerly: \w+, )?(description:)", rf"\1{says}, \3", table, count=1
    )
    assert times == 1
    declared.write_text(f"{before}{name}{table}", encoding="utf-8")
    assert main(["lint"]) == 1
    assert said in capsys.readouterr().err


def test_a_row_is_given_the_names_of_today_unless_it_has_them_already() -> None:
    former = Former(columns={"old": "new"}, values={"metric": {"churn": "cohort_churn"}})
    assert former.row({"old": 1, "metric": "churn"}) == {"new": 1, "metric": "cohort_churn"}
    assert former.row({"old": 1, "new": 2, "metric": None}) == {"old": 1, "new": 2, "metric": None}
    assert former.row({"metric": "margin"}) == {"metric": "margin"}


def test_a_column_is_found_by_what_it_was_called(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lint", "--metrics", "mrr_churn_rate"]) == 0
    told = capsys.readouterr().out
    assert "  cohort_churn_rate  (decimal(18,6); ratio)\n" in told
    assert "Formerly mrr_churn_rate." in told
    assert main(["lint", "--metrics", "executive_report"]) == 0
    assert "cohort_churn_rate was formerly churn_rate." in capsys.readouterr().out


def test_the_repository_declares_what_its_columns_and_metrics_were_called() -> None:
    former = registry.load(ROOT).former
    assert former["investor_growth"].columns["mrr_growth"] == "mrr_change_ratio"
    assert former["experiments_weekly"].columns["mrr_growth"] == "mrr_growth_rate"
    assert former["executive_report"].values["metric"]["churn_rate"] == "cohort_churn_rate"
    assert former["growth_daily"] == Former()


def test_a_run_reads_every_table_under_the_names_of_today(tmp_path: Path) -> None:
    declared = project.load(ROOT)
    options = Options(period="2026-10", as_of=datetime(2026, 11, 5, 6, tzinfo=UTC), warehouse=tmp_path, docs=None)
    task = GuardedRun(declared, declared.pipeline("investor_growth"), options).task
    assert task.table.former.columns["mrr_churn_rate"] == "cohort_churn_rate"
    assert task.warehouse.table("executive_report").former.values["metric"]["churn_rate"] == "cohort_churn_rate"
