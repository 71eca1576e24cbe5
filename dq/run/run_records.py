"""Run records in the warehouse: one JSON document per run, found by pipeline and period."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from dq import store
from dq.base import serialize
from dq.base.errors import UsageError
from dq.base.model import RunRecord
from dq.base.runid import PATTERN as _ID
from dq.base.runid import new_id

__all__ = ["everything", "find", "get", "held", "latest", "names", "new_id", "overlaps", "save", "save_new"]

KIND = "runs"


def save(warehouse: store.Warehouse, record: RunRecord) -> None:
    """Keep a run's record."""
    warehouse.records.put(KIND, record.run, serialize.to_dict(record))


def save_new(warehouse: store.Warehouse, record: RunRecord) -> bool:
    """Keep a run's record unless one is kept; False where somebody else was first."""
    return warehouse.records.put_new(KIND, record.run, serialize.to_dict(record))


def find(warehouse: store.Warehouse, run: str) -> RunRecord | None:
    """The record of exactly this run; None where it was never kept or is torn."""
    document = warehouse.records.get(KIND, run)
    return serialize.from_dict(document) if document is not None else None


def get(warehouse: store.Warehouse, run: str) -> RunRecord:
    """The record of a run by its id, or the latest run whose id begins with the text given."""
    names = [name for name in warehouse.records.list(KIND) if name == run or name.startswith(run)]
    if not names:
        raise UsageError(f"there is no run {run!r}", do="dq show lists the latest runs")
    chosen = run if run in names else max(names, key=_started)
    document = warehouse.records.get(KIND, chosen)
    if document is None:
        raise UsageError(
            f"the record of {chosen} cannot be read", do="it was set aside as torn; run the pipeline again"
        )
    return serialize.from_dict(document)


def _started(name: str) -> str:
    match = _ID.match(name)
    return match["started"] if match else ""


def started_of(name: str) -> datetime:
    """When a run began, by its id; the beginning of time for anything else."""
    match = _ID.match(name)
    text = match["started"] if match else "00010101t000000000000z"
    return datetime.strptime(text, "%Y%m%dt%H%M%S%fz").replace(tzinfo=UTC)


def period_of(name: str) -> str:
    """The period in a run's id, empty for anything else."""
    match = _ID.match(name)
    return match["period"].upper() if match else ""


def pipeline_of(name: str) -> str:
    """The pipeline in a run's id, empty where it names none."""
    match = _ID.match(name)
    return match["pipeline"] if match else ""


def names(warehouse: store.Warehouse, pipeline: str | None = None) -> list[str]:
    """The ids of all runs, newest first, of one pipeline or of all."""
    prefix = f"{pipeline}-" if pipeline else ""
    found = [
        n for n in warehouse.records.list(KIND, prefix) if (m := _ID.match(n)) and pipeline in (None, m["pipeline"])
    ]
    return sorted(found, key=_started, reverse=True)


def overlaps(period: str, wanted: Iterable[str]) -> bool:
    """Whether a run's period shares a day with any of the wanted periods."""
    return any(period.startswith(other) or other.startswith(period) for other in wanted)


def held(
    ids: Iterable[str],
    run: Callable[[str], RunRecord | None],
    wanted: Iterable[str],
    known_by: datetime | None = None,
) -> RunRecord | None:
    """The newest held run among those that are, for some wanted period, the last word on it; None where none is held.

    ``ids`` are those of a pipeline, the newest first, and ``run`` is the record of one. A run that was held as of a
    later instant than ``known_by`` is passed over.

    A record that cannot be read holds nothing back by itself: the published entry it may concern is still audited.
    """
    open_periods = list(wanted)
    for name in ids:
        covered = [period for period in open_periods if overlaps(period_of(name), [period])]
        record = run(name) if covered else None
        if record is None:
            continue
        if not record.verdict.published:
            if known_by is not None and record.as_of > known_by:
                continue
            return record
        open_periods = [period for period in open_periods if period not in covered]
        if not open_periods:
            return None
    return None


def latest(warehouse: store.Warehouse, pipeline: str, wanted: Iterable[str]) -> RunRecord | None:
    """The newest run of a pipeline that touches the wanted periods and decided something about them."""
    asked = list(wanted)
    for name in names(warehouse, pipeline):
        match = _ID.match(name)
        if match and overlaps(match["period"].upper(), asked):
            document = warehouse.records.get(KIND, name)
            if document is not None:
                return serialize.from_dict(document)
    return None


def everything(warehouse: store.Warehouse, limit: int | None = None) -> list[RunRecord]:
    """The records of all runs, newest first; torn ones are left out."""
    found = []
    for name in names(warehouse)[:limit]:
        document = warehouse.records.get(KIND, name)
        if document is not None:
            found.append(serialize.from_dict(document))
    return found
