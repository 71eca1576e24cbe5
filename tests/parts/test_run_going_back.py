"""An instant before that as of which something is published is refused, whatever else is wrong as of it."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from notify_support import ROOT
from runs_support import declare_absent
from store_support import INFO, NOW, quick_disk, seal

from dq.base.errors import UsageError
from dq.base.model import Kind, Verdict
from dq.cli import main, prevalidate
from dq.cli.job import PipelineRun
from dq.cli.which_warehouse import load_project
from dq.run import deaths, run_records
from dq.spark import session
from dq.store import Warehouse

__all__ = ["quick_disk"]
pytestmark = pytest.mark.usefixtures("quick_disk")

PUBLISHED = datetime(2026, 11, 10, 6, tzinfo=UTC)
EARLIER, LATER = "2026-11-09T06:00:00Z", "2026-11-11T06:00:00Z"


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    """October of the investors is final; what it was built on is no longer published."""
    monkeypatch.setenv("DQ_HOME", str(ROOT))
    monkeypatch.setattr(session, "session", lambda *_: pytest.fail("Spark was started"))
    warehouse = Warehouse(tmp_path / "w")
    table = warehouse.table("investor_profit")
    final = replace(INFO, kind=Kind.FINAL, as_of=PUBLISHED)
    table.commit(seal(table, "a", {"2026-10": [1]}), periods={"2026-10": final}, expected={"2026-10": None}, now=NOW)
    return warehouse


def run(warehouse: Warehouse, as_of: str) -> PipelineRun:
    argv = ["--period", "2026-10", "--as-of", as_of, "--warehouse", str(warehouse.root), "--no-docs"]
    with PipelineRun("investor_profit", argv) as ran:
        ran.publish(ran.read("profit_unit"))  # type: ignore[arg-type]  # it is left at its first use of the run
    return ran


def test_an_earlier_run_whose_upstream_is_not_there_alarms_nobody(
    warehouse: Warehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(warehouse, EARLIER).exit_code == 2
    told = capsys.readouterr()
    assert "investor_profit 2026-10 is published as final as of 2026-11-10T06:00Z" in told.err
    assert "give a later --as-of" in told.err
    assert run_records.names(warehouse, "investor_profit") == []


def test_a_later_one_is_held_though_nothing_says_yet_how_complete_it_is(warehouse: Warehouse) -> None:
    ran = run(warehouse, LATER)
    assert ran.exit_code == 3
    assert ran.record is not None
    assert ran.record.verdict is Verdict.HOLD_NOT_EVALUATED


def test_an_earlier_run_that_ends_before_anything_is_pinned_is_refused_too(
    warehouse: Warehouse, project_copy: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = project_copy()
    declare_absent(home, "invoices")
    monkeypatch.setenv("DQ_HOME", str(home))
    table = warehouse.table("profit_unit")
    days = {f"2026-10-{day:02}": [1] for day in range(1, 32)}
    expected = dict.fromkeys(days)
    table.commit(
        seal(table, "u", days), periods=dict.fromkeys(days, replace(INFO, as_of=PUBLISHED)), expected=expected, now=NOW
    )
    argv = ["--period", "2026-10", "--as-of", EARLIER, "--warehouse", str(warehouse.root), "--no-docs"]
    with PipelineRun("profit_unit", argv) as ran:
        ran.publish(ran.read("invoices"))  # type: ignore[arg-type]
    assert ran.exit_code == 2
    assert "would go back" in capsys.readouterr().err
    assert run_records.names(warehouse, "profit_unit") == []


def test_a_pre_validation_as_of_before_it_is_refused_and_keeps_nothing(
    warehouse: Warehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["prevalidate", "--month", "2026-10", "--as-of", EARLIER, "--warehouse", str(warehouse.root), "--no-docs"]
    before = sorted(warehouse.root.rglob("*"))
    assert main(argv) == 2
    assert "investor_profit 2026-10 is published as of 2026-11-10T06:00:00Z already" in capsys.readouterr().err
    assert sorted(warehouse.root.rglob("*")) == before


def test_a_damaged_log_is_left_to_the_rehearsal_of_its_pipeline(warehouse: Warehouse) -> None:
    project = load_project(Namespace(warehouse=warehouse.root, sources=None), ROOT)
    as_of = datetime(2026, 11, 9, tzinfo=UTC)
    steps = prevalidate.plan(project, warehouse, ["investor_profit"], "2026-10", as_of)
    with pytest.raises(UsageError, match="already"):
        prevalidate.refuse_to_go_back(project, warehouse, steps)
    (warehouse.root / "investor_profit" / "_delta_log" / f"{1:020d}.json").write_bytes(b"{}")
    prevalidate.refuse_to_go_back(project, warehouse, steps)


def test_a_day_published_alone_after_the_instant_is_none_of_its_days(warehouse: Warehouse) -> None:
    table, day = warehouse.table("profit_unit"), "2026-11-12"
    info = replace(INFO, as_of=datetime(2026, 11, 13, tzinfo=UTC))
    table.commit(seal(table, "d", {day: [1]}), periods={day: info}, expected={day: None}, now=NOW)
    project = load_project(Namespace(warehouse=warehouse.root, sources=None), ROOT)
    steps = prevalidate.plan(project, warehouse, ["profit_unit"], "2026-11", datetime(2026, 11, 12, 12, tzinfo=UTC))
    assert [step.pipeline for step in steps] == ["profit_unit"]
    prevalidate.refuse_to_go_back(project, warehouse, steps)


def test_a_run_that_was_refused_is_not_taken_for_one_that_died(warehouse: Warehouse) -> None:
    assert deaths.note(warehouse, "profit_unit", "first", None) is None
    before = deaths.note(warehouse, "profit_unit", "refused", None)
    deaths.take_back(warehouse, "profit_unit", "refused", before)
    assert (warehouse.records.get(deaths.KIND, "profit_unit") or {})["run"] == "first"
    deaths.take_back(warehouse, "profit_unit", "refused", None)
    assert warehouse.records.get(deaths.KIND, "profit_unit"), "another's note is not this run's to remove"
    deaths.take_back(warehouse, "profit_unit", "first", None)
    assert warehouse.records.get(deaths.KIND, "profit_unit") is None
