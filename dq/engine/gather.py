"""The small aggregates that several checks need, run together: one scan per table for totals, one per grouping."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar, cast

from dq.base.errors import EvaluationError, choices
from dq.engine import conditions
from dq.engine.measures import Measure, MeasureKind
from dq.engine.reasons import is_about_values, reason
from dq.engine.scan import Scanned
from dq.spark.identifiers import quote

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, Row
    from pyspark.sql.types import DataType

# The table of the totals that a scan of the dataset can answer with what it finds anyway.
OWN = "this dataset"
# Above 100 buffer fields Spark gives up whole-stage code generation; a sum of decimals takes two.
MEASURES_PER_JOB, FIELDS_PER_MEASURE = 40, 2

Number = Callable[[], object]
Rows = Callable[[], Sequence["Row"]]
Wanted = Literal["number", "day", ""]
"""The kinds of a column that a check can ask for; the empty one is any."""


class HasKey(Protocol):
    """A grouping that several checks ask for, told from others by its key."""

    @property
    def key(self) -> str:
        """Everything but the columns that checks may add: equal keys are one grouping."""
        ...

    def frame(self) -> DataFrame:
        """The groups with every column that was added."""
        ...


Grouping = TypeVar("Grouping", bound=HasKey)


@dataclass
class _Job:
    """One frame's totals: aggregate expressions by key, then their values or the reason there are none.

    ``most`` are computed at once. Groups are always judged at once: to make them again costs more than code that is not
    generated, and they are few.
    """

    build: Callable[[], DataFrame]
    most: int | None = MEASURES_PER_JOB
    columns: dict[str, Column] = field(default_factory=dict)
    values: dict[str, object] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    failed: Exception | None = None


@dataclass
class _Groups:
    frame: DataFrame
    rows: Sequence[Row] = ()
    failed: Exception | None = None


class Gather:
    """Aggregates asked for by several checks, deduplicated by key and run in as few Spark jobs as they allow.

    ``total``, ``of_groups`` and ``rows`` return readers; ``run`` starts the jobs. A failed job fails only the readers
    that need it.
    """

    def __init__(self) -> None:
        self._groupings: dict[str, HasKey] = {}
        self._totals: dict[str, _Job] = {}
        self._groups: dict[str, _Groups] = {}

    def total(self, table: str, frame: DataFrame, key: str, column: Column) -> Number:
        """A reader of one aggregate over a whole table."""
        return self._reader(self._totals.setdefault(table, _Job(lambda: frame)), key, column)

    def grouping(self, made: Grouping) -> Grouping:
        """The grouping that stands for all of its key: what the first check made, for later ones to add to."""
        found = self._groupings.setdefault(made.key, made)
        return cast("Grouping", found)

    def of_groups(self, groups: HasKey, key: str, column: Column) -> Number:
        """A reader of one aggregate over groups, whose frame is asked for once all checks have added to it."""
        return self._reader(self._totals.setdefault(groups.key, _Job(groups.frame, most=None)), key, column)

    @staticmethod
    def _reader(job: _Job, key: str, column: Column) -> Number:
        job.columns.setdefault(key, column)

        def read() -> object:
            if job.failed is not None:
                raise EvaluationError(reason(job.failed)) from job.failed
            if key in job.errors:
                raise EvaluationError(job.errors[key])
            return job.values[key]

        return read

    def rows(self, key: str, frame: DataFrame) -> Rows:
        """A reader of the rows of a frame that is already small: grouped and limited."""
        groups = self._groups.setdefault(key, _Groups(frame))

        def read() -> Sequence[Row]:
            if groups.failed is not None:
                raise EvaluationError(reason(groups.failed)) from groups.failed
            return groups.rows

        return read

    def measures(self) -> list[Measure]:
        """The totals of the dataset itself, for a scan that reads its rows anyway."""
        job = self._totals.get(OWN)
        return [_measure(key, column) for key, column in job.columns.items()] if job else []

    def take(self, scanned: Scanned) -> None:
        """Take over what a scan found of the dataset's own totals, so that no job is started for them."""
        for measure in self.measures():
            job, key = self._totals[OWN], measure.condition
            if measure in scanned.values:
                job.values[key] = scanned.values[measure]
            elif measure in scanned.errors:
                job.errors[key] = scanned.errors[measure]

    def run(self) -> None:
        """Start the jobs; failures are kept for the readers that need them."""
        for job in self._totals.values():
            try:
                frame, keys = job.build(), [key for key in job.columns if key not in {**job.values, **job.errors}]
                for start in range(0, len(keys), job.most or len(keys)):
                    _compute(frame, job, keys[start : start + (job.most or len(keys))])
            except Exception as error:
                job.failed = error
        for groups in self._groups.values():
            try:
                groups.rows = groups.frame.collect()
            except Exception as error:
                groups.failed = error


