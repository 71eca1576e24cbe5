"""Cells whose ratio has a denominator of zero: how many there are, against how many there may be."""

from __future__ import annotations

from dq.checks.counted_rows import counted_rows
from dq.checks.custom_check import Judge, Request
from dq.checks.type_spec import KwargSpec, KwargType, TypeSpec, own_column


def zero_denominators_to_be_counted(request: Request) -> Judge:
    """The rows (cells of a figure) whose denominator is zero, against how many there may be."""
    name = request.text("denominator")
    request.column(request.text("column"))
    zero = request.column(name, "number") == 0
    return counted_rows(
        request,
        {f"{name} is 0": zero},
        columns=[request.text("column"), name],
        allowed=request.count("max_count", 0),
        good=f"have a {name} other than 0",
    )


TYPE = TypeSpec(
    doc="Cells whose ratio has a denominator of zero are counted, not hidden.",
    sentence="at most $max_count cells of $column may have a $denominator of zero.",
    kwargs={
        "column": own_column("The ratio."),
        "denominator": own_column("What the ratio is divided by."),
        "max_count": KwargSpec(type=KwargType.COUNT, default=0, doc="Cells that may have a zero denominator."),
    },
    judge=zero_denominators_to_be_counted,
)
