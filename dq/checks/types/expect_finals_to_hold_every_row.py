"""Rows that became known after the month they belong to was published as final."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal

from dq.base.model import Evidence, Json, Outcome
from dq.checks.custom_check import Judge, Judged, Request
from dq.checks.type_spec import KwargSpec, KwargType, TypeSpec
from dq.engine.gather import column, column_types, decimal, shown, whole
from dq.engine.sums import summed


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


def _mistakes(kwargs: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    if kwargs.get("max_share") not in (None, 0, 1) and kwargs.get("of") is None:
        yield "of", "max_share needs the rows it is a share of"
    for name in ("max_amount", "before"):
        if kwargs.get(name) is not None and kwargs.get("amount") is None:
            yield "amount", f"{name} needs the column that values the rows"


TYPE = TypeSpec(
    doc="Rows of the month before that became known after it was published as final are few and worth little.",
    sentence="of the last final at most a share of $max_share of the rows[ and $max_amount of $amount] may have "
    "become known later; $other holds those that did[, valued by $amount][ less $before].",
    kwargs={
        "other": KwargSpec(
            type=KwargType.TABLE, required=True, doc="The rows that came late for it: a source's name and `.late`."
        ),
        "max_share": KwargSpec(
            type=KwargType.NUMBER, default=0, doc="Greatest share of the month's rows that may be late and pass."
        ),
        "of": KwargSpec(
            type=KwargType.TABLE, doc="All rows of that month, which the share is of: its name and `.previous`."
        ),
        "amount": KwargSpec(type=KwargType.OTHER_COLUMN, doc="Number by which the late rows are valued."),
        "before": KwargSpec(
            type=KwargType.OTHER_COLUMN, doc="Number the amount takes the place of: a row is worth the difference."
        ),
        "max_amount": KwargSpec(
            type=KwargType.AMOUNT, doc="Greatest sum of what late rows are worth, signs left out, that passes."
        ),
        "day": KwargSpec(
            type=KwargType.OTHER_COLUMN,
            doc="Day of a late row, where it may be earlier than the month: the restatement begins with the first.",
        ),
    },
    mistakes=_mistakes,
    judge=finals_to_hold_every_row,
    evidence=Evidence.COMPARISON,
)
