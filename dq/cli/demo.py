"""``dq demo``: the demo company, a clean month that is published and a month with a seeded defect that is held."""

from __future__ import annotations

import argparse
import os
import shutil
import time
from pathlib import Path

from dq import project as projects
from dq import registry
from dq.cli import console
from dq.cli.run import run_job
from dq.errors import UsageError, choices
from dq.run.schedule import scheduled_as_of

MONTHS = ("2026-08", "2026-09", "2026-10", "2026-11")
CLEAN, DEFECTIVE = "2026-09", "2026-10"
FAULT = "F11-ledger-marketing"


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser("demo", help="make the demo company, publish a clean month, hold a defective one")
    parser.add_argument(
        "--size", choices=("small", "large"), default="small", help="how big the company is (default: small)"
    )
    parser.add_argument("--seed", type=int, default=1, help="another seed is another company (default: 1)")
    parser.add_argument(
        "--fault", default=FAULT, metavar="ID", help=f"the seeded defect (default: {FAULT}); list: --faults"
    )
    parser.add_argument("--faults", action="store_true", help="list the seeded defects and end")
    parser.add_argument(
        "--all", action="store_true", help="run every pipeline, not only those that must find the defect"
    )
    parser.set_defaults(handler=command)


def command(arguments: argparse.Namespace) -> int:
    """Run the demo; exit 0 when the clean month was published and the defect was caught as it should be."""
    from dq.demo import catalogue

    if arguments.faults:
        for one in catalogue.catalogue(DEFECTIVE):
            console.out(f"{one.id:32} {one.severity.value:9} {one.title}")
        return 0
    known = {one.id: one for one in catalogue.catalogue(DEFECTIVE)}
    if arguments.fault not in known:
        raise UsageError(
            f"there is no fault {arguments.fault!r}", where="--fault", do=choices(arguments.fault, [*known])
        )
    root = registry.find_root()
    home = root / "build" / "demo"
    os.environ["DQ_DEMO_DIR"] = str(home / "sources")
    project = projects.load(root)
    first = known[arguments.fault].pipeline
    pipelines = [
        name
        for name in project.registry.order()
        if arguments.all or name == first or first in project.registry.pipelines[name].upstream
    ]
    for folder in ("warehouse", "docs"):
        shutil.rmtree(home / folder, ignore_errors=True)

    began = time.monotonic()
    _make(home, arguments, known[arguments.fault])
    results = {}
    for month, story in ((CLEAN, "a clean month"), (DEFECTIVE, known[arguments.fault].title)):
        console.note(f"\n{month}: {story}")
        for name in pipelines:
            as_of = scheduled_as_of(project.registry.pipelines[name].scheduled, project.roster.calendar, month)
            argv = ["--period", month, "--as-of", as_of.isoformat(), "--docs", str(home / "docs")]
            results[month, name] = run_job(name, [*argv, "--warehouse", str(home / "warehouse")])
            console.out("")
    console.note(f"took {time.monotonic() - began:.0f} s")
    console.out(f"data docs: {home / 'docs' / 'index.html'}")
    console.note(f"to look further:  export DQ_WAREHOUSE={home / 'warehouse'} DQ_DEMO_DIR={home / 'sources'}; dq show")
    return _judge(results, known[arguments.fault], home)


def _make(home: Path, arguments: argparse.Namespace, defect: object) -> None:
    from dq import session
    from dq.demo import data, defects

    spark = session.session("dq demo", registry.find_root() / "spark-conf")

    def progress(source: str) -> None:
        console.note(f"making {source}")

    data.make(
        spark,
        home / "sources",
        size=arguments.size,
        seed=arguments.seed,
        first_month=MONTHS[0],
        last_month=MONTHS[-1],
        progress=progress,
    )
    assert isinstance(defect, defects.Defect)  # noqa: S101 - comes from the catalogue
    console.note(f"planting {defect.id}")
    defects.apply(spark, home / "sources", defect)


def _judge(results: dict[tuple[str, str], int], defect: object, home: Path) -> int:
    """0 when the verdicts are the expected ones, 1 with a sentence when not."""
    from dq import store
    from dq.demo.defects import Defect
    from dq.model import Outcome, Severity
    from dq.run import records

    assert isinstance(defect, Defect)  # noqa: S101 - comes from the catalogue
    problems = [
        f"{name} {month} ended with {code}" for (month, name), code in results.items() if month == CLEAN and code
    ]
    warehouse = store.Warehouse(home / "warehouse")
    caught = [
        (name, result)
        for name in {name for _, name in results}
        if (record := records.latest(warehouse, name, [DEFECTIVE]))
        for result in record.results
        if result.outcome in (Outcome.FAILED, Outcome.ERRORED) and result.failure_class == defect.failure_class
    ]
    if not caught:
        problems.append(f"{defect.id} was not caught by a check of class {defect.failure_class}")
    held = [name for (month, name), code in results.items() if month == DEFECTIVE and code]
    if defect.severity is Severity.CRITICAL and not held:
        problems.append(f"{defect.id} is critical, yet nothing was held")
    for problem in problems:
        console.note(f"dq demo: {problem}")
    if not problems:
        console.note(f"as expected: {CLEAN} published, {defect.id} caught" + (", figures held" if held else ""))
    return 1 if problems else 0
