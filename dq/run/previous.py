"""What a run's figures are compared with: the last final of the month before, its units, and a final it would replace.

And what twelve months are counted from: what the units held when they began, once there are finals of all of them.

Compared is with what was published as final, never with what was held or may still change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from dq import store
from dq.base import periods
from dq.base.model import Kind, Window
from dq.base.periods import Grain
from dq.checks.compared_names import FIRST_DAY, LAST_DAY
from dq.declare.binding import REPLACED, TRAILING, Bound
from dq.declare.finals import PREVIOUS
from dq.declare.project import Project
from dq.run import inputs

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


@dataclass(frozen=True, kw_only=True)
class Trailing:
    """The first day of the twelve months that end with the last day covered, as upstream tables of days published it.

    ``own`` is the pipeline's own final of the month that this day begins; None where it begins none.
    """

    first_day: date
    units: Mapping[str, inputs.UpstreamPin]
    own: inputs.UpstreamPin | None

    @property
    def pins(self) -> list[inputs.UpstreamPin]:
        """All that is pinned."""
        return [*([self.own] if self.own else []), *self.units.values()]


@dataclass(frozen=True, kw_only=True)
class Previous:
    """What was published for the period before, and, of a month, the entries its upstream tables have published now.

    ``own`` are its entries in the pipeline's own table: one, or of a table of days those of the whole month.
    """

    period: str
    first_day: date
    last_day: date
    own: inputs.UpstreamPin
    units: Mapping[str, inputs.UpstreamPin]
    trailing: Trailing | None = None

    @property
    def fingerprint(self) -> str:
        """What of it decides a run's figures and verdict, for the run key."""
        units = [f"{table}@{pin.ref().fingerprint}" for table, pin in sorted(self.units.items())]
        own = [f"{period}@{version}" for period, version in self.own.versions.items()]
        year = [f"{pin.table}@{pin.ref().fingerprint}" for pin in (self.trailing.pins if self.trailing else ())]
        return " ".join([*own, *units, *year])


def pin(warehouse: store.Warehouse, project: Project, bound: Bound, window: Window) -> Previous | None:
    """The final of the month before the window's and its units, as published as of its instant; None without it.

    Weeks and fortnights are compared with the period before as it is published, whatever its kind, and without units.
    Raises UpstreamError when units of a month are no longer published: then nobody can say what it is made of.
    """
    if not bound.pipeline.compares_with_previous:
        return None
    before, monthly = _before(bound, window), _by_month(bound)
    own = warehouse.table(bound.name).known(window.as_of, _ids(bound, before))
    if len(own) < len(_ids(bound, before)) or (monthly and not _final(own)):
        return None
    first, last = periods.days_of(before, bound.pipeline.grain)
    tables = bound.pipeline.upstream if monthly else ()
    units = {table: inputs.pin_month(warehouse, project, table, before, window.as_of) for table in tables}
    own_pin = inputs.UpstreamPin(table=bound.name, entries=own)
    trailing = _trailing(warehouse, project, bound, window)
    return Previous(period=before, first_day=first, last_day=last, own=own_pin, units=units, trailing=trailing)


def _trailing(warehouse: store.Warehouse, project: Project, bound: Bound, window: Window) -> Trailing | None:
    """Where twelve months ago stood what the window's figures follow; None unless there are finals of all since.

    The month of the window itself need not be final: its figures are told with their kind.
    """
    if not bound.pipeline.trailing_twelve_months:
        return None
    first = window.year_start
    months = periods.months_between(f"{first:%Y-%m}", periods.previous_month(window.month))
    finals = warehouse.table(bound.name).known(window.as_of, months)
    if len(finals) < len(months) or not _final(finals):
        return None
    daily = [table for table in bound.pipeline.upstream if project.registry.pipelines[table].grain is Grain.DAY]
    own = inputs.UpstreamPin(table=bound.name, entries={months[0]: finals[months[0]]}) if first.day == 1 else None
    units = {table: inputs.pin_day(warehouse, table, first, window.as_of) for table in daily}
    return Trailing(first_day=first, units=units, own=own)


def _by_month(bound: Bound) -> bool:
    """Whether what is computed is months, or the days of one."""
    return bound.pipeline.grain not in (Grain.WEEK, Grain.FORTNIGHT)


def _before(bound: Bound, window: Window) -> str:
    """The id of the period before: of days that are computed by the month, the month before."""
    if _by_month(bound):
        return periods.previous_month(window.month)
    return periods.period_before(window.period, bound.pipeline.grain)


def replaced(warehouse: store.Warehouse, bound: Bound, window: Window) -> Mapping[str, store.PeriodEntry]:
    """The published finals of the window's own periods, which a run would replace."""
    ids, commit = _ids(bound, window.period), warehouse.table(bound.name).current()
    there = {period: commit.entries[period] for period in ids if commit and period in commit.entries}
    return {period: entry for period, entry in there.items() if entry.kind is Kind.FINAL}


