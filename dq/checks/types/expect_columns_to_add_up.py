"""Columns that add up within a row: the bridge from an opening to a closing amount, a total and its parts."""

from __future__ import annotations

from decimal import Decimal
from functools import reduce
from operator import add

from dq.base.model import Json, Outcome
from dq.checks.custom_check import Judge, Judged, Request
from dq.checks.type_spec import KwargSpec, KwargType, TypeSpec, own_column
from dq.engine.gather import column_types, decimal, shown, whole
from dq.engine.sums import summed


def columns_to_add_up(request: Request) -> Judge:
    """Every row whose columns do not add up, and by how much in all; a row with a NULL in any of them proves nothing.

    ``off_by`` is the sum of the absolute differences, so that rows that are off both ways do not cancel out.
    """
    from pyspark.sql import functions as F

    names = [request.text("column"), *request.texts("plus"), *request.texts("minus")]
    columns = {name: request.column(name, "number") for name in names}
    total = columns[request.text("column")]
    # From zero, so that a single part is a sum too.
    parts = [columns[name] for name in request.texts("plus")] + [-columns[name] for name in request.texts("minus")]
    difference = F.abs(reduce(add, parts) - total)
    judged = request.condition()
    inside = F.coalesce(judged, F.lit(False)) if judged is not None else F.lit(True)
    tolerance = Decimal(request.text("tolerance"))
    unknown = inside & difference.isNull()
    wrong = inside & F.coalesce(difference > F.lit(tolerance), F.lit(False))
    what = repr([request.check.type, *names, request.text("row_condition"), str(tolerance)])
    read_rows = request.own_total(f"rows {what}", F.count_if(inside))
    read_unknown = request.own_total(f"unknown {what}", F.count_if(unknown))
    read_wrong = request.own_total(f"wrong {what}", F.count_if(wrong))
    types = [column_types(request.frame)[name] for name in names]
    read_off = request.own_total(f"off {what}", summed(F.when(wrong, difference), *types))
    read_largest = request.own_total(f"largest {what}", F.max(F.when(wrong, difference)))

    def judge() -> Judged:
        rows, missing, bad = whole(read_rows()), whole(read_unknown()), whole(read_wrong())
        request.refuse_nothing(rows)
        measures: dict[str, Json] = {"element_count": rows, "unexpected_count": missing + bad}
        off, largest = decimal(read_off()) or Decimal(0), decimal(read_largest())
        if not missing and off.is_finite():
            # Where something is unknown, no amount says how far off the rows are.
            measures["off_by"] = str(off)
        ways = []
        if bad:
            ways.append(f"{bad:,} do not add up, off by {shown(off)} in all and {shown(largest)} at most")
        if missing:
            ways.append(f"{missing:,} hold a NULL")
        return Judged(
            outcome=Outcome.FAILED if ways else Outcome.PASSED,
            observed=f"of {rows:,} rows " + " and ".join(ways) if ways else f"all {rows:,} rows add up",
            measures=measures,
        )

    return judge


TYPE = TypeSpec(
    doc="In every row some columns, less others, equal one column.",
    sentence="$plus[ less $minus] must equal $column within $tolerance in every row[ where $row_condition].",
    kwargs={
        "column": own_column("What they add up to."),
        "plus": KwargSpec(type=KwargType.COLUMNS, required=True, doc="Columns that are added."),
        "minus": KwargSpec(type=KwargType.COLUMNS, doc="Columns that are taken off."),
        "row_condition": KwargSpec(type=KwargType.CONDITION, doc="Only rows that meet it are judged."),
        "tolerance": KwargSpec(
            type=KwargType.AMOUNT, default="0", doc="Greatest difference of a row that still passes."
        ),
    },
    judge=columns_to_add_up,
)
