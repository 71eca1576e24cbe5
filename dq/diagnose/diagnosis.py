"""From an event log to what killed the application, what nearly did, and whose pipeline it was."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from dq.base.errors import DqError, UsageError
from dq.base.failure_classes import FailureClass
from dq.base.runid import PATTERN
from dq.base.thresholds import Thresholds
from dq.diagnose import event_log, hits, log_files, signatures, skew, strain
from dq.diagnose.facts import Facts, Stage, Trouble
from dq.diagnose.findings import Change, Finding, most_likely_first, size_of
from dq.runbooks.page import Page, Section

STAGES_SHOWN = 5
UNRECOGNISED_SHOWN = 3
RUNS_SHOWN = 10
# Of more damaged lines than this nobody knows what they said.
DAMAGED_SHARE = 0.01
# A stage retried, a task killed with its job: consequences, not failures of their own.
_FAILURES = ("ExceptionFailure", "FetchFailed", "ExecutorLostFailure", "stage failed", "job failed", "query failed")
_CONDITION = re.compile(r"\[([A-Z][A-Z0-9_]+(?:\.[A-Z0-9_]+)?)\]")
_STOPPED = "cancelled because SparkContext was shut down"
_CLASS = re.compile(r"\b((?:[a-z]\w*\.){2,12}[A-Z]\w*(?:Exception|Error))\b")


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """What an event log says of its application. ``causes`` killed it, most likely first; ``strains`` did not yet.

    ``unrecognised`` are failures that no signature fits, by condition or class alone; ``notes`` are about the log, or
    of what is worth knowing and no strain.
    """

    path: str
    facts: Facts
    ending: str
    run: str
    pipeline: str
    period: str
    causes: tuple[Finding, ...]
    strains: tuple[Finding, ...]
    unrecognised: tuple[str, ...]
    notes: tuple[str, ...]
    stages: tuple[Stage, ...]
    # Whether so much of the log is missing or damaged that a death may be in what is not there.
    partial: bool = False

    @property
    def died(self) -> bool:
        """Whether something failed for good, as far as the log says."""
        return self.facts.failed and bool(self.causes or self.unrecognised)

    @property
    def unknown(self) -> bool:
        """Whether nobody can tell if it died: nothing was found, in a log that is not all there."""
        return self.partial and not (self.causes or self.unrecognised)


def diagnose(path: Path, thresholds: Thresholds | None = None, *, run: str = "") -> Diagnosis:
    """Read a log and judge it, or one ``run`` of it; raises if it is not one, is of another Spark or holds nothing."""
    limits = thresholds or Thresholds()
    try:
        found = log_files.find(path)
        facts = event_log.read(found)
    except OSError as error:
        raise DqError(
            f"the event log cannot be read: {error.strerror or type(error).__name__}",
            where=str(error.filename or path),
            do="ask for the right to read it, or for a copy, from whom the application ran as",
        ) from error
    facts.target_bytes = limits.target_bytes
    runs = [group for group in facts.groups if PATTERN.match(group)]
    if run:
        if run not in facts.groups:
            held = f"one of {', '.join(runs[-RUNS_SHOWN:])}" if runs else "none: the log names no run"
            raise UsageError(f"{path} holds no run {run}", where="--run", expected=held)
        facts.only(run)
    causes = _causes(facts)
    skewed = skew.skewed_keys(facts, limits, [cause.stage for cause in causes if cause.stage is not None])
    if causes:
        deadly = {cause.stage for cause in causes}
        causes = most_likely_first([*(one for one in skewed if one.stage in deadly), *causes])
        skewed = [one for one in skewed if one.stage not in deadly]
    unrecognised = _unrecognised(facts)
    groups = [*(cause.group for cause in causes), *(one.group for one in unrecognised), *reversed(facts.groups)]
    match = PATTERN.match(run) or next((m for group in groups if (m := PATTERN.match(group))), None)
    busiest = sorted(facts.stages.values(), key=lambda stage: -stage.run_seconds)
    return Diagnosis(
        path=str(path),
        facts=facts,
        ending=_ending(facts, found),
        run=match[0] if match else "",
        pipeline=match["pipeline"] if match else facts.name,
        period=match["period"].upper() if match else "",
        causes=tuple(_as_known(facts, one) for one in causes),
        strains=tuple(_as_known(facts, one) for one in (*skewed, *strain.strains(facts, limits))),
        unrecognised=tuple({_told(one): None for one in unrecognised})[:UNRECOGNISED_SHOWN],
        notes=(*_notes(facts, found, () if run else runs), *_remarks(facts, limits)),
        stages=tuple(busiest[:STAGES_SHOWN]),
        partial=_partial(facts, found),
    )


def _as_known(facts: Facts, finding: Finding) -> Finding:
    """A finding without numbers that the log does not hold: where settings are missing, factors of what they are."""
    if facts.settings_known:
        return finding
    return replace(finding, changes=tuple(_as_factor(change) for change in finding.changes))


def _as_factor(change: Change) -> Change:
    value, now = size_of(change.value), size_of(change.now)
    factor = f"{value / now:.2g} times what it is now" if value and now and value > now else change.value
    return replace(change, value=factor, now="")


def section_of(page: Page, finding: Finding) -> Section | None:
    """The section of a pipeline's page for a finding: that of its class, else that of memory, else of a failed run."""
    by_class = {section.failure_class: section for section in reversed(page.ways)}
    instead: Mapping[str, Sequence[str]] = {
        FailureClass.MEMORY: (FailureClass.RUN,),
        FailureClass.SKEW: (FailureClass.MEMORY, FailureClass.RUN),
    }
    order = (finding.failure_class, *instead.get(finding.failure_class, ()))
    return next((by_class[wanted] for wanted in order if wanted in by_class), None)


