"""``dq waive``: let one failing check pass for one period, list what was waived, end a waiver early."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation

from dq import store
from dq.base import clean, periods
from dq.base.errors import UsageError, near
from dq.base.model import Check
from dq.base.verdict import SIGNED_OFF, Ending, Waiver
from dq.cli import console
from dq.cli.which_warehouse import add_warehouse, load_project, local_path, open_warehouse
from dq.declare.binding import Bound
from dq.store import waivers

NEEDED = ("pipeline", "check", "period", "ceiling", "owner", "reason", "until")
ABOUT = """\
A check of class F11 (figures differ from the books) is waived with an accountant's sign-off only: who and when, and
the ceiling is the amount that was signed off. One waiver counts per check and period: a later one replaces it, and
both stay in the record. It stands on every card of the pipeline and period while it lasts. What could not be
evaluated is never waived."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "waive",
        help="let one failing check pass for one period, up to a ceiling, until a day",
        description="Let one failing check pass for one period; list the waivers; end one before its last day.",
        epilog=ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("pipeline", nargs="?", help="a pipeline of jobs/pipelines.yml")
    parser.add_argument("--check", help="the check's id")
    parser.add_argument("--period", help="the period it is waived for, as the run was given it")
    parser.add_argument("--ceiling", help="the amount off for totals, rows otherwise; beyond it the check holds")
    parser.add_argument("--owner", help="who answers for it")
    parser.add_argument("--reason", help="why the figures may be published all the same, or why the waiver ends")
    parser.add_argument("--until", help="last day it counts, YYYY-MM-DD")
    parser.add_argument("--signed-off-by", metavar="NAME", help="the accountant who accepted the difference")
    parser.add_argument("--signed-off-at", metavar="INSTANT", help="when, ISO 8601 UTC")
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument(
        "--list", action="store_true", help="list the waivers (of PIPELINE, of --period), newest first"
    )
    instead.add_argument("--end", metavar="ID", help="end this waiver now, with --reason")
    parser.add_argument("--by", help="who ends it (default: the user running this)")
    add_warehouse(parser)
    parser.add_argument("--sources", type=local_path, help="sources file of the run (default: jobs/sources.yml)")
    parser.set_defaults(handler=command, problem=problem)


def problem(arguments: argparse.Namespace) -> str:
    """What is missing from a command line that parsed, empty where nothing is."""
    if arguments.list:
        return ""
    needed = ("reason",) if arguments.end else NEEDED
    missing = [name if name == "pipeline" else f"--{name}" for name in needed if getattr(arguments, name) is None]
    if missing:
        return f"the following arguments are required: {', '.join(missing)}"
    if (arguments.signed_off_by is None) != (arguments.signed_off_at is None):
        return "--signed-off-by and --signed-off-at belong together: who, and when"
    return ""


def command(arguments: argparse.Namespace) -> int:
    """Record, list or end."""
    mistake = problem(arguments)
    if mistake:
        raise UsageError(mistake, do="see dq waive --help")
    if arguments.list:
        return _list(arguments)
    for name in ("owner", "reason", "signed_off_by"):
        given = getattr(arguments, name)
        if given is not None and not given.strip():
            option = name.replace("_", "-")
            raise UsageError(f"--{option} is empty", expected="words a reader of the card will understand")
    return _end(arguments) if arguments.end else _record(arguments)


