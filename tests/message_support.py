"""Messages for tests: what a failure and a report say."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from notify_support import at

from dq.base.model import Severity
from dq.tell.message import Alert, Message, Report, State


def alert(nth: int = 1, **changes: Any) -> Alert:
    values: dict[str, Any] = {
        "key": f"investor_profit/check_{nth}/2026-11",
        "pipeline": "investor_profit",
        "period": "2026-11",
        "check": f"check_{nth}",
        "dataset": "investor_profit",
        "severity": Severity.CRITICAL,
        "failure_class": "F14",
        "found": "3 of 40 cells differ by 1204.50",
        "since": at("2026-11-25 02:00"),
        "since_shown": "Tue 24 Nov 21:00",
        "number": 0,
        "owner": "Business Analytics Team",
        "on_call": "Laura until Mon 30 Nov 09:00 (backup Jane)",
        "runbook": "https://docs.example.com/runbooks/investor_profit.html#totals",
        "report": "https://docs.example.com/runs/r1.html",
        "next_step": "to the Lead Fri 27 Nov 09:00",
        "again": at("2026-11-27 13:00"),
    }
    return Alert(**{**values, **changes})


def told(*alerts: Alert, state: State = State.FIRING, **changes: Any) -> Message:
    values: dict[str, Any] = {
        "contact": "data-engineering-channel",
        "kind": "slack",
        "state": state,
        "dedup": "dq/investor_profit/2026-11",
        "pipeline": "investor_profit",
        "period": "2026-11",
        "made": at("2026-11-25 02:01"),
        "not_before": at("2026-11-25 13:00"),
        "alerts": alerts or (alert(),),
    }
    return Message(**{**values, **changes})


REPORT = Report(
    pipeline="executive_report",
    period="2026-11-02",
    version=3,
    title="Executive report 2026-11-02",
    summary="final, data through 2026-11-15",
    file="/w/docs/report.html",
    sha256="00",
    text_file="/w/docs/report.md",
    link="https://docs.example.com/reports/executive_report/2026-11-02-v3.html",
)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for the name localhost that signs itself, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(["openssl", *words.split(), *names], cwd=folder, check=True, capture_output=True)
    return folder / "cert.pem", folder / "key.pem"