def _ids(bound: Bound, period: str) -> list[str]:
    """The ids under which a table holds a period: of a table of days those of its days."""
    if bound.pipeline.grain is not Grain.DAY:
        return [period]
    return [day.isoformat() for day in periods.days_between(*periods.days_of(period))]


def _final(entries: Mapping[str, store.PeriodEntry]) -> bool:
    return all(entry.kind is Kind.FINAL for entry in entries.values())


def tables(
    spark: SparkSession,
    warehouse: store.Warehouse,
    bound: Bound,
    previous: Previous | None,
    replaced: Mapping[str, store.PeriodEntry],
) -> dict[str, DataFrame]:
    """The frames that can be compared with, by the names suites use; building them starts no Spark job."""
    own = warehouse.table(bound.name)
    found = {}
    if replaced:
        found[f"{bound.name}{REPLACED}"] = store.read_entries(spark, own, replaced)
    if previous is not None:
        found[f"{bound.name}{PREVIOUS}"] = store.read_entries(spark, own, previous.own.entries)
        for table, pinned in previous.units.items():
            frame = inputs.upstream_frame(spark, warehouse, pinned)
            found[f"{table}{PREVIOUS}"] = frame
            if "day" in frame.columns:
                for end, day in ((FIRST_DAY, previous.first_day), (LAST_DAY, previous.last_day)):
                    found[f"{table}{PREVIOUS}{end}"] = inputs.cut(frame, "day", day, day)
    if previous is not None and previous.trailing is not None:
        for table, pinned in previous.trailing.units.items():
            found[f"{table}{TRAILING}{FIRST_DAY}"] = inputs.upstream_frame(spark, warehouse, pinned)
        if previous.trailing.own is not None:
            found[f"{bound.name}{TRAILING}"] = store.read_entries(spark, own, previous.trailing.own.entries)
    return found


def absent(
    warehouse: store.Warehouse,
    bound: Bound,
    window: Window,
    previous: Previous | None,
    replaced: Mapping[str, store.PeriodEntry],
) -> dict[str, str]:
    """The names for which there is nothing to compare with, each with the reason."""
    found: dict[str, str] = {}
    if previous is None and bound.pipeline.compares_with_previous:
        kind, before = " as final" if _by_month(bound) else "", _before(bound, window)
        ids, commit = _ids(bound, before), warehouse.table(bound.name).current()
        there = [commit.entries[period] for period in ids if commit and period in commit.entries]
        later = max((entry.as_of for entry in there if entry.as_of), default=window.as_of)
        known = ""
        if later > window.as_of:
            known = f" as of {window.as_of:%Y-%m-%dT%H:%M:%SZ}, only as of {later:%Y-%m-%dT%H:%M:%SZ}"
        reason = f"{bound.name} {before} is not published{kind}{known}, so there is nothing to compare with"
        ends = (PREVIOUS, f"{PREVIOUS}{FIRST_DAY}", f"{PREVIOUS}{LAST_DAY}")
        names = [f"{table}{end}" for table in bound.pipeline.upstream for end in ends]
        found |= dict.fromkeys([f"{bound.name}{PREVIOUS}", *names], reason)
    found |= _trailing_absent(bound, window, previous)
    if not replaced:
        found[f"{bound.name}{REPLACED}"] = f"no final of {window.period} would be replaced"
    return found


def _trailing_absent(bound: Bound, window: Window, previous: Previous | None) -> dict[str, str]:
    """The names of twelve months ago for which there is nothing, each with the reason."""
    trailing = previous.trailing if previous else None
    if not bound.pipeline.trailing_twelve_months or (trailing and trailing.own):
        return {}
    names = [f"{bound.name}{TRAILING}"]
    reason = f"{window.year_start:%d %B %Y} begins no month, so no final opened with it"
    if trailing is None:
        names += [f"{table}{TRAILING}{FIRST_DAY}" for table in bound.pipeline.upstream]
        reason = f"not all months of {bound.name} since {window.year_start:%B %Y} are published as final"
    return dict.fromkeys(names, reason)


def same_days(
    spark: SparkSession,
    warehouse: store.Warehouse,
    project: Project,
    bound: Bound,
    previous: Previous,
    table: str,
    window: Window,
) -> DataFrame | None:
    """The units of the month before over the same first days, in the versions its final was built from.

    None where those versions cannot be found, or the table has no days.
    """
    settled = previous.own.entries[max(previous.own.entries)]
    named = inputs.pin_named(warehouse, project.registry, bound.pipeline, table, settled)
    if named is None:
        return None
    frame = inputs.upstream_frame(spark, warehouse, named)
    before = window.month_before
    return inputs.cut(frame, "day", before.start, before.data_through) if "day" in frame.columns else None


def still_current(warehouse: store.Warehouse, previous: Previous | None, as_of: datetime) -> list[str]:
    """What of the month before was published again since it was pinned, as sentences."""
    if previous is None:
        return []
    pins = (previous.own, *previous.units.values(), *(previous.trailing.pins if previous.trailing else ()))
    return [text for pinned in pins for text in inputs.still_current(warehouse, pinned, as_of)]
