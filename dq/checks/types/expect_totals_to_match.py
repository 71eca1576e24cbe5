"""Totals of a dataset against those of another table, overall or per group."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

from dq.base.model import Evidence, Json, Outcome
from dq.checks.compared_names import ROW_COUNT
from dq.checks.comparisons import (
    aggregate_of,
    label_of,
    pairs_of,
    rows_behind,
    side_by_side,
    summed_where,
    tolerance_of,
    total_key,
)
from dq.checks.custom_check import MAX_ROWS, Judge, Judged, NothingToJudgeError, Request, group_of, listed
from dq.checks.differences import Difference, counted, difference, judged, listed_rows
from dq.checks.type_spec import OTHER, OTHER_CONDITION, ROW_CONDITION, KwargSpec, KwargType, TypeSpec
from dq.engine.gather import column, column_types, condition, decimal, percent, whole
from dq.engine.sums import summed

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


def totals_to_match(request: Request) -> Judge:
    """Totals or row counts of this dataset against another table's, overall or per group."""
    other, frame = request.other()
    pairs = pairs_of(request)
    rules = (request.condition(), condition(frame, request.text("other_condition"), table=other))
    if request.texts("by"):
        return _grouped_totals(request, other, frame, pairs, rules)
    tolerance, most = tolerance_of(request), request.share("max_share")
    their_rule = request.text("other_condition")
    any_own = rows_behind(request.own_total, request.text("row_condition"), rules[0])
    any_other = rows_behind(partial(request.other_total, other, frame), their_rule, rules[1])
    readers: list[tuple[str, Callable[[], object], Callable[[], object]]] = []
    for ours, theirs in pairs:
        mine = None if ours == ROW_COUNT else request.column(ours, "number")
        their = None if theirs == ROW_COUNT else column(frame, theirs, table=other, kind="number")
        key = total_key(theirs, their_rule)
        readers.append(
            (
                label_of(ours, theirs),
                request.own_total(*summed_where(mine, ours, request, rules[0])),
                request.other_total(other, frame, key, aggregate_of(their, rules[1], column_types(frame).get(theirs))),
            )
        )

    def judge() -> Judged:
        there = any_own(), any_other()
        differences = [
            difference(label, ours, theirs, there, max(tolerance, most * abs(theirs or Decimal(0))))
            for label, ours, theirs in ((label, decimal(mine()), decimal(their())) for label, mine, their in readers)
        ]
        return judged(differences, other, "totals")

    return judge


def _grouped_totals(
    request: Request,
    other: str,
    frame: DataFrame,
    pairs: Sequence[tuple[str, str]],
    rules: tuple[Column | None, Column | None],
) -> Judge:
    """Both sides grouped, put under each other and grouped again, which keeps groups that only one side has."""
    from pyspark.sql import functions as F

    by, tolerance, most = request.texts("by"), tolerance_of(request), request.share("max_share")
    for name in by:
        request.column(name)
        column(frame, name, table=other)
    totals, numbers = side_by_side(request, (request.dataset.name, request.frame, rules[0]), (other, frame, rules[1]))
    missing = (F.col("n_ours") == 0) | (F.col("n_theirs") == 0)
    offs, unknown, bads = {}, {}, {}
    for n in numbers:
        a, b = F.col(f"ours{n}"), F.col(f"theirs{n}")
        offs[n] = F.coalesce(F.abs(a - b), F.abs(a), F.abs(b), F.lit(0))
        # A group that one side lacks has zero there; NULL is not zero, but an amount that is not known.
        unknown[n] = F.when(missing, F.coalesce(a, b).isNull()).otherwise(a.isNull() != b.isNull())
        bads[n] = unknown[n] | (offs[n] > F.lit(tolerance))

    def total(key: str, aggregate: Column) -> Callable[[], object]:
        return request.gather.of_groups(totals, key, aggregate)

    read_groups = total("groups", F.count(F.lit(1)))
    read_bad = [total(f"off by more than {tolerance} {n}", F.count_if(bads[n])) for n in numbers]
    read_unknown = [total(f"unknown {n}", F.count_if(unknown[n])) for n in numbers] if most else []
    types = {n: totals.types(n) for n in numbers}
    read_off = [total(f"off {n}", summed(offs[n], *types[n])) for n in numbers]
    read_theirs = [total(f"theirs {n}", summed(F.abs(f"theirs{n}"), types[n][1])) for n in numbers] if most else []
    read_seen = [total(f"seen {n}", F.count(F.coalesce(f"ours{n}", f"theirs{n}"))) for n in numbers]

    def judge() -> Judged:
        groups, wrong = whole(read_groups()), sum(whole(read()) for read in read_bad)
        if not all(whole(read()) for read in read_seen):
            raise NothingToJudgeError(f"there is no amount on either side to compare with {other}")
        off_by = [decimal(read()) or Decimal(0) for read in read_off]
        measures: dict[str, Json] = {"groups": groups, "totals": groups * len(pairs), "totals_off": wrong}
        if all(off.is_finite() for off in off_by):
            measures["off_by"] = str(sum(off_by, Decimal(0)))
        if not wrong:
            return Judged(
                outcome=Outcome.PASSED,
                observed=f"{counted(groups, 'group')} of {counted(len(pairs), 'total')} agree with {other}",
                measures=measures,
            )
        shares = [_share(off, decimal(read())) for off, read in zip(off_by, read_theirs, strict=bool(most))]
        allowed = f", together by {percent(max(shares))} (allowed {percent(most)})" if shares else ""
        not_known = sum(whole(read()) for read in read_unknown)
        if shares and max(shares) <= most and not not_known:
            observed = f"{wrong:,} of {groups * len(pairs):,} totals differ from {other}{allowed}"
            return Judged(outcome=Outcome.PASSED, observed=observed, measures=measures)
        unknown_text = f", {not_known:,} of them not known on one side" if not_known else ""
        compared = totals.frame().select(
            "*",
            *(offs[n].alias(f"off{n}") for n in offs),
            *(bads[n].alias(f"bad{n}") for n in bads),
        )
        differences = _worst(compared, dict(zip(numbers, pairs, strict=True)), len(by), tolerance, request.check.show)
        return Judged(
            outcome=Outcome.FAILED,
            observed=f"{wrong:,} of {groups * len(pairs):,} totals differ{allowed}{unknown_text}: "
            + listed([item.sentence(other) for item in differences]),
            measures=measures,
            rows=listed_rows(differences, wrong),
        )

    return judge


