"""A ratio that is NULL where, and only where, a reason says why."""

from __future__ import annotations

from dq.checks.counted_rows import counted_rows, is_float, not_finite
from dq.checks.custom_check import Judge, Request
from dq.checks.type_spec import KwargSpec, KwargType, TypeSpec, own_column


def ratio_to_be_explained(request: Request) -> Judge:
    """A ratio is NULL exactly where its reason is given, NULL wherever its denominator is 0 or NULL, and finite.

    The reason that blames the denominator is given nowhere where that is above 0, and where a negative one has a reason
    of its own, each of the two only where it is true.
    """
    from pyspark.sql import functions as F

    ratio_name, reason_name, base_name = (request.text(name) for name in ("column", "reason_column", "denominator"))
    ratio, reason = request.column(ratio_name), request.column(reason_name)
    base = request.column(base_name, "number")
    ways = {
        f"{ratio_name} is NULL without {reason_name}": ratio.isNull() & reason.isNull(),
        f"{ratio_name} has a value and {reason_name}": ratio.isNotNull() & reason.isNotNull(),
        f"{ratio_name} has a value although {base_name} is 0 or NULL": ratio.isNotNull()
        & F.coalesce(base == 0, F.lit(True)),
    }
    if zero := request.text("zero_reason"):
        ways[f"{reason_name} is {zero} although {base_name} is above 0"] = (reason == zero) & (base > 0)
    if negative := request.text("negative_reason"):
        ways[f"{reason_name} is {zero} although {base_name} is below 0"] = (reason == zero) & (base < 0)
        ways[f"{reason_name} is {negative} although {base_name} is not below 0"] = (reason == negative) & F.coalesce(
            base >= 0, F.lit(True)
        )
    if is_float(request, ratio_name):
        ways[f"{ratio_name} is not a finite number"] = not_finite(ratio)
    names = [ratio_name, base_name, reason_name]
    return counted_rows(request, ways, columns=names, good="are explained")


TYPE = TypeSpec(
    doc="A ratio is NULL exactly where a reason says why, and always where its denominator is zero or NULL.",
    sentence="$column must be NULL exactly where $reason_column says why, and wherever $denominator is 0 or NULL"
    "[; it is not $zero_reason where that is above 0][; below 0 it is $negative_reason instead].",
    kwargs={
        "column": own_column("The ratio."),
        "denominator": own_column("What the ratio is divided by."),
        "reason_column": own_column("Why the ratio is NULL."),
        "zero_reason": KwargSpec(
            type=KwargType.TEXT, doc="The reason that says the denominator is 0; wrong where that is above 0."
        ),
        "negative_reason": KwargSpec(
            type=KwargType.TEXT,
            doc="The reason that says the denominator is below 0, which zero_reason then is not.",
        ),
    },
    judge=ratio_to_be_explained,
)
