"""A company's sources, a warehouse, and a way to run jobs on both; shared by the tests of guarded runs."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pyarrow import parquet

from dq.base.model import CheckResult, Kind, Outcome, RunRecord, Severity, Verdict
from dq.base.periods import Grain, days_of
from dq.spark.session import class_archive

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
# Tests are thousands of small plans, each run once: over a third of the JVM's time went into optimising code that is
# never hot. The code cache that quick compiler has by default is too small for what Spark generates.
QUICK_JVM = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m"
FINAL = {"2026-08": "2026-09-03T06:00:00Z", "2026-09": "2026-10-05T06:00:00Z", "2026-10": "2026-11-04T06:00:00Z"}


@dataclass(frozen=True)
class Ran:
    """What one run of a job left behind."""

    code: int
    record: RunRecord
    out: str
    err: str

    def result(self, check: str) -> CheckResult:
        return next(result for result in self.record.results if result.check == check)

    @property
    def alarms(self) -> list[str]:
        return [r.check for r in self.record.results if r.outcome in (Outcome.FAILED, Outcome.ERRORED)]

    @property
    def alarms_to_act_on(self) -> list[str]:
        return [name for name in self.alarms if self.result(name).severity is not Severity.INFO]


@dataclass
class Bench:
    """A company's sources and a warehouse, both this test's own."""

    sources: Path
    warehouse: Path
    capsys: pytest.CaptureFixture[str]
    home: Path = ROOT

    def run(self, pipeline: str, period: str, as_of: str | None = None, *options: str) -> Ran:
        from dq import store
        from dq.cli.run import run_job
        from dq.run import run_records

        os.environ["DQ_DEMO_DIR"] = str(self.sources)
        os.environ["DQ_HOME"] = str(self.home)
        argv = ["--period", period, "--as-of", as_of or FINAL[period[:7]], "--warehouse", str(self.warehouse)]
        if "--docs" not in options:
            argv.append("--no-docs")
        self.capsys.readouterr()
        code = run_job(pipeline, [*argv, *options])
        captured = self.capsys.readouterr()
        record = run_records.latest(store.Warehouse(self.warehouse), pipeline, [period])
        assert record is not None, captured.out + captured.err
        return Ran(code, record, captured.out, captured.err)

    def refused(self, pipeline: str, period: str, as_of: str) -> tuple[int, str]:
        """The exit code and sentence of a run that is refused before it begins, and so leaves no record."""
        from dq.cli.run import run_job

        os.environ["DQ_DEMO_DIR"], os.environ["DQ_HOME"] = str(self.sources), str(self.home)
        self.capsys.readouterr()
        argv = ["--period", period, "--as-of", as_of, "--warehouse", str(self.warehouse), "--no-docs"]
        code = run_job(pipeline, argv)
        captured = self.capsys.readouterr()
        return code, captured.out + captured.err

    def plant(self, spark: SparkSession, fault: str, month: str = "2026-10") -> None:
        """Plant a defect of the catalogue in the sources."""
        from demo import catalogue, defects

        defects.apply(spark, self.sources, catalogue.find(fault, month))

    def published(self, spark: SparkSession, table: str, period: str | None = None) -> list[dict[str, object]]:
        from dq import store

        frame = store.read_published(spark, self.warehouse, table, period=period)
        return [row.asDict() for row in frame.collect()]


@dataclass(frozen=True, kw_only=True)
class Content:
    """A published file: the digest of all bytes before its footer, and what the footer says."""

    pages: str
    footer: dict[str, object]
    chunks: list[dict[str, object]]


def content(path: Path) -> Content:
    """What a file holds. Parquet's writer lists the encodings of a column in no order: only that may differ."""
    data = path.read_bytes()
    footer = parquet.read_metadata(path)
    groups = [footer.row_group(number) for number in range(footer.num_row_groups)]
    chunks = [group.column(number).to_dict() for group in groups for number in range(group.num_columns)]
    return Content(
        pages=hashlib.sha256(data[: -8 - int.from_bytes(data[-8:-4], "little")]).hexdigest(),
        footer={**footer.to_dict(), "row_groups": len(groups), "texts": footer.metadata},
        chunks=[chunk | {"encodings": sorted(chunk["encodings"])} for chunk in chunks],
    )


