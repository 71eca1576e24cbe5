"""``dq run``: execute the job a registry entry names, exactly as spark-submit would."""

from __future__ import annotations

import argparse
import runpy

from dq import registry
from dq.cli.job import add_run_arguments
from dq.errors import DqError


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser("run", help="run one guarded pipeline for a period")
    parser.add_argument("pipeline", help="a pipeline of jobs/pipelines.yml")
    add_run_arguments(parser)
    parser.set_defaults(handler=command)


def command(arguments: argparse.Namespace) -> int:
    """Run one pipeline; its exit code is the command's."""
    argv = ["--period", arguments.period, "--format", arguments.format]
    for option in ("as_of", "warehouse", "sources", "docs"):
        value = getattr(arguments, option)
        if value is not None:
            argv += [f"--{option.replace('_', '-')}", str(value)]
    if arguments.no_docs:
        argv.append("--no-docs")
    return run_job(arguments.pipeline, argv)


def run_job(pipeline: str, argv: list[str]) -> int:
    """Execute a pipeline's job file in this process with the given arguments."""
    root = registry.find_root()
    entry = registry.load(root).pipeline(pipeline)
    path = root / "jobs" / entry.job
    main = runpy.run_path(str(path)).get("main")
    if not callable(main):
        raise DqError("the job has no main(argv)", where=str(path), do="see CONTRIBUTING: how to add a pipeline")
    return int(main(argv))
