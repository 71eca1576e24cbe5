"""One custom check on its way through the engine: what it asks of the data, and what it concludes from the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from dq.base.errors import EvaluationError, choices
from dq.base.model import Check, Evidence, Json, Outcome
from dq.checks.compared_names import ROW_COUNT
from dq.engine.dataset import Context, Dataset
from dq.engine.gather import OWN, Gather, Wanted, column, condition, decimal, whole

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, Row

MAX_ROWS = 50
"""The failing cells a result keeps; how many more there are is said in its sentence."""


class NothingToJudgeError(EvaluationError):
    """NULLs, conditions or a lack of rows left nothing to judge: the check is not run where that may be."""


class NotRunError(Exception):
    """A check that is not due or not possible by declaration; the message is the reason shown."""


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What a custom check found, before it is put together with the check's own declaration.

    ``evidence`` is that of the type, where no other is named.
    """

    outcome: Outcome
    observed: str = ""
    reason: str = ""
    measures: Mapping[str, Json] = field(default_factory=dict)
    rows: Sequence[Mapping[str, Json]] = ()
    evidence: Evidence | None = None


Judge = Callable[[], Judged]


@dataclass(frozen=True, kw_only=True)
class Request:
    """A custom check with its arguments completed by their defaults, and where it may ask for evidence."""

    check: Check
    kwargs: Mapping[str, Json]
    dataset: Dataset
    context: Context
    gather: Gather

    @property
    def frame(self) -> DataFrame:
        """The dataset's frame."""
        return self.dataset.frame

    def text(self, name: str) -> str:
        """A required text argument, or an optional one as empty text."""
        value = self.kwargs.get(name)
        return value if isinstance(value, str) else ""

    def texts(self, name: str) -> list[str]:
        """A list of texts; an absent one is empty."""
        value = self.kwargs.get(name)
        return [str(item) for item in value] if isinstance(value, list | tuple) else []

    def count(self, name: str, default: int) -> int:
        """A whole-number argument."""
        value = self.kwargs.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else default

    def share(self, name: str) -> Decimal:
        """A share of 1; 0 where none is given."""
        return decimal(self.kwargs.get(name)) or Decimal(0)

    def column(self, name: str, kind: Wanted = "") -> Column:
        """A column of this dataset, a number or a day where that is wanted."""
        return column(self.frame, name, table=self.dataset.name, kind=kind)

    def condition(self, name: str = "row_condition") -> Column | None:
        """A row condition over this dataset, None where none is declared."""
        return condition(self.frame, self.text(name), table=self.dataset.name)

    def every_row(self) -> Callable[[], object]:
        """A reader of how many rows this dataset has."""
        from pyspark.sql import functions as F

        return self.own_total("rows", F.count(F.lit(1)))

    def excused(self) -> bool:
        """Whether this dataset, which may have no row, has none: one that has rows is judged as any other."""
        return self.dataset.may_be_empty and not whole(self.every_row()())

    def refuse_nothing(self, judged: int, what: str = "no rows to evaluate") -> None:
        """Raise NothingToJudgeError where nothing is left to judge of a dataset that is not excused."""
        if not judged and not self.excused():
            raise NothingToJudgeError(what, where=self.dataset.name)

    def kept_rows(self) -> Callable[[], object]:
        """A reader of how many rows of this dataset meet the row condition, of all of them without one."""
        from pyspark.sql import functions as F

        rule = self.condition()
        counted = F.count(F.lit(1)) if rule is None else F.count_if(rule)
        # The key by which a comparison of totals counts them, so that they are counted once.
        return self.own_total(f"total {ROW_COUNT!r} where {self.text('row_condition')!r}", counted)

    def other(self) -> tuple[str, DataFrame]:
        """The name and frame of the table compared with; a table declared absent leaves the check not run."""
        name = self.text("other")
        return name, self.table(name)

    def table(self, name: str) -> DataFrame:
        """Another frame of the run by its name; one declared absent leaves the check not run."""
        if name in self.context.absent_tables:
            raise NotRunError(self.context.absent_tables[name])
        if name not in self.context.tables:
            listed = choices(name, [*self.context.tables])
            raise EvaluationError(f"there is no table {name} to compare with", where=self.check.check, expected=listed)
        return self.context.tables[name]

    def own_total(self, key: str, value: Column) -> Callable[[], object]:
        """A reader of one aggregate over this dataset."""
        return self.gather.total(OWN, self.frame, key, value)

    def other_total(self, table: str, frame: DataFrame, key: str, value: Column) -> Callable[[], object]:
        """A reader of one aggregate over another table."""
        return self.gather.total(f"table {table}", frame, key, value)


def listed(items: Sequence[str], limit: int = 3) -> str:
    """Some items as one phrase: the first few, then how many more."""
    head = "; ".join(items[:limit])
    return f"{head}; and {len(items) - limit:,} more" if len(items) > limit else head


def group_of(row: Row, keys: int) -> str:
    """The values that name a group, ``key0`` and so on, as one phrase."""
    return " / ".join("NULL" if row[f"key{n}"] is None else str(row[f"key{n}"]) for n in range(keys))
