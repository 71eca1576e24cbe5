"""`tools/java.sh` takes a Java 17 or 21 and no other, and says so otherwise."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "tools" / "java.sh"


def java(home: Path, version: str) -> Path:
    """A home whose Java says a version and does nothing else."""
    (home / "bin").mkdir(parents=True)
    launcher = home / "bin" / "java"
    launcher.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2026-01-20' >&2\n", encoding="utf-8")
    launcher.chmod(0o755)
    return home


def found(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {"JAVA_HOME": str(home), "PATH": os.environ["PATH"]}
    return subprocess.run([SCRIPT, *words], capture_output=True, text=True, check=False, env=environment)


@pytest.mark.parametrize("version", ["17.0.15", "21", "21.0.8"])
def test_a_17_or_21_that_java_home_names_is_taken(version: str, tmp_path: Path) -> None:
    home = java(tmp_path / "jvm", version)
    assert found(home).stdout == f"{home}\n"
    assert found(home, version[:2]).stdout == f"{home}\n"


@pytest.mark.parametrize("version", ["1.8.0_402", "11.0.22", "25"])
def test_another_is_passed_over(version: str, tmp_path: Path) -> None:
    home = java(tmp_path / "jvm", version)
    assert found(home, "17").stdout != f"{home}\n"
    assert found(home, "21").stdout != f"{home}\n"


def test_a_version_that_is_not_there_is_said(tmp_path: Path) -> None:
    none = found(tmp_path, "99")
    assert (none.returncode, none.stdout, none.stderr) == (3, "", "no Java 99 was found\n")
