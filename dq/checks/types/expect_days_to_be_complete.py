"""Every day that is expected is there, with its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil

from dq.base.model import Evidence, Json, Outcome, Window
from dq.checks.custom_check import MAX_ROWS, Judge, Judged, NotRunError, Request, listed
from dq.checks.custom_kwargs import expects
from dq.checks.days import PUBLISHED, Usual, bounded, rows_per_day, usual_rows, window_of
from dq.checks.type_spec import EXCEPT, MINIMUM_HISTORY, KwargSpec, KwargType, TypeSpec, own_column
from dq.engine.gather import decimal, shown, whole


def days_to_be_complete(request: Request) -> Judge:
    """Every expected day from the first day of the window through the last day of data, with its rows.

    What is usual in a day is kept as the metric, as for freshness.
    """
    name, window = request.text("column"), window_of(request)
    allowed, expected = request.count("max_missing", 0), _expected(request, window)
    if not expected:
        raise NotRunError("no day of the window is expected")
    days = rows_per_day(request, name, window.as_of)

    def judge() -> Judged:
        found = {row["day"]: whole(row["n"]) for row in bounded(days(), name, request) if row["day"] is not None}
        wanted, measures = _wanted(request, {day: n for day, n in found.items() if n}, expected)
        short = [day for day in expected if found.get(day, 0) < wanted[day].rows]
        measures |= {"days_expected": len(expected), "unexpected_count": len(short)}
        if not short:
            observed = f"{len(expected)} of {len(expected)} expected days are present"
            return Judged(outcome=Outcome.PASSED, observed=observed, measures=measures)
        missing = [day for day in short if not found.get(day)]
        thin = [f"{day} has {found[day]:,} rows of {wanted[day]}" for day in short if found.get(day)]
        parts = [f"{len(missing)} of {len(expected)} expected days are missing: {_spans(missing)}"] if missing else []
        rows: list[Mapping[str, Json]] = [
            {"day": str(day), "rows": str(found.get(day, 0)), "expected": str(wanted[day])} for day in short
        ]
        observed = listed([*parts, *thin], 4)
        if len(short) <= allowed:
            return Judged(outcome=Outcome.PASSED, observed=f"{observed} (allowed {allowed})", measures=measures)
        return Judged(outcome=Outcome.FAILED, observed=observed, measures=measures, rows=rows[:MAX_ROWS])

    return judge


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """The fewest rows with which a day is complete, and what is usual where that is a share of it."""

    rows: int
    usual: Usual | None = None

    def __str__(self) -> str:
        return f"at least {shown(self.rows)}" + (f", {self.usual}" if self.usual else "")


def _wanted(
    request: Request, counts: Mapping[date, int], expected: Sequence[date]
) -> tuple[dict[date, _Wanted], dict[str, Json]]:
    """What each expected day must hold, and the metric: what is usual on the last of them by this period's own days."""
    least, share = request.count("min_rows", 1), decimal(request.kwargs.get("min_share"))
    wanted: dict[date, _Wanted] = {}
    measures: dict[str, Json] = {}
    for day in expected:
        usual = usual_rows(request, counts, day, after=True) if share is not None else None
        rows = ceil(share * usual.rows) if usual and share is not None else 0
        wanted[day] = _Wanted(rows=max(rows, least), usual=usual if rows > least else None)
        if usual and usual.of != PUBLISHED:
            measures["metric"] = str(usual.rows)
    return wanted, measures


def _expected(request: Request, window: Window) -> list[date]:
    first = request.context.days_from or window.start
    span = (window.data_through - first).days + 1
    days = (first + timedelta(days=n) for n in range(span))
    return [day for day in days if expects(request.kwargs, day)]


def _spans(days: Sequence[date]) -> str:
    """Days as people list them: neighbours joined, at most five groups."""
    groups: list[list[date]] = []
    for day in days:
        if groups and day - groups[-1][-1] == timedelta(days=1):
            groups[-1].append(day)
        else:
            groups.append([day])
    texts = [str(group[0]) if len(group) == 1 else f"{group[0]} to {group[-1]}" for group in groups]
    return ", ".join(texts[:5]) + (f" and {len(texts) - 5} more" if len(texts) > 5 else "")


TYPE = TypeSpec(
    doc="Every day of the period up to the last day covered is present.",
    sentence="every day up to the last day covered must be present in $column with $min_rows or more rows"
    "[ and at least a share of $min_share of the rows usual in a day][, except on $except_weekdays]"
    "[, except $except_days][, all but $max_missing of them][, of rows where $row_condition].",
    kwargs={
        "column": own_column("Date or timestamp whose UTC day is counted."),
        "min_rows": KwargSpec(type=KwargType.COUNT, default=1, doc="Rows each day must hold."),
        "min_share": KwargSpec(
            type=KwargType.NUMBER,
            doc="Least share of the rows usual in a day: the median of the 28 days before it, where they are too "
            "few also of those after it.",
        ),
        "minimum_history": MINIMUM_HISTORY,
        **EXCEPT,
        "max_missing": KwargSpec(
            type=KwargType.COUNT,
            doc="Days that may be missing or short by chance; none if not given.",
        ),
        "row_condition": KwargSpec(type=KwargType.CONDITION, doc="Only rows that meet it make a day present."),
    },
    judge=days_to_be_complete,
    evidence=Evidence.COMPARISON,
    how="rows per day",
)
