"""Files that no sources file declares, as a frame: what a path says for itself, for ``dq check``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial, reduce
from pathlib import Path
from typing import TYPE_CHECKING

from dq.base.errors import DqError, SourceError, UsageError
from dq.base.model import PinnedFile
from dq.sources import avrofile, csvfile, csvtypes, jsonlines
from dq.sources.config import Format, RawTable
from dq.sources.csvfile import RFC_4180, Dialect, is_csv
from dq.sources.csvtypes import Patterns
from dq.sources.jsonlines import is_json
from dq.sources.listing import below, split_pattern
from dq.sources.raw_rows import clock_is_utc
from dq.sources.raw_schemas import THREADS, columns_of
from dq.spark import named_files
from dq.spark.identifiers import quote

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_MAGIC = {b"PAR1": Format.PARQUET, b"ORC": Format.ORC, avrofile.MAGIC: Format.AVRO}
_SPOKEN = {Format.CSV: "CSV", Format.JSON: "JSON", Format.PARQUET: "Parquet", Format.ORC: "ORC", Format.AVRO: "Avro"}


def read(
    spark: SparkSession,
    place: Path,
    dialect: Dialect = RFC_4180,
    note: Callable[[str], None] | None = None,
    patterns: Patterns | None = None,
) -> DataFrame:
    """The rows of a file, or of a folder or pattern of files in one format; levels such as ``day=2026-10-01`` are text.

    ``note`` is told which row keeps a column of CSV text whose other values are numbers, days and so on.
    Raises SourceError with the file, and the row where it is one row, for what cannot be read as it was meant.
    """
    format_, found = files_of(place)
    files, base = [Path(file.path) for file in found], _base(place)
    options = {"basePath": str(base.absolute())}
    if format_ is Format.CSV:
        return _csv(spark, files, base, dialect, note, patterns)
    if format_ is Format.JSON:
        return _json(spark, files, options, patterns)
    if format_ is Format.AVRO:
        return avrofile.read(spark, files, base=options["basePath"])
    if format_ is Format.ORC and any("timestamp_ntz" in type_ for _, type_ in columns_of(found[0], _any(format_))):
        clock_is_utc(spark, str(place))
    return named_files.read(spark, format_, files, options=options)


def files_of(place: Path) -> tuple[Format, Sequence[PinnedFile]]:
    """The files of a place, which are all of one format."""
    found = below(place)
    if not found:
        raise SourceError("holds no file", where=str(place))
    files = [Path(file.path) for file in found]
    formats = [_format(file) for file in files]
    known = next((one for one in formats if one), None)
    for file, one in zip(files, formats, strict=True):
        if one is known is None:
            raise _unknown(file, alone=place.is_file())
        if one is not known:
            what = f"{file} is not {_SPOKEN[known]}, as other files there are" if known else ""
            raise SourceError(what, where=str(place))
    assert known is not None  # noqa: S101 - a file without a format was refused
    if known is not Format.CSV:
        with ThreadPoolExecutor(max_workers=THREADS) as pool:
            columns = list(pool.map(partial(columns_of, table=_any(known)), found))
        if known is not Format.JSON:  # where a name that an object lacks is NULL
            # Spark would take the columns of one file for those of all.
            _refuse_different(
                {str(file): [" ".join(one) for one in of] for file, of in zip(files, columns, strict=True)}
            )
    _levels(files, _base(place))
    return known, found


def _any(format_: Format) -> RawTable:
    """A table that declares nothing but its format."""
    return RawTable(name="", path="", format=format_, columns={})


def _base(place: Path) -> Path:
    """The folder below which folders are levels."""
    base, pattern = split_pattern(place)
    return base if pattern or place.is_dir() else place.parent


def _format(path: Path) -> Format | None:
    """What a file holds: by its name where it is text, else by its first bytes."""
    if is_csv(path):
        return Format.CSV
    if is_json(path):
        return Format.JSON
    try:
        with path.open("rb") as file:
            begins = file.read(max(map(len, _MAGIC)))
    except OSError as error:
        raise SourceError(f"cannot be read: {(error.strerror or '').lower()}", where=str(path)) from error
    return next((format_ for magic, format_ in _MAGIC.items() if begins.startswith(magic)), None)


def _unknown(path: Path, *, alone: bool) -> DqError:
    for format_ in _MAGIC.values():
        if path.suffix.lower() == f".{format_}":
            what = f"cannot be read: it does not begin as a {_SPOKEN[format_]} file does"
            return SourceError(what.replace("a ORC", "an ORC").replace("a Avro", "an Avro"), where=str(path))
    known = "a .csv or .json file (also .gz or .bz2), a Parquet, ORC or Avro file"
    if alone:
        return UsageError(
            f"{path} is neither CSV nor JSON, Parquet, ORC or Avro", expected=f"{known}, a folder of such, or a table"
        )
    return SourceError(
        "cannot be read: its name and first bytes do not say what it is", where=str(path), expected=known
    )


def _json(
    spark: SparkSession, files: Sequence[Path], options: Mapping[str, str], patterns: Patterns | None
) -> DataFrame:
    """JSON by its own types, but for fractions, which are decimal where they can be; text is a day or an instant where
    every value of it is one."""
    own = {**jsonlines.OPTIONS, **options}
    inferred = named_files.read(spark, "json", files, options=own)
    levels = {level.casefold() for level in _levels(files, Path(options["basePath"]))}
    kinds = {name: type_ for name, type_ in inferred.dtypes if name.casefold() not in levels}
    schema = ", ".join(f"{quote(name)} {'string' if type_ == 'double' else type_}" for name, type_ in kinds.items())
    frame = named_files.read(spark, "json", files, schema=schema, options=own)
    found = csvtypes.types_of(frame, [name for name, type_ in kinds.items() if type_ in ("double", "string")], patterns)
    # One number may be written in several ways; it is text that may not.
    numbers = {name: found.of.get(name, found.written_twice.get(name, "double")) for name in kinds}
    times = {name: type_ for name, type_ in found.of.items() if type_ in ("date", "timestamp")}
    of = {name: numbers[name] if type_ == "double" else times.get(name, "") for name, type_ in kinds.items()}
    types = csvtypes.Types(
        of={name: type_ for name, type_ in of.items() if type_}, mixed=(), written_twice={}, written=found.written
    )
    return csvtypes.typed(frame, types)


def _refuse_different(columns: Mapping[str, Collection[str]]) -> None:
    """Raise SourceError for the first file whose columns, in whatever order, are not those of the first file."""
    first, *others = columns
    for path in others:
        if different := sorted(set(columns[first]) ^ set(columns[path])):
            raise SourceError(f"its columns differ from those of {first} by {', '.join(different)}", where=path)


def _levels(files: Sequence[Path], base: Path) -> tuple[str, ...]:
    """The columns that the folders between a base and its files name, the same for all of them."""
    found: dict[tuple[str, ...], Path] = {}
    for file in files:
        folders = file.relative_to(base).parts[:-1]
        found.setdefault(tuple(name.partition("=")[0] for name in folders if "=" in name), file)
    if len(found) > 1:
        told = [f"{path} in {', '.join(names) or 'none'}" for names, path in list(found.items())[:2]]
        raise SourceError(f"its files are in different levels: {'; '.join(told)}", where=str(base))
    return next(iter(found))


def _csv(
    spark: SparkSession,
    files: Sequence[Path],
    base: Path,
    dialect: Dialect,
    note: Callable[[str], None] | None,
    patterns: Patterns | None,
) -> DataFrame:
    """CSV files by the names in their headers, whatever their order, with types from their values."""
    levels = _levels(files, base)
    by_header: dict[tuple[str, ...], list[str]] = {}
    for file in files:
        csvfile.refuse_malformed(file, dialect)
        by_header.setdefault(_names(file, levels, dialect), []).append(str(file))
    columns = next(iter(by_header))
    _refuse_different({path: names for names, (path, *_) in by_header.items()})
    frames = []
    for names, frame in csvfile.as_text(spark, by_header, dialect, str(base.absolute())):
        values = [frame[f"`{names.index(name)}`"].alias(name) for name in columns]
        frames.append(frame.select(*values, *(frame[quote(level)] for level in levels)))
    try:
        whole = reduce(lambda left, right: left.unionByName(right), frames)
        types = csvtypes.types_of(whole, columns, patterns)
        for odd in csvtypes.odd_values(whole, types) if note else ():
            if note and (where := _row(odd, by_header, dialect)):
                note(f"{odd.column} stays text: {where} {odd.does}")
        return csvtypes.typed(whole, types)
    except Exception:
        csvfile.refuse_ragged(files, dialect)
        raise


def _row(odd: csvtypes.Odd, by_header: Mapping[tuple[str, ...], Sequence[str]], dialect: Dialect) -> str:
    """The row that holds an odd value, as people find it; empty where Python reads the files otherwise than Spark."""
    for names, paths in by_header.items():
        for path in paths:
            if number := csvfile.row_with(Path(path), names.index(odd.column), odd.value, dialect):
                return f"row {number} of {path}"
    return ""


def _names(path: Path, levels: Sequence[str], dialect: Dialect) -> tuple[str, ...]:
    """The columns of a file; one without a name is called by its number, as Spark calls it."""
    names = tuple(name or f"_c{number}" for number, name in enumerate(csvfile.header(path, dialect)))
    spelled = Counter(name.casefold() for name in (*names, *levels))
    twice = next((name for name in names if spelled[name.casefold()] > 1), None)
    if twice is None:
        return names
    if twice.casefold() in (level.casefold() for level in levels):
        raise SourceError(f"the header names {twice}, which is a level of folders too", where=str(path))
    raise SourceError(f"the header names {twice} twice", where=str(path), do="give each column a name of its own")
