"""The share of a grouping or a join that the key holds which most rows have."""

from __future__ import annotations

from decimal import Decimal

from dq.base.errors import EvaluationError
from dq.base.model import Evidence, Json, Outcome
from dq.checks.custom_check import Judge, Judged, Request
from dq.checks.heavy_keys import advice, heaviest
from dq.checks.type_spec import KwargSpec, KwargType, TypeSpec, own_column
from dq.engine.gather import percent, whole


def heaviest_key_share_to_be_at_most(request: Request) -> Judge:
    """The share of the value that most rows hold; NULL counts as a value, since one task gets all of its rows too."""
    from pyspark.sql import functions as F

    name = request.text("column")
    read = heaviest(request, name)
    read_rows = request.own_total("rows", F.count(F.lit(1)))
    allowed = request.share("max_share")

    def judge() -> Judged:
        rows, found = whole(read_rows()), read()
        if not rows or not found:
            raise EvaluationError("no rows to evaluate", where=request.dataset.name)
        count = whole(found["n"])
        share = Decimal(count) / rows
        measures: dict[str, Json] = {"element_count": rows, "heaviest": count}
        which = f"the {name} {found['value']}" if request.check.show else f"the heaviest {name}"
        observed = f"{which} holds {count:,} of {rows:,} rows ({percent(share)}; allowed {percent(allowed)})"
        if share <= allowed:
            return Judged(outcome=Outcome.PASSED, observed=observed, measures=measures)
        size = sum(file.size for file in request.dataset.files)
        observed += f"; one task does its work: {advice(request.frame.sparkSession, name, share, size)}"
        return Judged(outcome=Outcome.FAILED, observed=observed, measures=measures)

    return judge


TYPE = TypeSpec(
    doc="No single value of a column holds so many rows that one task would do most of the work.",
    sentence="the heaviest $column must hold at most a share of $max_share of the rows.",
    kwargs={
        "column": own_column("The key that rows are joined or grouped by."),
        "max_share": KwargSpec(type=KwargType.NUMBER, required=True, doc="Greatest share that still passes."),
    },
    judge=heaviest_key_share_to_be_at_most,
    evidence=Evidence.KEY_PASS,
    how="rows per key",
)
