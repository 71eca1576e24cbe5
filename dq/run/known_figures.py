"""What is known when somebody may have to be told, and beside it what there is of figures: published, run, closed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache

from dq import store
from dq.base.errors import StoreError
from dq.base.model import RunRecord
from dq.declare.registry import Registry
from dq.month.close_report import Closing
from dq.month.known_facts import closes, prevalidations
from dq.month.prevalidation import Prevalidation
from dq.run import run_records
from dq.tell import known
from dq.tell.known import Snapshot

LOOKED_BACK = timedelta(days=31)
"""Reports due longer ago are not looked for any more."""


@dataclass(frozen=True, kw_only=True)
class KnownFigures(Snapshot):
    """What is known, and what readers see of every pipeline, what was run, pre-validated and closed.

    ``current`` is the commit that readers see; a pipeline whose log is damaged is in ``damaged``, with what to do.
    ``recent`` are the latest commits of the pipelines that publish a document, ``runs`` the ids of all runs by
    pipeline, the newest first. Few of many runs and old commits are asked for: ``run`` and ``commit`` read one when it
    is, once, for what they say never changes.
    """

    declared: Registry
    current: Mapping[str, store.Commit | None] = field(default_factory=dict)
    damaged: Mapping[str, StoreError] = field(default_factory=dict)
    recent: Mapping[str, Sequence[store.Commit]] = field(default_factory=dict)
    runs: Mapping[str, Sequence[str]] = field(default_factory=dict)
    answers: Sequence[Prevalidation] = ()
    closes: Sequence[Closing] = ()
    run: Callable[[str], RunRecord | None]
    commit: Callable[[str, int], store.Commit]


def _read_whole(commit: store.Commit | None) -> None:
    """Read every entry of a version now: one whose file is damaged is told of its pipeline, and keeps none waiting."""
    for _ in commit.entries.values() if commit else ():
        pass


def read(warehouse: store.Warehouse, declared: Registry, at: datetime) -> KnownFigures:
    """What the warehouse says at an instant, each kind of record listed once."""
    current: dict[str, store.Commit | None] = {}
    recent: dict[str, Sequence[store.Commit]] = {}
    damaged: dict[str, StoreError] = {}
    for name, item in declared.pipelines.items():
        try:
            commit = warehouse.table(name).current()
            _read_whole(commit)
            current[name] = commit
            recent[name] = warehouse.table(name).log(at - LOOKED_BACK) if item.document else ()
        except StoreError as error:
            damaged[name] = error
    runs = defaultdict[str, list[str]](list)
    for run in run_records.names(warehouse):
        runs[run_records.pipeline_of(run)].append(run)

    return KnownFigures(
        **vars(known.read(warehouse, at)),
        declared=declared,
        current=current,
        damaged=damaged,
        recent=recent,
        runs=runs,
        answers=prevalidations(warehouse),
        closes=closes(warehouse, f"{at - 3 * LOOKED_BACK:%Y-%m}"),
        run=cache(lambda run: run_records.find(warehouse, run)),
        commit=cache(lambda pipeline, version: warehouse.table(pipeline).commit_at(version)),
    )
