"""Service levels: by when a pipeline's figures are ready, pre-validated, fixed, and when a failure goes up the ladder.

Deadlines of a calendar date are days of the company's zone; hourly ones are instants. Which level applies to which
pipeline, and whether it moves off weekends and holidays, is written in the front matter of its runbook page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, model_validator

from dq.base.periods import FORTNIGHT, MONTHS, last_day
from dq.base.strict import Strict
from dq.people.calendar import OnHoliday
from dq.people.roster import WEEK, Roster
from dq.people.roster_file import DeclaredClass, WallTime

MetBy = Literal["published", "preliminary", "final", "pre_validated", "green"]
LevelId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
Label = Annotated[str, Field(min_length=1)]
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class _Level(Strict):
    """What every level has: ``label`` reads before its date; ``card`` says whether a failed check's card shows it.

    ``met_by`` is what keeps it: the figures published (as preliminary, as final), the month pre-validated, or nothing
    red. Levels that count from a failure are kept by its passing, whatever stands here.
    """

    id: LevelId
    label: Label
    card: bool = True
    met_by: MetBy = "published"
    classes: list[DeclaredClass] = []  # the ways of failing it applies to; empty: all


def _in_every_month(day: object) -> object:
    if isinstance(day, int) and day > 28:
        raise ValueError(f"not every month has a day {day}; give 1 to 28, or the kind month_end for the last day")
    return day


def _worked_in_every_month(nth: object) -> object:
    if isinstance(nth, int) and nth > 15:
        raise ValueError(f"not every month surely has {nth} business days; give 1 to 15")
    return nth


class DayOfMonth(_Level):
    """By a day of the period's own month, such as the 25th."""

    kind: Literal["day_of_month"]
    day: Annotated[int, Field(ge=1, le=28), BeforeValidator(_in_every_month)]
    on_holiday: OnHoliday


class MonthEnd(_Level):
    """By the last day of the period's own month."""

    kind: Literal["month_end"]
    on_holiday: OnHoliday


class BusinessDay(_Level):
    """By the Nth business day of the month after the period's."""

    kind: Literal["next_month_business_day"]
    nth: Annotated[int, Field(ge=1, le=15), BeforeValidator(_worked_in_every_month)]


class Ready(_Level):
    """By a UTC time on the day after each day of data; applies to day periods only and never moves."""

    kind: Literal["ready_by"]
    at: WallTime


class ReadyDay(_Level):
    """By a wall time on the Nth business day after the day that follows the period: that day the report is made."""

    kind: Literal["business_day_after"]
    nth: Annotated[int, Field(ge=1, le=15)]
    at: WallTime


class HoursAfter(_Level):
    """Within so many hours of the end of the period; never moves."""

    kind: Literal["hours_after"]
    hours: Annotated[int, Field(ge=1, le=24 * 14)]


class Weekday(_Level):
    """By a wall time on the first such weekday once the period is over: nothing can be complete before.

    Of a longer period, such as a month that is run at once, the newest day counts that there could be data of when it
    failed. Days with the same deadline are judged together, week by week.
    """

    kind: Literal["weekday"]
    weekday: Literal["monday", "tuesday", "wednesday", "thursday", "friday"]
    at: WallTime
    on_holiday: OnHoliday


class Fortnight(_Level):
    """By a wall time on a weekday of every second week, counted from the anchor Monday: the first such day once the
    period is over.
    """

    kind: Literal["fortnight"]
    weekday: Literal["monday", "tuesday", "wednesday", "thursday", "friday"]
    at: WallTime
    on_holiday: OnHoliday


class Age(_Level):
    """How old the newest data may be: so many elapsed hours are a warning, more of them an alarm; never moves.

    Counted from the end of the newest UTC day the period could have data of when it failed.
    """

    kind: Literal["age"]
    warn_hours: Annotated[int, Field(ge=1, le=24 * 14)]
    alarm_hours: Annotated[int, Field(ge=1, le=24 * 14)]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.alarm_hours <= self.warn_hours:
            raise ValueError(f"the alarm at {self.alarm_hours} h must come after the warning at {self.warn_hours} h")
        return self


class Within(_Level):
    """Within some hours (elapsed) or days (calendar) of the first failure; only days may move.

    Hours may also be counted from the midnight UTC that began the day of the failure.
    """

    kind: Literal["within"]
    hours: Annotated[int, Field(ge=1, le=24 * 7)] | None = None
    days: Annotated[int, Field(ge=1, le=366)] | None = None
    from_midnight: bool = False
    on_holiday: OnHoliday = "same"

    @model_validator(mode="after")
    def _one_unit(self) -> Self:
        if (self.hours is None) == (self.days is None):
            raise ValueError("give either hours or days")
        if self.from_midnight and self.hours is None:
            raise ValueError("only hours are counted from midnight")
        if self.on_holiday != "same" and self.days is None:
            raise ValueError("hours never move; only days take on_holiday")
        return self


