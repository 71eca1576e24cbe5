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
from dq.checks.type_spec import KwargSpec, KwargType, TypeSpec, own_column

_TABLE: Mapping[str, TypeSpec] = {
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
