"""Files that no sources file declares, as a frame: what a path says for itself, for ``dq check``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial, reduce
from pathlib import Path
from typing import TYPE_CHECKING

from dq.base.errors import SourceError, UsageError
from dq.sources import csvfile, csvtypes
from dq.sources.config import Format
from dq.sources.csvfile import RFC_4180, Dialect, is_csv
from dq.sources.listing import below
from dq.sources.raw_schemas import THREADS, columns_of
from dq.spark import named_files
from dq.spark.identifiers import quote

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_PARQUET = b"PAR1"


def read(
    spark: SparkSession, place: Path, dialect: Dialect = RFC_4180, note: Callable[[str], None] | None = None
) -> DataFrame:
    """The rows of a CSV or Parquet file, or of a folder of either; levels such as ``day=2026-10-01`` are text columns.

    ``note`` is told which row keeps a column of CSV text whose other values are numbers, days and so on.
    Raises SourceError with the file, and the row where it is one row, for what cannot be read as it was meant.
    """
    files = files_of(place)
    base = _base(place)
    if is_csv(files[0]):
        return _csv(spark, files, base, dialect, note)
    options = {"basePath": str(base.absolute())}
    return named_files.read(spark, "parquet", files, options=options)


def files_of(place: Path) -> Sequence[Path]:
    """The files of a place: all of them CSV, or all of them Parquet."""
    found = below(place)
    files = [Path(file.path) for file in found]
    if not files:
        raise SourceError("holds no file", where=str(place))
    if any(is_csv(file) for file in files):
        if other := next((file for file in files if not is_csv(file)), None):
            raise SourceError(f"{other} is not CSV, as other files there are", where=str(place))
    else:
        for file in files:
            _prove_parquet(file, alone=place.is_file())
        with ThreadPoolExecutor(max_workers=THREADS) as pool:
            columns = list(pool.map(partial(columns_of, format_=Format.PARQUET), found))
        # Spark would take the columns of one file for those of all.
        _refuse_different({str(file): [" ".join(one) for one in of] for file, of in zip(files, columns, strict=True)})
    _levels(files, _base(place))
    return files


def _base(place: Path) -> Path:
    """The folder below which folders are levels."""
    return place if place.is_dir() else place.parent


def _prove_parquet(path: Path, *, alone: bool) -> None:
    """Raise unless a file begins as Parquet does, whatever it is called."""
    try:
        with path.open("rb") as file:
            if file.read(len(_PARQUET)) == _PARQUET:
                return
    except OSError as error:
        raise SourceError(f"cannot be read: {(error.strerror or '').lower()}", where=str(path)) from error
    if alone and path.suffix.lower() != ".parquet":
        raise UsageError(
            f"{path} is neither CSV nor Parquet",
            expected="a .csv file (also .gz or .bz2), a Parquet file, a folder of either, or a table",
        )
    raise SourceError("cannot be read: it does not begin as a Parquet file does", where=str(path))


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
    spark: SparkSession, files: Sequence[Path], base: Path, dialect: Dialect, note: Callable[[str], None] | None
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
        types = csvtypes.types_of(whole, columns)
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
