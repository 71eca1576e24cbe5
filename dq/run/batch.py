"""Many runs, one after another: which are due, in which order, as of when, and which are not tried after a failure.

Plain values and plain functions: nothing here reads a warehouse, starts Spark or prints.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from dq import store
from dq.base import periods
from dq.base.errors import UsageError
from dq.base.model import Kind, RunRecord, Verdict
from dq.declare.registry import Pipeline, Registry
from dq.people import BusinessCalendar
from dq.run import inputs
from dq.run.schedule import scheduled_as_of

Key = tuple[str, str]
"""A pipeline and one of its periods."""

# The gravest first: a mistake of the caller, no evidence, failed data, published but not delivered, all well.
GRAVEST = (2, 3, 1, 4, 0)
NOT_TRIED = 3  # as a run whose upstream is held: nothing was evaluated
_MONTH = len("2026-10")


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What readers see of a pipeline's period: the version, how complete it is, and the instant it is as of."""

    version: int
    kind: Kind
    as_of: datetime | None


@dataclass(frozen=True, kw_only=True)
class Step:
    """One run to be: a pipeline's period as of an instant.

    ``needs`` are the earlier steps it builds on or compares with, ``why`` says in a few words where the instant comes
    from, ``shown`` is what readers see before the step.
    """

    pipeline: str
    period: str
    as_of: datetime
    needs: Sequence[Key] = ()
    why: str = ""
    shown: Shown | None = None

    @property
    def key(self) -> Key:
        """Pipeline and period."""
        return self.pipeline, self.period


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How one step ended: its exit code, its record where it has one, or why it was not tried.

    ``kept`` says that the record is in the warehouse, so that a run built on this one finds it held.
    """

    step: Step
    code: int
    record: RunRecord | None = None
    kept: bool = False
    not_tried: str = ""

    @property
    def published(self) -> bool:
        """Whether readers see the figures of this step, new or unchanged."""
        return self.record is not None and self.record.verdict.published

    @property
    def word(self) -> str:
        """The outcome in a word or two."""
        if self.not_tried:
            return "not tried"
        if self.record is None:
            return {2: "refused", 130: "interrupted", 143: "terminated"}.get(self.code, "could not be evaluated")
        if self.record.already_published:
            return "unchanged"
        return {
            Verdict.PUBLISH: "published",
            Verdict.PUBLISH_PARTIAL: "published as partial",
            Verdict.HOLD: "held",
        }.get(self.record.verdict, "could not be evaluated")


def worst(codes: Collection[int]) -> int:
    """The exit code of several runs together: interrupted or terminated first, else the gravest; 0 for none."""
    return next((code for code in (143, 130, *GRAVEST) if code in codes), max(codes, default=0))


def periods_of(
    registry: Registry, name: str, period: str, anchor: date, shown: Callable[[str, str], Shown | None], *, first: str
) -> list[str]:
    """The periods a pipeline is computed for when a period is asked for of all of them; none where it does not fit.

    A month is asked of weeks and fortnights by those that end in it. Of what begins before ``first``, the first month
    of the batch, only that for which the month before is published: nothing else could come of it than a failure.
    """
    item = registry.pipelines[name]
    try:
        if len(period) != _MONTH:
            periods.days_for(period, item.grain, anchor)
            return [period]
    except UsageError:
        return []
    begins, before = periods.days_of(first)[0], periods.previous_month(first)
    there = all(shown(table, before) for table in item.upstream if registry.pipelines[table].grain is periods.Grain.DAY)
    ids = periods.ending_in(period, item.grain, anchor)
    return [one for one in ids if there or periods.days_of(one, item.grain)[0] >= begins]


def all_of(
    registry: Registry,
    period: str,
    as_of: datetime,
    anchor: date,
    shown: Callable[[str, str], Shown | None],
    *,
    running_on: bool = False,
) -> list[Step]:
    """Every pipeline that is computed for the period, each after its upstream ones, all as of one instant.

    With ``running_on`` a month also asks for the week and fortnight that run on into the next one, on its days so far.
    """
    steps: list[Step] = []
    for name in registry.order():
        ids = periods_of(registry, name, period, anchor, shown, first=period)
        if running_on and (last := periods.running_on(period, as_of, registry.pipelines[name].grain, anchor)):
            ids.append(last)
        for one in ids:
            if periods.days_of(one, registry.pipelines[name].grain)[0] >= as_of.date():
                continue  # a week ahead of a month that has begun
            step = Step(pipeline=name, period=one, as_of=as_of, needs=_upstream(registry, name, one, steps))
            before = (name, periods.period_before(one, registry.pipelines[name].grain))
            if registry.pipelines[name].compares_with_previous and before in {planned.key for planned in steps}:
                step = replace(step, needs=(*step.needs, before))
            steps.append(step)
    return steps


def downstream(registry: Registry, pipeline: str) -> list[str]:
    """The pipelines built on this one, directly or not, each after its upstream ones."""
    found = [pipeline]
    for name in registry.order():
        if set(registry.pipelines[name].upstream) & set(found):
            found.append(name)
    return found[1:]


def without_inputs(
    registry: Registry,
    pipeline: str,
    below: Sequence[str],
    months: Sequence[str],
    shown: Callable[[str, str], Shown | None],
) -> dict[str, str]:
    """What is built on a pipeline and cannot be rebuilt with it, each with a table that has published no such month."""
    lacking: dict[str, str] = {}
    for name in below:
        for table in registry.pipelines[name].upstream:
            rebuilt = table == pipeline or (table in below and table not in lacking)
            if not rebuilt and not any(shown(table, month) for month in months):
                lacking[name] = table
                break
    return lacking


def rebuild(
    registry: Registry,
    calendar: BusinessCalendar,
    pipelines: Collection[str],
    *,
    first: str,
    last: str,
    now: datetime,
    anchor: date,
    shown: Callable[[str, str], Shown | None],
    as_of: datetime | None = None,
) -> list[Step]:
    """The runs that rebuild pipelines from one month to another: periods in order of time, upstream first in each.

    Without ``as_of`` each run is as of its period's scheduled final run, or where that is still ahead as of the start
    of today. It is never before the instant readers' figures are as of, which would go back, nor before that of what
    it is built on or compares with, which it could not know. So the same command again is the same runs, and what is
    done already is found unchanged. A week or fortnight that ends in the month after the last is rebuilt where it is
    published.
    """
    order = [name for name in registry.order() if name in pipelines]
    pairs = [
        (name, period)
        for month in periods.months_between(first, last)
        for name in order
        for period in periods_of(registry, name, month, anchor, shown, first=first)
    ]
    # A week or fortnight that runs on into the month after is built on these days, too.
    ahead = datetime.combine(periods.days_of(last)[1] + timedelta(days=1), time(), UTC)
    for name in order:
        period_ahead = periods.running_on(last, ahead, registry.pipelines[name].grain, anchor)
        if period_ahead and shown(name, period_ahead):
            pairs.append((name, period_ahead))
    steps: list[Step] = []
    for name, period in pairs:
        item = registry.pipelines[name]
        there = shown(name, period)
        candidates = [_scheduled(item, calendar, period, now)]
        if there and there.as_of:
            candidates.append((there.as_of, "as published"))
        upstream = _upstream(registry, name, period, steps)
        for table in item.upstream:
            planned = {step.period: step.as_of for step in steps if step.pipeline == table and step.key in upstream}
            months = {f"{day:%Y-%m}" for day in periods.days_of(period, item.grain)} - set(planned)
            seen = [one.as_of for month in months if (one := shown(table, month)) and one.as_of]
            if built_on := [*planned.values(), *seen]:
                candidates.append((max(built_on), f"as {table}"))
        if item.compares_with_previous:
            previous = (name, periods.period_before(period, item.grain))
            compared = [step.as_of for step in steps if step.key == previous]
            if not compared and (one := shown(*previous)) and one.as_of:
                compared = [one.as_of]
            candidates += [(instant, f"as {' '.join(previous)}") for instant in compared]
        latest = (as_of, "given") if as_of else max(candidates, key=lambda candidate: candidate[0])
        if periods.days_of(period, item.grain)[0] >= latest[0].date():
            continue  # a week ahead of a month that has begun
        before = [step.key for step in steps if step.pipeline == name][-1:] if item.compares_with_previous else []
        needs = (*upstream, *before)
        steps.append(Step(pipeline=name, period=period, as_of=latest[0], needs=needs, why=latest[1], shown=there))
    return steps


def _scheduled(item: Pipeline, calendar: BusinessCalendar, period: str, now: datetime) -> tuple[datetime, str]:
    scheduled = scheduled_as_of(item.scheduled, calendar, period, item.grain)
    if scheduled <= now:
        return scheduled, "scheduled"
    # The last whole day is in at midnight; a later instant today would make another run of every repetition.
    return datetime.combine(now.date(), time(), UTC), "start of today, the final run is ahead"


def _upstream(registry: Registry, name: str, period: str, steps: Sequence[Step]) -> tuple[Key, ...]:
    """The earlier steps a period of a pipeline is built on: those of its upstream that share a day's month with it."""
    first, last = periods.days_of(period, registry.pipelines[name].grain)
    months = {f"{first:%Y-%m}", f"{last:%Y-%m}"}
    return tuple(
        step.key
        for step in steps
        if step.pipeline in registry.pipelines[name].upstream and (step.period == period or step.period in months)
    )


