"""Alertmanager v2: an array of alerts whose labels are their identity; and the version 4 envelope of its webhooks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from dq.base import clean
from dq.base.model import Json
from dq.base.serialize import instant
from dq.tell import words
from dq.tell.message import Alert, Message, State

STILL = datetime(1, 1, 1, tzinfo=UTC)
"""What Alertmanager writes where an alert has not ended."""


def alerts(message: Message) -> list[Json]:
    """The body of ``POST /api/v2/alerts``: one that fires ends by itself unless it is sent again in time.

    What it was told as before, at another severity, is another alert there, and ends with it.
    """
    message = clean.value(message)
    told: list[Json] = []
    for alert in message.alerts:
        ends = alert.again if message.state is State.FIRING else alert.resolved or message.made
        one = {**_common(alert, message.state), "startsAt": instant(alert.since)}
        told.append({**one, "endsAt": instant(ends)} if ends else one)
        over = instant(alert.resolved or message.made)
        for earlier in _earlier(alert):
            told.append({**_common(earlier, State.RESOLVED), "startsAt": instant(alert.since), "endsAt": over})
    return told


def _earlier(alert: Alert) -> list[Alert]:
    """The same alert at the other severities it was told at."""
    return [replace(alert, severity=severity) for severity in alert.was]


def envelope(message: Message) -> dict[str, Json]:
    """The body of the generic webhook."""
    message = clean.value(message)
    shown = [_report(message)] if message.report is not None else [*_alerts(message)]
    labels = {"service": message.pipeline, "period": message.period}
    status = "firing" if message.state is State.FIRING else "resolved"
    first = message.alerts[0] if message.alerts else None
    link = first.report if first else message.report.link if message.report else ""
    return {
        "version": "4",
        "groupKey": f"{{}}:{json.dumps(labels, sort_keys=True)}",
        "truncatedAlerts": max(0, len(message.alerts) - words.SHOWN),
        "status": status,
        "receiver": message.contact,
        "groupLabels": labels,
        "commonLabels": labels,
        "commonAnnotations": {"summary": words.headline(message)},
        "externalURL": clean.link(link),
        "alerts": shown,
    }


def labels(alert: Alert) -> dict[str, Json]:
    """What an alert is, whatever it measured: its identity. The period is a name, no measurement."""
    return {
        "alertname": alert.check,
        "severity": alert.severity.value,
        "service": alert.pipeline,
        "dataset": alert.dataset,
        "check": alert.check,
        "owner": alert.owner,
        "period": alert.period,
    }


def _common(alert: Alert, state: State) -> dict[str, Json]:
    annotations: dict[str, Json] = {
        "summary": f"{alert.check} of {alert.pipeline} {alert.period}",
        "description": "; ".join([words.found(alert), *(f"{word} {text}" for word, text in words.facts(alert, state))]),
        "runbook_url": alert.runbook,
        "dashboard_url": alert.report,
        "oncall": alert.on_call,
    }
    one: dict[str, Json] = {
        "labels": {name: text for name, text in labels(alert).items() if text},
        "annotations": {name: text for name, text in annotations.items() if text},
    }
    if clean.link(alert.report):
        one["generatorURL"] = alert.report
    return one


def _shown(message: Message) -> list[Alert]:
    return words.gravest(message.alerts)[: words.SHOWN]


def _alerts(message: Message) -> Iterator[Json]:
    for alert in _shown(message):
        yield _of(alert, message, firing=message.state is State.FIRING)
        yield from (_of(earlier, message, firing=False) for earlier in _earlier(alert))


def _of(alert: Alert, message: Message, *, firing: bool) -> Json:
    state = State.FIRING if firing else message.state if message.state is not State.FIRING else State.RESOLVED
    return {
        "status": "firing" if firing else "resolved",
        "startsAt": instant(alert.since),
        "endsAt": instant(STILL if firing else alert.resolved or message.made),
        "generatorURL": "",
        "fingerprint": fingerprint(alert),
        **_common(alert, state),
    }


def _report(message: Message) -> Json:
    report = message.report
    assert report is not None  # noqa: S101 - the caller asked
    return {
        "status": "firing",
        "labels": {"alertname": "report", "service": report.pipeline, "period": report.period, "severity": "info"},
        "annotations": {"summary": report.title, "description": report.summary, "dashboard_url": report.link},
        "startsAt": instant(message.made),
        "endsAt": instant(STILL),
        "generatorURL": clean.link(report.link),
        "fingerprint": hashlib.sha256(message.dedup.encode()).hexdigest()[:16],
    }


def fingerprint(alert: Alert) -> str:
    """A hash of the labels, as 16 hexadecimal digits."""
    return hashlib.sha256(json.dumps(labels(alert), sort_keys=True).encode()).hexdigest()[:16]
