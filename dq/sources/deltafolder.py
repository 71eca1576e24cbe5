"""Folders that hold a Delta table: files, columns and partitions of one version, read from its log without Spark."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from dq.base.errors import SourceError
from dq.base.model import PinnedFile
from dq.sources.listing import levels
from dq.sources.type_names import canonical
from dq.spark import named_files

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

SCHEME = "delta:"
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
# With these the files of a version hold its rows, by the names of its columns.
_PLAIN_FEATURES = {"timestampNtz", "v2Checkpoint", "vacuumProtocolCheck", "deletionVectors", "columnMapping"}
_JAR = "add io.delta:delta-spark for your Spark to the session"


@dataclass(frozen=True, kw_only=True)
class DeltaVersion:
    """One version of a Delta table.

    ``folders`` are the columns that its files' folders name. ``only_by`` says why its files alone are not its rows;
    empty where they are.
    """

    folder: Path
    version: int
    files: tuple[PinnedFile, ...]
    columns: tuple[tuple[str, str], ...]
    folders: tuple[str, ...]
    only_by: str = ""

    @property
    def state(self) -> str:
        """What tells this version from any other of the table."""
        return str(self.version)


def snapshot(folder: Path, version: int | None = None) -> DeltaVersion:
    """A version of a table, the newest by default. Raises SourceError where it or one of its files is not there."""
    try:
        import deltalake
    except ImportError as error:
        raise SourceError(
            "Delta tables are read with the package deltalake, which is not installed",
            where=str(folder),
            do="pip install deltalake",
        ) from error
    if not folder.is_dir():
        raise SourceError(f"the folder {folder} is not there", do="correct its path")
    if not (folder / "_delta_log").is_dir():
        raise SourceError(f"{folder} is not a Delta table: it has no _delta_log", do="correct its path or format")
    try:
        table = deltalake.DeltaTable(str(folder), version=version)
        found = _snapshot(folder, table)
    except SourceError:
        raise
    except Exception as error:  # what the library raises is of many kinds, and its text may quote an address
        what = "its log cannot be read" if version is None else f"its version {version} cannot be read any more"
        raise SourceError(
            what, where=str(folder), do="run again for its newest version, or restore its _delta_log"
        ) from error
    return found


def _snapshot(folder: Path, table: Any) -> DeltaVersion:
    partitions = tuple(table.metadata().partition_columns)
    files, reason = [], _only_delta(table)
    added = table.get_add_actions(flatten=False)
    paths = [str(path.as_py()) for path in added["path"]]
    values = [one.as_py() for one in added["partition"]] if "partition" in added.schema.names else [{}] * len(paths)
    for path, named in zip(paths, values, strict=True):
        place = Path(os.path.normpath(folder / unquote(path)))
        if not place.is_relative_to(folder):
            raise SourceError(f"version {table.version()} names a file outside: {place}", where=str(folder))
        files.append(_pinned(place, table.version(), folder))
        if {name: unquote(value) for name, value in levels(place, folder).items() if name in partitions} != {
            name: NO_VALUE if named.get(name) is None else _text(named[name]) for name in partitions
        }:
            reason = reason or "partitions that its folders do not name"
    fields = json.loads(table.schema().to_json())["fields"]
    return DeltaVersion(
        folder=folder,
        version=table.version(),
        files=tuple(sorted(files, key=lambda file: file.path)),
        columns=tuple((field["name"], _type(field["type"])) for field in fields),
        folders=partitions,
        only_by=reason,
    )


def _only_delta(table: Any) -> str:
    """Why the files of a version are not its rows, empty where they are."""
    protocol, settings = table.protocol(), table.metadata().configuration
    features = set(protocol.reader_features or ())
    if settings.get("delta.columnMapping.mode", "none") != "none":
        return "a column mapping"
    if strange := sorted(features - _PLAIN_FEATURES):
        return f"the feature {', '.join(strange)}"
    # A table may allow deletion vectors and have none.
    if "deletionVectors" in features and len(list(table.deletion_vectors())):
        return "deletion vectors"
    return ""


def _pinned(path: Path, version: int, folder: Path) -> PinnedFile:
    try:
        status = path.stat()
    except OSError as error:
        raise SourceError(
            f"version {version} names a file that is gone: {path}",
            where=str(folder),
            do="run again for its newest version, and vacuum only what no run reads",
        ) from error
    return PinnedFile(path=str(path), size=status.st_size, modified_ns=status.st_mtime_ns)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _type(type_: Any) -> str:
    """What Spark calls a type of Delta's log."""
    if isinstance(type_, str):
        try:
            return canonical(type_)
        except ValueError:
            return type_
    if type_["type"] == "array":
        return f"array<{_type(type_['elementType'])}>"
    if type_["type"] == "map":
        return f"map<{_type(type_['keyType'])},{_type(type_['valueType'])}>"
    fields = ",".join(f"{field['name']}:{_type(field['type'])}" for field in type_["fields"])
    return f"struct<{fields}>"


def read_by_delta(spark: SparkSession, place: Path, version: int, reason: str) -> DataFrame:
    """The rows of a version whose files alone are not its rows, by Delta's own reader; SourceError without its jar."""
    try:
        return named_files.read(spark, "delta", [place], options={"versionAsOf": str(version)})
    except Exception as error:  # a class that is missing comes as an error of the bridge to Java
        raise SourceError(
            f"version {version} has {reason}, which only Delta's own reader knows to read",
            where=str(place),
            do=f"{_JAR}, or have it written without: REORG TABLE … APPLY (PURGE) removes deletion vectors",
        ) from error
