"""Rows that share a key, found by its hash: next to none of many, so that the others need not be moved to tell."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from dq.spark import spark_versions as versions
from dq.spark.identifiers import quote

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import DataType

_HASH = "__dq_hash"
# Hashes that repeat and are sent to every executor, eight bytes each; where more do, both sides are shuffled.
MOST_SENT = 200_000


def hashable(type_: DataType) -> bool:
    """Whether equal values of a type always have the same hash: not so for text under a collation, or nested values,
    nor for floating-point numbers, unless zero has lost its sign."""
    from pyspark.sql import types

    plain = (
        types.IntegralType
        | types.DecimalType
        | types.BooleanType
        | types.DateType
        | types.TimestampType
        | types.TimestampNTZType
        | types.BinaryType
    )
    return isinstance(type_, plain) or type_ == types.StringType()


class Repeated:
    """Which 64-bit hashes of a key are there more than once among rows: found when first asked for, then known.

    ``key`` are the columns of ``rows`` that make the key, each hashable. One action shuffles sixteen bytes per row.
    Equal keys have equal hashes; rows whose hash repeats may still have different keys, which only their values tell.
    """

    def __init__(self, rows: DataFrame, key: Sequence[str]) -> None:
        self.key = tuple(key)
        self._rows = rows

    def among(self, rows: DataFrame) -> DataFrame | None:
        """Those of some rows with the same columns whose hash repeats; None where no hash does."""
        if not self._found:
            return None
        return self._joined(rows, self._again if self.many else self._sent, "left_semi")

    def others(self, rows: DataFrame) -> DataFrame:
        """Those of some rows with the same columns whose hash is there once; never ask where ``many`` repeat."""
        return self._joined(rows, self._sent, "left_anti") if self._found else rows

    @property
    def many(self) -> bool:
        """Whether more hashes repeat than are sent to where the rows are."""
        return len(self._found) > MOST_SENT

    @cached_property
    def _found(self) -> list[int]:
        """The hashes that repeat, at most one more than are sent."""
        from pyspark.sql import functions as F

        found = self._again.limit(MOST_SENT + 1).agg(F.collect_list(_HASH)).collect()[0][0]
        return [int(one) for one in found]

    @property
    def _again(self) -> DataFrame:
        from pyspark.sql import functions as F

        # Nearly every hash is there once: counting before the shuffle would only fill memory.
        hashes = self._rows.select(self._hash.alias(_HASH)).repartition(_HASH)
        return hashes.groupBy(_HASH).agg(F.count(F.lit(1)).alias("n")).where("n > 1").select(_HASH)

    @cached_property
    def _sent(self) -> DataFrame:
        from pyspark.sql import functions as F

        return F.broadcast(versions.whole_numbers(self._rows.sparkSession, _HASH, self._found))

    @property
    def _hash(self) -> Column:
        from pyspark.sql import functions as F

        return F.xxhash64(*(F.col(quote(name)) for name in self.key))

    def _joined(self, rows: DataFrame, hashes: DataFrame, how: str) -> DataFrame:
        return rows.withColumn(_HASH, self._hash).join(hashes, on=_HASH, how=how).drop(_HASH)
