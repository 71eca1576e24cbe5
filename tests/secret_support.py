"""Secrets that must show up nowhere, as a run has them: in the environment and in files."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HOOK = "https://hooks.example.com/services/T00/canary-path?key=canary-query"


PASSWORD = "canary pass/word+1"


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "relay-password").write_text(f"{PASSWORD}\n")
    (folder / "binary").write_bytes(b"\xff\xfe")
    (folder / "folder").mkdir()
    monkeypatch.setenv("DQ_SECRET_TEAM_HOOK", HOOK)
    monkeypatch.setenv("DQ_SECRETS", str(folder))
    before = logging.getLogRecordFactory(), sys.excepthook
    yield
    logging.setLogRecordFactory(before[0])
    sys.excepthook = before[1]
