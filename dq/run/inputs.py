"""The inputs of a run, pinned once: source files as they are now, upstream tables as of its instant."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from dq import sources, store
from dq.base import periods
from dq.base.errors import DqError, SourceError
from dq.base.model import InputRef, Kind, PinnedFile, RunRecord, Window
from dq.base.periods import Grain
from dq.declare.overrides import closed_throughout
from dq.declare.project import Project
from dq.declare.registry import Pipeline, Registry
from dq.engine.dataset import Dataset
from dq.run import run_records
from dq.sources.windows import first_day
from dq.store.manifest import field_names

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

KIND_ORDER = (Kind.MONTH_TO_DATE, Kind.PRELIMINARY, Kind.FINAL)


class UpstreamError(DqError):
    """An upstream table that is held or does not cover the period; ``record`` is the held run, where there is one."""

    def __init__(self, what: str, *, record: RunRecord | None = None, do: str = "") -> None:
        super().__init__(what, do=do)
        self.record = record


@dataclass(frozen=True, kw_only=True)
class UpstreamPin:
    """The entries of an upstream table a run reads: period -> version that published it.

    ``before`` are the periods among them that only lie before the month and are looked back to.
    """

    table: str
    entries: Mapping[str, store.PeriodEntry]
    before: Sequence[str] = ()

    @property
    def versions(self) -> dict[str, int]:
        """Per period the table version whose bytes are read."""
        return {period: entry.version for period, entry in sorted(self.entries.items())}

    @property
    def days(self) -> list[date]:
        """The days that are published, of a table of days; a day may hold no row."""
        return [date.fromisoformat(period) for period in sorted(self.entries) if len(period) == len("2026-10-05")]

    @property
    def partial(self) -> list[str]:
        """The sources some entry was published without."""
        return sorted({source for entry in self.entries.values() for source in entry.partial})

    def ref(self) -> InputRef:
        """What the manifest of the run records about this input."""
        digest = hashlib.sha256(
            json.dumps([(p, e.version, e.fingerprint) for p, e in sorted(self.entries.items())]).encode()
        )
        return InputRef(
            name=self.table,
            origin=f"published {self.table}",
            fingerprint=digest.hexdigest(),
            version=max(self.versions.values()),
            files=sum(len(entry.files) for entry in self.entries.values()),
            bytes=sum(file.size for entry in self.entries.values() for file in entry.files),
            kind=min((entry.kind for entry in self.entries.values()), key=KIND_ORDER.index),
            # A day was published by a run that covered others after it.
            data_through=max(
                min(entry.data_through, periods.days_of(period)[1]) for period, entry in self.entries.items()
            ),
            as_of=max((entry.as_of for entry in self.entries.values() if entry.as_of), default=None),
        )


def pin_upstream(
    warehouse: store.Warehouse, project: Project, table: str, window: Window, reader: Pipeline
) -> UpstreamPin:
    """The published entries of ``table`` for the window of its reader; an UpstreamError when it is held or incomplete.

    The window's knowledge cut binds them as it binds rows: read is the newest version as of no later instant.
    Of a table of days, weeks and fortnights read their own days, anything else the month so far; of a table of months
    that of the last day covered is read. Of the days looked back to those that are published are read; whoever needs
    the others has to say what lacks.
    """
    wanted, back = _read_by(project.registry, table, reader, window.period, window.data_through)
    record = partial(run_records.find, warehouse)
    held = run_records.held(run_records.names(warehouse, table), record, wanted, window.as_of)
    if held is not None:
        raise UpstreamError(
            f"the upstream {table} is held for {held.period}",
            record=held,
            do=f"fix it and run it again: dq run {table} --period {held.period}",
        )
    pin = _published(warehouse, table, wanted, window.as_of)
    before = warehouse.table(table).known(window.as_of, back) if back else {}
    return UpstreamPin(table=table, entries={**before, **pin.entries}, before=[*before])


def _read_by(
    registry: Registry, table: str, reader: Pipeline, period: str, through: date
) -> tuple[list[str], list[str]]:
    """The periods of an upstream table that a period of its reader needs through a day, and those it looks back to."""
    if registry.pipelines[table].grain is not Grain.DAY:
        return [f"{through:%Y-%m}"], []
    weekly = reader.grain in (Grain.WEEK, Grain.FORTNIGHT)
    first = periods.days_of(period, reader.grain)[0] if weekly else through.replace(day=1)
    back = first - timedelta(days=reader.upstream_lookback_days)
    days = [day.isoformat() for day in periods.days_between(back, through)]
    return days[reader.upstream_lookback_days :], days[: reader.upstream_lookback_days]


def stale(
    warehouse: store.Warehouse, registry: Registry, reader: str, entries: Iterable[store.PeriodEntry]
) -> list[str]:
    """The finals among what a pipeline has published whose upstream tables were published anew since, as sentences.

    What is not final yet is not news: its units are still to become final, and weeks and fortnights that were told
    before they did stay as they were told. The days of a run were built together: one of them tells of all.
    """
    runs = {entry.run: entry for entry in entries if entry.kind is Kind.FINAL}
    found = []
    for entry in runs.values():
        period = entry.period[:7] if registry.pipelines[reader].grain is Grain.DAY else entry.period
        if tables := _published_anew(warehouse, registry, reader, entry):
            told = f"{reader} {period} is built on {' and '.join(tables)} as published before"
            found.append(f"{told}: dq run {reader} --period {period}")
    return found


def _published_anew(warehouse: store.Warehouse, registry: Registry, reader: str, entry: store.PeriodEntry) -> list[str]:
    """The upstream tables of which readers see other versions than a published period was built from."""
    item, found = registry.pipelines[reader], []
    for table in item.upstream:
        commit = warehouse.table(table).current()
        wanted, back = _read_by(registry, table, item, entry.period, entry.data_through)
        there = {one: commit.entries[one] for one in (*back, *wanted) if commit and one in commit.entries}
        now = UpstreamPin(table=table, entries=there).ref().fingerprint if there else ""
        built_from = [one.fingerprint for one in entry.inputs if one.name == table and one.version is not None]
        if built_from and now not in built_from:
            found.append(table)
    return found


def pin_month(warehouse: store.Warehouse, project: Project, table: str, month: str, as_of: datetime) -> UpstreamPin:
    """The entries of a whole month that a table has published as of an instant, or an UpstreamError on the others.

    A run of that month that was held holds nothing back here: what it would have replaced is still what is published.
    """
    return _published(warehouse, table, _wanted(project, table, month, periods.days_of(month)[1]), as_of)


def pin_day(warehouse: store.Warehouse, table: str, day: date, as_of: datetime) -> UpstreamPin:
    """The entry of one day that ``table`` has published as of an instant, or an UpstreamError."""
    return _published(warehouse, table, [day.isoformat()], as_of)


def pin_named(
    warehouse: store.Warehouse, registry: Registry, reader: Pipeline, table: str, built: store.PeriodEntry
) -> UpstreamPin | None:
    """The entries of ``table`` that a published period of its reader names among its inputs, in those very versions.

    Days looked back to are among them, as its run read them. None where no commit holds exactly those.
    """
    ref = next((one for one in built.inputs if one.name == table and one.version is not None), None)
    if ref is None:
        return None
    wanted, back = _read_by(registry, table, reader, built.period, built.data_through)
    for commit in warehouse.table(table).newest_first():
        entries = {period: commit.entries[period] for period in (*back, *wanted) if period in commit.entries}
        if entries:
            pin = UpstreamPin(table=table, entries=entries, before=[one for one in back if one in entries])
            if pin.ref().fingerprint == ref.fingerprint:
                return pin
    return None


def _wanted(project: Project, table: str, month: str, last: date) -> list[str]:
    """The periods of a table that make up a month through a day."""
    if project.registry.pipelines[table].grain is Grain.DAY:
        return [day.isoformat() for day in periods.days_between(periods.days_of(month)[0], last)]
    return [month]


def _published(warehouse: store.Warehouse, table: str, wanted: Sequence[str], as_of: datetime) -> UpstreamPin:
    """The entries of these periods published as of an instant, or an UpstreamError that names those which are not."""
    entries = warehouse.table(table).known(as_of, wanted)
    missing = [period for period in wanted if period not in entries]
    if not missing:
        return UpstreamPin(table=table, entries=entries)
    commit = warehouse.table(table).current()
    later = [one.as_of for period in missing if commit and (one := commit.entries.get(period)) and one.as_of]
    shown = f"{missing[0]} to {missing[-1]} ({len(missing)} days)" if len(missing) > 1 else missing[0]
    if len(later) == len(missing):
        raise UpstreamError(
            f"the upstream {table} has published {shown} only as of {max(later):%Y-%m-%dT%H:%M:%SZ}, which was not "
            f"known at {as_of:%Y-%m-%dT%H:%M:%SZ}",
            do=f"run this as of then or later: --as-of {max(later):%Y-%m-%dT%H:%M:%SZ}",
        )
    raise UpstreamError(
        f"the upstream {table} has not published {shown}",
        do=f"run it first: dq run {table} --period {missing[0][:7]}",
    )


def lacking(config: sources.SourcesConfig, needs: Sequence[str]) -> list[str]:
    """The needed sources and columns (``source.column``) that this company declares absent, as sentences with why."""
    found = []
    for source, _, column in (need.partition(".") for need in needs):
        declared = config.source(source)
        if declared.absent is not None:
            found.append(f"it needs {source}, declared absent by {declared.absent.owner}: {declared.absent.reason}")
        elif column in declared.absent_columns:
            found.append(f"it needs {column} of {source}, declared absent: {declared.absent_columns[column]}")
    return list(dict.fromkeys(found))


@dataclass(frozen=True, kw_only=True)
class SourcePin:
    """A source as it was pinned: its files and how its schema differs from what is declared."""

    name: str
    pin: sources.Pin
    drift: sources.Drift

    def ref(self) -> InputRef:
        """What the manifest of the run records about this input."""
        return InputRef(
            name=self.name,
            origin=", ".join(sorted(self.pin.tables)),
            fingerprint=self.pin.fingerprint,
            files=len(self.pin.files),
            bytes=sum(file.size for file in self.pin.files),
        )


def closed_at(ledger: DataFrame, month: str) -> datetime | None:
    """When Finance closed the month, a UTC instant; None while a line of it is still open or none is there."""
    from pyspark.sql import functions as F

    row = (
        ledger.where(F.col("month") == month)
        .agg(
            F.count("*").alias("lines"),
            F.count("closed_at").alias("closed"),
            F.unix_micros(F.max("closed_at")).alias("latest"),
        )
        .first()
    )
    if row is None or not row["lines"] or row["closed"] < row["lines"]:
        return None
    return sources.instant_from_micros(row["latest"])


def upstream_frame(spark: SparkSession, warehouse: store.Warehouse, pin: UpstreamPin) -> DataFrame:
    """The rows of the pinned entries, read by the schema recorded when they were published, under today's names."""
    return store.read_entries(spark, warehouse.table(pin.table), pin.entries)


