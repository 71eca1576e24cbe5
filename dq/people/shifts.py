"""The rotation as a list: who is on call from when to when, and how evenly that falls on the people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from dq.base.periods import days_between, last_day
from dq.people.roster import WEEK, Roster


@dataclass(frozen=True, kw_only=True)
class Shift:
    """A span in which one person is on call, at most a week long; instants are UTC, the end is not part of it.

    ``week`` is the Monday whose handover began the week the shift lies in.
    """

    week: date
    start: datetime
    end: datetime
    person: str
    backup: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Load:
    """How often somebody is on call: weeks they begin, and weekends (Saturdays), holidays and last days of the month
    on which they are on call at noon.
    """

    person: str
    weeks: int
    weekends: int
    holidays: int
    month_ends: int


def shifts(roster: Roster, first: date, last: date) -> list[Shift]:
    """Every shift of the weeks that lie at least partly within two days, in order and without a gap."""
    at = roster.handover(roster.week(_midnight(roster, first)))
    end = roster.handover(roster.week(_midnight(roster, last + timedelta(days=1)) - timedelta(seconds=1)) + WEEK)
    found = []
    while at < end:
        duty, week = roster.on_call(at), roster.week(at)
        until = duty.until.astimezone(UTC)
        found.append(
            Shift(week=week, start=at, end=until, person=duty.person.name, backup=duty.backup.name, why=duty.why)
        )
        at = until
    return found


def loads(roster: Roster, first: date, last: date, listed: Sequence[Shift]) -> list[Load]:
    """What falls on each person of the ring and on whoever stepped in, ring first."""
    begun = {shift.week: shift.person for shift in reversed(listed)}
    days = days_between(first, last)
    noon = {day: roster.on_call(datetime.combine(day, time(12), roster.zone)).person.name for day in days}
    weeks = Counter(begun.values())
    weekends = Counter(noon[day] for day in days if day.weekday() == 5)
    holidays = Counter(noon[day] for day in days if roster.calendar.holiday(day))
    ends = Counter(noon[day] for day in days if day == last_day(day))
    ring = [roster.people[person].name for person in roster.model.rotation.ring]
    return [
        Load(person=name, weeks=weeks[name], weekends=weekends[name], holidays=holidays[name], month_ends=ends[name])
        for name in dict.fromkeys([*ring, *sorted({*weeks, *noon.values()})])
    ]


def _midnight(roster: Roster, day: date) -> datetime:
    return datetime.combine(day, time(), roster.zone).astimezone(UTC)
