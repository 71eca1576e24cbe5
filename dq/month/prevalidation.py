"""Pre-validation: is a month, as far as it has come, fit to be reported, and what changed since it was last asked.

Plain values and plain functions over the records of rehearsed runs: nothing here runs a pipeline, reads a warehouse or
prints. A *control* is a critical or warning check of a pipeline; over several periods its gravest state counts. Ready
is what is green, waived or still to come: a red warning holds nothing back on the day, but is to be fixed by then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from dq.base.model import CheckResult, Json, Outcome, RunRecord, Severity, Verdict
from dq.base.verdict import Waiver

COUNTDOWN = (5, 3, 1)


class AnswerState(StrEnum):
    """Whether everything that is due of a pipeline is green."""

    READY = "ready"
    NOT_READY = "not ready"
    CANNOT_TELL = "cannot tell"

    @property
    def exit_code(self) -> int:
        """0 ready, 1 not ready, 3 cannot tell."""
        return {AnswerState.READY: 0, AnswerState.NOT_READY: 1, AnswerState.CANNOT_TELL: 3}[self]


class Light(StrEnum):
    """The state of one control, the gravest first."""

    ERRORED = "could not be evaluated"
    RED = "red"
    WARNED = "red warning"
    WAIVED = "waived"
    PENDING = "pending"
    GREEN = "green"


BAD = (Light.ERRORED, Light.RED, Light.WARNED)
"""What is not green, not waived and not still to come: while any of it is there, nothing is ready."""
_GRAVEST = tuple(Light)
_STATES = (AnswerState.CANNOT_TELL, AnswerState.NOT_READY, AnswerState.READY)


@dataclass(frozen=True, kw_only=True)
class Readiness:
    """One pipeline: its state, the periods that were rehearsed, its controls, and why where no run says it."""

    pipeline: str
    state: AnswerState
    periods: Sequence[str]
    controls: Mapping[str, Light]
    why: str = ""

    def of(self, *lights: Light) -> list[str]:
        """The controls in one of these states, in the order of their names."""
        return sorted(check for check, light in self.controls.items() if light in lights)

    @property
    def counts(self) -> Counter[Light]:
        """How many controls are in which state."""
        return Counter(self.controls.values())


@dataclass(frozen=True, kw_only=True)
class Prevalidation:
    """One answer for a month at an instant; ``due`` is the company's day by which everything has to be ready.

    ``given`` is when it was given, which of an answer as of an earlier instant is later.
    """

    month: str
    as_of: datetime
    given: datetime
    today: date
    due: date
    pipelines: Sequence[Readiness] = field(default_factory=tuple)

    @property
    def name(self) -> str:
        """The name it is kept under: asked again as of the same instant, an answer takes no other one's place."""
        return f"{self.month}-{self.as_of:%Y%m%dt%H%M%Sz}-{self.given:%Y%m%dt%H%M%S%fz}"

    @property
    def state(self) -> AnswerState:
        """The gravest state of a pipeline; of none it cannot be told."""
        found = {one.state for one in self.pipelines}
        return next((state for state in _STATES if state in found), AnswerState.CANNOT_TELL)

    @property
    def counts(self) -> Counter[Light]:
        """How many controls of all pipelines are in which state."""
        return sum((one.counts for one in self.pipelines), Counter())

    @property
    def days_left(self) -> int:
        """Calendar days to the day everything is due; negative after it."""
        return (self.due - self.today).days


def light(result: CheckResult) -> Light | None:
    """The state of a result's control; None for a check that is only to be known."""
    if result.severity is Severity.INFO and result.outcome is not Outcome.ERRORED:
        return None
    if result.outcome is Outcome.FAILED:
        red = Light.RED if result.severity is Severity.CRITICAL else Light.WARNED
        return Light.WAIVED if result.waived_by else red
    return {Outcome.PASSED: Light.GREEN, Outcome.ERRORED: Light.ERRORED}.get(result.outcome, Light.PENDING)


