"""What differs between the versions of Spark stands in one module, and what is said of them is true."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from dq.spark import spark_versions as versions

ROOT = Path(__file__).resolve().parents[2]
ONE = ROOT / "dq" / "spark" / "spark_versions.py"
CODE = sorted(path for folder in ("dq", "jobs", "demo") for path in (ROOT / folder).rglob("*.py") if path != ONE)
# What only some versions have, and how one would ask for a version.
ELSEWHERE = re.compile(
    r"getCondition|getErrorClass|getMessageParameters|(?<!dq)\.try_cast\(|PySparkLogger|pyspark\.logger|pyspark\.__version__"
    r"|spark\.version\b|SPARK_VERSION|sparkVersion|from pyspark import __version__|version\(\"pyspark\"\)"
)


def asked(text: str) -> Iterator[str]:
    return (found[0] for found in ELSEWHERE.finditer(text))


def test_no_other_module_asks_for_a_version_or_for_what_only_some_have() -> None:
    found = {str(path.relative_to(ROOT)): [*asked(path.read_text(encoding="utf-8"))] for path in CODE}
    assert {path: words for path, words in found.items() if words} == {}


@pytest.mark.parametrize("line", ['x.try_cast("int")', "if spark.version < '4'", "error.getCondition()"])
def test_a_module_that_did_would_be_found(line: str) -> None:
    assert [*asked(line)]


def pinned(lock: Path) -> str:
    found = re.search(r"^pyspark==(\S+)", lock.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert found
    return found[1]


def test_the_lock_has_the_default_and_the_package_admits_what_is_supported() -> None:
    assert versions.numbers(pinned(ROOT / "requirements.lock")) == versions.DEFAULT
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    last = versions.SUPPORTED[-1].split(".")
    bound = f"pyspark>={versions.SUPPORTED[0]},<{last[0]}.{int(last[1]) + 1}"
    assert bound in declared["project"]["dependencies"]


def test_the_pages_and_settings_name_the_version_of_the_lock() -> None:
    locked = pinned(ROOT / "requirements.lock")
    assert f"apache/spark:{locked}-python3" in (ROOT / "spark-conf" / "kubernetes.conf").read_text(encoding="utf-8")
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert f"| Spark | 3.5 to 4.3; the lock has {versions.DEFAULT} | {locked} |" in page
    assert f"dq runs on {versions.RANGE}" in (ROOT / "README.md").read_text(encoding="utf-8")
