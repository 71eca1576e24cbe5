"""What ``dq demo`` does: a clean month that is published, and a month with a seeded defect that is held."""

from __future__ import annotations

import argparse
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from shlex import quote

from demo import catalogue, company, data, defects
from demo.defects import Defect
from dq.base import periods
from dq.base.errors import UsageError, near
from dq.base.failure_classes import FailureClass
from dq.cli import console
from dq.cli.demo import FAULT
from dq.cli.job_file import run_job
from dq.cli.signals import INTERRUPTED, TERMINATED, Terminated, exit_code, terminable
from dq.declare import project as projects
from dq.declare import registry
from dq.run.schedule import settled_as_of

MONTHS = ("2026-08", "2026-09", "2026-10", "2026-11")
DEFECTIVE = "2026-10"
# Reports that are not delivered (F21): tests provoke it, the demo cannot.
DELIVERY = FailureClass.DELIVERY
INVESTORS = ("investor_profit", "investor_growth", "investor_engagement")


def command(arguments: argparse.Namespace) -> int:
    """Run the demo; exit 0 when the clean month was published and the defect was caught as it should be."""
    if arguments.faults:
        for one in catalogue.catalogue(DEFECTIVE):
            console.out(f"{one.id:40} {one.severity.value:9} {one.title}")
        return 0
    fault = _fault(arguments.fault, catalogue.catalogue(DEFECTIVE))
    try:
        with terminable():
            return _show(arguments, fault)
    except (KeyboardInterrupt, Terminated) as stopped:
        console.note("dq: the demo was stopped before its end; make demo begins anew")
        return exit_code(stopped)


def _show(arguments: argparse.Namespace, fault: Defect) -> int:
    """Make the company, run its clean months and the one with the defect, and judge what became of it."""
    from dq import store

    root = registry.find_root()
    home = root / "build" / "demo"
    os.environ["DQ_DEMO_DIR"] = str(home / "sources")
    project = projects.load(root)
    order = project.registry.order()
    pipelines = order if arguments.all else _told(project.registry, fault)
    for folder in ("warehouse", "docs"):
        shutil.rmtree(home / folder, ignore_errors=True)

    began = time.monotonic()
    found_in = company.month_of(fault.found_in)
    clean = [f"{company.shift(found_in, -n):%Y-%m}" for n in range(fault.months_before, 0, -1)]
    _make(home, arguments)
    results = {}

    def run(name: str, period: str, *, clock: str) -> int:
        as_of = settled_as_of(project.registry, project.roster.calendar, name, clock)
        argv = ["--period", period, "--as-of", as_of.isoformat(), "--docs", str(home / "docs")]
        code = run_job(name, [*argv, "--warehouse", str(home / "warehouse")])
        console.out("")
        if code in (INTERRUPTED, TERMINATED):  # the run said what it left; nothing is to follow on it
            raise Terminated if code == TERMINATED else KeyboardInterrupt
        return code

    def run_month(name: str, month: str) -> int:
        grain = project.registry.pipelines[name].grain
        ids = periods.ending_in(month, grain, project.roster.model.rotation.anchor)
        # Nothing is published of the days before the first clean month, on which its first week would be built.
        wanted = [one for one in ids if periods.days_of(one, grain)[0] >= periods.days_of(clean[0])[0]]
        return max((run(name, period, clock=period) for period in wanted), default=0)

    for month in clean:
        console.note(f"\n{month}: a clean month")
        for name in pipelines:
            results[month, name] = run_month(name, month)
    console.note(f"\n{fault.found_in}: {fault.title}")
    with ExitStack() as planted:
        for name in pipelines:
            # What was published of this month before is right; a mistake under an earlier final comes after all of it.
            if name == (fault.pipeline if fault.published else fault.first):
                planted.enter_context(_planted(root, home, fault))
                if fault.published and fault.enters:
                    defects.waive_finals(
                        store.Warehouse(home / "warehouse"), project.pipeline(fault.first), fault.month
                    )
                    run(fault.first, fault.month, clock=fault.found_in)
            results[fault.found_in, name] = run_month(name, fault.found_in)
    console.note(f"took {time.monotonic() - began:.0f} s")
    console.out(f"data docs: {home / 'docs' / 'index.html'}")
    console.note(
        f"to look further:  export DQ_WAREHOUSE={quote(str(home / 'warehouse'))}"
        f" DQ_DEMO_DIR={quote(str(home / 'sources'))}; dq status; dq show"
    )
    return _judge(results, fault, home)


