"""Events in time: whether their clock is right, and whether sessions have their end."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from dq.base.errors import EvaluationError
from dq.base.model import Evidence, Json, Outcome
from dq.checks.custom_check import Judge, Judged, Request
from dq.engine.gather import column_types, decimal, whole

if TYPE_CHECKING:
    from pyspark.sql import Column


# Microseconds that no calendar reaches, and whose double is still a long.
_FAR = 1 << 61


def instants_to_lie_on_their_day(request: Request) -> Judge:
    """The rows whose timestamp lies on another UTC day than the date beside it says."""
    from pyspark.sql import functions as F

    name, day_name = request.text("column"), request.text("day")
    moment, day = instant(request, name), request.column(day_name, "day")
    what = f"{name!r} on {day_name!r}"
    off = F.to_date(moment) != day
    read_known = request.own_total(f"known {what}", F.count(off))
    read_off = request.own_total(f"off {what}", F.count_if(off))
    read_early = request.own_total(f"early {what}", F.count_if(F.to_date(moment) < day))

    def judge() -> Judged:
        known, wrong, early = whole(read_known()), whole(read_off()), whole(read_early())
        return of_share(
            request,
            wrong=wrong,
            rows=known,
            sentence=f"have their {name} on another day than {day_name}",
            more=f": {early:,} before it, {wrong - early:,} after it" if wrong else "",
            evidence=Evidence.SCAN,
        )

    return judge


def sessions_to_end(request: Request) -> Judge:
    """The sessions whose last event is not the closing one.

    A session that may still go on when the last day covered ends is left out.
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    kind, closing = request.column(request.text("column")), request.text("closing")
    user, moment = request.column(request.text("user")), instant(request, request.text("time"))
    gap = max(request.count("gap_minutes", 30) * 60_000_000, 1)
    at = F.greatest(F.least(F.unix_micros(moment), F.lit(_FAR)), F.lit(-_FAR))
    events = request.frame.select(
        user.alias("user"), at.alias("at"), F.coalesce(kind == closing, F.lit(False)).alias("closes")
    ).where(F.col("user").isNotNull() & F.col("at").isNotNull())
    # Of the events within a span as long as the gap only the last can end a session: the others need no order. Of two
    # at one instant the closing one is the last, which the number keeps beside the instant.
    spans = events.groupBy("user", (F.col("at") - F.pmod("at", F.lit(gap))).alias("span")).agg(
        F.min("at").alias("first"),
        F.max(F.col("at") * 2 + F.col("closes").cast("int")).alias("last"),
    )
    following = F.lead("first").over(Window.partitionBy("user").orderBy("span"))
    lasts = spans.select(
        following.alias("following"),
        F.shiftright("last", 1).alias("at"),
        (F.col("last").bitwiseAND(1) == 1).alias("closes"),
    )
    ends = lasts.where(F.col("following").isNull() | (F.col("following") - F.col("at") >= gap))
    if request.context.window is not None:
        end = datetime.combine(request.context.window.data_through + timedelta(days=1), time(), UTC)
        ends = ends.where(F.col("at") <= int(end.timestamp()) * 1_000_000 - gap)
    table = f"sessions of {request.check.check}"
    read_sessions = request.gather.total(table, ends, "sessions", F.count(F.lit(1)))
    read_open = request.gather.total(table, ends, "open", F.count_if(~F.col("closes")))

    def judge() -> Judged:
        return of_share(
            request,
            wrong=whole(read_open()),
            rows=whole(read_sessions()),
            sentence=f"end without {closing}",
            noun="sessions",
            evidence=Evidence.KEY_PASS,
        )

    return judge


def instant(request: Request, name: str) -> Column:
    """A timestamp column; anything else cannot be a moment."""
    from pyspark.sql.types import TimestampType

    value = request.column(name, "day")
    if not isinstance(column_types(request.frame)[name], TimestampType):
        kind = column_types(request.frame)[name].simpleString()
        raise EvaluationError(f"{name} is {kind}", where=request.dataset.name, expected="a timestamp")
    return value


def of_share(
    request: Request,
    *,
    wrong: int,
    rows: int,
    sentence: str,
    noun: str = "rows",
    more: str = "",
    evidence: Evidence,
) -> Judged:
    """So many of all rows are wrong, judged by the greatest share that may be; nothing to judge is an error."""
    request.refuse_nothing(rows, f"there are no {noun} to judge")
    allowed = decimal(request.kwargs.get("max_share")) or Decimal(0)
    measures: dict[str, Json] = {"element_count": rows, "unexpected_count": wrong}
    observed = f"{wrong:,} of {rows:,} {noun} {sentence}{more}" if wrong else f"none of {rows:,} {noun} {sentence}"
    if wrong and allowed:
        observed += f" (allowed a share of {allowed.normalize():f})"
    outcome = Outcome.FAILED if Decimal(wrong) > allowed * rows else Outcome.PASSED
    return Judged(outcome=outcome, observed=observed, measures=measures, evidence=evidence)
