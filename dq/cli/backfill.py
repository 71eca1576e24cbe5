"""``dq backfill``: rebuild a pipeline's months in order, and what is built on them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime

from dq.base import periods
from dq.base.errors import UsageError
from dq.cli import console
from dq.cli.batch import run_all
from dq.cli.job import add_output_arguments
from dq.cli.which_warehouse import load_project, warehouse_to_fill
from dq.run import alerting, batch, inputs
from dq.run.batch import Shown, Step

ABOUT = """\
Months are rebuilt in order of time, within each the pipeline first and then what is built on it. What is unchanged
is a no-op, so the same command again goes on where it was stopped, however it was stopped. Where a run is held or
could not be evaluated, what is built on it and the later months compared with it are not tried.

Without --as-of each run is as of the scheduled final run of its month, or of the start of today (UTC) where that run is
still ahead. Figures that are published already, its own or others it needs, may be as of a later instant: then it is as
of that one. So inputs that were fixed are read anew at the same knowledge cut. Rows recorded after that instant are
read only with a later --as-of, which then holds for every run. A published week or fortnight that runs on into the
month after --to is rebuilt, too. A restated month makes the months compared with it due again: give a --to that takes
them in. Finals that are still built on what was published before are named at the end. What was found is told once, at
the end. The exit code is the gravest: 2, then 3 (also: not tried), 1, 4, 0."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "backfill",
        help="rebuild a pipeline's months in order, and what is built on them",
        description="Rebuild the months of a pipeline in order, and those of the pipelines built on it.",
        epilog=ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("pipeline", help="a pipeline of jobs/pipelines.yml")
    parser.add_argument("--from", dest="first", required=True, metavar="MONTH", help="the first month, such as 2026-08")
    parser.add_argument("--to", dest="last", required=True, metavar="MONTH", help="the last month, such as 2026-10")
    parser.add_argument("--as-of", help="one clock and knowledge cut for every run, ISO 8601 UTC (default: see below)")
    parser.add_argument("--no-downstream", action="store_true", help="rebuild this pipeline alone")
    parser.add_argument("--dry-run", action="store_true", help="print which runs it would be, and run nothing")
    add_output_arguments(parser)
    parser.set_defaults(handler=command)


def command(arguments: argparse.Namespace) -> int:
    """Rebuild the months, or print the plan."""
    now = datetime.now(UTC)
    as_of = periods.parse_instant(arguments.as_of) if arguments.as_of else None
    if as_of:
        batch.refuse_future(as_of, now)
    first, last = periods.month_of(arguments.first, "--from"), periods.month_of(arguments.last, "--to")
    if last < first:
        raise UsageError(f"--to {last} lies before --from {first}", expected="months in order of time")
    periods.window(last, as_of or now, None, ledger_absent=True, where="--to")  # refuses a month without a complete day
    project = load_project(arguments)
    project.pipeline(arguments.pipeline)
    below = [] if arguments.no_downstream else batch.downstream(project.registry, arguments.pipeline)
    warehouse = warehouse_to_fill(arguments, project)

    def shown(pipeline: str, month: str) -> Shown | None:
        return batch.published(warehouse, pipeline, month)

    months = periods.months_between(first, last)
    lacking = batch.without_inputs(project.registry, arguments.pipeline, below, months, shown)
    for name, table in lacking.items():
        console.note(f"dq: {name} is left out: {table} has published nothing of {' to '.join({first: 0, last: 0})}")
    steps = batch.rebuild(
        project.registry,
        project.roster.calendar,
        [arguments.pipeline, *(name for name in below if name not in lacking)],
        first=first,
        last=last,
        now=now,
        anchor=project.roster.model.rotation.anchor,
        shown=shown,
        as_of=as_of,
    )
    if arguments.dry_run:
        console.out(plan_table(steps))
        return 0
    # Months that are rebuilt together are told together, at the end.
    code, session = run_all(steps, arguments, held_runs=False, telling=alerting.Telling.TOGETHER)
    problems = [] if session.stopped else alerting.tell_of(project, warehouse, [])
    for problem in problems:
        console.note(f"dq: {problem}")
    if problems and code == 0:
        code = 4
    for pipeline, period in batch.due_again(project.registry, [*session.ended.values()], shown):
        month = f"{periods.days_of(period, project.registry.pipelines[pipeline].grain)[1]:%Y-%m}"
        console.note(f"dq: {pipeline} {period} compares with a period published anew; go on with --to {month}")
    if any(one.word.startswith("published") for one in session.ended.values()):
        for name in batch.downstream(project.registry, arguments.pipeline):
            commit = warehouse.table(name).current()
            for told in inputs.stale(warehouse, project.registry, name, commit.entries.values() if commit else ()):
                console.note(f"dq: {told}")
    return code


def plan_table(steps: Sequence[Step]) -> str:
    """The runs in order: pipeline, month, the instant it is as of and why, and what readers see now."""
    head = ("pipeline", "period", "as of", "", "readers see now")
    rows = [head, *(_row(step) for step in steps)]
    return "\n".join(console.aligned(rows))


def _row(step: Step) -> tuple[str, ...]:
    seen = "nothing"
    if step.shown:
        instant = f" as of {step.shown.as_of:%Y-%m-%dT%H:%M:%SZ}" if step.shown.as_of else ""
        seen = f"version {step.shown.version}, {step.shown.kind.replace('_', ' ')}{instant}"
    return step.pipeline, step.period, f"{step.as_of:%Y-%m-%dT%H:%M:%SZ}", step.why, seen
