"""Bare jobs against guarded jobs: `make bench`.

Two tables. The first takes `profit_unit` over months of 1, 10 and 20 million invoice lines; the second takes every
registered pipeline over a month of 20 million clicks and 20 million invoice lines. Bare is the job as it stands: the
same pinned inputs, the same computation, the same files written. Guarded adds contracts, checks, the audit of the
staged bytes and the commit. Both run in turn in one session, after one pair that warms the JVM; printed are medians,
the median ratio of the pairs, the Spark jobs of each, and the seconds of the guarded run by step.
"""

from __future__ import annotations

import argparse
import os
import re
import runpy
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import dq
from demo import data
from dq import sources, store
from dq.base import periods
from dq.base.periods import Grain
from dq.declare import project as projects
from dq.run import inputs, previous
from dq.run.guarded import GuardedRun
from dq.run.phases import Options, RunOver
from dq.spark import session

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

ROOT = Path(__file__).resolve().parents[2]
# January: revenue of the year to date is then revenue of the month, whose volume is the one that is printed.
MONTH = "2026-01"
AS_OF = datetime(2026, 2, 5, 9, tzinfo=UTC)
HEAP = "spark.driver.memory"
# What the demo company's suites allow of an amount: this company is a thousand times its size.
AMOUNT = re.compile(r"((?:min|max)_value: -?\d{8,})\b")


class Bare:
    """What a job sees of a run, with nothing guarded: pinned inputs, and files written where nobody reads them."""

    def __init__(self, spark: SparkSession, project: projects.Project, name: str, options: Options) -> None:
        bound = project.pipeline(name)
        self.exit_code = 0
        self.rules = project.rules
        self.window = periods.window(
            options.period, options.as_of, options.as_of, ledger_absent=False, grain=bound.pipeline.grain
        )
        self._daily = bound.pipeline.grain is Grain.DAY
        self._target = options.warehouse.parent / "bare"
        warehouse = store.Warehouse(options.warehouse)
        self._frames: dict[str, DataFrame] = {}
        for source in bound.pipeline.sources:
            pin = sources.pin(bound.sources, source, self.window)
            self._frames[source] = sources.read(spark, bound.sources, source, pin, self.window).visible
        for table in bound.pipeline.upstream:
            pinned = inputs.pin_upstream(warehouse, project, table, self.window, bound.pipeline)
            self._frames[table] = inputs.upstream_frame(spark, warehouse, pinned)
        found = previous.pin(warehouse, project, bound, self.window)
        own = warehouse.table(name)
        self._previous = store.read_entries(spark, own, found.own.entries) if found else None

    def read(self, name: str) -> DataFrame:
        return self._frames[name]

    def previous(self) -> DataFrame | None:
        return self._previous

    def previous_units(self, _: str) -> None:
        """The months of the benchmark are whole."""

    def trailing_units(self, _: str) -> None:
        """There are no twelve months of finals in the benchmark."""

    def publish(self, frame: DataFrame) -> None:
        from pyspark.sql import functions as sf

        shutil.rmtree(self._target, ignore_errors=True)
        if not self._daily:
            frame.write.parquet(str(self._target))
            return
        by_day = frame.withColumn("period", sf.date_format("day", "yyyy-MM-dd")).repartition("period")
        by_day.write.partitionBy("period").parquet(str(self._target))


@contextmanager
def bare(spark: SparkSession, project: projects.Project, name: str, options: Options) -> Iterator[Bare]:
    yield Bare(spark, project, name, options)


@contextmanager
def guarded(project: projects.Project, name: str, options: Options, heard: list[GuardedRun]) -> Iterator[GuardedRun]:
    """A guarded run without data docs, which is added to ``heard``; the benchmark ends when it is not published."""
    run = GuardedRun(project, project.pipeline(name), options)
    run.exit_code = 0  # type: ignore[attr-defined]  # what the job's main returns
    error = None
    try:
        run.prepare()
        yield run
    except RunOver as over:
        error = over
    record = run.finish(error)
    if not record.verdict.published:
        failed = [f"{r.check}: {r.observed or r.reason}" for r in record.results if r.blocks]
        raise SystemExit(f"the guarded run of {name} was held: " + "; ".join(failed))
    heard.append(run)


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one pipeline takes: seconds of each pair, Spark jobs of either side, and seconds of the guarded steps."""

    pairs: list[tuple[float, float]]
    jobs: tuple[int, int]
    steps: list[Mapping[str, float]]

    @property
    def medians(self) -> tuple[float, float]:
        plain, checked = (statistics.median(side) for side in zip(*self.pairs, strict=True))
        return plain, checked

    @property
    def row(self) -> str:
        ratio = statistics.median(checked / plain for plain, checked in self.pairs)
        plain, checked = self.medians
        return f"{plain:>8.1f} {checked:>10.1f} {ratio:>7.2f} {self.jobs[0]:>10} {self.jobs[1]:>13}"

    def by_step(self) -> Iterator[str]:
        for step in self.steps[0]:
            yield f"{'':>20}   {statistics.median(s.get(step, 0.0) for s in self.steps):6.1f} s  {step}"


HEADER = f"{'bare s':>8} {'guarded s':>10} {'ratio':>7} {'jobs bare':>10} {'jobs guarded':>13}"


def cost(spark: SparkSession, project: projects.Project, name: str, period: str, home: Path, repeat: int) -> Cost:
    """One warm-up and ``repeat`` counted pairs of a pipeline; what it published last stays for those built on it."""
    job = runpy.run_path(str(ROOT / "jobs" / project.registry.pipelines[name].job))["main"]
    warehouse = home / "warehouse"
    options = Options(period=period, as_of=AS_OF, warehouse=warehouse, docs=None)
    pairs, steps, jobs = [], [], (0, 0)
    for number in range(repeat + 1):
        shutil.rmtree(warehouse / name, ignore_errors=True)  # a published key would be a no-op
        heard: list[GuardedRun] = []
        group = f"bare-{name}-{number}-{time.monotonic_ns()}"
        spark.sparkContext.setJobGroup(group, group)
        plain = timed(lambda: with_run(job, lambda *_: bare(spark, project, name, options)))
        plain_jobs = len(spark.sparkContext.statusTracker().getJobIdsForGroup(group))
        checked = timed(lambda heard=heard: with_run(job, lambda *_: guarded(project, name, options, heard)))
        jobs = (plain_jobs, heard[0].spark_jobs)
        if number or not repeat:
            pairs.append((plain, checked))
            steps.append(dict(heard[0].steps.seconds))
    return Cost(pairs=pairs, jobs=jobs, steps=steps)


def with_run(job: Callable[[list[str]], int], run: Callable[..., object]) -> None:
    """Call a job's main with ``dq.pipeline_run`` replaced."""
    dq.pipeline_run = run  # type: ignore[assignment]
    try:
        job([])
    finally:
        del dq.pipeline_run


