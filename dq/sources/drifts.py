"""Schema drift (F07): what raw files hold against what the sources file declares, all differences at once."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from functools import partial
from pathlib import Path

from dq.sources.config import Format, RawTable, SourcesConfig
from dq.sources.listing import levels
from dq.sources.pins import Pin
from dq.sources.raw_schemas import THREADS, columns_of

_SIMILAR = 0.6
_NAMED_FILES = 3


class ChangeKind(StrEnum):
    """How a column differs from its declaration."""

    MISSING = "missing"
    RENAMED = "renamed"
    RETYPED = "retyped"
    CASE_CHANGED = "case_changed"
    DUPLICATED = "duplicated"
    ADDED = "added"


@dataclass(frozen=True, kw_only=True)
class Change:
    """One column of one raw table that differs from its declaration, in ``files`` of the table's ``of`` files.

    ``declared`` is the declared type; ``found`` the type found, or the name it is now (likely) called by.
    """

    kind: ChangeKind
    table: str
    column: str
    declared: str = ""
    found: str = ""
    files: tuple[str, ...] = ()
    of: int = 0

    def __str__(self) -> str:
        column = f"{self.table}: column {self.column}"
        typed = f" ({self.declared})" if self.declared else ""
        sentence = {
            ChangeKind.MISSING: f"{column}{typed} is missing",
            ChangeKind.RENAMED: f"{column}{typed} is missing; was it renamed to {self.found}?",
            ChangeKind.RETYPED: f"{column} is {self.found}, declared {self.declared}",
            ChangeKind.CASE_CHANGED: f"{column} is now spelled {self.found}",
            ChangeKind.DUPLICATED: f"{column} appears there more than once: {self.found}",
            ChangeKind.ADDED: f"{column}{f' ({self.found})' if self.found else ''} is new and not declared",
        }[self.kind]
        return sentence + self._in_files()

    def _in_files(self) -> str:
        if len(self.files) == self.of:
            return ""
        more = len(self.files) - _NAMED_FILES
        names = ", ".join(self.files[:_NAMED_FILES]) + (f" and {more} more" if more > 0 else "")
        return f" [{len(self.files)} of {self.of} files: {names}]"


@dataclass(frozen=True, kw_only=True)
class Drift:
    """Every difference between a source's raw files and their declaration."""

    source: str
    changes: tuple[Change, ...]

    def of(self, kind: ChangeKind) -> tuple[Change, ...]:
        """The changes of one kind."""
        return tuple(change for change in self.changes if change.kind is kind)

    @property
    def missing(self) -> tuple[Change, ...]:
        """Declared columns that are gone and resemble no new one."""
        return self.of(ChangeKind.MISSING)

    @property
    def renamed(self) -> tuple[Change, ...]:
        """Declared columns that are gone, each with the new column it was likely renamed to."""
        return self.of(ChangeKind.RENAMED)

    @property
    def retyped(self) -> tuple[Change, ...]:
        """Columns of another type than declared."""
        return self.of(ChangeKind.RETYPED)

    @property
    def case_changed(self) -> tuple[Change, ...]:
        """Columns whose name differs from the declared one only in case."""
        return self.of(ChangeKind.CASE_CHANGED)

    @property
    def breaking(self) -> list[str]:
        """A sentence for each change that keeps the job from running."""
        return [str(change) for change in self.changes if change.kind is not ChangeKind.ADDED]

    @property
    def added(self) -> list[str]:
        """A sentence for each new column; the mapping does not read it, so it harms nothing yet."""
        return [str(change) for change in self.of(ChangeKind.ADDED)]


_Columns = tuple[tuple[str, str], ...]


