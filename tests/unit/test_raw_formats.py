"""Raw tables beside Parquet and CSV: how they are declared, which columns their files have, what is refused."""

from __future__ import annotations

import gzip
import json
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.orc as orc
import pytest
from sources_support import CONTRACTS, ORDERS, SCHEMA, config, findings, month_window, order

from dq.base.errors import ConfigError, SourceError
from dq.base.model import PinnedFile
from dq.sources import drift, jsonlines, pin
from dq.sources.config import Format, RawTable
from dq.sources.declared_tables import pattern_mistake
from dq.sources.listing import below, levels
from dq.sources.raw_schemas import columns_of

WINDOW = month_window()
FOLDER = "data/orders/month=2026-10"
JSON = ORDERS.replace("parquet", "json")
ORC = ORDERS.replace("parquet", "orc")


def pinned(path: Path) -> PinnedFile:
    return PinnedFile(path=str(path), size=path.stat().st_size, modified_ns=path.stat().st_mtime_ns)


def written(path: Path, content: bytes | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def line(**changes: object) -> str:
    return (
        json.dumps({name: value for name, value in order(**changes).items() if value is not None}, default=str) + "\n"
    )


def breaking(folder: Path, text: str) -> list[str]:
    loaded = config(folder, text)
    return drift(loaded, "orders", pin(loaded, "orders", WINDOW)).breaking


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"a": 1}\n[1]\n', "row 2 is not an object"),
        (b'{"a": 1}\n{"a": \n', "row 2 is not one whole object"),
        (b'{"a": 1}\n{"a": 2} {"a": 3}\n', "row 2 is not one whole object"),
        (b'{"a": 1}\r{"a": 2}\r', "row 1 is not one whole object"),
        (b'{"a": 1, "a": 2}\n', "row 1 names a twice"),
        (b'{"a": {"b": 1, "b": 2}}\n', "row 1 names b twice"),
        (b'{"a": 1}\n{"a": "\xff"}\n', "row 2 is not text in UTF-8"),
        (b'[\n{"a": 1},\n{"a": 2}]\n', "row 1 is not one whole object"),
        (b'\xef\xbb\xbf{"a": 1}\n', "begins with a mark of byte order"),
    ],
)
@pytest.mark.parametrize("name", ["a.json", "a.json.gz"])
def test_json_that_would_be_misread_is_refused_with_its_row(
    tmp_path: Path, name: str, content: bytes, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = gzip.compress(content) if name.endswith("gz") else content
    with pytest.raises(SourceError, match=f"{name}: {said}"):
        jsonlines.names(pinned(written(tmp_path / name, packed)))
    monkeypatch.setattr(jsonlines, "_BLOCK", 10)
    with pytest.raises(SourceError, match=f"{name}: {said}"):
        jsonlines.names(pinned(written(tmp_path / "again" / name, packed)))


@pytest.mark.parametrize("block", [3, 10, 1 << 24])
def test_the_names_of_all_objects_are_found_in_order(
    tmp_path: Path, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jsonlines, "_BLOCK", block)
    content = b'{"a": 1}\r\n\n{"b": {"x": 1}, "a": "now text"}\n  \n{"c": [1, "x"]}\n{}\n{"d": null}'
    assert jsonlines.names(pinned(written(tmp_path / f"{block}.json", content))) == ("a", "b", "c", "d")


def test_torn_packed_json_is_told(tmp_path: Path) -> None:
    path = written(tmp_path / "a.json.gz", gzip.compress(line().encode())[:-6])
    with pytest.raises(SourceError, match="is torn"):
        jsonlines.names(pinned(path))


def test_a_column_that_no_object_names_drifts_and_one_that_some_lack_does_not(tmp_path: Path) -> None:
    first, second = (tmp_path / FOLDER / name for name in ("a.json", "b.json"))
    written(first, line(paid_on="2026-10-06") + line())
    written(second, line())
    assert breaking(tmp_path, JSON) == []
    written(first, line(paid_on="2026-10-06").replace("product", "Product"))
    written(second, line(paid_on="2026-10-06").replace("product", "Product").replace('"note"', '"notes"'))
    assert breaking(tmp_path, JSON) == ["raw_orders: column product is now spelled Product"]
    written(first, line(paid_on="2026-10-06").replace('"note"', '"notes"'))
    written(second, line().replace('"note"', '"notes"'))
    assert breaking(tmp_path, JSON) == ["raw_orders: column note (string) is missing; was it renamed to notes?"]


def test_orc_columns_have_their_types_and_times_are_those_of_a_wall_clock(tmp_path: Path) -> None:
    place = tmp_path / FOLDER / "a.orc"
    place.parent.mkdir(parents=True)
    clock = SCHEMA.set(6, pa.field("recorded_at", pa.timestamp("us")))
    rows = [order(recorded_at=datetime(2026, 10, 5, 20))]
    orc.write_table(pa.Table.from_pylist(rows, schema=clock), place)
    declared = ORC.replace("recorded_at: timestamp", "recorded_at: timestamp_ntz")
    assert breaking(tmp_path, declared) == []
    assert breaking(tmp_path, ORC.replace("seats: int", "seats: bigint")) == [
        "raw_orders: column recorded_at is timestamp_ntz, declared timestamp",
        "raw_orders: column seats is int, declared bigint",
    ]
    orc.write_table(pa.Table.from_pylist([order()], schema=SCHEMA), place)
    with pytest.raises(SourceError, match=r"Spark cannot read .*a\.orc: recorded_at is a timestamp with local"):
        pin(config(tmp_path, declared), "orders", WINDOW)
    written(tmp_path / FOLDER / "b.orc", b"ORC and nothing else")
    place.unlink()
    with pytest.raises(SourceError, match=r"b\.orc is torn or not an ORC file"):
        pin(config(tmp_path, declared), "orders", WINDOW)


def avro(schema: object) -> bytes:
    """The beginning of an Avro file: its mark, a map of one block, and the mark between blocks."""

    def number(value: int) -> bytes:
        value, found = (value << 1) ^ (value >> 63), b""
        while value > 0x7F:
            found, value = found + bytes([value & 0x7F | 0x80]), value >> 7
        return found + bytes([value])

    def text(value: bytes) -> bytes:
        return number(len(value)) + value

    pairs = [(b"avro.codec", b"null"), (b"avro.schema", json.dumps(schema).encode())]
    return (
        b"Obj\x01" + number(len(pairs)) + b"".join(text(one) + text(two) for one, two in pairs) + number(0) + b"x" * 16
    )


def test_the_columns_of_avro_are_read_from_its_beginning(tmp_path: Path) -> None:
    cents = {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 2}
    place = {"type": "record", "name": "place", "fields": [{"name": "city", "type": ["null", "string"]}]}
    types: dict[str, tuple[object, str]] = {
        "line_id": ("string", "string"),
        "amount": (["null", cents], "decimal(18,2)"),
        "seats": (["int", "long"], "bigint"),
        "day": ({"type": "int", "logicalType": "date"}, "date"),
        "at": ({"type": "long", "logicalType": "timestamp-micros"}, "timestamp"),
        "clock": ({"type": "long", "logicalType": "local-timestamp-millis"}, "timestamp_ntz"),
        "tags": ({"type": "array", "items": "string"}, "array<string>"),
        "home": (place, "struct<city:string>"),
        "work": ("place", "struct<city:string>"),
        "sizes": ({"type": "map", "values": "double"}, "map<string,double>"),
        "kind": ({"type": "enum", "name": "kind", "symbols": ["A"]}, "string"),
        "either": (["string", "int"], "struct<member0:string,member1:int>"),
    }
    schema = {"type": "record", "name": "o", "fields": [{"name": n, "type": t} for n, (t, _) in types.items()]}
    table = RawTable(name="t", path="t", format=Format.AVRO, columns={})
    path = written(tmp_path / "a.avro", avro(schema))
    assert columns_of(pinned(path), table) == tuple((name, type_) for name, (_, type_) in types.items())
    for torn in (avro(schema)[:40], b"Obj\x01", avro("string"), b"Obj\x01" + b"\xff" * 20, avro(schema)[4:]):
        with pytest.raises(SourceError, match="is torn or not an Avro file"):
            columns_of(pinned(written(tmp_path / "b.avro", torn)), table)


def test_folders_that_are_columns_drift_where_they_are_not_there(tmp_path: Path) -> None:
    text = JSON.replace("    columns:\n", "    partitions: {region: string}\n    columns:\n", 1)
    all_of_it = line(paid_on="2026-10-06")
    written(tmp_path / FOLDER / "region=eu" / "a.json", all_of_it)
    assert breaking(tmp_path, text) == []
    written(tmp_path / FOLDER / "Region=us" / "a.json", all_of_it)
    written(tmp_path / FOLDER / "b.json", all_of_it)
    assert breaking(tmp_path, text) == [
        "raw_orders: column region (string) is missing [1 of 3 files: orders/month=2026-10/b.json]",
        "raw_orders: column region is now spelled Region [1 of 3 files: orders/month=2026-10/Region=us/a.json]",
    ]


def test_a_column_both_in_files_and_folders_is_refused(tmp_path: Path) -> None:
    text = JSON.replace("    columns:\n", "    partitions: {region: string}\n    columns:\n", 1)
    written(tmp_path / FOLDER / "region=eu" / "a.json", line(paid_on="2026-10-06", region="us"))
    assert breaking(tmp_path, text) == ["raw_orders: column region appears there more than once: region, region"]


def test_levels_are_the_folders_between_base_and_file(tmp_path: Path) -> None:
    assert levels(tmp_path / "day=1" / "x" / "region=a=b" / "f.csv", tmp_path) == {"day": "1", "region": "a=b"}
    assert levels(tmp_path / "a=b.csv", tmp_path) == {}


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ("csv: {delimiter: tab}", "csv: is for csv; the format is parquet"),
        ("date_format: dd.MM.yyyy", "date_format: is for text; a parquet holds days and times as such"),
        ("partitions: {seats: int}", "partitions.seats: is among the columns too"),
        ("partitions: {Seats: int}", "partitions.Seats: differs from seats only in case"),
        ("partitions: {region: text}", "'text' is not a Spark SQL type"),
        ('partitions: {"re/gion": string}', "a column needs a name"),
        ('partitions: {region: "array<int>"}', "array<int> cannot be said by text"),
    ],
)
def test_a_mistake_in_how_files_are_written_is_named(tmp_path: Path, extra: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        config(tmp_path, ORDERS.replace("    timezone: UTC\n", f"    timezone: UTC\n    {extra}\n"))
    assert said in "\n".join(findings(error.value))


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ('csv: {delimiter: ";;"}', "csv: the delimiter is not one character"),
        ('csv: {quote: "", delimiter: ";"}', "csv: the quote is not one character"),
        ('csv: {quote: "\'", delimiter: "\'"}', "csv: the delimiter is not one character"),
        ("csv: {encoding: klingon}", "csv: klingon is not a character set"),
        ("date_format: dd.MM.", "date_format: dd.MM. does not say all of a day or time: y is missing"),
        ("timestamp_format: dd.MM.yyyy hh:mm", "does not say all of a day or time: H is missing"),
        ("date_format: jj-mm-tt", "jj-mm-tt is not a pattern of Spark"),
    ],
)
def test_a_mistake_in_how_text_is_written_is_named(tmp_path: Path, extra: str, said: str) -> None:
    text = ORDERS.replace("parquet", "csv").replace("    timezone: UTC\n", f"    timezone: UTC\n    {extra}\n")
    with pytest.raises(ConfigError) as error:
        config(tmp_path, text)
    assert said in "\n".join(findings(error.value))


