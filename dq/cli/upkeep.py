"""Commands over the warehouse: show, withdraw, gc and docs."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shlex import quote

from dq.base import periods
from dq.base.errors import UsageError
from dq.base.model import Outcome, RunRecord, Severity
from dq.cli import console
from dq.cli.job import PERIODS, docs_folder
from dq.cli.which_warehouse import add_warehouse, load_project, local_path, open_warehouse
from dq.declare import project as projects
from dq.declare import registry
from dq.run import report_delivery, run_records
from dq.run.withdrawn import to_withdraw, withdrawn
from dq.show import FORMATS, render
from dq.tell import expired

GC_DAYS, LONGEST_DAYS = 30, 36_500
KEYS_NAMED = 5


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the commands."""
    show = commands.add_parser(
        "show", help="show a run: its card, figures and failing keys; without RUN list the latest"
    )
    show.add_argument("run", nargs="?", help="a run id, or how it begins, such as the pipeline's name")
    show.add_argument("--check", help="show the failing keys of this check")
    show.add_argument("--sources", type=local_path, help="sources file (default: the one the run read by)")
    show.add_argument("--format", choices=FORMATS, default="text", help="how the run is printed (default: text)")
    add_warehouse(show)
    show.set_defaults(handler=show_command)

    withdraw = commands.add_parser("withdraw", help="take a published period back to the version before")
    withdraw.add_argument("pipeline", help="a pipeline of jobs/pipelines.yml")
    withdraw.add_argument("--period", required=True, help=f"{PERIODS}; a month takes back all its days")
    withdraw.add_argument("--reason", required=True, help="why; it is kept in the log")
    withdraw.add_argument("--by", default=None, help="who (default: the user running this)")
    withdraw.add_argument(
        "--version", type=int, help="the version meant; needed to go back further than a withdrawal already went"
    )
    add_warehouse(withdraw)
    withdraw.set_defaults(handler=withdraw_command)

    gc = commands.add_parser("gc", help="remove staged and orphaned files that no published version references")
    gc.add_argument(
        "--older-than", type=int, default=GC_DAYS, metavar="DAYS", help=f"days a held run is kept ({GC_DAYS})"
    )
    add_warehouse(gc)
    gc.set_defaults(handler=gc_command)

    docs = commands.add_parser("docs", help="rebuild the data docs from the records in the warehouse")
    docs.add_argument("--docs", type=local_path, help="data docs folder (default: jobs/settings.yml)")
    add_warehouse(docs)
    docs.set_defaults(handler=docs_command)


def show_command(arguments: argparse.Namespace) -> int:
    """Print one run, or list the latest."""
    warehouse = open_warehouse(arguments)
    if arguments.run is None:
        latest = run_records.everything(warehouse, limit=20)
        if not latest:
            raise UsageError(f"{warehouse.root} holds no runs", do="run a pipeline first, or name another --warehouse")
        commits = {record.pipeline: warehouse.table(record.pipeline).current() for record in latest}
        for record in latest:
            words = record.verdict.value.replace("_", " "), record.kind.value.replace("_", " ")
            taken_back = ", withdrawn" if withdrawn(commits[record.pipeline], record) else ""
            console.out(f"{record.run}  {record.period}  {words[0]} ({words[1]}){taken_back}")
        return 0
    record = run_records.get(warehouse, arguments.run)
    if arguments.check is None:
        taken_back = withdrawn(warehouse.table(record.pipeline).current(), record)
        if taken_back and arguments.format == "text":
            console.out(f"WITHDRAWN  {taken_back}")
        elif taken_back:
            console.note(f"dq: {taken_back}")
        console.out(render(record, format=arguments.format, width=console.width(), colour=console.colour()))
        if arguments.format == "text":
            console.out(f"  run       {record.run}, as of {record.as_of:%Y-%m-%dT%H:%M:%SZ}")
            from dq.run.inspection import figures

            console.out(figures(warehouse, registry.load(registry.find_root()), record))
            for line in report_delivery.told(warehouse, record):
                console.out(line)
            for line in _to_keys(record, arguments.warehouse):
                console.out(line)
        return 0
    from dq.run.inspection import failing_keys

    root = registry.find_root()
    used = arguments.sources or (root / record.sources if record.sources else None)
    project = projects.load(root, used, roster_needed=False)
    console.out(failing_keys(warehouse, project, record, arguments.check))
    return 0


def _to_keys(record: RunRecord, warehouse: Path | None) -> list[str]:
    """The commands that find the failing keys of what failed, the critical checks first."""
    failed = [r for r in record.results if r.outcome is Outcome.FAILED and r.severity is not Severity.INFO]
    failed.sort(key=lambda result: result.severity is not Severity.CRITICAL)
    named = f" --warehouse {quote(str(warehouse))}" if warehouse else ""
    return [f"  keys      dq show {record.run} --check {result.check}{named}" for result in failed[:KEYS_NAMED]]


def withdraw_command(arguments: argparse.Namespace) -> int:
    """Take a period back to the version before, with a reason."""
    root = registry.find_root()
    registered = registry.load(root)
    registered.pipeline(arguments.pipeline)
    if not arguments.reason.strip():
        raise UsageError("--reason is empty", expected="a sentence a reader of the log will understand")
    periods.days_of(arguments.period, where="--period")
    warehouse = open_warehouse(arguments, to_write=True)
    table = warehouse.table(arguments.pipeline)
    by = arguments.by or console.who()
    meant = to_withdraw(table, arguments.period, arguments.version)
    commit = table.withdraw(arguments.period, by=by, reason=arguments.reason, now=datetime.now(UTC), expected=meant)
    left = sorted(period for period in commit.entries if period.startswith(arguments.period))
    sees = f"what was published before (in version {commit.version})" if left else "nothing for it"
    console.out(f"withdrawn: {arguments.pipeline} {arguments.period}; readers now see {sees}")
    for name, item in registered.pipelines.items():
        month = arguments.period[:7]
        if arguments.pipeline in item.upstream and warehouse.table(name).entry(month):
            console.note(f"dq: {name} {month} was built from it and is still published; withdraw it or run it again")
    return 0


def gc_command(arguments: argparse.Namespace) -> int:
    """Remove what nothing references."""
    if not 1 <= arguments.older_than <= LONGEST_DAYS:
        raise UsageError(f"--older-than {arguments.older_than}", expected=f"days from 1 to {LONGEST_DAYS:,}")
    warehouse = open_warehouse(arguments, to_write=True)
    removed = warehouse.gc(datetime.now(UTC), timedelta(days=arguments.older_than))
    for one in removed:
        console.out(f"removed {one.path} ({one.bytes:,} bytes)")
    told = expired.collect(warehouse, datetime.now(UTC))
    if told:
        console.out(f"removed {told} messages and observations of incidents that are long over")
    console.out(f"removed {len(removed)} folders, {sum(one.bytes for one in removed):,} bytes")
    return 0


def docs_command(arguments: argparse.Namespace) -> int:
    """Rebuild the data docs site."""
    from dq.docs import build
    from dq.run import after_verdict

    project = load_project(arguments)
    site = arguments.docs or docs_folder(arguments.warehouse, project)
    warehouse = open_warehouse(arguments)
    kept = run_records.everything(warehouse)
    after_verdict.write_runbooks(project, site)
    problems = after_verdict.write_levels(project, warehouse, site)
    for bound in project.bound.values():
        build.publish_suite(site, bound.name, bound.all_checks)
    build.rebuild(site, kept)
    console.out(f"{len(kept)} runs in {site / 'index.html'}")
    for problem in problems:
        console.note(f"dq: {problem}")
    return 4 if problems else 0
