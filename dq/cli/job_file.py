"""A pipeline's job file, executed in this process exactly as spark-submit would."""

from __future__ import annotations

import argparse
import runpy

from dq.base.errors import DqError
from dq.declare import registry
from dq.run.failures import sentence


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
