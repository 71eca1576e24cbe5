"""Watch hours: who may be called about a pipeline at an instant, and until when a message waits for the next watch."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from dq.base.errors import DqError, Finding, choices
from dq.base.model import Severity
from dq.base.periods import last_day
from dq.people.calendar import DayKind
from dq.people.roster import Roster
from dq.people.roster_file import AtOnce, Watch, WatchHours

_DAY = timedelta(days=1)
_HORIZON = 366  # days ahead in which a next watch is looked for; longer than any pause a calendar makes
_GRAVEST_FIRST = list(Severity)
_IN = {"last_week": " in the last week of the month", "before_last_week": " before the last week of the month"}
_DURING = {"last_week": "last week of the month", "before_last_week": "before the last week of the month"}
_ROLES = {
    "watch": "watch of {}",
    "backup": "{} as backup",
    "escalation": "{} for escalations",
    "support": "support of {}",
}


@dataclass(frozen=True, kw_only=True)
class Call:
    """When a message about a pipeline may go, and which teams are copied.

    ``at`` is the instant asked for, or the next one (UTC) at which the message may go; ``watching`` are the names of
    the teams whose hours are open then, ``why`` is a sentence for people.
    """

    now: bool
    at: datetime
    watching: tuple[str, ...]
    why: str


def call(
    roster: Roster,
    pipeline: str,
    at: datetime,
    *,
    severity: Severity = Severity.CRITICAL,
    failure_class: str = "",
) -> Call:
    """When a failure of a pipeline may be told.

    At once where the roster says so of its severity and class; else a critical one in the next watch of the pipeline,
    any other one in the next working hours of the company. Where no watch opens within a year it goes at once: a
    message too many is better than none.
    """
    if at.tzinfo is None:
        raise ValueError("call needs an aware instant")
    watch = watch_of(roster, pipeline)
    instant = at.astimezone(UTC)
    rule = next((rule for rule in watch.at_once if _is_meant(rule, severity, failure_class)), None)
    critical = severity is Severity.CRITICAL
    opening = instant if rule else _next(roster, watch, instant, critical=critical)
    because = f"at once: {rule.because}" if rule else "" if opening else "at once: no watch opens within a year"
    opening = opening or instant
    open_hours = [hours for hours in watch.hours if _is_open(roster, hours, opening)]
    now = opening == instant
    if not because:
        because = "" if now else "next watch: " if critical else "next working hours: "
        because += "; ".join(map(shown, open_hours)) or "no team watches then"
    return Call(now=now, at=opening, watching=tuple(dict.fromkeys(h.team for h in open_hours)), why=because)


def watch_of(roster: Roster, pipeline: str) -> Watch:
    """The watch of a pipeline, or a sentence that lists the pipelines that have one."""
    found = next((watch for watch in roster.model.watch if pipeline in watch.pipelines), None)
    if found is None:
        known = [name for watch in roster.model.watch for name in watch.pipelines]
        where = f"{roster.document.file}: watch"
        raise DqError(f"nobody watches the pipeline {pipeline!r}", where=where, do=choices(pipeline, known))
    return found


def lint_watch(roster: Roster, pipelines: Collection[str], investors: Collection[str] = ()) -> list[Finding]:
    """The pipelines nobody watches, watches of pipelines that are none, and hours without a watch that need one.

    Every pipeline is watched in the working hours, since then warnings are told; what ``investors`` read also on the
    weekends and holidays of the last week of the month. Of a watch whose pipelines could not be read nothing is said,
    nor of the pipelines that it might be of.
    """
    found = lint_gaps(roster, investors)
    watched = set()
    unread = False
    for n, watch in enumerate(roster.model.watch):
        watched |= {*watch.pipelines}
        if ("watch", n) in roster.stood_in and _pipelines_of(roster, n) != watch.pipelines:
            unread = True
            continue
        for m, name in enumerate(watch.pipelines):
            if name not in pipelines:
                message = f"there is no pipeline {name!r}; {choices(name, [*pipelines])}"
                found.append(roster.document.finding(("watch", n, "pipelines", m), message))
    for name in sorted({*pipelines} - watched) if not unread else ():
        found.append(roster.document.finding(("watch",), f"nobody watches {name}; add it to the pipelines of a watch"))
    return found


def _pipelines_of(roster: Roster, n: int) -> object:
    """What stands in the file as the pipelines of the Nth watch."""
    data: object = roster.document.data
    for part in ("watch", n, "pipelines"):
        if isinstance(data, dict):
            data = data.get(part)
        elif isinstance(data, list) and isinstance(part, int):
            data = data[part]
        else:
            return None
    return data


def lint_gaps(roster: Roster, investors: Collection[str] = ()) -> list[Finding]:
    """The hours in which nobody watches a pipeline although somebody has to, all of each watch at its hours.

    Of hours that could not be read nothing is said.
    """
    found = []
    known = ("working_hours",) not in roster.stood_in
    for n, watch in enumerate(roster.model.watch):
        if ("watch", n) in roster.stood_in:
            continue
        named = ", ".join(watch.pipelines)
        read = ", ".join(name for name in watch.pipelines if name in investors)
        gaps = {during: _open_working_hours(roster, watch, during) for during in _DURING}
        same = len({*gaps.values()}) == 1
        told = [
            f"nobody watches {named} on weekdays{'' if same else _IN[during]} {', '.join(spans)}, in working hours"
            for during, spans in [*gaps.items()][: 1 if same else None]
            if spans and known
        ]
        told += [
            f"nobody watches {read} on {kind} in the last week of the month, when investors' figures are closed"
            for kind in ("weekends", "holidays")
            if read and not _watching(watch, kind, "last_week")
        ]
        found += [roster.document.finding(("watch", n, "hours"), f"{what}; add hours to this watch") for what in told]
    return found


def _watching(watch: Watch, kind: DayKind, during: str) -> list[WatchHours]:
    """The hours of a watch on days of a kind; support watches nothing by itself."""
    return [
        one for one in watch.hours if one.role != "support" and kind in one.days and one.during in ("month", during)
    ]


def _open_working_hours(roster: Roster, watch: Watch, during: str) -> tuple[str, ...]:
    """The spans of the working hours of a weekday in which nobody watches."""
    spans = []
    for one in _watching(watch, "weekdays", during):
        if one.opens < one.closes:
            spans.append((one.opens, one.closes))
            continue
        spans.append((one.opens, time.max))
        if {*one.days} >= {"weekdays", "weekends", "holidays"}:  # else the day before need not be one of its days
            spans.append((time.min, one.closes))
    at, end, found = roster.model.working_hours.opens, roster.model.working_hours.closes, []
    for opens, closes in [*sorted(spans), (end, end)]:
        if at < min(opens, end):
            found.append(f"{at:%H:%M}-{min(opens, end):%H:%M}")
        at = max(at, closes)
    return tuple(found)


def shown(hours: WatchHours) -> str:
    """Watch hours with their team: ``watch of Data Engineering (last week of the month, daily 08:00-18:00)``."""
    return f"{_ROLES[hours.role].format(hours.team)} ({hours_shown(hours)})"


def hours_shown(hours: WatchHours) -> str:
    """When a team watches, as people read it: ``last week of the month, daily 08:00-18:00``."""
    every = "daily" if {*hours.days} >= {"weekdays", "weekends", "holidays"} else " and ".join(hours.days)
    span = "all day" if hours.opens == hours.closes else f"{hours.opens:%H:%M}-{hours.closes:%H:%M}"
    return f"{_DURING[hours.during]}, {every} {span}" if hours.during != "month" else f"{every} {span}"


def _is_meant(rule: AtOnce, severity: Severity, failure_class: str) -> bool:
    grave = _GRAVEST_FIRST.index(severity) <= _GRAVEST_FIRST.index(rule.severity)
    return grave and (not rule.classes or failure_class in rule.classes)


def _next(roster: Roster, watch: Watch, at: datetime, *, critical: bool) -> datetime | None:
    """The instant itself where it may be told then, else the next opening; None where there is none within a year."""
    today = at.astimezone(roster.zone).date()
    for ahead in range(-1, _HORIZON):  # a watch that opened yesterday may still be open
        day = today + ahead * _DAY
        spans = _spans(roster, watch.hours, day) if critical else _working(roster, day)
        opens = [max(start, at) for start, end in spans if at < end]
        if opens:
            return min(opens)
    return None


def _is_open(roster: Roster, hours: WatchHours, at: datetime) -> bool:
    today = at.astimezone(roster.zone).date()
    days = [day for day in (today - _DAY, today) if _watches_on(roster, hours, day)]
    return any(start <= at < end for start, end in (_span(roster, day, hours.opens, hours.closes) for day in days))


def _spans(roster: Roster, listed: Sequence[WatchHours], day: date) -> Iterator[tuple[datetime, datetime]]:
    """The watches that open on a day, as UTC instants; support opens none."""
    for hours in listed:
        if hours.role != "support" and _watches_on(roster, hours, day):
            yield _span(roster, day, hours.opens, hours.closes)


def _working(roster: Roster, day: date) -> Iterator[tuple[datetime, datetime]]:
    hours = roster.model.working_hours
    if roster.calendar.is_business_day(day):
        yield _span(roster, day, hours.opens, hours.closes)


def _span(roster: Roster, day: date, opens: time, closes: time) -> tuple[datetime, datetime]:
    """The UTC instants between two wall times; one that closes at or before it opens does so on the next day."""
    end = day if opens < closes else day + _DAY
    begin, over = (datetime.combine(d, wall, roster.zone).astimezone(UTC) for d, wall in ((day, opens), (end, closes)))
    return begin, max(begin, over)  # a clock put forward may swallow a short span


def _watches_on(roster: Roster, hours: WatchHours, day: date) -> bool:
    """Whether a day of the company's calendar is one of those the hours are for."""
    kinds = roster.calendar.kinds(day)
    last_week = day > last_day(day) - 7 * _DAY
    if hours.during != "month" and last_week != (hours.during == "last_week"):
        return False
    return not kinds.isdisjoint(hours.days)