def _record(arguments: argparse.Namespace) -> int:
    now = datetime.now(UTC)
    project = load_project(arguments)
    bound = project.pipeline(arguments.pipeline)
    check = _check(bound, arguments.check)
    try:
        ceiling = Decimal(arguments.ceiling)
        until = date.fromisoformat(arguments.until)
    except (InvalidOperation, ValueError):
        raise UsageError("--ceiling is a number and --until a day such as 2026-11-30") from None
    if not ceiling.is_finite() or ceiling < 0:
        raise UsageError(f"the ceiling {arguments.ceiling} is not an amount", expected="a finite number from 0 up")
    periods.days_for(arguments.period, bound.pipeline.grain, project.roster.model.rotation.anchor)
    if until < now.date():
        raise UsageError(f"--until {until} is over", expected=f"a day from {now.date()} on")
    waiver = Waiver(
        pipeline=bound.name,
        check=check.check,
        period=arguments.period,
        ceiling=ceiling,
        owner=arguments.owner.strip(),
        reason=arguments.reason.strip(),
        until=until,
        recorded=now,
        signed_off_by=(arguments.signed_off_by or "").strip(),
        signed_off_at=_signed_off_at(arguments, check, now),
    )
    warehouse = open_warehouse(arguments, to_write=True)
    earlier = [one for one in waivers.of_period(warehouse, bound.name, waiver.period) if one.check == waiver.check]
    kept = waivers.record(warehouse, waiver)
    signed = f", {kept.sign_off}" if kept.sign_off else ""
    console.out(
        f"waived {kept.check} of {kept.pipeline} {kept.period} up to {kept.ceiling} until {kept.until} "
        f"for {kept.owner}{signed}: {kept.reason}\nkept as {kept.id}"
    )
    for one in earlier:
        if one.ended is None:
            console.out(f"it replaces {one.id}, up to {one.ceiling} until {one.until}")
    console.out(
        "to publish run the pipeline again, with the same --as-of, --warehouse and --sources: "
        f"dq run {kept.pipeline} --period {kept.period}"
    )
    return 0


def _check(bound: Bound, name: str) -> Check:
    """The check of that id; one about the run itself cannot be waived."""
    of_run = {**bound.run_checks, **bound.strain_checks, **bound.after_checks}
    if name in of_run:
        raise UsageError(f"{name} is about the run itself and cannot be waived", where="--check")
    known = {check.check: check for check in bound.all_checks if check.check not in of_run}
    if name not in known:
        lists = f"dq explain {bound.name} lists its checks"
        raise UsageError(f"{bound.name} has no check {name!r}", where="--check", do=near(name, [*known], lists))
    return known[name]


def _signed_off_at(arguments: argparse.Namespace, check: Check, now: datetime) -> datetime | None:
    if arguments.signed_off_at is None:
        if check.failure_class in SIGNED_OFF:
            raise UsageError(
                f"{check.check} is of class {check.failure_class}: only an accountant accepts such a difference",
                where="--signed-off-by",
                do="give --signed-off-by NAME and --signed-off-at INSTANT; the ceiling is the amount signed off",
            )
        return None
    at = periods.parse_instant(arguments.signed_off_at, where="--signed-off-at")
    if at > now:
        raise UsageError(f"{arguments.signed_off_at} is in the future", where="--signed-off-at")
    return at


def _end(arguments: argparse.Namespace) -> int:
    by = (arguments.by or "").strip() or console.who()
    ending = Ending(by=by, at=datetime.now(UTC), reason=arguments.reason.strip())
    ended = waivers.end(open_warehouse(arguments, to_write=True), arguments.end, ending)
    console.out(
        f"ended {ended.id}: {ended.check} of {ended.pipeline} {ended.period} is no longer waived\n"
        f"what was published under it stays until it is run again: dq run {ended.pipeline} --period {ended.period}"
    )
    return 0


def _list(arguments: argparse.Namespace) -> int:
    warehouse: store.Warehouse = open_warehouse(arguments)
    every = waivers.everything(warehouse)
    shown = [
        one
        for one in every
        if arguments.pipeline in (None, one.pipeline)
        and arguments.period in (None, one.period)
        and arguments.check in (None, one.check)
    ]
    console.out("\n".join(_lines(shown, every)) if shown else "no waivers")
    return 0


def _lines(shown: Sequence[Waiver], every: Sequence[Waiver]) -> list[str]:
    """Two lines per waiver: where it stands and its id, then what it says."""
    now = datetime.now(UTC)
    lines = []
    for one in shown:
        signed = f", {one.sign_off}" if one.sign_off else ""
        lines.append(f"{one.id}  {waivers.state(one, every, now)}")
        lines.append(
            f"  {one.check} of {one.pipeline} {one.period} up to {one.ceiling} until {one.until} "
            f"for {one.owner}{signed}: {one.reason}"
        )
    return [clean.text(line) for line in lines]
