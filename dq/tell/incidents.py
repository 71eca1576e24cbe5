"""Incidents: what is red, since when. One per pipeline, check and period, folded from what every run observed.

Each run keeps one small document of its own, so two runs at once cannot lose each other's word, and nothing is ever
read, changed and written back. Who is told, and when, follows from these documents, the roster and the clock.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from dq import store
from dq.base import clean, serialize
from dq.base.errors import UsageError, choices
from dq.base.failure_classes import FailureClass
from dq.base.model import CheckResult, Outcome, RunRecord, Severity
from dq.base.verdict import Waiver
from dq.base.wording import found_text
from dq.declare.implied_checks import IN_TIME
from dq.store import waivers
from dq.store.names import covers

KIND = "incidents"
FLAPS = timedelta(hours=24)
"""What fails again within this time of having passed is the same incident: its clock goes on from the first failure."""
LATE = FailureClass.DELIVERY
"""The way of failing of what is not with its readers: a document, or figures by their level."""
BETWEEN_RUNS = (IN_TIME, "report.delivered")
"""The checks of a pipeline that are judged between its runs, too."""
_TEXT = 500


@dataclass(frozen=True, kw_only=True)
class Failure:
    """What a run found of one check that needs a person; ``found`` is a sentence without row values.

    ``waits_for`` is pipeline and period of the held run that kept this one from being computed.
    """

    check: str
    dataset: str
    severity: Severity
    outcome: Outcome
    failure_class: str
    found: str
    runbook: str
    runbook_url: str
    owner: str
    waived_by: str = ""
    waits_for: str = ""

    @property
    def grade(self) -> Severity:
        """How grave it is: what could not be evaluated holds figures back as a critical failure does."""
        return Severity.CRITICAL if self.outcome is Outcome.ERRORED else self.severity


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What one run says of its pipeline's period: the failures, and the checks that passed.

    ``as_of`` is the run's clock, ``started`` the instant observations are ordered by. ``docs`` is the run's page. A
    ``rehearsal`` changed nothing that readers see. ``settled`` are the keys of the incidents that are over although
    their check did not pass, each with the reason: in a published run, or by a person.
    """

    run: str
    pipeline: str
    period: str
    as_of: datetime
    started: datetime
    failures: Sequence[Failure]
    passed: Sequence[str]
    docs: str = ""
    rehearsal: bool = False
    settled: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Incident:
    """A check of a pipeline's period that failed: open until it passes, or is settled without.

    ``since`` is its first failure, ``last`` the latest, by the runs' clock; ``times`` says how many runs saw it,
    ``seen`` when the latest of them began, and ``failure`` what it found. ``resolved`` is when it passed, None while
    it is open; ``settled`` says why it is over where it did not pass.
    """

    pipeline: str
    period: str
    since: datetime
    last: datetime
    seen: datetime
    times: int
    failure: Failure
    run: str
    docs: str = ""
    resolved: datetime | None = None
    settled: str = ""

    @property
    def key(self) -> str:
        """What stays the same however often it fails: pipeline, check and period."""
        return key(self.pipeline, self.failure.check, self.period)

    @property
    def open(self) -> bool:
        """Whether it still fails."""
        return self.resolved is None


def key(pipeline: str, check: str, period: str) -> str:
    """The stable key of an incident."""
    return f"{pipeline}/{check}/{period}"


def observed(record: RunRecord) -> Observation:
    """What a run's record says of incidents; infos open none, and what was not run says nothing."""
    failures = [
        _failure(record, result)
        for result in record.results
        if result.outcome is Outcome.ERRORED
        or (result.outcome is Outcome.FAILED and result.severity is not Severity.INFO)
    ]
    return Observation(
        run=record.run,
        pipeline=record.pipeline,
        period=record.period,
        as_of=record.as_of,
        started=record.started,
        failures=failures,
        passed=[result.check for result in record.results if result.outcome is Outcome.PASSED],
        docs=record.docs,
        rehearsal=record.rehearsal,
    )


def _failure(record: RunRecord, result: CheckResult) -> Failure:
    guidance = record.guidance.get(result.check)
    return Failure(
        check=result.check,
        dataset=result.dataset,
        severity=result.severity,
        outcome=result.outcome,
        failure_class=result.failure_class,
        found=clean.text(found_text(result), _TEXT),
        runbook=guidance.runbook if guidance else "",
        runbook_url=guidance.runbook_url if guidance else "",
        owner=guidance.owner if guidance else "",
        waived_by=clean.text(result.waived_by, _TEXT) if result.outcome is Outcome.FAILED else "",
        waits_for=_root_of(record) if result.outcome is Outcome.ERRORED else "",
    )


