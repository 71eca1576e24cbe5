"""Which folders runs write into: a warehouse, and one that is empty or not there; nobody's own files."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pytest
from notify_support import ROOT
from store_support import publish, quick_disk

from dq.base.errors import UsageError
from dq.cli import main
from dq.cli.which_warehouse import open_warehouse, warehouse_to_fill
from dq.declare import project as projects
from dq.spark import session
from dq.store import Warehouse

__all__ = ["quick_disk"]
pytestmark = pytest.mark.usefixtures("quick_disk")

PERIOD = ["--period", "2026-10", "--as-of", "2026-11-04T06:00:00Z"]


@pytest.mark.parametrize(
    "words",
    [
        ["run", "profit_unit", *PERIOD],
        ["run", "--all", *PERIOD],
        ["backfill", "profit_unit", "--from", "2026-10", "--to", "2026-10"],
        ["prevalidate", "--month", "2026-10", "--as-of", "2026-10-23"],
    ],
)
def test_a_folder_of_something_else_is_refused_before_spark_starts_and_nothing_is_written_into_it(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DQ_HOME", str(ROOT))
    monkeypatch.setattr(session, "session", lambda *_: pytest.fail("Spark was started"))
    home = tmp_path / "home"
    (home / "letters").mkdir(parents=True)
    (home / "letters" / "one.txt").write_text("dear")
    assert main([*words, "--warehouse", str(home), "--no-docs"]) == 2
    told = capsys.readouterr()
    assert f"{home} is not a warehouse: it holds something else" in told.err
    assert "expected an empty folder" in told.err.lower()
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["home", "letters", "one.txt"]


def fill(folder: Path) -> Warehouse:
    return warehouse_to_fill(Namespace(warehouse=folder), projects.load(ROOT))


def test_what_is_empty_or_not_there_or_a_warehouse_without_its_records_is_taken(tmp_path: Path) -> None:
    assert fill(tmp_path / "new").root == tmp_path / "new"
    (tmp_path / "mount" / "lost+found").mkdir(parents=True)
    (tmp_path / "mount" / ".DS_Store").touch()
    fill(tmp_path / "mount").prepare()
    old = Warehouse(tmp_path / "old")
    publish(old.table("profit_unit"), "a", {"2026-10": [1]})
    for records in (old.root / "_dq").iterdir():
        records.rmdir()
    (old.root / "_dq").rmdir()
    (old.root / "notes.txt").touch()
    fill(old.root).prepare()
    assert open_warehouse(Namespace(warehouse=old.root)).is_one()


@pytest.mark.parametrize("name", ["profit_unit", "_delta_log", "data"])
def test_a_folder_that_only_has_the_name_of_a_table_is_something_else(tmp_path: Path, name: str) -> None:
    (tmp_path / name / "data").mkdir(parents=True)
    with pytest.raises(UsageError, match="holds something else"):
        fill(tmp_path)
