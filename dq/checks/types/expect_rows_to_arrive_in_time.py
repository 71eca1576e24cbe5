"""Rows that arrive long after their event."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from dq.base.errors import EvaluationError
from dq.base.model import Json, Outcome
from dq.checks.custom_check import Judge, Judged, Request
from dq.checks.type_spec import ROW_CONDITION, KwargSpec, KwargType, TypeSpec, own_column
from dq.engine.gather import column_types, decimal, shown, whole
from dq.engine.sums import summed

if TYPE_CHECKING:
    from pyspark.sql import Column

_HOUR = 3_600_000_000
"""Microseconds."""


def rows_to_arrive_in_time(request: Request) -> Judge:
    """The rows that arrived later after their event than they may, by their share and, with an amount, by their value.

    A row without either instant does not count; that it is missing is for another check.
    """
    from pyspark.sql import functions as F

    event, arrival = _micros(request, "event"), _micros(request, "arrival")
    hours = decimal(request.kwargs["within_hours"]) or Decimal(0)
    allowed = decimal(request.kwargs.get("max_share")) or Decimal(0)
    most = decimal(request.kwargs.get("max_amount"))
    rule = request.condition()
    delay = arrival - event if rule is None else F.when(rule, arrival - event)
    late = F.coalesce(delay > int(hours * _HOUR), F.lit(False))
    names = ("event", "arrival", "within_hours", "row_condition", "amount")
    what = repr([str(request.kwargs.get(name)) for name in names])
    read_known = request.own_total(f"known {what}", F.count(delay))
    read_late = request.own_total(f"late {what}", F.count_if(late))
    read_latest = request.own_total(f"latest {what}", F.max(delay))
    name = request.text("amount")
    value = F.abs(request.column(name, "number")) if name else F.lit(0)
    types = [column_types(request.frame)[name]] if name else []
    read_value = request.own_total(f"late value {what}", summed(F.when(late, value), *types))

    def judge() -> Judged:
        known, wrong = whole(read_known()), whole(read_late())
        request.refuse_nothing(known, "there are no rows to judge")
        measures: dict[str, Json] = {"element_count": known, "unexpected_count": wrong}
        worth = decimal(read_value()) or Decimal(0)
        if name and worth.is_finite():
            measures["off_by"] = str(worth)
        found = f"{wrong:,}" if wrong else "none"
        value_text = f", {shown(worth)} in all," if name and wrong else ""
        observed = (
            f"{found} of {known:,} rows{value_text} arrived more than {hours.normalize():f} hours after their event"
        )
        if wrong:
            observed += f"; the latest by {whole(read_latest()) // _HOUR:,} hours"
        bounds = [f"a share of {allowed.normalize():f}"] if allowed else []
        bounds += [f"an amount of {shown(most)}"] if most is not None else []
        observed += f" (allowed {' and '.join(bounds)})" if bounds and wrong else ""
        failed = Decimal(wrong) > allowed * known or (most is not None and not worth <= most)
        return Judged(
            outcome=Outcome.FAILED if failed else Outcome.PASSED,
            observed=observed,
            measures=measures,
        )

    return judge


def _micros(request: Request, kwarg: str) -> Column:
    """A column as microseconds since 1970; a date is over at the end of its UTC day."""
    from pyspark.sql import functions as F
    from pyspark.sql.types import DateType, TimestampType

    name = request.text(kwarg)
    value, kind = request.column(name, "day"), column_types(request.frame)[name]
    if isinstance(kind, DateType):
        return F.unix_micros(F.date_add(value, 1).cast("timestamp"))
    if not isinstance(kind, TimestampType):
        where = request.dataset.name
        raise EvaluationError(f"{name} is {kind.simpleString()}", where=where, expected="a date or an instant")
    return F.unix_micros(value)


TYPE = TypeSpec(
    doc="Rows arrive within so many hours of their event; later ones are counted and, with an amount, valued.",
    sentence="$arrival must be within $within_hours hours of $event for all but a share of $max_share of the rows"
    "[ and $max_amount of $amount][, of rows where $row_condition].",
    kwargs={
        "event": own_column("Timestamp of the event, or its date, which counts until the end of the day."),
        "arrival": own_column("Timestamp at which the row arrived."),
        "within_hours": KwargSpec(
            type=KwargType.NUMBER, required=True, doc="Hours after the event in which a row is in time."
        ),
        "max_share": KwargSpec(
            type=KwargType.NUMBER, default=0, doc="Greatest share of rows that may be later and still pass."
        ),
        "amount": KwargSpec(type=KwargType.COLUMN, doc="Number by which the late rows are valued."),
        "max_amount": KwargSpec(
            type=KwargType.AMOUNT, doc="Greatest absolute sum of the amount of late rows that still passes."
        ),
        "row_condition": ROW_CONDITION,
    },
    nulls_left_out=True,
    judge=rows_to_arrive_in_time,
)
