"""Figures that a level wants by now and that are not there: of a job that never ran nobody else would tell.

What a run found is told by its red checks. A run that was never made, or left no record, has none: it is missed here,
by the levels of the pipeline's page. Nobody waits for a pipeline that was never published, for what was due before it
first published figures as of about then (what demos and backfills rebuild is history), or for more than three months.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from dq import store
from dq.base import periods
from dq.base.errors import StoreError
from dq.base.failure_classes import FailureClass
from dq.base.model import Kind
from dq.base.periods import EVENTS_SETTLE, Grain
from dq.declare.implied_checks import IN_TIME, in_time_class
from dq.declare.registry import Pipeline, Registry
from dq.month import level_history
from dq.month.attainment import KINDS, Attainment, Happened, LevelState, Publication, counts, judged
from dq.month.known_facts import answered
from dq.month.prevalidation import AnswerState, Prevalidation
from dq.people.levels import Age, Level, moment_text
from dq.run import run_records
from dq.run.known_figures import KnownFigures
from dq.tell.incidents import Failure, Observation
from dq.tell.recipients import House

Key = tuple[str, str]
LIVE = timedelta(hours=24)
"""Figures as of less than this before their commit were computed because they were due."""
BEFORE = timedelta(days=70)
"""So long before the first day looked at a period may have ended that falls due on it."""


@dataclass(frozen=True, kw_only=True)
class Missed:
    """What of a pipeline's period is not there: since when, which levels in words, and for what held run it waits."""

    since: datetime
    said: str
    waits_for: str = ""


def observations(known: KnownFigures, house: House) -> list[Observation]:
    """What is to be said now of missing figures: which are missed anew or moreover, and which are there again."""
    open_ones = {
        (one.pipeline, one.period): one
        for one in known.incidents.values()
        if one.failure.check == f"{one.pipeline}.{IN_TIME}" and one.open and house.known(one.pipeline)
    }
    found = missed(known, house, open_ones)
    told = []
    for pipeline, period in sorted({*found, *open_ones}):
        it, before = found.get((pipeline, period)), open_ones.get((pipeline, period))
        if it is None and pipeline in known.damaged:
            continue
        failure = _failure(known, house, pipeline, it) if it else None
        if failure and before and failure.found == before.failure.found:
            continue
        as_of = it.since if it and before is None else known.at
        told.append(known.noted(pipeline, period, f"{pipeline}.{IN_TIME}", failure, as_of))
    return told


def _failure(known: KnownFigures, house: House, pipeline: str, it: Missed) -> Failure:
    of_class = in_time_class(known.declared.pipeline(pipeline))
    what = "what readers wait for is not there" if of_class == FailureClass.DELIVERY else "no run was made"
    return house.failure(pipeline, f"{pipeline}.{IN_TIME}", of_class, f"{what}: {it.said}", it.waits_for)


def missed(known: KnownFigures, house: House, told: Iterable[Key] = ()) -> dict[Key, Missed]:
    """The figures that are not there by pipeline and period, the days of a month together.

    Of figures that investors read it does not matter whether a run was made: late figures are a late report. What was
    ``told`` to be missing is looked at however old it is. A damaged log says nothing of its own pipeline, and of no
    other.
    """
    month = f"{known.at.astimezone(house.roster.zone):%Y-%m}"
    old = (f"{periods.days_of(period)[0]:%Y-%m}" for _, period in told)
    first = min([periods.previous_month(periods.previous_month(month)), *old])
    found: dict[Key, Missed] = {}
    for name, item in known.declared.pipelines.items():
        if item.document or name in known.damaged:
            continue  # the report of a document is late by a level of its own
        grouped: dict[Key, list[Attainment]] = {}
        for one in _due(known, house, name, item, first):
            end = periods.days_of(one.period, item.grain)[1]
            period = f"{end:%Y-%m}" if item.grain is Grain.DAY else one.period
            grouped.setdefault((name, period), []).append(one)
        for key, listed in grouped.items():
            said = _said(house, name, key[1], listed, known.at)
            found[key] = Missed(since=min(one.due for one in listed), said=said)
    return {key: replace(one, waits_for=_waits_for(known, key, found)) for key, one in found.items()}