def _root_of(record: RunRecord) -> str:
    """Pipeline and period of the held run that a run waits for in the end; empty where it waits for none."""
    held = record.upstream
    while held is not None and held.upstream is not None:
        held = held.upstream
    return f"{held.pipeline}/{held.period}" if held is not None else ""


def note(warehouse: store.Warehouse, record: RunRecord) -> None:
    """Keep what a run observed; a run without any result has nothing to say.

    A published run settles what is open of its period and was not judged in it: nobody can ever make that pass.
    """
    if record.results:
        seen = observed(record)
        keep(warehouse, replace(seen, settled=_settled_by(warehouse, record, seen)))


def _settled_by(warehouse: store.Warehouse, record: RunRecord, seen: Observation) -> dict[str, str]:
    """The open incidents, by key, whose check a published run did not judge or only notes, each with why it is over.

    What is judged between runs is not a run's to settle, nor is what the run could not look at, or not yet.
    """
    if not record.verdict.published or record.rehearsal:
        return {}
    results = {result.check: result for result in record.results}
    judged = {*seen.passed, *(failure.check for failure in seen.failures)}
    between = {f"{record.pipeline}.{name}" for name in BETWEEN_RUNS}
    found: dict[str, str] = {}
    before = [
        one
        for one in observations(warehouse, record.pipeline)
        if (one.started, one.run) < (record.started, record.run)  # noted again it settles the same
    ]
    for incident in fold(before).values():
        check = incident.failure.check
        if not incident.open or check in judged | between or not _settles(seen, incident):
            continue
        result = results.get(check)
        if record.as_of >= incident.last and (result is None or _is_over(result)):
            found[incident.key] = _why_settled(result)
    return found


def _is_over(result: CheckResult) -> bool:
    """Whether a result that neither passed nor needs a person ends an incident: an info, or nothing is to be judged."""
    return result.nothing_to_judge if result.outcome is Outcome.NOT_RUN else True


def _why_settled(result: CheckResult | None) -> str:
    if result is None:
        return "the check is not there any more, and the figures are published without it"
    if result.outcome is Outcome.NOT_RUN:
        why = clean.text(result.reason or "no reason was recorded", _TEXT)
        return f"the check was not run, and the figures are published without it: {why}"
    return "the check is only to note now, and the figures are published"


def end(warehouse: store.Warehouse, name: str, *, by: str, reason: str, now: datetime) -> Incident:
    """End an open incident by its key because somebody says so; that is kept beside what was found."""
    every = everything(warehouse)
    found = every.get(name)
    if found is None or not found.open:
        listed = [one.key for one in every.values() if one.open]
        state = "is over already" if found is not None else "is not an incident of this warehouse"
        raise UsageError(f"{name} {state}", where="--end", do=choices(name, listed) if listed else "nothing is open")
    why = f"ended by {by}: {reason}"
    at = max(now, found.seen, found.last)
    one = Observation(
        run=late_name(found.pipeline, found.period, now),
        pipeline=found.pipeline,
        period=found.period,
        as_of=at,
        started=at,
        failures=[],
        passed=[],
        settled={name: clean.text(why, _TEXT)},
    )
    keep(warehouse, one)
    return replace(found, resolved=at, settled=why)


def keep(warehouse: store.Warehouse, observation: Observation) -> None:
    """Keep an observation under the name of what made it; kept again it says the same."""
    warehouse.records.put(KIND, observation.run, _plain(observation))


def late_name(pipeline: str, period: str, at: datetime) -> str:
    """A name for what no run observed, such as a report that is overdue."""
    return f"{pipeline}-{period.lower()}-{at:%Y%m%dt%H%M%S%fz}-{secrets.token_hex(3)}"


def _plain(observation: Observation) -> Mapping[str, object]:
    plain = serialize.plain(observation)
    assert isinstance(plain, Mapping)  # noqa: S101 - a dataclass is written as an object
    return plain


def observations(warehouse: store.Warehouse, pipeline: str = "") -> list[Observation]:
    """Everything that was observed, of one pipeline or of all, in the order in which the runs began."""
    names = warehouse.records.list(KIND, f"{pipeline}-" if pipeline else "")
    documents = {name: warehouse.records.get(KIND, name) for name in names}
    found = [serialize.decode(Observation, doc, name) for name, doc in documents.items() if doc is not None]
    return sorted((one for one in found if pipeline in ("", one.pipeline)), key=lambda one: (one.started, one.run))


