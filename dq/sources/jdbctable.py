"""Tables of a database: copied once, since nothing else could be read twice alike, into files only this run knows."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dq.base.errors import SourceError
from dq.base.model import PinnedFile
from dq.base.secret import secret
from dq.sources.cataloguetable import type_of
from dq.sources.config import Jdbc
from dq.sources.listing import below
from dq.spark import named_files, session
from dq.spark.identifiers import quote

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True, kw_only=True)
class JdbcCopy:
    """One copy of a table or query: its files, which are its rows, and a fingerprint of what they hold."""

    files: tuple[PinnedFile, ...]
    columns: tuple[tuple[str, str], ...]
    state: str
    only_by: str = ""


def copy(name: str, declared: Jdbc, where: str) -> JdbcCopy:
    """The rows a database gives now, copied into a private folder that this process removes at its end.

    Raises SourceError where it cannot be reached. What a driver says of an error may name an address with a password:
    it is not shown.
    """
    spark = session.running()
    if spark is None:
        raise SourceError(f"the table {name} can only be copied with a Spark session", where=where)
    address = secret(declared.connection).get_secret_value()
    folder = Path(tempfile.mkdtemp(prefix="dq-copy-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    options = {
        "url": address,
        # A time without a zone stays one, for the sources file to say its zone.
        "preferTimestampNTZ": "true",
        "fetchsize": "10000",
        **({"query": declared.query} if declared.query else {"dbtable": declared.table}),
        **({"driver": declared.driver} if declared.driver else {}),
    }
    if declared.partition is not None:
        column, low, high, parts = declared.partition
        options |= {"partitionColumn": column, "lowerBound": low, "upperBound": high, "numPartitions": str(parts)}
    try:
        frame = named_files.from_elsewhere(spark, "jdbc", options)
        frame.write.parquet(str(folder / "rows"))
    except Exception as error:
        raise _unreachable(name, declared.connection, error, where) from None
    copied = named_files.read(spark, "parquet", [folder / "rows"], schema=frame.schema)
    return JdbcCopy(
        files=tuple(below(folder / "rows")),
        columns=tuple((field.name, type_of(field.dataType)) for field in frame.schema),
        state=_fingerprint(copied),
    )


def _fingerprint(frame: DataFrame) -> str:
    """What rows hold, whatever their order: how many there are, and two ways to add up a hash of each."""
    from pyspark.sql import functions as F

    row = F.xxhash64(*(F.col(quote(name)) for name in frame.columns))
    found = frame.agg(F.count(F.lit(1)), F.sum(row.cast("decimal(38,0)")), F.bit_xor(row)).collect()[0]
    return f"{found[0]} {found[1]} {found[2]} {' '.join(f'{name} {type_}' for name, type_ in frame.dtypes)}"


def _unreachable(name: str, connection: str, error: Exception, where: str) -> SourceError:
    said = str(error)
    if "No suitable driver" in said or "ClassNotFoundException" in said:
        return SourceError(
            f"Spark has no driver for the database of {name}",
            where=where,
            do="add its jar as spark.jars or spark.jars.packages, and say driver where it does not register itself",
        )
    return SourceError(
        f"the database of {name} cannot be reached, or refuses the query",
        where=where,
        do=f"see that it runs, that the secret {connection} holds its address, and that its user may read {name}",
    )
