"""Every feed that a source declares reports: a provider, a category, a channel that went silent is seen."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from dq.base.errors import EvaluationError
from dq.base.model import EVERY_DAYS, FROM_DAY, Evidence, Json, Outcome
from dq.checks.custom_check import MAX_ROWS, Judge, Judged, NotRunError, Request, listed
from dq.checks.custom_kwargs import expects
from dq.checks.type_spec import EXCEPT, KwargSpec, KwargType, TypeSpec
from dq.engine.gather import whole

if TYPE_CHECKING:
    from pyspark.sql import Column

# A day is one bit of a bigint. A month and the longest silence that may be declared, before it, need fewer.
_MOST_DAYS = 62


@dataclass(frozen=True, kw_only=True)
class _Rhythm:
    """Of a feed that says how often it reports: the days on which it is judged, and how many of them may be silent.

    ``closed`` are the days before the last one on which nothing is expected, and whose silence does not count.
    """

    first: date
    through: date
    allowed: int
    closed: Collection[int] = ()

    def silences(self, bits: int) -> list[tuple[date, date]]:
        """The first and last days of every silence that is too long; bit n is set for rows n days before the last."""
        days = (self.through - self.first).days
        reported = [n for n in range(days, -1, -1) if bits >> n & 1]
        found = []
        for before, after in zip([days + 1, *reported], [*reported, -1], strict=True):
            if sum(n not in self.closed for n in range(after + 1, before)) > self.allowed:
                found.append((self.through - timedelta(days=before - 1), self.through - timedelta(days=after + 1)))
        return found


@dataclass(frozen=True, kw_only=True)
class _Feed:
    """A feed that is due: its name, a reader of its rows or of the days that have some, and its rhythm, if any."""

    label: str
    read: Callable[[], object]
    rhythm: _Rhythm | None = None


def feeds_to_be_present(request: Request) -> Judge:
    """At least one row for every declared feed that is due by the last day of data, and no silence that is too long.

    A feed that says how often it reports is judged on every day up to the last day of data: one that fell silent, and
    one that was silent in between.
    """
    dataset, columns = request.dataset.name, request.texts("columns")
    if dataset not in request.context.feeds:
        raise EvaluationError(f"no feeds are declared for {dataset}", do=f"list them under sources.{dataset}.feeds")
    due = [feed for feed in request.context.feeds[dataset] if _due(feed, request)]
    if not due:
        raise NotRunError(f"no feed of {dataset} is expected in this window")
    feeds = [_asked(feed, columns, request) for feed in due]

    def judge() -> Judged:
        found = [(feed, whole(feed.read())) for feed in feeds]
        absent = [feed.label for feed, there in found if not there]
        silent = [
            (feed.label, _spans(silences, feed.rhythm.through))
            for feed, there in found
            if there and feed.rhythm and (silences := feed.rhythm.silences(there))
        ]
        measures: dict[str, Json] = {"feeds": len(feeds), "unexpected_count": len(absent) + len(silent)}
        if not absent and not silent:
            observed = f"all {len(feeds)} declared feeds have rows"
            return Judged(outcome=Outcome.PASSED, observed=observed, measures=measures)
        rows: list[Mapping[str, Json]] = [{"feed": label, "rows": "0"} for label in absent]
        rows += [{"feed": label, "rows": f"none {when}"} for label, when in silent]
        parts = [f"{len(absent)} of {len(feeds)} declared feeds have no rows: {listed(absent, 5)}"] if absent else []
        if silent:
            told = listed([f"{label} {when}" for label, when in silent], 5)
            parts.append(f"{len(silent)} of {len(feeds)} declared feeds fell silent: {told}")
        observed = "; ".join(parts)
        return Judged(outcome=Outcome.FAILED, observed=observed, measures=measures, rows=rows[:MAX_ROWS])

    return judge


def _asked(feed: Mapping[str, Json], columns: Sequence[str], request: Request) -> _Feed:
    """A due feed with its one aggregate: the number of its rows, or its days with rows where it has a rhythm."""
    from pyspark.sql import functions as F

    match = F.lit(True)
    for name in columns:
        if name not in feed:
            raise EvaluationError(f"a feed of {request.dataset.name} has no {name}", expected=", ".join(columns))
        match = match & request.column(name).eqNullSafe(F.lit(feed[name]))
    label = " / ".join("NULL" if feed[name] is None else str(feed[name]) for name in columns)
    rhythm = _rhythm(feed, request)
    if rhythm is None:
        return _Feed(label=label, read=request.own_total(f"feed {columns!r} {label!r}", F.count_if(match)))
    day = request.text("day")
    key = f"feed {columns!r} {label!r} by {day!r} until {rhythm.through}"
    return _Feed(
        label=label, read=request.own_total(key, _days(request.column(day, "day"), rhythm, match)), rhythm=rhythm
    )


def _days(day: Column, rhythm: _Rhythm, match: Column) -> Column:
    """The days with rows as bits of one whole number, which a scan adds up like any other total."""
    from pyspark.sql import functions as F

    before = F.datediff(F.lit(rhythm.through), F.to_date(day))
    bit = F.call_function("shiftleft", F.lit(1).cast("bigint"), before)
    return F.bit_or(F.when(match & before.between(0, _MOST_DAYS - 1), bit))


def _rhythm(feed: Mapping[str, Json], request: Request) -> _Rhythm | None:
    every, window = feed.get(EVERY_DAYS), request.context.window
    if not isinstance(every, int) or window is None:
        return None
    if not request.text("day"):
        dataset = request.dataset.name
        raise EvaluationError(
            f"feeds of {dataset} say how often they report, but not by which day",
            where=request.check.check,
            do=f"give `day`, the column of {dataset} that holds the day of a row",
        )
    through = window.data_through
    # Before its first day a feed may be silent, but for as long as it may be at any time.
    began = _first_day(feed, through) - timedelta(days=every - 1)
    first = max(request.context.days_from or window.start, began)
    closed = [n for n in range(_MOST_DAYS) if not expects(request.kwargs, through - timedelta(days=n))]
    return _Rhythm(
        first=first, through=through, allowed=every - 1 + request.count("grace_days", 0), closed=frozenset(closed)
    )


def _due(feed: Mapping[str, Json], request: Request) -> bool:
    window = request.context.window
    return window is None or _first_day(feed, window.data_through) <= window.data_through


def _first_day(feed: Mapping[str, Json], through: date) -> date:
    """The day of the month from which on a feed is expected; one of the 31st on the last day of a shorter month."""
    start = feed.get(FROM_DAY)
    return through.replace(day=min(start, monthrange(through.year, through.month)[1]) if isinstance(start, int) else 1)


def _spans(silences: Sequence[tuple[date, date]], through: date) -> str:
    """Silences as people tell them, three at most; one that lasts has only a beginning."""

    def one(first: date, last: date) -> str:
        if last == through:
            return f"since {first}"
        return f"on {first}" if first == last else f"from {first} to {last}"

    told = [one(*silence) for silence in silences]
    return " and ".join([*told[:3], *([f"{len(told) - 3} more times"] if len(told) > 3 else [])])


TYPE = TypeSpec(
    doc="Every feed the sources file declares for this dataset has rows in the window, and none falls silent for "
    "longer than it says.",
    sentence="every declared feed must have rows, told apart by $columns"
    "[, and by $day none may be silent for more than $grace_days days beyond what it declares]"
    "[, not counting any $except_weekdays][, not counting $except_days].",
    kwargs={
        "columns": KwargSpec(
            type=KwargType.COLUMNS, required=True, doc="Columns whose values name a feed, such as the provider."
        ),
        "day": KwargSpec(
            type=KwargType.COLUMN,
            doc="Date or timestamp of the event, needed where a feed says how often it reports (`every_days`).",
        ),
        "grace_days": KwargSpec(
            type=KwargType.COUNT, default=0, doc="Days a feed may be silent beyond what it declares and pass."
        ),
        **EXCEPT,
    },
    of_feeds=True,
    judge=feeds_to_be_present,
    evidence=Evidence.COMPARISON,
)
