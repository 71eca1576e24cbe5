"""How long `dq diagnose` takes over a large event log, and how much memory: `make bench-runtime`.

The log is made by code: 1 GB of text in stages of 200 tasks, and as much in stages of 2 as small queries have, each
task with the accumulators of a wide query, as Spark writes them. It is diagnosed as plain text and compressed with
zstd, in a child process each, whose time and memory are printed; a log of a tenth shows whether memory grows with it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import event_logs as logs
import pyarrow as pa

TASKS = 200
FEW = 2
# As many accumulators as a query of a dozen operators adds to: a line is then 4 KB, as measured of real ones.
ACCUMULATORS = range(30)


def stage(number: int, count: int) -> bytes:
    """One stage in the log: a job, its query with a plan, and its tasks, one of them heavy."""
    tasks = [
        logs.task(
            number,
            index=index,
            executor=str(index % 8),
            seconds=1 + index % 7,
            read=(64 + index) << 20,
            rows=100_000 + index,
            accumulators=ACCUMULATORS,
        )
        for index in range(count)
    ]
    events = [
        logs.plan(number, (5, "hashpartitioning(account_id#12, 200)")),
        logs.job(number, [number], execution=number),
        logs.stage(number, count),
        *tasks,
        logs.stage(number, count, done=True),
        logs.job_end(number),
        logs.query_end(number),
    ]
    return logs.text(events)


def make(path: Path, size: int, codec: str, tasks: int) -> None:
    """Write a log of so many bytes of text."""
    with pa.OSFile(str(path), "wb") as file, pa.CompressedOutputStream(file, codec) if codec else file as out:
        written = out.write(logs.text(logs.start())) or 0
        number = 0
        while written < size:
            piece = stage(number, tasks)
            out.write(piece)
            written += len(piece)
            number += 1
        out.write(logs.text([logs.end()]))


def measured(path: Path) -> tuple[float, float, float]:
    """Seconds, seconds of CPU and peak megabytes of diagnosing a log in a process of its own."""
    code = (
        "import resource, sys; from pathlib import Path; from dq.diagnose import diagnose; "
        "assert not diagnose(Path(sys.argv[1])).died; "
        "used = resource.getrusage(resource.RUSAGE_SELF); "
        "print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)"
    )
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    cpu, peak = map(float, done.stdout.split())
    return time.monotonic() - began, cpu, peak


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    print(
        "| event log | tasks per stage | text | file | seconds (best) | of CPU | peak memory |\n"
        "|---|--:|--:|--:|--:|--:|--:|"
    )
    with tempfile.TemporaryDirectory() as folder:
        for codec, share, tasks in (("", 10, TASKS), ("", 1, TASKS), ("zstd", 1, TASKS), ("", 10, FEW), ("", 1, FEW)):
            size = arguments.megabytes * 1_000_000 // share
            path = Path(folder, f"app-1.{codec}" if codec else "app-1")
            make(path, size, codec, tasks)
            runs = [measured(path) for _ in range(arguments.repeat)]
            (best, cpu, _), peak = min(runs), max(run[2] for run in runs)
            print(
                f"| {codec or 'plain'} | {tasks} | {size / 1e6:,.0f} MB | {path.stat().st_size / 1e6:,.0f} MB "
                f"| {best:.1f} | {cpu:.1f} | {peak:.0f} MB |",
                flush=True,
            )
            path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
