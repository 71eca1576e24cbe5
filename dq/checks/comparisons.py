"""Totals of a dataset beside those of another table, overall or per group: what checks that compare them share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from dq.base.errors import EvaluationError
from dq.checks.compared_names import ROW_COUNT
from dq.checks.custom_check import Request
from dq.engine.gather import column, column_types, whole
from dq.engine.sums import summed
from dq.spark.identifiers import quote

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import DataType


Side = tuple[str, "DataFrame", "Column | None"]
"""One side of a comparison: its table's name, its frame, and which rows count."""


@dataclass(frozen=True, kw_only=True)
class SideBySide:
    """Both sides' totals per group, with every group that either side has, for all checks that group alike.

    ``key0`` and so on name the group, ``ours0`` and ``theirs0`` are the totals of a pair, numbered as pairs are added,
    ``n_ours`` and ``n_theirs`` the rows behind them. No group at all is one row. With ``distinct`` what stands on their
    side is the number of different values, of whatever type.
    """

    key: str
    ours: Side
    theirs: Side
    by: Sequence[str]
    distinct: bool
    pairs: dict[tuple[str, str], int] = field(default_factory=dict)

    def add(self, pairs: Sequence[tuple[str, str]]) -> list[int]:
        """The numbers of pairs of columns, known ones and new ones; an EvaluationError for one that cannot be."""
        for ours, theirs in pairs:
            _value(self.ours, ours, distinct=False)
            _value(self.theirs, theirs, distinct=self.distinct)
        return [self.pairs.setdefault(pair, len(self.pairs)) for pair in pairs]

    def types(self, number: int) -> tuple[DataType, DataType]:
        """What the two totals of a pair are made of."""
        from pyspark.sql.types import LongType

        ours, theirs = list(self.pairs)[number]
        their = LongType() if self.distinct else column_types(self.theirs[1]).get(theirs, LongType())
        return column_types(self.ours[1]).get(ours, LongType()), their

    def frame(self) -> DataFrame:
        """The groups, one row each."""
        from pyspark.sql import functions as F

        mine = _side(self.ours, self.by, [name for name, _ in self.pairs], ("ours", "theirs"), distinct=False)
        their = _side(
            self.theirs, self.by, [name for _, name in self.pairs], ("theirs", "ours"), distinct=self.distinct
        )
        merged = mine.unionByName(their)
        return merged.groupBy(*(f"key{n}" for n in range(len(self.by)))).agg(
            *(F.max(name).alias(name) for name in merged.columns if not name.startswith("key"))
        )


def side_by_side(request: Request, ours: Side, theirs: Side) -> tuple[SideBySide, list[int]]:
    """The comparison by groups that a check takes part in, and the numbers of its pairs in it.

    The conditions of the sides are those of the check, so that checks with the same tables, conditions and groups are
    one comparison.
    """
    by, distinct = request.texts("by"), bool(request.kwargs.get("distinct"))
    rules = [request.text("row_condition"), request.text("other_condition"), request.text("made_of")]
    key = f"groups of {[ours[0], theirs[0], *rules, *by]!r}" + (", distinct" if distinct else "")
    shared = request.gather.grouping(SideBySide(key=key, ours=ours, theirs=theirs, by=by, distinct=distinct))
    return shared, shared.add(pairs_of(request))


def _value(side: Side, name: str, *, distinct: bool) -> Column | None:
    """The column a total is made of, None for the number of rows."""
    table, frame, _ = side
    return None if name == ROW_COUNT else column(frame, name, table=table, kind="" if distinct else "number")


def _side(side: Side, by: Sequence[str], names: Sequence[str], tags: tuple[str, str], *, distinct: bool) -> DataFrame:
    """One side's totals per group, with the other side's columns empty: ``ours0`` filled, ``theirs0`` NULL."""
    from pyspark.sql import functions as F

    (_, frame, rule), (own, empty) = side, tags
    values = [_value(side, name, distinct=distinct) for name in names]
    types = column_types(frame)
    totals = [
        F.count_distinct(value) if distinct and value is not None else aggregate_of(value, None, types.get(name))
        for name, value in zip(names, values, strict=True)
    ]
    grouped = (
        (frame.where(rule) if rule is not None else frame)
        .groupBy(*(F.col(quote(name)).alias(f"key{n}") for n, name in enumerate(by)))
        .agg(F.count(F.lit(1)).alias(f"n_{own}"), *(total.alias(f"{own}{n}") for n, total in enumerate(totals)))
    )
    absent = {f"{empty}{n}": F.lit(None) for n in range(len(names))}
    return grouped.withColumns({f"n_{empty}": F.lit(0).cast("bigint"), **absent})


def rows_behind(
    total: Callable[[str, Column], Callable[[], object]], condition_text: str, rule: Column | None
) -> Callable[[], bool]:
    """Reads whether any row is behind a side's totals."""
    read = total(total_key(ROW_COUNT, condition_text), aggregate_of(None, rule))
    return lambda: whole(read()) > 0


def tolerance_of(request: Request) -> Decimal:
    """The greatest difference that still passes."""
    return Decimal(request.text("tolerance"))


def pairs_of(request: Request) -> list[tuple[str, str]]:
    """The pairs of a check that compares totals: a column of this side and one of the other."""
    pairs = request.kwargs["pairs"]
    if not isinstance(pairs, list | tuple):
        raise EvaluationError("pairs is not a list", where=request.check.check)
    return [(str(pair["column"]), str(pair["other"])) for pair in pairs if isinstance(pair, Mapping)]


def label_of(ours: str, theirs: str) -> str:
    """What is compared, as people read it."""
    names = ["row count" if name == ROW_COUNT else name for name in (ours, theirs)]
    return names[0] if names[0] == names[1] else " = ".join(names)


def total_key(name: str, rule: str) -> str:
    """The key by which checks share the total of a column over the rows that meet a condition."""
    return f"total {name!r} where {rule!r}"


def summed_where(value: Column | None, name: str, request: Request, rule: Column | None) -> tuple[str, Column]:
    """A total of this dataset over the rows that meet the check's condition, with its key."""
    return total_key(name, request.text("row_condition")), aggregate_of(
        value, rule, column_types(request.frame).get(name)
    )


def aggregate_of(value: Column | None, rule: Column | None, type_: DataType | None = None) -> Column:
    """The sum of a column of a type, or the number of rows, over the rows that meet the rule."""
    from pyspark.sql import functions as F

    if value is None or type_ is None:
        return F.count(F.lit(1)) if rule is None else F.count_if(rule)
    return summed(value if rule is None else F.when(rule, value), type_)
