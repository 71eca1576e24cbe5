"""Rows that share a key, counted once: those delivered again, and those in conflict with one another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

from dq.checks.custom_check import Request
from dq.engine.dataset import RAW_PREFIX
from dq.engine.gather import column_types, whole
from dq.engine.sums import counts
from dq.spark.hashes import Repeated, hashable

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

_PAYLOAD = "__dq_payload"


@dataclass(frozen=True, kw_only=True)
class Repeats:
    """Readers of what repeats: rows with a key, rows delivered again, and rows and keys in conflict."""

    rows: Callable[[], int]
    dropped: Callable[[], object]
    conflicting: Callable[[], object]
    keys: Callable[[], object]


def repeats(request: Request) -> Repeats:
    """The repeated rows of a dataset, counted once for all checks that ask by the same columns."""
    from pyspark.sql import functions as F

    key, delivery = request.texts("columns"), request.texts("delivery")
    for name in (*key, *delivery):
        request.column(name)
    payload = [
        name for name in request.frame.columns if name not in {*key, *delivery} and not name.startswith(RAW_PREFIX)
    ]
    table = f"repeats of {key!r} but {delivery!r}"
    groups = request.gather.grouping(
        _Deliveries(
            key=table,
            rows=request.frame.where(_all_present(request, key)),
            columns=[request.column(name) for name in key],
            payload=[request.column(name) for name in payload],
            repeated=_known(request, key),
        )
    )

    def total(name: str, value: Column) -> Callable[[], object]:
        return request.gather.of_groups(groups, name, value)

    different = F.col("different")
    read_known = request.own_total(f"rows with {key!r}", F.count_if(_all_present(request, key)))

    def rows() -> int:
        known = whole(read_known())
        request.refuse_nothing(known, f"no row has a value of {', '.join(key)} to judge")
        return known

    return Repeats(
        rows=rows,
        dropped=total("dropped", counts(F.col("n") - different)),
        conflicting=total("conflicting", counts(F.when(different > 1, different))),
        keys=total("keys", F.count_if(different > 1)),
    )


def _known(request: Request, key: Sequence[str]) -> Repeated | None:
    """The hashes that repeat, those found when the source was read where they are of this key; None: look at all."""
    read = request.dataset.repeated
    if read is not None and read.key == tuple(key):
        return read
    types = column_types(request.frame)
    return Repeated(request.frame, key) if all(hashable(types[name]) for name in key) else None


@dataclass(frozen=True, kw_only=True)
class _Deliveries:
    """The keys that repeat, one row each: ``n``, the rows that hold it, and ``different``, how many differ."""

    key: str
    rows: DataFrame
    columns: Sequence[Column]
    payload: Sequence[Column]
    repeated: Repeated | None

    def frame(self) -> DataFrame:
        """The rows behind the hashes that repeat, grouped by their values: two keys may share a hash."""
        from pyspark.sql import functions as F

        suspected = self.rows if self.repeated is None else self.repeated.among(self.rows)
        if suspected is None:
            return self.rows.sparkSession.range(0).selectExpr("id AS n", "id AS different")
        # Text keeps NULL apart from nothing and makes values of any type comparable inside one group.
        content = F.to_json(F.struct(*self.payload), {"ignoreNullFields": "false"}) if self.payload else F.lit("")
        names = [f"key{n}" for n in range(len(self.columns))]
        keyed = suspected.select(
            *(column.alias(name) for name, column in zip(names, self.columns, strict=True)), content.alias(_PAYLOAD)
        )
        return keyed.groupBy(*names).agg(F.count(F.lit(1)).alias("n"), F.count_distinct(_PAYLOAD).alias("different"))


def _all_present(request: Request, names: list[str]) -> Column:
    return reduce(lambda left, right: left & right, (request.column(name).isNotNull() for name in names))
