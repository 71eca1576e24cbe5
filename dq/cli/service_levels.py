"""``dq status --levels``: which service levels were met or missed, from what was published, pre-validated and red."""

from __future__ import annotations

import json
from datetime import datetime

from dq import store
from dq.base import periods
from dq.base.errors import UsageError
from dq.cli import console
from dq.declare import registry
from dq.month import attainment
from dq.month.level_history import HEADER, attained, rows
from dq.tell import incidents
from dq.tell.recipients import House


def command(
    warehouse: store.Warehouse, people: House, months: tuple[str | None, str | None], now: datetime, format: str
) -> int:
    """Print them, of this month and the one before where no months are given."""
    this = f"{now.astimezone(people.roster.zone):%Y-%m}"
    last = periods.month_of(months[1] or this, "--to")
    first = periods.month_of(months[0] or periods.previous_month(last), "--from")
    if last < first:
        raise UsageError(f"--to {last} lies before --from {first}", expected="months in order of time")
    known = incidents.everything(warehouse).values()
    found = attained(warehouse, known, people, registry.load(registry.find_root()), first, last, now)
    if format == "json":
        console.out(json.dumps([attainment.to_json(one) for one in found], indent=2, allow_nan=False))
        return 0
    console.out(f"service levels due from {first} to {last}, as of {now:%Y-%m-%dT%H:%MZ}")
    shown = console.aligned([HEADER, *rows(found, now, people.roster.zone)])
    console.out("\n".join(shown) if found else "none was due")
    return 0
