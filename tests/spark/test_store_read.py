"""Reading published tables through Spark: recorded schema, whole months of days, older versions, the current link."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from store_support import INFO, NOW

from dq.base.errors import StoreError
from dq.base.former import Former
from dq.engine import footers
from dq.run import inputs
from dq.store import Commit, Table, Warehouse, read_entries, read_published, select_published

DAY_ROWS = [
    ("2026-10-01", "a", "1.10"),
    ("2026-10-01", "b", None),
    ("2026-10-02", "a", "3.30"),
    ("2026-11-01", "c", "4"),
]


@pytest.fixture
def table(tmp_path: Path) -> Table:
    return Warehouse(tmp_path).table("profit_unit")


def frame(spark: SparkSession, rows: list[tuple[str, str, str | None]], amount: str = "decimal(12,2)") -> DataFrame:
    found = spark.createDataFrame(rows, "period string, region string, amount string")
    return found.select("period", "region", found["amount"].cast(amount).alias("amount"))


def publish(table: Table, run: str, rows: DataFrame) -> Commit:
    rows.write.mode("errorifexists").partitionBy("period").parquet(table.staging(run))
    manifest = table.seal(run, schema_json=rows.drop("period").schema.json(), fingerprint=f"key-{run}", audit={})
    entries = {period: table.entry(period) for period in manifest.periods}
    expected = {period: entry.version if entry else None for period, entry in entries.items()}
    return table.commit(manifest, periods=dict.fromkeys(manifest.periods, INFO), expected=expected, now=NOW)


def rows_of(found: DataFrame) -> list[tuple[str, str | None]]:
    rows = ((row["region"], None if row["amount"] is None else str(row["amount"])) for row in found.collect())
    return sorted(rows, key=str)


def test_what_spark_staged_is_read_with_the_recorded_schema_and_without_the_folder_column(
    spark: SparkSession, table: Table, tmp_path: Path
) -> None:
    done = publish(table, "r1", frame(spark, DAY_ROWS))
    assert sum(entry.rows for entry in done.entries.values()) == 4
    found = read_published(spark, tmp_path, "profit_unit")
    assert found.dtypes == [("region", "string"), ("amount", "decimal(12,2)")]
    assert rows_of(found) == [("a", "1.10"), ("a", "3.30"), ("b", None), ("c", "4.00")]


def test_a_month_selects_its_days_and_a_day_itself(spark: SparkSession, table: Table, tmp_path: Path) -> None:
    publish(table, "r1", frame(spark, DAY_ROWS))
    assert rows_of(read_published(spark, tmp_path, "profit_unit", "2026-10")) == [
        ("a", "1.10"),
        ("a", "3.30"),
        ("b", None),
    ]
    assert rows_of(read_published(spark, tmp_path, "profit_unit", "2026-10-02")) == [("a", "3.30")]
    selected = select_published(tmp_path, "profit_unit", "2026-10")
    assert [entry.period for entry in selected.entries] == ["2026-10-01", "2026-10-02"]
    assert (selected.version, len(selected.files) >= 2) == (1, True)
    with pytest.raises(StoreError, match=r"2026-12 is not published.*2026-10-01, 2026-10-02, 2026-11-01"):
        read_published(spark, tmp_path, "profit_unit", "2026-12")


def test_pinned_entries_and_older_versions_are_read_after_newer_figures_were_published(
    spark: SparkSession, table: Table, tmp_path: Path
) -> None:
    first = publish(table, "r1", frame(spark, [("2026-10", "a", "1")]))
    publish(table, "r2", frame(spark, [("2026-10", "a", "2")]))
    assert rows_of(read_published(spark, tmp_path, "profit_unit")) == [("a", "2.00")]
    assert rows_of(read_published(spark, tmp_path, "profit_unit", version=1)) == [("a", "1.00")]
    assert rows_of(read_entries(spark, table, first.entries)) == [("a", "1.00")]
    with pytest.raises(StoreError, match="no entries"):
        read_entries(spark, table, {})


def test_a_column_that_older_periods_lack_is_null_there_and_a_retyped_one_is_refused(
    spark: SparkSession, table: Table, tmp_path: Path
) -> None:
    publish(table, "r1", frame(spark, [("2026-09", "a", "1")]).drop("amount"))
    publish(table, "r2", frame(spark, [("2026-10", "a", "2")]))
    found = read_published(spark, tmp_path, "profit_unit")
    assert found.columns == ["region", "amount"]
    assert rows_of(found) == [("a", "2.00"), ("a", None)]
    publish(table, "r3", frame(spark, [("2026-11", "a", "3")], "decimal(14,2)"))
    with pytest.raises(StoreError, match=r"column amount is decimal\(14,2\) in newer and decimal\(12,2\) in older"):
        read_published(spark, tmp_path, "profit_unit")
    assert rows_of(read_published(spark, tmp_path, "profit_unit", "2026-11")) == [("a", "3.00")]


FORMER = Former(columns={"turnover": "amount"}, values={"region": {"emea": "eu"}})
"""What the table was called before: its amount turnover, and of its regions the eu emea."""


def test_what_was_published_before_a_rename_is_read_under_the_names_of_today(
    spark: SparkSession, table: Table, tmp_path: Path
) -> None:
    old = frame(spark, [("2026-09", "emea", "1"), ("2026-09", "us", None)]).withColumnRenamed("amount", "turnover")
    publish(table, "r1", old)
    publish(table, "r2", frame(spark, [("2026-10", "eu", "2")]))
    assert read_published(spark, tmp_path, "profit_unit").columns == ["region", "amount", "turnover"]
    found = read_published(spark, tmp_path, "profit_unit", former=FORMER)
    assert found.columns == ["region", "amount"]
    assert rows_of(found) == [("eu", "1.00"), ("eu", "2.00"), ("us", None)]
    today = Warehouse(tmp_path, former={"profit_unit": FORMER}).table("profit_unit")
    commit = today.current()
    assert commit is not None
    september = {"2026-09": commit.entries["2026-09"]}
    assert rows_of(read_entries(spark, today, september)) == [("eu", "1.00"), ("us", None)]
    publish(
        table, "r3", frame(spark, [("2026-08", "eu", "3")], "decimal(14,2)").withColumnRenamed("amount", "turnover")
    )
    with pytest.raises(StoreError, match=r"column amount is decimal\(14,2\) in newer and decimal\(12,2\) in older"):
        read_published(spark, tmp_path, "profit_unit", former=FORMER)


def test_the_footers_of_files_before_a_rename_prove_the_columns_of_today(
    spark: SparkSession, table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = frame(spark, [("2026-09", "emea", "1"), ("2026-09", "us", None)]).withColumnRenamed("amount", "turnover")
    done = publish(table, "r1", old)
    warehouse = Warehouse(tmp_path, former={"profit_unit": FORMER})
    pin = inputs.UpstreamPin(table="profit_unit", entries=done.entries)
    monkeypatch.setattr(inputs, "closed_throughout", lambda *_: "")
    dataset = inputs.upstream_dataset(spark, warehouse, pin, inputs.upstream_frame(spark, warehouse, pin), None)
    assert dataset.footer_columns == {"amount": "turnover"}, "of values that were renamed footers prove nothing"
    read = footers.read(dataset)
    assert read is not None
    assert (read.rows, read.columns["amount"].nulls) == (2, 1)


def test_a_published_period_without_rows_is_an_empty_frame_with_its_schema(
    spark: SparkSession, table: Table, tmp_path: Path
) -> None:
    empty = frame(spark, [])
    empty.write.partitionBy("period").parquet(table.staging("r1"))
    manifest = table.seal("r1", schema_json=empty.schema.json(), fingerprint="k", audit={})
    assert list(manifest.periods) == []
    table.commit(manifest, periods={"2026-10": INFO}, expected={"2026-10": None}, now=NOW)
    found = read_published(spark, tmp_path, "profit_unit", "2026-10")
    assert (found.columns, found.count()) == (["region", "amount"], 0)


def test_the_current_link_is_read_by_plain_spark_and_follows_the_newest_version(
    spark: SparkSession, table: Table, tmp_path: Path
) -> None:
    for run, amount in (("r1", "1"), ("r2", "2")):
        publish(table, run, frame(spark, [("2026-10", "a", amount), ("2026-11", "b", amount)]))
        found = spark.read.parquet(str(tmp_path / "profit_unit" / "current"))
        assert found.dtypes == [("region", "string"), ("amount", "decimal(12,2)"), ("period", "string")]
        assert rows_of(found) == [("a", f"{amount}.00"), ("b", f"{amount}.00")]
        assert rows_of(found.where("period = '2026-11'")) == [("b", f"{amount}.00")]


def test_a_changed_file_is_named_before_spark_reads_it(spark: SparkSession, table: Table, tmp_path: Path) -> None:
    done = publish(table, "r1", frame(spark, [("2026-10", "a", "1")]))
    path = Path(table.paths(done.entries["2026-10"])[0])
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(StoreError, match=path.name):
        read_published(spark, tmp_path, "profit_unit")


def test_the_audit_beside_staged_files_is_no_data_to_spark(spark: SparkSession, table: Table) -> None:
    rows = frame(spark, [("2026-10", "a", "1")])
    rows.write.partitionBy("period").parquet(table.staging("held"))
    manifest = table.seal("held", schema_json=rows.schema.json(), fingerprint="k", audit={"verdict": "hold"})
    assert spark.read.parquet(table.staged("held")).count() == 1
    read_back = spark.read.schema(rows.drop("period").schema).parquet(*manifest.absolute_paths)
    assert rows_of(read_back) == [("a", "1.00")]
    assert json.loads(manifest.schema_json)["fields"][0]["name"] == "period"


def test_pattern_characters_in_the_path_of_a_warehouse_are_no_pattern(spark: SparkSession, tmp_path: Path) -> None:
    for name in ("w[1]", "w1"):
        table = Warehouse(tmp_path / name).table("profit_unit")
        publish(table, "r1", frame(spark, [("2026-10-01", name, "1.10")]))
    assert rows_of(read_published(spark, tmp_path / "w[1]", "profit_unit")) == [("w[1]", "1.10")]
