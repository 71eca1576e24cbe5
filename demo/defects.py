"""Seeded defects: one planted mistake per way of failing, in the demo company's data or in a copy of the project."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from demo.data import number, timestamps_in_micros
from dq.base.errors import SourceError
from dq.base.failure_classes import FailureClass
from dq.base.model import Severity
from dq.base.periods import next_month
from dq.base.verdict import Waiver
from dq.spark import named_files
from dq.store import waivers

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from dq.declare.binding import Bound
    from dq.store import Warehouse

Change = Callable[["DataFrame"], "DataFrame"]


@dataclass(frozen=True, kw_only=True)
class Edit:
    """A text in one of the project's files and what stands there instead."""

    file: str
    old: str
    new: str


@dataclass(frozen=True, kw_only=True)
class Defect:
    """One mistake to plant: what is wrong, in which source and month, and how grave it must be found.

    ``change`` turns the month's rows into the broken ones; ``history`` instead gets all earlier months of the source as
    well; ``ends`` also removes all later months; ``also`` are further sources the same mistake touches. Where there are
    ``edits``, the mistake is in a copy of the project and ``source`` the pipeline it is about.

    ``expected_check`` is the check of ``pipeline`` that must fail. The mistake happens when all that comes before that
    pipeline is published; where it must pass through an earlier one, ``enters`` names that. ``published`` says that the
    month was published as final before: ``enters``, if any, is run for it anew, and the month after must show it.
    ``months_before`` are published before the month in which it is found. A ``harmless`` one must be
    published by every pipeline and has no check.
    """

    id: str
    source: str
    month: str
    title: str
    severity: Severity = Severity.CRITICAL
    expected_check: str = ""
    change: Change = lambda frame: frame
    history: Callable[[DataFrame, DataFrame], DataFrame] | None = None
    ends: bool = False
    also: Sequence[Defect] = ()
    edits: Sequence[Edit] = ()
    published: bool = False
    harmless: bool = False
    pipeline: str = "profit_unit"
    enters: str = ""
    months_before: int = 1

    @property
    def failure_class(self) -> FailureClass:
        """The class it is of, with which its id begins."""
        return FailureClass(self.id.partition("-")[0])

    @property
    def first(self) -> str:
        """The first pipeline that runs with it."""
        return self.enters or self.pipeline

    @property
    def found_in(self) -> str:
        """The month whose run must find it."""
        return next_month(self.month) if self.published else self.month


def edit(project: Path, defect: Defect) -> None:
    """Plant a defect in a copy of the project."""
    for one in defect.edits:
        path = project / one.file
        text = path.read_text(encoding="utf-8")
        if text.count(one.old) != 1:
            raise SourceError(
                f"the text that {defect.id} changes is not there once", where=str(path), do="fix the catalogue"
            )
        path.write_text(text.replace(one.old, one.new), encoding="utf-8")


def apply(spark: SparkSession, root: Path, defect: Defect) -> None:
    """Plant a defect in the data: the source's month is rewritten beside the good one and then put in its place."""
    for one in defect.also:
        apply(spark, root, one)
    if defect.edits:
        return
    home = root / defect.source
    directory = home / f"month={defect.month}"
    if not directory.is_dir():
        raise SourceError(
            f"no month {defect.month} of {defect.source} to plant {defect.id} in",
            where=str(home),
            do="make the demo data with that month first",
        )
    written = root / f".{defect.source}.defect.writing"
    finished = root / f".{defect.source}.defect.finished"
    for leftover in (written, finished):
        shutil.rmtree(leftover, ignore_errors=True)
    frame = named_files.read(spark, "parquet", [directory])
    if defect.history is None:
        broken = defect.change(frame)
    else:
        earlier = [d for d in sorted(home.glob("month=*")) if d.name < directory.name]
        past = named_files.read(spark, "parquet", earlier, schema=frame.schema) if earlier else frame.limit(0)
        broken = defect.history(past, frame)
    with timestamps_in_micros(spark):
        # One file in a fixed order, so that the same defect leaves the same bytes.
        broken.coalesce(1).sortWithinPartitions(*(_quoted(name) for name in broken.columns)).write.parquet(str(written))
    number(written, finished)
    shutil.rmtree(written)
    shutil.rmtree(directory)
    finished.rename(directory)
    if defect.ends:
        for later in home.glob("month=*"):
            if later.name > directory.name:
                shutil.rmtree(later)


def waive_finals(warehouse: Warehouse, bound: Bound, month: str) -> None:
    """Let the finals of a month be published anew with whatever figures: what is built on them must find it out."""
    for check in bound.checks[bound.name]:
        if check.kwargs.get("published") == "replaced":
            waivers.record(
                warehouse,
                Waiver(
                    pipeline=bound.name,
                    check=check.check,
                    period=month,
                    ceiling=Decimal(10**12),
                    owner=bound.page.front.owner,
                    reason="the month is restated on purpose",
                    until=date.max,
                    recorded=datetime.now(UTC),
                ),
            )


def _quoted(name: str) -> str:
    return f"`{name}`"
