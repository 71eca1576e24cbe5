"""The file format of the roster: strict models of ``runbooks/roster.yml`` and the mistakes a model cannot see."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, time
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, WithJsonSchema

from dq.base import yamlfile
from dq.base.errors import choices
from dq.base.failure_classes import PATTERN
from dq.base.model import Severity
from dq.base.strict import Strict
from dq.people.calendar import DayKind, holiday_names, is_known, years_without

# A contact is the name of an address kept elsewhere, never the address: letters, digits and dashes leave no room for
# an e-mail address, a URL, a channel sign or a telephone number.
CONTACT = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
PERSON_ID = r"^[a-z][a-z0-9_-]*$"


def _day(value: object) -> object:
    """A date from ISO text; the YAML reader leaves dates as text."""
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise ValueError("expected a day such as 2026-10-05")


def wall_time(value: object) -> object:
    """A time of day from ``HH:MM``; the YAML reader leaves times as text."""
    if isinstance(value, str) and re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        return time.fromisoformat(value)
    raise ValueError('expected a time of day such as "09:00"')


DAY_SCHEMA = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"}
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema(DAY_SCHEMA)]
WallTime = Annotated[
    time, BeforeValidator(wall_time), WithJsonSchema({"type": "string", "pattern": r"^([01]\d|2[0-3]):[0-5]\d$"})
]
Contact = Annotated[str, Field(pattern=CONTACT)]
DeclaredClass = Annotated[str, Field(pattern=rf"^{PATTERN}$")]


class Person(Strict):
    """Somebody who can be on call or escalated to; ``contact`` names an address, it is not one.

    ``left`` is the first day on which somebody is no longer there. They stay on the roster, so that the weeks that
    were theirs stay theirs; ``replaced_by`` stands in their places from then on.
    """

    name: Annotated[str, Field(min_length=1)]
    role: Annotated[str, Field(min_length=1)]
    contact: Contact
    left: Day | None = None
    replaced_by: str | None = None


class Team(Strict):
    """A team that owns, consults or reads; where no people are listed its contact stands for it."""

    contact: Contact
    manager: Contact | None = None
    people: list[str] = []


class Rotation(Strict):
    """The weekly ring, counted in calendar weeks from the anchor Monday and handed over at a company wall time.

    ``meeting_minutes`` is the length of the handover meeting.
    """

    anchor: Day
    handover: WallTime
    meeting_minutes: Annotated[int, Field(ge=5, le=240)] = 30
    ring: Annotated[list[str], Field(min_length=1)]
    lead: str
    manager: str


class CompanyDay(Strict):
    """A day the company is closed beside the public holidays."""

    day: Day
    name: Annotated[str, Field(min_length=1)]


class Leave(Strict):
    """The days somebody is away, both included, from midnight to midnight in the company's zone."""

    person: str
    first: Day
    last: Day


class Swap(Strict):
    """A week taken over in advance: ``person`` stands where ``instead_of`` would have, from its Monday's handover."""

    week: Day
    person: str
    instead_of: str


class WorkingHours(Strict):
    """The company's working hours on weekdays that are not holidays: what is not critical waits for them."""

    opens: WallTime
    closes: WallTime


class WatchHours(Strict):
    """The wall times at which a team may be called, on days of some kinds; a watch may close on the next day.

    A day is a *weekday* (Monday to Friday, no holiday), a *weekend* day or a *holiday* (also a company day); a holiday
    on a Saturday is both. ``during`` keeps to the last seven days of the month, or to the days before them. ``support``
    is copied while others watch, but opens no watch.
    """

    team: str
    role: Literal["watch", "backup", "escalation", "support"] = "watch"
    during: Literal["month", "last_week", "before_last_week"] = "month"
    days: Annotated[list[DayKind], Field(min_length=1)]
    opens: WallTime
    closes: WallTime


class AtOnce(Strict):
    """Failures that are told at any hour: of a severity or graver, of some ways of failing or (empty) of all."""

    severity: Annotated[Severity, Field(strict=False)]
    classes: list[DeclaredClass] = []
    because: Annotated[str, Field(min_length=1)]


