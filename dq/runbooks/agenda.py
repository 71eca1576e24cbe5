"""What falls into a span of days: deadlines, rungs of the ladder, handovers, reviews and holidays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from dq.base.periods import Grain, days_between, days_of, period_after, period_of
from dq.people.levels import (
    Age,
    BusinessDay,
    DayOfMonth,
    HoursAfter,
    Level,
    MonthEnd,
    Ready,
    ReadyDay,
    Weekday,
    Within,
    end_of,
    escalates_at,
    marks,
)
from dq.people.roster import Roster
from dq.runbooks.frontmatter import FrontMatter
from dq.runbooks.reviews import meetings

_RUNGS = {"lead": "the Lead", "manager": "the manager", "owner_manager": "the owner's manager"}
_BEFORE, _AFTER = timedelta(days=70), timedelta(days=35)  # periods that far off have deadlines within the span
_DAY = timedelta(days=1)
HEADER = ("day", "time", "on call", "owner", "period", "what", "pipelines")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of the calendar; ``moment`` is a UTC instant, or a day of the company whose end counts.

    ``periods`` are the ids it is about, ``daily`` says that it comes back every day.
    """

    kind: str
    moment: date | datetime
    what: str
    pipelines: tuple[str, ...] = ()
    periods: tuple[str, ...] = ()
    owner: str = ""
    on_call: str = ""
    daily: bool = False

    def clock(self, zone: tzinfo) -> str:
        """The time of day on a wall; empty for a day."""
        return f"{self.moment.astimezone(zone):%H:%M}" if isinstance(self.moment, datetime) else ""

    def row(self, zone: ZoneInfo) -> tuple[str, ...]:
        """The entry as cells for people, under ``HEADER``; the longest stands last."""
        local = self.moment.astimezone(zone) if isinstance(self.moment, datetime) else self.moment
        named = ", ".join(self.pipelines)
        return f"{local:%a %d %b}", self.clock(zone), self.on_call, self.owner, self.about, self.what, named

    @property
    def about(self) -> str:
        """The periods as people name them: one, or the first and the last."""
        return " to ".join(dict.fromkeys((self.periods[0], self.periods[-1]))) if self.periods else ""

    def as_dict(self, zone: ZoneInfo) -> dict[str, object]:
        """The entry for programs, with the local time beside the instant; a day has neither."""
        instant = isinstance(self.moment, datetime)
        local = self.moment.astimezone(zone) if isinstance(self.moment, datetime) else self.moment
        return {
            "kind": self.kind,
            "day": f"{local:%Y-%m-%d}",
            "at": self.moment.isoformat() if instant else None,
            "local": local.isoformat() if instant else None,
            "what": self.what,
            "pipelines": [*self.pipelines],
            "periods": [*self.periods],
            "owner": self.owner,
            "on_call": self.on_call,
            "daily": self.daily,
        }


def agenda(
    roster: Roster, fronts: Mapping[str, FrontMatter], grains: Mapping[str, Grain], first: date, last: date
) -> list[Entry]:
    """Everything that falls on the company's days from ``first`` to ``last``, in the order of time.

    What counts from a failure has no date of its own and is not here. A rung of the ladder stands at the instant at
    which a failure older than its level goes to it. What pipelines have in common stands there once, with all of them.
    """
    entries = [Entry(kind="holiday", moment=day, what=name) for day, name in _holidays(roster, first, last)]
    entries += _handovers(roster, first, last)
    for meeting in meetings(roster, fronts, first - 2 * timedelta(weeks=1), last + 2 * timedelta(weeks=1)):
        entries.append(
            Entry(
                kind="review",
                moment=meeting.start,
                what=meeting.name,
                pipelines=meeting.pipelines,
                owner=meeting.teams[0],
                on_call=roster.on_call(meeting.start).person.name,
            )
        )
    for name, front in fronts.items():
        if front.pipeline in fronts and front.pipeline != name:
            continue  # it stands on the page of another one that is here, too
        entries += _deadlines(roster, front, grains[name], first, last)
        entries += _rungs(roster, front, grains[name], first, last)
    within = [entry for entry in entries if first <= _local_day(entry.moment, roster.zone) <= last]
    together: dict[Entry, tuple[str, ...]] = {}
    for entry in within:
        shared = replace(entry, pipelines=())
        together[shared] = (*together.get(shared, ()), *entry.pipelines)
    within = [replace(entry, pipelines=pipelines) for entry, pipelines in together.items()]
    return sorted(within, key=lambda e: (end_of(e.moment, roster.zone), e.kind, e.what, e.pipelines))


