"""Reads a sources file strictly: every mistake in it at once, each with its line, before Spark starts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from dq.base.errors import ConfigError, Finding, choices
from dq.base.model import EVERY_DAYS, FROM_DAY, Json
from dq.base.paths import local
from dq.base.strict import Strict
from dq.base.yamlfile import Document, Key, read_model
from dq.sources.config import Absence, Closed, RawTable, Source, SourcesConfig, Threshold
from dq.sources.contracts import Contract, Contracts, twice
from dq.sources.declared_tables import TableText, table
from dq.sources.mapping import MappingError, SourceQuery, parse

LAST_DAY = 31


class _RootText(Strict):
    env: str = Field(pattern=r"^[A-Z][A-Z0-9_]*$")
    default: str | None = None


class _AbsenceText(Strict):
    owner: str = Field(min_length=1)
    reason: str = Field(min_length=1)


class _SourceText(Strict):
    select: str | None = None
    absent: _AbsenceText | None = None
    accepted: dict[str, list[str]] = {}
    feeds: list[dict[str, str | int]] = []
    may_be_empty: bool = False
    absent_columns: dict[str, str] = {}


class _ThresholdText(Strict):
    kwargs: dict[str, object] = Field(min_length=1)
    reason: str = Field(min_length=1)


class _ClosedText(Strict):
    weekdays: list[Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]] = []
    days: list[Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]] = []
    reason: str = Field(min_length=1)


class SourcesFile(Strict):
    """A sources file: where a company's raw tables are, the SELECT that makes each source, and its own thresholds.

    On the days on which the company is ``closed`` nothing is expected of any source or published table of days.
    """

    company: str = Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$")
    root: _RootText
    currency: str = Field(
        default="", pattern=r"^([A-Z]{3})?$", description="What all amounts are in, as ISO 4217 names it, such as EUR."
    )
    tables: dict[str, TableText] = Field(min_length=1)
    sources: dict[str, _SourceText] = Field(min_length=1)
    thresholds: dict[str, _ThresholdText] = {}
    closed: _ClosedText | None = None


def load_sources(path: Path, contracts: Contracts, *, shown: str | None = None) -> SourcesConfig:
    """A sources file checked against the contracts, or a ConfigError with every mistake in it.

    ``shown`` is the file's name in messages and in the ``where`` of checks, the path itself if not given.
    """
    file, document = read_model(path, SourcesFile, shown=shown)
    findings: list[Finding] = []
    tables = {name: table(name, text, document, findings) for name, text in file.tables.items()}
    sources = {}
    for name, text in file.sources.items():
        if name not in contracts:
            findings.append(document.finding(("sources", name), f"has no contract; {choices(name, list(contracts))}"))
            continue
        sources[name] = _SourceReader(name, contracts[name], document, findings).source(text, tables)
    for name in contracts:
        if name not in file.sources:
            message = f"the contract {name} is missing: give it a select, or absent with owner and reason"
            findings.append(document.finding(("sources",), message))
    for name, threshold in file.thresholds.items():
        if not threshold.reason.strip():
            findings.append(document.finding(("thresholds", name, "reason"), "say why it is different here"))
    for index, day in enumerate(file.closed.days if file.closed else ()):
        try:
            date.fromisoformat(day)
        except ValueError:
            findings.append(document.finding(("closed", "days", index), f"{day} is not a day of the calendar"))
    if not file.currency:
        for name, source in sources.items():
            for column in source.contract.columns.values():
                if column.currency and source.query is not None and column.name not in source.absent_columns:
                    message = f"declare what all amounts are in, such as EUR: {name}.{column.name} must say the same"
                    findings.append(document.finding(("currency",), message))
    if findings:
        raise ConfigError(findings)
    return SourcesConfig(
        company=file.company,
        file=document.file,
        root=_root(file.root, path),
        root_env=file.root.env,
        tables=tables,
        sources=sources,
        document=document,
        currency=file.currency,
        thresholds={
            name: Threshold(kwargs=_json(threshold.kwargs), reason=threshold.reason)
            for name, threshold in file.thresholds.items()
        },
        closed=Closed(**file.closed.model_dump()) if file.closed else Closed(),
    )


def _json(value: Mapping[str, object]) -> dict[str, Json]:
    return dict(value)  # type: ignore[arg-type]  # the reader yields JSON values only


def _root(text: _RootText, path: Path) -> Path | None:
    given = os.environ.get(text.env) or text.default
    if given is None:
        return None
    root = local(given, text.env if os.environ.get(text.env) else f"{path}: root.default").expanduser()
    # A relative default is meant relative to the file it stands in, a relative variable to the working directory.
    base = Path.cwd() if os.environ.get(text.env) else path.resolve().parent
    return Path(os.path.normpath(base / root))


class _SourceReader:
    """Reads one source's text and collects what is wrong with it."""

    def __init__(self, name: str, contract: Contract, document: Document, findings: list[Finding]) -> None:
        self.name = name
        self.contract = contract
        self.document = document
        self.findings = findings

    def wrong(self, place: Key, message: str) -> None:
        self.findings.append(self.document.finding(("sources", self.name, *place), message))

    def source(self, text: _SourceText, tables: Mapping[str, RawTable]) -> Source:
        if (text.select is None) == (text.absent is None):
            self.wrong((), "needs either a select or absent with owner and reason")
        self._absent_columns(text)
        query = self._query(text, tables) if text.select is not None else None
        return Source(
            name=self.name,
            contract=self.contract,
            query=query,
            absent=Absence(owner=text.absent.owner, reason=text.absent.reason) if text.absent else None,
            accepted=self._accepted(text),
            feeds=self._feeds(text),
            may_be_empty=text.may_be_empty,
            absent_columns=dict(text.absent_columns),
            where=f"{self.document.file}:{self.document.line(('sources', self.name))}",
        )

    def _known(self, place: Key, column: str) -> bool:
        if column in self.contract.columns:
            return True
        known = choices(column, list(self.contract.columns))
        self.wrong(place, f"{column} is not a column of the contract {self.name}; {known}")
        return False

    def _absent_columns(self, text: _SourceText) -> None:
        for column, reason in text.absent_columns.items():
            place = ("absent_columns", column)
            if self._known(place, column) and column == self.contract.placed_by:
                self.wrong(place, f"{column} places a row in time and cannot be absent")
            if not reason.strip():
                self.wrong(place, "say why the column is absent")
        if set(self.contract.key) <= set(text.absent_columns):
            self.wrong(("absent_columns",), f"the whole key ({', '.join(self.contract.key)}) cannot be absent")

    def _query(self, text: _SourceText, tables: Mapping[str, RawTable]) -> SourceQuery | None:
        try:
            query = parse(text.select or "", {name: table.columns for name, table in tables.items()})
        except MappingError as error:
            for message in error.messages:
                self.wrong(("select",), message)
            return None
        wanted = [column for column in self.contract.columns if column not in text.absent_columns]
        extra = [column for column in query.outputs if column not in wanted]
        for column in wanted:
            if column not in query.outputs:
                likely = choices(column, extra).partition("?")[0] + "?" if extra else ""
                hint = f" ({likely})" if likely.startswith("did you mean") else ""
                self.wrong(("select",), f"does not give the contract's column {column}{hint}")
        for column in extra:
            if column in text.absent_columns:
                self.wrong(("select",), f"gives {column}, which absent_columns says is not there")
            else:
                message = f"gives {column}, which is not a column of the contract; {choices(column, wanted)}"
                self.wrong(("select",), message)
        return query

    def _accepted(self, text: _SourceText) -> dict[str, tuple[str, ...]]:
        for column, values in text.accepted.items():
            place: Key = ("accepted", column)
            if not self._known(place, column):
                continue
            declared = self.contract.columns[column]
            if declared.type != "string":
                self.wrong(place, f"is for string columns; {column} is {declared.type}")
            if not values:
                self.wrong(place, "an empty list accepts nothing")
            self.findings.extend(twice(values, self.document, ("sources", self.name, *place)))
            beyond = [value for value in values if declared.accepted is not None and value not in declared.accepted]
            if beyond:
                # The jobs know the contract's values only; a value beyond them would vanish from the figures.
                self.wrong(place, f"{', '.join(beyond)} is outside the contract's set {list(declared.accepted or ())}")
        return {column: tuple(values) for column, values in text.accepted.items()}

    def _feeds(self, text: _SourceText) -> tuple[Mapping[str, Json], ...]:
        for index, feed in enumerate(text.feeds):
            columns = [column for column in feed if column not in (FROM_DAY, EVERY_DAYS)]
            if not columns:
                self.wrong(("feeds", index), "names no column")
            for column in columns:
                place = ("feeds", index, column)
                if self._known(place, column) and not isinstance(feed[column], str):
                    self.wrong(place, "must be text")
            for key, what in ((FROM_DAY, "a day of the month"), (EVERY_DAYS, "a number of days")):
                days = feed.get(key, 1)
                if not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= LAST_DAY:
                    self.wrong(("feeds", index, key), f"must be {what}, 1 to {LAST_DAY}")
            if EVERY_DAYS in feed and not self.contract.day:
                self.wrong(("feeds", index, EVERY_DAYS), f"needs a day, and {self.name} has its rows by month")
            if feed in text.feeds[:index]:
                self.wrong(("feeds", index), "appears twice")
        return tuple(dict(feed) for feed in text.feeds)
