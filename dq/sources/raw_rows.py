"""The rows of a raw table's pinned files, in the columns and types it declares."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from functools import reduce
from typing import TYPE_CHECKING, assert_never

from dq.base.errors import SourceError
from dq.base.model import PinnedFile
from dq.sources import avrofile, cataloguetable, csvfile, jsonlines
from dq.sources.cataloguetable import CatalogueState
from dq.sources.config import Format, RawTable
from dq.sources.conversion import convert, from_wall_clock, instant
from dq.sources.declared_tables import has_zone
from dq.sources.deltafolder import NO_VALUE, DeltaVersion, read_by_delta
from dq.sources.raw_schemas import columns_of
from dq.sources.resolution import RawColumn
from dq.spark import named_files
from dq.spark.identifiers import quote

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession


def rows_of(
    spark: SparkSession,
    table: RawTable,
    files: Sequence[PinnedFile],
    bare: Collection[RawColumn],
    snapshot: object = None,
) -> DataFrame:
    """A raw table with the columns it declares, times without a zone turned into instants.

    Where text is read, a column that the SELECT only passes on (``bare``) stays text, so that what does not convert can
    be counted at the end; any other is converted here, and a value that does not convert stops the query: it could
    otherwise vanish in a condition or a sum.
    """
    match table.format:
        case Format.TABLE:
            assert isinstance(snapshot, CatalogueState)  # noqa: S101 - it is pinned as that
            return _declared(cataloguetable.rows(spark, table.path, snapshot.version), table, bare)
        case Format.DELTA:
            assert isinstance(snapshot, DeltaVersion)  # noqa: S101 - a Delta table is pinned by its version
            return _declared(of_delta(spark, snapshot, files, table.timezone), table, bare)
        case Format.CSV:
            return _csv(spark, table, files, bare)
        case Format.JSON:
            paths = [file.path for file in files]
            return _declared(jsonlines.read(spark, table.in_files, paths), table, bare)
        case Format.ORC | Format.PARQUET | Format.AVRO | Format.JDBC:
            return _typed(spark, table, files, bare)
        case _:
            assert_never(table.format)


def from_text(text: Column, table: RawTable, name: str) -> Column:
    """A text as the type that a column of a table is declared to have; NULL where it does not say one."""
    from pyspark.sql import functions as F

    type_ = table.columns[name]
    pattern = ""
    if name not in table.partitions:
        pattern = {"date": table.date_format}.get(
            type_, table.timestamp_format if type_.startswith("timestamp") else ""
        )
    if type_ in ("timestamp", "timestamp_ntz"):
        if not pattern:
            return instant(text, table.timezone)
        parsed = F.try_to_timestamp(text, F.lit(pattern))
        return parsed if has_zone(pattern) else from_wall_clock(parsed, table.timezone)
    return F.try_to_timestamp(text, F.lit(pattern)).cast("date") if pattern else convert(text, "string", type_)


def _typed(spark: SparkSession, table: RawTable, files: Sequence[PinnedFile], bare: Collection[RawColumn]) -> DataFrame:
    """Files that hold types, by the names of their columns."""
    paths = [file.path for file in files]
    types = dict(table.in_files)
    if table.format is Format.ORC and "timestamp_ntz" in types.values():
        clock_is_utc(spark, table.name)
        types = {name: "timestamp" if type_ == "timestamp_ntz" else type_ for name, type_ in types.items()}
    schema = ", ".join(f"{quote(name)} {type_}" for name, type_ in types.items())
    if table.format is Format.AVRO:
        return _declared(avrofile.read(spark, paths, schema), table, bare)
    format_ = Format.PARQUET if table.format is Format.JDBC else table.format
    return _declared(named_files.read(spark, format_, paths, schema=schema), table, bare)


def of_delta(spark: SparkSession, snapshot: DeltaVersion, files: Sequence[PinnedFile], timezone: str = "") -> DataFrame:
    """Files of a version of a Delta table in its columns and types; NULL where a file is older than a column."""
    if snapshot.only_by:
        return read_by_delta(spark, snapshot.folder, snapshot.version, snapshot.only_by)
    as_files = RawTable(
        name=snapshot.folder.name,
        path="",
        format=Format.DELTA,
        columns=dict(snapshot.columns),
        timezone=timezone,
        partitions=snapshot.folders,
    )
    schema = ", ".join(f"{quote(name)} {type_}" for name, type_ in as_files.in_files.items())
    if not files:
        return spark.createDataFrame([], ", ".join(f"{quote(name)} {type_}" for name, type_ in snapshot.columns))
    frame = named_files.read(spark, "parquet", [file.path for file in files], schema=schema)
    own = [frame[quote(name)] for name in as_files.in_files]
    return frame.select(*own, *_folders(frame, as_files, ())).select(*(quote(name) for name, _ in snapshot.columns))


def clock_is_utc(spark: SparkSession, where: str) -> None:
    """Raise SourceError where Spark would take the wall-clock times of an ORC file for those of another zone."""
    zone = spark.sparkContext._jvm.java.util.TimeZone.getDefault()  # type: ignore[union-attr]
    if zone.getRawOffset() or zone.useDaylightTime():
        raise SourceError(
            f"Spark reads times of ORC by the clock of its own machine, which is {zone.getID()}",
            where=where,
            do="add -Duser.timezone=UTC to spark.driver.extraJavaOptions and spark.executor.extraJavaOptions",
        )


def _declared(frame: DataFrame, table: RawTable, bare: Collection[RawColumn]) -> DataFrame:
    """The columns a table declares, of a frame that has those of its files."""
    columns = [_value(frame[quote(name)], table, name, bare).alias(name) for name in table.in_files]
    return frame.select(*columns, *_folders(frame, table, bare))


def _value(value: Column, table: RawTable, name: str, bare: Collection[RawColumn]) -> Column:
    type_ = table.columns[name]
    if table.as_text(name):
        kept = type_ == "string" or RawColumn(table.name, name) in bare
        return value if kept else _parsed(value, table, name, type_)
    return from_wall_clock(value, table.timezone) if type_ == "timestamp_ntz" else value


def _folders(frame: DataFrame, table: RawTable, bare: Collection[RawColumn]) -> list[Column]:
    """The columns that are names of folders, by the path of the file that each row is read from."""
    from pyspark.sql import functions as F

    found = []
    for name in table.partitions:
        path = frame["_metadata.file_path"]
        text = F.regexp_extract(path, f"/{re.escape(name)}=([^/]*)/", 1)
        # The address of a file spells its path in percent, and so did who named the folder; a plus is a plus.
        for _ in range(2):
            text = F.url_decode(F.replace(text, F.lit("+"), F.lit("%2B")))
        known = F.when(text != F.lit(NO_VALUE), text)
        found.append(_value(known, table, name, bare).alias(name))
    return found


def _csv(spark: SparkSession, table: RawTable, files: Sequence[PinnedFile], bare: Collection[RawColumn]) -> DataFrame:
    """CSV files by the names in their headers, whatever the order of their columns."""
    by_header: dict[tuple[str, ...], list[str]] = {}
    for file in files:
        by_header.setdefault(tuple(name for name, _ in columns_of(file, table)), []).append(file.path)
    frames = []
    for header, frame in csvfile.as_text(spark, by_header, table.csv):
        positions = {name: str(index) for index, name in enumerate(header)}
        columns = [_value(frame[quote(positions[name])], table, name, bare).alias(name) for name in table.in_files]
        frames.append(frame.select(*columns, *_folders(frame, table, bare)))
    return reduce(lambda left, right: left.unionByName(right), frames)


def _parsed(text: Column, table: RawTable, name: str, type_: str) -> Column:
    from pyspark.sql import functions as F

    value = from_text(text, table, name)
    message = f"a value of {table.name}.{name} is not a {type_}"
    return F.when(text.isNotNull() & value.isNull(), F.raise_error(F.lit(message))).otherwise(value)
