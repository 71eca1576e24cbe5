"""The newest day of a dataset that holds enough rows is young enough."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from dq.base.model import Evidence, Json, Outcome
from dq.checks.custom_check import Judge, Judged, Request, listed
from dq.checks.custom_kwargs import expects
from dq.checks.days import PUBLISHED, bounded, rows_per_day, usual_rows, window_of
from dq.checks.type_spec import EXCEPT, MINIMUM_HISTORY, KwargSpec, KwargType, TypeSpec, own_column
from dq.engine.gather import decimal, whole


def partition_to_be_fresh(request: Request) -> Judge:
    """The age, at the reference instant, of the newest day that holds enough rows.

    A date counts as an event until the end of its day; the current day's age is 0. A value after the reference instant
    is from the future and proves nothing about freshness: it is left out and counted. Nor does a day of which only a
    few rows have arrived: the one before it counts. Days on which nothing is expected do not age it. What is usual is
    kept as the metric, for periods that begin anew.
    """
    name, window = request.text("column"), window_of(request)
    end_of_data = datetime.combine(window.data_through + timedelta(days=1), time(), UTC)
    reference = window.as_of if request.kwargs.get("reference") == "as_of" else end_of_data
    days = rows_per_day(request, name, reference)
    allowed = timedelta(hours=float(str(request.kwargs["max_age_hours"])))
    least, share = request.count("min_rows", 1), decimal(request.kwargs.get("min_share"))

    def judge() -> Judged:
        rows = bounded(days(), name, request)
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
            usual = usual_rows(request, counts, day) if share is not None else None
            if usual and usual.of != PUBLISHED and not thin:
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


TYPE = TypeSpec(
    doc="The newest day of a column that holds enough rows is young enough at the reference instant.",
    sentence="newest day of $column with $min_rows or more rows[ and at least a share of $min_share of the rows "
    "usual in a day] must be less than $max_age_hours hours old at $reference"
    "[, not counting any $except_weekdays][, not counting $except_days].",
    kwargs={
        "column": own_column("Date or timestamp of the event; a date counts until the end of its day."),
        "max_age_hours": KwargSpec(
            type=KwargType.NUMBER, required=True, doc="Greatest age in hours; the bound itself still passes."
        ),
        "reference": KwargSpec(
            type=KwargType.CHOICE,
            default="data_through",
            choices=("data_through", "as_of"),
            doc="The instant the age is counted to: the end of the last day covered, or the run's clock.",
        ),
        "min_rows": KwargSpec(
            type=KwargType.COUNT, default=1, doc="Rows a day must hold; one with fewer does not count as there."
        ),
        "min_share": KwargSpec(
            type=KwargType.NUMBER,
            doc="Least share of the rows usual in a day, the median of the 28 days before it; a day with fewer "
            "does not count as there.",
        ),
        "minimum_history": MINIMUM_HISTORY,
        **EXCEPT,
    },
    judge=partition_to_be_fresh,
    evidence=Evidence.COMPARISON,
    how="rows per day",
)
