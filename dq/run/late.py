"""Rows of the month before that became known after this pipeline published that month as final."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING

from dq import periods, sources, store
from dq.model import Kind, Window
from dq.project import LATE, Bound, Project

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


@dataclass(frozen=True, kw_only=True)
class Late:
    """The frames of late rows by the names suites use, and the names for which there is none, with the reason."""

    frames: Mapping[str, DataFrame] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)


def rows(spark: SparkSession, project: Project, bound: Bound, window: Window, table: store.Table) -> Late:
    """The late rows of every source that a check asks for; building the frames starts no Spark job."""
    asked = {str(check.kwargs.get("other", "")) for check in bound.all_checks}
    wanted = [name for name in bound.pipeline.sources if f"{name}{LATE}" in asked]
    if not wanted:
        return Late()
    month = periods.previous_month(window.month)
    finals = _finals(table, month)
    if not finals:
        reason = f"{bound.name} {month} is not published as final, so no row can be late for it"
        return Late(absent={f"{name}{LATE}": reason for name in wanted})
    frames, absent = {}, {}
    for name in wanted:
        found = _read(spark, project, name, _whole(month, window.as_of), finals)
        if isinstance(found, str):
            absent[f"{name}{LATE}"] = found
        else:
            frames[f"{name}{LATE}"] = found
    return Late(frames=frames, absent=absent)


def _finals(table: store.Table, month: str) -> Mapping[datetime, list[date]]:
    """The days of a month that are published as final, by the instant up to which their rows were known."""
    commit = table.current()
    found: dict[datetime, list[date]] = defaultdict(list)
    for period, entry in commit.entries.items() if commit else ():
        if period.startswith(month) and entry.kind is Kind.FINAL and entry.as_of is not None:
            found[entry.as_of] += periods.days_between(*periods.days_of(period))
    return found


def _whole(month: str, as_of: datetime) -> Window:
    """A whole month as it is known now."""
    start, end = periods.days_of(month)
    return Window(period=month, start=start, end=end, data_through=end, as_of=as_of, kind=Kind.FINAL)


def _read(
    spark: SparkSession, project: Project, name: str, window: Window, finals: Mapping[datetime, list[date]]
) -> DataFrame | str:
    """One source's rows of the month that became known later than its days were published, or why there are none."""
    from pyspark.sql import functions as F

    absence = project.sources.absence(name)
    if absence is not None:
        return f"{name} is declared absent: {absence.reason}"
    try:
        pin = sources.pin(project.sources, name, window)
    except sources.NoFilesError as error:
        return f"{window.month} cannot be looked at again: {error}"
    if sources.drift(project.sources, name, pin).breaking:
        return f"{window.month} cannot be looked at again: the files of {name} have other columns than are declared now"
    contract = project.sources.contract(name)
    frame = sources.read(spark, project.sources, name, pin, window).visible
    day, known = F.col(str(contract.day)), F.col(str(contract.known_at))
    late = F.lit(False)
    for as_of, days in sorted(finals.items()):
        late = late | (day.isin(days) & (known > F.lit(as_of)))
    return frame.where(late)
