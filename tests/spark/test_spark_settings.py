"""The values in spark-conf/ are ones that Spark's own registry of settings accepts."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.errors import IllegalArgumentException
from pyspark.sql import SparkSession
from spark_keys import FAMILIES

from dq.spark.session import properties

CONFS = sorted((Path(__file__).resolve().parents[2] / "spark-conf").glob("*.conf"))
# Settings enter the registry when the object that declares them is loaded.
DECLARED_BY = (
    "org.apache.spark.internal.config.package$",
    "org.apache.spark.internal.config.UI$",
    "org.apache.spark.sql.internal.SQLConf$",
    "org.apache.spark.deploy.yarn.config.package$",
    "org.apache.spark.deploy.k8s.Config$",
)
# Read by name, without an entry.
WITHOUT_ENTRY = {"spark.master", "spark.shuffle.io.maxRetries"}


def entry(spark: SparkSession, key: str) -> object:
    jvm = spark._jvm
    loader = spark._jsparkSession.getClass().getClassLoader()
    for name in DECLARED_BY:
        jvm.java.lang.Class.forName(name, True, loader)  # type: ignore[union-attr]
    return jvm.org.apache.spark.internal.config.ConfigEntry.findEntry(key)  # type: ignore[union-attr]


@pytest.mark.parametrize("path", CONFS, ids=lambda path: path.name)
def test_every_value_is_of_its_settings_type(path: Path, spark: SparkSession) -> None:
    for key, value in properties(path).items():
        if key.startswith(FAMILIES) or key in WITHOUT_ENTRY:
            continue
        found = entry(spark, key)
        assert found is not None, f"{key} is not in Spark's registry"
        found.valueConverter().apply(value)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("key", "value"), [("spark.speculation", "maybe"), ("spark.executor.memory", "much"), ("spark.cores.max", "x")]
)
def test_a_value_of_another_type_is_refused(key: str, value: str, spark: SparkSession) -> None:
    found = entry(spark, key)
    with pytest.raises(IllegalArgumentException):
        found.valueConverter().apply(value)  # type: ignore[attr-defined]


def test_a_setting_nobody_knows_is_not_in_the_registry(spark: SparkSession) -> None:
    assert entry(spark, "spark.sql.shuffle.partition") is None
