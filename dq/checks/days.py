"""One count of rows per day, and how many a day usually has: what checks of days share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from statistics import median
from typing import TYPE_CHECKING

from dq.base.errors import EvaluationError
from dq.base.model import Window
from dq.checks.custom_check import Request
from dq.checks.fit_history import published
from dq.engine.gather import Rows, column_types, shown
from dq.spark.identifiers import quote

if TYPE_CHECKING:
    from pyspark.sql import Row

# Thirteen years of days; a column with more of them holds wrong timestamps or is not a day.
MAX_DAYS = 5_000
# Four of each weekday, so that weekends weigh as they do in a week.
_WEEKS = 28
PUBLISHED = "published periods"


@dataclass(frozen=True, kw_only=True)
class Usual:
    """How many rows a day usually has, and of what that is the median."""

    rows: Decimal
    of: str

    def __str__(self) -> str:
        return f"usually {shown(self.rows)} (median of {self.of})"


def usual_rows(request: Request, counts: Mapping[date, int], day: date, *, after: bool = False) -> Usual | None:
    """The rows a day usually has: the median of the four weeks before it, else of what published periods recorded.

    With ``after`` the four weeks after it count as well where those before it hold too few days.
    """
    least = max(request.count("minimum_history", 7), 1)
    near = [Decimal(counts[other]) for n in range(1, _WEEKS + 1) if (other := day - timedelta(days=n)) in counts]
    if after and len(near) < least:
        near += [Decimal(counts[other]) for n in range(1, _WEEKS + 1) if (other := day + timedelta(days=n)) in counts]
    if len(near) >= least:
        return Usual(rows=median(near), of=f"{len(near)} days")
    past = published(request)
    return Usual(rows=median(past), of=PUBLISHED) if past else None


def rows_per_day(request: Request, name: str, reference: datetime) -> Rows:
    """Rows per day, the newest days first; also the rows and newest value up to an instant.

    Where the check has a row condition, only rows that meet it are counted.
    """
    from pyspark.sql import functions as F
    from pyspark.sql.types import DateType

    value = request.column(name, "day")
    is_date = isinstance(column_types(request.frame)[name], DateType)
    rule, where = request.condition(), request.text("row_condition")
    rows = F.count(F.lit(1)) if rule is None else F.count_if(rule)
    # A day that has begun before the reference instant is known even though it has not ended.
    last_day = (reference - timedelta(microseconds=1)).date()
    known = value <= F.lit(last_day if is_date else reference)
    # Microseconds, because collected timestamps arrive in the driver's own time zone.
    newest = F.lit(None).cast("bigint") if is_date else F.max(F.when(known, F.unix_micros(value.cast("timestamp"))))
    measures = [rows.alias("n"), F.count_if(known).alias("known"), newest.alias("newest")]
    day = value if is_date else F.to_date(value)
    grouped = request.frame.groupBy(day.alias("day")).agg(*measures)
    newest_first = grouped.orderBy(F.col("day").desc_nulls_last()).limit(MAX_DAYS + 1)
    return request.gather.rows(f"days of {quote(name)} until {reference} where {where!r}", newest_first)


def bounded(rows: Sequence[Row], name: str, request: Request) -> Sequence[Row]:
    """The days of a column, or an EvaluationError where there are more of them than any data has."""
    if len(rows) > MAX_DAYS:
        raise EvaluationError(
            f"{name} has more than {MAX_DAYS:,} distinct days",
            where=request.dataset.name,
            do="check its values with expect_column_values_to_be_between",
        )
    return rows


def window_of(request: Request) -> Window:
    """The period that is judged; an EvaluationError without one."""
    if request.context.window is None:
        raise EvaluationError("there is no period to judge days against", where=request.check.check, do="give a period")
    return request.context.window
