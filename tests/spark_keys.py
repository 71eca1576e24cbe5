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
# Families of settings whose last part is the user's; Spark holds the prefix. Of environments these names are ours.
ENVIRONMENTS = {
    "spark.executorEnv.": {"PYTHONPATH", "DQ_HOME"},
    "spark.yarn.appMasterEnv.": {"PYTHONPATH", "DQ_HOME", "PYSPARK_PYTHON"},
    "spark.kubernetes.driverEnv.": {"PYTHONPATH", "DQ_HOME", "PYSPARK_PYTHON"},
}
VOLUMES = ("spark.kubernetes.driver.volumes.", "spark.kubernetes.executor.volumes.")
FAMILIES = (*ENVIRONMENTS, *VOLUMES, "spark.hadoop.")
_VOLUME = re.compile(r"persistentVolumeClaim\.[a-z0-9-]+\.(mount\.path|mount\.readOnly|options\.claimName)")
# What builds a setting from its name. A name that is only read, or listed as removed, is none.
_BUILDERS = {b"buildConf", b"buildStaticConf"}
_BUILDER = b"org/apache/spark/internal/config/ConfigBuilder"
# Settings that are built from a constant of another class, or put together from a prefix or the name of a module and
# this last part; and the prefixes of families.
_JOINED = {
    "spark.kubernetes.authenticate.driver.serviceAccountName": b".serviceAccountName",
    "spark.shuffle.io.maxRetries": b"\x00\x0dio.maxRetries",
} | {
    key: struct.pack(">H", len(key)) + key.encode()
    for key in ("spark.master", "spark.sql.session.timeZone", "spark.sql.ansi.enabled", *FAMILIES)
}


def _jars() -> Path:
    spec = find_spec("pyspark")
    assert spec is not None
    assert spec.origin
    return Path(spec.origin).parent / "jars"


def _classes() -> Iterator[bytes]:
    for name in _JARS:
        (jar,) = _jars().glob(f"spark-{name}_2.1[23]-*.jar")
        with zipfile.ZipFile(jar) as archive:
            for entry in archive.namelist():
                if entry.endswith(".class"):
                    yield archive.read(entry)


@cache
def spark_keys() -> frozenset[str]:
    """Every setting that Spark's classes build by its name, and the prefixes of families."""
    found = set[str]()
    for data in _classes():
        if _BUILDER in data or b"buildConf" in data:
            found |= _built(data)
        found |= {key for key, last in _JOINED.items() if last in data}
    return frozenset(found)


def _built(data: bytes) -> set[str]:
    """The texts that a class hands to a builder of settings: it loads a constant and calls the builder next."""
    pool = _pool(data)
    found = set()
    for index, text in pool.items():
        name = pool.get(text) if isinstance(text, int) else None
        if not isinstance(name, bytes) or not name.startswith(b"spark."):
            continue
        load = b"\x12" + bytes([index]) if index < 256 else b"\x13" + struct.pack(">H", index)
        at = data.find(load)
        while at >= 0:
            call, method = struct.unpack_from(">BH", data, at + len(load))
            if call in (0xB6, 0xB7, 0xB8) and _builds(pool, method):
                found.add(name.decode())
            at = data.find(load, at + 1)
    return found


def _builds(pool: dict[int, bytes | int | tuple[int, int]], method: int) -> bool:
    """Whether a method is the constructor of a builder, or a function that makes one."""
    reference = pool.get(method)
    if not isinstance(reference, tuple):
        return False
    of, called = pool.get(reference[0]), pool.get(reference[1])
    if not isinstance(of, int) or not isinstance(called, tuple):
        return False
    return (pool.get(of), pool.get(called[0])) == (_BUILDER, b"<init>") or pool.get(called[0]) in _BUILDERS


def _pool(data: bytes) -> dict[int, bytes | int | tuple[int, int]]:
    """The constants of a class file by index: texts, and the indices that names and references consist of."""
    (count,) = struct.unpack_from(">H", data, 8)
    found: dict[int, bytes | int | tuple[int, int]] = {}
    at, index = 10, 1
    while index < count:
        tag = data[at]
        if tag == 1:
            (length,) = struct.unpack_from(">H", data, at + 1)
            found[index] = data[at + 3 : at + 3 + length]
            at += 3 + length
        elif tag in (7, 8, 16, 19, 20):
            (found[index],) = struct.unpack_from(">H", data, at + 1)
            at += 3
        elif tag in (9, 10, 11, 12, 17, 18):
            first, second = struct.unpack_from(">HH", data, at + 1)
            found[index] = (first, second)
            at += 5
        else:  # numbers, of which long ones take two places, and handles of methods
            at += {3: 5, 4: 5, 5: 9, 6: 9, 15: 4}[tag]
            index += tag in (5, 6)
        index += 1
    return found


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
    if family is None:
        return key not in spark_keys()
    last = key.removeprefix(family)
    if family == "spark.hadoop.":
        return last not in hadoop_keys()
    if family in VOLUMES:
        return not _VOLUME.fullmatch(last)
    return last not in ENVIRONMENTS[family]
