"""What companies do and no check may take for a mistake: accounts that move, and rows that are synchronised twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import Window as Over
from pyspark.sql import functions as sf

from demo import company
from demo.defects import Defect


def moves(month: str) -> tuple[Defect, ...]:
    """Right months: what they plant must be published by every pipeline, and no alarm may be raised."""
    first = company.month_of(month)
    middle = first + timedelta(days=15)
    north, south = company.REGIONS[2:4]

    def right(name: str, title: str, history: Callable[[DataFrame, DataFrame], DataFrame]) -> Defect:
        return Defect(
            id=f"F14-accounts-{name}",
            source="accounts",
            month=month,
            title=title,
            history=history,
            harmless=True,
        )

    def reorganised(past: DataFrame, accounts: DataFrame) -> DataFrame:
        return _moved(past, accounts, sf.col("region") == north, {"region": south}, middle)

    def emptied(past: DataFrame, accounts: DataFrame) -> DataFrame:
        cell = (sf.col("region") == company.REGIONS[0]) & (sf.col("segment") == company.SEGMENTS[3])
        last = sf.row_number().over(Over.partitionBy("region", "segment").orderBy("account_id")) == 1
        others = _moved(past, accounts, cell, {"segment": company.SEGMENTS[2]}, first, but=last)
        return _moved(past, others, cell, {"segment": company.SEGMENTS[2]}, middle)

    return (
        Defect(
            id="F14-accounts-synced-twice",
            source="accounts",
            month=month,
            title="every account was synchronised twice: rows that a careless join would multiply; nothing may change",
            change=lambda frame: frame.unionByName(
                frame.withColumn("synced_at", sf.expr("synced_at + INTERVAL '1' SECOND"))
            ),
            harmless=True,
        ),
        right("reorganised", f"in mid-month every account of {north} moves to {south}: its cells empty", reorganised),
        right("last-of-a-cell", "the only account that a region has in a segment moves in mid-month", emptied),
    )


def _moved(
    past: DataFrame,
    accounts: DataFrame,
    where: Column,
    to: dict[str, str],
    day: date,
    *,
    but: Column | None = None,
) -> DataFrame:
    """The month's rows and those of accounts that move on a day: whichever meet the condition before it."""
    newest = sf.row_number().over(Over.partitionBy("account_id").orderBy(sf.desc("valid_from"), sf.desc("synced_at")))
    known = past.unionByName(accounts).withColumn("newest", newest).where(sf.col("newest") == 1).drop("newest")
    here = known.where(where & (sf.col("valid_from") < sf.lit(day)))
    if but is not None:
        here = here.withColumn("stays", but).where(~sf.col("stays")).drop("stays")
    begins = sf.lit(day)
    moved = here.withColumns(
        {
            **{name: sf.lit(value) for name, value in to.items()},
            "valid_from": begins,
            "synced_at": sf.timestamp_seconds(sf.unix_seconds(begins.cast("timestamp")) + 8 * 3600),
        }
    )
    return accounts.unionByName(moved.select(*accounts.columns))
