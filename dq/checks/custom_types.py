"""The expectation types Great Expectations lacks, by name: each a file of ``dq.checks.types``, named as the type.

Suites are validated against them, the engine evaluates them, and the registered Great Expectations classes are built
from them, so that a type means the same in all three. Nothing here imports Great Expectations.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from dq.base.errors import DqError
from dq.base.model import Json
from dq.checks import types
from dq.checks.compared_names import ROW_COUNT
from dq.checks.run_level_types import RUN_LEVEL
from dq.checks.type_spec import OTHER, OTHER_CONDITION, ROW_CONDITION, KwargSpec, KwargType, TypeSpec, own_column

_TABLE: Mapping[str, TypeSpec] = {
    "expect_total_to_reconcile": TypeSpec(
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
    ),
    "expect_totals_to_match": TypeSpec(
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
    ),
    "expect_published_to_rederive": TypeSpec(
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
    ),
    "expect_values_to_refer_to": TypeSpec(
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
    ),
    "expect_distinct_counts_to_match": TypeSpec(
        doc="A published count of distinct values equals the one counted anew from another table, group by group.",
        sentence="$column must be the number of distinct $other_column in $other[, by $by]"
        "[, counted over the $so_far up to $through]"
        "[, except where $reason_column says that $other lacks a day of it][, of rows where $row_condition]"
        "[, of other rows where $other_condition].",
        kwargs={
            "column": own_column("The published count."),
            "other": KwargSpec(type=KwargType.TABLE, required=True, doc="The dataset counted anew."),
            "other_column": KwargSpec(
                type=KwargType.OTHER_COLUMN, required=True, doc="Column whose distinct values are counted."
            ),
            "by": KwargSpec(type=KwargType.BY, default=(), doc="Columns whose every group is counted."),
            "so_far": KwargSpec(
                type=KwargType.CHOICE,
                choices=("week", "month"),
                doc="Count from the beginning of the ISO week or month of `through` to that day, by the other's `day`.",
            ),
            "through": KwargSpec(
                type=KwargType.COLUMN, doc="Date up to which a row counts so far; each of its days is a group."
            ),
            "reason_column": KwargSpec(
                type=KwargType.COLUMN,
                doc="Why a row has no count: exactly where the other dataset lacks a day of that week or month.",
            ),
            "row_condition": ROW_CONDITION,
            "other_condition": OTHER_CONDITION,
        },
    ),
    "expect_cohort_to_match": TypeSpec(
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
    ),
    "expect_repeated_keys_to_be_identical": TypeSpec(
        doc="Rows that share a key differ in nothing but their delivery; a different row under the same key fails.",
        sentence="rows that share $columns must differ in nothing but $delivery.",
        kwargs={
            "columns": KwargSpec(type=KwargType.COLUMNS, required=True, doc="Columns that identify a row together."),
            "delivery": KwargSpec(
                type=KwargType.COLUMNS, required=True, doc="Columns that say how a row was delivered, not what it is."
            ),
        },
        nulls_left_out=True,
    ),
    "expect_redeliveries_to_be_rare": TypeSpec(
        doc="Rows delivered again, which the contract's rule drops, are counted and stay a small or usual share.",
        sentence="rows of the same $columns delivered again, as told by $delivery, are dropped and counted"
        "[; at most a share of $max_share][; at most $high times the median of published periods]"
        "[, given $minimum_history periods].",
        kwargs={
            "columns": KwargSpec(type=KwargType.COLUMNS, required=True, doc="Columns that identify a row together."),
            "delivery": KwargSpec(
                type=KwargType.COLUMNS, required=True, doc="Columns that say how a row was delivered, not what it is."
            ),
            "max_share": KwargSpec(type=KwargType.NUMBER, doc="Greatest share of rows delivered again that passes."),
            "high": KwargSpec(type=KwargType.NUMBER, doc="Greatest ratio of that share to the median of history."),
            "minimum_history": KwargSpec(
                type=KwargType.COUNT, doc="Published periods needed before `high` can be judged, 3 if not given."
            ),
        },
        nulls_left_out=True,
        example={"max_share": 0.01},
    ),
    "expect_instants_to_lie_on_their_day": TypeSpec(
        doc="A timestamp lies on the UTC day that stands beside it, so none is of 1970 or of the future.",
        sentence="$column must lie on the UTC day in $day.",
        kwargs={"column": own_column("The timestamp."), "day": own_column("The date of its UTC day.")},
        nulls_left_out=True,
    ),
    "expect_offsets_to_be_contiguous": TypeSpec(
        doc="The offsets of every partition of a queue that have landed have no gap.",
        sentence="$offset must have no gap within $columns[, of rows that arrived $settle_hours hours after the "
        "period's beginning or later by $arrival]; at most $max_missing may be missing.",
        kwargs={
            "columns": KwargSpec(
                type=KwargType.COLUMNS, required=True, doc="Columns that name a partition, such as topic and partition."
            ),
            "offset": own_column("Whole number that counts on by one within a partition."),
            "arrival": own_column("Timestamp at which the row arrived."),
            "settle_hours": KwargSpec(
                type=KwargType.NUMBER,
                default=48,
                doc="Hours at the period's beginning in which late rows of earlier days take up offsets.",
            ),
            "max_missing": KwargSpec(type=KwargType.COUNT, default=0, doc="Offsets that may be missing."),
        },
    ),
    "expect_sessions_to_end": TypeSpec(
        doc="Sessions have their closing event; the others lost events on the way or were broken off.",
        sentence="sessions of $user, ended by $gap_minutes minutes without an event, must close with a $column of "
        "$closing for all but a share of $max_share.",
        kwargs={
            "column": own_column("Kind of the event."),
            "closing": KwargSpec(type=KwargType.TEXT, required=True, doc="The kind that closes a session."),
            "user": own_column("Whose session it is."),
            "time": own_column("Timestamp of the event."),
            "gap_minutes": KwargSpec(type=KwargType.COUNT, default=30, doc="Minutes without an event that end one."),
            "max_share": KwargSpec(type=KwargType.NUMBER, default=0, doc="Greatest share without a closing event."),
        },
        nulls_left_out=True,
    ),
    "expect_consumer_lag_to_be_bounded": TypeSpec(
        doc="The consumer of a queue is not too far behind, and every partition was observed lately.",
        sentence="$committed must be less than $max_hours hours behind $end in every partition ($columns), "
        "by an $observed less than $max_hours hours before the end of the last day covered.",
        kwargs={
            "columns": KwargSpec(
                type=KwargType.COLUMNS, required=True, doc="Columns that name a partition, such as topic and partition."
            ),
            "observed": own_column("Timestamp of the observation."),
            "end": own_column("End offset of the partition at that time."),
            "committed": own_column("Offset the consumer had committed by then."),
            "max_hours": KwargSpec(type=KwargType.NUMBER, required=True, doc="Hours from which on it is too late."),
        },
    ),
    "expect_heaviest_key_share_to_be_at_most": TypeSpec(
        doc="No single value of a column holds so many rows that one task would do most of the work.",
        sentence="the heaviest $column must hold at most a share of $max_share of the rows.",
        kwargs={
            "column": own_column("The key that rows are joined or grouped by."),
            "max_share": KwargSpec(type=KwargType.NUMBER, required=True, doc="Greatest share that still passes."),
        },
    ),
    "expect_rows_per_key_to_be_at_most": TypeSpec(
        doc="No single value of a column has so many rows that a join on it multiplies what it is joined with.",
        sentence="no $column may have more than $max_rows rows.",
        kwargs={
            "column": own_column("The key that others are joined with."),
            "max_rows": KwargSpec(type=KwargType.COUNT, required=True, doc="Greatest number of rows of one value."),
        },
    ),
}


@cache
def found() -> Mapping[str, TypeSpec]:
    """The specification of every type by its name, in the order of names."""
    return dict(sorted({**_TABLE, **RUN_LEVEL, **{name: _declared(name) for name in _files()}}.items()))


def _files() -> list[str]:
    return [module.name for module in iter_modules(types.__path__)]


def _declared(name: str) -> TypeSpec:
    declared = getattr(import_module(f"{types.__name__}.{name}"), "TYPE", None)
    if not (name.startswith("expect_") and isinstance(declared, TypeSpec)):
        raise DqError(
            "a file that declares no expectation type",
            where=f"dq/checks/types/{name}.py",
            expected="TYPE = TypeSpec(...), in a file named as the type: expect_....py",
            do="write that, or move what types share to dq/checks",
        )
    return declared


class _Types(Mapping[str, TypeSpec]):
    """Every type; the files are imported when one is first asked for, so that a command without checks is fast."""

    def __getitem__(self, name: str) -> TypeSpec:
        return found()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(found())

    def __len__(self) -> int:
        return len(found())


CUSTOM_TYPES: Mapping[str, TypeSpec] = _Types()


def type_names() -> tuple[str, ...]:
    """The names of the custom expectation types, sorted."""
    return tuple(sorted(CUSTOM_TYPES))


def columns_of(type_name: str, kwargs: Mapping[str, Json]) -> tuple[str, ...]:
    """The columns of its own dataset that a custom check names, in order of first mention."""
    spec = CUSTOM_TYPES[type_name]
    return tuple(dict.fromkeys(name for kwarg in spec.columns for name in _names(kwargs.get(kwarg), "column")))


def judges_published(type_name: str) -> bool:
    """Whether a type judges what was published before rather than the dataset at hand."""
    return type_name in CUSTOM_TYPES and CUSTOM_TYPES[type_name].of_published


def other_columns_of(type_name: str, kwargs: Mapping[str, Json]) -> tuple[str, ...]:
    """The columns of the compared dataset that a custom check names, in order of first mention."""
    names: list[str] = []
    for kwarg, spec in CUSTOM_TYPES[type_name].kwargs.items():
        if spec.type in (KwargType.OTHER_COLUMN, KwargType.OTHER_COLUMNS, KwargType.PAIRS, KwargType.BY):
            names += _names(kwargs.get(kwarg), "other")
    return tuple(dict.fromkeys(names))


def _names(value: Json, side: str) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [name for name in value.values() if isinstance(name, str)]
    if not isinstance(value, Sequence):
        return []
    names = [item.get(side) if isinstance(item, Mapping) else item for item in value]
    return [name for name in names if isinstance(name, str) and name != ROW_COUNT]
