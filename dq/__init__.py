"""Data quality for investor figures: Spark jobs whose checks are part of the run.

Importing this package starts no JVM, opens no file and imports neither Spark nor Great Expectations.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from dq.base.errors import DqError
from dq.base.model import Verdict, Window

if TYPE_CHECKING:
    from dq.checking import check
    from dq.cli.job import pipeline_run
    from dq.published import read_published
    from dq.spark.figures import at_every_level, licence_states, money, ratio, valid_on, with_previous
    from dq.spark.spark_versions import try_cast
    from dq.validation import validate

__all__ = [
    "DqError",
    "Verdict",
    "Window",
    "at_every_level",
    "check",
    "licence_states",
    "money",
    "pipeline_run",
    "ratio",
    "read_published",
    "try_cast",
    "valid_on",
    "validate",
    "with_previous",
]

_LAZY = {
    "at_every_level": "dq.spark.figures",
    "check": "dq.checking",
    "licence_states": "dq.spark.figures",
    "money": "dq.spark.figures",
    "pipeline_run": "dq.cli.job",
    "ratio": "dq.spark.figures",
    "read_published": "dq.published",
    "try_cast": "dq.spark.spark_versions",
    "valid_on": "dq.spark.figures",
    "validate": "dq.validation",
    "with_previous": "dq.spark.figures",
}


def __getattr__(name: str) -> object:
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'dq' has no attribute {name!r}")
