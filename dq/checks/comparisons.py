"""Totals of a dataset against those of another table: per ledger line, overall, or per group."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

from dq.base.errors import EvaluationError
from dq.base.model import Json, Outcome
from dq.checks.compared_names import ROW_COUNT
from dq.checks.custom_check import MAX_ROWS, Judge, Judged, NothingToJudgeError, Request, listed
from dq.checks.differences import Difference, counted, difference, judged, listed_rows
from dq.engine.conditions import quote
from dq.engine.gather import column, column_types, condition, decimal, percent, whole
from dq.engine.sums import summed

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, Row
    from pyspark.sql.types import DataType

MAX_LINES = 1_000


def total_to_reconcile(request: Request) -> Judge:
    """Columns of this dataset against the lines of another table, every line for itself.

    A line that stands on one side only is zero on the other, so that errors which cancel out in the sum are seen.
    """

    other, frame = request.other()
    tolerance = _tolerance(request)
    lines = request.kwargs["lines"]
    if not isinstance(lines, Mapping):
        raise EvaluationError("lines is not a mapping of line to column", where=request.check.check)
    rule = request.condition()
    ours = {
        str(line): request.own_total(*_summed(request.column(str(name), "number"), str(name), request, rule))
        for line, name in lines.items()
    }
    any_row = _rows_behind(request.own_total, request.text("row_condition"), rule)
    line = column(frame, request.text("other_line"), table=other)
    amount = column(frame, request.text("other_amount"), table=other, kind="number")
    where = condition(frame, request.text("other_where"), table=other)
    kept = frame.where(where) if where is not None else frame
    # Lines are few by nature; one more than the limit tells a column that is no line.
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


def totals_to_match(request: Request) -> Judge:
    """Totals or row counts of this dataset against another table's, overall or per group."""
    other, frame = request.other()
    pairs = pairs_of(request)
    rules = (request.condition(), condition(frame, request.text("other_condition"), table=other))
    if request.texts("by"):
        return _grouped_totals(request, other, frame, pairs, rules)
    tolerance, most = _tolerance(request), request.share("max_share")
    their_rule = request.text("other_condition")
    any_own = _rows_behind(request.own_total, request.text("row_condition"), rules[0])
    any_other = _rows_behind(partial(request.other_total, other, frame), their_rule, rules[1])
    readers: list[tuple[str, Callable[[], object], Callable[[], object]]] = []
    for ours, theirs in pairs:
        mine = None if ours == ROW_COUNT else request.column(ours, "number")
        their = None if theirs == ROW_COUNT else column(frame, theirs, table=other, kind="number")
        key = _total_key(theirs, their_rule)
        readers.append(
            (
                _label(ours, theirs),
                request.own_total(*_summed(mine, ours, request, rules[0])),
                request.other_total(other, frame, key, _aggregate(their, rules[1], column_types(frame).get(theirs))),
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

    by, tolerance, most = request.texts("by"), _tolerance(request), request.share("max_share")
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


Side = tuple[str, "DataFrame", "Column | None"]
"""One side of a comparison: its table's name, its frame, and which rows count."""


@dataclass(frozen=True, kw_only=True)
class SideBySide:
    """Both sides' totals per group, with every group that either side has, for all checks that group alike.

    ``key0`` and so on name the group, ``ours0`` and ``theirs0`` are the totals of a pair, numbered as pairs are added,
    ``n_ours`` and ``n_theirs`` the rows behind them. No group at all is one row. With ``distinct`` what stands on their
    side is the number of different values, of whatever type.
    """

    key: str
    ours: Side
    theirs: Side
    by: Sequence[str]
    distinct: bool
    pairs: dict[tuple[str, str], int] = field(default_factory=dict)

    def add(self, pairs: Sequence[tuple[str, str]]) -> list[int]:
        """The numbers of pairs of columns, known ones and new ones; an EvaluationError for one that cannot be."""
        for ours, theirs in pairs:
            _value(self.ours, ours, distinct=False)
            _value(self.theirs, theirs, distinct=self.distinct)
        return [self.pairs.setdefault(pair, len(self.pairs)) for pair in pairs]

    def types(self, number: int) -> tuple[DataType, DataType]:
        """What the two totals of a pair are made of."""
        from pyspark.sql.types import LongType

        ours, theirs = list(self.pairs)[number]
        their = LongType() if self.distinct else column_types(self.theirs[1]).get(theirs, LongType())
        return column_types(self.ours[1]).get(ours, LongType()), their

    def frame(self) -> DataFrame:
        """The groups, one row each."""
        from pyspark.sql import functions as F

        mine = _side(self.ours, self.by, [name for name, _ in self.pairs], ("ours", "theirs"), distinct=False)
        their = _side(
            self.theirs, self.by, [name for _, name in self.pairs], ("theirs", "ours"), distinct=self.distinct
        )
        merged = mine.unionByName(their)
        return merged.groupBy(*(f"key{n}" for n in range(len(self.by)))).agg(
            *(F.max(name).alias(name) for name in merged.columns if not name.startswith("key"))
        )


def side_by_side(request: Request, ours: Side, theirs: Side) -> tuple[SideBySide, list[int]]:
    """The comparison by groups that a check takes part in, and the numbers of its pairs in it.

    The conditions of the sides are those of the check, so that checks with the same tables, conditions and groups are
    one comparison.
    """
    by, distinct = request.texts("by"), bool(request.kwargs.get("distinct"))
    rules = [request.text("row_condition"), request.text("other_condition"), request.text("made_of")]
    key = f"groups of {[ours[0], theirs[0], *rules, *by]!r}" + (", distinct" if distinct else "")
    shared = request.gather.grouping(SideBySide(key=key, ours=ours, theirs=theirs, by=by, distinct=distinct))
    return shared, shared.add(pairs_of(request))


def _value(side: Side, name: str, *, distinct: bool) -> Column | None:
    """The column a total is made of, None for the number of rows."""
    table, frame, _ = side
    return None if name == ROW_COUNT else column(frame, name, table=table, kind="" if distinct else "number")


def _side(side: Side, by: Sequence[str], names: Sequence[str], tags: tuple[str, str], *, distinct: bool) -> DataFrame:
    """One side's totals per group, with the other side's columns empty: ``ours0`` filled, ``theirs0`` NULL."""
    from pyspark.sql import functions as F

    (_, frame, rule), (own, empty) = side, tags
    values = [_value(side, name, distinct=distinct) for name in names]
    types = column_types(frame)
    totals = [
        F.count_distinct(value) if distinct and value is not None else _aggregate(value, None, types.get(name))
        for name, value in zip(names, values, strict=True)
    ]
    grouped = (
        (frame.where(rule) if rule is not None else frame)
        .groupBy(*(F.col(quote(name)).alias(f"key{n}") for n, name in enumerate(by)))
        .agg(F.count(F.lit(1)).alias(f"n_{own}"), *(total.alias(f"{own}{n}") for n, total in enumerate(totals)))
    )
    absent = {f"{empty}{n}": F.lit(None) for n in range(len(names))}
    return grouped.withColumns({f"n_{empty}": F.lit(0).cast("bigint"), **absent})


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
        group = _group(row, keyed_by) if show else f"group {number}"
        for n in pairs:
            if row[f"bad{n}"]:
                differences.append(
                    Difference(
                        line=f"{_label(*pairs[n])} of {group}",
                        ours=decimal(row[f"ours{n}"]),
                        theirs=decimal(row[f"theirs{n}"]),
                        tolerance=tolerance,
                        lacking="ours" if row["n_ours"] == 0 else "theirs" if row["n_theirs"] == 0 else "",
                    )
                )
    return differences[:MAX_ROWS]


def _group(row: Row, keys: int) -> str:
    return " / ".join("NULL" if row[f"key{n}"] is None else str(row[f"key{n}"]) for n in range(keys))


def _share(off: Decimal, theirs: Decimal | None) -> Decimal:
    """What part of the other's total the differences are; of nothing, and of what is not a number, any is too much."""
    known = off.is_finite() and theirs is not None and theirs.is_finite()
    return off / theirs if known and theirs else Decimal("Infinity")


def _rows_behind(
    total: Callable[[str, Column], Callable[[], object]], condition_text: str, rule: Column | None
) -> Callable[[], bool]:
    """Reads whether any row is behind a side's totals."""
    read = total(_total_key(ROW_COUNT, condition_text), _aggregate(None, rule))
    return lambda: whole(read()) > 0


def _tolerance(request: Request) -> Decimal:
    return Decimal(request.text("tolerance"))


def pairs_of(request: Request) -> list[tuple[str, str]]:
    """The pairs of a check that compares totals: a column of this side and one of the other."""
    pairs = request.kwargs["pairs"]
    if not isinstance(pairs, list | tuple):
        raise EvaluationError("pairs is not a list", where=request.check.check)
    return [(str(pair["column"]), str(pair["other"])) for pair in pairs if isinstance(pair, Mapping)]


def _label(ours: str, theirs: str) -> str:
    names = ["row count" if name == ROW_COUNT else name for name in (ours, theirs)]
    return names[0] if names[0] == names[1] else " = ".join(names)


def _total_key(name: str, rule: str) -> str:
    return f"total {name!r} where {rule!r}"


def _summed(value: Column | None, name: str, request: Request, rule: Column | None) -> tuple[str, Column]:
    return _total_key(name, request.text("row_condition")), _aggregate(
        value, rule, column_types(request.frame).get(name)
    )


def _aggregate(value: Column | None, rule: Column | None, type_: DataType | None = None) -> Column:
    """The sum of a column of a type, or the number of rows, over the rows that meet the rule."""
    from pyspark.sql import functions as F

    if value is None or type_ is None:
        return F.count(F.lit(1)) if rule is None else F.count_if(rule)
    return summed(value if rule is None else F.when(rule, value), type_)
