"""Raw values that did not become a value of the contract's type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dq.base.model import RAW_PREFIX, Evidence, Outcome
from dq.checks.counted_rows import counted_rows, is_float, not_finite
from dq.checks.custom_check import Judge, Judged, Request
from dq.checks.type_spec import TypeSpec, own_column
from dq.engine.gather import column_types

if TYPE_CHECKING:
    from pyspark.sql import Column


def values_to_convert(request: Request) -> Judge:
    """Raw values that are present but did not become a value of the contract's type; NaN and infinity included."""
    name = request.text("column")
    value = request.column(name)
    ways: dict[str, Column] = {}
    columns = [name]
    if RAW_PREFIX + name in column_types(request.frame):
        raw = request.column(RAW_PREFIX + name)
        ways["did not convert"] = raw.isNotNull() & value.isNull()
        columns.append(RAW_PREFIX + name)
    if is_float(request, name):
        ways["are not finite numbers"] = not_finite(value)
    if not ways:
        kind = column_types(request.frame)[name].simpleString()
        observed = f"{name} is {kind} as it was read; nothing had to be converted"
        return lambda: Judged(outcome=Outcome.PASSED, observed=observed, evidence=Evidence.SCHEMA)
    return counted_rows(request, ways, columns=columns, good=f"have a {name} that converts or is NULL")


TYPE = TypeSpec(
    doc="Every raw value that is present converts to the contract's type.",
    sentence="every value of $column must convert to its declared type (no NaN, infinity, overflow or bad date).",
    kwargs={"column": own_column("The converted column.")},
    judge=values_to_convert,
)
