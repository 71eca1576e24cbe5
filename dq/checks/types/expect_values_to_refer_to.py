"""Keys that must stand in another table: who is in none is counted and valued."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import reduce
from typing import TYPE_CHECKING

from dq.base.errors import EvaluationError
from dq.base.model import Evidence, Json, Outcome
from dq.checks.custom_check import MAX_ROWS, Judge, Judged, Request
from dq.checks.key_rows import KeyRows, key_rows
from dq.checks.type_spec import OTHER_CONDITION, ROW_CONDITION, KwargSpec, KwargType, TypeSpec, amount_for_max_amount
from dq.engine.gather import column, column_types, condition, decimal, percent, shown, whole
from dq.engine.sums import summed

if TYPE_CHECKING:
    from pyspark.sql import Column
    from pyspark.sql.types import DataType


def values_to_refer_to(request: Request) -> Judge:
    """The rows whose key is in no row of another table: their share, and their sum where an amount values them.

    A row with a NULL in its key refers to nothing and is left to the check that requires the value; with
    ``where_known`` one of which these columns alone are not found is left to the check that looks for them.
    """
    from pyspark.sql import functions as F

    other, frame = request.other()
    names, theirs = request.texts("columns"), request.texts("other_columns")
    rule, other_rule = request.condition(), condition(frame, request.text("other_condition"), table=other)
    amount_name = request.text("amount")
    referred = frame if other_rule is None else frame.where(other_rule)
    groups = key_rows(request, names)

    def missing(parts: Sequence[int]) -> Column:
        some = [theirs[n] for n in parts]
        keys = referred.select(*(column(frame, name, table=other) for name in some))
        return groups.unknown(f"{some!r} of {other} where {request.text('other_condition')!r}", keys, parts)

    unknown = missing(range(len(theirs)))
    judged_by = request.texts("where_known")
    if judged_by:
        if not set(judged_by) < set(names):
            raise EvaluationError("where_known is not a part of columns", where=request.check.check)
        unknown = unknown & ~missing([names.index(name) for name in judged_by])
    worth = groups.worth(amount_name, request.column(amount_name, "number")) if amount_name else ""
    present = reduce(lambda left, right: left & right, (request.column(name).isNotNull() for name in names))
    judged = present if rule is None else rule & present
    read_rows = request.own_total(f"rows with {names!r} where {request.text('row_condition')!r}", F.count_if(judged))

    def total(value: Column, *types: DataType) -> Callable[[], object]:
        counted = F.when(unknown, value)
        return request.gather.of_groups(groups, str(counted), summed(counted, *types))

    read_orphans, read_keys = total(F.col("n")), total(F.lit(1))
    read_worth = total(F.col(worth), column_types(request.frame)[amount_name]) if worth else lambda: None
    allowed = request.share("max_share")
    most = decimal(request.kwargs.get("max_amount"))

    def judge() -> Judged:
        rows, lost, distinct = whole(read_rows()), whole(read_orphans()), whole(read_keys())
        request.refuse_nothing(rows, f"no row has a value of {', '.join(names)} to judge")
        amount = decimal(read_worth()) or Decimal(0)
        share = Decimal(lost) / rows if rows else Decimal(0)
        measures: dict[str, Json] = {"element_count": rows, "unexpected_count": lost, "keys": distinct}
        key = ", ".join(names)
        if not lost:
            observed = f"every {key} of {rows:,} rows is in {other}"
            observed += f", where their {', '.join(judged_by)} is" if judged_by else ""
            return Judged(outcome=Outcome.PASSED, observed=observed, measures=measures)
        valued = ""
        if amount_name:
            measures["off_by"] = str(abs(amount))
            valued = f", worth {shown(amount)} of {amount_name}"
        observed = (
            f"{lost:,} of {rows:,} rows ({percent(share)}) have no row of {other} for their {key}"
            f" ({distinct:,} different){valued}"
        )
        too_much = most is not None and (not amount.is_finite() or abs(amount) > most)
        failed = share > allowed or too_much
        if allowed or most is not None:
            limits = [f"{percent(allowed)} of the rows"] if allowed else []
            limits += [f"{shown(most)} of {amount_name}"] if most is not None else []
            observed += f" (allowed {' and '.join(limits)})"
        samples = _orphans(request, groups, unknown, names) if failed else []
        outcome = Outcome.FAILED if failed else Outcome.PASSED
        return Judged(outcome=outcome, observed=observed, measures=measures, rows=samples)

    return judge


def _orphans(request: Request, groups: KeyRows, unknown: Column, names: list[str]) -> list[dict[str, Json]]:
    """The keys that most rows without a counterpart have, only where the suite opts their columns in."""
    from pyspark.sql import functions as F

    if not (request.context.sample and request.check.show):
        return []
    found = groups.frame().where(unknown).orderBy(F.desc("n"), *groups.keys).limit(MAX_ROWS).collect()
    return [
        {**{name: str(row[key]) for name, key in zip(names, groups.keys, strict=True)}, "rows": str(row["n"])}
        for row in found
    ]


def _mistakes(kwargs: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    ours, theirs = kwargs.get("columns"), kwargs.get("other_columns")
    if isinstance(ours, Sequence) and isinstance(theirs, Sequence) and len(ours) != len(theirs):
        yield "other_columns", f"{len(theirs)} columns stand against {len(ours)}"
    yield from amount_for_max_amount(kwargs)


TYPE = TypeSpec(
    doc="Every row refers to a row of another table; those that do not are counted and, with an amount, valued.",
    sentence="$columns must be found in $other ($other_columns) for all but a share of $max_share of the rows"
    "[ and $max_amount of $amount][, of rows whose $where_known is found there][, of rows where $row_condition]"
    "[, of other rows where $other_condition].",
    kwargs={
        "columns": KwargSpec(
            type=KwargType.COLUMNS,
            required=True,
            doc="Columns that refer; a row with a NULL in one does not count.",
        ),
        "other": KwargSpec(type=KwargType.TABLE, required=True, doc="The dataset referred to."),
        "other_columns": KwargSpec(
            type=KwargType.OTHER_COLUMNS, required=True, doc="Its columns that are referred to, in the same order."
        ),
        "where_known": KwargSpec(
            type=KwargType.COLUMNS,
            doc="Of `columns` those that must be found by themselves for a row to be judged: who is not listed is "
            "another check's, who is listed otherwise this one's.",
        ),
        "max_share": KwargSpec(
            type=KwargType.NUMBER, default=0, doc="Greatest share of rows without such a row that still passes."
        ),
        "amount": KwargSpec(type=KwargType.COLUMN, doc="Number by which the rows without such a row are valued."),
        "max_amount": KwargSpec(
            type=KwargType.AMOUNT, doc="Greatest absolute sum of the amount of those rows that still passes."
        ),
        "row_condition": ROW_CONDITION,
        "other_condition": OTHER_CONDITION,
    },
    nulls_left_out=True,
    mistakes=_mistakes,
    judge=values_to_refer_to,
    evidence=Evidence.COMPARISON,
    how="rows without a counterpart",
)
