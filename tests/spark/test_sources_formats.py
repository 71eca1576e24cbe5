"""Rows of JSON, ORC and CSV as other companies write them, and of folders that are columns, as a source reads them."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.orc as orc
import pytest
from pyspark.sql import SparkSession
from sources_support import ORDERS, SCHEMA, config, month_window, order, write_parquet

from dq.base.errors import SourceError
from dq.engine import footers
from dq.run.inputs import dataset_of
from dq.sources import SourceFrame, SourcesConfig, pin, read
from dq.spark import spark_versions

WINDOW = month_window()
FOLDER = "data/orders/month=2026-10"
JSON = ORDERS.replace("parquet", "json")
ORC = ORDERS.replace("parquet", "orc")
CSV = ORDERS.replace("parquet", "csv")


def source(spark: SparkSession, loaded: SourcesConfig) -> SourceFrame:
    return read(spark, loaded, "orders", pin(loaded, "orders", WINDOW), WINDOW)


def values(found: SourceFrame, *columns: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in found.frame.select(*columns).orderBy("line_id").collect()]


def written(path: Path, content: bytes | str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def line(line_id: str, **changes: object) -> str:
    return json.dumps({**order(line_id), **changes}, default=str) + "\n"


def test_json_is_read_by_name_with_the_digits_that_stand_there(spark: SparkSession, tmp_path: Path) -> None:
    written(
        tmp_path / FOLDER / "a.json", line("L1", amount="@", paid_on="2026-10-06").replace('"@"', "1234567890123456.12")
    )
    written(tmp_path / FOLDER / "b.json.gz", gzip.compress((line("L2", note=None) + '{"line_id": "L3"}\n').encode()))
    found = source(spark, config(tmp_path, JSON))
    assert dict(found.frame.dtypes)["amount"] == "decimal(18,2)"
    assert values(found, "line_id", "amount", "seats", "note", "paid_on") == [
        ("L1", Decimal("1234567890123456.12"), 3, "a", date(2026, 10, 6)),
        ("L2", Decimal("10.00"), 3, None, None),
        ("L3", None, None, None, None),
    ]
    assert found.footer_columns == {}


@pytest.mark.parametrize(
    ("amount", "kept"), [("1.239", "1.239"), ('"1.2.3"', "1.2.3"), ("true", "true"), ('{"x": 1}', '{"x":1}')]
)
def test_a_json_value_that_does_not_convert_is_null_beside_what_stood_there(
    spark: SparkSession, tmp_path: Path, amount: str, kept: str
) -> None:
    if not spark_versions.json_keeps_digits(spark):
        pytest.skip("this version reads amounts as decimals, and stops at any other value")
    written(tmp_path / FOLDER / "a.json", line("L1", amount="@").replace('"@"', amount) + line("L2"))
    found = source(spark, config(tmp_path, JSON))
    (first, second) = values(found, "line_id", "amount", "__raw_amount")
    # Spark keeps the blanks of an object or writes it without: that differs by where the line stands in its buffer.
    assert (*first[:2], first[2].replace(" ", "")) == ("L1", None, kept)
    assert second == ("L2", Decimal("10.00"), "10.00")


def test_lists_and_structs_of_json_have_their_types(spark: SparkSession, tmp_path: Path) -> None:
    text = JSON.replace("      note: string\n", '      tags: "array<string>"\n').replace("note,", "tags[0] AS note,")
    rows = [{**order("L1"), "tags": ["b", "c"]}, {**order("L2"), "tags": None}]
    written(tmp_path / FOLDER / "a.json", "".join(json.dumps(row, default=str) + "\n" for row in rows))
    assert values(source(spark, config(tmp_path, text)), "line_id", "note") == [("L1", "b"), ("L2", None)]


def test_times_of_orc_are_those_of_a_wall_clock(spark: SparkSession, tmp_path: Path) -> None:
    schema = SCHEMA.set(6, pa.field("recorded_at", pa.timestamp("us")))
    at = datetime(2026, 10, 5, 20)
    (tmp_path / FOLDER).mkdir(parents=True)
    orc.write_table(pa.Table.from_pylist([order("L1", recorded_at=at)], schema=schema), tmp_path / FOLDER / "a.orc")
    text = ORC.replace("recorded_at: timestamp", "recorded_at: timestamp_ntz").replace(
        "timezone: UTC", "timezone: America/New_York"
    )
    found = source(spark, config(tmp_path, text))
    row = found.frame.selectExpr("cast(recorded_at AS string) at", "amount").first()
    assert row is not None
    assert tuple(row) == ("2026-10-06 00:00:00", Decimal("10.00"))
    assert found.footer_columns == {}


def test_orc_that_spark_wrote_itself_is_read_as_it_wrote_it(spark: SparkSession, tmp_path: Path) -> None:
    write_parquet(tmp_path / "a.parquet", [order("L1")])
    spark.read.parquet(str(tmp_path / "a.parquet")).write.orc(str(tmp_path / FOLDER))
    text = ORC.replace("recorded_at: timestamp", "recorded_at: timestamp_ntz")
    row = source(spark, config(tmp_path, text)).frame.selectExpr("cast(recorded_at AS string) at").first()
    assert row is not None
    assert row["at"] == "2026-10-05 20:00:00"


def test_times_of_orc_by_another_clock_are_refused(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_parquet(tmp_path / "a.parquet", [order("L1")])
    spark.read.parquet(str(tmp_path / "a.parquet")).write.orc(str(tmp_path / FOLDER))
    zones = spark.sparkContext._jvm.java.util.TimeZone
    before = zones.getDefault()
    zones.setDefault(zones.getTimeZone("Europe/Berlin"))
    try:
        with pytest.raises(SourceError, match=r"raw_orders: Spark reads times of ORC by the clock .* Europe/Berlin"):
            source(spark, config(tmp_path, ORC.replace("recorded_at: timestamp", "recorded_at: timestamp_ntz")))
    finally:
        zones.setDefault(before)


def test_avro_without_its_jar_is_refused_with_what_to_add(spark: SparkSession, tmp_path: Path) -> None:
    schema = b'{"type":"record","name":"o","fields":[]}'
    header = b"Obj\x01\x02\x16avro.schema" + bytes([len(schema) << 1]) + schema + b"\x00"
    written(tmp_path / FOLDER / "a.avro", header + b"x" * 16)
    with pytest.raises(SourceError, match=r"no jar to read Avro with.*add org\.apache\.spark:spark-avro"):
        source(spark, config(tmp_path, ORDERS.replace("parquet", "avro")))


def test_csv_as_a_company_writes_it(spark: SparkSession, tmp_path: Path) -> None:
    how = """\
    csv: {delimiter: ";", encoding: cp1252, quote: "'", header: false}
    date_format: dd.MM.yyyy
    timestamp_format: "dd.MM.yyyy HH:mm"
