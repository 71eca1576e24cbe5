"""A pipeline's job file, executed in this process exactly as spark-submit would."""

from __future__ import annotations

import runpy
from collections.abc import Sequence

from dq.base.errors import DqError
from dq.cli.job import Asked
from dq.declare import registry
from dq.run.failures import sentence


def run_job(pipeline: str, asked: Asked | Sequence[str]) -> int:
    """Execute a pipeline's job file in this process: what its ``main`` is given is a value, or a command line."""
    root = registry.find_root()
    entry = registry.load(root).pipeline(pipeline)
    path = root / "jobs" / entry.job
    try:
        main = runpy.run_path(str(path)).get("main")
    except Exception as failure:  # whatever stands in a job file: it is this pipeline's failure alone
        raise DqError(f"the job cannot be loaded: {sentence(failure)}", where=str(path)) from failure
    if not callable(main):
        raise DqError("the job has no main(argv)", where=str(path), do="docs/pipeline.md says how to add a pipeline")
    return int(main(asked))