def _worst(
    compared: DataFrame, pairs: Mapping[int, tuple[str, str]], keyed_by: int, tolerance: Decimal, show: bool
) -> list[Difference]:
    """The differing totals of the groups that are furthest off, bounded; asked for only when there are any."""
    from pyspark.sql import functions as F

    bad = F.lit(False)
    for n in pairs:
        bad = bad | F.col(f"bad{n}")
    furthest = F.greatest(*(F.col(f"off{n}") for n in pairs), F.lit(0))
    keys = [F.col(f"key{n}") for n in range(keyed_by)]
    found = compared.where(bad).orderBy(furthest.desc(), *keys).limit(MAX_ROWS).collect()
    differences = []
    for number, row in enumerate(found, start=1):
        group = group_of(row, keyed_by) if show else f"group {number}"
        for n in pairs:
            if row[f"bad{n}"]:
                differences.append(
                    Difference(
                        line=f"{label_of(*pairs[n])} of {group}",
                        ours=decimal(row[f"ours{n}"]),
                        theirs=decimal(row[f"theirs{n}"]),
                        tolerance=tolerance,
                        lacking="ours" if row["n_ours"] == 0 else "theirs" if row["n_theirs"] == 0 else "",
                    )
                )
    return differences[:MAX_ROWS]


def _share(off: Decimal, theirs: Decimal | None) -> Decimal:
    """What part of the other's total the differences are; of nothing, and of what is not a number, any is too much."""
    known = off.is_finite() and theirs is not None and theirs.is_finite()
    return off / theirs if known and theirs else Decimal("Infinity")


TYPE = TypeSpec(
    doc="Totals of columns equal those of another table, per group where groups are named.",
    sentence="totals must equal those of $other within $tolerance[ or together a share of $max_share of them]: "
    "$pairs[, by $by]"
    "[, of rows where $row_condition][, of other rows where $other_condition].",
    kwargs={
        "pairs": KwargSpec(type=KwargType.PAIRS, required=True, doc="What must add up to what."),
        "other": OTHER,
        "by": KwargSpec(type=KwargType.BY, default=(), doc="Columns whose every group is compared."),
        "row_condition": ROW_CONDITION,
        "other_condition": OTHER_CONDITION,
        "tolerance": KwargSpec(
            type=KwargType.AMOUNT,
            default="0",
            doc="Greatest difference of a total that still passes; what one side lacks is 0 there.",
        ),
        "max_share": KwargSpec(
            type=KwargType.NUMBER,
            doc="Share of the other's total by which the totals of all groups together may be off and pass, for "
            "what two tables count by definitions of their own.",
        ),
    },
    judge=totals_to_match,
    evidence=Evidence.COMPARISON,
)
