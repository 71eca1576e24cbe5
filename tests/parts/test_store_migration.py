"""A warehouse of an earlier release: refused with what to do, and made open with every version under its number."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import deltalake
import pytest
from store_support import (
    INFO,
    NOW,
    CrashError,
    as_former,
    faulty,
    publish,
    quick_disk,
    read,
    read_view,
    seal,
)

from dq.base.errors import StoreError
from dq.cli import main
from dq.store import Commit, Table, Warehouse, cloned
from dq.store.sealed import decode, encode

__all__ = ["quick_disk"]
pytestmark = pytest.mark.usefixtures("quick_disk")


@pytest.fixture
def table(tmp_path: Path) -> Table:
    """Two months, one restated, one withdrawn, one without rows: five versions, in the former format."""
    table = Warehouse(tmp_path).table("t")
    publish(table, "r1", {"2026-09": [9]})
    publish(table, "r2", {"2026-10": [1]})
    publish(table, "r3", {"2026-10": [2]}, "wrong")
    table.withdraw("2026-10", by="Laura", reason="wrong", now=NOW)
    table.commit(seal(table, "r5", {}), periods={"2026-12": INFO}, expected={"2026-12": None}, now=NOW)
    return table


def former_file(root: Path, version: int) -> Path:
    return root / "t" / "_commits" / f"{version:020d}.json"


def history(table: Table) -> list[Commit]:
    """All versions, as far as both formats say the same."""
    return [replace(commit, described=0) for commit in table.log()]


def test_a_former_table_is_refused_with_the_command_that_converts_it(table: Table, tmp_path: Path) -> None:
    manifest = seal(table, "r6", {"2026-11": [6]})
    as_former(table, tmp_path)
    for look in (
        table.current,
        table.log,
        table.select,
        lambda: table.commit(manifest, periods={"2026-11": INFO}, expected={"2026-11": None}, now=NOW),
        lambda: table.withdraw("2026-10", by="Laura", reason="r", now=NOW),
    ):
        with pytest.raises(StoreError, match=r"t/_commits: .*format of an earlier release.*; run dq migrate"):
            look()
    warehouse = Warehouse(tmp_path)
    assert warehouse.is_one()
    with cloned(warehouse, []) as clone, pytest.raises(StoreError, match="dq migrate"):
        Warehouse(clone).table("t").current()
    assert table.gc(datetime.now(NOW.tzinfo) + timedelta(days=99), timedelta(days=1), {"r6"}) == []


def test_every_version_is_the_same_under_its_number_and_open_to_others(
    table: Table, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, rows = history(table), [read(table, version) for version in range(1, 6)]
    as_former(table, tmp_path)
    assert main(["migrate", "--warehouse", str(tmp_path)]) == 0
    assert "t: 5 versions are open to every reader of Delta now" in capsys.readouterr().out
    assert history(table) == before
    assert [read(table, version) for version in range(1, 6)] == rows
    assert {period: one for period, one in read(table).items() if one} == read_view(table, tmp_path)
    for version, seen in enumerate(rows, start=1):
        frame = deltalake.DeltaTable(tmp_path / "t", version=version).to_pandas()
        assert sorted(frame["amount"]) == sorted(one for period in seen.values() for one in period)
    table.prove_open()
    assert main(["migrate", "--warehouse", str(tmp_path)]) == 0
    assert "nothing to do" in capsys.readouterr().out
    assert publish(table, "r7", {"2026-10": [7]}).version == 6
    table.withdraw("2026-10", by="Laura", reason="again", now=NOW)
    assert read(table)["2026-10"] == [1], "what was withdrawn before stays withdrawn"


def test_an_earlier_release_finds_the_old_log_closed(table: Table, tmp_path: Path) -> None:
    as_former(table, tmp_path)
    Warehouse(tmp_path).migrate()
    fields = decode(former_file(tmp_path, 6).read_bytes())
    assert (fields.text("table"), fields.integer("version")) == ("t", 6)
    assert fields.integer("format") > 1, "which it refuses with the words: read this with the newer release"


@pytest.mark.parametrize("fault", ["crash_before", "crash_after", "persistent", "lost_answer"])
def test_a_conversion_that_dies_anywhere_is_done_by_the_next(table: Table, tmp_path: Path, fault: str) -> None:
    before = history(table)
    as_former(table, tmp_path)
    for at in range(1, 60):
        warehouse, filesystem = faulty(tmp_path, fault, at, only="t/")
        with suppress(CrashError, StoreError):
            warehouse.migrate()
        if not filesystem.reached:
            break
        if (tmp_path / "t" / "_delta_log").exists():
            assert history(table) == before, "all of it or none"
            (tmp_path / "t" / "_delta_log").rename(tmp_path / f"done-{at}")
        with pytest.raises(StoreError, match="dq migrate"):
            history(table)
    else:
        raise AssertionError("more steps than there can be")
    assert at > 8
    assert history(table) == before


def test_a_number_that_was_passed_over_by_an_earlier_release_is_kept_free(table: Table, tmp_path: Path) -> None:
    as_former(table, tmp_path)
    body = dict(decode(former_file(tmp_path, 5).read_bytes()).body)
    former_file(tmp_path, 5).write_bytes(b"{")
    entry = {**body["periods"]["2026-12"], "version": 8}  # type: ignore[dict-item,index,call-overload]
    periods = {**body["periods"], "2026-12": entry}  # type: ignore[dict-item]
    former_file(tmp_path, 8).write_bytes(encode({**body, "version": 8, "parent": 4, "periods": periods}))
    assert [one.lost for one in Warehouse(tmp_path).migrate()] == [[]]
    current = table.current()
    assert current is not None
    assert (current.version, current.entries["2026-12"].version) == (8, 8)
    assert [one.note for one in table.log()][4:7] == ["nothing was published under this number"] * 3
    assert len(deltalake.DeltaTable(tmp_path / "t", version=6).to_pandas()) == 2


def test_a_version_that_was_damaged_before_is_said_and_never_reached_past(
    table: Table, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = read(table)
    as_former(table, tmp_path)
    former_file(tmp_path, 4).write_bytes(b"{")
    assert main(["migrate", "--warehouse", str(tmp_path)]) == 0
    assert "damaged before: 4" in capsys.readouterr().out
    assert read(table) == rows, "what later versions say of it is read"
    with pytest.raises(StoreError, match="version 4 is damaged, and may hold what was published before"):
        table.withdraw("2026-12", by="Laura", reason="r", now=NOW)


def test_a_former_log_whose_newest_version_is_damaged_or_lost_is_not_converted(table: Table, tmp_path: Path) -> None:
    as_former(table, tmp_path)
    whole = former_file(tmp_path, 5).read_bytes()
    former_file(tmp_path, 5).write_bytes(whole[:-9])
    with pytest.raises(StoreError, match="version 5, the newest, is damaged; restore it from a backup"):
        Warehouse(tmp_path).migrate()
    former_file(tmp_path, 5).unlink()
    with pytest.raises(StoreError, match="version 5, which readers were shown, is not in it"):
        Warehouse(tmp_path).migrate()


def test_an_open_log_that_was_lost_is_not_made_again_from_the_former_one(table: Table, tmp_path: Path) -> None:
    as_former(table, tmp_path)
    Warehouse(tmp_path).migrate()
    publish(table, "r6", {"2026-11": [6]})
    (tmp_path / "t" / "_delta_log").rename(tmp_path / "lost")
    with pytest.raises(StoreError, match="version 6, which readers were shown, is not in it; restore _delta_log"):
        Warehouse(tmp_path).migrate()


def test_the_former_format_is_that_of_the_earlier_release(table: Table, tmp_path: Path) -> None:
    """The helper above writes what it wrote: whole tables, of which the first key is the checksum."""
    as_former(table, tmp_path)
    document = json.loads(former_file(tmp_path, 4).read_text())
    assert next(iter(document)) == "sha256"
    assert {period: one["version"] for period, one in document["periods"].items()} == {"2026-09": 1, "2026-10": 2}
    assert document["format"] == 1
