"""Reads one raw table of a sources file strictly: where it is, how it is written, which columns it has."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field

from dq.base.errors import Finding, UsageError, choices
from dq.base.paths import is_address
from dq.base.strict import Strict
from dq.base.yamlfile import Document, Key
from dq.sources.config import MONTH, Format, Jdbc, RawTable
from dq.sources.contracts import NAME
from dq.sources.csvfile import RFC_4180, Dialect
from dq.sources.type_names import canonical

# The letters of Spark's date patterns that read a point in time; text stands in quotes, and [] holds what may lack.
_PATTERN = re.compile(r"(?:'[^']*'|[GyMLdEaHhKkmsSVzOXxZ]+|[^A-Za-z'{}#])+")
_OF_FILES = [one for one in Format if one not in (Format.TABLE, Format.JDBC)]
_TABLE = re.compile(r"[^\s./`]+(\.[^\s./`]+){0,2}")
_QUOTED = re.compile(r"'[^']*'")


class _CsvText(Strict):
    delimiter: str = Field(default=",", description="What separates values: one character, or tab.")
    header: bool = Field(default=True, description="Whether line 1 holds the names; else they are those of columns.")
    encoding: str = Field(default="utf-8", description="The character set, such as cp1252.")
    quote: str = Field(default='"', description="What values are quoted with; within a value it is doubled.")


class _PartitionText(Strict):
    column: str = Field(min_length=1, description="A number, day or time that the database can search by.")
    low: str = Field(min_length=1, description="About its least value.")
    high: str = Field(min_length=1, description="About its greatest value.")
    parts: int = Field(ge=2, le=200, description="How many connections read at a time.")


class _JdbcText(Strict):
    connection: str = Field(
        pattern=r"^[a-z][a-z0-9-]*$", description="The name of the secret that holds the address: jdbc:…"
    )
    table: str = ""
    query: str = ""
    driver: str = Field(default="", description="The class of the driver, where it does not register itself.")
    partition: _PartitionText | None = None


class TableText(Strict):
    """A raw table as a sources file declares it."""

    path: str = Field(default="", description="Below the root; {month} is a month such as 2026-10, * and ? match.")
    format: str = Field(
        default="",
        description="How the files are written; json is an object on each line.",
        json_schema_extra={"enum": [*_OF_FILES]},
    )
    table: str = Field(default="", description="Instead of path and format: a table such as catalog.schema.name.")
    jdbc: _JdbcText | None = Field(default=None, description="Instead of path and format: a table of a database.")
    columns: dict[str, str] = Field(min_length=1, description="The columns that the files hold, with their types.")
    timezone: str | None = Field(default=None, description="The zone of times that name none, such as UTC.")
    partitions: dict[str, str] = Field(
        default={}, description="Columns that are names of folders, such as region=eu, with their types."
    )
    csv: _CsvText | None = None
    date_format: str | None = Field(default=None, description="How text writes days, such as dd.MM.yyyy.")
    timestamp_format: str | None = Field(default=None, description="How text writes times, such as dd.MM.yyyy HH:mm.")


def table(name: str, text: TableText, document: Document, findings: list[Finding]) -> RawTable:
    """The raw table a text declares; what is wrong with it is added to the findings."""
    key: Key = ("tables", name)

    wrong = document.mistakes(findings, key)

    if not NAME.fullmatch(name):
        wrong((), "a raw table's name is lower-case letters, digits and underscores")
    format_, path = _where(text, document, key, findings)
    if format_ is Format.DELTA:
        if re.search("[*?{}]", text.path):
            wrong(("path",), f"{text.path} is a pattern; a Delta table is one folder")
        if text.partitions:
            wrong(("partitions",), "a Delta table knows which columns are its folders: declare them as columns")
    columns: dict[str, str] = {}
    for place, declared in (("columns", text.columns), ("partitions", text.partitions)):
        for column, type_ in declared.items():
            twin = next((other for other in columns if other.casefold() == column.casefold()), None)
            if twin is not None:
                difference = "is among the columns too" if twin == column else f"differs from {twin} only in case"
                wrong((place, column), f"{difference}; Spark cannot tell them apart")
            if not column.strip() or (place == "partitions" and not re.fullmatch(r"[^=/]+", column)):
                wrong((place, column), "a column needs a name")
            columns[column] = ""
            try:
                columns[column] = canonical(type_)
            except ValueError as error:
                wrong((place, column), str(error))
            if "<" in columns[column] and (place == "partitions" or format_ is Format.CSV):
                wrong((place, column), f"{columns[column]} cannot be said by text")
    found = RawTable(
        name=name,
        path=path,
        format=format_,
        columns=columns,
        timezone=text.timezone or "",
        csv=_dialect(text, document, key, findings),
        partitions=tuple(text.partitions),
        date_format=text.date_format or "",
        timestamp_format=text.timestamp_format or "",
        jdbc=_jdbc(text.jdbc, document, key, findings) if text.jdbc else None,
    )
    naive = [column for column, type_ in columns.items() if _needs_zone(found, column, type_)]
    if text.timezone is not None and not _is_zone(text.timezone):
        wrong(("timezone",), f"{text.timezone} is not a time zone, expected a name such as UTC or America/New_York")
    if naive and text.timezone is None:
        wrong((), f"{', '.join(naive)} may hold times without a zone: say their timezone, such as UTC")
    for place, pattern, needed in (
        ("date_format", text.date_format, "yMd"),
        ("timestamp_format", text.timestamp_format, "yMdHm"),
    ):
        if pattern is None:
            continue
        if not format_.as_text:
            wrong((place,), f"is for text; a {format_} holds days and times as such")
        if message := pattern_mistake(pattern, needed):
            wrong((place,), message)
    return found


def _where(text: TableText, document: Document, key: Key, findings: list[Finding]) -> tuple[Format, str]:
    """How a table is kept, and its path below the root or its name in a catalogue."""
    wrong = document.mistakes(findings, key)

    if text.table or text.jdbc:
        whole = "a catalogue" if text.table else "a database"
        for place, given in (("path", text.path), ("format", text.format), ("partitions", text.partitions)):
            if given:
                wrong((place,), f"is not for a table of {whole}, which has it by its name")
        if text.jdbc:
            if text.table:
                wrong(("table",), "stands beside jdbc; a table is in a catalogue or in a database")
            return Format.JDBC, text.jdbc.table or "the query"
        if not _TABLE.fullmatch(text.table):
            wrong(("table",), f"{text.table} is not the name of a table, expected such as catalog.schema.name")
        return Format.TABLE, text.table
    if not text.path:
        wrong((), "say where it is: path and format of its files, or table, its name in a catalogue of Spark, or jdbc")
    for message in _path_mistakes(text.path):
        wrong(("path",), message)
    if text.format not in _OF_FILES and text.path:
        wrong(("format",), f"{text.format} cannot be pinned to files; {choices(text.format, _OF_FILES)}")
    return Format(text.format) if text.format in _OF_FILES else Format.PARQUET, text.path.rstrip("/")


def _jdbc(text: _JdbcText, document: Document, key: Key, findings: list[Finding]) -> Jdbc:
    wrong = document.mistakes(findings, (*key, "jdbc"))
    if bool(text.table) == bool(text.query):
        wrong((), "needs either a table or a query")
    part = text.partition
    if part is not None and text.query:
        wrong(("partition",), "is for a table; Spark reads a query in one part")
    return Jdbc(
        connection=text.connection,
        table=text.table,
        query=text.query,
        driver=text.driver,
        partition=(part.column, part.low, part.high, part.parts) if part else None,
    )


def pattern_mistake(pattern: str, needed: str) -> str:
    """What is wrong with a pattern of Spark for days or times, empty for nothing; ``needed`` are letters it must have.

    ``L`` counts as ``M``, and an hour may be one of twelve.
    """
    if not _PATTERN.fullmatch(pattern):
        return f"{pattern} is not a pattern of Spark, expected such as dd.MM.yyyy or yyyy-MM-dd HH:mm:ss"
    letters = _QUOTED.sub("", pattern).replace("L", "M")
    letters = letters.replace("h", "H") if "a" in letters else letters
    lacking = [letter for letter in needed if letter not in letters]
    if not lacking:
        return ""
    return f"{pattern} does not say all of a day or time: {', '.join(lacking)} is missing"


def _dialect(text: TableText, document: Document, key: Key, findings: list[Finding]) -> Dialect:
    if text.csv is None:
        return RFC_4180
    if text.format != Format.CSV:
        findings.append(document.finding((*key, "csv"), f"is for csv; the format is {text.format}"))
    try:
        return Dialect(
            delimiter="\t" if text.csv.delimiter == "tab" else text.csv.delimiter,
            header=text.csv.header,
            encoding=text.csv.encoding,
            quote=text.csv.quote,
            names=tuple(text.columns),
        )
    except UsageError as error:
        findings.append(document.finding((*key, "csv"), str(error)))
        return RFC_4180


def _path_mistakes(path: str) -> list[str]:
    if "://" in path or is_address(path):
        return [f"{path} cannot be pinned: only files below the root can; copy or mount it there"]
    found = []
    if path.startswith("/") or ".." in path.split("/"):
        found.append(f"{path} leaves the root; paths are relative to it")
    rest = path.replace(MONTH, "")
    if re.search(r"[{}\[\]\\]", rest) or "**" in rest:
        found.append(f"{path} has a placeholder that is not known; valid: {MONTH}, * and ?")
    return found


def _needs_zone(declared: RawTable, column: str, type_: str) -> bool:
    """Whether values may be times of a wall clock; a time in text with a zone in its pattern is none."""
    if type_ == "timestamp" and declared.as_text(column):
        return not has_zone(declared.timestamp_format)
    return type_ == "timestamp_ntz"


def has_zone(pattern: str) -> bool:
    """Whether a pattern of Spark for times reads a zone."""
    return re.search("[VzOXxZ]", _QUOTED.sub("", pattern)) is not None


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
