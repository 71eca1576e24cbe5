"""Totals of a dataset against another table's lines, such as those of the books."""

from __future__ import annotations

from collections.abc import Mapping

from dq.base.errors import EvaluationError
from dq.base.model import Evidence
from dq.checks.comparisons import rows_behind, summed_where, tolerance_of
from dq.checks.custom_check import Judge, Judged, Request
from dq.checks.differences import difference, judged
from dq.checks.type_spec import OTHER, ROW_CONDITION, KwargSpec, KwargType, TypeSpec
from dq.engine.gather import column, column_types, condition, decimal
from dq.engine.sums import summed

MAX_LINES = 1_000


def total_to_reconcile(request: Request) -> Judge:
    """Columns of this dataset against the lines of another table, every line for itself.

    A line that stands on one side only is zero on the other, so that errors which cancel out in the sum are seen.
    """

    other, frame = request.other()
    tolerance = tolerance_of(request)
    lines = request.kwargs["lines"]
    if not isinstance(lines, Mapping):
        raise EvaluationError("lines is not a mapping of line to column", where=request.check.check)
    rule = request.condition()
    ours = {
        str(line): request.own_total(*summed_where(request.column(str(name), "number"), str(name), request, rule))
        for line, name in lines.items()
    }
    any_row = rows_behind(request.own_total, request.text("row_condition"), rule)
    line = column(frame, request.text("other_line"), table=other)
    amount = column(frame, request.text("other_amount"), table=other, kind="number")
    where = condition(frame, request.text("other_where"), table=other)
    kept = frame.where(where) if where is not None else frame
    # Lines are few by nature; one more than the limit shows that the column does not name lines.
    total = summed(amount, column_types(frame)[request.text("other_amount")])
    grouped = kept.groupBy(line.cast("string").alias("line")).agg(total.alias("amount")).limit(MAX_LINES + 1)
    names = ("other_line", "other_amount", "other_where")
    theirs = request.gather.rows("lines " + repr([other, *(request.text(name) for name in names)]), grouped)

    def judge() -> Judged:
        rows = theirs()
        if len(rows) > MAX_LINES:
            raise EvaluationError(
                f"{request.text('other_line')} has more than {MAX_LINES:,} lines", where=other, expected="ledger lines"
            )
        booked = {row["line"]: decimal(row["amount"]) for row in rows}
        differences = [
            difference(line, decimal(read()), booked.get(line), (any_row(), line in booked), tolerance)
            for line, read in ours.items()
        ]
        undeclared = sorted((name for name in booked if name not in ours), key=lambda name: (name is None, name or ""))
        for number, name in enumerate(undeclared, start=1):
            # A line the suite does not name is a value found in the data.
            label = ("no line" if name is None else str(name)) if request.check.show else f"undeclared line {number}"
            differences.append(difference(label, None, booked[name], (False, True), tolerance))
        return judged(differences, other, "lines")

    return judge


TYPE = TypeSpec(
    doc="Totals of columns equal the totals of another table's lines, each line for itself.",
    sentence="totals must equal $other by $other_line within $tolerance: $lines"
    "[, of rows where $row_condition][, of lines where $other_where].",
    kwargs={
        "lines": KwargSpec(
            type=KwargType.LINES, required=True, doc="Line of the other table -> column that must add up to it."
        ),
        "other": OTHER,
        "other_line": KwargSpec(
            type=KwargType.OTHER_COLUMN, required=True, doc="Column of the other table that names the line."
        ),
        "other_amount": KwargSpec(
            type=KwargType.OTHER_COLUMN, required=True, doc="Column of the other table that holds the amount."
        ),
        "other_where": KwargSpec(type=KwargType.CONDITION, doc="Only rows of the other table that meet it."),
        "row_condition": ROW_CONDITION,
        "tolerance": KwargSpec(
            type=KwargType.AMOUNT,
            default="0.01",
            doc="Greatest difference of a line that still passes; a line that one side lacks is 0 there.",
        ),
    },
    judge=total_to_reconcile,
    evidence=Evidence.COMPARISON,
)
