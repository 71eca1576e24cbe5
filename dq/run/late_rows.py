"""Rows of the month before that became known after this pipeline published that month as final."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import reduce
from typing import TYPE_CHECKING

from dq import sources, store
from dq.base import periods
from dq.base.model import Kind, Window
from dq.declare.binding import LATE, Bound
from dq.declare.finals import PREVIOUS
from dq.declare.project import Project

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


@dataclass(frozen=True, kw_only=True)
class Late:
    """The frames of late rows, and of the month they belong to, by the names suites use.

    ``absent`` are the names for which there is none, with the reason.
    """

    frames: Mapping[str, DataFrame] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)


def rows(spark: SparkSession, project: Project, bound: Bound, window: Window, table: store.Table) -> Late:
    """The late rows of every source that a check asks for; building the frames starts no Spark job."""
    asked = {str(check.kwargs.get("other", "")) for check in bound.all_checks}
    wanted = [name for name in bound.pipeline.sources if f"{name}{LATE}" in asked]
    if not wanted:
        return Late()
    month = periods.previous_month(window.month)
    finals = _finals(table, month, window.as_of)
    frames: dict[str, DataFrame] = {}
    absent: dict[str, str] = {}
    for name in wanted:
        found = (
            _read(spark, project, name, _whole(month, window.as_of), finals)
            if finals
            else f"{bound.name} {month} is not published as final, so no row can be late for it"
        )
        if isinstance(found, str):
            absent |= {f"{name}{LATE}": found, f"{name}{PREVIOUS}": found}
        else:
            frames |= {f"{name}{LATE}": found[0], f"{name}{PREVIOUS}": found[1]}
    return Late(frames=frames, absent=absent)


def _finals(table: store.Table, month: str, known_by: datetime) -> Mapping[datetime, list[date]]:
    """The days of a month that were final as of an instant, by the instant up to which their rows were known."""
    commit = table.current()
    days = [period for period in (commit.entries if commit else ()) if store.covers(month, period)]
    found: dict[datetime, list[date]] = defaultdict(list)
    for period, entry in table.known(known_by, days).items():
        if entry.kind is Kind.FINAL and entry.as_of is not None:
            found[entry.as_of] += periods.days_between(*periods.days_of(period))
    return found


def _whole(month: str, as_of: datetime) -> Window:
    """A whole month as it is known now."""
    start, end = periods.days_of(month)
    return Window(period=month, start=start, end=end, data_through=end, as_of=as_of, kind=Kind.FINAL)


def _read(
    spark: SparkSession, project: Project, name: str, window: Window, finals: Mapping[datetime, list[date]]
) -> tuple[DataFrame, DataFrame] | str:
    """One source's rows that became known later than their days were published, and all rows of the month.

    A sentence where they cannot be told. Of a source that is read up to a day, a row of an earlier month counts as one
    of the month's first day: every later final should hold it.
    """
    from pyspark.sql import functions as F

    absence = project.sources.absence(name)
    if absence is not None:
        return f"{name} is declared absent: {absence.reason}"
    contract = project.sources.contract(name)
    unknown = project.sources.source(name).absent_columns.get(contract.known_at)
    if unknown is not None:
        return f"{contract.known_at} of {name} is declared absent: {unknown}"
    config = project.sources.reading({name: contract.read})
    try:
        pin = sources.pin(config, name, window)
    except sources.NoFilesError as error:
        return f"{window.month} cannot be looked at again: {error}"
    if sources.drift(config, name, pin).breaking:
        return f"{window.month} cannot be looked at again: the files of {name} have other columns than are declared now"
    known = sources.read(spark, config, name, pin, window).frame
    day = F.greatest(F.col(contract.day), F.lit(window.start))
    month = known.where(F.col(contract.day) >= F.lit(window.start))
    first = replace(window, as_of=min(finals))
    if sources.read(spark, config, name, pin, first).known_later is None:
        # The footers prove that nothing became known after the first of the finals.
        return known.limit(0), month
    arrived = F.col(contract.known_at)
    late = reduce(
        lambda left, right: left | right,
        (day.isin(days) & (arrived > F.lit(as_of)) for as_of, days in sorted(finals.items())),
    )
    late = F.coalesce(late, F.lit(False))
    found = known.where(late)
    if contract.delivery:
        # What had come in time and was delivered again is not late. The few late keys are sent to all others.
        keys = list(contract.key)
        in_time = known.where(~late).join(F.broadcast(found.select(*keys).distinct()), on=keys, how="left_semi")
        found = sources.delivered_once(found, contract.delivery).join(
            in_time.select(*keys).distinct(), on=keys, how="left_anti"
        )
    return found, month
