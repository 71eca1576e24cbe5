"""Pre-validation on the demo company: a month so far is judged, nothing is published, the answer is kept."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from runs_support import Bench

from demo import catalogue, defects
from demo.defects import Edit
from dq import store
from dq.cli import main
from dq.declare import registry

pytestmark = [pytest.mark.run, pytest.mark.usefixtures("two_pipelines")]

MONTH = "2026-10"
ON_THE_DAY = "2026-10-23T12:00:00Z"  # the 25th is a Sunday: it is due on the Friday before
LATER = "2026-10-26T12:00:00Z"


def prevalidate(bench: Bench, as_of: str, *words: str, month: str = MONTH) -> tuple[int, str, str]:
    os.environ["DQ_DEMO_DIR"], os.environ["DQ_HOME"] = str(bench.sources), str(bench.home)
    bench.capsys.readouterr()
    command = ["prevalidate", "--month", month, "--as-of", as_of, "--warehouse", str(bench.warehouse)]
    code = main([*command, *([] if "--docs" in words else ["--no-docs"]), *words])
    captured = bench.capsys.readouterr()
    return code, captured.out, captured.err


KEPT = {"prevalidations", "incidents", "rosters"}
"""What a pre-validation keeps: its answer, the incidents it tells of, and the roster it had, should the next not do."""


def files(folder: Path) -> dict[str, str]:
    """The digest of every file of a warehouse but those a pre-validation keeps."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not KEPT & {*path.parts}
    }


def test_a_clean_month_so_far_is_ready_and_nothing_of_the_warehouse_changes(after_september: Bench) -> None:
    before = files(after_september.warehouse)
    code, out, err = prevalidate(after_september, ON_THE_DAY)
    assert code == 0, out + err
    lines = out.splitlines()
    assert lines[0].startswith(f"pre-validation of {MONTH} as of 2026-10-23T12:00Z: READY   due Fri 23 Oct, today")
    assert [line.split()[:2] for line in lines if line.startswith("  READY")] == [
        ["READY", "profit_unit"],
        ["READY", "investor_profit"],
    ]
    assert any(line.startswith("pending until Sat 31 Oct (preliminary): ") for line in lines)
    assert files(after_september.warehouse) == before
    kept = store.Warehouse(after_september.warehouse).records.all("prevalidations")
    assert [document["state"] for document in kept.values()] == ["ready"]


def test_a_defect_after_the_due_day_is_told_with_its_owner_and_what_changed(
    after_september: Bench, spark: SparkSession, tmp_path: Path
) -> None:
    assert prevalidate(after_september, ON_THE_DAY)[0] == 0
    defects.apply(spark, after_september.sources, catalogue.find("F01-revenue-account_id", MONTH))
    code, out, _ = prevalidate(after_september, LATER, "--cards", "--docs", str(tmp_path / "docs"))
    assert code == 3, "what is built on a pipeline that is not ready cannot be told"
    assert "  NOT READY    profit_unit" in out
    assert "  CANNOT TELL  investor_profit" in out
    assert "since Fri 23 Oct: profit_unit was ready, is not ready" in out
    assert "since Fri 23 Oct became red: " in out
    assert "past the day it was due" in out
    assert "countdown: " in out
    assert "T-0 Fri 23 Oct" in out
    assert "owner  Finance and Risk Teams; on call " in out
    assert "to the Lead" in out
    assert "NOT READY  profit_unit 2026-10, data through 25 Oct" in out
    assert not store.Warehouse(after_september.warehouse).table("profit_unit").entry(f"{MONTH}-01")
    pages = [page.read_text(encoding="utf-8") for page in (tmp_path / "docs").rglob("*.html")]
    assert any("NOT READY" in page for page in pages)


