"""Garbage collection: what no commit refers to goes after a time; all else, and every open outcome, stays."""

from __future__ import annotations

import logging
import os
import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from store_support import NOW, commit, faulty, publish, quick_disk, read, read_view, seal, write_staged

from dq.base.errors import CommitUnknownError, ConflictError, StoreError
from dq.store import Table, Warehouse

DAY = timedelta(days=1)

__all__ = ["quick_disk"]
pytestmark = pytest.mark.usefixtures("quick_disk")


@pytest.fixture
def table(tmp_path: Path) -> Table:
    return Warehouse(tmp_path).table("t")


def in_ten_years() -> datetime:
    return datetime.now(NOW.tzinfo) + timedelta(days=3650)


def collected(table: Table, keep: set[str] | None = None) -> list[str]:
    return [one.path for one in table.gc(in_ten_years(), DAY, keep or set())]


def lose(table: Table, run: str) -> None:
    """A run that was promoted and then overtaken: its folder under data is referred to by nothing."""
    warehouse, filesystem = faulty(table._root, "")
    filesystem.hooks[("put_if_absent", "_delta_log")] = lambda: (
        publish(table, f"{run}-first", {"2026-10": [1]}) and None
    )
    with pytest.raises(ConflictError):
        publish(warehouse.table(table.name), run, {"2026-10": [0]})


def test_old_staging_goes_with_its_bytes_and_young_or_kept_staging_stays(table: Table) -> None:
    write_staged(table, "held", {"2026-10": [1]})
    write_staged(table, "kept", {"2026-10": [1]})
    assert table.gc(datetime.now(NOW.tzinfo), DAY) == []
    removed = table.gc(in_ten_years(), DAY, {"kept"})
    assert [one.path for one in removed] == ["t/_staging/held"]
    assert removed[0].bytes > 300
    assert not Path(table.staged("held")).exists()
    assert Path(table.staged("kept")).exists()


def test_age_counts_from_the_newest_file_and_the_boundary_stays(table: Table) -> None:
    folder = write_staged(table, "r1", {"2026-10": [1]})
    newest = NOW.timestamp()
    for path in (*folder.rglob("*"), folder):
        os.utime(path, (newest - 9e6, newest - 9e6))
    os.utime(next(folder.glob("*/*.parquet")), (newest, newest))
    assert table.gc(NOW + DAY, DAY) == []
    assert len(table.gc(NOW + DAY + timedelta(seconds=1), DAY)) == 1


def test_what_any_commit_refers_to_stays_readable_by_version(table: Table, tmp_path: Path) -> None:
    publish(table, "r1", {"2026-10": [1]})
    publish(table, "r2", {"2026-10": [2]})
    assert collected(table) == []
    assert read(table, 1) == {"2026-10": [1]}
    assert read(table) == {"2026-10": [2]} == read_view(table, tmp_path)


def test_the_view_that_readers_use_stays_even_when_it_could_not_be_renewed(tmp_path: Path) -> None:
    table = Warehouse(tmp_path).table("t")
    publish(table, "r1", {"2026-10": [1]})
    warehouse, _ = faulty(tmp_path, "persistent", only="current")
    publish(warehouse.table("t"), "r2", {"2026-10": [2]})
    assert collected(table) == []
    assert read_view(table, tmp_path) == {"2026-10": [1]}


def test_a_run_that_certainly_lost_goes(table: Table) -> None:
    lose(table, "loser")
    assert collected(table) == ["t/data/loser"]
    assert read(table) == {"2026-10": [1]}


def test_a_run_whose_outcome_is_open_stays_until_another_commit_has_its_number(tmp_path: Path) -> None:
    warehouse, _ = faulty(tmp_path, "persistent", only="_delta_log/")
    with pytest.raises(CommitUnknownError):
        publish(warehouse.table("t"), "open", {"2026-10": [1]})
    table = Warehouse(tmp_path).table("t")
    assert collected(table) == []
    publish(table, "r2", {"2026-11": [2]})
    assert "t/data/open" in collected(table)


def test_a_run_that_lost_one_number_and_is_open_at_the_next_stays(tmp_path: Path) -> None:
    warehouse, filesystem = faulty(tmp_path, "persistent", 2, only="_delta_log/")
    table = Warehouse(tmp_path).table("t")
    filesystem.hooks[("put_if_absent", "_delta_log")] = lambda: publish(table, "r2", {"2026-11": [2]}) and None
    with pytest.raises(CommitUnknownError, match="version 2"):
        publish(warehouse.table("t"), "open", {"2026-10": [1]})
    assert collected(table) == []
    publish(table, "r3", {"2026-12": [3]})
    assert "t/data/open" in collected(table)


