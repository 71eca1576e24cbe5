"""Rows delivered again, which the contract's rule drops: their share, against a bound or earlier periods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from dq.base.model import Evidence, Json, Outcome
from dq.checks.custom_check import Judge, Judged, Request
from dq.checks.fit_history import PRECISION, band_of_ratios, least_share, published
from dq.checks.repeats import repeats
from dq.checks.type_spec import KwargSpec, KwargType, TypeSpec
from dq.engine.gather import decimal, shown, whole


def redeliveries_to_be_rare(request: Request) -> Judge:
    """How many rows are deliveries of a row that is there already, as a share and against earlier periods' shares."""
    found = repeats(request)
    most, high = decimal(request.kwargs.get("max_share")), decimal(request.kwargs.get("high"))
    least = max(request.count("minimum_history", 3), 1)

    def judge() -> Judged:
        rows, dropped = found.rows(), whole(found.dropped())
        share = PRECISION.divide(Decimal(dropped), Decimal(max(rows, 1)))
        measures: dict[str, Json] = {"element_count": rows, "dropped": dropped, "metric": str(share)}
        observed = f"{dropped:,} of {rows:,} rows were delivered again and dropped"

        def judged(outcome: Outcome, more: str) -> Judged:
            return Judged(outcome=outcome, observed=observed + more, measures=measures)

        if most is not None:
            return judged(Outcome.FAILED if share > most else Outcome.PASSED, f" (allowed a share of {shown(most)})")
        past = published(request)
        measures["history"] = len(past)
        if len(past) < least:
            reason = f"not enough history: {len(past)} of {least} published periods"
            return Judged(outcome=Outcome.NOT_RUN, reason=reason, measures=measures)
        band = band_of_ratios(past, None, high, least=least_share(rows))
        outcome = Outcome.PASSED if band.holds(share) else Outcome.FAILED
        return judged(outcome, f": a share of {shown(share)}, usual {band} (of {len(past)} published periods)")

    return judge


def _mistakes(kwargs: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    if (kwargs.get("max_share") is None) == (kwargs.get("high") is None):
        yield "max_share", "give either max_share (a share) or high (a ratio to the median of history), not both"
    if kwargs.get("minimum_history") is not None and kwargs.get("high") is None:
        yield "minimum_history", "only high is judged against history"


TYPE = TypeSpec(
    doc="Rows delivered again, which the contract's rule drops, are counted and stay a small or usual share.",
    sentence="rows of the same $columns delivered again, as told by $delivery, are dropped and counted"
    "[; at most a share of $max_share][; at most $high times the median of published periods]"
    "[, given $minimum_history periods].",
    kwargs={
        "columns": KwargSpec(type=KwargType.COLUMNS, required=True, doc="Columns that identify a row together."),
        "delivery": KwargSpec(
            type=KwargType.COLUMNS, required=True, doc="Columns that say how a row was delivered, not what it is."
        ),
        "max_share": KwargSpec(type=KwargType.NUMBER, doc="Greatest share of rows delivered again that passes."),
        "high": KwargSpec(type=KwargType.NUMBER, doc="Greatest ratio of that share to the median of history."),
        "minimum_history": KwargSpec(
            type=KwargType.COUNT, doc="Published periods needed before `high` can be judged, 3 if not given."
        ),
    },
    nulls_left_out=True,
    example={"max_share": 0.01},
    mistakes=_mistakes,
    judge=redeliveries_to_be_rare,
    evidence=Evidence.KEY_PASS,
    how="groups of one key",
)
