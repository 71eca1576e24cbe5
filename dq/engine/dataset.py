"""What the engine works on: a dataset with the evidence known about it, and the context of the run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from dq.base.model import RAW_PREFIX, Json, PinnedFile, RangeFilter, Window

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from dq.spark.hashes import Repeated

__all__ = ["RAW_PREFIX", "Context", "Dataset"]


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """One frame to be checked.

    ``files`` and ``footer_columns`` (frame column -> Parquet column) are set only when the frame is exactly these
    Parquet files' rows with those columns unchanged, apart from ``filters``; then footers are exact wherever they prove
    every filter vacuous. A hidden column ``__raw_<name>`` holds a value before its conversion to the contract type.
    ``closed`` says why nothing is expected of it, where the company is closed on all of its days: it then may be empty.
    ``repeated`` is known where the rows, and maybe others with them, were looked through for keys that repeat.
    """

    name: str
    frame: DataFrame
    files: Sequence[PinnedFile] = ()
    footer_columns: Mapping[str, str] = field(default_factory=dict)
    filters: Sequence[RangeFilter] = ()
    absent_columns: Mapping[str, str] = field(default_factory=dict)
    may_be_empty: bool = False
    closed: str = ""
    repeated: Repeated | None = None


@dataclass(frozen=True, kw_only=True)
class Context:
    """What the checks of one run may look at beside their own dataset.

    ``tables`` are the other frames by name; ``absent_tables`` those declared absent, with the reason;
    ``absent_columns`` of the others the columns that are NULL for want of a source, with the reason; ``feeds`` the
    feeds each dataset must hold; ``history`` the values of a check in earlier published periods, oldest first;
    ``days_from`` the first day whose presence is expected; ``published`` the period of each final that is compared
    with, by how it is named: ``previous``, ``replaced`` or ``late``; ``replaced_days`` the days of a table of days
    whose finals would be replaced; ``published_days`` the days that are published of each table of days, which may
    hold no row; ``pipeline`` whose run it is.
    """

    window: Window | None = None
    tables: Mapping[str, DataFrame] = field(default_factory=dict)
    absent_tables: Mapping[str, str] = field(default_factory=dict)
    absent_columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    feeds: Mapping[str, Sequence[Mapping[str, Json]]] = field(default_factory=dict)
    history: Callable[[str], Sequence[Decimal]] | None = None
    days_from: date | None = None
    published: Mapping[str, str] = field(default_factory=dict)
    published_days: Mapping[str, Collection[date]] = field(default_factory=dict)
    replaced_days: Sequence[date] = ()
    pipeline: str = ""
    sample: bool = False