class Watch(Strict):
    """Who may be called, when, for some pipelines, and what does not wait for it."""

    pipelines: Annotated[list[str], Field(min_length=1)]
    hours: Annotated[list[WatchHours], Field(min_length=1)]
    at_once: list[AtOnce] = []


class RosterModel(Strict):
    """``runbooks/roster.yml``."""

    zone: str
    country: str
    subdivision: str | None = None
    company_days: list[CompanyDay] = []
    worked_holidays: list[str] = []
    people: Annotated[dict[Annotated[str, Field(pattern=PERSON_ID)], Person], Field(min_length=1)]
    teams: Annotated[dict[str, Team], Field(min_length=1)]
    rotation: Rotation
    leave: list[Leave] = []
    swaps: list[Swap] = []
    working_hours: WorkingHours
    watch: Annotated[list[Watch], Field(min_length=1)]


def mistakes(model: RosterModel) -> Iterator[tuple[yamlfile.Key, str]]:
    """Every mistake that needs more than one key to be seen."""
    people = [*model.people]
    rotation = model.rotation
    if not is_zone(model.zone):
        yield ("zone",), f"unknown time zone {model.zone!r}; expected a name such as America/New_York"
    known = is_known(model.country, model.subdivision)
    if not known:
        place = f"{model.country!r}" + (f" with subdivision {model.subdivision!r}" if model.subdivision else "")
        yield ("country",), f"no public holidays are known for {place}; expected an ISO 3166 code such as US"
    years = range(rotation.anchor.year, rotation.anchor.year + 10)
    listed = {item.day.year for item in model.company_days}
    empty = [y for y in years_without(model.country, model.subdivision, years) if y not in listed] if known else []
    if empty:
        named_years = ", ".join(map(str, empty))
        message = f"no public holidays are known for {model.country!r} in {named_years}; list them under company_days"
        yield ("country",), message
    for number, name in enumerate(model.worked_holidays if known else ()):
        names = holiday_names(model.country, model.subdivision, years)
        if name not in names:
            yield ("worked_holidays", number), f"no public holiday {name!r}; {choices(name, names)}"
    yield from _repeats(("company_days",), [item.day for item in model.company_days])
    if rotation.anchor.weekday() != 0:
        yield ("rotation", "anchor"), f"{rotation.anchor} is a {rotation.anchor:%A}; expected a Monday"
    yield from _repeats(("rotation", "ring"), rotation.ring)
    named: list[tuple[yamlfile.Key, str]] = [
        (("rotation", "ring", n), person) for n, person in enumerate(rotation.ring)
    ]
    named += [(("rotation", "lead"), rotation.lead), (("rotation", "manager"), rotation.manager)]
    named += [(("people", p, "replaced_by"), by) for p, person in model.people.items() if (by := person.replaced_by)]
    named += [(("teams", team, "people", n), p) for team, t in model.teams.items() for n, p in enumerate(t.people)]
    named += [(("leave", n, "person"), item.person) for n, item in enumerate(model.leave)]
    for n, swap in enumerate(model.swaps):
        named += [(("swaps", n, "person"), swap.person), (("swaps", n, "instead_of"), swap.instead_of)]
    for key, person in named:
        if person not in model.people:
            yield key, f"nobody has the id {person!r}; {choices(person, people)}"
    if rotation.manager in rotation.ring:
        yield (
            ("rotation", "manager"),
            "the manager takes what the ring did not solve and cannot stand in it",
        )
    if rotation.lead == rotation.manager:
        yield (
            ("rotation", "manager"),
            "the Lead and the manager are the same person; an escalation would end in a circle",
        )
    for n, item in enumerate(model.leave):
        if item.last < item.first:
            yield ("leave", n, "last"), f"the leave ends on {item.last}, before it begins on {item.first}"
        for earlier in model.leave[:n]:
            if earlier.person == item.person and earlier.first <= item.last and item.first <= earlier.last:
                yield ("leave", n), f"overlaps with the leave of {item.person} from {earlier.first} to {earlier.last}"
    yield from _leaver_mistakes(model)
    yield from _swap_mistakes(model)
    yield from _watch_mistakes(model)


