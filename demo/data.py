"""Writes the demo company's raw tables: Parquet, one directory per source and month."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from demo import company
from dq.base.errors import UsageError, choices
from dq.spark import named_files

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

MARKER = "_demo.json"
SOURCES = (
    "accounts",
    "licence_events",
    "revenue",
    "expenses",
    "ledger",
    "targets",
    "directory_users",
    "clicks",
    "kafka_offsets",
    "support_tickets",
    "campaigns",
)
# Accounts go on being synchronised after the last month, so that its last runs find them fresh.
_SYNC_DAYS_AFTER = 10


@dataclass(frozen=True, kw_only=True)
class DemoData:
    """The demo company on disk: where it is, its seed and size, and the months it has revenue for."""

    root: Path
    seed: int
    size: company.Size
    months: tuple[str, ...]
    lines: int


def make(
    spark: SparkSession,
    root: Path,
    *,
    size: str = "small",
    seed: int = 1,
    first_month: str = "2026-06",
    last_month: str = "2026-11",
    lines: int | None = None,
    sources: Collection[str] = SOURCES,
    progress: Callable[[str], None] = lambda _: None,
) -> DemoData:
    """Write raw tables of the demo company under ``root``, all or some; the same arguments give the same files.

    ``lines`` is the number of revenue lines over all months together. ``root`` must be empty, new, or the demo company
    of an earlier call, which is replaced; anything else is refused. ``progress`` is told each source before its turn.
    """
    from demo import customers, finance, relations, usage
    from demo.seeded import Company

    if size not in set(company.Size):
        raise UsageError(f"unknown size {size!r}", expected=choices(size, [str(s) for s in company.Size]))
    _claim(root)
    scale = company.SCALES[company.Size(size)]
    months = company.months_between(first_month, last_month)
    counts = company.line_counts(months, scale, lines)
    demo = Company(
        spark=spark,
        seed=seed,
        accounts=scale.accounts,
        lines=dict(zip(months, counts, strict=True)),
        clicks={m: n * scale.clicks_per_hundred_lines // 100 for m, n in zip(months, counts, strict=True)},
    )
    synced_through = demo.last_day + timedelta(days=_SYNC_DAYS_AFTER)

    def landed(source: str) -> DataFrame:
        return named_files.read(spark, "parquet", [root / source])

    # In this order: the books are added up from the revenue and expenses that were written, offsets from the clicks.
    frames: dict[str, Callable[[], DataFrame]] = {
        "accounts": lambda: customers.accounts(demo, synced_through=synced_through),
        "licence_events": lambda: customers.licence_events(demo),
        "revenue": lambda: finance.revenue(demo),
        "expenses": lambda: finance.expenses(demo),
        "ledger": lambda: finance.ledger(demo, revenue=landed("revenue"), expenses=landed("expenses")),
        "targets": lambda: finance.targets(demo),
        "directory_users": lambda: usage.directory_users(demo),
        "clicks": lambda: usage.clicks(demo),
        "kafka_offsets": lambda: usage.kafka_offsets(demo, clicks=landed("clicks")),
        "support_tickets": lambda: relations.support_tickets(demo),
        "campaigns": lambda: relations.campaigns(demo),
    }
    with timestamps_in_micros(spark):
        for source, frame in frames.items():
            if source in sources:
                progress(source)
                by_month(frame(), root, source, shuffle=source != "revenue")
    made = DemoData(
        root=root,
        seed=seed,
        size=company.Size(size),
        months=tuple(f"{month:%Y-%m}" for month in months),
        lines=sum(counts),
    )
    _mark(made)
    return made


def _claim(root: Path) -> None:
    """Refuse a directory that holds something else, and mark an empty one as the demo company's."""
    if root.exists() and not root.is_dir():
        raise UsageError(f"{root} is not a directory", do="give a new or empty directory")
    if root.is_dir() and any(root.iterdir()) and not (root / MARKER).is_file():
        raise UsageError(f"{root} holds other files", do="give a new or empty directory for the demo company's data")
    root.mkdir(parents=True, exist_ok=True)
    (root / MARKER).write_text("{}\n", encoding="utf-8")


def _mark(made: DemoData) -> None:
    doc = {"size": made.size, "seed": made.seed, "months": made.months, "lines": made.lines}
    (made.root / MARKER).write_text(json.dumps(doc, indent=2) + "\n", encoding="utf-8")


@contextmanager
def timestamps_in_micros(spark: SparkSession) -> Iterator[None]:
    """Write timestamps as microseconds: the older INT96 has no statistics that a footer could prove anything with."""
    key = "spark.sql.parquet.outputTimestampType"
    before = spark.conf.get(key, None)
    spark.conf.set(key, "TIMESTAMP_MICROS")
    try:
        yield
    finally:
        if before is None:
            spark.conf.unset(key)
        else:
            spark.conf.set(key, before)


def by_month(frame: DataFrame, root: Path, source: str, *, shuffle: bool = True) -> None:
    """Write a source as ``<root>/<source>/month=YYYY-MM/part-NNNNN.parquet``, replacing it whole.

    File names are numbered rather than unique, so that two runs with one seed leave the same tree. With ``shuffle``
    each month is one sorted file; without, the frame's own partitions stand, already in order.
    """
    from demo.seeded import MONTH

    written = root / f".{source}.writing"
    finished = root / f".{source}.finished"
    for leftover in (written, finished):
        shutil.rmtree(leftover, ignore_errors=True)
    if shuffle:
        columns = [name for name in frame.columns if name != MONTH]
        frame = frame.repartition(MONTH).sortWithinPartitions(MONTH, *columns)
    frame.write.partitionBy(MONTH).parquet(str(written))
    for directory in sorted(written.glob(f"{MONTH}=*")):
        number(directory, finished / f"month={directory.name.split('=', 1)[1]}")
    shutil.rmtree(written)
    shutil.rmtree(root / source, ignore_errors=True)
    finished.rename(root / source)


def number(directory: Path, target: Path) -> None:
    """Move the Parquet files Spark wrote into ``target`` as part-00000.parquet and so on, in Spark's order."""
    target.mkdir(parents=True)
    for n, file in enumerate(sorted(directory.glob("part-*.parquet"))):
        file.rename(target / f"part-{n:05d}.parquet")
