"""What readers see: the published figures of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dq.base.errors import UsageError
from dq.base.former import NEVER_RENAMED
from dq.declare import registry, settings
from dq.store import read

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


def read_published(
    spark: SparkSession,
    name: str,
    period: str | None = None,
    version: int | None = None,
    *,
    warehouse: str | None = None,
) -> DataFrame:
    """The published rows of a table: of one period (a month selects its days), in the newest or an earlier version.

    ``warehouse`` is the warehouse folder, by default that of the project's settings. Held figures are never read. What
    was published before a column was renamed has the name that the project gives it today. Raises StoreError where
    nothing is published for it, with the periods that are.

    Example:
        >>> profit = dq.read_published(spark, "investor_profit", "2026-09")
        >>> as_it_was = dq.read_published(spark, "investor_profit", "2026-09", version=1, warehouse="/data/warehouse")
        >>> profit.where("row_kind = 'total'").select("month", "profit", "margin", "margin_reason").show()
    """
    try:
        project = registry.find_root()
    except UsageError:
        if warehouse is None:
            raise
        return read.read_published(spark, warehouse, name, period=period, version=version)
    root = warehouse or str(project / settings.load(project).warehouse)
    former = registry.read(project)[0].former.get(name, NEVER_RENAMED)
    return read.read_published(spark, root, name, period=period, version=version, former=former)
