"""Schemas of raw files as they are, read from Parquet footers and CSV headers without Spark."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
from datetime import date, datetime
from pathlib import Path
from typing import BinaryIO, cast

from dq.errors import SourceError
from dq.model import PinnedFile
from dq.sources.config import Format
from dq.sources.types import of_arrow

# Footers are small reads that wait for the disk or network, not for the processor.
THREADS = 16


def columns_of(file: PinnedFile, format_: Format) -> tuple[tuple[str, str], ...]:
    """The columns of one file as (name, Spark type), the type empty for CSV.

    Raises SourceError naming the file when it is empty, torn or cannot be read.
    """
    if file.size == 0:
        raise SourceError(f"the file {file.path} is empty (0 bytes)", do="deliver it again")
    try:
        return _parquet(file) if format_ is Format.PARQUET else _csv(file)
    except PermissionError as error:
        raise SourceError(f"the file {file.path} cannot be read: permission denied") from error
    except FileNotFoundError as error:
        raise SourceError(f"the file {file.path} vanished while it was looked at") from error


def _parquet(file: PinnedFile) -> tuple[tuple[str, str], ...]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # Opening by name with a plain file object keeps pyarrow from guessing a file system from the path.
        with Path(file.path).open("rb") as raw:
            metadata = pq.read_metadata(raw)
            schema = metadata.schema.to_arrow_schema()
            leaves = [metadata.schema.column(index) for index in range(metadata.num_columns)]
    except (PermissionError, FileNotFoundError):
        raise
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise SourceError(
            f"the file {file.path} is torn or no Parquet file: its footer cannot be read", do="deliver it again"
        ) from error
    int96 = {leaf.path.split(".")[0] for leaf in leaves if leaf.physical_type == "INT96"}
    return tuple((field.name, of_arrow(field.type, int96=field.name in int96)) for field in schema)


def all_between(file: PinnedFile, column: str, low: date | datetime | None, high: date | datetime) -> bool:
    """Whether the footer of a Parquet file proves that no day or instant of a column lies outside the bounds."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with Path(file.path).open("rb") as raw:
            metadata = pq.read_metadata(raw)
    except (pa.ArrowException, OSError):
        return False
    names = [metadata.schema.column(index).path for index in range(metadata.num_columns)]
    if column not in names:
        return False
    index = names.index(column)
    for number in range(metadata.num_row_groups):
        chunk = metadata.row_group(number).column(index)
        stats = chunk.statistics
        if stats is not None and stats.null_count == chunk.num_values:
            continue
        if stats is None or not stats.has_min_max or type(stats.max) is not type(high):
            return False
        if isinstance(stats.max, datetime) and stats.max.tzinfo is None:
            return False
        if stats.max > high or (low is not None and stats.min < low):
            return False
    return True


def _csv(file: PinnedFile) -> tuple[tuple[str, str], ...]:
    path = Path(file.path)
    try:
        with _opened(path) as raw, io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as text:
            header = next(csv.reader(text), [])
    except (PermissionError, FileNotFoundError):
        raise
    except (UnicodeDecodeError, csv.Error, OSError, EOFError) as error:
        raise SourceError(
            f"the header of {file.path} cannot be read", expected="UTF-8 text, comma-separated, names in line 1"
        ) from error
    if not any(name.strip() for name in header):
        raise SourceError(f"{file.path} has no header", expected="the column names in line 1")
    return tuple((name.strip(), "") for name in header)


def _opened(path: Path) -> BinaryIO:
    """The bytes of a file, unpacked by its suffix as Spark unpacks it."""
    if path.suffix == ".gz":
        return cast("BinaryIO", gzip.open(path, "rb"))
    if path.suffix == ".bz2":
        return cast("BinaryIO", bz2.open(path, "rb"))
    return path.open("rb")
