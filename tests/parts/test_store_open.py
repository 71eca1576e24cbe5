"""An open table: others see at every version what our reader does, and what somebody else wrote never counts."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import deltalake
import duckdb
import duckdb_extension_delta
import pages_support as pages
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from store_support import INFO, NOW, SCHEMA, publish, quick_disk, read, reseal, seal, write_staged

from dq.base.errors import StoreError
from dq.cli import main
from dq.store import Table, Warehouse, checkpoint, open_schema

__all__ = ["quick_disk"]
pytestmark = pytest.mark.usefixtures("quick_disk")

Rows = dict[str, list[int | None]]


def by_period(pairs: list[tuple[str, int | None]]) -> Rows:
    found: Rows = {}
    for period, amount in pairs:
        found.setdefault(period, []).append(amount)
    return {period: sorted(found[period], key=lambda one: (one is None, one)) for period in sorted(found)}


def with_pandas(folder: Path, version: int) -> Rows:
    frame = deltalake.DeltaTable(folder, version=version).to_pandas().astype(object)
    rows = frame.where(frame.notna(), None)
    return by_period(list(zip(rows["period"], rows["amount"], strict=True)))


def with_polars(folder: Path, version: int) -> Rows:
    frame = pl.read_delta(str(folder), version=version)
    return by_period(list(frame.select("period", "amount").iter_rows()))


def with_duckdb_over_arrow(folder: Path, version: int) -> Rows:
    published = deltalake.DeltaTable(folder, version=version).to_pyarrow_dataset()  # noqa: F841 - the query names it
    return by_period(duckdb.sql("SELECT period, amount FROM published").fetchall())


def with_duckdb_itself(folder: Path, version: int) -> Rows:
    library = next(Path(next(iter(duckdb_extension_delta.__path__))).rglob("delta.duckdb_extension"))
    with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as connection:
        connection.execute(f"LOAD '{library}'")
        rows = connection.execute("SELECT period, amount FROM delta_scan($1, version => $2)", [str(folder), version])
        return by_period(rows.fetchall())


READERS = [with_pandas, with_polars, with_duckdb_over_arrow, with_duckdb_itself]


@pytest.fixture
def table(tmp_path: Path) -> Table:
    return Warehouse(tmp_path).table("profit_unit")


@pytest.fixture
def folder(table: Table, tmp_path: Path) -> Path:
    """Two months, one restated, one withdrawn, one without rows: six versions."""
    publish(table, "r1", {"2026-09": [9, None]})
    publish(table, "r2", {"2026-10": [1]})
    publish(table, "r3", {"2026-10": [2, 3], "2026-11": [4]})
    table.withdraw("2026-11", by="Laura", reason="wrong", now=NOW)
    table.withdraw("2026-10", by="Laura", reason="wrong", now=NOW)
    table.commit(seal(table, "r6", {}), periods={"2026-12": INFO}, expected={"2026-12": None}, now=NOW)
    return tmp_path / "profit_unit"


@pytest.mark.parametrize("reader", READERS)
def test_every_reader_sees_at_every_version_what_was_published_then(
    table: Table, folder: Path, reader: Callable[[Path, int], Rows]
) -> None:
    seen = [reader(folder, version) for version in range(1, 7)]
    assert seen == [
        {"2026-09": [9, None]},
        {"2026-09": [9, None], "2026-10": [1]},
        {"2026-09": [9, None], "2026-10": [2, 3], "2026-11": [4]},
        {"2026-09": [9, None], "2026-10": [2, 3]},
        {"2026-09": [9, None], "2026-10": [1]},
        {"2026-09": [9, None], "2026-10": [1]},
    ]
    ours = [read(table, version) for version in range(1, 7)]
    assert [{period: rows for period, rows in one.items() if rows} for one in ours] == seen


def test_a_table_is_made_with_what_keeps_its_history_and_the_oldest_protocol_that_will_do(folder: Path) -> None:
    opened = deltalake.DeltaTable(folder)
    assert opened.metadata().partition_columns == ["period"]
    assert opened.metadata().configuration["delta.enableExpiredLogCleanup"] == "false"
    assert (opened.protocol().min_reader_version, opened.protocol().min_writer_version) == (1, 2)
    said = json.loads(opened.history()[1]["userMetadata"])
    assert said == {"run": "", "note": "withdrawn by Laura: wrong", "periods": {"2026-10": "as before"}}


def test_checkpoints_come_by_themselves_and_change_nothing(
    table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "EVERY", 5)
    for n in range(1, 13):
        publish(table, f"r{n}", {"2026-09" if n % 2 else "2026-10": [n]})
    log = tmp_path / "profit_unit" / "_delta_log"
    made = sorted(path.name for path in log.glob("*.checkpoint.parquet"))
    assert made == [checkpoint.file_name(5), checkpoint.file_name(10)]
    assert json.loads((log / "_last_checkpoint").read_text())["version"] == 10
    assert all(path.stat().st_mode & 0o077 == 0 for path in log.iterdir()), "they are their owner's alone"
    for version in (4, 5, 9, 12):
        assert with_pandas(tmp_path / "profit_unit", version) == by_period(
            [(period, one) for period, rows in read(table, version).items() for one in rows]
        )


def test_a_checkpoint_that_cannot_be_made_costs_nothing_but_a_warning(
    table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(checkpoint, "EVERY", 2)
    publish(table, "r1", {"2026-09": [1]})
    with monkeypatch.context() as broken:
        broken.setattr(deltalake, "DeltaTable", lambda *_, **__: 1 / 0)
        assert publish(table, "r2", {"2026-10": [2]}).version == 2
    assert "no checkpoint was written at version 2" in caplog.text
    assert publish(table, "r3", {"2026-11": [3]}).version == 3
    assert (tmp_path / "profit_unit" / "_delta_log" / checkpoint.file_name(3)).exists(), "the next commit makes it"


def append(folder: Path) -> None:
    rows = pa.table({"amount": pa.array([7], pa.int64()), "period": ["2026-10"]})
    deltalake.write_deltalake(folder, rows, mode="append")


FOREIGN = {
    "WRITE.*1 files added": append,
    "DELETE.*1 files removed": lambda folder: deltalake.DeltaTable(folder).delete("period = '2026-09'"),
    "DELETE.*added.*removed": lambda folder: deltalake.DeltaTable(folder).delete("amount = 9"),
    "another description of the table": lambda folder: deltalake.DeltaTable(folder).alter.set_table_properties(
        {"delta.logRetentionDuration": "interval 1 days"}
    ),
    "another protocol": lambda folder: deltalake.DeltaTable(folder).alter.add_feature(
        deltalake.TableFeatures.DeletionVectors, allow_protocol_versions_increase=True
    ),
}


@pytest.mark.parametrize("said", FOREIGN)
def test_what_somebody_else_wrote_is_found_refused_and_can_be_taken_out(
    table: Table, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], said: str
) -> None:
    before = read(table)
    FOREIGN[said](folder)
    manifest = seal(table, "r7", {"2026-10": [7]})
    for look in (
        table.current,
        table.select,
        lambda: table.withdraw("2026-10", by="Laura", reason="r", now=NOW),
        lambda: table.commit(manifest, periods={"2026-10": INFO}, expected={"2026-10": 2}, now=NOW),
    ):
        with pytest.raises(StoreError, match=rf"7\.json: version 7 is of somebody else, .*{said}.*; move its file"):
            look()
    assert main(["verify", "profit_unit", "--warehouse", str(tmp_path)]) == 3
    assert "of somebody else" in capsys.readouterr().err
    table.gc(datetime.now(NOW.tzinfo) + timedelta(days=99), timedelta(days=1), {"r7"})
    assert read(table, 6) == before
    (folder / "_delta_log" / f"{7:020d}.json").rename(tmp_path / "taken-out.json")
    assert read(table) == before
    assert main(["verify", "profit_unit", "--warehouse", str(tmp_path)]) == 0, capsys.readouterr()
    assert table.commit(manifest, periods={"2026-10": INFO}, expected={"2026-10": 2}, now=NOW).version == 7


def test_a_foreign_file_within_the_log_is_named_where_our_next_commit_stands_on_it(table: Table, folder: Path) -> None:
    append(folder)
    log = folder / "_delta_log"
    (log / f"{7:020d}.json").rename(log / f"{8:020d}.json")
    with pytest.raises(StoreError, match="version 8 is of somebody else"):
        table.current()


def test_verify_names_what_other_readers_would_see_besides(
    table: Table, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A commit that was forged whole, and a checkpoint that tells another story."""
    path = folder / "_delta_log" / f"{6:020d}.json"
    whole = path.read_bytes()
    reseal(path, lambda body: body["index"].pop("2026-09"))
    assert main(["verify", "profit_unit", "--warehouse", str(tmp_path)]) == 1
    assert "period=2026-09/part-00000-a1b2.snappy.parquet: the file is not published" in capsys.readouterr().out
    path.write_bytes(whole)
    append(folder)
    deltalake.DeltaTable(folder).create_checkpoint()
    (folder / "_delta_log" / f"{7:020d}.json").unlink()
    publish(table, "r7", {"2027-01": [1]})
    assert main(["verify", "profit_unit", "--warehouse", str(tmp_path)]) == 1
    assert "remove _last_checkpoint" in capsys.readouterr().out