def test_times_in_text_with_a_zone_in_their_pattern_need_no_other(tmp_path: Path) -> None:
    text = JSON.replace("    timezone: UTC\n", "    timestamp_format: yyyyMMddHHmmssXX\n")
    assert config(tmp_path, text).tables["raw_orders"].timezone == ""
    with pytest.raises(ConfigError, match="recorded_at may hold times without a zone"):
        config(tmp_path, text.replace("XX", "'X'"))
    assert pattern_mistake("dd.MM.yyyy hh:mm a", "yMdHm") == ""


def test_the_names_of_a_csv_without_header_are_those_declared(tmp_path: Path) -> None:
    text = ORDERS.replace("parquet", "csv").replace("    columns:\n", "    csv: {header: false}\n    columns:\n", 1)
    row = "L1,cloud,a,10.00,3,2026-10-05,2026-10-05T20:00:00Z,\n"
    written(tmp_path / FOLDER / "a.csv", row)
    assert breaking(tmp_path, text) == []
    written(tmp_path / FOLDER / "a.csv", row.replace(",\n", "\n"))
    assert breaking(tmp_path, text) == ["raw_orders: column paid_on (date) is missing"]
    written(tmp_path / FOLDER / "a.csv", row.replace(",\n", ",,9\n"))
    loaded = config(tmp_path, text)
    assert drift(loaded, "orders", pin(loaded, "orders", WINDOW)).added == [
        "raw_orders: column _c8 is new and not declared"
    ]


