"""A mistake in the roster stops nobody who can answer without it, and who answers from the one of before says so."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from run_records import held
from store_support import quick_disk

from dq.cli import main
from dq.declare import registry
from dq.run import run_records
from dq.store import Warehouse
from dq.tell import last_roster

__all__ = ["quick_disk"]
pytestmark = pytest.mark.usefixtures("quick_disk")


@pytest.fixture
def home(project_copy: Callable[[], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose roster was kept, and has a mistake now."""
    home = project_copy()
    monkeypatch.setenv("DQ_HOME", str(home))
    monkeypatch.setenv("DQ_WAREHOUSE", str(tmp_path / "w"))
    last_roster.keep(Warehouse(tmp_path / "w"), home, registry.load(home))
    roster = home / last_roster.FILE
    text = roster.read_text(encoding="utf-8")
    roster.write_text(text.replace("\nzone:", "\n<<<<<<< HEAD\nzone:", 1), encoding="utf-8")
    assert roster.read_text(encoding="utf-8") != text
    return home


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["oncall", "--pipeline", "profit_unit"], "on call "),
        (["oncall"], "investor_profit"),
        (["calendar", "--month", "2026-11"], "November 2026"),
    ],
)
def test_who_is_on_call_is_answered_from_the_roster_of_before_with_the_mistake_beside_it(
    home: Path, words: list[str], answer: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 0
    told = capsys.readouterr()
    said = "runbooks/roster.yml has 1 mistake (runbooks/roster.yml:"
    assert answer in told.out
    for stream in (told.out, told.err):
        assert said in stream
        assert "the roster of before, kept since " in stream
    assert main([*words, "--format", "json"]) == 0
    assert all(one["roster"].startswith(said) for one in json.loads(capsys.readouterr().out))


@pytest.mark.parametrize("words", [["--table"], ["--ical", "a.ics"]])
def test_nothing_that_stays_is_written_from_the_roster_of_before(
    home: Path, words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    page = (home / "runbooks" / "on-call.md").read_bytes()
    assert main(["oncall", *words]) == 2
    assert "runbooks/roster.yml:" in capsys.readouterr().err
    assert (home / "runbooks" / "on-call.md").read_bytes() == page
    assert not (home / "a.ics").exists()


def test_without_one_of_before_the_mistake_is_all_there_is_to_say(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DQ_WAREHOUSE", str(tmp_path / "nothing"))
    for words in (["oncall"], ["calendar"]):
        assert main(words) == 2
        assert "runbooks/roster.yml:" in capsys.readouterr().err
    assert not (tmp_path / "nothing").exists()


def test_plans_and_failing_keys_need_no_roster(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse = Warehouse(tmp_path / "w")
    warehouse.records.delete(last_roster.KIND, last_roster.NAME)
    record = held()
    run_records.save(warehouse, record)
    monkeypatch.setattr("dq.run.inspection.failing_keys", lambda *_: "the keys")
    assert main(["show", record.run, "--check", record.results[0].check]) == 0
    assert capsys.readouterr().out.strip() == "the keys"
    monkeypatch.setattr("dq.run.explain.explain", lambda _, bound, *__: bound.name)
    assert main(["explain", "profit_unit"]) == 0
    told = capsys.readouterr()
    assert (told.out.strip(), told.err) == ("profit_unit", "")
