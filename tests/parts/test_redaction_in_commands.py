"""No command prints or keeps a secret that an exception quotes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import urllib3
from notify_support import ROOT, failed, ran
from secret_support import HOOK, PASSWORD, secrets
from store_support import quick_disk

from dq.base.errors import DqError
from dq.cli import main
from dq.store import Warehouse
from dq.tell import incidents, senders, smtp, web
from dq.tell.outbox import Outbox

__all__ = ["quick_disk", "secrets"]
pytestmark = pytest.mark.usefixtures("quick_disk")


def quoting(secret: str) -> Callable[..., Any]:
    """What a library does that quotes the address or password it was given."""

    def fail(*_: object, **__: object) -> Any:
        pool = urllib3.HTTPSConnectionPool("hooks.example.com")
        raise urllib3.exceptions.MaxRetryError(pool, secret, ConnectionError(f"refused: {secret}"))

    return fail


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    monkeypatch.setenv("DQ_HOME", str(ROOT))
    (tmp_path / "settings.yml").write_text(f"""warehouse: {tmp_path / "w"}
docs: {tmp_path / "docs"}
docs_address: https://docs.example.com
notify:
  origins: ["https://hooks.example.com"]
  internal_origins: ["smtp://relay.internal:587"]
  smtp: {{host: relay.internal, sender: dq@example.com, user: team-mail, password: relay-password}}
  targets: {{team-hook: {{kind: webhook}}, team-mail: {{kind: email}}}}
  routes: [{{to: [team-hook, team-mail]}}]
  reports: {{close: [team-hook, team-mail]}}
  run_seconds: 1
""")
    monkeypatch.setenv("DQ_SETTINGS", str(tmp_path / "settings.yml"))
    monkeypatch.setenv("DQ_SECRET_TEAM_MAIL", "canary@example.com")
    (tmp_path / "w").mkdir()
    made = Warehouse(tmp_path / "w")
    incidents.note(made, ran("2026-11-10 06:00", failed(), pipeline="profit_unit", period="2026-10"))
    return made


@pytest.mark.parametrize(
    "words",
    [
        ["deliver", "--seconds", "1"],
        ["deliver", "--dry-run"],
        ["close", "--month", "2026-10"],
        ["status"],
        ["status", "--format", "json"],
    ],
    ids=lambda words: " ".join(words),
)
@pytest.mark.parametrize("raised", ["in the library", "in our own error", "outside of sending"])
def test_no_command_prints_or_keeps_a_secret_that_an_exception_quotes(
    words: list[str],
    raised: str,
    warehouse: Warehouse,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def ours(*_: object, **__: object) -> Any:
        raise DqError(f"refused by {HOOK} with {PASSWORD}")

    if raised == "in the library":
        monkeypatch.setattr(web, "post", quoting(HOOK))
        monkeypatch.setattr(smtp, "send", quoting(PASSWORD))
    elif raised == "in our own error":
        monkeypatch.setattr(senders, "_send", ours)
    else:
        monkeypatch.setattr(Outbox, "entries", ours)
    main([*words, "--warehouse", str(warehouse.root)])
    main(["status", "--warehouse", str(warehouse.root)])
    captured = capsys.readouterr()
    kept = "".join(path.read_text(errors="replace") for path in warehouse.root.rglob("*.json"))
    assert captured.out + captured.err
    assert "canary" not in captured.out + captured.err + kept