def contents(warehouse: Path, table: str, period: str) -> dict[str, list[Content]]:
    """What readers see of a table for a period: its files by the folder they lie in."""
    from dq import store

    files: dict[str, list[Content]] = {}
    for path in store.select_published(warehouse, table, period).files:
        files.setdefault(Path(path).parent.name, []).append(content(Path(path)))
    return files


def environment(sources: Path, **more: str) -> dict[str, str]:
    """What a child process gets of this one's environment: nothing of ours or Spark's, and the installed commands."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("DQ_", "SPARK_", "PYSPARK_"))}
    kept |= {"DQ_DEMO_DIR": str(sources), "PYSPARK_PYTHON": sys.executable, "PYSPARK_DRIVER_PYTHON": sys.executable}
    options = f'{QUICK_JVM} -XX:SharedArchiveFile="{class_archive()}" -Xlog:cds=off -Xlog:cds+dynamic=off'
    return kept | {"PATH": f"{BIN}:{os.environ['PATH']}", "SPARK_SUBMIT_OPTS": options} | more


def hard_links(source: Path, target: Path) -> Path:
    """A copy of a tree that costs nothing: its files are replaced, never changed in place."""
    shutil.copytree(source, target, copy_function=os.link, symlinks=True)
    return target


def finals(
    spark: SparkSession, bench: Bench, table: str, frames: dict[str, DataFrame], grain: Grain | None = None
) -> None:
    """Publish figures of earlier periods as final, as they would have been in their time."""
    from pyspark.sql import functions as sf

    from dq import store

    told = store.Warehouse(bench.warehouse).table(table)
    found = {period: told.entry(period) for period in frames}
    before = {period: entry.version if entry else None for period, entry in found.items()}
    run = f"{table}-{min(frames)}-{max(before.values(), key=lambda version: version or 0) or 0}"
    (schema,) = {frame.schema.json() for frame in frames.values()}
    stacked = reduce(
        lambda one, other: one.unionByName(other), (f.withColumn("period", sf.lit(p)) for p, f in frames.items())
    )
    stacked.coalesce(1).write.partitionBy("period").parquet(told.staging(run))
    sealed = told.seal(run, schema_json=schema, fingerprint=run, audit={})
    infos = {
        period: store.PeriodInfo(kind=Kind.FINAL, data_through=days_of(period, grain)[1], verdict=Verdict.PUBLISH)
        for period in frames
    }
    told.commit(sealed, periods=infos, expected=before, now=datetime(2026, 9, 1, tzinfo=UTC))


def declare_absent(home: Path, *sources: str) -> None:
    """Declare some sources of a copied project as not kept by its company."""
    mapping = home / "jobs" / "sources.yml"
    lines, kept, skipping = mapping.read_text(encoding="utf-8").splitlines(), [], False
    declared = lines.index("sources:")
    for number, line in enumerate(lines):
        if number > declared and line.startswith("  ") and not line.startswith("   "):
            skipping = line.strip().rstrip(":") in sources
            if skipping:
                kept += [line, '    absent: {owner: Finance and Risk Teams, reason: "not kept by this company"}']
                continue
        if not skipping:
            kept.append(line)
    mapping.write_text("\n".join(kept) + "\n", encoding="utf-8")


def profit_only(home: Path) -> None:
    """Leave a copied project the two profit pipelines with their suites, and a watch of them alone."""
    for folder in (home / "expectations").iterdir():
        if folder.name not in ("all", "profit_unit", "investor_profit"):
            shutil.rmtree(folder)
    registered = home / "jobs" / "pipelines.yml"
    text = registered.read_text(encoding="utf-8")
    registered.write_text(text[: text.index("\n  growth_daily:\n") + 1], encoding="utf-8")
    roster = home / "runbooks" / "roster.yml"
    text = roster.read_text(encoding="utf-8")
    days = "days: [weekdays, weekends, holidays]"
    hours = f'{{team: Data Engineering, {days}, opens: "08:00", closes: "18:00"}}'
    watch = f"watch:\n  - {{pipelines: [profit_unit, investor_profit], hours: [{hours}]}}\n"
    roster.write_text(text[: text.index("\nwatch:\n") + 1] + watch, encoding="utf-8")
