"""What the store costs on the local disk: `make bench-store`, with `ARGS="--against FOLDER"` beside another checkout.

A table of many periods is published many times over, small figures, so that the store and not Parquet is measured.
Printed are median milliseconds of one commit (everything from the sealed run to the renewed link, synced), of choosing
and proving all published files, of what the newest version says, and of `dq status`, at a growing number of versions.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from dq.store import Commit

ROOT = Path(__file__).resolve().parents[2]
STEPS = ("commit", "read all", "read newest", "find key", "status")


def timed(act: Callable[[], object], repeat: int) -> float:
    """Median milliseconds."""
    seconds = []
    for _ in range(repeat):
        start = time.perf_counter()
        act()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds) * 1000


def again(base: Commit, version: int, period: str) -> Commit:
    """A commit that says the same of a period anew: as large as any, without files of its own."""
    entry = replace(base.entries[period], version=version)
    changed = getattr(base.entries, "changed", lambda new: {**base.entries, **new})
    return replace(
        base,
        version=version,
        parent=base.version,
        transaction=uuid4().hex,
        run=entry.run,
        fingerprint=entry.fingerprint,
        changed=[period],
        entries=changed({period: entry}),
    )


def measure(versions: list[int], periods: int, repeat: int) -> dict[str, dict[str, float]]:
    """Milliseconds by number of versions and step, of the package that is on the path."""
    from store_support import SCHEMA, commit, publish, write_staged

    from dq.cli import main
    from dq.store import Warehouse, select_published

    found: dict[str, dict[str, float]] = {}
    sync = os.fsync
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as folder:
        warehouse = Warehouse(Path(folder))
        table = warehouse.table("profit_unit")
        done = 0

        def names(number: int) -> str:
            return f"{2020 + number % periods // 12}-{number % periods % 12 + 1:02}"

        def status() -> None:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                main(["status", "--at", "2026-11-04T05:00:00Z", "--warehouse", folder])

        for wanted in versions:
            os.fsync = lambda _: None  # type: ignore[assignment]
            while done < min(periods, wanted):
                publish(table, f"r{done}", {names(done): [done]})
                done += 1
            while done < wanted:
                table._log.append(lambda base, version: again(base, version, names(done)), lambda _: None)
                done += 1
            table.refresh_view()
            os.fsync = sync
            sealed = []
            for _ in range(repeat):
                run = f"r{done + len(sealed)}"
                write_staged(table, run, {names(done + len(sealed)): [1]})
                sealed.append(table.seal(run, schema_json=SCHEMA, fingerprint=run, audit={}))
            waiting = iter(sealed)
            found[str(wanted)] = {
                "commit": timed(lambda: commit(table, next(waiting)), repeat),
                "read all": timed(lambda: select_published(Path(folder), "profit_unit"), repeat),
                "read newest": timed(lambda: warehouse.table("profit_unit").current(), repeat),
                "find key": timed(lambda: warehouse.table("profit_unit").find("none", [names(0)]), repeat),
                "status": timed(status, repeat),
            }
            done += len(sealed)
    return found


def elsewhere(tree: Path, arguments: argparse.Namespace) -> dict[str, dict[str, float]]:
    """The same measured by the package of another checkout, in a process of its own."""
    words = [sys.executable, __file__, "--json", "--periods", str(arguments.periods), "--repeat", str(arguments.repeat)]
    words += ["--versions", *map(str, arguments.versions)]
    path = os.pathsep.join([str(tree), str(tree / "tests")])
    run = subprocess.run(words, cwd=tree, env={**os.environ, "PYTHONPATH": path}, stdout=subprocess.PIPE, check=True)
    return dict(json.loads(run.stdout))


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--versions", type=int, nargs="*", default=[100, 1_000, 10_000])
    parser.add_argument("--periods", type=int, default=36)
    parser.add_argument("--repeat", type=int, default=15)
    parser.add_argument("--against", type=Path, help="another checkout, measured on as many versions")
    parser.add_argument("--json", action="store_true", help="print numbers only")
    arguments = parser.parse_args()
    (ROOT / "build").mkdir(exist_ok=True)
    if arguments.json:
        print(json.dumps(measure(arguments.versions, arguments.periods, arguments.repeat)))
        return 0
    trees = {"here": ROOT} | ({"there": arguments.against.resolve()} if arguments.against else {})
    found = {name: elsewhere(tree, arguments) for name, tree in trees.items()}
    print(f"milliseconds (median of {arguments.repeat}), {arguments.periods} periods")
    print(f"{'versions':>9} {'step':<12}" + "".join(f"{name:>10}" for name in trees))
    for versions in arguments.versions:
        for step in STEPS:
            told = "".join(f"{found[name][str(versions)][step]:>10.1f}" for name in trees)
            print(f"{versions:>9} {step:<12}{told}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