def test_an_empty_commit_file_is_damage_and_not_a_version_without_change(table: Table, folder: Path) -> None:
    (folder / "_delta_log" / f"{7:020d}.json").touch()
    with pytest.raises(StoreError, match="version 7, the newest, is damaged: it is empty; restore it from a backup"):
        table.current()


def test_a_table_that_somebody_else_made_is_not_ours(tmp_path: Path) -> None:
    rows = pa.table({"amount": pa.array([7], pa.int64()), "period": ["2026-10"]})
    deltalake.write_deltalake(tmp_path / "t", rows, partition_by="period")
    with pytest.raises(StoreError, match="version 0 is of somebody else"):
        Warehouse(tmp_path).table("t").current()
    with pytest.raises(StoreError, match="version 0 is of somebody else"):
        publish(Warehouse(tmp_path).table("t"), "r1", {"2026-10": [1]})


def wider(*fields: dict[str, object]) -> str:
    return json.dumps({"type": "struct", "fields": [*fields]})


AMOUNT = {"name": "amount", "type": "long", "nullable": False, "metadata": {"comment": "Euros.", "x": 1}}
NOTE = {"name": "note", "type": "string", "nullable": False, "metadata": {"comment": "Why."}}


def publish_as(table: Table, run: str, period: str, schema: str, **columns: list[object]) -> int:
    staged = write_staged(table, run, {period: []})
    pq.write_table(pa.table(columns), next(staged.rglob("*.parquet")))
    manifest = table.seal(run, schema_json=schema, fingerprint=run, audit={})
    entry = table.entry(period)
    expected = {period: entry.version if entry else None}
    return table.commit(manifest, periods={period: INFO}, expected=expected, now=NOW).version


