"""Rows that are wrong in any of several ways, counted in one scan: what checks decided row by row share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from dq.base.model import Json, Outcome
from dq.checks.custom_check import Judge, Judged, Request
from dq.engine.gather import column_types, whole

if TYPE_CHECKING:
    from pyspark.sql import Column

SAMPLE = 20
"""Failing rows shown of a check that may show values."""


def counted_rows(
    request: Request, ways: Mapping[str, Column], *, columns: Sequence[str], good: str, allowed: int = 0
) -> Judge:
    """Rows that are wrong in any of the ways, each way counted, against the allowed number."""
    from pyspark.sql import functions as F

    wrong = F.lit(False)
    for way in ways.values():
        wrong = wrong | F.coalesce(way, F.lit(False))
    what = repr([request.check.type, *columns])
    read_rows = request.own_total("rows", F.count(F.lit(1)))
    read_wrong = request.own_total(f"wrong {what}", F.count_if(wrong))
    read_ways = {name: request.own_total(f"{name} {what}", F.count_if(way)) for name, way in ways.items()}

    def judge() -> Judged:
        rows, count = whole(read_rows()), whole(read_wrong())
        request.refuse_nothing(rows)
        measures: dict[str, Json] = {"element_count": rows, "unexpected_count": count}
        found = {name: whole(read()) for name, read in read_ways.items() if whole(read())}
        parts = [f"{number:,} rows: {name}" for name, number in found.items()] if len(found) > 1 else [*found]
        between = "; " if len(found) > 1 else ": "
        observed = f"{count:,} of {rows:,} rows{between}" + "; ".join(parts) if count else f"all {rows:,} rows {good}"
        if count and allowed:
            observed += f" (allowed {allowed:,})"
        failed = count > allowed
        samples: Sequence[Mapping[str, Json]] = _sample(request, wrong, columns) if failed else ()
        return Judged(
            outcome=Outcome.FAILED if failed else Outcome.PASSED,
            observed=observed,
            measures=measures,
            rows=samples,
        )

    return judge


def _sample(request: Request, wrong: Column, columns: Sequence[str]) -> list[Mapping[str, Json]]:
    """A few of the wrong rows, only where the run takes samples and the suite opts the columns in."""
    if not (request.context.sample and request.check.show):
        return []
    selected = [request.column(name) for name in columns]
    found = request.frame.where(wrong).select(*selected).limit(SAMPLE).collect()
    return [dict(zip(columns, [None if item is None else str(item) for item in row], strict=True)) for row in found]


def is_float(request: Request, name: str) -> bool:
    """Whether a column holds numbers that may be NaN or infinite."""
    return column_types(request.frame)[name].simpleString() in ("float", "double")


def not_finite(value: Column) -> Column:
    """Whether a number is NaN or infinite."""
    from pyspark.sql import functions as F

    return F.isnan(value) | (F.abs(value) == float("inf"))
