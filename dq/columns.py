"""What the jobs compute with: amounts of money, and ratios that say why there is none."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as sf


def money(amount: Column) -> Column:
    """An amount as DECIMAL(18,2), NULL where it does not fit: the check that finds the NULL says which row."""
    return amount.try_cast("decimal(18,2)")


def ratio(
    name: str, numerator: Column | str, denominator: Column | str, otherwise: str, *absences: tuple[Column, str]
) -> tuple[Column, Column]:
    """A ratio as DECIMAL(18,6) under ``name``, and under ``<name>_reason`` why there is none where it is NULL.

    The first of ``absences`` (condition, reason) that holds is the reason, else ``otherwise`` where the denominator is
    not above zero or NULL. It never divides by zero, whatever Spark's ANSI mode.
    """
    below = sf.col(denominator) if isinstance(denominator, str) else denominator
    above = sf.col(numerator) if isinstance(numerator, str) else numerator
    reason = sf.when(sf.lit(False), sf.lit(None).cast("string"))
    for absent, why in absences:
        reason = reason.when(absent, why)
    reason = reason.when(~sf.coalesce(below > 0, sf.lit(False)), otherwise)
    value = sf.when(reason.isNull(), sf.try_divide(above, below))
    return value.try_cast("decimal(18,6)").alias(name), reason.alias(f"{name}_reason")
