"""Waivers in the warehouse: who let which failing check pass, for which period, up to which ceiling, until when."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

from dq import store
from dq.base.errors import UsageError
from dq.base.model import Json
from dq.base.verdict import Ending, Waiver

KIND = "waivers"


def _document(waiver: Waiver) -> dict[str, Json]:
    document: dict[str, Json] = {
        "pipeline": waiver.pipeline,
        "check": waiver.check,
        "period": waiver.period,
        "ceiling": str(waiver.ceiling),
        "owner": waiver.owner,
        "reason": waiver.reason,
        "until": waiver.until.isoformat(),
        "recorded": waiver.recorded.isoformat(),
    }
    if waiver.signed_off_at is not None:
        document |= {"signed_off_by": waiver.signed_off_by, "signed_off_at": waiver.signed_off_at.isoformat()}
    if waiver.ended is not None:
        ended = waiver.ended
        document["ended"] = {"by": ended.by, "at": ended.at.isoformat(), "reason": ended.reason}
    return document


def _waiver(name: str, document: Mapping[str, Json]) -> Waiver:
    text = {name: str(value) for name, value in document.items()}
    ended = document.get("ended")
    return Waiver(
        pipeline=text["pipeline"],
        check=text["check"],
        period=text["period"],
        ceiling=Decimal(text["ceiling"]),
        owner=text["owner"],
        reason=text["reason"],
        until=date.fromisoformat(text["until"]),
        recorded=_instant(text["recorded"]),
        signed_off_by=text.get("signed_off_by", ""),
        signed_off_at=_instant(text["signed_off_at"]) if "signed_off_at" in text else None,
        id=name,
        ended=Ending(by=str(ended["by"]), at=_instant(str(ended["at"])), reason=str(ended["reason"]))
        if isinstance(ended, Mapping)
        else None,
    )


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def record(warehouse: store.Warehouse, waiver: Waiver) -> Waiver:
    """Keep a waiver under an id of its own; an earlier one for the same check and period is replaced, and kept too."""
    name = f"{waiver.pipeline}-{waiver.period.lower()}-{waiver.recorded:%Y%m%dt%H%M%S%fz}-{secrets.token_hex(3)}"
    warehouse.records.put(KIND, name, _document(waiver))
    return replace(waiver, id=name)


def everything(warehouse: store.Warehouse) -> list[Waiver]:
    """Every waiver that was ever recorded, the newest first."""
    found = [_waiver(name, document) for name, document in warehouse.records.all(KIND).items()]
    return sorted(found, key=lambda waiver: (waiver.recorded, waiver.id), reverse=True)


def of_period(warehouse: store.Warehouse, pipeline: str, period: str) -> list[Waiver]:
    """Per check the newest waiver of a pipeline's period, expired and ended ones included, by check."""
    newest: dict[str, Waiver] = {}
    for waiver in everything(warehouse):
        if (waiver.pipeline, waiver.period) == (pipeline, period):
            newest.setdefault(waiver.check, waiver)
    return [newest[check] for check in sorted(newest)]


def state(waiver: Waiver, among: Sequence[Waiver], now: datetime) -> str:
    """Where a waiver stands: in force, expired, ended by somebody, or replaced by a later one."""
    same = [one for one in among if (one.pipeline, one.period, one.check) == _subject(waiver)]
    newest = max(same, key=lambda one: (one.recorded, one.id), default=waiver)
    if waiver.ended is not None:
        return f"ended on {waiver.ended.at:%Y-%m-%d} by {waiver.ended.by}: {waiver.ended.reason}"
    if newest.id != waiver.id:
        return f"replaced by {newest.id}"
    return "expired" if waiver.over(now) else "in force"


def _subject(waiver: Waiver) -> tuple[str, str, str]:
    return waiver.pipeline, waiver.period, waiver.check


def end(warehouse: store.Warehouse, name: str, ending: Ending) -> Waiver:
    """End the waiver of this id, or whose id begins so, before its last day; UsageError where none is in force."""
    among = everything(warehouse)
    found = [one for one in among if one.id == name] or [one for one in among if one.id.startswith(name)]
    if len(found) != 1:
        what = f"there is no waiver {name!r}" if not found else f"{len(found)} waivers begin with {name!r}"
        raise UsageError(what, where="--end", do="dq waive --list shows their ids")
    (waiver,) = found
    stands = state(waiver, among, ending.at)
    if stands != "in force":
        raise UsageError(f"{waiver.id} is not in force: {stands}", where="--end")
    ended = replace(waiver, ended=ending)
    warehouse.records.put(KIND, waiver.id, _document(ended))
    return ended


def fingerprint(waivers: Sequence[Waiver]) -> str:
    """A hash over what the waivers say, for the run key; one that was ended is as none."""
    documents = [_document(waiver) for waiver in waivers if waiver.ended is None]
    return hashlib.sha256(json.dumps(documents, sort_keys=True).encode()).hexdigest()
