"""Rows of a Delta table as a source reads them: those of the pinned version, without Delta's jar."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import deltalake
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from sources_support import ORDERS, SCHEMA, config, month_window, order

from dq.base.errors import SourceError
from dq.cli import main
from dq.engine import footers
from dq.run.inputs import dataset_of
from dq.sources import pin, read

WINDOW = month_window()
DELTA = ORDERS.replace("orders/month={month}", "orders").replace("parquet", "delta")


def append(place: Path, *rows: dict[str, object], schema: pa.Schema = SCHEMA, **options: object) -> None:
    deltalake.write_deltalake(str(place), pa.Table.from_pylist(list(rows), schema=schema), mode="append", **options)


def test_the_rows_of_the_pinned_version_are_read_and_proved(spark: SparkSession, tmp_path: Path) -> None:
    place, loaded = tmp_path / "data" / "orders", config(tmp_path, DELTA)
    old = {name: value for name, value in order("L1").items() if name != "paid_on"}
    append(place, old, schema=SCHEMA.remove(7))
    append(place, order("gone", amount=Decimal("99.00")), schema_mode="merge")
    append(place, order("L2", paid_on=date(2026, 10, 9)))
    append(place, order("later", day=date(2026, 12, 1)))
    deltalake.DeltaTable(str(place)).delete("line_id = 'gone'")
    pinned = pin(loaded, "orders", WINDOW)
    append(place, order("L3"))
    found = read(spark, loaded, "orders", pinned, WINDOW)
    rows = found.frame.select("line_id", "paid_on").orderBy("line_id").collect()
    assert [tuple(row) for row in rows] == [("L1", None), ("L2", date(2026, 10, 9))]
    proved = footers.read(dataset_of(found))
    assert proved is not None
    assert (proved.rows, proved.columns["amount"].maximum) == (2, Decimal("10.00"))
    assert proved.columns["paid_on"].nulls is None, "a file that lacks the column proves nothing of it"
    pinned.verify()


def test_partitions_come_from_the_folders_in_their_types(spark: SparkSession, tmp_path: Path) -> None:
    place, loaded = tmp_path / "data" / "orders", config(tmp_path, DELTA)
    rows = [order("L1", product="a b+c/%"), order("L2", product=None), order("L3", seats=None)]
    append(place, *rows, partition_by=["product", "seats"])
    found = read(spark, loaded, "orders", pin(loaded, "orders", WINDOW), WINDOW)
    read_back = found.frame.select("line_id", "product", "seats").orderBy("line_id").collect()
    assert [tuple(row) for row in read_back] == [("L1", "a b+c/%", 3), ("L2", None, 3), ("L3", "cloud", None)]
    proved = footers.read(dataset_of(found))
    assert proved is not None
    assert (proved.rows, proved.columns["product"].nulls) == (3, None)


def test_deletion_vectors_without_deltas_jar_are_refused_and_nothing_else_is_read(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dq.sources import deltafolder

    append(tmp_path / "data" / "orders", order("L1"))
    loaded = config(tmp_path, DELTA)
    monkeypatch.setattr(deltafolder, "_only_delta", lambda _: "deletion vectors")
    pinned = pin(loaded, "orders", WINDOW)
    with pytest.raises(SourceError, match=r"version 0 has deletion vectors, .*add io\.delta:delta-spark"):
        read(spark, loaded, "orders", pinned, WINDOW)


def test_dq_check_judges_the_newest_version_of_a_table(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place, suite = tmp_path / "t", tmp_path / "suite.yml"
    append(place, order("L1"), order("L2"), partition_by=["product"])
    append(place, order("L2"))
    one = "  - {type: expect_column_values_to_be_unique, kwargs: {column: line_id}}\n"
    counted = "  - {type: expect_table_row_count_to_be_between, kwargs: {min_value: 3, max_value: 3}}\n"
    named = "  - {type: expect_column_values_to_be_in_set, kwargs: {column: product, value_set: [cloud]}}\n"
    suite.write_text("name: s\nexpectations:\n" + one + counted + named)
    assert main(["check", f"delta:{place}", "--suite", str(suite)]) == 1
    assert "1 of 3 checks failed" in capsys.readouterr().out
    assert main(["check", f"delta:{tmp_path / 'none'}", "--suite", str(suite)]) == 3
    assert "none is not there" in capsys.readouterr().err
    assert main(["check", str(place), "--suite", str(suite)]) == 3
    assert "give delta:PATH to dq check" in capsys.readouterr().err