def test_a_run_that_died_before_its_commit_stays_until_its_number_is_taken(tmp_path: Path) -> None:
    table = Warehouse(tmp_path).table("t")
    manifest = seal(table, "died", {"2026-10": [1]})
    table._promote(manifest)
    assert collected(table) == []
    assert commit(table, manifest).version == 1
    assert collected(table) == []


def test_an_unreadable_intent_counts_as_open(table: Table, tmp_path: Path) -> None:
    lose(table, "loser")
    (tmp_path / "t" / "data" / "loser" / "_commit.json").write_bytes(b"{")
    assert collected(table) == []


@pytest.mark.parametrize(
    ("version", "left", "told"),
    [
        (2, 50, "while commit 2 is damaged"),
        (3, 50, "while its log is not whole: .*version 3, the newest, is damaged"),
        (2, 0, "while its log is not whole: .*version 2 is missing"),
        (3, 0, "while its log is not whole: .*version 3, which readers were shown, is missing"),
    ],
)
def test_nothing_under_data_goes_while_a_commit_is_damaged_or_missing(
    table: Table, tmp_path: Path, caplog: pytest.LogCaptureFixture, version: int, left: int, told: str
) -> None:
    lose(table, "loser")
    publish(table, "r2", {"2026-10": [2]})
    publish(table, "r3", {"2026-10": [3]})
    path = tmp_path / "t" / "_delta_log" / f"{version:020d}.json"
    whole = path.read_bytes()
    path.write_bytes(whole[:left]) if left else path.unlink()
    with caplog.at_level(logging.WARNING, "dq.store"):
        assert collected(table) == []
    assert re.search(told, caplog.text)
    path.write_bytes(whole)
    assert collected(table) == ["t/data/loser"]
    assert read(table, version=2) == {"2026-10": [2]}
    assert read(table) == {"2026-10": [3]}


def test_a_writer_whose_staging_was_collected_publishes_nothing(table: Table) -> None:
    manifest = seal(table, "late", {"2026-10": [1]})
    assert collected(table) == ["t/_staging/late"]
    with pytest.raises(StoreError):
        commit(table, manifest)
    assert table.current() is None


def test_a_run_that_is_committed_while_it_is_collected_is_put_back(tmp_path: Path) -> None:
    table = Warehouse(tmp_path).table("t")
    lose(table, "loser")
    manifest = table.sealed("loser")
    assert manifest is not None
    warehouse, filesystem = faulty(tmp_path, "")
    filesystem.hooks[("move", "t/data/loser")] = lambda: commit(table, manifest) and None
    assert warehouse.table("t").gc(in_ten_years(), DAY) == []
    assert read(table) == {"2026-10": [0]}


def test_a_collection_that_died_is_finished_by_the_next(tmp_path: Path) -> None:
    table = Warehouse(tmp_path).table("t")
    write_staged(table, "held", {"2026-10": [1]})
    lose(table, "loser")
    warehouse, _ = faulty(tmp_path, "persistent", only="_trash")
    with pytest.raises(StoreError):
        warehouse.table("t").gc(in_ten_years(), DAY)
    assert sorted(collected(table)) == ["t/_staging/held", "t/data/loser"]
    assert not list((tmp_path / "t" / "_trash").rglob("*.parquet"))


def test_links_and_strange_names_are_left_alone(table: Table, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "keep").touch()
    staging = Path(table.staging("r1")).parent
    staging.mkdir(parents=True, exist_ok=True)
    (staging / "link").symlink_to(outside)
    (staging / "Strange Name").mkdir()
    folder = write_staged(table, "r1", {"2026-10": [1]})
    (folder / "link").symlink_to(outside)
    assert collected(table) == ["t/_staging/r1"]
    assert (outside / "keep").exists()
    assert {path.name for path in staging.iterdir()} == {"link", "Strange Name"}


def test_left_over_temporaries_go_when_they_are_old(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    publish(warehouse.table("t"), "r1", {"2026-10": [1]})
    warehouse.records.put("runs", "r1", {})
    for place in ("t/_delta_log/.1.json.ab.tmp", "_dq/runs/.r1.json.ab.tmp", "_dq/.probe-ab/key"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).touch()
    assert warehouse.gc(datetime.now(NOW.tzinfo), DAY) == []
    warehouse.gc(in_ten_years(), DAY)
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if "ab" in path.name}
    assert left == set()
    assert warehouse.records.get("runs", "r1") == {}


def test_an_age_of_zero_is_refused(table: Table) -> None:
    with pytest.raises(StoreError, match="age above zero"):
        table.gc(NOW, timedelta(0))


def test_an_empty_warehouse_has_nothing_to_collect(tmp_path: Path) -> None:
    assert Warehouse(tmp_path / "none").gc(NOW, DAY) == []
    assert not (tmp_path / "none").exists()
