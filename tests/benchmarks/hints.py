"""What the hints before a run and the measures after it cost: `make bench-runtime`.

`profit_unit` runs guarded over a month of invoice lines; printed are the median seconds of looking at the files of its
inputs, of finding the heaviest keys (those checks once more, alone and one after the other), and of asking Spark what
the run strained, and their share of the whole run.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
from pathlib import Path

import guarded

from dq.declare import project as projects
from dq.judge.evaluate import evaluate
from dq.run import inputs, judging
from dq.run.guarded import GuardedRun
from dq.run.phases import Checked, Options
from dq.spark import session

NAME = "profit_unit"
STEPS = ("looking at the files of the inputs", "measuring what the run strained")
HEAVY_KEYS = ("expect_heaviest_key_share_to_be_at_most", "expect_rows_per_key_to_be_at_most")


def heaviest_keys(project: projects.Project, home: Path, repeat: int) -> float:
    """Median seconds of the checks of the heaviest keys of all inputs."""
    shutil.rmtree(home / "warehouse" / NAME, ignore_errors=True)
    bound = project.pipeline(NAME)
    options = Options(period=guarded.MONTH, as_of=guarded.AS_OF, warehouse=home / "warehouse", docs=None)
    run = GuardedRun(project, bound, options)
    run.prepare()
    reached = run.reached
    assert isinstance(reached, Checked), "its inputs are those of a month that is published"
    asked = []
    for source in reached.sources.values():
        checks = [check for check in bound.checks[source.name] if check.type in HEAVY_KEYS]
        if checks:
            asked.append((checks, inputs.dataset_of(source)))
    if not asked:
        raise SystemExit(f"no input of {NAME} has a check of its heaviest key")
    context = judging.context(run.task, reached)
    times = [guarded.timed(lambda: [evaluate(*one, context) for one in asked]) for _ in range(repeat)]
    return statistics.median(times)


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, nargs="*", default=[1_000_000])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--home", type=Path, default=guarded.ROOT / "build" / "bench")
    arguments = parser.parse_args()
    os.environ["DQ_DEMO_DIR"] = str(arguments.home / "sources")
    project = projects.load(guarded.grown(arguments.home / "project"))
    spark = session.session("bench", project.root / "spark-conf")
    print("| invoice lines | guarded run | files of the inputs | heaviest keys | what it strained | share |")
    print("|--:|--:|--:|--:|--:|--:|")
    for lines in arguments.lines:
        guarded.made(spark, arguments.home, lines, project.registry.pipelines[NAME].sources)
        found = guarded.cost(spark, project, NAME, guarded.MONTH, arguments.home, arguments.repeat)
        before, after = (statistics.median(one[step] for one in found.steps) for step in STEPS)
        keys, whole = heaviest_keys(project, arguments.home, arguments.repeat), found.medians[1]
        share = (before + keys + after) / whole
        print(
            f"| {lines:,} | {whole:.1f} s | {before:.2f} s | {keys:.2f} s | {after:.2f} s | {share:.1%} |", flush=True
        )
    shutil.rmtree(arguments.home, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