Level = Annotated[
    DayOfMonth | MonthEnd | BusinessDay | Ready | ReadyDay | HoursAfter | Weekday | Fortnight | Age | Within,
    Field(discriminator="kind"),
]


class Escalation(Strict):
    """One rung of the ladder: to whom a failure goes when it is still red, and when.

    ``after`` counts business days from a level's date or, if later, from the first failure; ``before`` counts them
    back from a level's date; ``hours`` are elapsed hours from the first failure. No rung is climbed before the
    first failure.
    """

    to: Literal["lead", "manager", "owner_manager"]
    after: LevelId | None = None
    before: LevelId | None = None
    business_days: Annotated[int, Field(ge=1, le=20)] | None = None
    at: WallTime | None = None
    hours: Annotated[int, Field(ge=1, le=24 * 7)] | None = None
    classes: list[DeclaredClass] = []

    @model_validator(mode="after")
    def _one_trigger(self) -> Self:
        if [self.after, self.before, self.hours].count(None) != 2:
            raise ValueError("give exactly one of after, before and hours")
        if (self.hours is None) != (self.business_days is not None and self.at is not None):
            raise ValueError("after and before need business_days and at; hours needs neither")
        if self.hours is not None and (self.business_days is not None or self.at is not None):
            raise ValueError("after and before need business_days and at; hours needs neither")
        return self


def deadline(
    level: Level, *, roster: Roster, days: tuple[date, date], first_failed: datetime
) -> date | datetime | None:
    """When a level falls due for a period: a day (its end counts) or an instant; None where it does not apply.

    Of an age it is the alarm.
    """
    start, end = days
    calendar = roster.calendar
    match level:
        case DayOfMonth():
            return calendar.move(end.replace(day=level.day), level.on_holiday)
        case MonthEnd():
            return calendar.move(last_day(end), level.on_holiday)
        case BusinessDay():
            return calendar.nth_of_month(last_day(end) + timedelta(days=1), level.nth)
        case Ready():
            return datetime.combine(end + timedelta(days=1), level.at, UTC) if start == end else None
        case ReadyDay():
            day = calendar.after(end + timedelta(days=1), level.nth)
            return _at(day, level.at, roster.zone)
        case HoursAfter():
            return _midnight_after(end) + timedelta(hours=level.hours)
        case Weekday():
            newest = max(start, _newest(end, first_failed))
            ahead = (WEEKDAYS.index(level.weekday) - newest.weekday()) % 7
            return _once_over(level, roster, newest, newest + timedelta(days=ahead), WEEK)
        case Fortnight():
            ahead = ((roster.model.rotation.anchor - end).days + WEEKDAYS.index(level.weekday)) % FORTNIGHT.days
            return _once_over(level, roster, end, end + timedelta(days=ahead), FORTNIGHT)
        case Age():
            return _midnight_after(_newest(end, first_failed)) + timedelta(hours=level.alarm_hours)
        case Within():
            if level.hours is not None:
                begin = first_failed.astimezone(UTC)
                if level.from_midnight:
                    begin = datetime.combine(begin.date(), time(), UTC)
                return begin + timedelta(hours=level.hours)
            day = first_failed.astimezone(roster.zone).date() + timedelta(days=level.days or 0)
            return calendar.move(day, level.on_holiday)


def _newest(end: date, first_failed: datetime) -> date:
    """The newest UTC day of a period that there could be data of at its first failure."""
    return min(end, first_failed.astimezone(UTC).date() - timedelta(days=1))


def _midnight_after(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), UTC)


def _once_over(level: Weekday | Fortnight, roster: Roster, last: date, day: date, every: timedelta) -> datetime:
    """The wall time on a day, or on one of those that come back every so often: the first once a UTC day is over."""
    moment = _at(roster.calendar.move(day, level.on_holiday), level.at, roster.zone)
    return moment if moment >= _midnight_after(last) else _once_over(level, roster, last, day + every, every)


def marks(
    level: Level, *, roster: Roster, days: tuple[date, date], first_failed: datetime
) -> list[tuple[str, date | datetime]]:
    """The moments of a level for a period, each with what it is: one deadline, of an age the warning and the alarm."""
    moment = deadline(level, roster=roster, days=days, first_failed=first_failed)
    if moment is None:
        return []
    if isinstance(level, Age) and isinstance(moment, datetime):
        warning = moment - timedelta(hours=level.alarm_hours - level.warn_hours)
        return [(f"{level.label}: warning from", warning), (f"{level.label}: alarm from", moment)]
    return [(level.label, moment)]