def drift(config: SourcesConfig, source: str, pin: Pin) -> Drift:
    """The drift of a source's pinned files: every file's own footer or header is looked at, in threads."""
    changes: list[Change] = []
    for table in config.raw_tables(source):
        files = pin.tables[table.name].files
        if columns := pin.tables[table.name].columns:
            changes += _table_changes(table, {columns: ()}, 0)
            continue
        with ThreadPoolExecutor(max_workers=THREADS) as pool:
            schemas = list(pool.map(partial(columns_of, table=table), files))
        base = config.root or os.curdir
        if table.format is Format.JSON:
            # An object need not name what is NULL: of all files together each column must be in one.
            schemas = [tuple(dict.fromkeys(column for schema in schemas for column in schema))] * len(files)
        schemas = [(*schema, *_folders(file.path, base, table)) for file, schema in zip(files, schemas, strict=True)]
        by_schema: dict[_Columns, list[str]] = {}
        for file, schema in zip(files, schemas, strict=True):
            by_schema.setdefault(schema, []).append(os.path.relpath(file.path, base))
        changes += _table_changes(table, by_schema, len(files))
    return Drift(source=source, changes=tuple(changes))


def _folders(path: str, base: Path | str, table: RawTable) -> _Columns:
    """The declared columns that folders between a base and a file name, as they spell them."""
    wanted = {name.casefold() for name in table.partitions}
    return tuple((name, "") for name in levels(path, base) if name.casefold() in wanted)


def _table_changes(table: RawTable, by_schema: Mapping[_Columns, Sequence[str]], count: int) -> list[Change]:
    places: dict[Change, list[str]] = {}
    for schema, files in by_schema.items():
        for change in compare(table, schema):
            places.setdefault(change, []).extend(files)
    order = list(ChangeKind)
    return [
        Change(
            kind=change.kind,
            table=change.table,
            column=change.column,
            declared=change.declared,
            found=change.found,
            files=tuple(sorted(files)),
            of=count,
        )
        for change, files in sorted(places.items(), key=lambda item: (order.index(item[0].kind), item[0].column))
    ]


def compare(table: RawTable, schema: _Columns) -> list[Change]:
    """How one file's columns (name, Spark type; no type for text) differ from a table's declaration."""

    def change(kind: ChangeKind, column: str, declared: str = "", found: str = "") -> Change:
        return Change(kind=kind, table=table.name, column=column, declared=declared, found=found)

    spelled: dict[str, list[str]] = {}
    for name, _ in schema:
        spelled.setdefault(name.casefold(), []).append(name)
    types = dict(schema)
    changes: list[Change] = []
    gone: dict[str, str] = {}
    for column, declared in table.columns.items():
        names = spelled.pop(column.casefold(), [])
        if len(names) > 1:
            changes.append(change(ChangeKind.DUPLICATED, column, declared, ", ".join(names)))
            continue
        if not names:
            gone[column] = declared
            continue
        if names[0] != column:
            changes.append(change(ChangeKind.CASE_CHANGED, column, declared, names[0]))
        found = types[names[0]]
        if found and found != declared:
            changes.append(change(ChangeKind.RETYPED, column, declared, found))
    new = {name: types[name] for names in spelled.values() for name in names}
    renames = _renames(gone, new)
    for column, declared in gone.items():
        if column in renames:
            changes.append(change(ChangeKind.RENAMED, column, declared, renames.pop(column)))
            continue
        changes.append(change(ChangeKind.MISSING, column, declared))
    taken = {item.found for item in changes if item.kind is ChangeKind.RENAMED}
    changes += [change(ChangeKind.ADDED, name, found=type_) for name, type_ in new.items() if name not in taken]
    return changes


def _renames(gone: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    """The likely new name of each column that is gone: the most similar one of the same type, each used once."""
    pairs = sorted(
        (
            (_similarity(old, name), old, name)
            for old, declared in gone.items()
            for name, type_ in new.items()
            if type_ in (declared, "")
        ),
        key=lambda pair: (-pair[0], pair[1], pair[2]),
    )
    found: dict[str, str] = {}
    for score, old, name in pairs:
        # With one column gone and one new of its type there is only one candidate, whatever it is called.
        alone = len(gone) == 1 and len(new) == 1 and new[name] != ""
        if (score >= _SIMILAR or alone) and old not in found and name not in found.values():
            found[old] = name
    return found


def _similarity(old: str, new: str) -> float:
    """How alike two names are, 0 to 1: as written, or by their words in any order (booked_date, date_booked)."""
    left, right = old.casefold(), new.casefold()
    words = SequenceMatcher(None, sorted(left.split("_")), sorted(right.split("_"))).ratio()
    return max(SequenceMatcher(None, left, right).ratio(), words)
