"""Commands about people and dates: ``dq oncall`` and ``dq calendar``. They need no JVM."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dq.base.errors import UsageError
from dq.cli import console
from dq.cli.which_warehouse import local_path

if TYPE_CHECKING:
    from dq.declare.registry import Registry
    from dq.people import Roster
    from dq.runbooks.frontmatter import FrontMatter
    from dq.runbooks.on_call import Contact, Duty

ON_CALL_PAGE = Path("runbooks", "on-call.md")


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the commands."""
    oncall = commands.add_parser("oncall", help="who is on call, who else hears, and whether they are called now")
    oncall.add_argument("--pipeline", help="a pipeline of jobs/pipelines.yml (default: a table of all)")
    oncall.add_argument("--at", help="instant, ISO 8601, UTC without an offset (default: now)")
    oncall.add_argument(
        "--severity", choices=("critical", "warning", "info"), default="critical", help="of the failure to be told"
    )
    oncall.add_argument("--format", choices=("text", "json"), default="text")
    oncall.add_argument("--table", action="store_true", help=f"write the rotation and its fairness to {ON_CALL_PAGE}")
    oncall.add_argument("--ical", type=local_path, metavar="FILE", help="write shifts and meetings as a calendar file")
    oncall.add_argument("--year", type=int, help="of --table and --ical (default: that of --at)")
    oncall.add_argument("--from", dest="first", metavar="DAY", help="first day of --table and --ical, with --to")
    oncall.add_argument("--to", dest="last", metavar="DAY", help="last day of --table and --ical")
    oncall.set_defaults(handler=oncall_command)
    calendar = commands.add_parser("calendar", help="the deadlines, handovers, reviews and holidays of a month")
    calendar.add_argument("--month", help="such as 2026-11 (default: the month of now)")
    calendar.add_argument("--pipeline", help="a pipeline of jobs/pipelines.yml (default: all)")
    calendar.add_argument("--format", choices=("text", "json"), default="text")
    calendar.set_defaults(handler=calendar_command)


def oncall_command(arguments: argparse.Namespace) -> int:
    """Answer who is on call, or write the table or calendar of a span of days."""
    from dq.base.model import Severity
    from dq.base.periods import parse_instant
    from dq.people import load_roster
    from dq.runbooks.on_call import duty
    from dq.tell import last_roster

    declared, roster, remark, fronts = _read(arguments.pipeline)
    at = parse_instant(arguments.at, "--at") if arguments.at else datetime.now(UTC)
    if arguments.table or arguments.ical:
        if remark:  # what is committed or sent out has to be what the file says
            load_roster(declared.root / last_roster.FILE, shown=str(last_roster.FILE))
        return _write(arguments, declared, roster, fronts, at)
    if arguments.year is not None or arguments.first or arguments.last:
        raise UsageError("--year, --from and --to belong to --table or --ical", do="give --at for an instant")
    severity = Severity(arguments.severity)
    found = [duty(front, roster, name, at, severity=severity) for name, front in fronts.items()]
    if arguments.format == "json":
        console.out(json.dumps([_as_dict(one) | {"roster": remark or None} for one in found], indent=2))
        return 0
    if arguments.pipeline:
        console.out("\n".join(_lines(found[0])))
    else:
        console.out("\n".join([_title(found[0]), *_table(found)]))
    if remark:
        console.out(remark)
    return 0


def _read(pipeline: str | None) -> tuple[Registry, Roster, str, dict[str, FrontMatter]]:
    """The registry, the roster, and the heads of the pages that one pipeline or all of them stand on.

    Beside the roster a sentence, where it is the one of before that serves for one with mistakes.
    """
    from dq import store
    from dq.declare import registry, settings
    from dq.runbooks.frontmatter import read_head, read_text
    from dq.tell import last_roster

    root = registry.find_root()
    declared = registry.load(root)
    names = [pipeline] if pipeline else [*declared.pipelines]
    pages = {name: Path("runbooks", declared.pipeline(name).runbook, "README.md") for name in names}
    serving = last_roster.serving(root, declared, lambda: store.Warehouse(root / settings.load(root).warehouse))
    if serving.remark:
        console.note(f"dq: {serving.remark}")
    heads = {page: read_head(read_text(root / page, str(page)), str(page))[0] for page in {*pages.values()}}
    return declared, serving.roster, serving.remark, {name: heads[page] for name, page in pages.items()}


def _title(one: Duty) -> str:
    local = one.at.astimezone(one.on_call.until.tzinfo)
    return f"{local:%a %-d %b %Y %H:%M} {one.on_call.until.tzinfo}"


def _lines(one: Duty) -> list[str]:
    """One pipeline's answer as people read it."""
    from dq.people.levels import show

    zone = one.on_call.until.tzinfo

    def until(instant: datetime) -> str:
        return show(instant, one.at, zone)  # type: ignore[arg-type]  # the roster's zone is a ZoneInfo

    person, backup = one.on_call.person, one.on_call.backup
    when = "page now" if one.call.now else f"wait until {until(one.call.at)}, {one.call.why.partition(': ')[0]}"
    why = one.call.why if one.call.now else one.call.why.partition(": ")[2]
    rows = [
        ("on call", f"{person.name} ({person.contact}) until {until(one.on_call.until)}"),
        ("backup", f"{backup.name} ({backup.contact})"),
        ("why", one.why),
        ("call", f"{when}: {why}"),
        ("copied", "; ".join(map(_reached, one.copied)) or "nobody watches then"),
        ("owner", _reached(one.owner)),
        ("informed", f"{_reached(one.engineer)}, the engineer; their backup {_reached(one.engineer_backup)}"),
    ]
    rows += [
        ("still red", f"{rung.when}: {_reached(rung.who)}" + (f" ({', '.join(rung.classes)})" if rung.classes else ""))
        for rung in one.ladder
    ]
    return [f"{one.pipeline}  {_title(one)}", *(f"  {line}" for line in console.aligned(rows))]


