"""Tables of a catalogue as raw tables: pinned by their files, verified again, refused with one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from sources_support import ORDERS, config, findings, month_window, order, write_parquet

from dq.base.errors import ConfigError, SourceError
from dq.cli import main
from dq.sources import SourcesConfig, cataloguetable, drift, pin, read

WINDOW = month_window()
NAME = "dq_orders_here"
PATH = '    path: "orders/month={month}"\n    format: parquet\n'
TABLE = ORDERS.replace(PATH, f"    table: spark_catalog.default.{NAME}\n")


@pytest.fixture
def loaded(spark: SparkSession, tmp_path: Path) -> Iterator[SourcesConfig]:
    write_parquet(tmp_path / "raw" / "a.parquet", [order("L1", product="cloud"), order("L2", product="desk")])
    frame = spark.read.parquet(str(tmp_path / "raw"))
    frame.write.partitionBy("product").option("path", str(tmp_path / "table")).saveAsTable(NAME)
    found = config(tmp_path, TABLE)
    (tmp_path / "data").rmdir()  # a company that keeps all it has in catalogues needs no folder
    yield found
    spark.sql(f"DROP TABLE IF EXISTS {NAME}")


def test_a_table_is_read_with_its_partitions_and_its_scan_is_the_evidence(
    spark: SparkSession, loaded: SourcesConfig
) -> None:
    pinned = pin(loaded, "orders", WINDOW)
    assert drift(loaded, "orders", pinned).changes == ()
    found = read(spark, loaded, "orders", pinned, WINDOW)
    rows = found.frame.select("line_id", "product").orderBy("line_id").collect()
    assert [tuple(row) for row in rows] == [("L1", "cloud"), ("L2", "desk")]
    assert (found.files, found.footer_columns) == ((), {})
    pinned.verify()
    assert pin(loaded, "orders", WINDOW).fingerprint == pinned.fingerprint


def test_a_table_that_changes_during_the_run_is_told(spark: SparkSession, loaded: SourcesConfig) -> None:
    pinned = pin(loaded, "orders", WINDOW)
    spark.table(NAME).where("line_id = 'L1'").write.insertInto(NAME)
    with pytest.raises(SourceError, match=r"orders: the table spark_catalog\.default\.\w+ changed during the run"):
        pinned.verify()
    assert pin(loaded, "orders", WINDOW).fingerprint != pinned.fingerprint


def test_a_partition_that_is_dropped_during_the_run_is_told(spark: SparkSession, loaded: SourcesConfig) -> None:
    pinned = pin(loaded, "orders", WINDOW)
    spark.sql(f"ALTER TABLE {NAME} DROP PARTITION (product = 'desk')")
    with pytest.raises(SourceError, match=r"changed during the run: .*product=desk"):
        pinned.verify()


def test_columns_that_differ_in_case_or_type_drift_before_anything_is_read(
    spark: SparkSession, tmp_path: Path, loaded: SourcesConfig
) -> None:
    other = config(tmp_path, TABLE.replace("line_id: string", "Line_Id: string").replace("seats: int", "seats: bigint"))
    assert drift(other, "orders", pin(other, "orders", WINDOW)).breaking == [
        "raw_orders: column seats is int, declared bigint",
        "raw_orders: column Line_Id is now spelled line_id",
    ]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("spark_catalog.default.dq_orders_hear", "is not in the catalogue; correct its name"),
        ("nowhere.default.orders", "nowhere.default.orders (is not in|cannot be read from) (the|its) catalogue"),
        (f"{NAME}_view", "is a view, and what it reads cannot be pinned; name the tables below it"),
    ],
)
def test_what_cannot_be_pinned_is_told_in_a_sentence(
    spark: SparkSession, tmp_path: Path, loaded: SourcesConfig, name: str, said: str
) -> None:
    spark.sql(f"CREATE OR REPLACE VIEW {NAME}_view AS SELECT 1 AS line_id")
    try:
        other = config(tmp_path, TABLE.replace(f"spark_catalog.default.{NAME}", name))
        with pytest.raises(SourceError, match=f"orders: .*{said}"):
            pin(other, "orders", WINDOW)
    finally:
        spark.sql(f"DROP VIEW {NAME}_view")


def test_a_catalogue_that_is_down_is_told_without_what_it_says(
    spark: SparkSession, loaded: SourcesConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: object) -> None:
        raise RuntimeError("Connection refused: thrift://user:hunter2@metastore:9083")

    monkeypatch.setattr(cataloguetable, "_state", down)
    with pytest.raises(SourceError, match=r"cannot be read from its catalogue \(RuntimeError\); see that") as error:
        pin(loaded, "orders", WINDOW)
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("table: spark", "path: x\n    table: spark", "is not for a table of a catalogue, which has it by its name"),
        (f"table: spark_catalog.default.{NAME}", "table: a.b.c.d", "a.b.c.d is not the name of a table"),
        (f"table: spark_catalog.default.{NAME}", "timezone: UTC", "say where it is: path and format of its files, or"),
    ],
)
def test_a_mistake_in_its_declaration_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    text = TABLE.replace("    timezone: UTC\n", "") if new == "timezone: UTC" else TABLE
    with pytest.raises(ConfigError) as error:
        config(tmp_path, text.replace(old, new))
    assert said in "\n".join(findings(error.value))


def test_dq_check_takes_a_name_of_three_parts(
    spark: SparkSession, tmp_path: Path, loaded: SourcesConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = tmp_path / "suite.yml"
    suite.write_text(
        "name: s\nexpectations:\n  - {type: expect_column_values_to_be_unique, kwargs: {column: line_id}}\n"
    )
    assert main(["check", f"spark_catalog.default.{NAME}", "--suite", str(suite)]) == 0
    assert main(["check", "nowhere.default.orders", "--suite", str(suite)]) in (2, 3)
    told = capsys.readouterr()
    assert "Traceback" not in told.err
    assert "nowhere.default.orders" in told.err
