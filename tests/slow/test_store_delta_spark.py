"""Spark with Delta's own jar reads a published table, and what it writes into one is found: by a session of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from store_support import INFO, NOW, publish, quick_disk, read, seal

from dq.base.errors import StoreError
from dq.store import Table, Warehouse, checkpoint

__all__ = ["quick_disk"]
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("quick_disk")]

PACKAGE = "io.delta:delta-spark_4.1_2.13:4.3.0"
"""4.2.0 fails on Spark 4.1.4 at a checkpoint."""

SCRIPT = """
import json, sys
from pyspark.sql import SparkSession
folder, package, statements = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
spark = (
    SparkSession.builder.master("local[2]")
    .config("spark.jars.packages", package)
    .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
    .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
    .config("spark.ui.enabled", "false")
    .config("spark.sql.shuffle.partitions", "1")
    .config("spark.sql.warehouse.dir", folder + "-spark")
    .getOrCreate()
)
found = []
for statement in statements:
    rows = spark.sql(statement.replace("TABLE", f"delta.`{folder}`")).collect()
    found.append([row.asDict(recursive=True) for row in rows])
print("FOUND " + json.dumps(found, default=str))
spark.stop()
"""


def asked(folder: Path, tmp_path: Path, *statements: str) -> list[list[dict[str, object]]]:
    """What Spark with Delta answers to each statement on the table."""
    script = tmp_path / "ask.py"
    script.write_text(SCRIPT)
    words = [sys.executable, str(script), str(folder), PACKAGE, json.dumps(statements)]
    ended = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=1200, env={**os.environ})
    if "unresolved dependency" in ended.stderr or "UNRESOLVED DEPENDENCIES" in ended.stderr:
        pytest.skip(f"{PACKAGE} is not served here")
    assert ended.returncode == 0, ended.stderr[-3000:]
    line = next(one for one in ended.stdout.splitlines() if one.startswith("FOUND "))
    found: list[list[dict[str, object]]] = json.loads(line.removeprefix("FOUND "))
    return found


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Table:
    monkeypatch.setattr(checkpoint, "EVERY", 3)
    table = Warehouse(tmp_path / "w").table("t")
    publish(table, "r1", {"2026-09": [9, None]})
    publish(table, "r2", {"2026-10": [1]})
    publish(table, "r3", {"2026-10": [2, 3], "2026-11": [4]})
    table.withdraw("2026-11", by="Laura", reason="wrong", now=NOW)
    for invented in (tmp_path / "w" / "t" / "data").rglob(".*.crc"):  # Hadoop would believe them
        invented.unlink()
    return table


def test_spark_reads_every_version_and_writes_nothing_that_counts(table: Table, tmp_path: Path) -> None:
    folder = tmp_path / "w" / "t"
    versions = ["SELECT period, amount FROM TABLE VERSION AS OF NUMBER".replace("NUMBER", str(n)) for n in range(1, 5)]
    *seen, history, _, last = asked(
        folder,
        tmp_path,
        *versions,
        "DESCRIBE HISTORY TABLE",
        "DELETE FROM TABLE WHERE amount = 9",
        "SELECT count(*) AS n FROM TABLE",
    )
    for version, rows in enumerate(seen, start=1):
        ours = [(period, one) for period, amounts in read(table, version).items() for one in amounts]
        assert sorted((str(row["period"]), str(row["amount"])) for row in rows) == sorted(
            (period, str(one)) for period, one in ours
        )
    assert [row["operation"] for row in history] == ["RESTORE", "WRITE", "WRITE", "WRITE", "CREATE TABLE"]
    assert "withdrawn by Laura: wrong" in str(history[0]["userMetadata"])
    assert last == [{"n": 3}], "Delta lets it delete"
    with pytest.raises(StoreError, match=r"version 5 is of somebody else, .*DELETE by Apache-Spark"):
        table.current()
    manifest = seal(table, "r5", {"2026-12": [5]})
    with pytest.raises(StoreError, match="version 5 is of somebody else"):
        table.commit(manifest, periods={"2026-12": INFO}, expected={"2026-12": None}, now=NOW)
    for invented in (folder / "_staging").rglob(".*.crc"):
        invented.unlink()
    (folder / "_delta_log" / f"{5:020d}.json").unlink()
    for stale in (*folder.glob("_delta_log/*5.c*"), *folder.glob("_delta_log/.*5.*crc")):
        stale.unlink(missing_ok=True)
    assert table.commit(manifest, periods={"2026-12": INFO}, expected={"2026-12": None}, now=NOW).version == 5
    table.prove_open()
    (rows,) = asked(folder, tmp_path, "SELECT sum(amount) AS total FROM TABLE")
    assert rows == [{"total": 19}]
