"""The rows that a join on a column makes of one."""

from __future__ import annotations

from dq.base.errors import EvaluationError
from dq.base.model import Evidence, Json, Outcome
from dq.checks.custom_check import Judge, Judged, Request
from dq.checks.heavy_keys import heaviest
from dq.checks.type_spec import KwargSpec, KwargType, TypeSpec, own_column
from dq.engine.gather import whole


def rows_per_key_to_be_at_most(request: Request) -> Judge:
    """The rows of the value that most rows hold: so many a join on it makes of one row before anything is filtered."""
    from pyspark.sql import functions as F

    name = request.text("column")
    read = heaviest(request, name)
    read_rows = request.own_total("rows", F.count(F.lit(1)))
    allowed = request.count("max_rows", 1)

    def judge() -> Judged:
        rows, found = whole(read_rows()), read()
        if not rows or not found:
            raise EvaluationError("no rows to evaluate", where=request.dataset.name)
        count = whole(found["n"])
        which = f"the {name} {found['value']}" if request.check.show else f"the heaviest {name}"
        observed = f"{which} has {count:,} of {rows:,} rows (allowed {allowed:,}): joined, one row becomes as many"
        measures: dict[str, Json] = {"element_count": rows, "heaviest": count}
        if count <= allowed:
            return Judged(outcome=Outcome.PASSED, observed=observed, measures=measures)
        observed += "; keep only the rows that are valid before it"
        return Judged(outcome=Outcome.FAILED, observed=observed, measures=measures)

    return judge


TYPE = TypeSpec(
    doc="No single value of a column has so many rows that a join on it multiplies what it is joined with.",
    sentence="no $column may have more than $max_rows rows.",
    kwargs={
        "column": own_column("The key that others are joined with."),
        "max_rows": KwargSpec(type=KwargType.COUNT, required=True, doc="Greatest number of rows of one value."),
    },
    judge=rows_per_key_to_be_at_most,
    evidence=Evidence.KEY_PASS,
    how="rows per key",
)