"""
    text = CSV.replace("timezone: UTC\n", f"timezone: Europe/Berlin\n{how}")
    body = "L1;'Zoë; ''x''';a;10.00;3;05.10.2026;05.10.2026 20:00;\nL2;€;a;1;2;31.02.2026;2026-10-05 20:00;06.10.2026\n"
    written(tmp_path / FOLDER / "a.csv", body.encode("cp1252"))
    found = source(spark, config(tmp_path, text))
    at = "cast(recorded_at AS string)"
    rows = [
        tuple(row)
        for row in found.frame.selectExpr("product", "booked_date", at, "paid_on").orderBy("line_id").collect()
    ]
    assert rows == [
        ("Zoë; 'x'", date(2026, 10, 5), "2026-10-05 18:00:00", None),
        ("€", None, None, date(2026, 10, 6)),
    ]
    assert values(found, "line_id", "__raw_booked_date")[1] == ("L2", "31.02.2026")


@pytest.mark.parametrize("format_", ["parquet", "json", "csv", "orc"])
def test_folders_are_columns_spelled_as_whoever_wrote_them_meant(
    spark: SparkSession, tmp_path: Path, format_: str
) -> None:
    write_parquet(tmp_path / "a.parquet", [order("L1")])
    plain = spark.read.parquet(str(tmp_path / "a.parquet")).selectExpr(
        "line_id",
        "note",
        "amount",
        "seats",
        "booked_date",
        "date_format(recorded_at, \"yyyy-MM-dd'T'HH:mm:ssXXX\") recorded_at",
    )
    names = ["a b", "a+b", "a/b=c", "ü%20", "München", None]
    rows = plain.crossJoin(spark.createDataFrame([(name,) for name in names], "product string"))
    rows = rows.selectExpr("concat('L', coalesce(product, '-')) line_id", *rows.columns[1:], "date'2026-10-06' paid_on")
    text = (
        ORDERS.replace("format: parquet", f"format: {format_}")
        .replace("      product: string\n", "")
        .replace("      paid_on: date\n", "")
        .replace("recorded_at: timestamp", "recorded_at: string")
        .replace("    columns:\n", "    partitions: {product: string, paid_on: date}\n    columns:\n", 1)
    )
    options = {"header": "true"} if format_ == "csv" else {}
    rows.write.partitionBy("product", "paid_on").format(format_).options(**options).save(str(tmp_path / FOLDER))
    found = source(spark, config(tmp_path, text))
    wanted = sorted((f"L{name or '-'}", name, date(2026, 10, 6)) for name in names)
    assert sorted(values(found, "line_id", "product", "paid_on")) == wanted
    assert set(found.footer_columns) <= {"line_id", "note", "amount", "seats", "booked_date"}


def test_a_folder_whose_name_does_not_convert_is_counted(spark: SparkSession, tmp_path: Path) -> None:
    text = ORDERS.replace("      paid_on: date\n", "").replace(
        "    columns:\n", "    partitions: {paid_on: date}\n    columns:\n", 1
    )
    schema = SCHEMA.remove(7)
    for day in ("2026-10-06", "2026-13-01"):
        rows = [{name: value for name, value in order(f"L{day}").items() if name != "paid_on"}]
        write_parquet(tmp_path / FOLDER / f"paid_on={day}" / "a.parquet", rows, schema)
    found = source(spark, config(tmp_path, text))
    assert values(found, "paid_on", "__raw_paid_on") == [(date(2026, 10, 6), "2026-10-06"), (None, "2026-13-01")]
    proved = footers.read(dataset_of(found))
    assert proved is not None
    assert (proved.rows, "paid_on" in proved.columns, "amount" in proved.columns) == (2, False, True)


def test_a_column_that_is_a_folder_does_not_take_the_place_of_one_in_the_files(
    spark: SparkSession, tmp_path: Path
) -> None:
    """``note=…`` is not declared to be a column: the files' own counts, whatever the folder is called."""
    write_parquet(
        tmp_path / FOLDER / "note=b" / "a.parquet", [order("L1", recorded_at=datetime(2026, 10, 5, tzinfo=UTC))]
    )
    assert values(source(spark, config(tmp_path)), "note") == [("a",)]
