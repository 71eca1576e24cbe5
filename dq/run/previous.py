"""What a run's figures are compared with: the last final of the month before, its units, and a final it would replace.

Compared is with what was published as final, never with what was held or may still change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from dq import periods, store
from dq.model import Kind, Window
from dq.periods import Grain
from dq.project import LAST_DAY, PREVIOUS, REPLACED, Bound, Project
from dq.run import inputs

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


@dataclass(frozen=True, kw_only=True)
class Previous:
    """What was published for the period before, and, of a month, the entries its upstream tables have published now."""

    period: str
    last_day: date
    entry: store.PeriodEntry
    units: Mapping[str, inputs.UpstreamPin]

    @property
    def fingerprint(self) -> str:
        """What of it decides a run's figures and verdict, for the run key."""
        units = [f"{table}@{pin.ref().fingerprint}" for table, pin in sorted(self.units.items())]
        return " ".join([f"{self.period}@{self.entry.version}", *units])


def pin(warehouse: store.Warehouse, project: Project, bound: Bound, window: Window) -> Previous | None:
    """The final of the month before the window's and its units as they are published now; None without such a final.

    Weeks and fortnights are compared with the period before as it is published, whatever its kind, and without units.
    Raises UpstreamError when units of a month are no longer published: then nobody can say what it is made of.
    """
    if not bound.pipeline.compares_with_previous:
        return None
    before, monthly = _before(bound, window), bound.pipeline.grain is Grain.MONTH
    entry = warehouse.table(bound.name).entry(before)
    if entry is None or (monthly and entry.kind is not Kind.FINAL):
        return None
    last = periods.days_of(before, bound.pipeline.grain)[1]
    tables = bound.pipeline.upstream if monthly else ()
    units = {table: inputs.pin_month(warehouse, project, table, before) for table in tables}
    return Previous(period=before, last_day=last, entry=entry, units=units)


def _before(bound: Bound, window: Window) -> str:
    """The id of the period before: of days that are computed by the month, the month before."""
    if bound.pipeline.grain in (Grain.WEEK, Grain.FORTNIGHT):
        return periods.period_before(window.period, bound.pipeline.grain)
    return periods.previous_month(window.month)


def replaced(warehouse: store.Warehouse, bound: Bound, window: Window) -> store.PeriodEntry | None:
    """The published final of the window's own period, which a run would replace; None without one."""
    if not bound.pipeline.compares_with_previous:
        return None
    entry = warehouse.table(bound.name).entry(window.period)
    return entry if entry is not None and entry.kind is Kind.FINAL else None


def tables(
    spark: SparkSession,
    warehouse: store.Warehouse,
    bound: Bound,
    previous: Previous | None,
    replaced: store.PeriodEntry | None,
) -> dict[str, DataFrame]:
    """The frames that can be compared with, by the names suites use; building them starts no Spark job."""
    own = warehouse.table(bound.name)
    found = {}
    if replaced is not None:
        found[f"{bound.name}{REPLACED}"] = store.read_entries(spark, own, {replaced.period: replaced})
    if previous is not None:
        found[f"{bound.name}{PREVIOUS}"] = store.read_entries(spark, own, {previous.period: previous.entry})
        for table, pinned in previous.units.items():
            frame = inputs.upstream_frame(spark, warehouse, pinned)
            found[f"{table}{PREVIOUS}"] = frame
            if "day" in frame.columns:
                last = previous.last_day
                found[f"{table}{PREVIOUS}{LAST_DAY}"] = inputs.cut(frame, "day", last, last)
    return found


def absent(
    bound: Bound, window: Window, previous: Previous | None, replaced: store.PeriodEntry | None
) -> dict[str, str]:
    """The names for which there is nothing to compare with, each with the reason."""
    if not bound.pipeline.compares_with_previous:
        return {}
    found: dict[str, str] = {}
    if previous is None:
        kind = " as final" if bound.pipeline.grain is Grain.MONTH else ""
        reason = f"{bound.name} {_before(bound, window)} is not published{kind}, so there is nothing to compare with"
        names = [f"{table}{end}" for table in bound.pipeline.upstream for end in (PREVIOUS, f"{PREVIOUS}{LAST_DAY}")]
        found |= dict.fromkeys([f"{bound.name}{PREVIOUS}", *names], reason)
    if replaced is None:
        found[f"{bound.name}{REPLACED}"] = f"no final of {window.period} would be replaced"
    return found


def same_days(
    spark: SparkSession, warehouse: store.Warehouse, project: Project, previous: Previous, table: str, window: Window
) -> DataFrame | None:
    """The units of the month before over the same first days, in the versions its final was built from.

    None where those versions cannot be found, or the table has no days.
    """
    named = inputs.pin_named(warehouse, project, table, previous.period, previous.entry.inputs)
    if named is None:
        return None
    frame = inputs.upstream_frame(spark, warehouse, named)
    before = window.month_before
    return inputs.cut(frame, "day", before.start, before.data_through) if "day" in frame.columns else None


def still_current(warehouse: store.Warehouse, bound: Bound, previous: Previous | None) -> list[str]:
    """What of the month before was published again since it was pinned, as sentences."""
    if previous is None:
        return []
    own = inputs.UpstreamPin(table=bound.name, entries={previous.period: previous.entry})
    return [text for pinned in (own, *previous.units.values()) for text in inputs.still_current(warehouse, pinned)]
