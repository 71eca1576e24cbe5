"""``dq status --levels``: which service levels were met or missed, from what was published, pre-validated and red."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, time, timedelta

from dq import periods, registry, store
from dq.cli import console
from dq.close import attainment
from dq.close.attainment import Attainment, Red, State
from dq.close.facts import facts, kept, prevalidations
from dq.errors import UsageError
from dq.notify import incidents
from dq.notify.recipients import House
from dq.people.levels import show

HEADER = ("pipeline", "level", "met", "missed", "open", "last missed")


def attained(
    warehouse: store.Warehouse, people: House, declared: registry.Registry, first: str, last: str, now: datetime
) -> list[Attainment]:
    """The levels of all pipelines that were or are due from one month to another; what is decided is kept."""
    answers = prevalidations(warehouse)
    span = {"first": periods.days_of(first)[0], "last": periods.days_of(last)[1]}
    found: list[Attainment] = []
    for name, item in declared.pipelines.items():
        front = people.front(name)
        if front is None or front.pipeline != name:
            continue  # it stands on the page of another one
        happened = facts(warehouse, name, answers, _reds(incidents.everything(warehouse, name).values()))
        found += attainment.judged(people.roster, front, item.grain, happened, now=now, **span)
    return kept(warehouse, found)


def _reds(found: Iterable[incidents.Incident]) -> list[Red]:
    return [
        Red(
            period=one.period,
            check=one.failure.check,
            failure_class=one.failure.failure_class,
            since=one.since,
            until=one.resolved,
        )
        for one in found
    ]


def command(
    warehouse: store.Warehouse, people: House, months: tuple[str | None, str | None], now: datetime, format: str
) -> int:
    """Print them, of this month and the one before where no months are given."""
    this = f"{now.astimezone(people.roster.zone):%Y-%m}"
    last = _month(months[1] or this, "--to")
    first = _month(months[0] or periods.previous_month(last), "--from")
    if last < first:
        raise UsageError(f"--to {last} lies before --from {first}", expected="months in order of time")
    found = attained(warehouse, people, registry.load(registry.find_root()), first, last, now)
    if format == "json":
        console.out(json.dumps([attainment.to_json(one) for one in found], indent=2, allow_nan=False))
        return 0
    console.out(f"service levels due from {first} to {last}, as of {now:%Y-%m-%dT%H:%MZ}")
    console.out("\n".join(console.aligned([HEADER, *rows(found, people, now)])) if found else "none was due")
    return 0


def rows(found: Sequence[Attainment], people: House, now: datetime) -> list[tuple[str, ...]]:
    """One row per pipeline and level: how often it was met and missed, and the last time it was missed."""
    grouped: dict[tuple[str, str], list[Attainment]] = defaultdict(list)
    for one in found:
        grouped[one.pipeline, one.label].append(one)
    lines = []
    for (pipeline, label), group in grouped.items():
        counts = Counter(one.state for one in group)
        missed = [one for one in group if one.state is State.MISSED]
        lines.append((pipeline, label, *(str(counts[state]) for state in State), _last(missed, people, now)))
    return lines


def _last(missed: Sequence[Attainment], people: House, now: datetime) -> str:
    if not missed:
        return ""
    one = missed[-1]
    zone = people.roster.zone
    came = f"came {show(one.kept, now, zone)}" if one.kept else "not yet"
    local = one.due.astimezone(zone)
    # A day is over at midnight: it is the day that was due.
    due = (local - timedelta(seconds=1)).date() if local.time() == time() else local
    return f"{one.period}: due {show(due, now, zone)}, {came}"


def _month(text: str, where: str) -> str:
    first, last = periods.days_of(text)
    if last != periods.last_day(first) or first.day != 1:
        raise UsageError(f"{text!r} is no month", where=where, expected="a month such as 2026-11")
    return text
