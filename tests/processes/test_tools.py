"""The scripts of `tools/` that people and make run, each as a process of its own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_the_environment_refuses_a_shell_it_was_not_written_for() -> None:
    done = subprocess.run(
        ["sh", "-c", ". tools/env.sh; echo after"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert "in bash or zsh" in done.stderr or "bash" in Path("/bin/sh").resolve().name
    assert "after" in done.stdout, "the shell of the person goes on"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "say where: make submit MASTER=spark://HOST:7077 JOB=profit_unit"),
        (["spark://127.0.0.1:7077", "nothing"], "there is no jobs/nothing.py"),
        (["mesos://127.0.0.1:5050", "profit_unit"], "no settings for mesos://127.0.0.1:5050"),
        (["localhost:7077", "profit_unit"], "no settings for localhost:7077; valid: spark://HOST:PORT"),
        (["local-cluster[1,1,1024]", "profit_unit"], "no settings for local-cluster[1,1,1024]"),
        (["local[2", "profit_unit"], "no settings for local[2"),
        (["local[two]", "profit_unit"], "no settings for local[two]"),
        (["spark://", "profit_unit"], "no settings for spark://"),
        (["yarn", "profit_unit", "--period", "2026-10"], "give --warehouse an absolute path"),
        (["yarn", "profit_unit", "--warehouse", "build/warehouse"], "give --warehouse an absolute path"),
        (["k8s://https://127.0.0.1:6443", "profit_unit", "--warehouse=w"], "give --warehouse an absolute path"),
        (["k8s://https://127.0.0.1:6443", "profit_unit", "--warehouse"], "give --warehouse an absolute path"),
    ],
)
def test_submit_says_what_it_lacks(words: list[str], said: str) -> None:
    done = submit(words)
    assert done.returncode == 2
    assert said in done.stderr


def submit(words: list[str], path: str = "") -> subprocess.CompletedProcess[str]:
    there = os.environ["PATH"]
    return subprocess.run(
        ["tools/submit.sh", *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=60,
        env={**os.environ, "PATH": f"{path}:{there}" if path else there},
    )


@pytest.mark.parametrize(
    ("words", "conf"),
    [
        (["local", "profit_unit"], "local"),
        (["local[2]", "profit_unit"], "local"),
        (["local[*]", "profit_unit"], "local"),
        (["local[2,3]", "profit_unit"], "local"),
        (["spark://host:7077", "profit_unit"], "cluster"),
        (["yarn", "profit_unit", "--warehouse", "/shared/warehouse"], "yarn"),
        (["k8s://https://host:6443", "profit_unit", "--warehouse=/dq/warehouse"], "kubernetes"),
    ],
)
def test_submit_hands_on_master_settings_and_arguments(words: list[str], conf: str, tmp_path: Path) -> None:
    """With programs in the place of spark-submit and python that only say how they were called."""
    for name in ("spark-submit", "python"):
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\necho {name} "$@"\n', encoding="utf-8")
        program.chmod(0o755)
    done = submit(words, str(tmp_path))
    assert done.returncode == 0, done.stderr
    called = done.stdout.splitlines()[-1].split(" ")
    assert called[:5] == ["spark-submit", "--master", words[0], "--properties-file", f"spark-conf/{conf}.conf"]
    assert called[-len(words[1:]) :] == ["jobs/profit_unit.py", *words[2:]]
    assert ("dq show --warehouse /" in done.stderr) == (conf in ("yarn", "kubernetes"))
