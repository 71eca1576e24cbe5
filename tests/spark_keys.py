"""The settings that the installed Spark and Hadoop know, read from their jars without a JVM."""

from __future__ import annotations

import re
import struct
import zipfile
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

# A text constant of a class file: its tag, its length, and a text that begins like a setting.
_CONSTANT = re.compile(rb"\x01(..)(spark\.[A-Za-z0-9_.\-]+)", re.DOTALL)
_JARS = (
    "core",
    "sql-api",
    "catalyst",
    "sql",
    "yarn",
    "kubernetes",
    "network-common",
    "common-utils",
    "common-utils-java",
)
# Families of settings whose last part is the user's; Spark holds the prefix.
FAMILIES = ("spark.executorEnv.", "spark.yarn.appMasterEnv.", "spark.kubernetes.driverEnv.", "spark.hadoop.")
# Put together in the code from a prefix or the name of a module, and this last part.
_JOINED = {
    "spark.kubernetes.authenticate.driver.serviceAccountName": b".serviceAccountName",
    "spark.shuffle.io.maxRetries": b"\x00\x0dio.maxRetries",
}


def _jars() -> Path:
    spec = find_spec("pyspark")
    assert spec is not None
    assert spec.origin
    return Path(spec.origin).parent / "jars"


def _classes() -> Iterator[bytes]:
    for name in _JARS:
        (jar,) = _jars().glob(f"spark-{name}_2.13-*.jar")
        with zipfile.ZipFile(jar) as archive:
            for entry in archive.namelist():
                if entry.endswith(".class"):
                    yield archive.read(entry)


@cache
def spark_keys() -> frozenset[str]:
    """Every text of Spark's classes that is a setting by its beginning."""
    found, joined = set(), set()
    for data in _classes():
        for match in _CONSTANT.finditer(data):
            (length,) = struct.unpack(">H", match[1])
            if length <= len(match[2]):
                found.add(match[2][:length].decode())
        joined |= {key for key, last in _JOINED.items() if last in data}
    return frozenset(found | joined)


@cache
def hadoop_keys() -> frozenset[str]:
    """Every setting that Hadoop ships a default for."""
    (jar,) = _jars().glob("hadoop-client-api-*.jar")
    with zipfile.ZipFile(jar) as archive:
        texts = [archive.read(name) for name in archive.namelist() if re.fullmatch(r"\w+-default\.xml", name)]
    trees = [ElementTree.fromstring(text) for text in texts]  # noqa: S314 - from our own installation
    return frozenset(name.text or "" for tree in trees for name in tree.iter("name"))


def unknown(key: str) -> bool:
    """Whether neither Spark nor Hadoop knows a setting."""
    family = next((prefix for prefix in FAMILIES if key.startswith(prefix)), None)
    if family == "spark.hadoop.":
        return key.removeprefix(family) not in hadoop_keys()
    if family:
        return family not in spark_keys() or not re.fullmatch(r"[A-Z_]+", key.removeprefix(family))
    return key not in spark_keys()