def closed_for(config: sources.SourcesConfig, name: str, window: Window) -> str:
    """Why nothing is expected of a source in all that is read of it; empty where something is."""
    contract = config.contract(name)
    if not contract.day or contract.read is sources.ReadRule.UNTIL:
        return ""
    return closed_throughout(config, first_day(window, contract.read), window.data_through)


def upstream_dataset(
    spark: SparkSession, warehouse: store.Warehouse, pin: UpstreamPin, frame: DataFrame, config: sources.SourcesConfig
) -> Dataset:
    """An upstream table as the engine judges it: exactly the published files, as long as they share one schema.

    Days looked back to were judged with their own month.
    """
    days = [day for day in pin.days if day.isoformat() not in pin.before]
    closed = closed_throughout(config, days[0], days[-1]) if days else ""
    table = warehouse.table(pin.table)
    entries = {period: entry for period, entry in pin.entries.items() if period not in pin.before}
    if pin.before:
        frame = store.read_entries(spark, table, entries)
    paths = [path for entry in entries.values() for path in table.paths(entry)]
    schemas = {entry.schema_json for entry in entries.values()}
    footers = {}
    if len(schemas) == 1:
        of_today = {new: old for old, new in table.former.renamed(field_names(*schemas)).items()}
        footers = {name: of_today.get(name, name) for name in frame.columns if name not in table.former.values}
    return Dataset(
        name=pin.table,
        frame=frame,
        files=[PinnedFile(path=path, size=0, modified_ns=0) for path in paths],
        footer_columns=footers,
        may_be_empty=bool(closed),
        closed=closed,
    )