def _due(known: KnownFigures, house: House, name: str, item: Pipeline, month: str) -> Iterator[Attainment]:
    """The levels of one pipeline, from a month on, that are over and for which nothing is there."""
    front, commit, first = house.front(name), known.current[name], periods.days_of(month)[0]
    if front is None or commit is None:
        return
    answers = [one for one in known.answers if one.month >= month]
    seen = {period: one for period, one in commit.entries.items() if one.data_through >= first - BEFORE}
    there = [Publication(period=one.period, kind=one.kind, at=one.as_of or commit.committed) for one in seen.values()]
    today = known.at.astimezone(house.roster.zone).date()
    happened = Happened(publications=there, answers=answered(name, answers))
    by_id = {level.id: level for level in front.levels}
    over = [
        one
        for one in judged(house.roster, front, item.grain, happened, first=first, last=today, now=known.at)
        if one.state is LevelState.MISSED and one.kept is None and _is_of_figures(by_id[one.level])
    ]
    since = _live_since(known, name, seen.values()) if over else None
    for one in over:
        level, end = by_id[one.level], periods.days_of(one.period, item.grain)[1]
        if since is None or one.due <= since:
            continue
        if level.met_by == "pre_validated":
            if not _was_asked(name, one.period, one.due, seen, answers):
                yield one
        elif in_time_class(item) == FailureClass.DELIVERY or not _was_run(
            known, name, item.grain, end, final=level.met_by == "final"
        ):
            yield one


def _is_of_figures(level: Level) -> bool:
    """Whether a level waits for figures, not for data to come in or for nothing to be red."""
    return level.met_by in (*KINDS, "pre_validated") and not isinstance(level, Age)


def _live_since(known: KnownFigures, name: str, entries: Iterable[store.PeriodEntry]) -> datetime | None:
    """When a pipeline first published what it computed about then; None where it never did, or too long ago."""
    for entry in sorted(entries, key=lambda one: one.version):
        try:
            committed = known.commit(name, entry.version).committed
        except StoreError:
            continue  # damaged, and told of by whoever reads it: what is there does not depend on it
        if entry.as_of is None or committed - entry.as_of <= LIVE:
            return committed
    return None


def _was_asked(
    pipeline: str,
    month: str,
    due: datetime,
    there: Mapping[str, store.PeriodEntry],
    answers: Sequence[Prevalidation],
) -> bool:
    """Whether a month was pre-validated: what is red then tells itself; a final month needs no answer any more."""
    if month in there and there[month].kind is Kind.FINAL:
        return True
    counted = [one for one in answers if one.month == month and counts(one.given, due)]
    told = [line for one in counted for line in one.pipelines if line.pipeline == pipeline]
    return any(line.state is not AnswerState.CANNOT_TELL or line.controls for line in told)


def _was_run(known: KnownFigures, pipeline: str, grain: Grain, last: date, *, final: bool) -> bool:
    """Whether a run that left a record computed a day once it was over, or a month once it could be final."""
    over = datetime.combine(last + timedelta(days=1), time(), UTC) + (EVENTS_SETTLE if final else timedelta())
    for name in known.runs.get(pipeline, ()):
        if run_records.started_of(name) < over:
            return False  # the newest come first
        begins, ends = periods.days_of(run_records.period_of(name), grain)
        if begins <= last <= ends:
            record = known.run(name)
            if record is not None and record.as_of >= over:
                return True
    return False


def _said(house: House, name: str, key: str, listed: Sequence[Attainment], now: datetime) -> str:
    """The levels that are over with the first date each was due and the periods it is about."""
    front, zone = house.front(name), house.roster.zone
    by_id = {level.id: level for level in front.levels} if front else {}
    said = []
    for label in dict.fromkeys(one.label for one in listed):
        own = [one for one in listed if one.label == label]
        when = moment_text(by_id[own[0].level], level_history.due_of(own[0], zone), now, zone)
        about = [one.period for one in own]
        many = f" to {about[-1]} ({len(about)})" if len(about) > 1 else ""
        said.append(f"{label} {when}" + (f" of {about[0]}{many}" if about != [key] else ""))
    return ", ".join(said)


def _waits_for(known: KnownFigures, key: Key, found: Mapping[Key, Missed]) -> str:
    """Pipeline and period of what holds a pipeline back, the first of all: missing itself, or held."""
    (name, period), declared = key, known.declared
    needed, days = _upstream(declared, name), periods.days_of(period, declared.pipelines[name].grain)
    for other in (one for one in declared.order() if one in needed):
        for one, at in found:
            span = periods.days_of(at, declared.pipelines[one].grain)
            if one == other and span[0] <= days[1] and days[0] <= span[1]:
                return f"{one}/{at}"
        held = run_records.held(known.runs.get(other, ()), known.run, [f"{days[1]:%Y-%m}"])
        if held is not None:
            while held.upstream is not None:
                held = held.upstream
            return f"{held.pipeline}/{held.period}"
    return ""


def _upstream(declared: Registry, name: str) -> set[str]:
    direct = declared.pipelines[name].upstream
    return {*direct, *(deeper for one in direct for deeper in _upstream(declared, one))}
