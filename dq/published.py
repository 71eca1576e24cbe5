"""What readers see: the published figures of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

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

    ``warehouse`` is the warehouse folder, by default that of the project's settings. Held figures are never read.
    """
    root = warehouse
    if root is None:
        project = registry.find_root()
        root = str(project / settings.load(project).warehouse)
    return read.read_published(spark, root, name, period=period, version=version)
