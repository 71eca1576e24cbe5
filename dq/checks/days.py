"""Freshness of the newest day, and presence of every expected day, from one count of rows per day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from math import ceil
from statistics import median
from typing import TYPE_CHECKING

from dq.base.errors import EvaluationError
from dq.base.model import Json, Outcome, Window
from dq.checks.custom_check import MAX_ROWS, Judge, Judged, NotRunError, Request, listed
from dq.checks.custom_kwargs import expects
from dq.checks.fit_history import published
from dq.engine.conditions import quote
from dq.engine.gather import Rows, column_types, decimal, shown, whole

if TYPE_CHECKING:
    from pyspark.sql import Row

# Thirteen years of days; a column with more of them holds wrong timestamps or is not a day.
MAX_DAYS = 5_000
# Four of each weekday, so that weekends weigh as they do in a week.
_WEEKS = 28
_PUBLISHED = "published periods"


@dataclass(frozen=True, kw_only=True)
class _Usual:
    """How many rows a day usually has, and of what that is the median."""

    rows: Decimal
    of: str

    def __str__(self) -> str:
        return f"usually {shown(self.rows)} (median of {self.of})"


def partition_to_be_fresh(request: Request) -> Judge:
    """The age, at the reference instant, of the newest day that holds enough rows.

    A date counts as an event until the end of its day; the current day's age is 0. A value after the reference instant
    is from the future and proves nothing about freshness: it is left out and counted. Nor does a day of which only a
    few rows have arrived: the one before it counts. Days on which nothing is expected do not age it. What is usual is
    kept as the metric, for periods that begin anew.
    """
    name, window = request.text("column"), _window(request)
    end_of_data = datetime.combine(window.data_through + timedelta(days=1), time(), UTC)
    reference = window.as_of if request.kwargs.get("reference") == "as_of" else end_of_data
    days = _days(request, name, reference)
    allowed = timedelta(hours=float(str(request.kwargs["max_age_hours"])))
    least, share = request.count("min_rows", 1), decimal(request.kwargs.get("min_share"))

    def judge() -> Judged:
        rows = _bounded(days(), name, request)
        counts = {row["day"]: whole(row["known"]) for row in rows if row["day"] is not None and whole(row["known"])}
        future = sum(whole(row["n"]) - whole(row["known"]) for row in rows if row["day"] is not None)
        note = f"; {future:,} rows later than the reference instant do not count" if future else ""
        measures: dict[str, Json] = {"future_rows": future}
        if not counts:
            observed = f"no day of {name} is at or before the reference instant{note}"
            return Judged(outcome=Outcome.FAILED, observed=observed, measures=measures)
        thin: list[str] = []
        usual = None
        for day in sorted(counts, reverse=True):
            usual = _usual(request, counts, day) if share is not None else None
            if usual and usual.of != _PUBLISHED and not thin:
                measures["metric"] = str(usual.rows)
            if counts[day] >= least and not (usual and share is not None and counts[day] < share * usual.rows):
                break
            thin.append(f"{day} does not count with {counts[day]:,} rows, {usual or f'at least {least:,}'}")
        measures |= {"thin_days": len(thin)} if thin else {}
        if len(thin) == len(counts):
            observed = listed([f"no day of {name} has its rows", *thin], 3) + note
            return Judged(outcome=Outcome.FAILED, observed=observed, measures=measures)
        age = reference - _event(day, next(row["newest"] for row in rows if row["day"] == day))
        age = max(age - _unexpected(request, day, reference), timedelta())
        measures |= {"newest_day": day.isoformat(), "age_hours": str(_hours(age)), "newest_rows": counts[day]}
        observed = f"newest day {day} is {_hours(age)} hours old and has {counts[day]:,} rows"
        if share is not None:
            observed += f", {usual or 'with not enough history to say how many are usual'}"
        outcome = Outcome.PASSED if age < allowed else Outcome.FAILED
        return Judged(outcome=outcome, observed=listed([observed, *thin], 3) + note, measures=measures)

    return judge


def _usual(request: Request, counts: Mapping[date, int], day: date, *, after: bool = False) -> _Usual | None:
    """The rows a day usually has: the median of the four weeks before it, else of what published periods recorded.

    With ``after`` the four weeks after it count as well where those before it hold too few days.
    """
    least = max(request.count("minimum_history", 7), 1)
    near = [Decimal(counts[other]) for n in range(1, _WEEKS + 1) if (other := day - timedelta(days=n)) in counts]
    if after and len(near) < least:
        near += [Decimal(counts[other]) for n in range(1, _WEEKS + 1) if (other := day + timedelta(days=n)) in counts]
    if len(near) >= least:
        return _Usual(rows=median(near), of=f"{len(near)} days")
    past = published(request)
    return _Usual(rows=median(past), of=_PUBLISHED) if past else None


def days_to_be_complete(request: Request) -> Judge:
    """Every expected day from the first day of the window through the last day of data, with its rows.

    What is usual in a day is kept as the metric, as for freshness.
    """
    name, window = request.text("column"), _window(request)
    allowed, expected = request.count("max_missing", 0), _expected(request, window)
    if not expected:
        raise NotRunError("no day of the window is expected")
    days = _days(request, name, window.as_of)

    def judge() -> Judged:
        found = {row["day"]: whole(row["n"]) for row in _bounded(days(), name, request) if row["day"] is not None}
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
    usual: _Usual | None = None

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
        usual = _usual(request, counts, day, after=True) if share is not None else None
        rows = ceil(share * usual.rows) if usual and share is not None else 0
        wanted[day] = _Wanted(rows=max(rows, least), usual=usual if rows > least else None)
        if usual and usual.of != _PUBLISHED:
            measures["metric"] = str(usual.rows)
    return wanted, measures


def _days(request: Request, name: str, reference: datetime) -> Rows:
    """Rows per day, the newest days first; also the rows and newest value up to an instant.

    Where the check has a row condition, only rows that meet it are counted.
    """
    from pyspark.sql import functions as F
    from pyspark.sql.types import DateType

    value = request.column(name, "day")
    is_date = isinstance(column_types(request.frame)[name], DateType)
    rule, where = request.condition(), request.text("row_condition")
    rows = F.count(F.lit(1)) if rule is None else F.count_if(rule)
    # A day that has begun before the reference instant is known even though it has not ended.
    last_day = (reference - timedelta(microseconds=1)).date()
    known = value <= F.lit(last_day if is_date else reference)
    # Microseconds, because collected timestamps arrive in the driver's own time zone.
    newest = F.lit(None).cast("bigint") if is_date else F.max(F.when(known, F.unix_micros(value.cast("timestamp"))))
    measures = [rows.alias("n"), F.count_if(known).alias("known"), newest.alias("newest")]
    day = value if is_date else F.to_date(value)
    grouped = request.frame.groupBy(day.alias("day")).agg(*measures)
    newest_first = grouped.orderBy(F.col("day").desc_nulls_last()).limit(MAX_DAYS + 1)
    return request.gather.rows(f"days of {quote(name)} until {reference} where {where!r}", newest_first)


def _bounded(rows: Sequence[Row], name: str, request: Request) -> Sequence[Row]:
    if len(rows) > MAX_DAYS:
        raise EvaluationError(
            f"{name} has more than {MAX_DAYS:,} distinct days",
            where=request.dataset.name,
            do="check its values with expect_column_values_to_be_between",
        )
    return rows


def _window(request: Request) -> Window:
    if request.context.window is None:
        raise EvaluationError("there is no period to judge days against", where=request.check.check, do="give a period")
    return request.context.window


def _event(day: date, micros: int | None) -> datetime:
    """The instant of the newest value: the value itself, or the end of its day where only the day is known."""
    if micros is None:
        return datetime.combine(day + timedelta(days=1), time(), UTC)
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)


def _unexpected(request: Request, newest: date, reference: datetime) -> timedelta:
    """The time between the newest day and the reference instant that lies in days on which nothing is expected."""
    lost, begins = timedelta(), datetime.combine(newest + timedelta(days=1), time(), UTC)
    while begins < reference:
        ends = begins + timedelta(days=1)
        lost += timedelta() if expects(request.kwargs, begins.date()) else min(ends, reference) - begins
        begins = ends
    return lost


def _hours(age: timedelta) -> Decimal:
    hours = Decimal(age // timedelta(seconds=36)) / 100
    return hours.quantize(Decimal(1)) if hours == hours.to_integral_value() else hours


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
