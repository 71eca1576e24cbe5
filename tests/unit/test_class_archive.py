"""The archive of Spark's classes is tried once, also where the machine is too slow for it."""

from __future__ import annotations

import importlib.util
import subprocess
import types
from pathlib import Path

import pytest

from dq.spark import session

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """The script, as a project of its own whose Java says its version."""
    spec = importlib.util.spec_from_file_location("classes", ROOT / "tools" / "classes.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    monkeypatch.setattr(made, "ROOT", tmp_path)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / ".locked").write_text("locked", encoding="utf-8")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setenv("SPARK_SUBMIT_OPTS", "")
    monkeypatch.setattr(session, "class_archive", lambda: tmp_path / "spark archive.jsa")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: types.SimpleNamespace(stderr="Java 17"))
    return made


def test_an_archive_that_took_too_long_is_not_begun_again(
    tool: types.ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    begun = []

    def too_slow() -> None:
        begun.append(1)
        (tmp_path / "spark archive.new").write_bytes(b"half of one")
        raise subprocess.TimeoutExpired("java", tool.MAY_TAKE)

    monkeypatch.setattr(tool, "run_something", too_slow)
    assert [tool.main(), tool.main()] == [0, 0]
    assert begun == [1]
    assert not (tmp_path / "spark archive.jsa").exists(), "half an archive is none"
    assert f"to try again: rm '{tmp_path / 'spark archive.for'}'" in capsys.readouterr().err
    (tmp_path / ".venv" / ".locked").write_text("another lock", encoding="utf-8")
    tool.main()
    assert begun == [1, 1], "with another Spark it is tried anew"
