"""Pins: exactly which files a source is read from, listed once per run without Spark, and checked again."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from pathlib import Path

from dq.base.errors import SourceError
from dq.base.model import PinnedFile, Window
from dq.sources import cataloguetable, csvfile, jdbctable
from dq.sources.cataloguetable import CatalogueState
from dq.sources.config import MONTH, Format, RawTable, SourcesConfig
from dq.sources.contracts import Contract, ReadRule
from dq.sources.deltafolder import DeltaVersion, snapshot
from dq.sources.derived import footer_columns
from dq.sources.jdbctable import JdbcCopy
from dq.sources.listing import matching
from dq.sources.raw_schemas import THREADS, columns_of, none_within
from dq.sources.windows import Months, months, read_from, read_to


class NoFilesError(SourceError):
    """A raw table without a single file in the period, although its place is there; callers may take it as no rows."""


@dataclass(frozen=True, kw_only=True)
class PinnedTable:
    """The files of one raw table, ordered by path. ``missing_months`` have no file although others do.

    ``around`` are those of ``files`` that only hold days before or after the period, to which a job looks. A table with
    a log of its own is read as of one ``snapshot``; its ``columns`` are those of the table, whichever a file has.
    """

    files: tuple[PinnedFile, ...]
    missing_months: tuple[str, ...] = ()
    around: tuple[PinnedFile, ...] = ()
    snapshot: DeltaVersion | CatalogueState | JdbcCopy | None = None

    @property
    def columns(self) -> tuple[tuple[str, str], ...]:
        """The columns of the table itself, none where each file says its own."""
        return self.snapshot.columns if self.snapshot else ()

    @property
    def exact(self) -> bool:
        """Whether the rows of the files are those of the table."""
        return self.snapshot is None or not self.snapshot.only_by

    @property
    def of_period(self) -> tuple[PinnedFile, ...]:
        """The files that hold the period itself."""
        return tuple(file for file in self.files if file not in self.around)


@dataclass(frozen=True, kw_only=True)
class Pin:
    """The input of one source as it was when the run began.

    ``fingerprint`` is a SHA-256 over path below the root, size and modification time of every file; it depends neither
    on the order of listing nor on where the root is. For a table of a catalogue it is over its version, or its files.
    """

    source: str
    tables: Mapping[str, PinnedTable]
    fingerprint: str
    config: SourcesConfig
    window: Window

    @property
    def files(self) -> tuple[PinnedFile, ...]:
        """All files, table by table."""
        return tuple(file for table in self.tables.values() for file in table.files)

    @property
    def of_period(self) -> tuple[PinnedFile, ...]:
        """The files that hold the period itself, table by table."""
        return tuple(file for table in self.tables.values() for file in table.of_period)

    @property
    def exact(self) -> bool:
        """Whether the rows of the files are those of the tables."""
        return all(table.exact for table in self.tables.values())

    @property
    def bytes(self) -> int:
        """The size of all files together."""
        return sum(file.size for file in self.files)

    @property
    def missing_months(self) -> tuple[str, ...]:
        """The months that should be there and have no file in some table."""
        return tuple(sorted({month for table in self.tables.values() for month in table.missing_months}))

    def verify(self) -> None:
        """Raise SourceError when a file was changed, added or removed since the pin was made, or a version is gone."""
        root = _root(self.config, self.source)
        listed = {}
        for name, pinned in self.tables.items():
            if isinstance(pinned.snapshot, CatalogueState):
                cataloguetable.verify(pinned.snapshot, self.source)
            elif not isinstance(pinned.snapshot, JdbcCopy):  # nobody else knows of a copy
                listed[name] = pinned.snapshot
        before = {file.path: file for name in listed for file in self.tables[name].files}
        after = {
            file.path: file
            for table, taken in listed.items()
            for file, _ in _matching(self.config, self.config.tables[table], self.source, self.window, root, taken)[0]
        }
        for path in sorted(before.keys() | after.keys()):
            if before.get(path) != after.get(path):
                how = "removed" if path not in after else "added" if path not in before else "rewritten"
                raise SourceError(
                    f"changed during the run: {path} ({how})",
                    where=self.source,
                    do="run again when nothing writes to the source",
                )


def pin(config: SourcesConfig, source: str, window: Window) -> Pin:
    """The files of all raw tables a source's SELECT reads, each looked at: present, readable, whole.

    Raises NoFilesError where a table has none in the period, SourceError for anything else that is wrong with one.
    """
    declared = config.source(source)
    if declared.absent is not None:
        raise SourceError(f"is declared absent ({declared.absent.reason}) and has no files", where=source)
    root = _root(config, source)
    tables = {table.name: _table(config, table, source, window, root) for table in config.raw_tables(source)}
    with ThreadPoolExecutor(max_workers=THREADS) as pool:
        for name, table in tables.items():
            declared_table = config.tables[name]
            list(pool.map(partial(columns_of, table=declared_table), table.files))
            if declared_table.format is Format.CSV:
                whole = partial(csvfile.refuse_malformed, dialect=declared_table.csv)
                list(pool.map(whole, (Path(file.path) for file in table.files)))
    return Pin(
        source=source,
        tables=tables,
        fingerprint=_of_tables(tables, root),
        config=config,
        window=window,
    )


def _of_tables(tables: Mapping[str, PinnedTable], root: Path) -> str:
    """The fingerprint of all files, and of the versions of tables whose files alone are not their rows."""
    copies = {name for name, one in tables.items() if isinstance(one.snapshot, JdbcCopy)}
    found = fingerprint((file for name, one in tables.items() if name not in copies for file in one.files), root)
    taken = {name: one.snapshot for name, one in tables.items() if name in copies or not one.exact}
    versions = [f"{name} {one.state}" for name, one in sorted(taken.items()) if one]
    return hashlib.sha256("\n".join((found, *versions)).encode()).hexdigest() if versions else found


def fingerprint(files: Iterable[PinnedFile], root: Path) -> str:
    """A SHA-256 over path below the root, size and modification time of files, whatever their order."""
    digest = hashlib.sha256()
    for path, size, modified in sorted(
        (os.path.relpath(file.path, root), file.size, file.modified_ns) for file in files
    ):
        # The length goes first, so that no file name can imitate the end of a line.
        digest.update(f"{len(path)}:{path}:{size}:{modified}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _root(config: SourcesConfig, source: str) -> Path:
    if all(table.format in (Format.TABLE, Format.JDBC) for table in config.raw_tables(source)):
        return Path()  # a catalogue or database knows where they are
    if config.root is None:
        raise SourceError("where the raw tables are is not known", where=source, do=f"set {config.root_env}")
    if not config.root.is_dir():
        raise SourceError(
            f"the folder {config.root} is not there", where=source, do=f"make it or set {config.root_env}"
        )
    return config.root


def _matching(
    config: SourcesConfig,
    table: RawTable,
    source: str,
    window: Window,
    root: Path,
    of: DeltaVersion | None = None,
) -> tuple[list[tuple[PinnedFile, str]], DeltaVersion | None]:
    """The files a run needs of a table, with their months; of a table with a log those of one version, or the newest.

    Months after the period go on growing, where they are looked ahead to or hold what became known of it: a file there
    whose footer proves that it holds nothing of those days that was known by then is none of the input, so that the
    days that follow do not change the pin of an old period. Of a table with a log that goes for every file.
    """
    contract = config.source(source).contract
    needed, through = _months(contract, window), f"{window.data_through:%Y-%m}"
    taken = None
    if table.format is Format.DELTA:
        taken = snapshot(root / table.path, of.version if of else None)
    try:
        found = [(file, "") for file in taken.files] if taken else matching(root, table.path, needed)
    except OSError as error:
        raise SourceError(f"{error.filename} cannot be listed: {error.strerror}", where=source) from error
    columns = footer_columns(config, config.source(source)) or {}
    bounds: dict[str, tuple[date | datetime | None, date | datetime]] = {}
    if contract.day in columns:
        from_day = None
        if taken and contract.read is not ReadRule.UNTIL:
            from_day = read_from(window, contract.lookback_days, contract.read)
        bounds[columns[contract.day]] = (from_day, read_to(window, contract.lookahead_days))
    if contract.known_at in columns:
        bounds[columns[contract.known_at]] = (None, window.as_of)
    if taken:
        pruned = bounds and not taken.only_by
        return [one for one in found if not (pruned and none_within(one[0], bounds))], taken
    kept = [(file, month) for file, month in found if not (month > through and bounds and none_within(file, bounds))]
    return kept, None


def _months(contract: Contract, window: Window) -> Months:
    return months(window, contract.read, contract.lookback_days, contract.lookahead_days)


def _table(config: SourcesConfig, table: RawTable, source: str, window: Window, root: Path) -> PinnedTable:
    if table.format is Format.TABLE:
        now = cataloguetable.take(table.path, source)
        if not now.version and not now.files:
            raise NoFilesError(f"the table {table.path} has no files", where=source)
        return PinnedTable(files=(), snapshot=now)
    if table.jdbc is not None:
        copied = jdbctable.copy(table.path, table.jdbc, source)
        return PinnedTable(files=copied.files, snapshot=copied)
    found, taken = _matching(config, table, source, window, root)
    contract = config.source(source).contract
    rule = contract.read
    needed = _months(contract, window)
    by_month = MONTH in table.path
    if rule is ReadRule.YEAR and by_month:
        # A table may begin within the year; one that holds an earlier year as well has lost the months between.
        any_month = matching(root, table.path, Months(first=None, last=needed.last, complete_to=needed.last))
        needed = replace(needed, begins=min((month for _, month in any_month), default=""))
    place = root / table.path
    around = tuple(file for file, month in found if by_month and needed.around(month))
    found_in_period = len(found) > len(around)
    if not found_in_period and (by_month or "*" in table.path or "?" in table.path or place.is_dir()):
        raise NoFilesError(f"no files for {needed.label if by_month else window.period} under {place}", where=source)
    if not found_in_period:
        raise SourceError(f"the file {place} is not there", where=source, do="deliver it, or correct its path")
    return PinnedTable(
        files=tuple(file for file, _ in found),
        missing_months=_missing(needed, {month for _, month in found}, root, table) if by_month else (),
        around=around,
        snapshot=taken,
    )


def _missing(needed: Months, seen: Collection[str], root: Path, table: RawTable) -> tuple[str, ...]:
    """The months that must be there and are not; those looked back to only where the source had begun before them."""
    gaps = needed.gaps(seen)
    looked_back_to = [month for month in gaps if month < needed.period_from]
    if looked_back_to and not matching(root, table.path, needed.earlier):
        return tuple(month for month in gaps if month not in looked_back_to)
    return gaps