def test_programs_get_the_answer_and_its_runs_as_one_document(after_september: Bench) -> None:
    code, out, _ = prevalidate(after_september, ON_THE_DAY, "--format", "json")
    document = json.loads(out)
    assert (code, document["prevalidation"]["state"], document["prevalidation"]["due"]) == (0, "ready", "2026-10-23")
    assert {run["pipeline"] for run in document["runs"]} == {"profit_unit", "investor_profit"}
    assert all(run["rehearsal"] for run in document["runs"])


@pytest.mark.slow
@pytest.mark.whole_registry
@pytest.mark.timeout(1_200)
def test_every_investor_pipeline_is_judged_on_the_month_so_far(after_september: Bench) -> None:
    """All of them, on a warehouse where nothing of the month is published: each is built on what was rehearsed."""
    code, out, err = prevalidate(after_september, ON_THE_DAY)
    assert code == 0, out + err
    told = {line.split()[1] for line in out.splitlines() if line.startswith("  READY")}
    declared = registry.load(registry.find_root()).pipelines
    assert told == {name for name, one in declared.items() if one.investors} | {"user_days"}
    tables = store.Warehouse(after_september.warehouse)
    assert all(tables.table(name).entry(MONTH) is None for name in ("investor_growth", "investor_engagement"))


TWICE = Edit(
    file="jobs/executive_report.py",
    old="        profit_figures(in_window(profit, window), window)\n",
    new="        profit_figures(\n            in_window(profit, window)"
    ".unionByName(profit.where(\"day = DATE'2026-11-24'\")), window\n        )\n",
)


@pytest.mark.slow
@pytest.mark.whole_registry
@pytest.mark.timeout(1_800)
def test_a_fortnight_that_runs_on_into_the_next_month_is_judged_on_its_days_so_far(
    after_september: Bench, project_copy: Callable[[], Path]
) -> None:
    """On 25 November the fortnight of 23 November has two whole days; none of December, in which it ends, is there."""
    month, as_of, fortnight = "2026-11", "2026-11-25T12:00:00Z", "2026-11-23"
    for name in registry.load(registry.find_root()).order():
        if name not in ("executive_report", "experiments_weekly"):
            assert after_september.run(name, month, as_of).code == 0, name
    before = files(after_september.warehouse)

    code, out, err = prevalidate(after_september, as_of, "--format", "json", month=month)
    assert code == 0, out + err
    answer = json.loads(out)
    report = next(one for one in answer["prevalidation"]["pipelines"] if one["pipeline"] == "executive_report")
    assert (report["state"], report["periods"]) == ("ready", ["2026-11-09", fortnight])
    run = next(one for one in answer["runs"] if one["period"] == fortnight)
    assert (run["verdict"], run["data_through"], run["kind"]) == ("publish", "2026-11-24", "month_to_date")
    red = [one for one in run["results"] if one["outcome"] in ("failed", "errored") and one["severity"] != "info"]
    assert red == []
    assert files(after_september.warehouse) == before, "no later run can take it for figures that are published"

    after_september.home = project_copy()
    text = (after_september.home / TWICE.file).read_text(encoding="utf-8")
    assert TWICE.old in text
    (after_september.home / TWICE.file).write_text(text.replace(TWICE.old, TWICE.new), encoding="utf-8")
    code, out, err = prevalidate(after_september, as_of, "--cards", month=month)
    assert code == 1, out + err
    assert [line.split()[2] for line in out.splitlines() if line.startswith("  NOT READY")] == ["executive_report"]
    assert f"NOT READY  executive_report {fortnight}, data through 24 Nov" in out
    units = {"report_profit_is_that_of_its_units", "report_revenue_is_that_of_its_units"}
    last_day = {"report_seats_are_those_of_the_last_day", "report_seats_are_those_of_growth_too"}
    (red,) = re.findall(r"^ +red +((?:.+,\n)*.+)", out, re.MULTILINE)
    assert set(re.split(r",\s+", red)) == units | last_day | {"report_revenue_is_that_of_growth_too"}
    assert "NOT READY  executive_report 2026-11-09" not in out, "it has no such day"
    assert files(after_september.warehouse) == before
