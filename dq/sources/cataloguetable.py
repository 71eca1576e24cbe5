"""Tables of a catalogue of Spark: what one is at this moment, so that a run can tell whether it stayed so."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from dq.base.errors import DqError, SourceError
from dq.base.model import PinnedFile
from dq.sources.type_names import canonical
from dq.spark import session
from dq.spark import spark_versions as versions
from dq.spark.identifiers import quote

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

Answer = TypeVar("Answer")

# Tables that are the files their catalogue names, and those whose own log keeps versions of them.
_OF_FILES = ("parquet", "orc", "csv", "json", "avro", "text", "hive")
_OF_VERSIONS = {
    "iceberg": "SELECT snapshot_id FROM {}.refs WHERE name = 'main'",
    "delta": "SELECT version FROM (DESCRIBE HISTORY {} LIMIT 1)",
}
_NO_FILES: tuple[PinnedFile, ...] = ()
_NOT_THERE = ("TABLE_OR_VIEW_NOT_FOUND", "SCHEMA_NOT_FOUND", "REQUIRES_SINGLE_PART_NAMESPACE", "CATALOG_NOT_FOUND")


@dataclass(frozen=True, kw_only=True)
class CatalogueState:
    """A table as it is: its ``version`` where it keeps such, else the files its catalogue names."""

    name: str
    version: str
    files: tuple[PinnedFile, ...]
    columns: tuple[tuple[str, str], ...]
    only_by: str = "a catalogue"

    @property
    def state(self) -> str:
        """What tells this state from any other: the version, or a SHA-256 over path, size and time of the files."""
        if self.version:
            return f"{self.name} {self.version}"
        lines = [self.name, *(f"{one.path} {one.size} {one.modified_ns}" for one in self.files)]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def take(name: str, where: str = "") -> CatalogueState:
    """What a table of the running session's catalogues is now. Raises SourceError where that cannot be told."""
    return _asked(name, where, lambda spark: _state(spark, name))


def _asked(name: str, where: str, question: Callable[[SparkSession], Answer]) -> Answer:
    """The answer of a catalogue. What it says of an error may name an address with a password: it is not shown."""
    spark = session.running()
    if spark is None:
        raise SourceError(f"the table {name} can only be looked at with a Spark session", where=where)
    try:
        return question(spark)
    except DqError as error:
        raise SourceError(error.what, where=where, expected=error.expected, do=error.do) from error
    except Exception as error:
        raise unanswered(name, error, where) from error


def unanswered(name: str, error: Exception, where: str = "") -> SourceError:
    """What to say of a catalogue that does not know a table, or does not answer."""
    condition = versions.condition(error)
    if condition.startswith(_NOT_THERE):
        return SourceError(
            f"the table {name} is not in the catalogue",
            where=where,
            do="correct its name; spark.sql.catalog.NAME in the settings of Spark says which catalogues there are",
        )
    return SourceError(
        f"the table {name} cannot be read from its catalogue ({condition or type(error).__name__})",
        where=where,
        do="see that the catalogue runs, that this machine may ask it and that the version is still kept",
    )


def _state(spark: SparkSession, name: str) -> CatalogueState:
    spelled = _spelled(name)
    about = {row["col_name"]: row["data_type"] for row in spark.sql(f"DESCRIBE TABLE EXTENDED {spelled}").collect()}
    if "VIEW" in str(about.get("Type", "")):
        raise SourceError(f"{name} is a view, and what it reads cannot be pinned", do="name the tables below it")
    provider = str(about.get("Provider", "")).lower()
    if provider in _OF_VERSIONS:
        found = spark.sql(_OF_VERSIONS[provider].format(spelled)).first()
        if found is None:
            raise SourceError(f"the table {name} has no version yet", do="write to it, then run again")
        version, files = str(found[0]), _NO_FILES
    elif provider in _OF_FILES:
        spark.catalog.refreshTable(spelled)
        version, files = "", _files(spark, spark.table(spelled), name)
    else:
        raise SourceError(
            f"{name} is a table of {provider or 'an unknown kind'}, which cannot be pinned",
            expected=f"one of {', '.join((*_OF_FILES, *_OF_VERSIONS))}",
        )
    columns = tuple((field.name, type_of(field.dataType)) for field in rows(spark, name, version).schema)
    return CatalogueState(name=name, version=version, files=files, columns=columns)


def rows(spark: SparkSession, name: str, version: str) -> DataFrame:
    """The rows of a table: of a version where it keeps such."""
    if not version:
        return spark.table(_spelled(name))
    return spark.sql(f"SELECT * FROM {_spelled(name)} VERSION AS OF {int(version)}")  # noqa: S608 - quoted, and a number


def verify(before: CatalogueState, where: str) -> None:
    """Raise SourceError where a table is not what it was, or its version cannot be read any more."""
    if before.version:
        _asked(before.name, where, lambda spark: rows(spark, before.name, before.version).schema)
        return
    now = take(before.name, where)
    then, files = ({file.path: file for file in one.files} for one in (before, now))
    if changed := sorted(path for path in then.keys() | files.keys() if then.get(path) != files.get(path)):
        raise SourceError(
            f"the table {before.name} changed during the run: {changed[0]}",
            where=where,
            do="run again when nothing writes to it",
        )


def _files(spark: SparkSession, frame: DataFrame, name: str) -> tuple[PinnedFile, ...]:
    """The files of a table, those of its partitions too, as the file system they are on tells of them."""
    jvm: Any = spark.sparkContext._jvm
    settings = spark.sparkContext._jsc.hadoopConfiguration()
    found = []
    for address in sorted(frame.inputFiles()):
        path = jvm.org.apache.hadoop.fs.Path(jvm.java.net.URI(address))
        status = path.getFileSystem(settings).getFileStatus(path)
        if status.getLen() == 0:
            raise SourceError(f"the file {address} is empty (0 bytes)", where=name, do="deliver it again")
        found.append(
            PinnedFile(path=address, size=status.getLen(), modified_ns=status.getModificationTime() * 1_000_000)
        )
    return tuple(found)


def _spelled(name: str) -> str:
    return ".".join(quote(part) for part in name.split("."))


def type_of(type_: Any) -> str:
    """A type of Spark in its one spelling."""
    try:
        return canonical(type_.simpleString())
    except ValueError:
        return str(type_.simpleString())
