"""What runs that died after their commit left to be done: their record is kept, and their incidents are opened.

The record goes into the seal of a run's files before they are published, so whoever opens the warehouse to write next
finds there what was judged. A run is done with once its record and its observation are kept.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from dq import serialize, store
from dq.errors import DqError
from dq.model import Json, RunRecord
from dq.notify import incidents
from dq.run import records

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
        except DqError as failure:  # a later release's record, a damaged log: told by whoever reads it
            log.warning("what runs of %s left undone could not be looked for: %s", name, failure)
    return found


def _of(warehouse: store.Warehouse, pipeline: str) -> list[RunRecord]:
    table = warehouse.table(pipeline)
    commit = table.current()
    published = {entry.run: entry.version for entry in commit.entries.values()} if commit else {}
    if not published:
        return []
    kept = set(warehouse.records.list(records.KIND, f"{pipeline}-"))
    observed = set(warehouse.records.list(incidents.KIND, f"{pipeline}-"))
    found = []
    for run, version in published.items():
        recent = datetime.now(UTC) - records.started_of(run) < RECENT
        record = records.find(warehouse, run) if recent and run in kept else None
        lost = run not in kept or (record is not None and not record.verdict.published)
        if lost and (restored := _from_seal(table, run, version)) is not None:
            records.save(warehouse, restored)
            incidents.note(warehouse, restored)
            found.append(restored)
        elif recent and record is not None and run not in observed:
            incidents.note(warehouse, record)
    return found


def _from_seal(table: store.Table, run: str, version: int) -> RunRecord | None:
    manifest = table.sealed(run)
    document = manifest.audit.get(RECORD) if manifest else None
    return replace(serialize.from_dict(document), version=version) if document is not None else None