def fold(seen: Iterable[Observation]) -> dict[str, Incident]:
    """The incidents by key, open and resolved, as observations in their order made them.

    A month that passes settles the days that failed in it, too; that its own report arrived says nothing of others. A
    rehearsal settles only its own period, and nothing that failed after the instant it is as of; what was seen to fail
    or pass since that instant it does not open.
    """
    listed = [*seen]
    looked_at = {
        key(one.pipeline, failure.check, one.period) for one in listed if one.rehearsal for failure in one.failures
    }
    last: dict[str, datetime] = {}
    found: dict[str, Incident] = {}
    for one in listed:
        passed = set(one.passed)
        for name, incident in found.items():
            why = one.settled.get(name, "")
            if incident.open and (why or (incident.failure.check in passed and _settles(one, incident))):
                found[name] = replace(incident, resolved=max(one.as_of, incident.last), settled=why)
        for failure in one.failures:
            name = key(one.pipeline, failure.check, one.period)
            if one.rehearsal and one.as_of < last.get(name, one.as_of):
                continue
            found[name] = _failed_again(found.get(name), one, failure)
        for check in (*one.passed, *(failure.check for failure in one.failures)):
            if (name := key(one.pipeline, check, one.period)) in looked_at:
                last[name] = max(one.as_of, last.get(name, one.as_of))
    return found


def _settles(one: Observation, incident: Incident) -> bool:
    """Whether what passed in an observation is over in an incident of the same check."""
    if incident.pipeline != one.pipeline:
        return False
    if one.rehearsal:
        # A held day stays held whatever a clone makes of its month; a look back says nothing of what came since.
        return incident.period == one.period and one.as_of >= incident.last
    about = incident.failure.failure_class != LATE and covers(one.period, incident.period)
    return about or incident.period == one.period


def _failed_again(before: Incident | None, one: Observation, failure: Failure) -> Incident:
    if before is not None and not _goes_on(before, one.as_of):
        before = None
    since = before.since if before else one.as_of
    return Incident(
        pipeline=one.pipeline,
        period=one.period,
        since=since,
        last=max(one.as_of, since),
        seen=one.started,
        times=before.times + 1 if before else 1,
        failure=failure,
        run=one.run,
        docs=one.docs,
    )


def _goes_on(incident: Incident, at: datetime) -> bool:
    """Whether a failure at an instant belongs to an incident of before."""
    return incident.resolved is None or at - incident.resolved <= FLAPS


def everything(warehouse: store.Warehouse, pipeline: str = "") -> dict[str, Incident]:
    """Every incident of one pipeline or of all, by key."""
    return fold(observations(warehouse, pipeline))


def first_failures(warehouse: store.Warehouse, pipeline: str, period: str, at: datetime) -> dict[str, datetime]:
    """Per check of a pipeline's period the first failure of the incident that a failure at an instant adds to."""
    return {
        one.failure.check: one.since
        for one in everything(warehouse, pipeline).values()
        if one.period == period and _goes_on(one, at)
    }


def paused(incident: Incident, known: Sequence[Waiver], now: datetime) -> str:
    """Whose waiver pauses an incident and until when; empty where none does.

    A waiver that the latest run saw and did not take, because the check is further off than it allows, pauses nothing;
    neither does one of what could not be evaluated.
    """
    if incident.failure.outcome is Outcome.ERRORED:
        return ""
    for waiver in known:
        same = (waiver.pipeline, waiver.check, waiver.period) == (
            incident.pipeline,
            incident.failure.check,
            incident.period,
        )
        if not same or waiver.over(now):
            continue
        refused = (
            waiver.recorded <= incident.seen
            and not incident.failure.waived_by
            and incident.failure.severity is Severity.CRITICAL
        )
        return "" if refused else f"waived by {waiver.owner} until {waiver.until}: {waiver.reason}"
    return ""


def in_force(warehouse: store.Warehouse) -> list[Waiver]:
    """Per pipeline, check and period the newest waiver."""
    newest: dict[tuple[str, str, str], Waiver] = {}
    for waiver in waivers.everything(warehouse):
        newest.setdefault((waiver.pipeline, waiver.check, waiver.period), waiver)
    return [*newest.values()]