def _causes(facts: Facts) -> list[Finding]:
    """What the signatures find, where something failed for good or the log just stops."""
    return most_likely_first(signatures.causes(facts)) if facts.failed or facts.cut_off else []


def _unrecognised(facts: Facts) -> list[Trouble]:
    """The failures of jobs and queries in which no signature fits anything, the last first.

    Also where it fits, what killed a job by a condition of its own: a task that ran out of memory may have been
    repeated with success.
    """
    if not facts.failed:
        return []
    incidents = [one for one in facts.incidents if one.kind in _FAILURES]
    recognised = [one for one in incidents if signatures.cause_of(one)]
    known = {scope for one in recognised for scope in one.scopes}
    of_jobs = {one.execution for one in incidents if one.kind == "job failed"} - {None}
    told = []
    for one in reversed(incidents):
        own = one.kind in ("job failed", "query failed") and _CONDITION.search(one.text)
        if own and one.kind == "query failed" and one.execution in of_jobs and known:
            continue  # it repeats its job
        if one not in recognised and (own or not known & one.scopes):
            told.append(one)
    return told


def _told(incident: Trouble) -> str:
    return f"{incident.where}: {hits.place(incident)}: {_named(incident.text)}"


def _named(text: str) -> str:
    """The names in a message that cannot be values of rows: Spark's condition, else the class that was raised."""
    if _STOPPED in text:
        return "the application was stopped while this ran, by a signal or by the end of its program"
    match = _CONDITION.search(text) or _CLASS.search(text)
    return match[1] if match else "a message without a condition or class"


def _partial(facts: Facts, found: log_files.LogFiles) -> bool:
    """Whether more is missing than the last line of a log that is still written, or was when its driver was killed."""
    damaged = facts.damaged > DAMAGED_SHARE * facts.lines
    return bool(found.missing or facts.torn_within or damaged or (facts.ended is None and not found.in_progress))


def _ending(facts: Facts, found: log_files.LogFiles) -> str:
    if facts.ended is None:
        running = "it is still running, or its driver was killed" if found.in_progress else ""
        return f"the log has no end: {running or 'its last part is missing, or the driver was killed'}"
    if facts.failed_jobs:
        return f"it ended; {len(facts.failed_jobs)} of its jobs failed"
    if facts.failed_executions:
        return "it ended; a query failed"
    return "it ended, and no job failed"


def _notes(facts: Facts, found: log_files.LogFiles, runs: Sequence[str]) -> list[str]:
    notes = []
    if len(runs) > 1:
        more = "..., " if len(runs) > RUNS_SHOWN else ""
        told = ", ".join(runs[-RUNS_SHOWN:])
        notes.append(f"the log holds {len(runs)} runs: {more}{told}; --run judges one alone")
    if found.missing:
        notes.append(f"parts of the log are missing: {', '.join(map(str, found.missing))}; not judged")
    if facts.torn:
        notes.append("the log breaks off in the middle of a line; what came before is judged")
    if facts.damaged:
        notes.append(f"{facts.damaged:,} of {facts.lines:,} lines are damaged and were left out")
    if not facts.settings_known:
        notes.append("the log does not say how Spark was set, so advice is in factors of what is set")
    if not facts.spark_version:
        notes.append("the log does not say which Spark wrote it; its first part is missing")
    return notes


def _remarks(facts: Facts, thresholds: Thresholds) -> list[str]:
    """What is worth knowing and no strain."""
    remarks = [f"suspicious: {sentence}" for sentence in skew.suspicious(facts, thresholds)]
    larger = strain.oversized(facts, thresholds)
    return [*remarks, larger] if larger else remarks


def instant(milliseconds: int | None) -> datetime | None:
    """An instant of the log, in UTC."""
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds else None
    except (ValueError, OverflowError, OSError):  # a line that was damaged and still reads
        return None