def _compute(frame: DataFrame, job: _Job, keys: Sequence[str]) -> None:
    """Totals at once; where one of them fails on a row, each by itself, so that it takes no other down."""
    try:
        row = frame.agg(*(job.columns[key].alias(f"m{n}") for n, key in enumerate(keys))).first()
    except Exception as error:
        if not is_about_values(error):
            raise
        if len(keys) == 1:
            job.errors[keys[0]] = reason(error)
        for key in keys if len(keys) > 1 else ():
            _compute(frame, job, [key])
        return
    if row is None:
        raise EvaluationError("an aggregate over a whole table returned no row")
    job.values.update(zip(keys, row, strict=True))


def _measure(key: str, column: Column) -> Measure:
    return Measure(kind=MeasureKind.TOTAL, condition=key, build=lambda: column, fields=FIELDS_PER_MEASURE)


def column_types(frame: DataFrame) -> dict[str, DataType]:
    """The type of each column of a frame."""
    return {item.name: item.dataType for item in frame.schema.fields}


def column(frame: DataFrame, name: str, *, table: str, kind: Wanted = "") -> Column:
    """A column that is there and of the wanted kind (``number``, ``day`` or any), or a DqError that says otherwise."""
    from pyspark.sql import functions as F
    from pyspark.sql.types import DateType, NumericType, TimestampNTZType, TimestampType

    types = column_types(frame)
    if name not in types:
        raise EvaluationError(f"there is no column {name}", where=table, expected=choices(name, list(types)))
    found = types[name]
    if kind == "number" and not isinstance(found, NumericType):
        raise EvaluationError(f"{name} is {found.simpleString()}", where=table, expected="a number")
    if kind == "day" and not isinstance(found, DateType | TimestampType | TimestampNTZType):
        raise EvaluationError(f"{name} is {found.simpleString()}", where=table, expected="a date or timestamp")
    return F.col(quote(name))


def condition(frame: DataFrame, text: str | None, *, table: str) -> Column | None:
    """A row condition as a Spark column that has passed analysis, None where the text is empty.

    Analysis here, without a job, keeps a mistyped condition from failing the totals of the other checks.
    """
    from pyspark.sql import functions as F
    from pyspark.sql.types import BooleanType

    if not text:
        return None
    expression = F.expr(conditions.expression(text, frame.columns))
    kind = frame.select(expression.alias("condition")).schema["condition"].dataType
    if not isinstance(kind, BooleanType):
        raise EvaluationError(f"the condition {text} is {kind.simpleString()}", where=table, expected="true or false")
    return expression


def decimal(value: object) -> Decimal | None:
    """A Spark number as an exact Decimal, NaN and infinity included; None stays None."""
    if value is None:
        return None
    return value if isinstance(value, Decimal) else Decimal(str(value))


def whole(value: object) -> int:
    """A Spark count as int; the sum over no rows is 0."""
    return int(str(value)) if value is not None else 0


def shown(value: Decimal | int | None, missing: str = "missing") -> str:
    """A number for people: thousands separated, no exponent; what is not there says so."""
    if value is None:
        return missing
    if isinstance(value, Decimal) and not value.is_finite():
        return "not a number" if value.is_nan() else "infinite"
    return f"{value:,f}" if isinstance(value, Decimal) else f"{value:,}"


def percent(share: Decimal) -> str:
    """A share as a percentage of three significant digits, so that a small one is not shown as none."""
    return f"{float(share * 100):.3g}%"
