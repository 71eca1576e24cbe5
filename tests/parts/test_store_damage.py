"""Damage: torn commits, torn seals, torn and changed Parquet files, strays; named, never believed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from run_records import published
from store_support import INFO, NOW, SCHEMA, commit, publish, quick_disk, read, read_view, reseal, seal, write_staged

from dq.base.errors import StoreError
from dq.cli import main
from dq.run import run_records
from dq.store import Table, Warehouse, select_published

__all__ = ["quick_disk"]
pytestmark = pytest.mark.usefixtures("quick_disk")


@pytest.fixture
def table(tmp_path: Path) -> Table:
    return Warehouse(tmp_path).table("t")


def commit_file(root: Path, version: int) -> Path:
    return root / "t" / "_delta_log" / f"{version:020d}.json"


def part_file(root: Path, run: str, period: str = "2026-10") -> Path:
    return next((root / "t").glob(f"*/{run}/period={period}/*.parquet"))


DAMAGED = r"000002\.json: version 2, the newest, is damaged: .*restore it from a backup"


def test_a_newest_commit_that_is_torn_or_edited_is_an_error_and_never_the_version_before(
    table: Table, tmp_path: Path
) -> None:
    publish(table, "r1", {"2026-10": [1]})
    publish(table, "r2", {"2026-10": [2]})
    path = commit_file(tmp_path, 2)
    whole = path.read_bytes()
    edited = whole.replace(b'"kind":"final"', b'"kind":"preliminary"')
    for content in (*(whole[:length] for length in range(0, len(whole) - 1, 101)), edited):
        path.write_bytes(content)
        for look in (table.current, table.log, table.select, lambda: table.entry("2026-10")):
            with pytest.raises(StoreError, match=DAMAGED):
                look()
    assert read(table, version=1) == {"2026-10": [1]}, "a version that is named is still read"
    path.write_bytes(whole[:-1])
    assert read(table) == {"2026-10": [2]}, "without its last line feed the commit is still whole"


@pytest.mark.parametrize("damage", ["torn", "removed"])
def test_a_damaged_withdrawal_never_brings_withdrawn_figures_back(table: Table, tmp_path: Path, damage: str) -> None:
    publish(table, "r1", {"2026-10": [1]})
    publish(table, "r2", {"2026-10": [2]}, "wrong")
    table.withdraw("2026-10", by="Laura", reason="ledger was open", now=NOW)
    path = commit_file(tmp_path, 3)
    whole = path.read_bytes()
    path.write_bytes(whole[:50]) if damage == "torn" else path.unlink()
    with pytest.raises(StoreError, match=r"000003\.json: version 3, .*(damaged|missing).*restore it from a backup"):
        select_published(tmp_path, "t", "2026-10")
    manifest = seal(table, "r3", {"2026-11": [3]})
    with pytest.raises(StoreError, match="version 3"):
        table.commit(manifest, periods={"2026-11": INFO}, expected={"2026-11": None}, now=NOW)
    with pytest.raises(StoreError, match="version 3"):
        table.withdraw("2026-10", by="Laura", reason="again", now=NOW)
    path.write_bytes(whole)
    assert read(table) == {"2026-10": [1]}
    assert commit(table, manifest).version == 4


def test_a_torn_commit_is_given_up_by_hand(table: Table, tmp_path: Path) -> None:
    publish(table, "r1", {"2026-10": [1]})
    publish(table, "r2", {"2026-10": [2]})
    commit_file(tmp_path, 2).unlink()
    with pytest.raises(StoreError, match="version 2, which readers were shown, is missing"):
        table.current()
    (tmp_path / "t" / "current").unlink()
    assert read(table) == {"2026-10": [1]}
    assert publish(table, "r3", {"2026-10": [3]}).version == 2


def test_an_old_commit_that_is_torn_later_hides_what_it_published_and_nothing_else(
    table: Table, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for n in (1, 2, 3):
        publish(table, f"r{n}", {f"2026-{9 + n:02d}": [n]})
    commit_file(tmp_path, 1).write_bytes(b"{")
    assert [table.entry(period).rows for period in ("2026-11", "2026-12")] == [1, 1]  # type: ignore[union-attr]
    with pytest.raises(StoreError, match=r"1\.json: version 1, which published what is asked for, is damaged.*backup"):
        read(table)
    assert [one.version for one in table.log()] == [2, 3]
    assert "commit 1 is damaged" in caplog.text
    with pytest.raises(StoreError, match="version 1 cannot be read"):
        table.commit_at(1)
    assert publish(table, "r4", {"2026-11": [4]}).version == 4


def test_a_withdrawal_never_reaches_past_a_damaged_version(table: Table, tmp_path: Path) -> None:
    for n in (1, 2, 3):
        publish(table, f"r{n}", {"2026-10": [n]})
    commit_file(tmp_path, 2).write_bytes(b"{")
    with pytest.raises(StoreError, match="version 2 is damaged, and may hold what was published before"):
        table.withdraw("2026-10", by="Laura", reason="wrong", now=NOW)
    commit_file(tmp_path, 1).write_bytes(b"{")
    with pytest.raises(StoreError, match="version 2 is damaged"):
        table.withdraw("2026-10", by="Laura", reason="wrong", now=NOW)
    publish(table, "r4", {"2026-10": [4]})
    table.withdraw("2026-10", by="Laura", reason="wrong", now=NOW)
    assert read(table) == {"2026-10": [3]}


@pytest.mark.parametrize("gone", [1, 2, 3])
def test_a_log_with_a_hole_is_an_error(table: Table, tmp_path: Path, gone: int) -> None:
    for n in (1, 2, 3, 4):
        publish(table, f"r{n}", {"2026-10": [n]})
    path = commit_file(tmp_path, gone)
    content = path.read_bytes()
    path.unlink()
    for look in (table.current, table.log):
        with pytest.raises(StoreError, match=rf"00{gone}\.json: version {gone} is missing, version {gone + 1} is"):
            look()
    path.write_bytes(content)
    assert read(table) == {"2026-10": [4]}


def test_a_commit_copied_to_another_number_or_table_is_damaged(table: Table, tmp_path: Path) -> None:
    publish(table, "r1", {"2026-10": [1]})
    other = Warehouse(tmp_path).table("u")
    publish(other, "r1", {"2026-10": [5]})
    own, foreign = (tmp_path / name / "_delta_log" / f"{1:020d}.json" for name in "tu")
    for content in (own.read_bytes(), foreign.read_bytes()):
        commit_file(tmp_path, 2).write_bytes(content)
        said = (
            r"000002\.json: what lies there as version 2 is another commit: it is version 1 of [tu]; remove the file if"
        )
        with pytest.raises(StoreError, match=said):
            table.current()
        commit_file(tmp_path, 2).rename(commit_file(tmp_path, 4))
        with pytest.raises(StoreError, match=said.replace("2", "4")):
            table.current()
        commit_file(tmp_path, 4).unlink()
    own.write_bytes(foreign.read_bytes())
    with pytest.raises(StoreError, match="it is version 1 of u"):
        table.current()


@pytest.mark.parametrize("content", [b"", b"{", b"{}"])
@pytest.mark.parametrize("number", [10**20 - 1, 10**20 - 2, 5000])
def test_a_stray_file_with_a_number_far_from_the_log_blocks_nothing(
    table: Table, tmp_path: Path, number: int, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    publish(table, "r1", {"2026-10": [1]})
    commit_file(tmp_path, number).write_bytes(content)
    for n in (2, 3):
        assert publish(table, f"r{n}", {"2026-10": [n]}).version == n
        assert read(table) == {"2026-10": [n]} == read_view(table, tmp_path)
    assert f"{number}.json was never a commit and is passed over; remove it" in caplog.text


def test_a_forged_commit_cannot_lead_a_reader_out_of_the_table(table: Table, tmp_path: Path) -> None:
    publish(table, "r1", {"2026-10": [1]})
    for change in (
        lambda entry: entry.update(run="../../u"),
        lambda entry: entry["files"][0].update(path="../../../etc/passwd"),
        lambda entry: entry["files"][0].update(path="period=2026-10/../../x.parquet"),
    ):

        def forge(body: dict[str, Any], change: Callable[[dict[str, Any]], object] = change) -> None:
            body["version"] = 2
            change(body["periods"]["2026-10"])

        reseal(commit_file(tmp_path, 1), forge, commit_file(tmp_path, 2))
        with pytest.raises(StoreError, match=DAMAGED):
            table.current()


@pytest.mark.parametrize("index", [{"2026-10": 3}, {"2026-10": 0}, {"../x": 1}, {"2026-10": "1"}])
def test_an_index_that_names_what_cannot_be_is_damage(table: Table, tmp_path: Path, index: dict[str, object]) -> None:
    publish(table, "r1", {"2026-10": [1]})
    publish(table, "r2", {"2026-11": [1]})
    reseal(commit_file(tmp_path, 2), lambda body: body.update(index=index))
    with pytest.raises(StoreError, match=DAMAGED):
        table.current()


def test_an_index_that_names_another_version_than_published_a_period_is_an_error_and_not_an_absence(
    table: Table, tmp_path: Path
) -> None:
    publish(table, "r1", {"2026-10": [1]})
    publish(table, "r2", {"2026-11": [1]})
    reseal(commit_file(tmp_path, 2), lambda body: body["index"].update({"2026-10": 2}))
    with pytest.raises(StoreError, match="version 2, which is said to have published 2026-10, did not"):
        table.entry("2026-10")


def test_a_commit_of_a_newer_format_stops_the_reader_instead_of_being_overlooked(table: Table, tmp_path: Path) -> None:
    publish(table, "r1", {"2026-10": [1]})
    reseal(commit_file(tmp_path, 1), lambda body: body.update(version=2, format=3), commit_file(tmp_path, 2))
    with pytest.raises(StoreError, match="newer release"):
        table.current()


def test_a_commit_that_cannot_be_read_is_an_error_and_not_an_older_version(table: Table, tmp_path: Path) -> None:
    publish(table, "r1", {"2026-10": [1]})
    elsewhere = tmp_path / "elsewhere.json"
    elsewhere.write_bytes(commit_file(tmp_path, 1).read_bytes())
    for make in (commit_file(tmp_path, 2).mkdir, lambda: commit_file(tmp_path, 2).symlink_to(elsewhere)):
        make()
        with pytest.raises(StoreError, match=r"cannot read .*2\.json"):
            table.current()
        with pytest.raises(StoreError, match=r"cannot read .*2\.json"):
            publish(table, f"r-{commit_file(tmp_path, 2).is_dir()}".lower(), {"2026-10": [2]})
        Warehouse(tmp_path).table("t")._filesystem.delete(f"t/_delta_log/{2:020d}.json")
    assert read(table) == {"2026-10": [1]}


def test_other_files_in_the_log_folder_are_left_alone(table: Table, tmp_path: Path) -> None:
    publish(table, "r1", {"2026-10": [1]})
    for name in ("2.json", "notes.txt", f"{2:020d}.json.bak", f".{2:020d}.json.abc.tmp", f"{2:021d}.json"):
        (tmp_path / "t" / "_delta_log" / name).write_bytes(b"{")
    assert publish(table, "r2", {"2026-10": [2]}).version == 2
    assert read(table) == {"2026-10": [2]}


def test_a_torn_seal_is_no_seal(table: Table, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    manifest = seal(table, "r1", {"2026-10": [1]})
    path = tmp_path / "t" / "_staging" / "r1" / "_audit.json"
    whole = path.read_bytes()
    for length in (0, 1, len(whole) // 2, len(whole) - 2):
        path.write_bytes(whole[:length])
        assert table.sealed("r1") is None
        with pytest.raises(StoreError, match="not sealed"):
            commit(table, manifest)
    assert "seal of run r1 is damaged" in caplog.text
    path.write_bytes(whole)
    assert commit(table, manifest).version == 1


@pytest.mark.parametrize("cut", [0, 1, 4, 0.5, -1])
def test_a_torn_parquet_file_is_named_at_the_seal(table: Table, tmp_path: Path, cut: float) -> None:
    write_staged(table, "r1", {"2026-10": [1, 2, 3]})
    part = part_file(tmp_path, "r1")
    whole = part.read_bytes()
    part.write_bytes(whole[: int(len(whole) * cut) if 0 < cut < 1 else int(cut)])
    with pytest.raises(StoreError, match=r"part-00000-a1b2\.snappy\.parquet: the file is torn"):
        table.seal("r1", schema_json=SCHEMA, fingerprint="k", audit={})


def test_any_change_of_size_or_footer_after_the_seal_is_named_at_the_commit(table: Table, tmp_path: Path) -> None:
    manifest = seal(table, "r1", {"2026-10": [1, 2, 3]})
    part = part_file(tmp_path, "r1")
    whole = part.read_bytes()
    footer = int.from_bytes(whole[-8:-4], "little") + 8
    damaged = [whole[:-1], whole + b"x", b"", *(_flip(whole, len(whole) - at) for at in range(1, footer + 1, 7))]
    for content in damaged:
        part.write_bytes(content)
        with pytest.raises(StoreError, match="part-00000"):
            table.verify(manifest)
    with pytest.raises(StoreError, match="part-00000"):
        commit(table, manifest)
    assert table.current() is None


def _flip(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :]


def test_a_file_replaced_by_other_whole_figures_after_the_audit_is_named(table: Table, tmp_path: Path) -> None:
    manifest = seal(table, "r1", {"2026-10": [1, 2, 3]})
    pq.write_table(pa.table({"amount": pa.array([1, 2, 4], pa.int64())}), part_file(tmp_path, "r1"))
    with pytest.raises(StoreError, match="changed after the audit"):
        commit(table, manifest)


def test_files_that_change_between_inventory_and_seal_are_named(table: Table, tmp_path: Path) -> None:
    write_staged(table, "r1", {"2026-10": [1]})
    before = table.inventory("r1", schema_json=SCHEMA, fingerprint="k")
    pq.write_table(pa.table({"amount": pa.array([2], pa.int64())}), part_file(tmp_path, "r1"))
    with pytest.raises(StoreError, match="changed after the audit"):
        table.seal("r1", schema_json=SCHEMA, fingerprint="k", audit={}, audited=before)


def test_a_file_added_or_removed_after_the_audit_is_named(table: Table, tmp_path: Path) -> None:
    manifest = seal(table, "r1", {"2026-10": [1]})
    part = part_file(tmp_path, "r1")
    extra = part.with_name("part-00001-x.parquet")
    extra.write_bytes(part.read_bytes())
    with pytest.raises(StoreError, match=r"part-00001-x\.parquet: the file was added"):
        commit(table, manifest)
    extra.unlink()
    part.unlink()
    with pytest.raises(StoreError, match=r"part-00000.*: the file is missing"):
        commit(table, manifest)


def test_a_published_file_that_is_gone_or_changed_is_named_to_the_reader(table: Table, tmp_path: Path) -> None:
    publish(table, "r1", {"2026-10": [1]})
    entry = table.entry("2026-10")
    assert entry is not None
    part = part_file(tmp_path, "r1")
    part.write_bytes(b"")
    with pytest.raises(StoreError, match="part-00000"):
        table.verify_entries([entry])
    part.unlink()
    with pytest.raises(StoreError, match=r"part-00000.*missing"):
        table.verify_entries([entry])


@pytest.mark.parametrize(
    "stray",
    [
        "notes.txt",
        "part-00000.parquet",
        "_temporary/0/x",
        "period=2026-10/part.csv",
        "period=2026-10/_committed",
        "period=2026-10/sub/part.parquet",
        "period=__HIVE_DEFAULT_PARTITION__/part.parquet",
        "region=emea/part.parquet",
        "period=..%2F/part.parquet",
    ],
)
def test_a_stray_file_in_the_staged_folder_is_named(table: Table, stray: str) -> None:
    path = write_staged(table, "r1", {"2026-10": [1]}) / stray
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    with pytest.raises(StoreError, match="does not belong in a run's folder") as caught:
        table.seal("r1", schema_json=SCHEMA, fingerprint="k", audit={})
    assert stray.split("/")[0] in str(caught.value)


def test_a_link_in_the_staged_folder_is_named(table: Table, tmp_path: Path) -> None:
    folder = write_staged(table, "r1", {"2026-10": [1]})
    (folder / "period=2026-11").symlink_to(folder / "period=2026-10")
    with pytest.raises(StoreError, match="period=2026-11"):
        table.seal("r1", schema_json=SCHEMA, fingerprint="k", audit={})
    (folder / "period=2026-11").unlink()
    part_file(tmp_path, "r1").with_name("part-link.parquet").symlink_to(part_file(tmp_path, "r1"))
    with pytest.raises(StoreError, match="part-link"):
        table.seal("r1", schema_json=SCHEMA, fingerprint="k", audit={})


def test_a_write_that_did_not_finish_cannot_be_sealed(table: Table) -> None:
    (write_staged(table, "r1", {"2026-10": [1]}) / "_SUCCESS").unlink()
    with pytest.raises(StoreError, match="the write did not finish; expected a _SUCCESS file"):
        table.seal("r1", schema_json=SCHEMA, fingerprint="k", audit={})
    with pytest.raises(StoreError, match="nothing was staged"):
        table.seal("r2", schema_json=SCHEMA, fingerprint="k", audit={})


def test_a_file_with_other_columns_than_the_schema_is_named(table: Table, tmp_path: Path) -> None:
    write_staged(table, "r1", {"2026-10": [1], "2026-11": [2]})
    pq.write_table(pa.table({"amounts": [1]}), part_file(tmp_path, "r1", "2026-11"))
    with pytest.raises(StoreError, match=r"period=2026-11/.*: its columns.*amount, amounts"):
        table.seal("r1", schema_json=SCHEMA, fingerprint="k", audit={})
    with pytest.raises(StoreError, match="not a Spark schema"):
        table.seal("r1", schema_json="amount long", fingerprint="k", audit={})
    write_staged(table, "r2", {})
    with pytest.raises(StoreError, match="nan cannot be stored"):
        table.seal("r2", schema_json=SCHEMA, fingerprint="k", audit={"share": float("nan")})


def test_a_footer_longer_than_the_first_read_is_hashed_whole(table: Table, tmp_path: Path) -> None:
    names = [f"column_{n:05d}_{'x' * 80}" for n in range(1500)]
    fields = [{"name": name, "type": "long"} for name in names]
    schema = json.dumps({"type": "struct", "fields": fields})
    folder = write_staged(table, "r1", {})
    part = folder / "period=2026-10" / "part-0.parquet"
    part.parent.mkdir()
    pq.write_table(pa.table({name: [1] for name in names}), part)
    manifest = table.seal("r1", schema_json=schema, fingerprint="k", audit={})
    assert manifest.files[0].size > 3 * 65_536
    part.write_bytes(_flip(part.read_bytes(), part.stat().st_size - 80_000))
    with pytest.raises(StoreError, match="its footer is another"):
        table.verify(manifest)


def test_what_shows_figures_says_that_the_log_is_damaged(
    table: Table, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = "profit_unit-2026-10-20261103t050000000000z-abc123"
    table = Warehouse(tmp_path).table("profit_unit")
    publish(table, run, {"2026-10": [1]})
    run_records.save(Warehouse(tmp_path), published(run=run, pipeline="profit_unit", period="2026-10"))
    assert main(["show", run, "--warehouse", str(tmp_path)]) == 0
    (tmp_path / "profit_unit" / "_delta_log" / f"{1:020d}.json").write_bytes(b"{")
    capsys.readouterr()
    for words in (["show", run], ["show"], ["withdraw", "profit_unit", "--period", "2026-10", "--reason", "r"]):
        assert main([*words, "--warehouse", str(tmp_path)]) == 3, words
        assert "version 1, the newest, is damaged" in capsys.readouterr().err