def test_a_pattern_finds_files_and_a_name_with_pattern_characters_is_itself(tmp_path: Path) -> None:
    for name in ("in/2026-09/a.csv", "in/2026-10/a.csv", "in/2026-10/_SUCCESS", "in/other/a.csv", "in/x[1]/a.csv"):
        written(tmp_path / name, "id\n1\n")
    found = [Path(file.path).relative_to(tmp_path).as_posix() for file in below(tmp_path / "in/2026-*/*.csv")]
    assert found == ["in/2026-09/a.csv", "in/2026-10/a.csv"]
    assert [Path(file.path).parent.name for file in below(tmp_path / "in/2026-*")] == ["2026-09", "2026-10"]
    assert [Path(file.path).parent.name for file in below(tmp_path / "in/x[1]")] == ["x[1]"]
    assert below(tmp_path / "in/2027-*") == []


def test_the_contract_of_json_counts_what_does_not_convert(tmp_path: Path) -> None:
    from dq.sources import contract_checks

    found = [check.check for check in contract_checks(config(tmp_path, JSON, CONTRACTS), "orders")]
    assert "orders.amount.converts" in found
    parquet = [check.check for check in contract_checks(config(tmp_path, ORDERS, CONTRACTS), "orders")]
    assert "orders.amount.converts" not in parquet
