"""Bare job against guarded job: `make bench`.

For each size the demo company's month is made with that many revenue lines; then the bare job (read, compute, write)
and the guarded one (the same with pins, contract, checks, audit and commit) run in turn in one session. Printed are the
medians, the ratio pair by pair, the number of Spark jobs of each, and the guarded run's time by step.
"""

from __future__ import annotations

import argparse
import os
import runpy
import shutil
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from dq import periods, session, sources
from dq import project as projects
from dq.demo import data
from dq.model import Window
from dq.run.guarded import GuardedRun
from dq.run.state import Options, RunOver

ROOT = Path(__file__).resolve().parents[2]
PERIOD = "2026-10"
AS_OF = datetime(2026, 11, 4, 5, tzinfo=UTC)
# What the demo company's suite allows of one expense entry.
EXPENSES = "kwargs: {column: amount, min_value: -10000000, max_value: 10000000}"
JOB = runpy.run_path(str(ROOT / "jobs" / "profit_unit.py"))["profit_unit"]


def bare(spark: SparkSession, project: projects.Project, window: Window, target: Path) -> int:
    """Read the sources by their contracts, compute, write one directory per day; returns the rows written."""
    frames = {}
    for name in ("revenue", "expenses", "licence_events", "accounts", "targets"):
        pin = sources.pin(project.sources, name, window)
        frames[name] = sources.read(spark, project.sources, name, pin, window).visible
    figures = JOB(**frames, window=window, rules=project.rules)
    by_day = figures.withColumn("period", F.date_format("day", "yyyy-MM-dd")).repartition("period")
    by_day.write.partitionBy("period").parquet(str(target))
    return 0


def guarded(project: projects.Project, warehouse: Path) -> GuardedRun:
    """The same figures through a guarded run without data docs; raises when they are not published."""
    options = Options(period=PERIOD, as_of=AS_OF, warehouse=warehouse, docs=None)
    run = GuardedRun(project, project.pipeline("profit_unit"), options)
    run.prepare()
    error = None
    try:
        names = ("revenue", "expenses", "licence_events", "accounts", "targets")
        run.publish(JOB(**{name: run.read(name) for name in names}, window=run.window, rules=run.rules))
    except RunOver as over:
        error = over
    record = run.finish(error)
    if not record.verdict.published:
        failed = [f"{r.check}: {r.observed or r.reason}" for r in record.results if r.blocks]
        raise SystemExit("the guarded run was held: " + "; ".join(failed))
    return run


def grown(home: Path) -> Path:
    """The project with expenses allowed to be as large as those of a company with so many invoice lines in a month."""
    shutil.rmtree(home, ignore_errors=True)
    for folder in ("jobs", "expectations", "runbooks", "spark-conf"):
        shutil.copytree(ROOT / folder, home / folder)
    suite = home / "expectations" / "expenses.yml"
    text = suite.read_text(encoding="utf-8")
    if text.count(EXPENSES) != 1:
        raise SystemExit(f"{suite} no longer holds {EXPENSES}")
    suite.write_text(text.replace(EXPENSES, EXPENSES.replace("10000000", "10000000000")), encoding="utf-8")
    return home


def timed(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, nargs="*", default=[1_000_000, 10_000_000, 20_000_000])
    parser.add_argument("--repeat", type=int, default=5, help="counted pairs per size, after one warm-up (default: 5)")
    parser.add_argument("--home", type=Path, default=ROOT / "build" / "bench")
    arguments = parser.parse_args()
    os.environ["DQ_DEMO_DIR"] = str(arguments.home / "sources")
    spark = session.session("bench", ROOT / "spark-conf")
    project = projects.load(grown(arguments.home / "project"))
    window = periods.window(PERIOD, AS_OF, AS_OF, ledger_absent=False)
    print(f"{'lines':>12} {'bare s':>8} {'guarded s':>10} {'ratio':>7} {'jobs bare':>10} {'jobs guarded':>13}")
    for lines in arguments.lines:
        data.make(
            spark,
            arguments.home / "sources",
            size="large",
            lines=lines,
            first_month=PERIOD,
            last_month=PERIOD,
            sources=project.bound["profit_unit"].pipeline.sources,
        )
        pairs: list[tuple[float, float]] = []
        jobs = (0, 0)
        steps: list[dict[str, float]] = []
        for number in range(arguments.repeat + 1):
            for folder in ("bare", "warehouse"):
                shutil.rmtree(arguments.home / folder, ignore_errors=True)
            group = f"bare-{lines}-{number}"
            spark.sparkContext.setJobGroup(group, group)
            without = timed(lambda: bare(spark, project, window, arguments.home / "bare"))
            bare_jobs = len(spark.sparkContext.statusTracker().getJobIdsForGroup(group))
            began = time.monotonic()
            run = guarded(project, arguments.home / "warehouse")
            with_checks = time.monotonic() - began
            if number:  # the first pair warms the JVM
                pairs.append((without, with_checks))
                steps.append(dict(run.state.seconds))
            jobs = (bare_jobs, run.spark_jobs)
        ratio = statistics.median(b / a for a, b in pairs)
        a, b = (statistics.median(side) for side in zip(*pairs, strict=True))
        print(f"{lines:>12,} {a:>8.1f} {b:>10.1f} {ratio:>7.2f} {jobs[0]:>10} {jobs[1]:>13}")
        for step in steps[0]:
            print(f"{'':>12}   {statistics.median(s.get(step, 0.0) for s in steps):6.1f} s  {step}")
        sys.stdout.flush()
    shutil.rmtree(arguments.home, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
