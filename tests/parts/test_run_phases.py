"""What is known of a run: one frozen value per phase, and a run that ends early keeps the last of them."""

from __future__ import annotations

import ast
from dataclasses import FrozenInstanceError, fields, is_dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from notify_support import ROOT
from store_support import INFO, NOW, quick_disk, seal

import dq
from dq.base.model import Kind, Outcome, Window
from dq.cli import main
from dq.cli.job import Asked, PipelineRun
from dq.cli.which_warehouse import Places
from dq.run import phases
from dq.run.phases import Audited, Begun, Checked, Computed, Keyed, Opened, Pinned, Read
from dq.spark import session
from dq.store import Warehouse

__all__ = ["quick_disk"]

CHAIN = (Begun, Pinned, Read, Keyed, Opened, Checked, Computed, Audited)
OCTOBER = Window(
    period="2026-10",
    start=date(2026, 10, 1),
    end=date(2026, 10, 31),
    data_through=date(2026, 10, 31),
    as_of=datetime(2026, 11, 4, 6, tzinfo=UTC),
    kind=Kind.PRELIMINARY,
)


def test_each_phase_holds_what_the_one_before_knew_and_none_changes() -> None:
    known: set[str] = set()
    for phase in CHAIN:
        found = {one.name for one in fields(phase)}
        assert known < found, phase
        known = found
    begun = Begun(window=OCTOBER, stays=4)
    with pytest.raises(FrozenInstanceError):
        begun.stays = 5  # type: ignore[misc]
    keyed = phases.after(begun, Keyed, key="k")
    assert (keyed.window, keyed.stays, keyed.key) == (OCTOBER, 4, "k")


def test_every_value_of_a_run_is_frozen() -> None:
    values = [one for one in vars(phases).values() if isinstance(one, type) and one.__module__ == phases.__name__]
    changing = [one.__name__ for one in values if is_dataclass(one) and not one.__dataclass_params__.frozen]  # type: ignore[attr-defined]
    assert (len(values) > len(CHAIN), changing) == (True, [])


def test_only_the_job_holds_the_run_itself_and_no_context_variable_carries_what_is_asked_for() -> None:
    holders, variables = set(), set()
    for path in (ROOT / "dq").rglob("*.py"):
        name = path.relative_to(ROOT).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom | ast.Import):
                imported = ast.unparse(node)
                holders |= {name} if "GuardedRun" in imported else set()
                variables |= {name} if "contextvars" in imported else set()
    assert (holders, variables) == ({"dq/cli/job.py"}, set())


@pytest.mark.usefixtures("quick_disk")
def test_a_run_whose_second_upstream_is_not_there_names_the_first_among_its_inputs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DQ_HOME", str(ROOT))
    monkeypatch.setattr(session, "session", lambda *_: pytest.fail("Spark was started"))
    warehouse = Warehouse(tmp_path / "w")
    table, days = warehouse.table("profit_unit"), {"2026-10-26": [1], "2026-10-27": [1]}
    table.commit(seal(table, "a", days), periods=dict.fromkeys(days, INFO), expected=dict.fromkeys(days), now=NOW)
    as_of = datetime(2026, 10, 28, 5, tzinfo=UTC)
    asked = Asked(period="2026-10-26", as_of=as_of, places=Places(warehouse=warehouse.root, no_docs=True))
    with PipelineRun("executive_report", asked) as run:
        run.publish(run.read("profit_unit"))  # type: ignore[arg-type]  # it is left at its first use of the run
    record = run.record
    assert record is not None
    assert (run.exit_code, [one.name for one in record.inputs]) == (3, ["profit_unit"]), capsys.readouterr().out
    completes = next(one for one in record.results if one.outcome is Outcome.ERRORED)
    assert "has not published" in completes.reason


def test_dq_run_hands_its_job_what_it_was_asked_for(
    project_copy: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = project_copy()  # type: ignore[operator]
    monkeypatch.setenv("DQ_HOME", str(home))
    (home / "jobs" / "profit_unit.py").write_text("def main(argv):\n    print(repr(argv))\n    return 0\n")
    words = ["run", "profit_unit", "--period", "2026-10", "--as-of", "2026-11-04", "--no-docs", "--format", "json"]
    assert main([*words, "--warehouse", str(tmp_path / "w h")]) == 0
    places = Places(warehouse=tmp_path / "w h", no_docs=True)
    wanted = Asked(period="2026-10", as_of=datetime(2026, 11, 4, tzinfo=UTC), places=places, format="json")
    assert capsys.readouterr().out.strip() == repr(wanted)


def test_a_job_takes_a_command_line_and_what_dq_run_hands_it_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DQ_HOME", str(ROOT))
    line = ["--period", "2026-99", "--as-of", "2026-11-04", "--warehouse", str(tmp_path), "--no-docs"]
    asked = Asked(period="2026-99", as_of=datetime(2026, 11, 4, tzinfo=UTC), places=Places(warehouse=tmp_path))
    told = []
    for given in (line, asked):
        with dq.pipeline_run("profit_unit", given) as run:
            run.read("revenue")
        told.append((run.exit_code, capsys.readouterr().err))
    assert told[0] == told[1]
    assert (told[0][0], "2026-99" in told[0][1]) == (2, True)