def _table(found: Sequence[Duty]) -> list[str]:
    """All pipelines, one line each."""
    rows = [("pipeline", "on call", "backup", "until", "call", "copied")]
    for one in found:
        zone = one.on_call.until.tzinfo
        when = "now" if one.call.now else f"{one.call.at.astimezone(zone):%a %-d %b %H:%M}"
        teams = ", ".join(team.name for team in one.copied)
        until = f"{one.on_call.until:%a %-d %b %H:%M}"
        rows.append((one.pipeline, one.on_call.person.name, one.on_call.backup.name, until, when, teams))
    return console.aligned(rows)


def _reached(who: Contact) -> str:
    return f"{who.name} ({who.contact})" if who.contact else who.name


def _as_dict(one: Duty) -> dict[str, object]:
    def named(who: Contact) -> dict[str, str]:
        return {"name": who.name, "contact": who.contact}

    person, backup = one.on_call.person, one.on_call.backup
    return {
        "pipeline": one.pipeline,
        "at": one.at.isoformat(),
        "on_call": {"name": person.name, "contact": person.contact},
        "backup": {"name": backup.name, "contact": backup.contact},
        "until": one.on_call.until.isoformat(),
        "why": one.why,
        "call": {"now": one.call.now, "at": one.call.at.isoformat(), "why": one.call.why},
        "copied": [named(team) for team in one.copied],
        "owner": named(one.owner),
        "engineer": named(one.engineer),
        "engineer_backup": named(one.engineer_backup),
        "escalation": [{**named(rung.who), "when": rung.when, "classes": [*rung.classes]} for rung in one.ladder],
    }


def _span(arguments: argparse.Namespace, at: datetime) -> tuple[date, date]:
    """The days of --table and --ical."""
    if (arguments.first is None) != (arguments.last is None) or (arguments.first and arguments.year is not None):
        raise UsageError("the span is not clear", expected="--year, or --from and --to together")
    if not arguments.first:
        year = at.year if arguments.year is None else arguments.year
        _refuse_far(year, "--year")
        return date(year, 1, 1), date(year, 12, 31)
    try:
        first, last = date.fromisoformat(arguments.first), date.fromisoformat(arguments.last)
    except ValueError:
        raise UsageError("no such day", where="--from, --to", expected="days such as 2026-11-01") from None
    _refuse_far(first.year, "--from")
    _refuse_far(last.year, "--to")
    if last < first:
        raise UsageError(f"{last} lies before {first}", where="--to", expected="a day not before --from")
    return first, last


def _refuse_far(year: int, where: str) -> None:
    """A UsageError for a year so far off that its weeks and holidays lie beyond what a date can say."""
    from dq.base.periods import YEARS

    if year not in YEARS:
        raise UsageError(f"{year} is not a year that can be planned", where=where, expected="1970 to 9000")


def _write(
    arguments: argparse.Namespace, declared: Registry, roster: Roster, fronts: dict[str, FrontMatter], at: datetime
) -> int:
    from dq.runbooks.blocks import write_atomically
    from dq.runbooks.rotation import rotation_page

    first, last = _span(arguments, at)
    if arguments.table:
        if arguments.pipeline:
            raise UsageError("the table is of all pipelines", where="--pipeline", do="leave it out")
        path = declared.root / ON_CALL_PAGE
        write_atomically(path, rotation_page(roster, fronts, first, last))
        console.note(f"wrote {ON_CALL_PAGE}, {first} to {last}")
    if arguments.ical:
        from dq.runbooks.ical import calendar_file

        write_atomically(arguments.ical, calendar_file(roster, fronts, first, last))
        console.note(f"wrote {arguments.ical}, {first} to {last}")
    return 0


def calendar_command(arguments: argparse.Namespace) -> int:
    """Print what falls into a month."""
    from dq.base.periods import days_of, month_of
    from dq.runbooks.agenda import HEADER, agenda

    declared, roster, remark, fronts = _read(arguments.pipeline)
    now = datetime.now(UTC)
    month = arguments.month or f"{now.astimezone(roster.zone):%Y-%m}"
    first, last = days_of(month_of(month, "--month"))
    grains = {name: declared.pipelines[name].grain for name in fronts}
    entries = agenda(roster, fronts, grains, first, last)
    if arguments.format == "json":
        documents = [entry.as_dict(roster.zone) | {"roster": remark or None} for entry in entries]
        console.out(json.dumps(documents, indent=2))
        return 0
    daily = [entry for entry in entries if entry.daily]
    shown = [entry for entry in entries if not entry.daily]
    lines = [f"{first:%B %Y}, wall time of {roster.zone}; a day without a time counts until its end", ""]
    lines += console.aligned([HEADER, *(entry.row(roster.zone) for entry in shown)])
    every: dict[tuple[str, ...], list[str]] = {}
    for entry in daily:
        clocks = every.setdefault((entry.clock(UTC), entry.what, ", ".join(entry.pipelines), entry.owner), [])
        clocks += [clock for clock in [entry.clock(roster.zone)] if clock not in clocks]
    if every:
        rows = [(f"{utc} UTC", " or ".join(clocks), *rest) for (utc, *rest), clocks in sorted(every.items())]
        lines += ["", "every day", *console.aligned(rows)]
    lines += ["", "Levels counted from a failure stand on its card; what is open for a review: dq status --reviews."]
    lines += [remark] if remark else []
    console.out("\n".join(lines))
    return 0
