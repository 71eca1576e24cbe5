"""What a process says of an exception that nobody catches."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "body",
    [
        "raise ConnectionError('no route to ' + os.environ['DQ_SECRET_TEAM_HOOK'])",
        "t = threading.Thread(target=lambda: open(os.environ['DQ_SECRET_TEAM_HOOK'])); t.start(); t.join()",
        "import logging; logging.getLogger('x').error('no %s', os.environ['DQ_SECRET_TEAM_HOOK'])",
    ],
    ids=["main thread", "another thread", "log without a handler"],
)
def test_what_nobody_catches_is_told_without_secrets(monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    monkeypatch.setenv("DQ_SECRET_TEAM_HOOK", "https://hooks.example.com/services/T00/canary-path?key=canary-query")
    code = f"import os, threading\nfrom dq.tell import redact\nredact.install()\n{body}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert "[secret]" in done.stderr
    assert "canary" not in done.stderr
