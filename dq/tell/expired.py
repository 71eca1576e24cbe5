"""What need not be kept for ever: messages and observations of what has long been over."""

from __future__ import annotations

from datetime import datetime, timedelta

from dq import store
from dq.tell import incidents, outbox

KEPT = timedelta(days=90)
"""How long what is over is kept, so that somebody can still ask who was told what when."""


def collect(warehouse: store.Warehouse, now: datetime, older_than: timedelta = KEPT) -> int:
    """Remove settled messages and observations older than a time, but nothing of an incident that is open; how many.

    Observations go by pipeline and period as a whole, newest last: what is left always says the same of what is open.
    """
    before = now - older_than
    observed = incidents.observations(warehouse)
    every = incidents.fold(observed)
    open_keys = {key for key, one in every.items() if one.open}
    removed = 0
    for entry in outbox.Outbox(warehouse).entries():
        message = entry.message
        about_open = any(alert.key in open_keys for alert in message.alerts)
        if entry.settled and not about_open and max(message.made, message.not_before) < before:
            for number in range(entry.number, 0, -1):
                warehouse.records.delete(outbox.ATTEMPTS, f"{message.id}.{number}")
            warehouse.records.delete(outbox.KIND, message.id)
            removed += 1
    live = {(one.pipeline, one.period) for one in every.values() if one.open or (one.resolved or now) >= before}
    months = {(pipeline, period[:7]) for pipeline, period in live}
    for one in observed:
        # A month that passes settles its days: what is said of it stays while any of them is open.
        if one.started < before and (one.pipeline, one.period[:7]) not in months:
            warehouse.records.delete(incidents.KIND, one.run)
            removed += 1
    return removed
