"""A run that died: the log it left, and what the next run finds when it looks back."""

from __future__ import annotations

from pathlib import Path

import event_logs as logs

from dq.base.thresholds import Thresholds
from dq.run import deaths
from dq.store import Warehouse

HEAP = logs.raised("java.lang.OutOfMemoryError", "Java heap space")


def dead(folder: Path, group: str = logs.RUN, *, in_progress: bool = False) -> Path:
    """The log of a run whose only task ran out of heap, and which stops there."""
    events = [*logs.start(), logs.job(0, [0], group=group), logs.stage(0, 1), logs.task(0, why=HEAP)]
    return logs.write(folder, events, in_progress=in_progress)


def look_back(warehouse: Warehouse) -> str:
    died = deaths.look_back(warehouse, "profit_unit", Thresholds())
    return died.sentence if died else ""
