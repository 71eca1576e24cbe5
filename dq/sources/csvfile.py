"""CSV files as RFC 4180 has them: their headers, what is wrong with one, and their values as text, read by name."""

from __future__ import annotations

import codecs
import csv
import io
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from dq.base.errors import SourceError, UsageError
from dq.sources.opening import kind, opened
from dq.spark import named_files

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_CHUNK = 1 << 20
_LONGEST = 1 << 24
_NOT_TEXT = re.compile("[\udc80-\udcff]")
_ENDS = {"\r\n": "CR LF", "\n": "LF", "\r": "CR"}
# Python's names of what Spark reads, and Spark's; any other it reads only when told that such are meant too.
_SPARK_ENCODINGS = {
    "utf-8": "utf-8",
    "utf-8-sig": "utf-8",
    "ascii": "us-ascii",
    "iso8859-1": "iso-8859-1",
    "utf-16": "utf-16",
    "utf-16-le": "utf-16le",
    "utf-16-be": "utf-16be",
}
_ANY_ENCODING = "spark.sql.legacy.javaCharsets"


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How CSV files are written: what separates values, whether line 1 holds the names, character set and quote.

    ``names`` are those of the values where line 1 does not hold them.
    """

    delimiter: str = ","
    header: bool = True
    encoding: str = "utf-8"
    quote: str = '"'
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.quote) != 1 or self.quote in "\\\r\n":
            raise UsageError("the quote is not one character", expected="such as \" or '")
        if len(self.delimiter) != 1 or self.delimiter in (self.quote, "\\", "\r", "\n"):
            raise UsageError("the delimiter is not one character", expected="such as ; or | or a tab")
        try:
            "".encode(self.encoding)
        except (LookupError, UnicodeError) as error:
            raise UsageError(
                f"{self.encoding} is not a character set", expected="such as utf-8, latin-1 or cp1252"
            ) from error


RFC_4180 = Dialect()


def is_csv(path: Path) -> bool:
    """Whether a file is CSV by its name, compressed or not."""
    return kind(path) == ".csv"


def header(path: Path, dialect: Dialect = RFC_4180) -> tuple[str, ...]:
    """The names in line 1 of a file; where it has none those that are given, then ``_c7`` and so on, as Spark has it.

    Raises SourceError where there is nothing to read them from, PermissionError and FileNotFoundError as they come.
    """
    try:
        with opened(path) as raw, _text(raw, dialect) as text:
            rows = csv.reader(text, delimiter=dialect.delimiter, quotechar=dialect.quote)
            # Where no names are expected, Spark leaves out empty lines.
            first = next((row for row in rows if row or dialect.header), [])
        "".join(first).encode()  # bytes that are not text do not encode again
    except (PermissionError, FileNotFoundError):
        raise
    except (UnicodeError, csv.Error, OSError, EOFError, zlib.error) as error:
        raise SourceError(
            f"the header of {path} cannot be read",
            expected=f"text in {dialect.encoding}, separated by {dialect.delimiter!r}, names in line 1",
        ) from error
    if not dialect.header:
        if not first:
            raise SourceError("holds no row", where=str(path))
        return (*dialect.names[: len(first)], *(f"_c{number}" for number in range(len(dialect.names), len(first))))
    if not any(name.strip() for name in first):
        raise SourceError(f"{path} has no header", expected="the column names in line 1")
    return tuple(name.strip() for name in first)


def refuse_malformed(path: Path, dialect: Dialect = RFC_4180) -> None:
    """Raise SourceError, with the row, for a file that Spark would read as something else without a word.

    That is one with bytes that are not text in its character set, with quotes that are not closed or not doubled, or
    with rows that end in different ways.
    """
    decoder = codecs.getincrementaldecoder(_python(dialect))()
    quoted, ends, held = False, set[str](), ""
    try:
        with opened(path) as raw:
            while chunk := raw.read(_CHUNK):
                text = held + decoder.decode(chunk)
                held = "\r" if text.endswith("\r") else ""  # a LF may follow in the next chunk
                text = text.removesuffix("\r")
                quoted = quoted or dialect.quote in text
                ends |= _ends(text)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise _wrong(path, dialect) or SourceError(f"{path} is not text in {dialect.encoding}") from error
    except EOFError as error:
        raise SourceError(f"{path} is torn: its end is missing", do="deliver it again") from error
    except (OSError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or "it cannot be unpacked"
        raise SourceError(f"{path} cannot be read: {reason.lower()}") from error
    # Row by row only where it can matter: that takes several times as long.
    if (quoted or len(ends | _ends(held)) > 1) and (found := _wrong(path, dialect, ragged=False)):
        raise found


def refuse_ragged(paths: Sequence[Path], dialect: Dialect = RFC_4180) -> None:
    """Raise SourceError, with the row, for the first file with a row that has too few or too many values.

    Reads the files in Python: for saying why, once Spark has failed on one.
    """
    for path in paths:
        if found := _wrong(path, dialect):
            raise found


def row_with(path: Path, position: int, value: str, dialect: Dialect = RFC_4180) -> int | None:
    """The first row of a file with a value at a position, counted from the header as row 1."""
    csv.field_size_limit(_LONGEST)
    with opened(path) as raw, _text(raw, dialect) as text:
        rows = csv.reader(text, delimiter=dialect.delimiter, quotechar=dialect.quote)
        return next((n for n, row in enumerate(rows, start=1) if position < len(row) and row[position] == value), None)


def _ends(text: str) -> set[str]:
    """The ways in which the lines of a text end."""
    both = text.count("\r\n")
    counts = {"\r\n": both, "\r": text.count("\r") - both, "\n": text.count("\n") - both}
    return {end for end, count in counts.items() if count}


def _wrong(path: Path, dialect: Dialect, *, ragged: bool = True) -> SourceError | None:
    """What is wrong with the first row that cannot be read, counted from the header as row 1."""
    csv.field_size_limit(_LONGEST)
    number, wanted, end, last = 0, 0, "", [""]

    def lines(text: io.TextIOWrapper) -> Iterator[str]:
        for line in text:
            last[0] = line
            yield line

    with opened(path) as raw, _text(raw, dialect) as text:
        reader = csv.reader(lines(text), delimiter=dialect.delimiter, quotechar=dialect.quote, strict=True)
        try:
            for number, row in enumerate(reader, start=1):
                wanted = wanted or len(row)
                if any(_NOT_TEXT.search(value) for value in row):
                    what = f"row {number} is not text in {dialect.encoding.upper()}"
                    return SourceError(what, where=str(path), do="write it anew, or say its encoding")
                # A quoted value may hold any line end; the last line of a row is where the row ends.
                ended = next((known for known in _ENDS if last[0].endswith(known)), end)
                end = end or ended
                if ended != end:
                    what = f"row {number} ends with {_ENDS[ended]}, row 1 with {_ENDS[end]}"
                    return SourceError(what, where=str(path), do="write it with the same line ends throughout")
                if ragged and row and len(row) != wanted:
                    what = f"row {number} has {len(row)} of {wanted} values"
                    return SourceError(what, where=str(path), do="correct it; quote values that hold the delimiter")
        except csv.Error as error:
            what = f"row {number + 1} has characters behind a closing quote"
            if "end of data" in str(error):
                what = f"row {number + 1} has a quote that is not closed"
            elif "limit" in str(error):
                what = f"row {number + 1} has a value that is too long: is a quote not closed?"
            return SourceError(what, where=str(path), do="close each quote; double those within a value")
        except UnicodeError:
            return None
    return None


def as_text(
    spark: SparkSession,
    by_header: Mapping[tuple[str, ...], Sequence[str]],
    dialect: Dialect = RFC_4180,
    base: str = "",
) -> list[tuple[tuple[str, ...], DataFrame]]:
    """A frame for each header with the files that have it: every value as text, columns named by their position.

    ``base`` is the folder below which levels such as ``day=2026-10-01`` become columns, as text. A row with too few or
    too many values fails the query that reads it.
    """
    encoding = codecs.lookup(dialect.encoding).name
    if encoding not in _SPARK_ENCODINGS:
        spark.conf.set(_ANY_ENCODING, "true")
    options = {
        "header": str(dialect.header).lower(),
        "encoding": _SPARK_ENCODINGS.get(encoding, encoding),
        "sep": dialect.delimiter,
        # RFC 4180: quotes are doubled, and a quoted value may hold line breaks.
        "quote": dialect.quote,
        "escape": dialect.quote,
        "multiLine": "true",
        # A row with too few or too many values is an error, which Spark only sees when it parses all columns.
        "mode": "FAILFAST",
        "columnPruning": "false",
        **({"basePath": base} if base else {}),
    }
    frames = []
    for names, paths in by_header.items():
        schema = ", ".join(f"`{position}` string" for position in range(len(names)))
        frames.append((names, named_files.read(spark, "csv", paths, schema=schema, options=options)))
    return frames


def _python(dialect: Dialect) -> str:
    """The character set as Python reads it: a mark of byte order at the beginning is not part of the first name."""
    name = codecs.lookup(dialect.encoding).name
    return "utf-8-sig" if name == "utf-8" else name


def _text(raw: BinaryIO, dialect: Dialect) -> io.TextIOWrapper:
    """The characters of a file; bytes that are not text become surrogates, so that one does not hide the rows above."""
    return io.TextIOWrapper(raw, encoding=_python(dialect), errors="surrogateescape", newline="")