def test_a_widened_schema_comes_with_its_files_and_descriptions(table: Table, tmp_path: Path) -> None:
    publish_as(table, "r1", "2026-09", wider(AMOUNT), amount=[9])
    publish_as(table, "r2", "2026-10", wider(NOTE, AMOUNT), note=["late"], amount=[1])
    publish_as(table, "r3", "2026-11", wider(AMOUNT), amount=[4])
    folder = tmp_path / "profit_unit"

    def columns(version: int) -> dict[str, tuple[str, bool, dict[str, object]]]:
        fields = deltalake.DeltaTable(folder, version=version).schema().fields
        return {one.name: (str(one.type.type), one.nullable, one.metadata) for one in fields}

    period = {"period": ("string", True, {})}
    assert columns(1) == {"amount": ("long", False, {"comment": "Euros."}), **period}
    assert columns(2) == {**columns(1), "note": ("string", True, {"comment": "Why."})}
    assert columns(3) == columns(2)
    rows = deltalake.DeltaTable(folder).to_pyarrow_table().sort_by("period").to_pylist()
    assert rows == [
        {"amount": 9, "note": None, "period": "2026-09"},
        {"amount": 1, "note": "late", "period": "2026-10"},
        {"amount": 4, "note": None, "period": "2026-11"},
    ]
    assert len((folder / "_delta_log" / f"{3:020d}.json").read_text().splitlines()) == 2, "nothing new is described"


