"""``dq status``: what is red, since when and whose it is. ``dq deliver``: send what is due. Neither starts a JVM."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from datetime import UTC, datetime

from dq.base import clean, periods
from dq.base.errors import StoreError, UsageError
from dq.cli import console
from dq.cli.which_warehouse import add_warehouse, open_warehouse
from dq.declare import registry
from dq.people.levels import show
from dq.run import alerting, known_figures, missing_figures, missing_reports
from dq.run.known_figures import KnownFigures
from dq.store import Warehouse
from dq.tell import delivery, incidents, last_roster, overview, senders, words
from dq.tell.declared_people import house
from dq.tell.recipients import House

SECONDS, LONGEST = 60, 24 * 3600
ABOUT_DELIVER = """\
Run it every few minutes, as cron does:  */5 * * * *  dq deliver
It tells who becomes responsible (handover, next watch, escalation), repeats what still fails (to Alertmanager, which
forgets when it is started anew, every repeat_minutes of its target), resolves what passes,
looks for figures that no run was made of and reports that are late, and tries again what could not be delivered.
Messages are kept in the warehouse before they are sent, so nothing is lost by a crash; at most a message is sent twice,
under the same key."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the commands."""
    status = commands.add_parser(
        "status", help="list the open incidents, oldest first, and what is undelivered; exit 3 where a log is damaged"
    )
    status.add_argument("--at", help="on call, next steps and waivers as of this instant, ISO 8601 UTC (default: now)")
    status.add_argument("--format", choices=("text", "json"), default="text", help="how it is printed (default: text)")
    instead = status.add_mutually_exclusive_group()
    instead.add_argument("--levels", action="store_true", help="show which service levels were met and missed instead")
    instead.add_argument(
        "--reviews", action="store_true", help="show the next review meetings instead, each with what is open for it"
    )
    instead.add_argument(
        "--end",
        metavar="INCIDENT",
        help="end an incident that no run can make pass, PIPELINE/CHECK/PERIOD; who was told of it is told that, too",
    )
    status.add_argument("--reason", help="of --end, why it is over")
    status.add_argument("--by", help="of --end, who says so (default: you)")
    status.add_argument("--from", dest="first", metavar="MONTH", help="of --levels, the first month")
    status.add_argument("--to", dest="last", metavar="MONTH", help="of --levels, the last month")
    add_warehouse(status)
    status.set_defaults(handler=status_command)

    deliver = commands.add_parser(
        "deliver",
        help="send the messages that are due; exit 4 where something stays undelivered",
        description="Send the messages that are due.",
        epilog=ABOUT_DELIVER,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    deliver.add_argument(
        "--dry-run",
        action="store_true",
        help="say what would be sent to whom, and send nothing; exit 4 where the secret of any target is missing",
    )
    deliver.add_argument(
        "--again",
        action="store_true",
        help="also try what a target refused for good, and at once what it asked to wait for",
    )
    deliver.add_argument(
        "--seconds", type=int, default=SECONDS, metavar="N", help=f"time for sending (default: {SECONDS})"
    )
    add_warehouse(deliver)
    deliver.set_defaults(handler=deliver_command)


def status_command(arguments: argparse.Namespace) -> int:
    """Print the open incidents or the service levels, or end an incident."""
    if arguments.end is not None:
        return _end(arguments)
    warehouse = open_warehouse(arguments, caught_up=True)
    now = periods.parse_instant(arguments.at, where="--at") if arguments.at else datetime.now(UTC)
    people = _people(warehouse)
    if arguments.levels:
        from dq.cli import service_levels

        return service_levels.command(warehouse, people, (arguments.first, arguments.last), now, arguments.format)
    known = known_figures.read(warehouse, registry.load(registry.find_root()), now)
    found = overview.lines(_with_what_is_not_kept(known, people), people)
    if arguments.reviews:
        from dq.cli import reviews

        return reviews.command(people, known.declared, found, now, arguments.format)
    left = delivery.pending(known)
    if arguments.format == "json":
        document = {
            "at": now.isoformat(),
            "incidents": [overview.document(line) for line in found],
            "waiting": len(left.waiting),
            "undelivered": left.undelivered,
            "roster": people.remark or None,
        }
        console.out(json.dumps(clean.value(document), indent=2, allow_nan=False))
        return _damaged(known.damaged)
    for line in overview.text(found, people, now):
        console.out(clean.text(line))
    if people.remark:
        console.out(clean.text(people.remark))
    count = "no open incidents" if not found else f"{len(found)} open incident{'s' if len(found) > 1 else ''}"
    waiting = f", {len(left.waiting)} messages wait for their time" if left.waiting else ""
    console.out(count + waiting + (f", {len(left.undelivered)} undelivered (dq deliver)" if left.undelivered else ""))
    return _damaged(known.damaged)


def _damaged(found: Mapping[str, StoreError]) -> int:
    """Say of which pipelines nobody knows what is published; the exit code, 3 where there is one."""
    for name, failure in found.items():
        console.note(f"dq: it is not known what {name} has published: {failure}")
    return 3 if found else 0


def _people(warehouse: Warehouse) -> House:
    """The people of the project; of a roster with mistakes those of before, which is told."""
    people = house(registry.find_root(), warehouse)
    if people.remark:
        console.note(f"dq: {people.remark}")
    return people


def _end(arguments: argparse.Namespace) -> int:
    """End an incident because a person says so, and tell whoever was told of it."""
    if not (arguments.reason or "").strip():
        raise UsageError("an incident is ended with a reason", where="--reason", do="give --reason TEXT")
    warehouse = open_warehouse(arguments, to_write=True)
    by = (arguments.by or "").strip() or console.who()
    ended = incidents.end(warehouse, arguments.end, by=by, reason=arguments.reason.strip(), now=datetime.now(UTC))
    people, told = _people(warehouse), delivery.Told()
    if people.notify.targets:
        declared = registry.load(registry.find_root())
        told = alerting.bring_up_to_date(warehouse, people, declared, seconds=people.notify.run_seconds)
    console.out(clean.text(f"ended {ended.key}, open since {ended.since:%Y-%m-%d %H:%M} UTC: {ended.settled}"))
    console.out("where it fails again within a day it is the same incident, later a new one")
    for reason in told.undelivered:
        console.note(f"dq: not delivered to {reason}")
    return 4 if told.undelivered else 0


def deliver_command(arguments: argparse.Namespace) -> int:
    """Send what is due, or say what would be sent."""
    if not 1 <= arguments.seconds <= LONGEST:
        raise UsageError(f"--seconds {arguments.seconds}", expected=f"seconds from 1 to {LONGEST:,}")
    warehouse = open_warehouse(arguments, to_write=not arguments.dry_run, caught_up=True)
    root = registry.find_root()
    people = _people(warehouse)
    if not people.notify.targets:
        console.out("no targets in the settings (notify.targets), nothing to send")
        return 0
    declared = registry.load(root)
    if arguments.dry_run:
        return _dry_run(known_figures.read(warehouse, declared, datetime.now(UTC)), people)
    last_roster.keep(warehouse, root, declared)
    seconds = arguments.seconds
    told = alerting.bring_up_to_date(warehouse, people, declared, seconds=seconds, again=arguments.again, repeat=True)
    counts = f"{told.sent} sent, {len(told.waiting)} wait for their time, {len(told.undelivered)} undelivered"
    console.out(counts + (f", {told.again} given to Alertmanager again" if told.again else ""))
    for reason in told.undelivered:
        console.note(f"dq: not delivered to {reason}")
    return _damaged(told.damaged) or (4 if told.undelivered else 0)


def _dry_run(known: KnownFigures, people: House) -> int:
    now = known.at
    kept, planned = delivery.would_send(_with_what_is_not_kept(known, people), people)
    for message in [*kept, *planned]:
        when = "now" if message.not_before <= now else show(message.not_before, now, people.roster.zone)
        console.out(clean.text(f"{message.contact} ({message.kind})  {when}  {words.headline(message)}"))
    console.out(f"{len(kept) + len(planned)} messages; nothing was sent")
    lacking = senders.without_secrets(people.notify)
    for contact, reason in lacking.items():
        console.note(f"dq: {contact} ({people.notify.targets[contact].kind}) could not be sent to: {reason}")
    return 4 if lacking else 0


def _with_what_is_not_kept(known: KnownFigures, people: House) -> KnownFigures:
    """The same with what the next ``dq deliver`` finds: missing figures and late reports."""
    return known.observed([*missing_figures.observations(known, people), *missing_reports.observations(known, people)])
