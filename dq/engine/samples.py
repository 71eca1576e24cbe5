"""Values of the rows that fail: bounded, in one Spark action for all failed checks of a dataset."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING

from dq.engine.native_demand import Unexpected

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_FLAG = "__dq_unexpected"


def unexpected_values(frame: DataFrame, wanted: Sequence[Unexpected], limit: int) -> list[list[object]]:
    """For each condition the values of the first rows that meet it: a value, a pair, or a record by column name."""
    from pyspark.sql import functions as F

    if not wanted or limit <= 0:
        return [[] for _ in wanted]
    parts = [
        _failing(frame, item)
        .limit(limit)
        .select(
            F.lit(number).alias("check"),
            F.struct(*(F.col(f"c{position}") for position in range(len(item.columns)))).alias(f"v{number}"),
        )
        for number, item in enumerate(wanted)
    ]
    union = reduce(lambda left, right: left.unionByName(right, allowMissingColumns=True), parts)
    found: list[list[object]] = [[] for _ in wanted]
    for row in union.collect():
        number = int(row["check"])
        found[number].append(_shaped(wanted[number], list(row[f"v{number}"])))
    return found


def _shaped(item: Unexpected, cells: list[object]) -> object:
    if item.shape == "value":
        return cells[0]
    if item.shape == "pair":
        return tuple(cells)
    return {column.name: cell for column, cell in zip(item.columns, cells, strict=True)}


def failing_rows(frame: DataFrame, item: Unexpected) -> DataFrame:
    """The whole rows that do not meet a check."""
    from pyspark.sql import functions as F

    # A window function may not stand in a filter, so the condition becomes a column first.
    return _looked_at(frame, item).withColumn(_FLAG, item.condition()).where(F.col(_FLAG)).drop(_FLAG)


def _failing(frame: DataFrame, item: Unexpected) -> DataFrame:
    from pyspark.sql import functions as F

    cells = [F.col(column.sql).alias(f"c{position}") for position, column in enumerate(item.columns)]
    return failing_rows(frame, item).select(*cells)


def _looked_at(frame: DataFrame, item: Unexpected) -> DataFrame:
    from pyspark.sql import functions as F

    kept = frame.where(F.expr(item.where.sql)) if item.where.sql else frame
    return kept.where(~item.dropped()) if item.dropped is not None else kept


def index_query(frame: DataFrame, item: Unexpected) -> str:
    """The filter that finds the failing rows again, as Great Expectations writes it into a COMPLETE result."""
    condition = item.condition()
    text = str(condition).removeprefix("Column<'").removesuffix("'>")
    try:
        plan = _looked_at(frame, item).filter(condition)._jdf.queryExecution().analyzed()
        if plan.getClass().getSimpleName() == "Filter":
            text = str(plan.condition().sql())
    except Exception:  # noqa: S110  # a window function has no such filter; the text of the column stands in for it
        pass
    if text.startswith("(") and text.endswith(")"):
        text = text[1:-1]
    return f"df.filter(F.expr({text!r}))"
