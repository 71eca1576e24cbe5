"""What the hints before a run and the measures after it cost: `make bench-runtime`.

`profit_unit` runs guarded over a month of invoice lines; printed are the median seconds of looking at the files of its
inputs and of asking Spark what the run strained, and their share of the whole run.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
from pathlib import Path

import guarded

from dq import project as projects
from dq import session

STEPS = ("looking at the files of the inputs", "measuring what the run strained")


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
    print("| invoice lines | guarded run | files of the inputs | what it strained | share |\n|--:|--:|--:|--:|--:|")
    for lines in arguments.lines:
        guarded.made(spark, arguments.home, lines, project.registry.pipelines["profit_unit"].sources)
        found = guarded.cost(spark, project, "profit_unit", guarded.MONTH, arguments.home, arguments.repeat)
        before, after = (statistics.median(one[step] for one in found.steps) for step in STEPS)
        whole = found.medians[1]
        print(
            f"| {lines:,} | {whole:.1f} s | {before:.2f} s | {after:.2f} s | {(before + after) / whole:.1%} |",
            flush=True,
        )
    shutil.rmtree(arguments.home, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
