"""From when on a measure of a Spark run is worth a word, with the field's values as defaults."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from dq.base.strict import Strict

MEBIBYTE = 1 << 20
ORDERED = (
    ("gc_share", "gc_share_alarm"),
    ("heap_share_least", "heap_share"),
    ("suspicious_factor", "skew_factor"),
    ("small_file_bytes", "target_bytes"),
    ("target_bytes", "partition_bytes"),
)
"""The thresholds of which the first may not exceed the second."""
Share = Annotated[float, Field(gt=0, le=1)]


class Thresholds(Strict):
    """The ``runtime`` part of ``jobs/settings.yml``.

    Skew is Spark's own rule for splitting a partition; spill, garbage collection and heap are the rules of Dr. Elephant
    and DataFlint. What has an alarm is information below it and a warning from it on. ``minimum_task_seconds`` keeps
    short stages quiet, whose times are those of starting up. A run is slow that takes ``slow_factor`` times the median
    of the last twelve periods, at least ``slow_history``, and ``slow_seconds``.
    """

    skew_factor: Annotated[float, Field(gt=1)] = 5.0
    skew_bytes: Annotated[int, Field(gt=0)] = 256 * MEBIBYTE
    skew_seconds: Annotated[float, Field(gt=0)] = 60.0
    suspicious_factor: Annotated[float, Field(gt=1)] = 1.5
    spill_bytes: Annotated[int, Field(gt=0)] = MEBIBYTE
    spill_share_alarm: Share = 0.05
    spill_executors_alarm: Share = 0.2
    gc_share: Share = 0.10
    gc_share_alarm: Share = 0.20
    heap_share: Share = 0.95
    heap_share_least: Share = 0.7
    partition_bytes: Annotated[int, Field(gt=0)] = 5 * 1024 * MEBIBYTE
    broadcast_bytes: Annotated[int, Field(gt=0)] = 1024 * MEBIBYTE
    target_bytes: Annotated[int, Field(ge=MEBIBYTE)] = 128 * MEBIBYTE
    tiny_tasks: Annotated[int, Field(gt=0)] = 5000
    tiny_task_seconds: Annotated[float, Field(gt=0)] = 0.5
    minimum_task_seconds: Annotated[float, Field(ge=0)] = 60.0
    small_files: Annotated[int, Field(gt=1)] = 100
    small_file_bytes: Annotated[int, Field(gt=0)] = 3 * MEBIBYTE
    build_share: Share = 0.2
    partition_share: Share = 1.0
    slow_factor: Annotated[float, Field(gt=1)] = 2.0
    slow_history: Annotated[int, Field(ge=1)] = 3
    slow_seconds: Annotated[float, Field(ge=0)] = 60.0

    @model_validator(mode="after")
    def _in_order(self) -> Thresholds:
        """Refuse an alarm below its warning, and bounds between which nothing lies."""
        for lower, upper in ORDERED:
            if getattr(self, lower) > getattr(self, upper):
                raise ValueError(f"{lower} ({getattr(self, lower)}) has to be at most {upper} ({getattr(self, upper)})")
        return self
