"""Moments of events, and a judgement by share: what checks of events share."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from dq.base.errors import EvaluationError
from dq.base.model import Json, Outcome
from dq.checks.custom_check import Judged, Request
from dq.engine.gather import column_types, decimal

if TYPE_CHECKING:
    from pyspark.sql import Column


def instant(request: Request, name: str) -> Column:
    """A timestamp column; anything else cannot be a moment."""
    from pyspark.sql.types import TimestampType

    value = request.column(name, "day")
    if not isinstance(column_types(request.frame)[name], TimestampType):
        kind = column_types(request.frame)[name].simpleString()
        raise EvaluationError(f"{name} is {kind}", where=request.dataset.name, expected="a timestamp")
    return value


def of_share(
    request: Request,
    *,
    wrong: int,
    rows: int,
    sentence: str,
    noun: str = "rows",
    more: str = "",
) -> Judged:
    """So many of all rows are wrong, judged by the greatest share that may be; nothing to judge is an error."""
    request.refuse_nothing(rows, f"there are no {noun} to judge")
    allowed = decimal(request.kwargs.get("max_share")) or Decimal(0)
    measures: dict[str, Json] = {"element_count": rows, "unexpected_count": wrong}
    observed = f"{wrong:,} of {rows:,} {noun} {sentence}{more}" if wrong else f"none of {rows:,} {noun} {sentence}"
    if wrong and allowed:
        observed += f" (allowed a share of {allowed.normalize():f})"
    outcome = Outcome.FAILED if Decimal(wrong) > allowed * rows else Outcome.PASSED
    return Judged(outcome=outcome, observed=observed, measures=measures)
