"""``dq run``: execute the job a registry entry names, exactly as spark-submit would, or every registered one."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from functools import partial

from dq.base import periods
from dq.cli.batch import run_all
from dq.cli.job import Asked, add_run_arguments
from dq.cli.job_file import run_job
from dq.cli.which_warehouse import load_project, warehouse_to_fill
from dq.run import batch

ABOUT_ALL = """\
--all runs every registered pipeline that is computed for the period, each after its upstream ones, in one session and
as of one instant, and ends with a table. A month also runs the weeks and fortnights that end in it. It leaves out those
of which no day is over. It also leaves out those with days in an earlier month that are not published. What is built on
a held pipeline is held with its card; what is built on a refused one is not tried; the others go on. Formats other than
text are one document for all: json an array of the records. The exit code is the gravest: 2, then 3, 1, 4, 0."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "run",
        help="run one guarded pipeline for a period, or all of them",
        description="Run one guarded pipeline for a period, or with --all every registered one.",
        epilog=ABOUT_ALL,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("pipeline", nargs="?", help="a pipeline of jobs/pipelines.yml")
    which.add_argument("--all", action="store_true", help="every registered pipeline, in dependency order")
    add_run_arguments(parser)
    parser.set_defaults(handler=command)


def command(arguments: argparse.Namespace) -> int:
    """Run one pipeline, whose exit code is the command's, or all of them."""
    now = datetime.now(UTC)
    as_of = periods.parse_instant(arguments.as_of) if arguments.as_of else now
    batch.refuse_future(as_of, now)
    if not arguments.all:
        return run_job(arguments.pipeline, Asked.of(arguments))
    periods.window(arguments.period, as_of, None, ledger_absent=True)  # refuses a period without a complete day, once
    project = load_project(arguments)
    warehouse = warehouse_to_fill(arguments, project)
    anchor = project.roster.model.rotation.anchor
    steps = batch.all_of(project.registry, arguments.period, as_of, anchor, partial(batch.published, warehouse))
    code, _ = run_all(steps, arguments, held_runs=True)
    return code
