"""What a cohort keeps and loses over a period: the units that had an amount when it opened."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dq.base.model import Json
from dq.checks.compared_names import FIRST_DAY, LAST_DAY
from dq.checks.comparisons import totals_to_match
from dq.checks.custom_check import Judge, Request
from dq.checks.restatement import published_to_rederive
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
