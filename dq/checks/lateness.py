"""Rows that come late: long after their event, or after the month they belong to was published as final."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from dq.base.errors import EvaluationError
from dq.base.model import Evidence, Json, Outcome
from dq.checks.custom_check import Judge, Judged, Request
from dq.engine.gather import column, column_types, decimal, shown, whole
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
            evidence=Evidence.SCAN,
        )

    return judge


def finals_to_hold_every_row(request: Request) -> Judge:
    """The rows of a month published as final that became known only afterwards: what a restatement would take in.

    How many rows the month has is counted only where some of them are late.
    """
    from pyspark.sql import functions as F

    other, frame = request.other()
    name, before, day = (request.text(kwarg) for kwarg in ("amount", "before", "day"))
    value = column(frame, name, table=other, kind="number") if name else F.lit(0)
    if before:
        value = F.coalesce(value, F.lit(0)) - F.coalesce(column(frame, before, table=other, kind="number"), F.lit(0))
    read_rows = request.other_total(other, frame, "rows", F.count(F.lit(1)))
    types = [column_types(frame)[amount] for amount in (name, before) if amount]
    read_value = request.other_total(other, frame, f"late {name!r} less {before!r}", summed(F.abs(value), *types))
    first_day = column(frame, day, table=other, kind="day") if day else F.lit(None).cast("date")
    read_first = request.other_total(other, frame, f"first {day!r}", F.min(first_day))
    allowed = decimal(request.kwargs.get("max_share")) or Decimal(0)
    most = decimal(request.kwargs.get("max_amount"))
    whole_month = request.table(request.text("of")) if request.text("of") else None

    def judge() -> Judged:
        rows, worth = whole(read_rows()), decimal(read_value()) or Decimal(0)
        month = request.context.published.get("late", "the month before")
        measures: dict[str, Json] = {"unexpected_count": rows}
        if not rows:
            observed = f"{month} holds every row that is known of it"
            return Judged(outcome=Outcome.PASSED, observed=observed, measures=measures)
        if name and worth.is_finite():
            measures["off_by"] = str(worth)
        of = whole_month.count() if whole_month is not None else None
        if of is not None:
            measures["element_count"] = of
        # A share of all rows and more is any number of them; without the rows it is of, only none and any can be told.
        too_many = allowed < 1 and Decimal(rows) > allowed * (of or 0)
        failed = too_many or (most is not None and not worth <= most)
        of_text = f" of {of:,}" if of is not None else ""
        came = "row" if rows == 1 and of is None else "rows"
        value_text = f", {shown(worth)} in all," if name else ""
        bounds = [f"a share of {allowed.normalize():f}"] if 0 < allowed < 1 else []
        bounds += [f"an amount of {shown(most)}"] if most is not None else []
        limits = f" (allowed {' and '.join(bounds)})" if bounds else ""
        # Without the instant a month is run again as of what was known when it was published.
        known = f" --as-of {request.context.window.as_of:%Y-%m-%dT%H:%M:%SZ}" if request.context.window else ""
        first = read_first()
        begins = min(month, f"{first:%Y-%m}") if isinstance(first, date) else month
        observed = (
            f"{rows:,}{of_text} {came} of {month}{value_text} became known after it was published as final{limits}; "
            f"restate it with: dq backfill {request.context.pipeline} --from {begins} --to {month}{known}"
        )
        return Judged(outcome=Outcome.FAILED if failed else Outcome.PASSED, observed=observed, measures=measures)

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
