"""Sessions that lack their closing event."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from dq.base.model import Evidence
from dq.checks.custom_check import Judge, Judged, Request
from dq.checks.events import instant, of_share
from dq.checks.type_spec import KwargSpec, KwargType, TypeSpec, own_column
from dq.engine.gather import whole

# Microseconds that no calendar reaches, and whose double is still a long.
_FAR = 1 << 61


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
        )

    return judge


TYPE = TypeSpec(
    doc="Sessions have their closing event; the others lost events on the way or were broken off.",
    sentence="sessions of $user, ended by $gap_minutes minutes without an event, must close with a $column of "
    "$closing for all but a share of $max_share.",
    kwargs={
        "column": own_column("Kind of the event."),
        "closing": KwargSpec(type=KwargType.TEXT, required=True, doc="The kind that closes a session."),
        "user": own_column("Whose session it is."),
        "time": own_column("Timestamp of the event."),
        "gap_minutes": KwargSpec(type=KwargType.COUNT, default=30, doc="Minutes without an event that end one."),
        "max_share": KwargSpec(type=KwargType.NUMBER, default=0, doc="Greatest share without a closing event."),
    },
    nulls_left_out=True,
    judge=sessions_to_end,
    evidence=Evidence.KEY_PASS,
    how="events in the order of each user",
)
