"""Every feed that a source declares has rows: a provider, a category, a channel that went silent is seen."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping

from dq.engine.gather import whole
from dq.engine.request import MAX_ROWS, Judge, Judged, NotRunError, Request, listed
from dq.errors import EvaluationError
from dq.model import Json, Outcome

FROM_DAY = "from_day"
"""The key of a declared feed that says from which day of the month on it is expected."""


def feeds_to_be_present(request: Request) -> Judge:
    """At least one row for every declared feed that is due by the last day of data."""
    from pyspark.sql import functions as F

    dataset, columns = request.dataset.name, request.texts("columns")
    if dataset not in request.context.feeds:
        raise EvaluationError(f"no feeds are declared for {dataset}", do=f"list them under sources.{dataset}.feeds")
    due = [feed for feed in request.context.feeds[dataset] if _due(feed, request)]
    if not due:
        raise NotRunError(f"no feed of {dataset} is expected in this window")
    readers = {}
    for feed in due:
        match = F.lit(True)
        for name in columns:
            if name not in feed:
                raise EvaluationError(f"a feed of {dataset} has no {name}", expected=", ".join(columns))
            match = match & request.column(name).eqNullSafe(F.lit(feed[name]))
        label = " / ".join("NULL" if feed[name] is None else str(feed[name]) for name in columns)
        readers[label] = request.own_total(f"feed {columns!r} {label!r}", F.count_if(match))

    def judge() -> Judged:
        silent = [label for label, read in readers.items() if not whole(read())]
        measures: dict[str, Json] = {"feeds": len(readers), "unexpected_count": len(silent)}
        if not silent:
            observed = f"all {len(readers)} declared feeds have rows"
            return Judged(outcome=Outcome.PASSED, observed=observed, measures=measures)
        rows: list[Mapping[str, Json]] = [{"feed": label, "rows": "0"} for label in silent[:MAX_ROWS]]
        observed = f"{len(silent)} of {len(readers)} declared feeds have no rows: {listed(silent, 5)}"
        return Judged(outcome=Outcome.FAILED, observed=observed, measures=measures, rows=rows)

    return judge


def _due(feed: Mapping[str, Json], request: Request) -> bool:
    start, window = feed.get(FROM_DAY), request.context.window
    if window is None or not isinstance(start, int):
        return True
    # A feed of the 31st is due on the last day of a shorter month.
    last = monthrange(window.data_through.year, window.data_through.month)[1]
    return min(start, last) <= window.data_through.day
