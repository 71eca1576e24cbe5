"""A Delta table as a raw table: pinned by its version, and refused where its files alone are not its rows."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import deltalake
import pyarrow as pa
import pytest
from sources_support import ORDERS, SCHEMA, config, findings, month_window, order

from dq.base.errors import ConfigError, SourceError
from dq.sources import Pin, drift, pin
from dq.sources.deltafolder import snapshot
from dq.sources.live_tables import refuse_tables

WINDOW = month_window()
B85 = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"
Z85 = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
DELTA = ORDERS.replace("orders/month={month}", "orders").replace("parquet", "delta")


@pytest.fixture
def append(tmp_path: Path) -> Callable[..., None]:
    def appended(*rows: dict[str, object], schema: pa.Schema = SCHEMA, **options: object) -> None:
        data = pa.Table.from_pylist(list(rows), schema=schema)
        deltalake.write_deltalake(str(tmp_path / "data" / "orders"), data, mode="append", **options)

    return appended


def pinned(folder: Path, text: str = DELTA) -> Pin:
    return pin(config(folder, text), "orders", WINDOW)


def edit_log(folder: Path, version: int, change: Callable[[dict[str, Any]], None]) -> None:
    log = folder / "data" / "orders" / "_delta_log" / f"{version:020}.json"
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    for line in lines:
        change(line)
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_the_newest_version_is_pinned_with_its_own_files_and_columns(
    tmp_path: Path, append: Callable[..., None]
) -> None:
    append(order("L1"))
    append(order("L2"))
    deltalake.DeltaTable(str(tmp_path / "data" / "orders")).delete("line_id = 'L1'")
    found = pinned(tmp_path).tables["raw_orders"]
    assert found.snapshot is not None
    assert (found.snapshot.version, len(found.files), found.exact) == (2, 1, True)
    assert dict(found.columns) == dict(config(tmp_path, DELTA).tables["raw_orders"].columns)
    assert len(list((tmp_path / "data" / "orders").glob("*.parquet"))) == 2, "the removed file is still there"
    assert drift(config(tmp_path, DELTA), "orders", pinned(tmp_path)).breaking == []


def test_a_table_that_is_written_during_the_run_is_read_as_it_was(tmp_path: Path, append: Callable[..., None]) -> None:
    append(order("L1"))
    before = pinned(tmp_path)
    append(order("L2"))
    before.verify()
    assert pinned(tmp_path).fingerprint != before.fingerprint


def test_rows_of_later_months_do_not_change_the_pin_of_an_earlier_one(
    tmp_path: Path, append: Callable[..., None]
) -> None:
    append(order("L1"))
    before = pinned(tmp_path)
    append(order("L2", day=date(2026, 11, 5), recorded_at=WINDOW.as_of.replace(day=5)))
    append(order("L0", day=date(2026, 9, 5)))
    assert pinned(tmp_path).fingerprint == before.fingerprint


def test_a_file_that_is_vacuumed_during_the_run_is_told(tmp_path: Path, append: Callable[..., None]) -> None:
    append(order("L1"))
    before = pinned(tmp_path)
    Path(before.files[0].path).unlink()
    with pytest.raises(SourceError, match=r"version 0 names a file that is gone: .*run again for its newest version"):
        before.verify()
    with pytest.raises(SourceError, match="version 0 names a file that is gone"):
        pinned(tmp_path)


def test_a_version_that_is_cleaned_away_during_the_run_is_told(tmp_path: Path, append: Callable[..., None]) -> None:
    append(order("L1"))
    before = pinned(tmp_path)
    (tmp_path / "data" / "orders" / "_delta_log" / f"{0:020}.json").unlink()
    with pytest.raises(SourceError, match=r"its version 0 cannot be read any more; run again"):
        before.verify()
    with pytest.raises(SourceError, match="its log cannot be read"):
        pinned(tmp_path)


def test_a_retyped_column_drifts_and_one_that_older_files_lack_does_not(
    tmp_path: Path, append: Callable[..., None]
) -> None:
    append({name: value for name, value in order("L1").items() if name != "paid_on"}, schema=SCHEMA.remove(7))
    append(order("L2"), schema_mode="merge")
    loaded = config(tmp_path, DELTA.replace("seats: int", "seats: bigint"))
    assert drift(loaded, "orders", pin(loaded, "orders", WINDOW)).breaking == [
        "raw_orders: column seats is int, declared bigint"
    ]


def test_partitions_are_known_from_the_log(tmp_path: Path, append: Callable[..., None]) -> None:
    append(order("L1", product="a b+c/%"), order("L2", product=None), partition_by=["product"])
    found = pinned(tmp_path).tables["raw_orders"].snapshot
    assert found is not None
    assert (found.folders, found.only_by, len(found.files)) == (("product",), "", 2)


def mapped(line: dict[str, Any]) -> None:
    """As a table is after a column was renamed: files go on calling it as before."""
    if "metaData" in line:
        line["metaData"]["configuration"] = {"delta.columnMapping.mode": "name"}
        schema = json.loads(line["metaData"]["schemaString"])
        for number, field in enumerate(schema["fields"], start=1):
            field["metadata"] = {"delta.columnMapping.id": number, "delta.columnMapping.physicalName": field["name"]}
        line["metaData"]["schemaString"] = json.dumps(schema)
    if "protocol" in line:
        line["protocol"] = {"minReaderVersion": 2, "minWriterVersion": 5}


def without_first_row(line: dict[str, Any]) -> None:
    """As a table is after a DELETE that wrote a deletion vector: row 0 of the file is gone."""
    bitmap = struct.pack("<IIHHIH", 12346, 1, 0, 0, 16, 0)
    vector = struct.pack("<IQI", 1681511377, 1, 0) + bitmap
    text = base64.b85encode(vector + bytes(-len(vector) % 4)).translate(bytes.maketrans(B85, Z85)).decode()
    if "add" in line:
        size = len(vector)
        line["add"]["deletionVector"] = {
            "storageType": "i",
            "pathOrInlineDv": text,
            "sizeInBytes": size,
            "cardinality": 1,
        }
    allow_vectors(line)


def allow_vectors(line: dict[str, Any]) -> None:
    features = {"readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"]}
    if "protocol" in line:
        line["protocol"] = {"minReaderVersion": 3, "minWriterVersion": 7, **features}


@pytest.mark.parametrize(
    ("change", "reason"), [(mapped, "a column mapping"), (without_first_row, "deletion vectors"), (allow_vectors, "")]
)
def test_what_only_delta_can_read_is_said_and_its_files_prove_nothing(
    tmp_path: Path, append: Callable[..., None], change: Callable[[dict[str, Any]], None], reason: str
) -> None:
    append(order("L1"), order("L2"))
    plain = pinned(tmp_path)
    edit_log(tmp_path, 0, change)
    found = pinned(tmp_path)
    assert found.tables["raw_orders"].snapshot is not None
    assert found.tables["raw_orders"].snapshot.only_by == reason
    assert found.exact == (reason == "")
    assert (found.fingerprint == plain.fingerprint) == found.exact, "the same files, other rows"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda _: None, "orders is not there"),
        (lambda place: place.mkdir(), "is not a Delta table: it has no _delta_log"),
        (lambda place: (place / "_delta_log").mkdir(parents=True), "its log cannot be read"),
    ],
)
def test_what_is_no_delta_table_is_told(tmp_path: Path, make: Callable[[Path], None], said: str) -> None:
    make(tmp_path / "orders")
    with pytest.raises(SourceError, match=said):
        snapshot(tmp_path / "orders")


def test_a_log_that_names_a_file_elsewhere_is_refused(tmp_path: Path, append: Callable[..., None]) -> None:
    append(order("L1"))

    def outside(line: dict[str, Any]) -> None:
        if "add" in line:
            line["add"]["path"] = "../secret.parquet"

    edit_log(tmp_path, 0, outside)
    with pytest.raises(SourceError, match="version 0 names a file outside"):
        pinned(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('path: "orders"', 'path: "orders/*"', "is a pattern; a Delta table is one folder"),
        ("    columns:\n", "    partitions: {x: int}\n    columns:\n", "a Delta table knows which columns"),
    ],
)
def test_a_mistake_in_its_declaration_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        config(tmp_path, DELTA.replace(old, new, 1))
    assert said in "\n".join(findings(error.value))


def test_plain_files_of_a_delta_table_are_refused_with_how_to_read_it(
    tmp_path: Path, append: Callable[..., None]
) -> None:
    append(order("L1"))
    with pytest.raises(SourceError, match=r"is a Delta table.*give delta:PATH to dq check, or declare it with format"):
        refuse_tables([tmp_path / "data" / "orders"])
