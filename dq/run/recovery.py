"""What runs that died after their commit left to be done: their record is kept, and their incidents are opened.

The record goes into the seal of a run's files before they are published, so whoever opens the warehouse to write next
finds there what was judged. A run is done with once its record and its observation are kept.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from dq import store
from dq.base import serialize
from dq.base.errors import DqError
from dq.base.model import Json, RunRecord
from dq.run import run_records
from dq.tell import incidents

log = logging.getLogger("dq.run")

RECORD = "record"
"""The key of the record in what a run is sealed with."""
RECENT = timedelta(days=7)
"""Of runs that began longer ago only the record is missed: what they observed may have been removed as long over."""


def sealed(record: RunRecord) -> dict[str, Json]:
    """What a run's audit holds of its record before anything is published."""
    return {RECORD: serialize.to_dict(record)}


def catch_up(warehouse: store.Warehouse, pipelines: Collection[str]) -> list[RunRecord]:
    """Keep what runs published, and did not live to record or to note as incidents; returns the records kept anew."""
    found = []
    for name in pipelines:
        try:
            found += _of(warehouse, name)
        except DqError as failure:  # a damaged log: told by whoever reads it
            log.warning("what runs of %s left undone could not be looked for: %s", name, failure)
    return found


def _of(warehouse: store.Warehouse, pipeline: str) -> list[RunRecord]:
    table = warehouse.table(pipeline)
    commit = table.current()
    published = {entry.run: entry.version for entry in commit.entries.values()} if commit else {}
    if not published:
        return []
    kept = set(warehouse.records.list(run_records.KIND, f"{pipeline}-"))
    observed = set(warehouse.records.list(incidents.KIND, f"{pipeline}-"))
    found = []
    for run, version in published.items():
        try:
            restored = _of_run(warehouse, table, run, version, kept=run in kept, observed=run in observed)
        except DqError as failure:  # one that cannot be read keeps nobody from the others
            log.warning("what %s left undone could not be looked for: %s", run, failure)
            continue
        if restored is not None:
            found.append(restored)
    return found


def _of_run(
    warehouse: store.Warehouse, table: store.Table, run: str, version: int, *, kept: bool, observed: bool
) -> RunRecord | None:
    """Catch up with one published run; its record where that is kept anew.

    What the run itself keeps meanwhile is fuller than its seal and is never replaced.
    """
    recent = datetime.now(UTC) - run_records.started_of(run) < RECENT
    record = run_records.find(warehouse, run) if recent and kept else None
    if not kept or (record is not None and not record.verdict.published):
        restored = _from_seal(table, run, version)
        if restored is not None:
            if kept:
                run_records.save(warehouse, restored)
            elif not run_records.save_new(warehouse, restored):
                return None
            incidents.note(warehouse, restored)
            return restored
    if record is not None and not observed:
        incidents.note(warehouse, record)
    return None


def _from_seal(table: store.Table, run: str, version: int) -> RunRecord | None:
    manifest = table.sealed(run)
    document = manifest.audit.get(RECORD) if manifest else None
    return replace(serialize.from_dict(document), version=version) if document is not None else None
