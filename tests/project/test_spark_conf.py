"""Every setting in spark-conf/ is one that Spark knows, has reason and source, and keeps what a run depends on."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from spark_keys import FAMILIES, hadoop_keys, spark_keys, unknown

from dq.spark.session import REQUIRED, properties

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "spark-conf"
CONFS = sorted(FOLDER.glob("*.conf"))
LOGGING = sorted(FOLDER.rglob("log4j2.properties"))
# What differs from machine to machine; the rest has one value everywhere.
OF_THE_PLACE = {
    "spark.driver.memory",
    "spark.eventLog.dir",
    "spark.master",
    "spark.submit.deployMode",
    "spark.executor.memoryOverheadFactor",
    "spark.driver.memoryOverheadFactor",
    "spark.sql.shuffle.partitions",
}


def blocks(text: str) -> list[tuple[str, list[str]]]:
    """The settings by block, each with the comment above it; a block ends at a blank line or the next comment."""
    found: list[tuple[str, list[str]]] = []
    comment, settings = "", list[str]()
    for line in [*text.splitlines(), ""]:
        stripped = line.strip()
        if stripped.startswith("#") or not stripped:
            if settings:
                found.append((comment, settings))
                comment, settings = "", []
            comment = f"{comment} {stripped.lstrip('# ')}".strip() if stripped else ""
        else:
            settings.append(stripped)
    return found


def unexplained(text: str) -> list[str]:
    """The settings without a comment above their block."""
    return [setting for comment, settings in blocks(text) for setting in settings if not comment]


def unsourced(text: str) -> list[str]:
    """The settings whose comment ends with no source that the head of the file names."""
    sources = set(re.findall(r"^#   \[(\w+)\] \S", text, flags=re.MULTILINE))
    return [
        setting
        for comment, settings in blocks(text)
        for setting in settings
        if not ((match := re.search(r"\[(\w+)\]$", comment)) and match[1] in sources)
    ]


@pytest.mark.parametrize("path", CONFS, ids=lambda path: path.name)
def test_every_setting_has_a_reason_and_a_source_above_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert unexplained(text) == []
    assert unsourced(text) == []


def test_a_setting_without_reason_or_source_would_be_found() -> None:
    assert unexplained("# why\na 1\n\nb 2\n") == ["b 2"]
    assert unsourced("#   [conf] https://x\n\n# why [conf]\na 1\n# why\nb 2\n# why [other]\nc 3\n") == ["b 2", "c 3"]


@pytest.mark.parametrize("path", CONFS, ids=lambda path: path.name)
def test_spark_knows_every_setting(path: Path) -> None:
    assert [key for key in properties(path) if unknown(key)] == []


@pytest.mark.parametrize(
    "key",
    [
        "spark.sql.session.timezone",
        "spark.sql.shuffle.partition",
        "spark.executor.memmory",
        "spark.hadoop.mapreduce.fileoutputcommitter.algorithm",
        "spark.executorEnv.lower",
        "spark.executorEnv.PYTHONPAHT",
        "spark.yarn.appMasterEnv.DQHOME",
        "spark.driver",
        "spark.task",
        "spark.sql",
        "spark.yarn.executor.memoryOverhead",
        "spark.kryoserializer.buffer.mb",
        "spark.shuffle.memoryFraction",
        "spark.sql.fromJsonForceNullableSchema",
        "spark.kubernetes.driver.volumes.persistentVolumeClaim.warehouse.mount",
        "spark.kubernetes.executor.volumes.persistentVolumeClaims.warehouse.mount.path",
        "spark.kubernetes.authenticate.driver.serviceAccount",
        "spark.",
        "sparks.master",
    ],
)
def test_a_setting_nobody_knows_would_be_found(key: str) -> None:
    assert unknown(key)


def test_the_known_settings_were_read_from_the_jars() -> None:
    assert len(spark_keys()) > 1000
    assert len(hadoop_keys()) > 1000
    assert {"spark.sql.adaptive.skewJoin.enabled", "spark.yarn.maxAppAttempts", *FAMILIES} <= spark_keys()


@pytest.mark.parametrize("path", CONFS, ids=lambda path: path.name)
def test_no_setting_is_given_twice(path: Path) -> None:
    lines = [line.split()[0] for line in path.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    assert len(lines) == len(set(lines)) == len(properties(path))


@pytest.mark.parametrize("path", CONFS, ids=lambda path: path.name)
def test_what_a_guarded_run_depends_on_is_set_everywhere(path: Path) -> None:
    settings = properties(path)
    assert {key: settings.get(key) for key in REQUIRED} == REQUIRED
    assert settings["spark.speculation"] == "false"
    assert settings["spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version"] == "1"
    assert re.search(settings["spark.redaction.regex"], "dq.routing_key")


def test_a_setting_of_several_files_has_one_value() -> None:
    values: dict[str, set[str]] = {}
    for path in CONFS:
        for key, value in properties(path).items():
            values.setdefault(key, set()).add(value)
    assert [key for key, found in values.items() if len(found) > 1 and key not in OF_THE_PLACE] == []


@pytest.mark.parametrize("path", LOGGING, ids=lambda path: path.parent.name)
def test_logs_go_to_stderr_without_the_message_of_an_exception(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith("#")
    settings = properties(path)
    assert settings["appender.console.target"] == "= SYSTEM_ERR"
    if "appender.console.layout.eventTemplate" in settings:
        template = json.loads(settings["appender.console.layout.eventTemplate"].removeprefix("= "))
        shown = [part for part in template.values() if part["$resolver"] == "exception"]
        assert [part["field"] for part in shown] == ["className"]
    else:
        assert settings["appender.console.layout.pattern"].endswith("%n%ex{0}")
