"""What a cohort keeps and loses over a period: the units that had an amount when it opened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from dq.base.model import Evidence, Json
from dq.checks.compared_names import FIRST_DAY, LAST_DAY
from dq.checks.custom_check import Judge, Request
from dq.checks.type_spec import OTHER_CONDITION, ROW_CONDITION, KwargSpec, KwargType, TypeSpec, own_column
from dq.checks.types.expect_published_to_rederive import published_to_rederive
from dq.checks.types.expect_totals_to_match import totals_to_match
from dq.engine.gather import column, column_types, condition
from dq.engine.sums import summed

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_COHORT = ("retained", "kept", "lost", "opening", "closing", "other_by", "other_condition", "since")


def cohort_to_match(request: Request) -> Judge:
    """The published amounts of a cohort against those of its units, found anew from the first and the last day.

    With ``since`` the first day is that of another table, such as the one with which twelve months began.

    The units are one more table to compare totals with, so that groups, differences and restatements are told alike. A
    group in which nobody had anything when the period opened retains and loses nothing.
    """
    other, unit = request.text("other"), request.texts("unit")
    name = f"{' to '.join(filter(None, (request.text('since'), other)))} by {', '.join(unit)}"
    pairs: Json = [{"column": amount, "other": amount} for amount in _published(request)]
    inner = replace(
        request,
        kwargs={
            "pairs": pairs,
            "other": name,
            "by": request.texts("by"),
            "row_condition": request.text("row_condition"),
            "tolerance": "0",
            "published": request.text("published"),
            # Two cohorts of the same units are two tables.
            "made_of": repr({key: request.kwargs.get(key) for key in _COHORT}),
        },
        context=replace(request.context, tables={**request.context.tables, name: cohort(request, other, unit)}),
    )
    return published_to_rederive(inner) if request.text("published") == "previous" else totals_to_match(inner)


def _published(request: Request) -> list[str]:
    """The columns of the figures that are compared."""
    return [name for what in ("retained", "kept", "lost") if (name := request.text(what))]


def cohort(request: Request, other: str, unit: list[str]) -> DataFrame:
    """One row per unit that had something when the period opened, with its group and the amounts named as ours."""
    from pyspark.sql import functions as F

    by, other_by = request.texts("by"), request.texts("other_by")

    def day(table: str, amount: str, groups: list[str]) -> DataFrame:
        frame = request.table(table)
        rule = condition(frame, request.text("other_condition"), table=table)
        return (frame if rule is None else frame.where(rule)).select(
            *(column(frame, name, table=table).alias(f"unit{n}") for n, name in enumerate(unit)),
            *(column(frame, name, table=table).alias(f"group{n}") for n, name in enumerate(groups)),
            column(frame, request.text(amount), table=table, kind="number").alias(amount),
        )

    opened = day(f"{request.text('since') or other}{FIRST_DAY}", "opening", other_by).where("opening <> 0")
    closed = day(f"{other}{LAST_DAY}", "closing", [])
    units = opened.unionByName(closed, allowMissingColumns=True).groupBy(*(f"unit{n}" for n in range(len(unit))))
    amounts = units.agg(
        summed(F.col("opening"), column_types(opened)["opening"]).alias("opening"),
        F.coalesce(summed(F.col("closing"), column_types(closed)["closing"]), F.lit(0)).alias("closing"),
        *(F.max(f"group{n}").alias(name) for n, name in enumerate(by)),
    )
    left = F.col("closing") == 0
    found = {
        "retained": F.col("closing"),
        "kept": F.least("opening", "closing"),
        "lost": F.when(left, F.col("opening")).otherwise(F.lit(0)),
    }
    return amounts.where(F.col("opening").isNotNull()).select(
        *by, *(found[what].alias(request.text(what)) for what in found if request.text(what))
    )


def _mistakes(kwargs: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    ours, theirs = (kwargs.get(name) or () for name in ("by", "other_by"))
    if isinstance(ours, Sequence) and isinstance(theirs, Sequence) and len(ours) != len(theirs):
        yield "other_by", f"{len(theirs)} columns stand against {len(ours)}"


TYPE = TypeSpec(
    doc="What units that had an amount when a period opened keep of it and lose is what another table's days say.",
    sentence="of every $unit with $opening on the first day of $other[ or rather $since] $retained must be the "
    "$closing of the last day[, $kept no more of it than the $opening], and $lost the $opening where nothing is "
    "left[, in the $published final][, by $by (there $other_by)]"
    "[, of rows where $row_condition][, of other rows where $other_condition].",
    kwargs={
        "retained": own_column("What the units that had something when the period opened have at its end."),
        "lost": own_column("What those of them had who have nothing at its end."),
        "kept": KwargSpec(
            type=KwargType.COLUMN, doc="What they have at its end without expansion, at most what each had."
        ),
        "other": KwargSpec(
            type=KwargType.TABLE,
            required=True,
            doc="Upstream table of the units' days; its first and its last day are compared.",
        ),
        "since": KwargSpec(
            type=KwargType.TABLE, doc="The table whose first day the period opens with, where that is not other."
        ),
        "unit": KwargSpec(
            type=KwargType.OTHER_COLUMNS, required=True, doc="Columns that name a unit, all of whose rows count."
        ),
        "opening": KwargSpec(
            type=KwargType.OTHER_COLUMN, required=True, doc="What a row of the first day had at its start."
        ),
        "closing": KwargSpec(
            type=KwargType.OTHER_COLUMN, required=True, doc="What a row of the last day had at its end."
        ),
        "by": KwargSpec(type=KwargType.COLUMNS, doc="Columns whose every group is compared."),
        "other_by": KwargSpec(
            type=KwargType.OTHER_COLUMNS, doc="The columns of the first day that say in which group a unit was."
        ),
        "row_condition": ROW_CONDITION,
        "other_condition": OTHER_CONDITION,
        "published": KwargSpec(
            type=KwargType.CHOICE,
            choices=("previous",),
            doc="The final that is judged instead of the figures of this run: that of the month before.",
        ),
    },
    mistakes=_mistakes,
    judge=cohort_to_match,
    evidence=Evidence.COMPARISON,
    how="amounts of each unit on the first and last day",
)