def timed(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def grown(home: Path, memory: str = "4g") -> Path:
    """The project of a company with so many invoice lines in a month: larger amounts are allowed, on such a heap."""
    shutil.rmtree(home, ignore_errors=True)
    for folder in ("jobs", "expectations", "runbooks", "spark-conf"):
        shutil.copytree(ROOT / folder, home / folder)
    for suite in (home / "expectations").glob("*/*.yml"):
        suite.write_text(AMOUNT.sub(r"\g<1>000", suite.read_text(encoding="utf-8")), encoding="utf-8")
    conf = home / "spark-conf" / "local.conf"
    kept = [line for line in conf.read_text(encoding="utf-8").splitlines() if not line.startswith(HEAP)]
    conf.write_text("\n".join([*kept, f"{HEAP} {memory}", ""]), encoding="utf-8")
    return home


def made(spark: SparkSession, home: Path, lines: int, names: Collection[str], *, keep: bool = False) -> None:
    """The demo company's month with so many invoice lines, and as many clicks; with ``keep`` the one that is there."""
    shutil.rmtree(home / "warehouse", ignore_errors=True)
    if keep and (home / "sources").is_dir():
        return
    data.make(
        spark, home / "sources", size="large", lines=lines, first_month=MONTH, last_month=MONTH, sources=list(names)
    )


def of_invoices(spark: SparkSession, project: projects.Project, home: Path, sizes: list[int], repeat: int) -> None:
    """The first table: one pipeline over growing months."""
    print(f"profit_unit\n{'invoice lines':>20} {HEADER}")
    for lines in sizes:
        made(spark, home, lines, project.registry.pipelines["profit_unit"].sources)
        found = cost(spark, project, "profit_unit", MONTH, home, repeat)
        print(f"{lines:>20,} {found.row}", *found.by_step(), sep="\n", flush=True)


def of_pipelines(
    spark: SparkSession, project: projects.Project, home: Path, clicks: int, repeat: int, *, keep: bool
) -> None:
    """The second table: every pipeline over one month, and the month as a whole."""
    began = time.monotonic()
    made(spark, home, clicks, data.SOURCES, keep=keep)
    size = sum(file.stat().st_size for file in (home / "sources").rglob("*.parquet"))
    print(f"{clicks:,} clicks, {clicks:,} invoice lines, {size / 1e9:.1f} GB, made in {time.monotonic() - began:.0f} s")
    print(f"{'pipeline':>20} {HEADER}")
    total: list[tuple[float, float]] = []
    for name in project.registry.order():
        found = cost(spark, project, name, within(name, project), home, repeat)
        print(f"{name:>20} {found.row}", *found.by_step(), sep="\n", flush=True)
        total.append(found.medians)
    plain, checked = (sum(side) for side in zip(*total, strict=True))
    print(f"{'all, once each':>20} {plain:>8.1f} {checked:>10.1f} {checked / plain:>7.2f}", flush=True)


def within(name: str, project: projects.Project) -> str:
    """The month, or the last week or fortnight whose days all lie in it."""
    grain = project.registry.pipelines[name].grain
    if grain in (Grain.DAY, Grain.MONTH):
        return MONTH
    ids = periods.ending_in(MONTH, grain, project.roster.model.rotation.anchor)
    return [one for one in ids if periods.days_of(one, grain)[0] >= date.fromisoformat(f"{MONTH}-01")][-1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, nargs="*", default=[1_000_000, 10_000_000, 20_000_000])
    parser.add_argument("--clicks", type=int, default=20_000_000, help="of the month of all pipelines; 0: leave it out")
    parser.add_argument("--repeat", type=int, default=5, help="counted pairs after one warm-up (default: 5; 0: cold)")
    parser.add_argument("--memory", default="8g", help="heap of the one JVM (default: 8g)")
    parser.add_argument("--keep", action="store_true", help="take the month that lies in --home, and leave it")
    parser.add_argument("--home", type=Path, default=ROOT / "build" / "bench")
    arguments = parser.parse_args()
    os.environ["DQ_DEMO_DIR"] = str(arguments.home / "sources")
    project = projects.load(grown(arguments.home / "project", arguments.memory))
    spark = session.session("bench", project.root / "spark-conf")
    if arguments.lines:
        of_invoices(spark, project, arguments.home, arguments.lines, arguments.repeat)
    if arguments.clicks:
        of_pipelines(spark, project, arguments.home, arguments.clicks, arguments.repeat, keep=arguments.keep)
    if not arguments.keep:
        shutil.rmtree(arguments.home, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
