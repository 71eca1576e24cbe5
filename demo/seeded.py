"""Chance that is a pure function of the seed, and the few column expressions every raw table is written with.

Chance is a hash of the seed, the name of the draw and the row's own key, never a random stream: the same row comes out
wherever, however partitioned and however often it is computed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as sf

from demo import company

# The column that names the directory a row is written to; it is not in the files.
MONTH = "__month"
MONEY = "decimal(18,2)"
# A row becomes known on its own day or the night after, before the daily run at 02:00 UTC.
KNOWN_WITHIN_SECONDS = 25 * 3600 + 1800


@dataclass(frozen=True, kw_only=True)
class Company:
    """One demo company: its session, seed, number of accounts, months, and revenue lines and clicks of each month."""

    spark: SparkSession
    seed: int
    accounts: int
    lines: Mapping[date, int]
    clicks: Mapping[date, int]

    @property
    def months(self) -> Sequence[date]:
        """The first days of the months it has revenue for."""
        return tuple(self.lines)

    @property
    def founded(self) -> date:
        """The first day of the history before the first month."""
        return company.shift(self.months[0], -company.HISTORY_MONTHS)

    @property
    def last_day(self) -> date:
        """The last day of its last month."""
        return company.last_day(self.months[-1])

    def draw(self, name: str, below: int, *keys: Column) -> Column:
        """A whole number from 0 to ``below`` - 1, the same for the same seed, name and keys."""
        return sf.pmod(sf.xxhash64(sf.lit(self.seed), sf.lit(name), *keys), sf.lit(below))


def pick(values: Sequence[str], index: Column) -> Column:
    """One of the values, by an index column counted from 0."""
    return sf.element_at(sf.array(*map(sf.lit, values)), (index + 1).cast("int"))


def add_days(day: Column, days: Column) -> Column:
    """The day so many days later."""
    return sf.date_add(day, days.cast("int"))


def at(day: Column, seconds: Column) -> Column:
    """The instant so many seconds after the day begins, in UTC."""
    return sf.timestamp_seconds(sf.unix_seconds(day.cast("timestamp")) + seconds)


def money(cents: Column) -> Column:
    """Cents as an amount of money."""
    return (cents.cast("decimal(20,0)") / 100).cast(MONEY)


def month_id(day: Column) -> Column:
    """The month id of a day, such as ``2026-10``."""
    return sf.date_format(day, "yyyy-MM")


def account_id(number: Column) -> Column:
    """The id of an account by its number."""
    return sf.format_string("A%06d", number)


def established(number: Column) -> Column:
    """Whether an account is one of the fifth that was there early and never leaves."""
    return number % 5 == 0
