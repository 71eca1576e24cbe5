"""A measure of this period against what the same check measured in earlier published periods."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from dq.base.errors import EvaluationError
from dq.base.model import Json, Outcome
from dq.checks.custom_check import Judge, Judged, NothingToJudgeError, NotRunError, Request
from dq.checks.fit_history import PRECISION, fitting, published
from dq.checks.type_spec import KwargSpec, KwargType, TypeSpec
from dq.engine.gather import column_types, decimal, shown, whole
from dq.engine.sums import summed

if TYPE_CHECKING:
    from pyspark.sql import Column


def measure_to_fit_history(request: Request) -> Judge:
    """One measure of the dataset within the usual band of its latest history.

    The measure is taken even while there is too little history to judge it, so that history can grow.
    """
    metric, name = request.text("metric"), request.text("column")
    read, rows = _metric(request, metric, name)
    label = "row count" if metric == "row_count" else f"{metric.replace('_', ' ')} of {name}"
    least = request.count("minimum_history", 3)

    def judge() -> Judged:
        value = read()
        past = published(request)
        if value is None and request.excused():
            raise NotRunError(f"{name} has no value to measure in a dataset that may be empty")
        if value is None:
            raise NothingToJudgeError(f"{name} has no value to measure", where=request.dataset.name)
        if not value.is_finite():
            observed = f"{label} is {shown(value)}"
            return Judged(outcome=Outcome.FAILED, observed=observed)
        measures: dict[str, Json] = {"metric": str(value), "history": len(past)}
        if len(past) < max(least, 1):
            reason = f"not enough history: {len(past)} of {least} published periods"
            return Judged(outcome=Outcome.NOT_RUN, reason=reason, measures=measures)
        band = fitting(request.kwargs, past, whole(rows()))
        measures["usual"] = str(band.middle)
        observed = (
            f"{label} {shown(value)}, usual {band} ({band.of} {shown(band.middle)} of {len(past)} published periods)"
        )
        measures["off_by"] = str(band.off_by(value))
        outcome = Outcome.PASSED if band.holds(value) else Outcome.FAILED
        return Judged(outcome=outcome, observed=observed, measures=measures)

    return judge


def _metric(request: Request, metric: str, name: str) -> tuple[Callable[[], Decimal | None], Callable[[], object]]:
    """Readers of the measure, None where there is nothing to measure it on, and of the rows it is measured on."""
    from pyspark.sql import functions as F

    rule, where = request.condition(), f"where {request.text('row_condition')!r}"

    def of(value: Column) -> Column:
        return value if rule is None else F.when(rule, value)

    rows = request.kept_rows()
    if metric == "row_count":
        return lambda: decimal(rows()), rows
    if not name:
        raise EvaluationError(f"the metric {metric} needs a column", where=request.check.check)
    if metric == "null_share":
        present = request.own_total(f"present {name!r} {where}", F.count(of(request.column(name))))
        return lambda: _share(whole(rows()) - whole(present()), whole(rows())), rows
    value = of(request.column(name, "number"))
    present = request.own_total(f"present {name!r} {where}", F.count(value))
    type_ = column_types(request.frame)[name]
    key, added = (f"abs {name!r}", F.abs(value)) if metric == "mean_abs" else (f"total {name!r}", value)
    total = request.own_total(f"{key} {where}", summed(added, type_))
    if metric == "sum":
        return lambda: decimal(total()), rows
    return lambda: _mean(decimal(total()), whole(present())), rows


def _share(part: int, all_of: int) -> Decimal | None:
    return PRECISION.divide(Decimal(part), Decimal(all_of)) if all_of else None


def _mean(total: Decimal | None, count: int) -> Decimal | None:
    if total is None or not count:
        return None
    return PRECISION.divide(total, Decimal(count)) if total.is_finite() else total


def _mistakes(kwargs: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    low, high, mads = (kwargs.get(name) for name in ("low", "high", "mads"))
    if (low is None and high is None) == (mads is None):
        yield "mads", "give either low and high (ratios to the median of history) or mads, not both and not neither"
    if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
        yield "low", f"the least ratio {low} is above the greatest ratio {high}"
    values = TYPE.completed(kwargs)
    least, most = values["minimum_history"], values["maximum_history"]
    if isinstance(least, int) and isinstance(most, int) and most < max(least, 1):
        yield "maximum_history", f"{most} periods are fewer than the {max(least, 1)} that are needed to judge"
    if (kwargs.get("metric") == "row_count") == (kwargs.get("column") is not None):
        yield "column", "every metric but row_count measures a column, row_count measures none"


TYPE = TypeSpec(
    doc="A measure stays near what the last published periods had: a ratio to their median, or median deviations.",
    sentence="$metric[ of $column][ of rows where $row_condition] must fit the last $maximum_history published "
    "periods[, at least $low times their median][, at most $high times their median]"
    "[, within $mads median absolute deviations of what is usual], given $minimum_history of them.",
    kwargs={
        "metric": KwargSpec(
            type=KwargType.CHOICE,
            required=True,
            choices=("row_count", "mean", "mean_abs", "sum", "null_share"),
            doc="The measure that is compared.",
        ),
        "column": KwargSpec(type=KwargType.COLUMN, doc="The column measured; none for the row count."),
        "row_condition": KwargSpec(type=KwargType.CONDITION, doc="Only rows that meet it are measured."),
        "low": KwargSpec(type=KwargType.NUMBER, doc="Least ratio to the median of history."),
        "high": KwargSpec(type=KwargType.NUMBER, doc="Greatest ratio to the median of history."),
        "mads": KwargSpec(
            type=KwargType.NUMBER,
            doc="Greatest distance in median absolute deviations: of a mean or a share from the median of history, "
            "of a row count or a sum from its trend, which is a line once there are six periods.",
        ),
        "minimum_history": KwargSpec(
            type=KwargType.COUNT, default=3, doc="Published periods needed before the check can be judged."
        ),
        "maximum_history": KwargSpec(
            type=KwargType.COUNT,
            default=12,
            doc="The last published periods that say what is usual: a year, so that every season is in it; 1 for "
            "a running total, and few for a ratio that growth would hide in.",
        ),
    },
    nulls_left_out=True,
    example={"metric": "row_count", "low": 0.5, "high": 2},
    mistakes=_mistakes,
    judge=measure_to_fit_history,
)
