"""Tables of a database as raw tables: copied once, known by what they hold, and no password in what is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from sources_support import ORDERS, SCHEMA, config, findings, month_window, order, write_parquet

from dq.base.errors import ConfigError, DqError, SourceError
from dq.engine import footers
from dq.run.inputs import dataset_of
from dq.sources import drift, pin, read

WINDOW = month_window()
URL = "jdbc:derby:memory:dq_orders;user=erp;password=hunter2"
PATH = '    path: "orders/month={month}"\n    format: parquet\n'
PARTS = 'partition: {column: BOOKED_DATE, low: "2026-10-01", high: "2026-10-31", parts: 3}'
TABLE = ORDERS.replace(PATH, "    jdbc: {connection: erp-database, table: ORDERS}\n").replace(
    "recorded_at: timestamp", "recorded_at: timestamp_ntz"
)


@pytest.fixture
def store(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Writes orders into a database in this JVM, in place of those that are there."""
    spark.sparkContext._jvm.System.setProperty("derby.stream.error.file", str(tmp_path / "derby.log"))  # type: ignore[union-attr]
    monkeypatch.setenv("DQ_SECRET_ERP_DATABASE", URL)

    def stored(*rows: dict[str, object]) -> None:
        write_parquet(tmp_path / "raw.parquet", list(rows), SCHEMA)
        frame = spark.read.parquet(str(tmp_path / "raw.parquet"))
        # Quoted, so that they keep their lower case in a database that has upper case.
        frame.write.mode("overwrite").option("url", f"{URL};create=true").option("dbtable", "ORDERS").format(
            "jdbc"
        ).save()

    stored(order("L1"), order("L2", paid_on=datetime(2026, 10, 9, tzinfo=UTC).date()))
    return stored


@pytest.mark.parametrize("extra", ["", PARTS.replace("BOOKED_DATE", "booked_date")])
def test_a_table_is_copied_once_and_its_copy_is_the_evidence(
    spark: SparkSession, tmp_path: Path, store: Callable[..., None], extra: str
) -> None:
    loaded = config(tmp_path, TABLE.replace("table: ORDERS", f"table: ORDERS, {extra}" if extra else "table: ORDERS"))
    (tmp_path / "data").rmdir()  # a company that keeps all it has in a database needs no folder
    pinned = pin(loaded, "orders", WINDOW)
    assert drift(loaded, "orders", pinned).changes == ()
    found = read(spark, loaded, "orders", pinned, WINDOW)
    store(order("L9"))
    rows = found.frame.select("line_id", "amount", "recorded_at").orderBy("line_id").collect()
    assert [row["line_id"] for row in rows] == ["L1", "L2"]
    assert rows[0]["amount"] == Decimal("10.00")
    proved = footers.read(dataset_of(found))
    assert proved is None or proved.rows == 2
    pinned.verify()
    copied = Path(pinned.files[0].path)
    assert copied.parent.parent.stat().st_mode & 0o077 == 0


def test_the_same_rows_are_the_same_input_and_others_are_not(
    spark: SparkSession, tmp_path: Path, store: Callable[..., None]
) -> None:
    loaded = config(tmp_path, TABLE)
    first = pin(loaded, "orders", WINDOW).fingerprint
    store(order("L2", paid_on=datetime(2026, 10, 9, tzinfo=UTC).date()), order("L1"))
    assert pin(loaded, "orders", WINDOW).fingerprint == first
    store(order("L1"), order("L2"))
    assert pin(loaded, "orders", WINDOW).fingerprint != first


def test_a_query_is_read_and_a_retyped_column_drifts(
    spark: SparkSession, tmp_path: Path, store: Callable[..., None]
) -> None:
    query = 'query: SELECT * FROM ORDERS WHERE "line_id" IS NOT NULL'
    loaded = config(tmp_path, TABLE.replace("table: ORDERS", query).replace("seats: int", "seats: bigint"))
    assert drift(loaded, "orders", pin(loaded, "orders", WINDOW)).breaking == [
        "raw_orders: column seats is int, declared bigint"
    ]


@pytest.mark.parametrize(
    ("address", "table", "said"),
    [
        ("jdbc:derby:memory:nowhere;user=erp;password=hunter2", "ORDERS", "cannot be reached, or refuses the query"),
        (URL, "ORDER_LINES", "the database of ORDER_LINES cannot be reached, or refuses the query; see that"),
        ("jdbc:nobody://erp:hunter2@127.0.0.1/x", "ORDERS", "Spark has no driver for the database of ORDERS; add"),
    ],
)
def test_a_database_that_cannot_be_read_is_told_without_its_password(
    spark: SparkSession,
    tmp_path: Path,
    store: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    address: str,
    table: str,
    said: str,
) -> None:
    monkeypatch.setenv("DQ_SECRET_ERP_DATABASE", address)
    with pytest.raises(SourceError, match=f"orders: .*{said}") as error:
        pin(config(tmp_path, TABLE.replace("table: ORDERS", f"table: {table}")), "orders", WINDOW)
    assert "hunter2" not in str(error.value)
    assert error.value.__cause__ is None


def test_an_address_that_nobody_set_is_told_by_the_name_of_its_secret(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DQ_SECRET_ERP_DATABASE", raising=False)
    with pytest.raises(DqError, match="there is no secret erp-database; set DQ_SECRET_ERP_DATABASE"):
        pin(config(tmp_path, TABLE), "orders", WINDOW)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("table: ORDERS", "driver: x", "jdbc: needs either a table or a query"),
        ("table: ORDERS", "query: SELECT 1, " + PARTS, "is for a table; Spark reads a query in one part"),
        ("    jdbc:", "    table: a.b\n    jdbc:", "stands beside jdbc"),
        ("    jdbc:", "    path: x\n    jdbc:", "is not for a table of a database, which has it by its name"),
        ("connection: erp-database", 'connection: "jdbc:x"', "connection"),
    ],
)
def test_a_mistake_in_its_declaration_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        config(tmp_path, TABLE.replace(old, new))
    assert said in "\n".join(findings(error.value))
