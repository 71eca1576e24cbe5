"""``dq demo``: the demo company, a clean month that is published and a month with a seeded defect that is held."""

from __future__ import annotations

import argparse
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from dq import periods, registry
from dq import project as projects
from dq.cli import console
from dq.cli.run import run_job
from dq.errors import UsageError, choices
from dq.run.schedule import scheduled_as_of

if TYPE_CHECKING:
    from dq.demo.defects import Defect

MONTHS = ("2026-08", "2026-09", "2026-10", "2026-11")
CLEAN, DEFECTIVE = "2026-09", "2026-10"
FAULT = "F11-ledger-marketing"
INVESTORS = ("investor_profit", "investor_growth", "investor_engagement")


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
    order = project.registry.order()
    pipelines = order if arguments.all else _told(project.registry, known[arguments.fault].pipeline)
    for folder in ("warehouse", "docs"):
        shutil.rmtree(home / folder, ignore_errors=True)

    began = time.monotonic()
    fault = known[arguments.fault]
    _make(home, arguments, fault)
    results = {}

    def run(name: str, period: str, *, clock: str) -> int:
        item = project.registry.pipelines[name]
        as_of = scheduled_as_of(item.scheduled, project.roster.calendar, clock, item.grain)
        argv = ["--period", period, "--as-of", as_of.isoformat(), "--docs", str(home / "docs")]
        code = run_job(name, [*argv, "--warehouse", str(home / "warehouse")])
        console.out("")
        return code

    for month, story in ((CLEAN, "a clean month"), (DEFECTIVE, fault.title)):
        console.note(f"\n{month}: {story}")
        if month == DEFECTIVE and fault.published:
            _plant(home, fault)
            run(fault.pipeline, CLEAN, clock=DEFECTIVE)
        with _edited(root, home, fault) if month == DEFECTIVE else nullcontext():
            for name in pipelines:
                grain = project.registry.pipelines[name].grain
                ids = periods.ending_in(month, grain, project.roster.model.rotation.anchor)
                # Nothing is published of the days before the clean month, on which its first week would be built.
                wanted = [one for one in ids if periods.days_of(one, grain)[0] >= periods.days_of(CLEAN)[0]]
                results[month, name] = max(run(name, period, clock=period) for period in wanted)
    console.note(f"took {time.monotonic() - began:.0f} s")
    console.out(f"data docs: {home / 'docs' / 'index.html'}")
    console.note(
        f"to look further:  export DQ_WAREHOUSE={home / 'warehouse'} DQ_DEMO_DIR={home / 'sources'}; dq status; dq show"
    )
    return _judge(results, fault, home)


def _told(known: registry.Registry, pipeline: str) -> list[str]:
    """The pipelines that tell the story of a defect: its own, what investors read of it, and all they are built on."""
    items = known.pipelines
    wanted = {pipeline, *(name for name, one in items.items() if pipeline in one.upstream and name in INVESTORS)}
    while missing := {table for name in wanted for table in items[name].upstream} - wanted:
        wanted |= missing
    return [name for name in known.order() if name in wanted]


@contextmanager
def _edited(root: Path, home: Path, defect: Defect) -> Iterator[None]:
    """Run by a copy of the project in which the defect is planted, where it is one of the project's own files."""
    from dq.demo import defects

    if not defect.edits:
        yield
        return
    copy, before = home / "project", os.environ.get("DQ_HOME")
    shutil.rmtree(copy, ignore_errors=True)
    for folder in ("jobs", "expectations", "runbooks", "spark-conf"):
        shutil.copytree(root / folder, copy / folder)
    console.note(f"planting {defect.id} in {', '.join(edit.file for edit in defect.edits)} of {copy}")
    defects.edit(copy, defect)
    os.environ["DQ_HOME"] = str(copy)
    try:
        yield
    finally:
        if before is None:
            del os.environ["DQ_HOME"]
        else:
            os.environ["DQ_HOME"] = before


def _plant(home: Path, defect: Defect) -> None:
    from dq import session
    from dq.demo import defects

    console.note(f"planting {defect.id}")
    defects.apply(session.session("dq demo", registry.find_root() / "spark-conf"), home / "sources", defect)


def _make(home: Path, arguments: argparse.Namespace, defect: Defect) -> None:
    """Make the company's data, with the defect in it unless it comes later or is in the project."""
    from dq import session
    from dq.demo import data

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
    if not defect.published and not defect.edits:
        _plant(home, defect)


def _judge(results: dict[tuple[str, str], int], defect: Defect, home: Path) -> int:
    """0 when the verdicts are the expected ones, 1 with a sentence when not."""
    from dq import store
    from dq.model import Outcome, Severity
    from dq.run import records

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
    if not caught and not defect.harmless:
        problems.append(f"{defect.id} was not caught by a check of class {defect.failure_class}")
    ended = {name: code for (month, name), code in results.items() if month == DEFECTIVE}
    held = [name for name, code in ended.items() if code in (1, 3)]
    problems += [f"{name} {DEFECTIVE} ended with {code}" for name, code in ended.items() if code not in (0, 1, 3)]
    if defect.id == FAULT and (ended["profit_unit"], ended["investor_profit"]) != (1, 3):
        problems.append("profit_unit had to be held, and what is built on it not evaluated")
    if defect.harmless and (caught or held):
        problems.append(f"{defect.id} is harmless, yet it was taken for a failure")
    if defect.severity is Severity.CRITICAL and not held and not defect.harmless:
        problems.append(f"{defect.id} is critical, yet nothing was held")
    for problem in problems:
        console.note(f"dq demo: {problem}")
    if not problems:
        became = "changed nothing" if defect.harmless else "caught"
        console.note(f"as expected: {CLEAN} published, {defect.id} {became}" + (", figures held" if held else ""))
    return 1 if problems else 0
