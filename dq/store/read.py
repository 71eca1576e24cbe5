"""Reading what is published as a DataFrame, with the recorded schema and only after its files were proved."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dq.base.errors import StoreError
from dq.base.former import NEVER_RENAMED, Former
from dq.spark import named_files
from dq.store.manifest import PERIOD_COLUMN
from dq.store.table import Table
from dq.store.versions import PeriodEntry
from dq.store.warehouse import Warehouse

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType


@dataclass(frozen=True, kw_only=True)
class Published:
    """What a reader gets: the table's version, the published entries that were asked for, and their files' paths."""

    table: str
    version: int
    entries: Sequence[PeriodEntry]
    files: Sequence[str]


def select_published(
    warehouse_root: str | Path, name: str, period: str | None = None, version: int | None = None
) -> Published:
    """The published entries of a period, a month of days or a whole table, their files proved; starts no Spark.

    Raises a StoreError that lists the published periods when nothing matches, or names the file that was changed.
    """
    table = Warehouse(warehouse_root).table(name)
    commit = table.current() if version is None else table.commit_at(version)
    pinned = commit.version if commit else None
    entries = table.select(period, pinned)
    table.verify_entries(entries)
    files = [path for entry in entries for path in table.paths(entry)]
    return Published(table=name, version=pinned or 0, entries=entries, files=files)


def read_published(
    spark: SparkSession,
    warehouse_root: str | Path,
    name: str,
    period: str | None = None,
    version: int | None = None,
    *,
    former: Former = NEVER_RENAMED,
) -> DataFrame:
    """The published rows of a table: of one period, of all days of a month (``2026-10``), or of every period.

    The schema is the recorded one, newest first, under the names of today; a column that older periods lack is NULL
    there, one whose type changed is a StoreError. The folder's ``period`` is not a column of the result.
    """
    published = select_published(warehouse_root, name, period, version)
    return _frame(spark, Warehouse(warehouse_root, former={name: former}).table(name), published.entries)


def read_entries(spark: SparkSession, table: Table, entries: Mapping[str, PeriodEntry]) -> DataFrame:
    """The rows of entries that were pinned before, each read with its own recorded schema, under the names of today.

    Figures are built on them, so their files are proved byte for byte.
    """
    if not entries:
        raise StoreError("no entries to read", where=table.name, do="select what is published first")
    table.verify_entries(list(entries.values()), whole=True)
    return _frame(spark, table, list(entries.values()))


def _frame(spark: SparkSession, table: Table, entries: Sequence[PeriodEntry]) -> DataFrame:
    by_schema: dict[str, list[str]] = {}
    for entry in sorted(entries, key=lambda one: (one.version, one.period), reverse=True):
        by_schema.setdefault(entry.schema_json, []).extend(table.paths(entry))
    schemas = {text: _schema(text) for text in by_schema}
    renamed = {text: table.former.renamed(schema.names) for text, schema in schemas.items()}
    _refuse_retyped(table.name, [(schemas[text], renamed[text]) for text in by_schema])
    frames = [
        (
            named_files.read(spark, "parquet", paths, schema=schemas[text])
            if paths
            else spark.createDataFrame([], schemas[text])
        ).withColumnsRenamed(renamed[text])
        for text, paths in by_schema.items()
    ]
    rows = frames[0]
    for older in frames[1:]:
        rows = rows.unionByName(older, allowMissingColumns=True)
    for column, values in table.former.values.items():
        if column in rows.columns:
            rows = rows.replace([*values], [*values.values()], subset=[column])
    return rows


def _schema(schema_json: str) -> StructType:
    from pyspark.sql.types import StructType

    schema = StructType.fromJson(json.loads(schema_json))
    return StructType([one for one in schema.fields if one.name != PERIOD_COLUMN])


def _refuse_retyped(table: str, schemas: Sequence[tuple[StructType, Mapping[str, str]]]) -> None:
    types: dict[str, str] = {}
    for schema, renamed in schemas:
        for one in schema.fields:
            name = renamed.get(one.name, one.name)
            found = types.setdefault(name, one.dataType.simpleString())
            if found != one.dataType.simpleString():
                raise StoreError(
                    f"column {name} is {found} in newer and {one.dataType.simpleString()} in older periods",
                    where=table,
                    do="read one period at a time, or run the older periods again",
                )
