"""What one check demands of the data: measures, key sets and distinct values, and how it is judged from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dq.base.errors import EvaluationError
from dq.base.model import Check, Json
from dq.engine.fields import ALL_ROWS, Field, Where
from dq.engine.footers import Footers
from dq.engine.measures import Measure, Value

if TYPE_CHECKING:
    from pyspark.sql import Column


@dataclass(frozen=True, kw_only=True)
class KeySet:
    """Columns whose combination must be unique among the rows that are kept.

    ``drop_nulls`` says which rows do not count: ``none``, those with ``any`` or with ``all`` columns NULL.
    """

    columns: tuple[Field, ...]
    where: Where = ALL_ROWS
    drop_nulls: str = "none"

    def __str__(self) -> str:
        names = ", ".join(column.name for column in self.columns)
        return f"({names}) where {self.where.sql}" if self.where.sql else f"({names})"


@dataclass(frozen=True, kw_only=True)
class Distinct:
    """A question about the distinct values of a column.

    ``count`` asks how many there are, ``outside`` for those that are not ``members``, ``present`` for the members that
    are among them, ``modes`` for the most common ones and how many of them are members; ``exact`` compares without
    rounding.
    """

    column: Field
    where: Where = ALL_ROWS
    members: tuple[object, ...] = ()
    count: bool = False
    outside: bool = False
    present: bool = False
    modes: bool = False
    exact: bool = True

    @property
    def key(self) -> str:
        """The identity of what is asked, for plans and for asking once."""
        asked = [name for name in ("count", "outside", "present", "modes", "exact") if getattr(self, name)]
        return f"distinct({self.column.name}) {asked} {self.members!r} {self.where.sql}"


@dataclass(frozen=True, kw_only=True)
class DistinctFound:
    """What was found: the count of distinct values, those outside the members (first 20), the members present.

    ``modes`` are the values as common as the most common one, ``modes_inside`` those of them that are members.
    """

    count: int = 0
    outside_count: int = 0
    outside: Sequence[object] = ()
    present: Sequence[object] = ()
    present_count: int = 0
    modes: int = 0
    modes_inside: int = 0


@dataclass(frozen=True, kw_only=True)
class Unexpected:
    """The rows that do not meet a row-wise check, for samples: the condition, the columns shown, the rows looked at."""

    columns: tuple[Field, ...]
    condition: Callable[[], Column]
    where: Where = ALL_ROWS
    dropped: Callable[[], Column] | None = None
    shape: str = "value"  # "value" of one column, "pair" of two, "record" of many


@dataclass(frozen=True, kw_only=True)
class Found:
    """All the numbers a dataset gave: by measure, by key set (rows in duplicate groups), by distinct question."""

    values: Mapping[Measure, Value]
    duplicates: Mapping[KeySet, int] = field(default_factory=dict)
    distinct: Mapping[str, DistinctFound] = field(default_factory=dict)

    def count(self, measure: Measure) -> int:
        """A measure that counts rows."""
        value = self.values[measure]
        if not isinstance(value, int):
            raise EvaluationError("a count came back without a number")
        return value


@dataclass(frozen=True, kw_only=True)
class Concluded:
    """A check judged: its success and the numbers behind it.

    ``rows``, ``kept`` and ``unexpected`` are set for row-wise checks; ``kept`` is None where NULLs are what is judged.
    ``result`` is the Great Expectations result of every other check; ``private`` are measures that are data values.
    ``left`` are the values that NULLs leave to judge; None where NULLs are judged, or are not part of what is.
    """

    success: bool
    rows: int = 0
    kept: int | None = None
    unexpected: int = 0
    left: int | None = None
    result: Mapping[str, object] | None = None
    measures: Mapping[str, Json] = field(default_factory=dict)
    private: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """One check ready to be planned: everything it needs, and ``judge`` from the numbers found.

    ``sums`` says that Great Expectations counts unexpected rows by a sum, which over no rows is NULL and not zero.
    ``proof`` gives the measures that footers settle although they are not statistics, such as "no value above the
    bound" where the greatest value is not. A requirement without any need is decided by the schema alone.
    """

    check: Check
    columns: tuple[str, ...] = ()
    measures: tuple[Measure, ...] = ()
    keys: KeySet | None = None
    distinct: Distinct | None = None
    distinct_unless: Measure | None = None
    unexpected: Unexpected | None = None
    sums: bool = False
    proof: Callable[[Footers], Mapping[Measure, Value]] = lambda _: {}
    judge: Callable[[Found], Concluded]
