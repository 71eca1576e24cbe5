"""Timestamps that lie on another UTC day than the date beside them."""

from __future__ import annotations

from dq.checks.custom_check import Judge, Judged, Request
from dq.checks.events import instant, of_share
from dq.checks.type_spec import TypeSpec, own_column
from dq.engine.gather import whole


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
        )

    return judge


TYPE = TypeSpec(
    doc="A timestamp lies on the UTC day that stands beside it, so none is of 1970 or of the future.",
    sentence="$column must lie on the UTC day in $day.",
    kwargs={"column": own_column("The timestamp."), "day": own_column("The date of its UTC day.")},
    nulls_left_out=True,
    judge=instants_to_lie_on_their_day,
)
