"""A measure of this period against what the same check measured in earlier published periods."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Context as Precision
from decimal import Decimal
from statistics import median
from typing import TYPE_CHECKING

from dq.engine.gather import decimal, shown, whole
from dq.engine.request import Judge, Judged, NotRunError, Request
from dq.errors import EvaluationError
from dq.model import Evidence, Json, Outcome

if TYPE_CHECKING:
    from pyspark.sql import Column

# A history that hardly varied would alarm on noise: deviations count as at least this share of the median.
LEAST_DEVIATION = Decimal("0.01")
_PRECISION = Precision(prec=15)


@dataclass(frozen=True, kw_only=True)
class Band:
    """The values that fit: both ends included, an open end is None; ``middle`` is the median they are built on."""

    middle: Decimal
    low: Decimal | None
    high: Decimal | None

    def holds(self, value: Decimal) -> bool:
        """Whether a finite value lies in the band."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def off_by(self, value: Decimal) -> Decimal:
        """How far a value lies outside the band, 0 inside it."""
        below = self.low - value if self.low is not None else Decimal(0)
        above = value - self.high if self.high is not None else Decimal(0)
        return max(below, above, Decimal(0))

    def __str__(self) -> str:
        if self.low is None or self.high is None:
            return f"at least {shown(self.low)}" if self.high is None else f"at most {shown(self.high)}"
        return f"{shown(self.low)} to {shown(self.high)}"


def band_of_ratios(history: Sequence[Decimal], low: Decimal | None, high: Decimal | None) -> Band:
    """The band between two ratios to the median; a negative median turns them round, so -120 is 1.2 times -100."""
    middle = median(history)
    ends = [None if ratio is None else _rounded(ratio * middle) for ratio in (low, high)]
    return Band(middle=middle, low=ends[middle < 0], high=ends[middle >= 0])


def band_of_deviations(history: Sequence[Decimal], mads: Decimal) -> Band:
    """The band of so many median absolute deviations around the median."""
    middle = median(history)
    spread = median([abs(value - middle) for value in history])
    reach = mads * max(spread, LEAST_DEVIATION * abs(middle))
    return Band(middle=middle, low=_rounded(middle - reach), high=_rounded(middle + reach))


def measure_to_fit_history(request: Request) -> Judge:
    """One measure of the dataset within the usual band of its own history.

    The measure is taken even while there is too little history to judge it, so that history can grow.
    """
    metric, name = request.text("metric"), request.text("column")
    read = _metric(request, metric, name)
    label = "row count" if metric == "row_count" else f"{metric.replace('_', ' ')} of {name}"
    least = request.count("minimum_history", 3)

    def judge() -> Judged:
        value = read()
        past = [item for item in _history(request) if item.is_finite()]
        if value is None and request.dataset.may_be_empty:
            raise NotRunError(f"{name} has no value to measure in a dataset that may be empty")
        if value is None:
            raise EvaluationError(f"{name} has no value to measure", where=request.dataset.name)
        if not value.is_finite():
            observed = f"{label} is {shown(value)}"
            return Judged(outcome=Outcome.FAILED, observed=observed, evidence=Evidence.SCAN)
        measures: dict[str, Json] = {"metric": str(value), "history": len(past)}
        if len(past) < max(least, 1):
            reason = f"not enough history: {len(past)} of {least} published periods"
            return Judged(outcome=Outcome.NOT_RUN, reason=reason, measures=measures, evidence=Evidence.SCAN)
        band = _band(request, past)
        measures["median"] = str(band.middle)
        observed = (
            f"{label} {shown(value)}, usual {band} (median {shown(band.middle)} of {len(past)} published periods)"
        )
        measures["off_by"] = str(band.off_by(value))
        outcome = Outcome.PASSED if band.holds(value) else Outcome.FAILED
        return Judged(outcome=outcome, observed=observed, measures=measures, evidence=Evidence.SCAN)

    return judge


def _history(request: Request) -> Sequence[Decimal]:
    return request.context.history(request.check.check) if request.context.history is not None else ()


def _band(request: Request, past: Sequence[Decimal]) -> Band:
    low, high, mads = (decimal(request.kwargs.get(name)) for name in ("low", "high", "mads"))
    return band_of_deviations(past, mads) if mads is not None else band_of_ratios(past, low, high)


def _metric(request: Request, metric: str, name: str) -> Callable[[], Decimal | None]:
    """A reader of the measure; None where there is nothing to measure it on."""
    from pyspark.sql import functions as F

    rule, where = request.condition(), f"where {request.text('row_condition')!r}"

    def of(value: Column) -> Column:
        return value if rule is None else F.when(rule, value)

    rows = request.own_total(f"rows {where}", F.count(of(F.lit(1))))
    if metric == "row_count":
        return lambda: decimal(rows())
    if not name:
        raise EvaluationError(f"the metric {metric} needs a column", where=request.check.check)
    if metric == "null_share":
        present = request.own_total(f"present {name!r} {where}", F.count(of(request.column(name))))
        return lambda: _share(whole(rows()) - whole(present()), whole(rows()))
    value = of(request.column(name, "number"))
    present = request.own_total(f"present {name!r} {where}", F.count(value))
    key, summed = (f"total {name!r}", F.sum(value)) if metric != "mean_abs" else (f"abs {name!r}", F.sum(F.abs(value)))
    total = request.own_total(f"{key} {where}", summed)
    if metric == "sum":
        return lambda: decimal(total())
    return lambda: _mean(decimal(total()), whole(present()))


def _share(part: int, all_of: int) -> Decimal | None:
    return _PRECISION.divide(Decimal(part), Decimal(all_of)) if all_of else None


def _mean(total: Decimal | None, count: int) -> Decimal | None:
    if total is None or not count:
        return None
    return _PRECISION.divide(total, Decimal(count)) if total.is_finite() else total


def _rounded(value: Decimal) -> Decimal:
    return _PRECISION.plus(value)
