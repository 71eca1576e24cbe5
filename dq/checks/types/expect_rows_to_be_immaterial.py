"""Rows that should not be: how many there are and, with an amount, what they are worth."""

from __future__ import annotations

from decimal import Decimal

from dq.base.model import Json, Outcome
from dq.checks.custom_check import Judge, Judged, Request
from dq.checks.type_spec import KwargSpec, KwargType, TypeSpec, amount_for_max_amount
from dq.engine.gather import column_types, condition, decimal, percent, shown, whole
from dq.engine.sums import summed


def rows_to_be_immaterial(request: Request) -> Judge:
    """The rows of which something is true that should not be: their share and, with an amount, what they are worth."""
    from pyspark.sql import functions as F

    where = condition(request.frame, request.text("where"), table=request.dataset.name)
    judged, day, window = F.lit(True), request.text("day"), request.context.window
    if day and window is not None:
        judged = F.coalesce(request.column(day, "day") == F.lit(window.data_through), F.lit(False))
    wrong = judged & (F.lit(False) if where is None else F.coalesce(where, F.lit(False)))
    name = request.text("amount")
    what = repr([request.text("where"), day])
    read_rows = request.own_total(f"judged {day!r}", F.count_if(judged))
    read_wrong = request.own_total(f"wrong {what}", F.count_if(wrong))
    value = request.column(name, "number") if name else F.lit(0)
    types = [column_types(request.frame)[name]] if name else []
    read_worth = request.own_total(f"worth {name!r} {what}", summed(F.when(wrong, value), *types))
    allowed, most = request.share("max_share"), decimal(request.kwargs.get("max_amount"))

    def judge() -> Judged:
        rows, count, worth = whole(read_rows()), whole(read_wrong()), decimal(read_worth()) or Decimal(0)
        request.refuse_nothing(rows)
        measures: dict[str, Json] = {"element_count": rows, "unexpected_count": count}
        if name and worth.is_finite():
            measures["off_by"] = str(abs(worth))
        bounds = [f"a share of {percent(allowed)}"] if 0 < allowed < 1 else []
        bounds += [f"{shown(most)} of {name}"] if most is not None else []
        limits = f" (allowed {' and '.join(bounds)})" if bounds and count else ""
        valued = f", worth {shown(worth)} of {name}" if name and count else ""
        too_much = most is not None and not abs(worth) <= most
        return Judged(
            outcome=Outcome.FAILED if too_much or Decimal(count) > allowed * rows else Outcome.PASSED,
            observed=f"{f'{count:,}' if count else 'none'} of {rows:,} rows{valued}{limits}",
            measures=measures,
        )

    return judge


TYPE = TypeSpec(
    doc="Rows that should not be are few and worth little: they are counted and, with an amount, valued.",
    sentence="of all but a share of $max_share of the rows[ and $max_amount of $amount] it must not be true that "
    "$where[, on the last day covered by $day].",
    kwargs={
        "where": KwargSpec(type=KwargType.CONDITION, required=True, doc="What should be true of no row."),
        "max_share": KwargSpec(
            type=KwargType.NUMBER, default=0, doc="Greatest share of such rows that still passes; 1 for any number."
        ),
        "amount": KwargSpec(type=KwargType.COLUMN, doc="Number by which such rows are valued."),
        "max_amount": KwargSpec(
            type=KwargType.AMOUNT, doc="Greatest absolute sum of the amount of such rows that still passes."
        ),
        "day": KwargSpec(type=KwargType.COLUMN, doc="Date of a row; only rows of the last day covered are judged."),
    },
    mistakes=amount_for_max_amount,
    judge=rows_to_be_immaterial,
)
