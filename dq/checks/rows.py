"""Custom checks decided row by row: ratios and their denominators, and values that did not convert."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from dq.base.model import Evidence, Json, Outcome
from dq.checks.custom_check import Judge, Judged, Request
from dq.engine.dataset import RAW_PREFIX
from dq.engine.gather import column_types, condition, decimal, percent, shown, whole
from dq.engine.sums import summed

if TYPE_CHECKING:
    from pyspark.sql import Column

SAMPLE = 20
"""Failing rows shown of a check that may show values."""


def zero_denominators_to_be_counted(request: Request) -> Judge:
    """The rows (cells of a figure) whose denominator is zero, against how many there may be."""
    name = request.text("denominator")
    request.column(request.text("column"))
    zero = request.column(name, "number") == 0
    return _counted_rows(
        request,
        {f"{name} is 0": zero},
        columns=[request.text("column"), name],
        allowed=request.count("max_count", 0),
        good=f"have a {name} other than 0",
    )


def ratio_to_be_explained(request: Request) -> Judge:
    """A ratio is NULL exactly where its reason is given, NULL wherever its denominator is 0 or NULL, and finite.

    The reason that blames the denominator is given nowhere where that is above 0, and where a negative one has a reason
    of its own, each of the two only where it is true.
    """
    from pyspark.sql import functions as F

    ratio_name, reason_name, base_name = (request.text(name) for name in ("column", "reason_column", "denominator"))
    ratio, reason = request.column(ratio_name), request.column(reason_name)
    base = request.column(base_name, "number")
    ways = {
        f"{ratio_name} is NULL without {reason_name}": ratio.isNull() & reason.isNull(),
        f"{ratio_name} has a value and {reason_name}": ratio.isNotNull() & reason.isNotNull(),
        f"{ratio_name} has a value although {base_name} is 0 or NULL": ratio.isNotNull()
        & F.coalesce(base == 0, F.lit(True)),
    }
    if zero := request.text("zero_reason"):
        ways[f"{reason_name} is {zero} although {base_name} is above 0"] = (reason == zero) & (base > 0)
    if negative := request.text("negative_reason"):
        ways[f"{reason_name} is {zero} although {base_name} is below 0"] = (reason == zero) & (base < 0)
        ways[f"{reason_name} is {negative} although {base_name} is not below 0"] = (reason == negative) & F.coalesce(
            base >= 0, F.lit(True)
        )
    if _is_float(request, ratio_name):
        ways[f"{ratio_name} is not a finite number"] = _not_finite(ratio)
    names = [ratio_name, base_name, reason_name]
    return _counted_rows(request, ways, columns=names, good="are explained")


def values_to_convert(request: Request) -> Judge:
    """Raw values that are present but did not become a value of the contract's type; NaN and infinity included."""
    name = request.text("column")
    value = request.column(name)
    ways: dict[str, Column] = {}
    columns = [name]
    if RAW_PREFIX + name in column_types(request.frame):
        raw = request.column(RAW_PREFIX + name)
        ways["did not convert"] = raw.isNotNull() & value.isNull()
        columns.append(RAW_PREFIX + name)
    if _is_float(request, name):
        ways["are not finite numbers"] = _not_finite(value)
    if not ways:
        kind = column_types(request.frame)[name].simpleString()
        observed = f"{name} is {kind} as it was read; nothing had to be converted"
        return lambda: Judged(outcome=Outcome.PASSED, observed=observed, evidence=Evidence.SCHEMA)
    return _counted_rows(request, ways, columns=columns, good=f"have a {name} that converts or is NULL")


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
            evidence=Evidence.SCAN,
        )

    return judge


def _counted_rows(
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
            evidence=Evidence.SCAN,
        )

    return judge


def _sample(request: Request, wrong: Column, columns: Sequence[str]) -> list[Mapping[str, Json]]:
    """A few of the wrong rows, only where the run takes samples and the suite opts the columns in."""
    if not (request.context.sample and request.check.show):
        return []
    selected = [request.column(name) for name in columns]
    found = request.frame.where(wrong).select(*selected).limit(SAMPLE).collect()
    return [dict(zip(columns, [None if item is None else str(item) for item in row], strict=True)) for row in found]


def _is_float(request: Request, name: str) -> bool:
    return column_types(request.frame)[name].simpleString() in ("float", "double")


def _not_finite(value: Column) -> Column:
    from pyspark.sql import functions as F

    return F.isnan(value) | (F.abs(value) == float("inf"))
