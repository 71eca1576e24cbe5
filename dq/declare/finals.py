"""The checks that finals stay what they were: as their units give them now, and when they are published again."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from dq.base import yamlfile
from dq.base.failure_classes import FailureClass
from dq.base.model import Check, Json
from dq.checks.compared_names import ROW_COUNT
from dq.declare import registry

TYPE = "expect_published_to_rederive"
PREVIOUS = ".previous"
"""Ends the name of a table of the month before: this one's last final, an upstream one as it is published now; and of
a source's rows of that month as they are known now."""
ARGUMENTS = {
    "other": "of",
    "row_condition": "rows",
    "other_condition": "of_rows",
    "by": "by",
    "never_added": "never_added",
    "distinct": "distinct",
}
"""The keys of a group that the arguments of its checks are made of; the others are made of its columns."""
_WAIVED = "A restatement is released by a waiver that names its amount, or not at all."


def place(name: str, number: int) -> yamlfile.Key:
    """Where a group stands in the registry."""
    return ("pipelines", name, "publishes", "finals", number)


def group_checks(name: str, number: int, group: registry.Compared, document: yamlfile.Document) -> list[Check]:
    """The checks of one group: the month before is what its units give, and what is published again says the same."""
    where = f"{registry.MARKER.as_posix()}:{document.line(place(name, number))}"
    by = f", by {_listed(group.by)}" if group.by else ""
    found = []
    if group.rederives:
        table, _, end = group.of.partition(".")
        found.append(
            _compared(
                group.rederives,
                name,
                published="previous",
                other=f"{table}{PREVIOUS}{f'.{end}' if end else ''}",
                pairs=group.pairs,
                by=group.by,
                row_condition=group.rows,
                other_condition=group.of_rows,
                never_added=group.never_added,
                distinct=group.distinct,
                description=f"{_listed([*group.pairs])} of the last published final month "
                f"{'is' if len(group.pairs) == 1 else 'are'} still what "
                f"{group.of} gives{by}.",
                where=where,
            )
        )
    if group.stands:
        found.append(
            _compared(
                group.stands,
                name,
                published="replaced",
                other=name,
                pairs={column: column for column in group.pairs},
                by=group.by,
                row_condition=group.rows,
                other_condition=group.rows,
                never_added=group.never_added,
                description=f"A final that is published again has the same {_listed([*group.pairs])} as before{by}.",
                where=where,
            )
        )
    return found


def declared_checks(name: str, published: registry.Published, document: yamlfile.Document) -> list[Check]:
    """The checks of all groups of a table."""
    groups = enumerate(published.finals)
    return [check for number, group in groups for check in group_checks(name, number, group, document)]


def other_checks(
    name: str, published: registry.Published, compared: Collection[str], document: yamlfile.Document
) -> list[Check]:
    """The checks that all other columns of a final stand, row by row; ``compared`` are those something else compares.

    Amounts and counts are told apart, so that a waiver's ceiling is in one unit. What is not a number is compared by
    counting the rows that say the same.
    """

    def stands(what: str, columns: Sequence[str], by: Sequence[str]) -> Check:
        return _compared(
            f"{name}.final.{what}",
            name,
            published="replaced",
            other=name,
            pairs={column: column for column in columns},
            by=by,
            description=f"A final that is published again says the same {what} as before, row by row.",
            where=f"{registry.MARKER.as_posix()}:{document.line(('pipelines', name, 'publishes', 'columns'))}",
        )

    found = [
        stands(what, left, published.cells)
        for what, columns in published.numbers().items()
        if (left := [column for column in columns if column not in compared])
    ]
    if published.words():
        found.append(stands("words", [ROW_COUNT], [*published.cells, *published.words()]))
    return found


def _compared(
    check: str,
    name: str,
    *,
    published: str,
    other: str,
    pairs: Mapping[str, str],
    by: Sequence[str],
    description: str,
    where: str,
    **more: Json,
) -> Check:
    """One check; of what it may be given beside, only what says something is its argument."""
    kwargs: dict[str, Json] = {
        "published": published,
        "other": other,
        "pairs": [{"column": ours, "other": theirs} for ours, theirs in pairs.items()],
        "by": [*by],
        **more,
    }
    return Check(
        check=check,
        dataset=name,
        type=TYPE,
        kwargs={key: value for key, value in kwargs.items() if value},
        description=description,
        notes=_WAIVED,
        failure_class=FailureClass.PUBLISHED_BEFORE,
        where=where,
    )


def _listed(columns: Sequence[str]) -> str:
    """Some columns by name, and how many more there are."""
    shown = columns if len(columns) <= 4 else columns[:3]
    rest = len(columns) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest else "")
