"""The partitions of a queue: what checks of its offsets and of its consumer share."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

from dq.base.errors import EvaluationError
from dq.checks.custom_check import Request

if TYPE_CHECKING:
    from pyspark.sql import Row

# No topic has more partitions than this: the columns then name something else.
MAX_PARTITIONS = 10_000
HOUR = 3_600_000_000
"""Microseconds."""


def bounded(rows: Sequence[Row], request: Request) -> Sequence[Row]:
    """The partitions, or an EvaluationError where there are more of them than a topic has."""
    if len(rows) > MAX_PARTITIONS:
        raise EvaluationError(
            f"{', '.join(request.texts('columns'))} name more than {MAX_PARTITIONS:,} partitions",
            where=request.dataset.name,
            expected="columns such as topic and partition",
        )
    return rows


def begin_of(day: date) -> int:
    """The first instant of a UTC day, in microseconds since 1970."""
    return int(datetime.combine(day, time(), UTC).timestamp()) * 1_000_000
