"""What the jobs compute with: money, ratios that say why there is none, what held on a day, levels, and the past."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import Window as Over
from pyspark.sql import functions as sf

from dq.spark.spark_versions import try_cast


def money(amount: Column) -> Column:
    """An amount as DECIMAL(18,2), NULL where it does not fit: the check that finds the NULL says which row.

    Example:
        >>> lines.groupBy("product").agg(dq.money(sf.sum("amount")).alias("revenue"))
    """
    return try_cast(amount, "decimal(18,2)")


def ratio(
    name: str, numerator: Column | str, denominator: Column | str, otherwise: str, *absences: tuple[Column, str]
) -> tuple[Column, Column]:
    """A ratio as DECIMAL(18,6) under ``name``, and under ``<name>_reason`` why there is none where it is NULL.

    The first of ``absences`` (condition, reason) that holds is the reason, else ``otherwise`` where the denominator is
    not above zero or NULL. It never divides by zero, whatever Spark's ANSI mode.

    Example:
        >>> refunded = (sf.col("revenue") < 0, "negative_revenue")
        >>> rows.select("month", *dq.ratio("margin", "profit", "revenue", "no_revenue", refunded))
    """
    below = sf.col(denominator) if isinstance(denominator, str) else denominator
    above = sf.col(numerator) if isinstance(numerator, str) else numerator
    reason = sf.when(sf.lit(False), sf.lit(None).cast("string"))
    for absent, why in absences:
        reason = reason.when(absent, why)
    reason = reason.when(~sf.coalesce(below > 0, sf.lit(False)), otherwise)
    value = sf.when(reason.isNull(), sf.try_divide(above, below))
    return try_cast(value, "decimal(18,6)").alias(name), reason.alias(f"{name}_reason")


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
    ``columns`` as they are called. A key's versions become one array before the join, so that it cannot multiply: the
    result has one row for each of ``rows``, with its columns and one more for each of ``columns`` and day.

    Example:
        >>> today = {"": sf.col("day"), "_at_opening": sf.lit(window.month_start)}
        >>> dq.valid_on(lines, accounts, key="account_id", columns=["region"], days=today, otherwise="unallocated")
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


def licence_states(licence_events: DataFrame, through: date) -> DataFrame:
    """What each licence was from one event's day until the next one's, for as long as it was held, and whether `paid`.

    Of a licence's events on a day the one with the highest sequence number is in force, so the order in which events
    arrive changes nothing. A cancelled licence is held by nobody, a trial is held and not paid. The last state has no
    ``until``; events after ``through`` are not known yet. One row per account, licence and state: the columns of the
    event that began it, ``until`` (the day on which it no longer holds) and ``paid``.

    Example:
        >>> states = dq.licence_states(licence_events, window.data_through)
        >>> states.where("paid and until is null").groupBy("product").agg(sf.sum("seats_after"))
    """
    licence = Over.partitionBy("account_id", "licence_id").orderBy("effective_date", "sequence_number", "event_id")
    return (
        licence_events.where(sf.col("effective_date") <= sf.lit(through))
        .withColumn("until", sf.lead("effective_date").over(licence))
        .where(sf.coalesce(sf.col("event") != "cancel", sf.lit(True)))
        .where(sf.col("until").isNull() | (sf.col("until") > sf.col("effective_date")))
        .withColumn("paid", sf.coalesce(sf.col("licence_type") != "trial", sf.lit(True)))
    )


def at_every_level(rows: DataFrame, *, key: Sequence[str], levels: Mapping[str, Sequence[str]]) -> DataFrame:
    """Every row once per level, under `row_kind`, so that sums of all levels are sums of the same rows.

    ``levels`` has what a level is called and which columns of the ``key`` tell its rows apart; the others say `total`.
    A key that is NULL stays so.

    Example:
        >>> levels = {"cell": ["product", "region"], "product": ["product"], "total": []}
        >>> rows = dq.at_every_level(units, key=["product", "region"], levels=levels)
        >>> rows.groupBy("row_kind", "product", "region").agg(dq.money(sf.sum("profit")).alias("profit"))
    """
    kinds = [
        sf.struct(
            sf.lit(kind).alias("row_kind"),
            *((sf.col(name) if name in kept else sf.lit("total")).alias(name) for name in key),
        )
        for kind, kept in levels.items()
    ]
    others = [name for name in rows.columns if name not in key]
    return rows.select(*others, *key, sf.explode(sf.array(*kinds)).alias("row")).select(
        *others, *(sf.col(f"row.{name}").alias(name) for name in ("row_kind", *key))
    )


def with_previous(
    rows: DataFrame,
    previous: DataFrame | None,
    *,
    key: Sequence[str],
    period: str,
    columns: Mapping[str, tuple[str, str]],
) -> DataFrame:
    """The rows with what was published for the period before, NULL where there is no such row.

    ``previous_period`` is that row's ``period``; ``columns`` has what is added, and its name and type there. Rows are
    the same where their ``key`` is, NULL being a value like any other; the join cannot multiply.

    Example:
        >>> before = {"previous_profit": ("profit", "decimal(18,2)")}
        >>> key = ["row_kind", "product"]
        >>> dq.with_previous(rows, run.previous(), key=key, period="month", columns=before)
    """
    if previous is None:
        absent = {name: sf.lit(None).cast(kind) for name, (_, kind) in columns.items()}
        return rows.withColumns({"previous_period": sf.lit(None).cast("string"), **absent})
    taken = {"previous_period": period, **{name: theirs for name, (theirs, _) in columns.items()}}
    before = previous.groupBy(*key).agg(*(sf.max(theirs).alias(name) for name, theirs in taken.items()))
    same = sf.lit(True)
    for name in key:
        same = same & sf.col(f"now.{name}").eqNullSafe(sf.col(f"before.{name}"))
    found = rows.alias("now").join(sf.broadcast(before.alias("before")), on=same, how="left")
    return found.select("now.*", *(f"before.{name}" for name in taken))
