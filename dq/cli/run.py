"""``dq run``: execute the job a registry entry names, exactly as spark-submit would, or every registered one."""

from __future__ import annotations

import argparse
import runpy
from datetime import UTC, datetime
from functools import partial

from dq import periods, registry
from dq.cli.job import add_run_arguments
from dq.cli.warehouse import load_project, warehouse_to_fill
from dq.errors import DqError
from dq.run import batch
from dq.run.reasons import sentence

ABOUT_ALL = """\
--all runs every registered pipeline that is computed for the period, each after its upstream ones, in one session and
as of one instant, and ends with a table. A month also runs the weeks and fortnights that end in it, as far as they have
a day that is over and their first days are published or in that month. What is built on a held pipeline is held with
its card; what is built on a refused one is not tried; the others go on. Formats other than text are one document for
all: json an array of the records. The exit code is the gravest: 2, then 3, 1, 4, 0."""


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
        given = ["--as-of", arguments.as_of] if arguments.as_of else []
        argv = ["--period", arguments.period, *given, "--format", arguments.format, *run_options(arguments)]
        return run_job(arguments.pipeline, argv)
    from dq.cli.backfill import published
    from dq.cli.batch import run_all

    periods.window(arguments.period, as_of, None, ledger_absent=True)  # refuses a period without a complete day, once
    project = load_project(arguments)
    warehouse = warehouse_to_fill(arguments, project)
    anchor = project.roster.model.rotation.anchor
    steps = batch.all_of(project.registry, arguments.period, as_of, anchor, partial(published, warehouse))
    code, _ = run_all(steps, arguments, held_runs=True)
    return code


def run_options(arguments: argparse.Namespace) -> list[str]:
    """The arguments of a run that say where it reads and writes, as a job takes them."""
    argv = []
    for option in ("warehouse", "sources", "docs"):
        value = getattr(arguments, option)
        if value is not None:
            argv += [f"--{option}", str(value)]
    return [*argv, "--no-docs"] if arguments.no_docs else argv


def run_job(pipeline: str, argv: list[str]) -> int:
    """Execute a pipeline's job file in this process with the given arguments."""
    root = registry.find_root()
    entry = registry.load(root).pipeline(pipeline)
    path = root / "jobs" / entry.job
    try:
        main = runpy.run_path(str(path)).get("main")
    except Exception as failure:  # whatever stands in a job file: it is this pipeline's failure alone
        raise DqError(f"the job cannot be loaded: {sentence(failure)}", where=str(path)) from failure
    if not callable(main):
        raise DqError("the job has no main(argv)", where=str(path), do="docs/pipeline.md says how to add a pipeline")
    return int(main(argv))