def readiness(
    pipeline: str, runs: Sequence[RunRecord], untried: Mapping[str, str], waivers: Sequence[Waiver] = ()
) -> Readiness:
    """What the rehearsed runs of a pipeline say together; ``untried`` are periods without a run, each with the reason.

    A waived failure is ready: the waiver is what lets it be published. Of a warning, which no waiver has to let
    through, any of ``waivers`` that lasts counts, as it pauses the incident.
    """
    controls: dict[str, Light] = {}
    states = [AnswerState.CANNOT_TELL for _ in untried]
    for run in runs:
        verdicts = {Verdict.HOLD: AnswerState.NOT_READY, Verdict.HOLD_NOT_EVALUATED: AnswerState.CANNOT_TELL}
        states.append(verdicts.get(run.verdict, AnswerState.READY))
        for result in run.results:
            found = light(result)
            about = (pipeline, result.check, run.period)
            if found is Light.WARNED and any(
                about == (one.pipeline, one.check, one.period) and not one.over(run.as_of) for one in waivers
            ):
                found = Light.WAIVED
            if found is not None:
                before = controls.get(result.check, found)
                controls[result.check] = min(found, before, key=_GRAVEST.index)
    states += [AnswerState.NOT_READY for one in controls.values() if one is Light.WARNED]
    return Readiness(
        pipeline=pipeline,
        state=next((state for state in _STATES if state in states), AnswerState.CANNOT_TELL),
        periods=[*(run.period for run in runs), *untried],
        controls=controls,
        why="; ".join(f"{period}: {why}" for period, why in untried.items()),
    )


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What is different from an earlier answer: controls as ``pipeline check``, and pipelines whose state moved."""

    since: Prevalidation
    worse: Sequence[str]
    better: Sequence[str]
    states: Sequence[tuple[str, AnswerState, AnswerState]]


def changes(now: Prevalidation, before: Prevalidation) -> Changes:
    """The controls that became or stopped being red or unevaluable, and the pipelines whose state moved."""

    def red(of: Prevalidation) -> set[str]:
        return {f"{one.pipeline} {check}" for one in of.pipelines for check in one.of(*BAD)}

    was = {one.pipeline: one.state for one in before.pipelines}
    moved = [(o.pipeline, was[o.pipeline], o.state) for o in now.pipelines if was.get(o.pipeline, o.state) != o.state]
    return Changes(
        since=before, worse=sorted(red(now) - red(before)), better=sorted(red(before) - red(now)), states=moved
    )


def compared_with(now: Prevalidation, earlier: Sequence[Prevalidation]) -> Prevalidation | None:
    """The answer to compare with: after the due day the last one given by its end, before it the one before this."""
    found = sorted((one for one in earlier if one.as_of < now.as_of), key=_in_time)
    decided = [one for one in found if one.today <= one.due]
    if now.today > now.due and decided:
        return decided[-1]
    return found[-1] if found else None


def burn_down(now: Prevalidation, earlier: Sequence[Prevalidation]) -> list[tuple[int, date, Prevalidation | None]]:
    """Per day of the countdown that has come the last answer given on it: days left, the day, and None without one."""
    answers = sorted([*earlier, now], key=_in_time)
    rows = []
    for left in (*COUNTDOWN, 0):
        day = now.due - timedelta(days=left)
        if day <= now.today:
            rows.append((left, day, next((one for one in reversed(answers) if one.today == day), None)))
    return rows


def _in_time(one: Prevalidation) -> tuple[datetime, datetime]:
    return one.as_of, one.given


def to_json(one: Prevalidation) -> dict[str, Json]:
    """The answer as a plain JSON document."""
    return {
        "month": one.month,
        "as_of": one.as_of.isoformat(),
        "given": one.given.isoformat(),
        "today": one.today.isoformat(),
        "due": one.due.isoformat(),
        "state": one.state.value,
        "pipelines": [
            {
                "pipeline": line.pipeline,
                "state": line.state.value,
                "periods": list(line.periods),
                "why": line.why,
                "controls": {check: light.value for check, light in sorted(line.controls.items())},
            }
            for line in one.pipelines
        ],
    }


def from_json(doc: Mapping[str, Json]) -> Prevalidation:
    """The answer in a document that ``to_json`` wrote; KeyError or ValueError where it holds something else."""
    lines = doc["pipelines"]
    if not isinstance(lines, Sequence) or isinstance(lines, str):
        raise ValueError("pipelines is not a list")
    return Prevalidation(
        month=str(doc["month"]),
        as_of=datetime.fromisoformat(str(doc["as_of"])),
        given=datetime.fromisoformat(str(doc.get("given") or doc["as_of"])),
        today=date.fromisoformat(str(doc["today"])),
        due=date.fromisoformat(str(doc["due"])),
        pipelines=tuple(_line(line) for line in lines if isinstance(line, Mapping)),
    )


def _line(doc: Mapping[str, Json]) -> Readiness:
    controls, periods = doc["controls"], doc["periods"]
    if not isinstance(controls, Mapping) or not isinstance(periods, Sequence):
        raise ValueError("a pipeline without controls or periods")
    return Readiness(
        pipeline=str(doc["pipeline"]),
        state=AnswerState(str(doc["state"])),
        periods=[str(period) for period in periods],
        controls={check: Light(str(value)) for check, value in controls.items()},
        why=str(doc["why"]),
    )