def blocked(step: Step, ended: Mapping[Key, Ended], *, held_runs: bool) -> str:
    """Why a step is not tried, empty when it is: something it needs was not published in this session.

    With ``held_runs`` it is tried all the same where the warehouse tells it that its upstream is held: then its own
    card shows the upstream's. A run that was refused leaves nothing there, and the figures of before would be read.
    """
    for key in step.needs:
        before = ended.get(key)
        if before is None or before.published or (held_runs and before.kept):
            continue
        what = f"{key[0]} {key[1]}"
        if before.not_tried:
            return f"{what} was not tried"
        return f"{what} was {before.word}" if before.word != "could not be evaluated" else f"{what} {before.word}"
    return ""


def due_again(registry: Registry, ended: Sequence[Ended], shown: Callable[[str, str], Shown | None]) -> list[Key]:
    """The published periods that compare with one published anew here and were not run after it themselves."""
    ran = {one.step.key for one in ended}
    found = []
    for one in ended:
        name, period = one.step.key
        if one.word.startswith("published") and registry.pipelines[name].compares_with_previous:
            following = (name, periods.period_after(period, registry.pipelines[name].grain))
            if following not in ran and shown(*following):
                found.append(following)
    return found


def refuse_future(as_of: datetime, now: datetime, where: str = "--as-of") -> None:
    """Refuse a clock and knowledge cut that has not come: figures would claim days that are not over."""
    if as_of > now:
        raise UsageError(
            f"{as_of:%Y-%m-%dT%H:%M:%SZ} is in the future",
            where=where,
            expected=f"an instant up to now, {now:%Y-%m-%dT%H:%M:%SZ}",
        )


def published(warehouse: store.Warehouse, pipeline: str, month: str) -> Shown | None:
    """What readers see of a month: its newest version and instant, and how complete its least complete day is."""
    commit = warehouse.table(pipeline).current()
    entries = [commit.entries[one] for one in commit.entries if store.covers(month, one)] if commit else []
    if not entries:
        return None
    return Shown(
        version=max(entry.version for entry in entries),
        kind=Kind(min((entry.kind for entry in entries), key=inputs.KIND_ORDER.index)),
        as_of=max((entry.as_of for entry in entries if entry.as_of), default=None),
    )
