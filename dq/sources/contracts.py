"""Source contracts: what the jobs need of each source, read from ``jobs/contracts.yml``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from pydantic import Field

from dq.base.errors import ConfigError, Finding, choices
from dq.base.model import RAW_PREFIX
from dq.base.strict import Strict
from dq.base.yamlfile import Document, Key, read_model
from dq.sources.type_names import canonical

NAME = re.compile(r"[a-z][a-z0-9_]*")
# The engine looks for raw values under the same prefix. The packages do not import each other; a test keeps them equal.


class DuplicateRule(StrEnum):
    """What becomes of rows that share their key: dropped and counted where they are one row delivered again."""

    DROP_IDENTICAL = "drop_identical"


class ReadRule(StrEnum):
    """Which rows of a source a run reads: those of the month so far, of the year so far, or all up to its last day."""

    PERIOD = "period"
    YEAR = "year"
    UNTIL = "until"


@dataclass(frozen=True, kw_only=True)
class ContractColumn:
    """One column of a contract: its Spark type after mapping and what is promised of its values.

    ``accepted`` is the closed set of values, None where any is good; of a ``currency`` column it is the company's own.
    ``where`` is the file and line it is declared at.
    """

    name: str
    type: str
    required: bool = False
    accepted: tuple[str, ...] | None = None
    currency: bool = False
    description: str = ""
    where: str = ""


@dataclass(frozen=True, kw_only=True)
class Contract:
    """What the jobs need of one source.

    ``key`` columns identify a row together. Exactly one of ``day`` (a date column: the UTC day a row belongs to) and
    ``month`` (a text column ``2026-10``) places a row in time; ``known_at`` is the instant a row became known, empty
    for a source that is read whole. A job also sees so many ``lookback_days`` before the period and, as far as they are
    known, ``lookahead_days`` after the last day covered; checks judge the period alone. ``delivery`` are the columns in
    which one row delivered twice may differ: a job sees the first delivery; empty where a repeated key is a failure
    whatever the rows hold.
    """

    name: str
    description: str
    key: tuple[str, ...]
    read: ReadRule
    columns: Mapping[str, ContractColumn]
    day: str = ""
    month: str = ""
    known_at: str = ""
    lookback_days: int = 0
    lookahead_days: int = 0
    delivery: tuple[str, ...] = ()
    where: str = ""
    key_where: str = field(default="", compare=False)

    @property
    def placed_by(self) -> str:
        """The column that places a row in time."""
        return self.day or self.month


Contracts = Mapping[str, Contract]
"""The contracts of all sources, by source name."""


class _ColumnText(Strict):
    type: str
    required: bool = False
    accepted: list[str] | None = Field(default=None, min_length=1)
    currency: bool = False
    description: str = ""


class _DuplicatesText(Strict):
    rule: str
    delivery: list[str] = Field(min_length=1)


class _ContractText(Strict):
    description: str
    key: list[str] = Field(min_length=1)
    day: str | None = None
    month: str | None = None
    read: str
    known_at: str | None = None
    lookback_days: int = Field(default=0, ge=0, le=31)
    lookahead_days: int = Field(default=0, ge=0, le=31)
    duplicates: _DuplicatesText | None = None
    columns: dict[str, _ColumnText] = Field(min_length=1)


class ContractsFile(Strict):
    """``jobs/contracts.yml``: what the jobs need of each source."""

    sources: dict[str, _ContractText] = Field(min_length=1)


def load_contracts(path: Path, *, shown: str | None = None) -> Contracts:
    """The contracts of a file by source name, or a ConfigError with every mistake in it.

    ``shown`` is the file's name in messages and in the ``where`` of checks, the path itself if not given.
    """
    file, document = read_model(path, ContractsFile, shown=shown)
    findings: list[Finding] = []
    found = {name: _contract(name, text, document, ("sources", name), findings) for name, text in file.sources.items()}
    if findings:
        raise ConfigError(findings)
    return found


def _contract(name: str, text: _ContractText, document: Document, key: Key, findings: list[Finding]) -> Contract:
    wrong = document.mistakes(findings, key)

    if not NAME.fullmatch(name):
        wrong((), "a source's name is lower-case letters, digits and underscores")
    columns = {
        column: _column(column, declared, document, (*key, "columns", column), findings)
        for column, declared in text.columns.items()
    }

    def must_be(field_: str, column: str | None, type_: str) -> None:
        if column is None:
            return
        if column not in columns:
            wrong((field_,), f"{column} is not a column of {name}; {choices(column, list(columns))}")
        elif columns[column].type not in (type_, ""):
            wrong((field_,), f"{column} is {columns[column].type}; {field_} must be a {type_} column")

    must_be("day", text.day, "date")
    must_be("month", text.month, "string")
    must_be("known_at", text.known_at, "timestamp")
    if (text.day is None) == (text.month is None):
        wrong((), "exactly one of day and month must be given: it places a row in time")
    for index, column in enumerate(text.key):
        if column not in columns:
            wrong(("key", index), f"{column} is not a column of {name}; {choices(column, list(columns))}")
        elif column in text.key[:index]:
            wrong(("key", index), f"{column} appears twice in the key")
    for name_, given, where in (
        ("lookback_days", text.lookback_days, "before"),
        ("lookahead_days", text.lookahead_days, "after"),
    ):
        if given and (text.read != ReadRule.PERIOD or text.day is None):
            wrong((name_,), f"only a source that is read by the days of a period has days {where} it")
    if text.duplicates is not None and text.duplicates.rule not in tuple(DuplicateRule):
        rules = choices(text.duplicates.rule, list(DuplicateRule))
        wrong(("duplicates", "rule"), f"{text.duplicates.rule} is not a rule for duplicates; {rules}")
    delivery = text.duplicates.delivery if text.duplicates is not None else []
    for index, column in enumerate(delivery):
        if column not in columns:
            message = f"{column} is not a column of {name}; {choices(column, list(columns))}"
            wrong(("duplicates", "delivery", index), message)
        elif column in text.key or column in delivery[:index]:
            wrong(("duplicates", "delivery", index), f"{column} stands in the key or twice")
    if text.read not in tuple(ReadRule):
        wrong(("read",), f"{text.read} is not a read rule; {choices(text.read, list(ReadRule))}")
    return Contract(
        name=name,
        description=text.description,
        key=tuple(text.key),
        read=ReadRule(text.read) if text.read in tuple(ReadRule) else ReadRule.UNTIL,
        columns=columns,
        day=text.day or "",
        month=text.month or "",
        known_at=text.known_at or "",
        lookback_days=text.lookback_days,
        lookahead_days=text.lookahead_days,
        delivery=tuple(delivery),
        where=f"{document.file}:{document.line(key)}",
        key_where=f"{document.file}:{document.line((*key, 'key'))}",
    )


def _column(name: str, text: _ColumnText, document: Document, key: Key, findings: list[Finding]) -> ContractColumn:
    if not NAME.fullmatch(name) or name.startswith(RAW_PREFIX):
        findings.append(document.finding(key, "a column's name is lower-case letters, digits and underscores"))
    type_ = ""
    try:
        type_ = canonical(text.type)
    except ValueError as error:
        findings.append(document.finding((*key, "type"), str(error)))
    if text.accepted is not None:
        if type_ not in ("string", ""):
            findings.append(document.finding((*key, "accepted"), f"is for string columns; {name} is {type_}"))
        findings.extend(twice(text.accepted, document, (*key, "accepted")))
    if text.currency and (text.accepted is not None or type_ not in ("string", "")):
        findings.append(document.finding((*key, "currency"), "is for string columns without accepted values"))
    return ContractColumn(
        name=name,
        type=type_,
        required=text.required,
        accepted=tuple(text.accepted) if text.accepted is not None else None,
        currency=text.currency,
        description=text.description,
        where=f"{document.file}:{document.line(key)}",
    )


def twice(values: list[str], document: Document, key: Key) -> list[Finding]:
    """A finding for each value that appears more than once in a list."""
    return [
        document.finding((*key, index), f"{value} appears twice")
        for index, value in enumerate(values)
        if value in values[:index]
    ]