def cut(frame: DataFrame, column: str, first: date, last: date) -> DataFrame:
    """The rows whose day lies between two days, both included."""
    from pyspark.sql import functions as F

    return frame.where(F.col(column).between(F.lit(first), F.lit(last)))


def dataset_of(source: sources.SourceFrame, closed: str = "") -> Dataset:
    """A source as the engine judges it; ``closed`` is why nothing is expected of it."""
    return Dataset(
        name=source.name,
        frame=source.frame,
        files=source.files,
        footer_columns=source.footer_columns,
        filters=source.filters,
        absent_columns={
            column: f"{column} of {source.name} is declared absent: {reason}"
            for column, reason in source.absent_columns.items()
        },
        may_be_empty=source.may_be_empty or bool(closed),
        closed=closed,
        repeated=source.repeated,
    )


def still_current(warehouse: store.Warehouse, pin: UpstreamPin, as_of: datetime) -> list[str]:
    """The periods of an upstream table that were published again since they were pinned, as sentences.

    What was published as of a later instant than the run's is nothing it could have read.
    """
    known = warehouse.table(pin.table).known(as_of, [*pin.entries])
    newer = []
    for period, entry in sorted(pin.entries.items()):
        now = known.get(period)
        if now is None:
            newer.append(f"{pin.table} {period} was withdrawn")
        elif now.version != entry.version:
            newer.append(f"{pin.table} {period} is at version {now.version}, read was {entry.version}")
    return newer


def verify(pins: Sequence[SourcePin]) -> list[str]:
    """The sources whose files changed since they were pinned, as sentences."""
    changed = []
    for pinned in pins:
        try:
            pinned.pin.verify()
        except SourceError as error:
            changed.append(str(error))
    return changed


def least_settled(kind: Kind, pins: Iterable[UpstreamPin]) -> Kind:
    """The least settled of a kind and those the inputs were published as."""
    kinds = [kind, *(entry.kind for pin in pins for entry in pin.entries.values())]
    return min(kinds, key=KIND_ORDER.index)


def prove_complete(pin: UpstreamPin, window: Window) -> None:
    """Raise UpstreamError when an input was published less complete than the figures built on it claim to be."""
    for period, entry in sorted(pin.entries.items()):
        if KIND_ORDER.index(entry.kind) < KIND_ORDER.index(window.kind):
            raise UpstreamError(
                f"the upstream {pin.table} has {period} published as {entry.kind.replace('_', ' ')}, "
                f"not as {window.kind.replace('_', ' ')}",
                do=f"run it for the whole month first: dq run {pin.table} --period {window.month}",
            )