def test_a_first_run_that_never_came_to_publish_leaves_no_column_behind(table: Table, tmp_path: Path) -> None:
    publish_as(table, "r1", "2026-09", wider(NOTE), note=["x"])
    (tmp_path / "profit_unit" / "_delta_log" / f"{1:020d}.json").unlink()
    (tmp_path / "profit_unit" / "current").unlink()
    publish_as(table, "r2", "2026-09", SCHEMA, amount=[1])
    assert [one.name for one in deltalake.DeltaTable(tmp_path / "profit_unit").schema().fields] == ["amount", "period"]


def test_wall_clock_times_raise_the_protocol_and_nothing_else_does(table: Table, tmp_path: Path) -> None:
    publish(table, "r1", {"2026-09": [1]})
    at = {"name": "at", "type": "timestamp_ntz", "nullable": True, "metadata": {}}
    publish_as(table, "r2", "2026-10", wider(at), at=[datetime(2026, 10, 1, 12)])
    opened = deltalake.DeltaTable(tmp_path / "profit_unit")
    assert opened.protocol().reader_features == ["timestampNtz"]
    assert opened.to_pyarrow_table().sort_by("period")["at"].to_pylist() == [None, datetime(2026, 10, 1, 12)]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ([{"name": "a", "type": "interval day to second"}], "column a has the type interval day to second"),
        ([{"name": "a", "type": {"type": "array", "elementType": "void"}}], "column a has the type void"),
        ([{"name": "a", "type": "variant"}], "column a has the type variant"),
        ([{"name": "a", "type": "long"}, {"name": "A", "type": "long"}], "columns a and A differ in case only"),
        ([{"name": "a"}], "not a Spark schema"),
    ],
)
def test_a_column_that_an_open_table_cannot_hold_is_refused_before_the_audit(
    table: Table, fields: list[dict[str, object]], said: str
) -> None:
    write_staged(table, "r1", {})
    with pytest.raises(StoreError, match=said):
        table.inventory("r1", schema_json=wider(*fields), fingerprint="")


def test_types_within_types_are_kept_as_they_are() -> None:
    inner = {"name": "b", "type": "decimal(10,2)", "nullable": False, "metadata": {}}
    kinds = [
        {"type": "array", "elementType": {"type": "struct", "fields": [inner]}, "containsNull": True},
        {"type": "map", "keyType": "string", "valueType": "timestamp", "valueContainsNull": False},
    ]
    fields = [{"name": f"c{n}", "type": kind, "nullable": True, "metadata": {}} for n, kind in enumerate(kinds)]
    assert list(open_schema.of_run(wider(*fields))) == fields
    assert list(open_schema.columns_of(open_schema.schema_string(fields))) == fields


def test_a_copy_of_the_folder_is_the_same_table(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "elsewhere" / "profit_unit", symlinks=True)
    assert with_pandas(copy, 3) == with_pandas(folder, 3)


BLOCKS = [one for one in pages.blocks("docs/reading.md") if one.language == "python" and "pyspark" not in one.text]


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_what_the_page_says_of_other_tools_is_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: pages.Block
) -> None:
    table = Warehouse(tmp_path / "build" / "demo" / "warehouse").table("profit_unit")
    publish(table, "r1", {"2026-09": [9, 10]})
    publish(table, "r2", {"2026-09": [11]})
    monkeypatch.chdir(tmp_path)
    known: dict[str, object] = {}
    exec(compile(block.text, str(block), "exec"), known)  # noqa: S102 - the page's own code
    result = known.get("as_it_was", known.get("profit"))
    assert len(result) == (2 if "as_it_was" in known else 1)  # type: ignore[arg-type]
