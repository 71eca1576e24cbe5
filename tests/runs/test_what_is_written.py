"""What is written: the same files for the same figures, and no figures where the count of rows is not what is there."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as parquet
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from runs_support import ROOT, Bench, contents, hard_links

from dq.base import periods
from dq.base.model import Outcome, Verdict
from dq.declare.project import load
from dq.run import staging

pytestmark = pytest.mark.run

AS_OF = datetime(2026, 11, 5, 9, tzinfo=UTC)
PIPELINES = ("profit_unit", "investor_profit")


def test_nobody_but_the_owner_reads_what_a_run_leaves(bench: Bench) -> None:
    """Figures, records, views and pages, whatever the umask of the run and of Spark's writers is."""
    before = os.umask(0)
    try:
        assert bench.run("profit_unit", "2026-10").code == 0
    finally:
        os.umask(before)
    kept = [path for path in bench.warehouse.rglob("*") if not path.is_symlink()]
    assert any(path.suffix == ".parquet" for path in kept)
    others = [str(path.relative_to(bench.warehouse)) for path in kept if path.stat().st_mode & 0o077]
    assert others == []


@pytest.mark.parametrize("factor", [2, 0])
def test_a_count_that_a_retry_doubled_holds_the_figures(
    factor: int, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    audit = staging.audit

    def miscounted(spark: object, staged: staging.Staged, *given: object) -> staging.Audit:
        files = [replace(file, rows=file.rows * factor) for file in staged.inventory.files]
        return audit(spark, replace(staged, inventory=replace(staged.inventory, files=files)), *given)  # type: ignore[arg-type]

    monkeypatch.setattr(staging, "audit", miscounted)
    ran = bench.run("profit_unit", "2026-10")
    assert (ran.code, ran.record.verdict) == (1, Verdict.HOLD)
    held = ran.result("profit_unit.rows.read_back")
    assert held.outcome is Outcome.FAILED
    there = held.measures["read_back"]
    assert isinstance(there, int)
    assert there > 0
    assert (held.measures["written"], held.measures["off_by"]) == (there * factor, abs(there * factor - there))
    assert [r.check for r in ran.record.results if r.blocks] == ["profit_unit.rows.read_back"]


def test_rows_of_a_month_are_written_in_the_order_of_the_key(spark: SparkSession, tmp_path: Path) -> None:
    """Also where what names the month is the same in all rows, and rows come in another order."""
    bound = load(ROOT).pipeline("investor_profit")
    window = periods.window("2026-10", AS_OF, AS_OF, ledger_absent=False, grain=bound.pipeline.grain)
    # As jobs make it: one kind of row stacked on another, and what names the month put on last.
    units = spark.range(400).selectExpr("concat('product', id % 7) AS product", "concat('region', id) AS region")
    cells = units.groupBy("product", "region").count().selectExpr("'cell' AS row_kind", "*", "'small' AS segment")
    totals = cells.groupBy("region").agg(F.max("product").alias("product"), F.sum("count").alias("count"))
    stacked = totals.selectExpr("'total' AS row_kind", "*", "'small' AS segment").unionByName(cells)
    frame = stacked.selectExpr("'2026-10' AS month", "row_kind", "product", "region", "segment", "count + 1 AS rows")
    target = tmp_path / "written"
    staging.in_order(frame, bound, window).write.partitionBy(staging.PERIOD).parquet(str(target))
    (file,) = target.rglob("*.parquet")
    assert file.parent.name == "period=2026-10"
    written = parquet.read_table(file, partitioning=None).to_pylist()
    keys = [tuple(row[name] for name in bound.pipeline.publishes.key) for row in written]
    assert len(keys) == 800
    assert keys == sorted(keys)


@pytest.mark.slow
def test_the_same_figures_are_the_same_files_however_the_work_was_split(
    after_september: Bench, spark: SparkSession
) -> None:
    """One file per period with its rows in the order of the key; only its name is new."""
    before = hard_links(after_september.warehouse, after_september.warehouse.with_name("before"))
    seen = []
    for partitions, together in (("2", "true"), ("7", "false")):
        after_september.warehouse = hard_links(before, before.with_name(f"with{partitions}"))
        split = {
            "spark.sql.shuffle.partitions": partitions,
            "spark.sql.adaptive.coalescePartitions.enabled": together,
        }
        kept = {key: spark.conf.get(key) for key in split}
        try:
            for key, value in split.items():
                spark.conf.set(key, value)
            assert [after_september.run(name, "2026-10").code for name in PIPELINES] == [0, 0]
        finally:
            for key, value in kept.items():
                spark.conf.set(key, value)
        seen.append({name: contents(after_september.warehouse, name, "2026-10") for name in PIPELINES})
    assert seen[0] == seen[1]
    assert {len(files) for table in seen[0].values() for files in table.values()} == {1}
    assert len(seen[0]["profit_unit"]) == 31