def is_zone(name: str) -> bool:
    """Whether a name is that of a time zone."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, not a name, or a folder of the zone database such as America
        return False
    return True


def successor(people: Mapping[str, Person], person_id: str, day: date) -> str:
    """Who stands in somebody's places on a day: themselves, or who replaced them when they had left by then."""
    seen = {person_id}
    while (person := people[person_id]).left and person.left <= day and person.replaced_by in people.keys() - seen:
        person_id = str(person.replaced_by)
        seen.add(person_id)
    return person_id


def _leaver_mistakes(model: RosterModel) -> Iterator[tuple[yamlfile.Key, str]]:
    for name, person in model.people.items():
        if person.replaced_by and not person.left:
            yield ("people", name, "replaced_by"), f"{name} has not left; say since when: left"
        if person.left and person.replaced_by in model.people:
            last = model.people[successor(model.people, name, date.max)]
            if last.left and last.replaced_by:
                yield ("people", name, "replaced_by"), "those who replaced each other have all left, in a circle"
    for name, team in model.teams.items():
        if "people" in team.model_fields_set and not team.people:
            message = "nobody is in the team; leave the key out where its contact stands for it"
            yield ("teams", name, "people"), message


def _swap_mistakes(model: RosterModel) -> Iterator[tuple[yamlfile.Key, str]]:
    rotation = model.rotation
    yield from _repeats(("swaps",), [item.week for item in model.swaps])
    for n, swap in enumerate(model.swaps):
        if swap.week.weekday() != 0:
            yield ("swaps", n, "week"), f"{swap.week} is a {swap.week:%A}; a week is named by its Monday"
            continue
        due = rotation.ring[((swap.week - rotation.anchor).days // 7) % len(rotation.ring)]
        due = successor(model.people, due, swap.week) if due in model.people else due
        if swap.instead_of != due:
            yield ("swaps", n, "instead_of"), f"the week of {swap.week} is {due}'s, not {swap.instead_of}'s"
        if swap.person == swap.instead_of:
            yield ("swaps", n, "person"), f"{swap.person} cannot swap with themselves"


def _watch_mistakes(model: RosterModel) -> Iterator[tuple[yamlfile.Key, str]]:
    if model.working_hours.closes <= model.working_hours.opens:
        yield ("working_hours", "closes"), "the working hours end before they begin"
    seen: set[str] = set()
    for n, watch in enumerate(model.watch):
        for m, pipeline in enumerate(watch.pipelines):
            if pipeline in seen:
                yield ("watch", n, "pipelines", m), f"the watch of {pipeline} appears here twice"
            seen.add(pipeline)
        for m, hours in enumerate(watch.hours):
            if hours.team not in model.teams:
                message = f"no team {hours.team!r}; {choices(hours.team, [*model.teams])}"
                yield ("watch", n, "hours", m, "team"), message
            for earlier in watch.hours[:m]:
                if _overlap(earlier, hours):
                    yield ("watch", n, "hours", m), f"overlaps with other hours of {hours.team} for these pipelines"
        if all(hours.role == "support" or hours.days == ["holidays"] for hours in watch.hours):
            yield ("watch", n, "hours"), "nobody watches on an ordinary day; only support or holidays stand here"


def _overlap(one: WatchHours, other: WatchHours) -> bool:
    """Whether hours of the same team meet on days of a kind; hours that close on the next day reach to its midnight."""
    apart = {one.during, other.during} == {"last_week", "before_last_week"}
    if one.team != other.team or apart or not {*one.days} & {*other.days}:
        return False
    first, second = sorted((one, other), key=lambda hours: hours.opens)
    return first.closes <= first.opens or second.opens < first.closes


def _repeats(key: yamlfile.Key, values: Sequence[object]) -> Iterator[tuple[yamlfile.Key, str]]:
    for number, value in enumerate(values):
        if value in values[:number]:
            yield (*key, number), f"{value} appears here twice"
