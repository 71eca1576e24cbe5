"""Rows per value of a key, counted once for all checks that ask by the same columns: is it known, is it too heavy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import TYPE_CHECKING

from dq.checks.custom_check import Request
from dq.engine.gather import column_types
from dq.engine.sums import summed

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


@dataclass(frozen=True, kw_only=True)
class KeyRows:
    """The values of a key, one row each, NULL among them: ``key0`` and so on, and ``n``, the rows that hold it.

    Checks add sums of amounts and tables to look the keys up in.
    """

    key: str
    rows: DataFrame
    columns: Sequence[Column]
    amounts: dict[str, Column] = field(default_factory=dict)
    tables: dict[str, tuple[Sequence[str], DataFrame]] = field(default_factory=dict)

    @property
    def keys(self) -> list[str]:
        """The names of the key's columns."""
        return [f"key{n}" for n in range(len(self.columns))]

    def worth(self, name: str, amount: Column) -> str:
        """The column that holds the sum of an amount over the rows of a key."""
        self.amounts.setdefault(name, amount)
        return f"worth{list(self.amounts).index(name)}"

    def unknown(self, name: str, keys: DataFrame, parts: Sequence[int] = ()) -> Column:
        """Whether a key without NULL is in no row of a table, of which ``keys`` are the columns to compare.

        With ``parts`` they are those of these parts of the key only.
        """
        from pyspark.sql import functions as F

        own = [self.keys[n] for n in parts] or self.keys
        self.tables.setdefault(name, (own, keys.toDF(*own)))
        present = reduce(lambda left, right: left & right, (F.col(key).isNotNull() for key in self.keys))
        return present & F.col(f"known{list(self.tables).index(name)}").isNull()

    def frame(self) -> DataFrame:
        """The keys with everything that was added."""
        from pyspark.sql import functions as F

        amounts = {f"worth{n}": amount for n, amount in enumerate(self.amounts.values())}
        keyed = self.rows.select(
            *(column.alias(key) for key, column in zip(self.keys, self.columns, strict=True)),
            *(amount.alias(name) for name, amount in amounts.items()),
        )
        types = column_types(keyed)
        # Rows are grouped before the join: a key that is used a million times is looked up once.
        grouped = keyed.groupBy(*self.keys).agg(
            F.count(F.lit(1)).alias("n"),
            *(summed(F.col(name), types[name]).alias(name) for name in amounts),
        )
        for n, (own, table) in enumerate(self.tables.values()):
            known = table.distinct().withColumn(f"known{n}", F.lit(True))
            grouped = grouped.join(known, on=[*own], how="left")
        return grouped


def key_rows(request: Request, names: Sequence[str]) -> KeyRows:
    """The rows per key of the request's dataset, of those rows that meet its condition."""
    rule = request.condition()
    rows = request.frame if rule is None else request.frame.where(rule)
    key = f"rows per {list(names)!r} where {request.text('row_condition')!r}"
    columns = [request.column(name) for name in names]
    return request.gather.grouping(KeyRows(key=key, rows=rows, columns=columns))
