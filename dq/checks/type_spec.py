"""What an expectation type of this package declares about itself, and the words that several of them share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from dq.base.model import Evidence, Json

if TYPE_CHECKING:
    from dq.checks.custom_check import Judge, Request


class KwargType(StrEnum):
    """What a kwarg of a custom expectation type holds."""

    COLUMN = "column of this dataset"
    COLUMNS = "list of columns of this dataset"
    BY = "list of columns of both datasets"
    LINES = "mapping of line name to column of this dataset"
    PAIRS = "list of {column, other}: a column of this dataset and one of the other, '*' for the row count"
    TABLE = "name of another dataset of the run"
    OTHER_COLUMN = "column of the other dataset"
    OTHER_COLUMNS = "list of columns of the other dataset"
    CONDITION = "row condition, one Spark SQL expression"
    COUNT = "whole number, not negative"
    NUMBER = "number, not negative"
    AMOUNT = "decimal number written as text, not negative"
    BOOLEAN = "true or false"
    CHOICE = "one of the listed words"
    TEXT = "text"
    WEEKDAYS = "list of weekday names, monday to sunday"
    DAYS = "list of days, YYYY-MM-DD"


@dataclass(frozen=True, kw_only=True)
class KwargSpec:
    """One documented kwarg: what it holds, whether it must be given, and what is meant when it is not."""

    type: KwargType
    doc: str
    required: bool = False
    default: Json = None
    choices: tuple[str, ...] = ()


Problems = Iterable[tuple[str, str]]
"""Kwargs, and what is wrong with each."""


def _no_mistakes(_kwargs: Mapping[str, Json]) -> Problems:
    return ()


@dataclass(frozen=True, kw_only=True)
class TypeSpec:
    """One custom expectation type.

    ``sentence`` is a template over the kwargs; a ``[...]`` group is left out when a kwarg in it is absent, empty or
    false. ``mistakes`` finds what is wrong with kwargs that are each of their own type.

    ``judge`` asks for its evidence and returns what concludes from the answer; a type without one is judged by the run
    itself and never sees a frame. ``evidence`` and ``how`` tell beforehand how it is decided. ``nulls_left_out`` says
    that only rows with a value are judged, so that NULLs may leave nothing to judge; ``of_published`` that what was
    published before is judged, so that a column which is absent this time keeps it from nothing; ``of_feeds`` that the
    feeds a source declares are.

    ``example`` are kwargs that an example needs beside those that are required.
    """

    doc: str
    sentence: str
    kwargs: Mapping[str, KwargSpec] = field(default_factory=dict)
    mistakes: Callable[[Mapping[str, Json]], Problems] = _no_mistakes
    judge: Callable[[Request], Judge] | None = None
    evidence: Evidence = Evidence.SCAN
    how: str = "totals of one scan"
    nulls_left_out: bool = False
    of_published: bool = False
    of_feeds: bool = False
    example: Mapping[str, Json] = field(default_factory=dict)

    @property
    def run_level(self) -> bool:
        """Whether the run itself judges it."""
        return self.judge is None

    @property
    def columns(self) -> tuple[str, ...]:
        """The kwargs that name columns of the dataset the check is declared on."""
        return tuple(name for name, spec in self.kwargs.items() if spec.type in _COLUMNS_IN)

    def completed(self, kwargs: Mapping[str, Json]) -> dict[str, Json]:
        """Kwargs with the documented default of every one that was left out."""
        optional = {name: spec.default for name, spec in self.kwargs.items() if not spec.required}
        return {**{name: default for name, default in optional.items() if default is not None}, **kwargs}


_COLUMNS_IN = {KwargType.COLUMN, KwargType.COLUMNS, KwargType.BY, KwargType.LINES, KwargType.PAIRS}


def amount_for_max_amount(kwargs: Mapping[str, Json]) -> Problems:
    """What is wrong with a greatest amount that no column is named for."""
    if kwargs.get("max_amount") is not None and kwargs.get("amount") is None:
        yield "amount", "max_amount needs the column that values the rows"


def own_column(doc: str) -> KwargSpec:
    """A column of the dataset that must be named."""
    return KwargSpec(type=KwargType.COLUMN, required=True, doc=doc)


OTHER = KwargSpec(type=KwargType.TABLE, required=True, doc="The dataset compared with.")
ROW_CONDITION = KwargSpec(type=KwargType.CONDITION, doc="Only rows of this dataset that meet it are compared.")
OTHER_CONDITION = KwargSpec(type=KwargType.CONDITION, doc="Only rows of the other dataset that meet it.")
MINIMUM_HISTORY = KwargSpec(
    type=KwargType.COUNT,
    default=7,
    doc="Days near it needed to say what is usual; with fewer it is what published periods recorded.",
)
EXCEPT = {
    "except_weekdays": KwargSpec(type=KwargType.WEEKDAYS, default=(), doc="Weekdays on which nothing is expected."),
    "except_days": KwargSpec(type=KwargType.DAYS, default=(), doc="Days on which nothing is expected."),
}
