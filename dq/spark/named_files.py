"""Reading files with Spark by their very names: no character of a path is taken for a pattern."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dq.base.errors import SourceError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

# In a path that is given to Spark these stand for other files, unless a backslash says that they stand for themselves.
_PATTERN = re.compile(r"[*?\[\]{}\\]")
_LISTING_THRESHOLD = "spark.sql.sources.parallelPartitionDiscovery.threshold"


def read(
    spark: SparkSession,
    format: str,
    paths: Sequence[str | Path],
    *,
    schema: StructType | str | None = None,
    options: Mapping[str, str] | None = None,
) -> DataFrame:
    """The rows of files or folders on this machine, each read under its very name.

    Raises SourceError for a name that Spark would leave out or cannot open.
    """
    names = [literal(openable(path) if path.is_file() else path) for path in (Path(one).absolute() for one in paths)]
    reader = spark.read.format(format).options(**(options or {}))
    if schema is not None:
        reader = reader.schema(schema)
    with _listed_here(spark, len(names)):
        return reader.load(names)


def from_elsewhere(spark: SparkSession, format: str, options: Mapping[str, str]) -> DataFrame:
    """The rows of what is not files, such as a table of a database."""
    return spark.read.format(format).options(**options).load()


def literal(path: Path) -> str:
    """A path as Spark takes it for itself and for no other; a SourceError names one for which there is no such way."""
    name = str(path)
    if not _PATTERN.search(name):
        return name
    if ":" in name:  # Hadoop splits a pattern into names, and takes one with a colon for an address
        raise SourceError(f"{path} has both a colon and one of * ? [ ] {{ }} \\ in it", do="rename one of its folders")
    return _PATTERN.sub(r"\\\g<0>", name)


def openable(path: Path) -> Path:
    """The path of a file that Spark reads at all; a SourceError names one it would leave out or fail on."""
    if path.name.startswith(("_", ".")):
        raise SourceError(f"{path} has a name that Spark leaves out", expected="no _ or . at its beginning")
    if ":" in path.name:
        raise SourceError(f"{path} has a colon in its name, with which Spark cannot open it", do="rename it")
    literal(path)
    return path


@contextmanager
def _listed_here(spark: SparkSession, files: int) -> Iterator[None]:
    """Spark looks at the given files itself; past 32 paths it would start a job only to list what is known already."""
    before = spark.conf.get(_LISTING_THRESHOLD)
    spark.conf.set(_LISTING_THRESHOLD, str(max(files, int(before or 0))))
    try:
        yield
    finally:
        spark.conf.set(_LISTING_THRESHOLD, before or "32")
