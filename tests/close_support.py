"""A month to close: its warehouse, what is published of it, and the close."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import store_support
from notify_support import at, declared, house, seen

from dq.base import periods
from dq.base.model import Kind, Verdict
from dq.base.periods import Grain
from dq.month.close_report import Closing
from dq.run import closing
from dq.store import PeriodInfo, Warehouse

MONTH = "2026-10"  # final by Wednesday 4 November, the third business day
IN_TIME, TOO_LATE = "2026-11-04 12:00", "2026-11-05 12:00"
NOW = "2026-11-06 12:00"
REGISTRY, ROSTER = declared()
PIPELINES = REGISTRY.read_by_investors()


def publish(
    warehouse: Warehouse, names: Sequence[str] = PIPELINES, when: str = IN_TIME, kind: Kind = Kind.FINAL, **more: Any
) -> None:
    """Publish what the month asks of these pipelines, as of an instant and committed then.

    Into an empty warehouse the same is published only once: what is there is linked, as nothing of it changes in place.
    """
    if more or warehouse.tables():
        make(warehouse, names, when, kind, **more)
        return
    made = template(tuple(names), when, kind)
    shutil.copytree(made, warehouse.root, copy_function=os.link, symlinks=True, dirs_exist_ok=True)


@cache
def template(names: tuple[str, ...], when: str, kind: Kind) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="close-")) / "w"
    folder.mkdir()
    atexit.register(shutil.rmtree, folder.parent, ignore_errors=True)
    make(Warehouse(folder), names, when, kind)
    return folder


def make(warehouse: Warehouse, names: Sequence[str], when: str, kind: Kind, **more: Any) -> None:
    for name in names:
        grain = REGISTRY.pipelines[name].grain
        wanted = periods.ending_in(MONTH, grain, ROSTER.model.rotation.anchor)
        if grain is Grain.DAY:
            wanted = [day.isoformat() for day in periods.days_between(*periods.days_of(MONTH))]
        table = warehouse.table(name)
        manifest = store_support.seal(table, f"{name}-{kind}-{when[:10]}", {one: [1] for one in wanted})
        of = Kind.MONTH_TO_DATE if grain is Grain.FORTNIGHT else kind  # a fortnight is as settled as what it is made of
        info = PeriodInfo(kind=of, data_through=date(2026, 10, 31), verdict=Verdict.PUBLISH, as_of=at(when), **more)
        before = {one: entry.version if (entry := table.entry(one)) else None for one in wanted}
        table.commit(manifest, periods=dict.fromkeys(wanted, info), expected=before, now=at(when))


def close(warehouse: Warehouse, when: str = NOW) -> Closing:
    return closing.closing(warehouse, seen(warehouse, when), house(), REGISTRY, MONTH)