def _fault(wanted: str, known: Sequence[Defect]) -> Defect:
    """The defect of that id, or the first of that class."""
    found = next((one for one in known if one.id == wanted), None)
    found = found or next((one for one in known if one.failure_class == wanted and not one.harmless), None)
    if found is None:
        listed = "dq demo --faults lists them"
        if wanted == DELIVERY:
            said = f"reports that are not delivered lie in no data, so nothing is planted for them; {listed}"
        else:
            classes = sorted({one.failure_class for one in known})
            said = near(wanted, [*classes, *(one.id for one in known)], listed)
        raise UsageError(f"there is no fault {wanted!r}", where="--fault", do=said)
    return found


def _told(known: registry.Registry, fault: Defect) -> list[str]:
    """The pipelines that tell the story of a defect: its own, what investors read of it, and all they are built on."""
    items, pipeline = known.pipelines, fault.pipeline
    wanted = {pipeline, *(name for name, one in items.items() if pipeline in one.upstream and name in INVESTORS)}
    while missing := {table for name in wanted for table in items[name].upstream} - wanted:
        wanted |= missing
    return [name for name in known.order() if name in wanted]


@contextmanager
def _planted(root: Path, home: Path, defect: Defect) -> Iterator[None]:
    """Run with the defect planted: in the company's data, or in a copy of the project where it is one of its files."""
    from dq.spark import session

    if not defect.edits:
        console.note(f"planting {defect.id}")
        defects.apply(session.session("dq demo", root / "spark-conf"), home / "sources", defect)
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


def _make(home: Path, arguments: argparse.Namespace) -> None:
    """Make the company's data."""
    from dq.spark import session

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


def _judge(results: dict[tuple[str, str], int], defect: Defect, home: Path) -> int:
    """0 when the verdicts are the expected ones, 1 with a sentence when not."""
    from dq import store
    from dq.base.model import Outcome, Severity
    from dq.run import run_records

    clean = {(month, name): code for (month, name), code in results.items() if month < defect.found_in}
    problems = [f"{name} {month} ended with {code}" for (month, name), code in clean.items() if code]
    warehouse = store.Warehouse(home / "warehouse")
    failed = [
        (name, result)
        for name in {name for _, name in results}
        if (record := run_records.latest(warehouse, name, [defect.found_in])) is not None
        for result in record.results
        if result.outcome in (Outcome.FAILED, Outcome.ERRORED) and result.failure_class == defect.failure_class
    ]
    caught = (defect.pipeline, defect.expected_check) in {(name, result.check) for name, result in failed}
    if not caught and not defect.harmless:
        problems.append(f"{defect.id} was not caught by {defect.expected_check} of {defect.pipeline}")
    ended = {name: code for (month, name), code in results.items() if month == defect.found_in}
    held = [name for name, code in ended.items() if code in (1, 3)]
    odd = {name: code for name, code in ended.items() if code not in (0, 1, 3)}
    problems += [f"{name} {defect.found_in} ended with {code}" for name, code in odd.items()]
    if defect.id == FAULT and (ended["profit_unit"], ended["investor_profit"]) != (1, 3):
        problems.append("profit_unit had to be held, and what is built on it not evaluated")
    if defect.harmless and (failed or held):
        problems.append(f"{defect.id} is harmless, yet it was taken for a failure")
    if defect.severity is Severity.CRITICAL and not held and not defect.harmless:
        problems.append(f"{defect.id} is critical, yet nothing was held")
    for problem in problems:
        console.note(f"dq demo: {problem}")
    if not problems:
        became = "changed nothing" if defect.harmless else f"caught by {defect.expected_check}"
        months = ", ".join(sorted({month for month, _ in clean}))
        console.note(f"as expected: {months} published, {defect.id} {became}" + (", figures held" if held else ""))
    return 1 if problems else 0


def faults() -> list[str]:
    """What ``--fault`` takes: the ids of all seeded defects, and their classes."""
    return sorted({name for one in catalogue.catalogue(DEFECTIVE) for name in (one.id, one.failure_class)})