def _local_day(moment: date | datetime, zone: ZoneInfo) -> date:
    return moment.astimezone(zone).date() if isinstance(moment, datetime) else moment


def _holidays(roster: Roster, first: date, last: date) -> Iterator[tuple[date, str]]:
    for day in days_between(first, last):
        if name := roster.calendar.holiday(day):
            yield day, name


def _handovers(roster: Roster, first: date, last: date) -> Iterator[Entry]:
    for day in days_between(first, last):
        if day.weekday() == 0:
            at = roster.handover(day)
            before, after = (roster.on_call(instant).person.name for instant in (at - timedelta(seconds=1), at))
            what = f"handover from {before} to {after}" if before != after else f"handover, {after} stays"
            yield Entry(kind="handover", moment=at, what=what, on_call=after)


def _deadlines(roster: Roster, front: FrontMatter, grain: Grain, first: date, last: date) -> Iterator[Entry]:
    found: dict[tuple[str, date | datetime], list[str]] = {}
    daily: dict[str, bool] = {}
    for level in front.levels:
        for period, days in periods_of(level, roster, grain, first, last):
            for label, moment in marks(level, roster=roster, days=days, first_failed=failed_first(level, days)):
                found.setdefault((label, moment), []).append(period)
                daily[label] = _is_daily(level, grain)
    for (label, moment), periods in found.items():
        yield _entry("deadline", label, moment, periods, front, roster, daily=daily[label])


def _rungs(roster: Roster, front: FrontMatter, grain: Grain, first: date, last: date) -> Iterator[Entry]:
    levels = {level.id: level for level in front.levels}
    found: dict[tuple[str, datetime], list[str]] = {}
    daily: dict[str, bool] = {}
    for rung in front.escalation:
        level = levels.get(rung.after or rung.before or "")
        if level is None:
            continue
        what = f"to {_RUNGS[rung.to]}, where still red ('{level.label}')"
        daily[what] = _is_daily(level, grain)
        for period, days in periods_of(level, roster, grain, first, last):
            failed = failed_first(level, days)
            at = escalates_at(rung, front.levels, roster=roster, days=days, first_failed=failed)
            if at is not None:
                found.setdefault((what, at), []).append(period)
    for (what, at), periods in found.items():
        yield _entry("escalation", what, at, periods, front, roster, daily=daily[what])


def _entry(
    kind: str,
    what: str,
    moment: date | datetime,
    periods: list[str],
    front: FrontMatter,
    roster: Roster,
    *,
    daily: bool,
) -> Entry:
    last_moment = moment if isinstance(moment, datetime) else end_of(moment, roster.zone) - timedelta(seconds=1)
    return Entry(
        kind=kind,
        moment=moment,
        what=what,
        pipelines=(front.pipeline,),
        periods=tuple(periods),
        owner=front.owner,
        on_call=roster.on_call(last_moment).person.name,
        daily=daily,
    )


def _is_daily(level: Level, grain: Grain) -> bool:
    return grain is Grain.DAY and isinstance(level, Ready | ReadyDay | HoursAfter | Age)


def failed_first(level: Level, days: tuple[date, date]) -> datetime:
    """When a failure that is as old as can be began; ages and weekdays are counted from the whole period's end."""
    day = days[1] + _DAY if isinstance(level, Age | Weekday) else days[0]
    return datetime.combine(day, time(), UTC)


def periods_of(
    level: Level, roster: Roster, grain: Grain, first: date, last: date
) -> Iterator[tuple[str, tuple[date, date]]]:
    """The periods a level is counted for: months for a date of the month, else those of the pipeline."""
    if isinstance(level, Within):
        return
    of = Grain.MONTH if isinstance(level, DayOfMonth | MonthEnd | BusinessDay) else grain
    period = period_of(first - _BEFORE, of, roster.model.rotation.anchor)
    while (days := days_of(period, of))[0] <= last + _AFTER:
        yield period, days
        period = period_after(period, of)
