"""Different rows under one key, which cannot both be right."""

from __future__ import annotations

from dq.base.model import Evidence, Json, Outcome
from dq.checks.custom_check import Judge, Judged, Request
from dq.checks.repeats import repeats
from dq.checks.type_spec import KwargSpec, KwargType, TypeSpec
from dq.engine.gather import whole


def repeated_keys_to_be_identical(request: Request) -> Judge:
    """Whether rows of one key are one row delivered again; two different rows cannot both be right."""
    found = repeats(request)
    key = ", ".join(request.texts("columns"))

    def judge() -> Judged:
        rows, conflicting, keys = found.rows(), whole(found.conflicting()), whole(found.keys())
        measures: dict[str, Json] = {"element_count": rows, "unexpected_count": conflicting}
        if not conflicting:
            observed = f"no two different rows of {rows:,} share {key}"
            return Judged(outcome=Outcome.PASSED, observed=observed, measures=measures)
        observed = f"{conflicting:,} different rows share {keys:,} values of {key}"
        return Judged(outcome=Outcome.FAILED, observed=observed, measures=measures)

    return judge


TYPE = TypeSpec(
    doc="Rows that share a key differ in nothing but their delivery; a different row under the same key fails.",
    sentence="rows that share $columns must differ in nothing but $delivery.",
    kwargs={
        "columns": KwargSpec(type=KwargType.COLUMNS, required=True, doc="Columns that identify a row together."),
        "delivery": KwargSpec(
            type=KwargType.COLUMNS, required=True, doc="Columns that say how a row was delivered, not what it is."
        ),
    },
    nulls_left_out=True,
    judge=repeated_keys_to_be_identical,
    evidence=Evidence.KEY_PASS,
    how="groups of one key",
)
