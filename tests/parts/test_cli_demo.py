"""``dq demo`` without a JVM: what is asked for, and how it is stopped."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo import command as demo
from dq.cli import main

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("code", [130, 143])
def test_a_demo_that_is_stopped_runs_nothing_after_the_run_that_was(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, code: int
) -> None:
    begun = []

    def run_job(name: str, argv: list[str]) -> int:
        begun.append((name, argv[1]))
        return code

    monkeypatch.setattr("dq.cli.demo.company_of", lambda _: demo)
    monkeypatch.setattr(demo, "run_job", run_job)
    monkeypatch.setattr(demo, "_make", lambda *_: None)
    monkeypatch.setattr(demo.registry, "find_root", lambda: tmp_path)
    project = demo.projects.load(ROOT)
    monkeypatch.setattr(demo.projects, "load", lambda *_: project)
    monkeypatch.setenv("DQ_DEMO_DIR", "")
    assert main(["demo"]) == code
    assert begun == [("profit_unit", "2026-09")]
    assert "stopped before its end" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("F11-ledger-marketting", "did you mean F11-ledger-marketing"),
        ("F99", "did you mean F19 or F09?"),
        ("anything", "dq demo --faults lists them"),
        ("F21", "lie in no data"),
    ],
)
def test_an_unknown_fault_is_told_in_a_line(capsys: pytest.CaptureFixture[str], fault: str, said: str) -> None:
    assert main(["demo", "--fault", fault]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert len(told) < 300
