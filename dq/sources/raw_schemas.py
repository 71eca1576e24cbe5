"""Schemas of raw files as they are, read from footers, headers and names without Spark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, assert_never

from dq.base.errors import SourceError
from dq.base.model import PinnedFile
from dq.sources import avrofile, csvfile, jsonlines
from dq.sources.config import Format, RawTable
from dq.sources.type_names import of_arrow

# Footers are small reads that wait for the disk or network, not for the processor.
THREADS = 16


def columns_of(file: PinnedFile, table: RawTable) -> tuple[tuple[str, str], ...]:
    """The columns of one file of a table as (name, Spark type), the type empty for what is read as text.

    Raises SourceError naming the file when it is empty, torn or cannot be read.
    """
    if file.size == 0:
        raise SourceError(f"the file {file.path} is empty (0 bytes)", do="deliver it again")
    try:
        match table.format:
            case Format.PARQUET | Format.DELTA | Format.TABLE | Format.JDBC:
                return _parquet(file)
            case Format.ORC:
                return _orc(file)
            case Format.AVRO:
                return avrofile.columns(Path(file.path))
            case Format.CSV:
                return tuple((name, "") for name in csvfile.header(Path(file.path), table.csv))
            case Format.JSON:
                return tuple((name, "") for name in jsonlines.names(file))
            case _:
                assert_never(table.format)
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
            f"the file {file.path} is torn or not a Parquet file: its footer cannot be read", do="deliver it again"
        ) from error
    int96 = {leaf.path.split(".")[0] for leaf in leaves if leaf.physical_type == "INT96"}
    return tuple((field.name, of_arrow(field.type, int96=field.name in int96)) for field in schema)


def _orc(file: PinnedFile) -> tuple[tuple[str, str], ...]:
    import pyarrow as pa
    import pyarrow.orc as orc

    try:
        with Path(file.path).open("rb") as raw:
            schema = orc.ORCFile(raw).schema
    except (PermissionError, FileNotFoundError):
        raise
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise SourceError(
            f"the file {file.path} is torn or not an ORC file: its footer cannot be read", do="deliver it again"
        ) from error
    if zoned := [field.name for field in schema if pa.types.is_timestamp(field.type) and field.type.tz]:
        raise SourceError(
            f"Spark cannot read the file {file.path}: {', '.join(zoned)} is a timestamp with local time zone",
            do="write it as timestamp, and say its timezone",
        )
    return tuple((field.name, of_arrow(field.type, orc=True)) for field in schema)


Bound = date | datetime


def all_between(file: PinnedFile, column: str, low: Bound | None, high: Bound) -> bool:
    """Whether the footer of a Parquet file proves that no day or instant of a column lies outside the bounds."""
    groups = _row_groups(file, [column])
    if groups is None:
        return False
    for (chunk,) in groups:
        if chunk.only_nulls:
            continue
        least_most = chunk.range(type(high))
        if least_most is None or least_most[1] > high or (low is not None and least_most[0] < low):
            return False
    return True


def none_within(file: PinnedFile, bounds: Mapping[str, tuple[Bound | None, Bound]]) -> bool:
    """Whether the footer of a Parquet file proves that no row has all these columns within their bounds, or NULL."""
    groups = _row_groups(file, list(bounds))
    return groups is not None and all(
        any(_outside(chunk, low, high) for chunk, (low, high) in zip(group, bounds.values(), strict=True))
        for group in groups
    )


def _outside(chunk: _Chunk, low: Bound | None, high: Bound) -> bool:
    least_most = None if chunk.nulls != 0 else chunk.range(type(high))
    return least_most is not None and (least_most[0] > high or (low is not None and least_most[1] < low))


@dataclass(frozen=True, kw_only=True)
class _Chunk:
    """What a footer says of one column in one row group; what it does not say is None."""

    only_nulls: bool = False
    nulls: int | None = None
    least: object = None
    greatest: object = None

    def range(self, type_: type[Bound]) -> tuple[Any, Any] | None:
        """The least and the greatest value where they are of the type and, of instants, in a zone."""
        if type(self.greatest) is not type_ or (isinstance(self.greatest, datetime) and self.greatest.tzinfo is None):
            return None
        return self.least, self.greatest


def _row_groups(file: PinnedFile, columns: Sequence[str]) -> list[list[_Chunk]] | None:
    """What the footer of a Parquet file says of some columns, row group by row group; None where it cannot be told."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with Path(file.path).open("rb") as raw:
            metadata = pq.read_metadata(raw)
    except (pa.ArrowException, OSError):
        return None
    names = [metadata.schema.column(index).path for index in range(metadata.num_columns)]
    if not set(columns) <= set(names):
        return None
    groups = []
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        groups.append([_chunk(group.column(names.index(column))) for column in columns])
    return groups


def _chunk(found: Any) -> _Chunk:
    stats = found.statistics
    if stats is None:
        return _Chunk()
    only_nulls = stats.null_count == found.num_values
    if not stats.has_min_max:
        return _Chunk(only_nulls=only_nulls, nulls=stats.null_count)
    return _Chunk(only_nulls=only_nulls, nulls=stats.null_count, least=stats.min, greatest=stats.max)