def escalates_at(
    rung: Escalation, levels: Sequence[Level], *, roster: Roster, days: tuple[date, date], first_failed: datetime
) -> datetime | None:
    """The UTC instant at which a failure that is still red goes to a rung; None where its level does not apply."""
    if rung.hours is not None:
        return first_failed.astimezone(UTC) + timedelta(hours=rung.hours)
    level = next(level for level in levels if level.id == (rung.after or rung.before))
    due_at = deadline(level, roster=roster, days=days, first_failed=first_failed)
    if due_at is None:
        return None
    day = due_at.astimezone(roster.zone).date() if isinstance(due_at, datetime) else due_at
    count, calendar = rung.business_days or 1, roster.calendar
    if rung.after is not None:
        day = calendar.after(max(day, first_failed.astimezone(roster.zone).date()), count)
    else:
        day = calendar.before(day, count)
    return max(_at(day, rung.at or time(), roster.zone), first_failed.astimezone(UTC))


def _at(day: date, wall: time, zone: ZoneInfo) -> datetime:
    """The UTC instant of a wall time; in a gap of the clock the offset before the gap counts."""
    return datetime.combine(day, wall, zone).astimezone(UTC)


def due(
    levels: Sequence[Level],
    escalation: Sequence[Escalation],
    *,
    roster: Roster,
    owner: str,
    days: tuple[date, date],
    as_of: datetime,
    first_failed: datetime,
    failure_class: str = "",
) -> list[str]:
    """What a failed check owes by when, as its card says it: ``fixed by Mon 30 Nov``, ``to the Lead Fri 27 Nov 09:00``.

    Deadlines come first, then the ladder with the earliest instant for each rung, both in the order of time; what lies
    before ``as_of`` is marked (past).
    """
    found: list[tuple[datetime, str]] = []
    for level in levels:
        if level.card and applies(level.classes, failure_class):
            for label, moment in marks(level, roster=roster, days=days, first_failed=first_failed):
                found.append((end_of(moment, roster.zone), f"{label} {moment_text(level, moment, as_of, roster.zone)}"))
    rungs: dict[str, datetime] = {}
    for rung in escalation:
        if applies(rung.classes, failure_class):
            instant = escalates_at(rung, levels, roster=roster, days=days, first_failed=first_failed)
            if instant is not None:
                rungs[rung.to] = min(instant, rungs.get(rung.to, instant))
    to = {"lead": "the Lead", "manager": "the manager", "owner_manager": f"the {owner}'s manager"}
    climbs = [
        (at, f"to {to[rung]} {'at once' if at == as_of else show(at, as_of, roster.zone)}")
        for rung, at in rungs.items()
    ]
    return [*_marked(found, as_of), *_marked(climbs, as_of)]


def applies(classes: Sequence[str], failure_class: str) -> bool:
    """Whether a level or rung of some ways of failing, or of all, is one of this way."""
    return not classes or failure_class in classes


def _marked(items: Sequence[tuple[datetime, str]], as_of: datetime) -> Iterator[str]:
    for instant, text in sorted(items, key=lambda item: item[0]):
        yield text if as_of <= instant else f"{text} (past)"


def end_of(moment: date | datetime, zone: ZoneInfo) -> datetime:
    """The instant up to which a deadline is kept: the instant itself, or the end of its day."""
    return moment if isinstance(moment, datetime) else _at(moment + timedelta(days=1), time(), zone)


def moment_text(level: Level, moment: date | datetime, as_of: datetime, zone: ZoneInfo) -> str:
    """When a level falls due, as people read it: wall time of the company, of a readiness UTC."""
    if isinstance(level, Ready):
        return f"{show(moment, as_of, ZoneInfo('UTC'))} UTC"
    return show(moment, as_of, zone)


def show(moment: date | datetime, as_of: datetime, zone: ZoneInfo) -> str:
    """A day or instant as people read it in a zone, with the year only where it is not that of ``as_of``."""
    local = moment.astimezone(zone) if isinstance(moment, datetime) else moment
    text = f"{_WEEKDAYS[local.weekday()]} {local.day} {MONTHS[local.month - 1]}"
    if local.year != as_of.astimezone(zone).year:
        text += f" {local.year}"
    return f"{text} {local:%H:%M}" if isinstance(local, datetime) else text


def left(days: int) -> str:
    """How long it is to a day, counted in calendar days."""
    if days == 0:
        return "today"
    many = "" if abs(days) == 1 else "s"
    return f"{days} day{many} left" if days > 0 else f"{-days} day{many} over"
