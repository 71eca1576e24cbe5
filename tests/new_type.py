"""The file of a check type that is only here to be added."""

from __future__ import annotations

NAME = "expect_amounts_to_be_round"
SOURCE = '''\
"""Amounts that are not a multiple of a step."""

from __future__ import annotations

from collections.abc import Mapping

from dq.base.model import Json, Outcome
from dq.checks.custom_check import Judge, Judged, Request
from dq.checks.type_spec import KwargSpec, KwargType, Problems, TypeSpec, own_column
from dq.engine.gather import whole


def amounts_to_be_round(request: Request) -> Judge:
    """The rows whose amount is not a multiple of the step."""
    from pyspark.sql import functions as F

    name, step = request.text("column"), request.count("step", 1)
    read = request.own_total(f"{name!r} by {step}", F.count_if(request.column(name, "number") % step != 0))

    def judge() -> Judged:
        wrong = whole(read())
        return Judged(outcome=Outcome.FAILED if wrong else Outcome.PASSED, observed=f"{wrong} rows are not round")

    return judge


def _mistakes(kwargs: Mapping[str, Json]) -> Problems:
    if kwargs.get("step") == 0:
        yield "step", "nothing is a multiple of 0"


TYPE = TypeSpec(
    doc="Every amount is a multiple of a step.",
    sentence="$column must be a multiple of $step.",
    kwargs={
        "column": own_column("The amount."),
        "step": KwargSpec(type=KwargType.COUNT, required=True, doc="What it is a multiple of."),
    },
    mistakes=_mistakes,
    judge=amounts_to_be_round,
)
'''
