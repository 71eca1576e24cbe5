"""A company's sources: where its raw tables are and how they become the sources the contracts describe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from dq.base.errors import ConfigError, Finding, choices
from dq.base.model import Json
from dq.base.yamlfile import Document, Key
from dq.sources.contracts import Contract, ReadRule
from dq.sources.csvfile import RFC_4180, Dialect
from dq.sources.mapping import SourceQuery

MONTH = "{month}"


class Format(StrEnum):
    """How the files of a raw table are written."""

    PARQUET = "parquet"
    CSV = "csv"
    JSON = "json"
    ORC = "orc"
    AVRO = "avro"
    DELTA = "delta"
    TABLE = "table"
    JDBC = "jdbc"

    @property
    def as_text(self) -> bool:
        """Whether values are read as the text they are written as, and converted at the end."""
        return self in (Format.CSV, Format.JSON)


@dataclass(frozen=True, kw_only=True)
class Jdbc:
    """A table or query of a database. ``connection`` is the name of the secret that holds its address.

    ``partition`` are the column, the least and the greatest value by which it is read in so many parts at a time.
    """

    connection: str
    table: str = ""
    query: str = ""
    driver: str = ""
    partition: tuple[str, str, str, int] | None = None


@dataclass(frozen=True, kw_only=True)
class RawTable:
    """A table of the company as it is: path below the root or name in a catalogue, format, columns with their types.

    ``timezone`` is the zone of its timestamps without a zone, empty where it has none. ``partitions`` are those of the
    columns that no file holds, but the names of its folders: ``region=eu``. ``date_format`` and ``timestamp_format``
    are Spark's patterns for what text says otherwise than ISO 8601.
    """

    name: str
    path: str
    format: Format
    columns: Mapping[str, str]
    timezone: str = ""
    csv: Dialect = RFC_4180
    partitions: tuple[str, ...] = ()
    date_format: str = ""
    timestamp_format: str = ""
    jdbc: Jdbc | None = None

    @property
    def in_files(self) -> Mapping[str, str]:
        """The columns that the files themselves hold."""
        return {name: type_ for name, type_ in self.columns.items() if name not in self.partitions}

    def as_text(self, column: str) -> bool:
        """Whether a column is read as text and converted at the end; lists and structs have their types in JSON."""
        plain = self.format is not Format.JSON or "<" not in self.columns[column]
        return column in self.partitions or (self.format.as_text and plain)


@dataclass(frozen=True, kw_only=True)
class Absence:
    """A source the company does not have: who answers for that, and why it is so."""

    owner: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """Arguments of a check that are different for this company, and why."""

    kwargs: Mapping[str, Json]
    reason: str


@dataclass(frozen=True, kw_only=True)
class Closed:
    """The days on which a company is closed, and so nothing is expected of any source or table of days, and why."""

    weekdays: Sequence[str] = ()
    days: Sequence[str] = ()
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Source:
    """One source of one company: the checked SELECT that makes the contract's columns, or its declared absence.

    ``accepted`` narrows the values of columns, ``feeds`` lists the feeds that must be there, ``absent_columns`` the
    contract's columns the company has not, with the reason.
    """

    name: str
    contract: Contract
    query: SourceQuery | None = None
    absent: Absence | None = None
    accepted: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    feeds: Sequence[Mapping[str, Json]] = ()
    may_be_empty: bool = False
    absent_columns: Mapping[str, str] = field(default_factory=dict)
    where: str = ""


@dataclass(frozen=True, kw_only=True)
class SourcesConfig:
    """A company's sources: its raw tables and, for every contract, the source that fulfils it.

    ``root`` is the folder the tables' paths start from; None where only an environment variable that is not set could
    say it. ``root_env`` is that variable. ``currency`` is the one all its amounts are in, as ISO 4217 names it, empty
    where no source needs it. ``thresholds`` are by check, in place of those of the suites, ``closed`` the days on which
    nothing is expected.
    """

    company: str
    file: str
    root: Path | None
    root_env: str
    tables: Mapping[str, RawTable]
    sources: Mapping[str, Source]
    document: Document
    thresholds: Mapping[str, Threshold] = field(default_factory=dict)
    closed: Closed = field(default_factory=Closed)
    currency: str = ""

    def finding(self, key: Key, message: str) -> Finding:
        """A mistake at a place in the sources file."""
        return self.document.finding(key, message)

    def contract(self, name: str) -> Contract:
        """The contract of a source."""
        return self.source(name).contract

    def absence(self, name: str) -> Absence | None:
        """Why a source is declared absent, None where it is there."""
        return self.source(name).absent

    def feeds(self, name: str) -> Sequence[Mapping[str, Json]]:
        """The feeds that must be in a source: column -> value, ``from_day`` of the month on, again ``every_days``."""
        return self.source(name).feeds

    def source(self, name: str) -> Source:
        """The source of that name; a ConfigError lists the valid ones."""
        if name not in self.sources:
            raise ConfigError([Finding(self.file, 0, name, f"is not a source; {choices(name, list(self.sources))}")])
        return self.sources[name]

    def reading(self, rules: Mapping[str, ReadRule]) -> SourcesConfig:
        """These sources, those named read by exactly that rule: no days before or after what it reads."""
        changed = {
            name: replace(self.source(name).contract, read=rule, lookback_days=0, lookahead_days=0)
            for name, rule in rules.items()
        }
        sources = {name: replace(self.sources[name], contract=contract) for name, contract in changed.items()}
        return replace(self, sources={**self.sources, **sources})

    def needs_spark(self, name: str) -> bool:
        """Whether only Spark can say what a source is made of."""
        return any(table.format in (Format.TABLE, Format.JDBC) for table in self.raw_tables(name))

    def raw_tables(self, name: str) -> tuple[RawTable, ...]:
        """The raw tables a source is made from."""
        query = self.source(name).query
        return tuple(self.tables[table] for table in query.tables) if query else ()
