"""What was published under another name: declared once, refused where it is ambiguous, found by the old name."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import run_records

from dq import store
from dq.base.former import Former
from dq.base.model import Kind, Verdict
from dq.cli import main
from dq.declare import project, registry
from dq.run.guarded import GuardedRun
from dq.run.inspection import figures
from dq.run.phases import Audited, Options
from dq.run.record import replaced

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
    told = capsys.readouterr().out
    assert "  metric cohort_churn_rate  (ratio)\n      mrr_lost / mrr_opening:" in told
    assert "Formerly churn_rate." in told


def test_the_repository_declares_what_its_columns_and_metrics_were_called() -> None:
    former = registry.load(ROOT).former
    assert former["investor_growth"].columns["mrr_growth"] == "mrr_change_ratio"
    assert former["experiments_weekly"].columns["mrr_growth"] == "mrr_growth_rate"
    assert former["executive_report"].values["metric"]["churn_rate"] == "cohort_churn_rate"
    assert former["executive_report"].values["change_ratio_reason"]["previous_no_opening"] == "previous_no_opening_mrr"
    assert former["growth_daily"] == Former()


def test_the_check_of_a_required_column_keeps_its_id_under_the_new_name() -> None:
    renamed = {
        name: [column for column, spec in item.publishes.columns.items() if spec.required and spec.formerly]
        for name, item in registry.load(ROOT).pipelines.items()
    }
    assert {name: columns for name, columns in renamed.items() if columns} == {"investor_profit": ["seats"]}
    ids = {check.check for check in project.load(ROOT).pipeline("investor_profit").all_checks}
    assert "investor_profit.subscribers.required" in ids
    assert "investor_profit.seats.required" not in ids


def test_totals_of_earlier_versions_stand_under_the_names_of_today(tmp_path: Path) -> None:
    declared = project.load(ROOT)
    options = Options(period="2026-10", as_of=datetime(2026, 11, 5, 6, tzinfo=UTC), warehouse=tmp_path, docs=None)
    task = GuardedRun(declared, declared.pipeline("investor_profit"), options).task
    earlier = store.PeriodEntry(
        period="2026-10",
        run="r-1",
        version=1,
        fingerprint="f",
        seal="s",
        schema_json="{}",
        kind=Kind.PRELIMINARY,
        data_through=date(2026, 10, 30),
        verdict=Verdict.PUBLISH,
        files=(),
        totals={"revenue": "90", "subscribers": "8"},
    )
    reached = object.__new__(Audited)
    now = {"before": [earlier], "totals_by_period": {earlier.period: {"revenue": "100", "seats": "9"}}}
    for name, value in now.items():
        object.__setattr__(reached, name, value)
    found = replaced(task, reached)
    assert found is not None
    assert (found.moved["revenue"], found.moved["seats"], found.moved["profit"]) == ("10", "1", None)
    record = run_records.record(totals=earlier.totals)
    line = next(one for one in figures(task.warehouse, declared.registry, record).splitlines() if "seats" in one)
    assert line.split() == ["seats", "8", "-"]


def test_a_run_reads_every_table_under_the_names_of_today(tmp_path: Path) -> None:
    declared = project.load(ROOT)
    options = Options(period="2026-10", as_of=datetime(2026, 11, 5, 6, tzinfo=UTC), warehouse=tmp_path, docs=None)
    task = GuardedRun(declared, declared.pipeline("investor_growth"), options).task
    assert task.table.former.columns["mrr_churn_rate"] == "cohort_churn_rate"
    assert task.warehouse.table("executive_report").former.values["metric"]["churn_rate"] == "cohort_churn_rate"
