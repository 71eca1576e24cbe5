"""Waivers in the warehouse: who let which failing check pass, for which period, up to which ceiling, until when."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

from dq import store
from dq.model import Json
from dq.verdict import Waiver

KIND = "waivers"


def _document(waiver: Waiver) -> dict[str, Json]:
    return {
        "pipeline": waiver.pipeline,
        "check": waiver.check,
        "period": waiver.period,
        "ceiling": str(waiver.ceiling),
        "owner": waiver.owner,
        "reason": waiver.reason,
        "until": waiver.until.isoformat(),
        "recorded": waiver.recorded.isoformat(),
    }


def _waiver(document: Mapping[str, Json]) -> Waiver:
    text = {name: str(value) for name, value in document.items()}
    return Waiver(
        pipeline=text["pipeline"],
        check=text["check"],
        period=text["period"],
        ceiling=Decimal(text["ceiling"]),
        owner=text["owner"],
        reason=text["reason"],
        until=date.fromisoformat(text["until"]),
        recorded=datetime.fromisoformat(text["recorded"]).astimezone(UTC),
    )


def record(warehouse: store.Warehouse, waiver: Waiver) -> str:
    """Keep a waiver; returns the name it is kept under. A later one for the same check and period replaces it."""
    name = f"{waiver.pipeline}-{waiver.period}-{waiver.check}"
    warehouse.records.put(KIND, name, _document(waiver))
    return name


def active(warehouse: store.Warehouse, pipeline: str, period: str) -> list[Waiver]:
    """The recorded waivers of a pipeline's period, expired ones included: a result decides whether one covers it."""
    found = [_waiver(doc) for doc in warehouse.records.all(KIND).values()]
    return sorted((w for w in found if w.pipeline == pipeline and w.period == period), key=lambda waiver: waiver.check)


def fingerprint(waivers: Sequence[Waiver]) -> str:
    """A hash over waivers, for the run key."""
    return hashlib.sha256(json.dumps([_document(waiver) for waiver in waivers], sort_keys=True).encode()).hexdigest()
