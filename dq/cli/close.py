"""``dq close``: whether a month is closed, what it rests on, and what is still open. No JVM is started."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime

from dq import store
from dq.base import clean, periods
from dq.base.errors import DqError
from dq.cli import console
from dq.cli.which_warehouse import add_warehouse, docs_site, local_path, open_warehouse
from dq.declare import registry
from dq.declare.registry import Registry
from dq.month import close_page, close_report
from dq.month.close_report import Closing, MonthState
from dq.run import alerting, batch, closing
from dq.run.failures import sentence
from dq.tell import known
from dq.tell.declared_people import house
from dq.tell.recipients import House

ABOUT = """\
Per pipeline marked `investors` in jobs/pipelines.yml and all it is built on: what readers see of the month, which
levels were met, what is open or waived, what was restated, what is due and who hears next. A month is *closed* once
three things hold. Everything was published as final (weeks and fortnights: published) in time: by the last day that a
level with `met_by: final` gives. Every incident of the month is over, or a waiver pauses it. No final is built on units
that were published anew since. The report is kept, written into the data docs folder and sent to those under
notify.reports.close in the settings; one that does not arrive, or is not made once that day is over, is an incident.
Exit codes: 0 closed, 1 open or late, 2 usage or configuration, 3 the warehouse cannot be read, 4 closed, but the report
was not kept or delivered."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "close",
        help="say whether a month is closed for investors, and send that to its readers",
        description="The report of a month's close: closed, open or late, and what that rests on.",
        epilog=ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--month", required=True, help="the month, such as 2026-10")
    parser.add_argument("--at", help="deadlines and people as of this instant, ISO 8601 UTC (default: now)")
    parser.add_argument("--docs", type=local_path, help="data docs folder (default: beside the warehouse)")
    parser.add_argument("--no-send", action="store_true", help="only say it: keep and send no report")
    parser.add_argument(
        "--format", choices=("text", "json", "markdown"), default="text", help="how it is printed (default: text)"
    )
    add_warehouse(parser)
    parser.set_defaults(handler=command)


def command(arguments: argparse.Namespace) -> int:
    """Look, print, keep and send; the exit code is 0 only for a month that is closed."""
    now = datetime.now(UTC)
    at = periods.parse_instant(arguments.at, where="--at") if arguments.at else now
    batch.refuse_future(at, now, where="--at")
    month = periods.month_of(arguments.month, "--month")
    warehouse = open_warehouse(arguments, to_write=not arguments.no_send, caught_up=True)
    root = registry.find_root()
    declared, people = registry.load(root), house(root, warehouse)
    if people.remark:
        console.note(f"dq: {people.remark}")
    found = closing.closing(warehouse, known.read(warehouse, at), people, declared, month)
    problems = [] if arguments.no_send else _sent(warehouse, people, declared, found, arguments)
    _print(found, people, arguments.format)
    for problem in problems:
        console.note(f"dq: {problem}")
    if found.state is not MonthState.CLOSED:
        return 1
    return 4 if problems else 0


def _print(found: Closing, people: House, format: str) -> None:
    if format == "json":
        console.out(json.dumps(clean.value(close_report.to_json(found)), indent=2, sort_keys=True, allow_nan=False))
    elif format == "markdown":
        console.out(close_page.markdown(clean.value(found), people.roster.zone))
    else:
        console.out("\n".join(clean.text(line) for line in close_page.lines(found, people.roster.zone)))


def _sent(
    warehouse: store.Warehouse, people: House, declared: Registry, found: Closing, arguments: argparse.Namespace
) -> list[str]:
    """Hand the report over, keep it and send it; a sentence for each thing that did not work.

    It is kept last of what is written: only what is with its recipients, or on the way, was made in time.
    """
    title = f"Close of {found.month}: {found.state.value}"
    told = alerting.ClosePage(
        site=docs_site(arguments),
        name=f"{found.month}-close-{found.at:%Y%m%dt%H%M%Sz}",
        title=title,
        summary=f"As of {found.at:%Y-%m-%d %H:%M} UTC: {close_page.decision(found, people.roster.zone)}.",
        lines=close_page.lines(found, people.roster.zone),
    )
    try:
        alerting.hand_over_close(warehouse, people, declared, found.month, found.at, told)
    except Exception as failure:  # whatever delivery does, the answer stands
        return [f"the report was neither sent nor kept: {sentence(failure)}"]
    try:
        closing.keep(warehouse, found)
    except DqError as failure:
        return [f"the report was not kept: {failure}"]
    try:
        if not people.notify.targets:
            return []
        done = alerting.bring_up_to_date(warehouse, people, declared, seconds=people.notify.run_seconds)
    except Exception as failure:  # whatever delivery does, the answer stands
        return [f"the report was not sent: {sentence(failure)}"]
    return [alerting.undelivered(done)] if done.undelivered else []
