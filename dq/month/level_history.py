"""The service levels of all pipelines over some months, from what happened to them, and how that is said."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dq import store
from dq.base import periods
from dq.declare.registry import Registry
from dq.month import attainment
from dq.month.attainment import Attainment, LevelState, Red
from dq.month.known_facts import decided, facts, kept, prevalidations
from dq.people.levels import show
from dq.tell import incidents, waiting
from dq.tell.incidents import Incident
from dq.tell.recipients import House

MONTHS = 12
"""How many months are shown over time."""
BEFORE = timedelta(days=45)
"""So long before the first day levels were due on, what keeps them may have been published."""
HEADER = ("pipeline", "level", "met", "missed", "open", "last missed")


def attained(
    warehouse: store.Warehouse,
    known: Iterable[Incident],
    people: House,
    declared: Registry,
    first: str,
    last: str,
    now: datetime,
    only: str = "",
) -> list[Attainment]:
    """The levels of all pipelines, or of one, that were or are due from one month to another.

    ``known`` are all of their incidents. What is decided is kept.
    """
    answers, listed = prevalidations(warehouse), [*known]
    span = {"first": periods.days_of(first)[0], "last": periods.days_of(last)[1]}
    since = datetime.combine(span["first"], time(), UTC) - BEFORE
    found: list[Attainment] = []
    for name, item in declared.pipelines.items():
        front = people.front(name)
        if front is None or front.pipeline != name or only not in ("", name):
            continue  # it stands on the page of another one
        red = reds(one for one in listed if one.pipeline == name)
        happened = facts(warehouse, name, answers, red, since)
        found += attainment.judged(people.roster, front, item.grain, happened, now=now, **span)
    return kept(warehouse, found)


def over_time(
    warehouse: store.Warehouse, people: House, declared: Registry, now: datetime, only: str = ""
) -> list[Attainment]:
    """The levels of the last months, the newest one first: what was kept of them, and this month and the one before.

    With ``only`` a pipeline is judged anew, the others stand as they were kept: a run looks at itself.
    """
    local = now.astimezone(people.roster.zone)
    this = f"{local:%Y-%m}"
    known = incidents.everything(warehouse, only).values()
    found = attained(warehouse, known, people, declared, periods.previous_month(this), this, now, only)
    since = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0) - timedelta(days=31 * (MONTHS - 1))
    every = {one.name: one for one in [*decided(warehouse, since), *found]}
    return sorted(every.values(), key=lambda one: (one.due, one.name), reverse=True)


def reds(found: Iterable[Incident]) -> list[Red]:
    """The incidents as levels are judged on them: over once they passed, or were published under a waiver."""
    return [
        Red(
            period=one.period,
            check=one.failure.check,
            failure_class=one.failure.failure_class,
            since=one.since,
            until=waiting.passed(one),
        )
        for one in found
    ]


def rows(found: Sequence[Attainment], now: datetime, zone: ZoneInfo) -> list[tuple[str, ...]]:
    """One row per pipeline and level: how often it was met and missed, and the last time it was missed."""
    grouped: dict[tuple[str, str], list[Attainment]] = defaultdict(list)
    for one in found:
        grouped[one.pipeline, one.label].append(one)
    lines = []
    for (pipeline, label), group in grouped.items():
        counts = Counter(one.state for one in group)
        missed = [one for one in group if one.state is LevelState.MISSED]
        last = f"{missed[-1].period}: {dates(missed[-1], now, zone)}" if missed else ""
        lines.append((pipeline, label, *(str(counts[state]) for state in LevelState), last))
    return lines


def dates(one: Attainment, now: datetime, zone: ZoneInfo) -> str:
    """When a level was due and when it was kept; what was never red came at no instant of its own."""
    came = f", came {show(one.kept, now, zone)}" if one.kept else ", not yet"
    return f"due {show(due_of(one, zone), now, zone)}" + (came if one.kept != one.due else "")


def due_of(one: Attainment, zone: ZoneInfo) -> date | datetime:
    """When a level was due as people say it: a day, or an instant that may well lie at midnight."""
    return due(one.due, zone) if one.by_day else one.due.astimezone(zone)


def due(instant: datetime, zone: ZoneInfo) -> date | datetime:
    """A deadline as people say it: a day is over at midnight, and it is the day that was due."""
    local = instant.astimezone(zone)
    return (local - timedelta(seconds=1)).date() if local.time() == time() else local
