"""What the jobs compute with: amounts of money, ratios that say why there is none, and what was valid on a day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame
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


def valid_on(
    rows: DataFrame,
    versions: DataFrame,
    *,
    key: str,
    columns: Sequence[str],
    days: Mapping[str, Column],
    otherwise: str,
) -> DataFrame:
    """The rows with what master data said of their key on some days, as texts; ``otherwise`` where it said nothing.

    ``versions`` hold for a ``key`` from their ``valid_from`` on, until its next one; of several from one day the newest
    ``synced_at`` is valid. ``days`` names each day by how the added columns end: ``{"": sf.col("day")}`` adds
    ``columns`` as they are called. A key's versions become one array before the join, so that it cannot multiply.
    """
    by_key = (
        versions.where(sf.col("valid_from").isNotNull())
        .groupBy(key, "valid_from")
        .agg(sf.max(sf.struct("synced_at", *columns)).alias("newest"))
        .groupBy(key)
        .agg(sf.array_sort(sf.collect_list(sf.struct("valid_from", "newest"))).alias("__versions"))
    )

    def on(day: Column) -> Column:
        return sf.try_element_at(sf.filter("__versions", lambda version: version["valid_from"] <= day), sf.lit(-1))

    found = rows.join(by_key, on=key, how="left").withColumns({f"__on{end}": on(day) for end, day in days.items()})
    said = {
        f"{name}{end}": sf.coalesce(sf.col(f"__on{end}.newest.{name}"), sf.lit(otherwise))
        for end in days
        for name in columns
    }
    return found.withColumns(said).drop("__versions", *(f"__on{end}" for end in days))
