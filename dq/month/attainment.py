"""Service levels over time: which were met, which missed, and by how much.

Plain values and plain functions over what was published, pre-validated and red: nothing here reads a warehouse or
prints. Figures are there from the instant they were committed, an answer from the instant it was given: as of when they
were computed says nothing of when somebody could read them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from dq.base.model import Json, Kind
from dq.base.periods import Grain, days_between, days_of, ending_in, week_id
from dq.month.prevalidation import COUNTDOWN
from dq.people.levels import BusinessDay, DayOfMonth, Level, MonthEnd, Weekday, Within, deadline, end_of
from dq.people.roster import Roster
from dq.runbooks.agenda import failed_first, periods_of
from dq.runbooks.frontmatter import FrontMatter

KINDS = {"published": tuple(Kind), "preliminary": (Kind.PRELIMINARY, Kind.FINAL), "final": (Kind.FINAL,)}
"""The kinds of figures that keep a level, by what it is met by."""
OF_MONTH = (DayOfMonth, MonthEnd, BusinessDay)
"""Levels that are due by a date of the month, whatever the periods of the pipeline are."""


_MONTH = len("2026-10")


class LevelState(StrEnum):
    """What became of one level for one period."""

    MET = "met"
    MISSED = "missed"
    OPEN = "open"

    @property
    def word(self) -> str:
        """What people read: of what is still open that it is pending."""
        return "pending" if self is LevelState.OPEN else self.value


@dataclass(frozen=True, kw_only=True)
class Publication:
    """A period of a table as it became readable, at a UTC instant."""

    period: str
    kind: Kind
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Red:
    """A check of a pipeline that was red: from when, until when (None: still), and of which class."""

    period: str
    check: str
    failure_class: str
    since: datetime
    until: datetime | None


@dataclass(frozen=True, kw_only=True)
class Happened:
    """What happened to one pipeline; ``answers`` say by month at which instants it was found ready, and when not."""

    publications: Sequence[Publication] = ()
    answers: Mapping[str, Mapping[datetime, bool]] = field(default_factory=dict)
    reds: Sequence[Red] = ()


@dataclass(frozen=True, kw_only=True)
class Attainment:
    """One level of one pipeline for one period: when it was due, what became of it, and when it was kept if it was.

    ``by_day`` says that it is due by the end of a day of the company, not at an instant. What is not ``settled`` was
    met, and can be missed yet.
    """

    pipeline: str
    level: str
    label: str
    period: str
    due: datetime
    state: LevelState
    kept: datetime | None = None
    by_day: bool = True
    settled: bool = True

    @property
    def name(self) -> str:
        """The name it is kept under."""
        return f"{self.pipeline}-{self.level}-{self.period}-{self.due:%Y%m%dt%H%Mz}".lower()


def judged(
    roster: Roster,
    front: FrontMatter,
    grain: Grain,
    facts: Happened,
    *,
    first: date,
    last: date,
    now: datetime,
) -> list[Attainment]:
    """Every level of a pipeline that was or is due from the company's day ``first`` to ``last``, in order of time.

    Periods before the first one that was ever published are left out: nobody waited for them. Days that fall due on one
    weekday are one week, named by the ISO week of its deadline.
    """
    began = min((days_of(one.period, grain)[0] for one in facts.publications), default=None)
    found: list[Attainment] = []
    for level in front.levels:
        if isinstance(level, Within):
            found += _of_failures(roster, front, level, facts.reds, now)
            continue
        together: dict[tuple[str, datetime], tuple[date, date]] = {}
        for period, days in periods_of(level, roster, grain, first, last):
            moment = deadline(level, roster=roster, days=days, first_failed=failed_first(level, days))
            if moment is None or began is None or days[1] < began:
                continue
            due = end_of(moment, roster.zone)
            if isinstance(level, Weekday) and grain is Grain.DAY:
                period = week_id(due.astimezone(roster.zone).date())
            together[period, due] = (together.get((period, due), days)[0], days[1])
        for (period, due), days in together.items():
            by_day = isinstance(level, OF_MONTH)
            since = (max(began or days[0], days[0]), days[1])
            wanted = _wanted(level, roster, grain, period, since, due)
            kept = _kept(level, grain, wanted, since, due, facts, now)
            found.append(_attainment(front.pipeline, level, period, due, kept, now, by_day=by_day))
    inside = [one for one in found if first <= one.due.astimezone(roster.zone).date() <= last + timedelta(days=1)]
    return sorted(inside, key=lambda one: (one.due, one.level, one.period))


def _of_failures(
    roster: Roster, front: FrontMatter, level: Within, reds: Sequence[Red], now: datetime
) -> Iterator[Attainment]:
    for red in reds:
        if level.classes and red.failure_class not in level.classes:
            continue
        days = (red.since.date(), red.since.date())
        moment = deadline(level, roster=roster, days=days, first_failed=red.since)
        if moment is not None:
            due = end_of(moment, roster.zone)
            period, by_day = f"{red.period}-{red.check}", not isinstance(moment, datetime)
            one = _attainment(front.pipeline, level, period, due, red.until, now, by_day=by_day)
            # The same incident may open again before it is due, and outlive that.
            yield replace(one, settled=now >= due)


def _attainment(
    pipeline: str, level: Level, period: str, due: datetime, kept: datetime | None, now: datetime, *, by_day: bool
) -> Attainment:
    later = LevelState.MISSED if now > due else LevelState.OPEN
    state = LevelState.MET if kept is not None and kept <= due else later
    return Attainment(
        pipeline=pipeline,
        level=level.id,
        label=level.label,
        period=period,
        due=due,
        state=state,
        kept=kept,
        by_day=by_day,
    )


def _wanted(
    level: Level, roster: Roster, grain: Grain, period: str, days: tuple[date, date], due: datetime
) -> list[str]:
    """The periods that have to be published to keep a level.

    A date of the month asks a pipeline of shorter periods for those that end in the month and before that day.
    """
    whole = [day.isoformat() for day in days_between(*days)] if grain is Grain.DAY else [period]
    if not isinstance(level, OF_MONTH) or grain is Grain.MONTH:
        return whole
    if grain is not Grain.DAY:
        whole = ending_in(f"{days[1]:%Y-%m}", grain, roster.model.rotation.anchor)
    by = (due - timedelta(seconds=1)).astimezone(roster.zone).date()
    return [one for one in whole if days[0] <= days_of(one, grain)[1] < by]


def _kept(
    level: Level,
    grain: Grain,
    wanted: Sequence[str],
    days: tuple[date, date],
    due: datetime,
    facts: Happened,
    now: datetime,
) -> datetime | None:
    """The instant from which a level was kept; None while it is not."""
    if level.met_by == "pre_validated":
        given = {at: ready for at, ready in facts.answers.get(f"{days[1]:%Y-%m}", {}).items() if at <= now}
        return decided_ready(given, due) if now >= due else None
    if level.met_by == "green":
        if now < due:
            return None
        ends = [one.until for one in facts.reds if one.since <= due and _falls_into(one.period, grain, days)]
        if None in ends:
            return None
        return max((end for end in ends if end), default=due)
    kinds = KINDS[level.met_by]
    instants = []
    for one in wanted:
        seen = [published.at for published in facts.publications if published.period == one and published.kind in kinds]
        if not seen:
            return None
        instants.append(min(seen))
    return max(instants, default=due if now >= due else None)  # nothing of the month was over by then


def decided_ready(given: Mapping[datetime, bool], due: datetime) -> datetime | None:
    """The instant of the answer that kept a month pre-validated: the last one by its day, where that found it ready.

    Where it did not, or none was given, the first one after it that did; it comes late.
    """
    counted = sorted(at for at in given if counts(at, due))
    decision = [at for at in counted if at <= due][-1:]
    return next((at for at in [*decision, *(at for at in counted if at > due)] if given[at]), None)


def counts(given: datetime, due: datetime) -> bool:
    """Whether an answer decides: one from before the countdown says too little of the month."""
    return given >= due - timedelta(days=COUNTDOWN[0] + 1)


def _falls_into(period: str, grain: Grain, days: tuple[date, date]) -> bool:
    """Whether a period belongs to some days: by its last one, so that a week counts in the month it ends in.

    What a month that was run at once found belongs to every week that ends in it.
    """
    first, last = days_of(period, grain)
    return days[0] <= last <= days[1] or (len(period) == _MONTH and first <= days[1] <= last)


def to_json(one: Attainment) -> dict[str, Json]:
    """An attainment as a plain JSON document."""
    return {
        "pipeline": one.pipeline,
        "level": one.level,
        "label": one.label,
        "period": one.period,
        "due": one.due.isoformat(),
        "state": one.state.value,
        "kept": one.kept.isoformat() if one.kept else None,
        "by_day": one.by_day,
    }


def from_json(doc: Mapping[str, Json]) -> Attainment:
    """The attainment in a document that ``to_json`` wrote; KeyError or ValueError where it holds something else."""
    kept = doc["kept"]
    return Attainment(
        pipeline=str(doc["pipeline"]),
        level=str(doc["level"]),
        label=str(doc["label"]),
        period=str(doc["period"]),
        due=datetime.fromisoformat(str(doc["due"])),
        state=LevelState(str(doc["state"])),
        kept=datetime.fromisoformat(str(kept)) if kept else None,
        by_day=bool(doc.get("by_day", True)),
    )
