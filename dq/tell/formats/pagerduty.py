"""PagerDuty Events v2: one event per incident, the same dedup key until it is resolved."""

from __future__ import annotations

import hashlib
import json

from dq.base import clean
from dq.base.model import Json
from dq.base.serialize import instant
from dq.tell import words
from dq.tell.message import Message, State

ACTION = {State.FIRING: "trigger", State.PAUSED: "acknowledge", State.RESOLVED: "resolve"}
KEY, SUMMARY, EVENT = 255, 1_024, 512_000


def event(message: Message, routing_key: str) -> dict[str, Json]:
    """The event of a message; ``custom_details`` go first where it would be too large."""
    message = clean.value(message)
    first = words.gravest(message.alerts)[0]
    single = len(message.alerts) == 1
    summary = f"{words.headline(message)}: {words.found(first)}" if single else words.headline(message)
    doc: dict[str, Json] = {
        "routing_key": routing_key,
        "event_action": ACTION[message.state],
        "dedup_key": dedup_key(message.dedup),
        "client": "dq",
        "links": [
            {"href": href, "text": text}
            for text, href in (("runbook", clean.link(first.runbook)), ("report", clean.link(first.report)))
            if href
        ],
        "payload": {
            "summary": summary[:SUMMARY],
            "source": first.dataset if single else message.pipeline,
            "severity": first.severity.value,
            "timestamp": instant(first.since),
            "component": first.dataset if single else message.pipeline,
            "group": message.pipeline,
            "class": first.failure_class or first.check,
        },
    }
    if clean.link(first.report):
        doc["client_url"] = first.report
    details: dict[str, Json] = {"details": words.lines(message), "checks": [alert.check for alert in message.alerts]}
    full = {**doc, "payload": {**_mapping(doc["payload"]), "custom_details": details}}
    return full if len(json.dumps(full).encode()) <= EVENT else doc


def dedup_key(key: str) -> str:
    """The key itself, or where it is too long its beginning and a hash of all of it."""
    return key if len(key) <= KEY else f"{key[:180]}-{hashlib.sha256(key.encode()).hexdigest()}"


def _mapping(value: Json) -> dict[str, Json]:
    return dict(value) if isinstance(value, dict) else {}
