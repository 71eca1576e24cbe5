"""A final that was published, against what it would be now: the amounts by which it is restated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from dq.base.model import Evidence, Json, Outcome
from dq.checks.compared_names import ROW_COUNT
from dq.checks.comparisons import pairs_of, side_by_side
from dq.checks.custom_check import MAX_ROWS, Judge, Judged, NotRunError, Request
from dq.checks.type_spec import OTHER_CONDITION, KwargSpec, KwargType, TypeSpec
from dq.engine.gather import column, condition, decimal, shown, whole
from dq.engine.sums import summed

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True, kw_only=True)
class Restated:
    """One total of a final: as it was published, as it is now, the rows that differ and by how much they do together.

    ``apart`` adds up the rows' absolute differences, so that rows restated against each other do not cancel out.
    ``most`` is the greatest of them. Counts of different values are not ``added``: who is in two rows is one.
    """

    name: str
    published: Decimal | None
    now: Decimal | None
    apart: Decimal
    most: Decimal
    rows: int
    added: bool = True

    @property
    def by(self) -> Decimal:
        """What is there now less what was published."""
        return (self.now or Decimal(0)) - (self.published or Decimal(0))

    def sentence(self, period: str, groups: int) -> str:
        """The restatement as people read it."""
        of = f" in {self.rows:,} of {groups:,} rows" if groups > 1 else ""
        if groups > 1 and not self.added:
            return (
                f"{period} {self.name}: not what was published{of}, by up to {shown(self.most)} in one of them; "
                f"the differences of all rows, which a waiver's ceiling has to cover, come to {shown(self.apart)}"
            )
        if self.published == self.now and self.by == 0:
            return (
                f"{period} {self.name}: published {shown(self.published)}, its units now give the same in all, "
                f"restated by {shown(self.apart)} between rows{of}"
            )
        return (
            f"{period} {self.name}: published {shown(self.published)}, its units now give {shown(self.now)}, "
            f"restated by {shown(self.by)}{of}"
        )


def _unchanged(one: Restated, groups: int) -> str:
    """A total that stands, or in how many rows one does that is not added up."""
    if groups > 1 and not one.added:
        return f"{one.name} in {groups:,} rows"
    return f"{one.name} {shown(one.published)}"


def published_to_rederive(request: Request) -> Judge:
    """Totals of a published final against what its units, or the figures that would replace it, add up to now.

    A group that one side lacks counts as nothing there, so that a row without any amount may come and go. A waiver's
    ceiling is the largest amount by which one of the totals is restated. What a final was published without, before the
    column was declared, is not compared.
    """
    from pyspark.sql import functions as F

    which = request.text("published")
    published = f"{request.dataset.name}.{which}"
    before = request.table(published)
    other, frame = request.other()
    if which == "replaced" and request.context.replaced_days:
        # Of the days that are computed together only those are compared that were final.
        frame = frame.where(F.col("day").isin(*request.context.replaced_days))
    pairs, by = pairs_of(request), request.texts("by")
    tolerance = Decimal(request.text("tolerance"))
    period = request.context.published.get(which, which)
    # What the figures have now and the final lacks was declared after that was published.
    unheard = [
        name
        for name in [*by, *(name for name, _ in pairs)]
        if name in request.frame.columns and name not in before.columns
    ]
    by = [name for name in by if name not in unheard]
    without = f"{period} was published without {' and '.join(unheard)}"
    pairs = [(name, their) for name, their in pairs if name not in unheard]
    if not pairs:
        raise NotRunError(f"{without}, so there is nothing to compare with")
    if unheard:
        heard: Json = [{"column": name, "other": their} for name, their in pairs]
        request = replace(request, kwargs={**request.kwargs, "pairs": heard, "by": [*by]})
    for name in by:
        column(before, name, table=published)
        column(frame, name, table=other)
    totals, numbers = side_by_side(
        request,
        (published, before, condition(before, request.text("row_condition"), table=published)),
        (other, frame, condition(frame, request.text("other_condition"), table=other)),
    )
    types = {n: totals.types(n) for n in numbers}
    moved, differs = {}, {}
    for n in numbers:
        ours, theirs = F.col(f"ours{n}"), F.col(f"theirs{n}")
        moved[n] = F.coalesce(theirs, F.lit(0)) - F.coalesce(ours, F.lit(0))
        known = (F.col("n_ours") > 0) & (F.col("n_theirs") > 0) & (ours.isNull() != theirs.isNull())
        differs[n] = known | (F.abs(moved[n]) > F.lit(tolerance))
    never_added = request.texts("never_added")
    read_groups = request.gather.of_groups(totals, "groups", F.count(F.lit(1)))
    read = [
        [
            request.gather.of_groups(totals, f"{what} {n}", aggregate)
            for what, aggregate in (
                ("published", summed(F.col(f"ours{n}"), types[n][0])),
                ("now", summed(F.col(f"theirs{n}"), types[n][1])),
                ("apart", summed(F.abs(moved[n]), *types[n])),
                ("most", F.max(F.abs(moved[n]))),
                (f"moved by more than {tolerance}", F.count_if(differs[n])),
            )
        ]
        for n in numbers
    ]

    def judge() -> Judged:
        groups = whole(read_groups())
        found = [
            Restated(
                name="rows behind it" if name == ROW_COUNT else name,
                published=decimal(values[0]()),
                now=decimal(values[1]()),
                apart=decimal(values[2]()) or Decimal(0),
                most=decimal(values[3]()) or Decimal(0),
                rows=whole(values[4]()),
                added=not request.kwargs.get("distinct") and name not in never_added,
            )
            for (name, _), values in zip(pairs, read, strict=True)
        ]
        # No amount on either side; of a number of rows, none.
        if all(
            (one.published is None and one.now is None) or (name == ROW_COUNT and not one.published and not one.now)
            for (name, _), one in zip(pairs, found, strict=True)
        ):
            raise NotRunError(f"{period} has no {' and no '.join(name for name, _ in pairs)}, as published or now")
        wrong = [one for one in found if one.rows]
        measures: dict[str, Json] = {"rows": groups, "totals": len(found), "totals_restated": len(wrong)}
        if all(one.apart.is_finite() for one in found):
            measures["off_by"] = str(max((one.apart for one in wrong), default=Decimal(0)))
        if not wrong:
            amounts = ", ".join(_unchanged(one, groups) for one in found)
            observed = f"{period} is still what was published: {amounts}" + (f"; {without}" if unheard else "")
            return Judged(outcome=Outcome.PASSED, observed=observed, measures=measures)
        compared = totals.frame().withColumns(
            {f"moved{n}": moved[n] for n in numbers} | {f"differs{n}": differs[n] for n in numbers}
        )
        names = {n: name for n, (name, _) in zip(numbers, pairs, strict=True)}
        return Judged(
            outcome=Outcome.FAILED,
            observed="; ".join(one.sentence(period, groups) for one in wrong),
            measures=measures,
            rows=_furthest(compared, names, by, request.check.show),
        )

    return judge


def _furthest(compared: DataFrame, names: Mapping[int, str], by: Sequence[str], show: bool) -> list[dict[str, Json]]:
    """The rows that are restated most, bounded; asked for only when there are any."""
    from pyspark.sql import functions as F

    wrong = F.lit(False)
    for n in names:
        wrong = wrong | F.col(f"differs{n}")
    furthest = F.greatest(*(F.abs(f"moved{n}") for n in names), F.lit(0))
    keys = [F.col(f"key{n}") for n in range(len(by))]
    rows: list[dict[str, Json]] = []
    for number, row in enumerate(compared.where(wrong).orderBy(furthest.desc(), *keys).limit(MAX_ROWS).collect(), 1):
        group = " / ".join(str(row[f"key{n}"]) for n in range(len(by))) if show else f"row {number}"
        for n in names:
            if row[f"differs{n}"]:
                amounts = {"published": row[f"ours{n}"], "now": row[f"theirs{n}"], "restated_by": row[f"moved{n}"]}
                line = f"{names[n]} of {group}" if by else names[n]
                texts: dict[str, Json] = {name: _text(value) for name, value in amounts.items()}
                rows.append({"line": line, **texts})
    return rows[:MAX_ROWS]


def _text(value: object) -> str:
    return "missing" if value is None else str(value)


TYPE = TypeSpec(
    doc="A final that was published is what its units give now; where it is not, it is restated by an amount.",
    sentence="the $published final must be what $other gives now, within $tolerance: $pairs"
    "[, counting different values: $distinct][, never adding up $never_added][, by $by]"
    "[, of rows where $row_condition][, of other rows where $other_condition].",
    kwargs={
        "published": KwargSpec(
            type=KwargType.CHOICE,
            default="previous",
            choices=("previous", "replaced"),
            doc="The final that is judged: of the month before, or of this period where this run would replace it.",
        ),
        "other": KwargSpec(
            type=KwargType.TABLE, required=True, doc="What it is derived from, or derived as, at this run."
        ),
        "pairs": KwargSpec(
            type=KwargType.PAIRS, required=True, doc="Column as it was published, and what must add up to it now."
        ),
        "distinct": KwargSpec(
            type=KwargType.BOOLEAN,
            default=False,
            doc="What stands against the published count is the number of different values, not their sum.",
        ),
        "never_added": KwargSpec(
            type=KwargType.COLUMNS,
            doc="Published counts of different values, such as users, which are told by row; all, where distinct.",
        ),
        "by": KwargSpec(type=KwargType.BY, default=(), doc="Columns whose every group is compared."),
        "row_condition": KwargSpec(
            type=KwargType.CONDITION, doc="Only rows of the published final that meet it are compared."
        ),
        "other_condition": OTHER_CONDITION,
        "tolerance": KwargSpec(
            type=KwargType.AMOUNT,
            default="0",
            doc="Greatest difference of a total that still passes; what one side lacks is 0 there.",
        ),
    },
    of_published=True,
    judge=published_to_rederive,
    evidence=Evidence.COMPARISON,
)
