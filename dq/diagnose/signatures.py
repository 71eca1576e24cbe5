"""What the deaths of a Spark application look like in its log: a table, and per row a function that adds the numbers.

Only what a pattern names is shown of a message; the message itself may quote rows. Where Spark's text changed
between versions, the patterns keep to the words that a provoked death left in a log; those of YARN and
Kubernetes are the words of their own sources.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from dq.base.failure_classes import FailureClass
from dq.diagnose.advice import (
    beside_heap_changes,
    broadcast_changes,
    disk_changes,
    driver_changes,
    fetch_changes,
    heap_changes,
    lost_changes,
    overhead_changes,
    python_changes,
    result_changes,
)
from dq.diagnose.facts import Facts, Trouble
from dq.diagnose.findings import Change, Confidence, Finding, shown
from dq.diagnose.hits import Hit, Pattern, place
from dq.diagnose.spark_settings import driver_heap

TASK = frozenset({"ExceptionFailure"})
LOSS = frozenset({"ExecutorLostFailure", "executor removed"})
ANY = frozenset({"ExceptionFailure", "stage failed", "job failed", "query failed"})
EVIDENCE_SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class Signature:
    """One cause of death: its patterns and what to change, given the hits."""

    cause: str
    title: Callable[[Facts], str]
    failure_class: str
    patterns: tuple[Pattern, ...]
    changes: Callable[[Facts, Sequence[Hit]], Sequence[Change]]
    explains: tuple[str, ...] = ()

    def hits(self, incidents: Sequence[Trouble]) -> list[Hit]:
        """Where its patterns stand."""
        return [
            Hit(incident=incident, match=match, pattern=pattern)
            for incident in incidents
            for pattern in self.patterns
            if (match := pattern.find(incident))
        ]

    def judge(self, facts: Facts, hits: Sequence[Hit]) -> Finding:
        """The finding from hits, of which there is one at least."""
        surest = max(hit.pattern.confidence for hit in hits)
        best = [hit for hit in hits if hit.pattern.confidence == surest]
        first = {str(hit): hit for hit in best}
        evidence = list(first)[:EVIDENCE_SHOWN]
        if len(first) > EVIDENCE_SHOWN:
            evidence.append(f"and {len(first) - EVIDENCE_SHOWN} more of the kind")
        return Finding(
            cause=self.cause,
            title=self.title(facts),
            confidence=surest,
            failure_class=self.failure_class,
            evidence=tuple(evidence),
            changes=tuple(self.changes(facts, best)),
            explains=self.explains,
            stage=next((hit.incident.stage for hit in best if hit.incident.stage is not None), None),
            group=next((hit.incident.group for hit in best if hit.incident.group), ""),
        )


def words(pattern: str) -> re.Pattern[str]:
    """A pattern over a message, lines included."""
    return re.compile(pattern, re.DOTALL)


_SIZE = r"[0-9.]+ ?[KMGT]?i?B"
_HEAP = (
    r"java\.lang\.OutOfMemoryError"
    r"(?:[:\s]\s*(?:Java heap space|GC overhead limit exceeded|Requested array size exceeds VM limit))?"
)
_BESIDE_THE_HEAP = (
    r"unable to create (?:new )?native thread|(?<=OutOfMemoryError: )Metaspace|(?<=OutOfMemoryError\n)Metaspace"
    r"|Compressed class space|Cannot reserve \d{1,19} bytes of direct buffer memory|Direct buffer memory"
)
_NOT_THE_HEAP = words(rf"(?i:{_BESIDE_THE_HEAP}|build and broadcast)")
_OF_A_TASK = words(r"Lost task \d|Task \d+ in stage \d")

_UNREAD = words(
    r"Exception while getting task result(?=: \S*(?:IllegalStateException|OutOfMemoryError|EOFException))"
    r"|TaskResultLost \(result lost from block manager\)"
)
_DRIVER_HEAP = "the heap of the driver was too small"

SIGNATURES: tuple[Signature, ...] = (
    Signature(
        cause="result_too_large",
        title=lambda _: "more was collected to the driver than spark.driver.maxResultSize allows",
        failure_class=FailureClass.MEMORY,
        patterns=(
            Pattern(
                words=words(
                    rf"Total size of serialized results of (\d{{1,9}}) tasks \(({_SIZE})\) is bigger than "
                    rf"(?:local maxResultSize|spark\.driver\.maxResultSize) \(({_SIZE})\)"
                ),
                kinds=frozenset({"stage failed", "job failed", "query failed"}),
            ),
        ),
        changes=result_changes,
    ),
    Signature(
        cause="broadcast_too_large",
        title=lambda _: "a table was broadcast that is too large for it",
        failure_class=FailureClass.MEMORY,
        patterns=(
            Pattern(words=words(r"Not enough memory to build and broadcast"), kinds=ANY),
            Pattern(
                words=words(rf"Cannot broadcast the table (?:that is larger than|over) .{{0,40}}?{_SIZE}: {_SIZE}"),
                kinds=ANY,
            ),
            Pattern(words=words(r"Cannot broadcast the table (?:that is larger than|over) [0-9,]+ rows"), kinds=ANY),
        ),
        changes=broadcast_changes,
    ),
    Signature(
        cause="disk_full",
        title=lambda _: "the disk for shuffle and spill files is full",
        failure_class=FailureClass.RUN,
        patterns=(Pattern(words=words(r"No space left on device|Disk quota exceeded"), kinds=ANY | LOSS),),
        changes=disk_changes,
        explains=("fetch_failures",),
    ),
    Signature(
        cause="python_memory",
        title=lambda _: "a Python worker ran out of memory",
        failure_class=FailureClass.MEMORY,
        patterns=(
            Pattern(words=words(r"(?:^|\n)[ \t]*MemoryError\b|_ArrayMemoryError|ArrowMemoryError"), kinds=ANY),
            Pattern(
                words=words(r"Python worker exited unexpectedly \(crashed\)(?:: (?:Fatal Python error|signal \d+))?"),
                kinds=ANY,
                confidence=Confidence.LIKELY,
            ),
        ),
        changes=python_changes,
    ),
    Signature(
        cause="container_memory",
        title=lambda _: "an executor's container was killed for memory outside the heap",
        failure_class=FailureClass.MEMORY,
        patterns=(
            Pattern(
                words=words(
                    rf"Container killed by YARN for exceeding (?:physical |virtual )?memory limits"
                    rf"(?:\. {_SIZE} of {_SIZE} (?:physical |virtual )?memory used)?"
                ),
                kinds=ANY | LOSS,
            ),
            Pattern(words=words(r"OOMKilled|possible container OOM"), kinds=ANY | LOSS),
            Pattern(
                words=words(r"(?:exited with (?:exit )?code|[Ee]xit (?:code|status):?|Exit code is) 137\b"),
                kinds=ANY | LOSS,
                confidence=Confidence.LIKELY,
            ),
        ),
        changes=overhead_changes,
        explains=("fetch_failures",),
    ),
    Signature(
        cause="memory_beside_heap",
        title=lambda _: "a process ran out of a memory that is not the heap",
        failure_class=FailureClass.MEMORY,
        patterns=(
            Pattern(
                words=words(rf"(?i:{_BESIDE_THE_HEAP})"),
                kinds=ANY,
                when=words(r"OutOfMemoryError|OutOfDirectMemoryError"),
            ),
        ),
        changes=beside_heap_changes,
        explains=("fetch_failures",),
    ),
    Signature(
        cause="executor_heap",
        title=lambda facts: (
            "the heap of the driver, which runs the tasks in local mode, was too small"
            if facts.local
            else "the heap of an executor was too small"
        ),
        failure_class=FailureClass.MEMORY,
        patterns=(
            Pattern(words=words(_HEAP), kinds=TASK, unless=_NOT_THE_HEAP),
            Pattern(
                words=words(_HEAP),
                kinds=frozenset({"stage failed", "job failed"}),
                confidence=Confidence.LIKELY,
                unless=_NOT_THE_HEAP,
                when=_OF_A_TASK,
            ),
            Pattern(
                words=words(r"SparkOutOfMemoryError|Unable to acquire \d+ bytes of memory, got \d+"),
                kinds=TASK,
                unless=_NOT_THE_HEAP,
            ),
            # The code is that of every OutOfMemoryError, of whichever memory.
            Pattern(
                words=words(r"exited with (?:exit )?code 52\b"),
                kinds=LOSS,
                confidence=Confidence.LIKELY,
                yields_to=frozenset({"memory_beside_heap"}),
            ),
        ),
        changes=heap_changes,
        explains=("fetch_failures",),
    ),
    Signature(
        cause="driver_heap",
        title=lambda _: _DRIVER_HEAP,
        failure_class=FailureClass.MEMORY,
        patterns=(
            Pattern(
                # Of an error that is not Spark's own the log keeps the message alone.
                words=words(rf"{_HEAP}|\A(?:Java heap space|GC overhead limit exceeded)\Z"),
                kinds=frozenset({"job failed", "query failed"}),
                unless=words(rf"{_NOT_THE_HEAP.pattern}|{_OF_A_TASK.pattern}"),
                yields_to=frozenset({"executor_heap"}),
            ),
        ),
        changes=driver_changes,
    ),
    Signature(
        cause="executor_lost",
        title=lambda _: "executors went away without saying why",
        failure_class=FailureClass.RUN,
        patterns=tuple(
            Pattern(
                words=words(pattern),
                kinds=LOSS | {"stage failed", "job failed"},
                confidence=Confidence.POSSIBLE,
                yields_to=frozenset(
                    {"container_memory", "memory_beside_heap", "executor_heap", "disk_full", "python_memory"}
                ),
            )
            for pattern in (
                r"Remote RPC client disassociated"
                r"(?:\. Likely due to containers exceeding thresholds, or network issues)?",
                r"Executor heartbeat timed out after \d{1,12} ms",
                r"(?:exited with (?:exit )?code|[Ee]xit (?:code|status):?|Exit code is) 143\b",
            )
        ),
        changes=lost_changes,
    ),
    Signature(
        cause="fetch_failures",
        title=lambda _: "shuffle files could not be fetched",
        failure_class=FailureClass.RUN,
        patterns=(
            Pattern(
                words=words(
                    r"FetchFailedException|MetadataFetchFailedException|Missing an output location for shuffle \d+|"
                    r"has failed the maximum allowable number of times"
                ),
                kinds=frozenset({"FetchFailed", "stage failed", "job failed"}),
            ),
        ),
        changes=fetch_changes,
    ),
)


def causes(facts: Facts) -> list[Finding]:
    """What the table finds in a log, without what only quotes another cause."""
    incidents = facts.incidents
    found = {signature: signature.hits(incidents) for signature in SIGNATURES}
    scopes = {
        signature.cause: frozenset(scope for hit in hits for scope in hit.incident.scopes)
        for signature, hits in found.items()
    }
    own = {signature: [hit for hit in hits if not _yields(hit, scopes)] for signature, hits in found.items()}
    judged = [signature.judge(facts, hits) for signature, hits in own.items() if hits]
    heap = any(finding.cause in ("driver_heap", "executor_heap") for finding in judged)
    gone = None if heap else _driver_by_size(facts, incidents)
    return [*judged, gone] if gone else judged


def _yields(hit: Hit, scopes: Mapping[str, frozenset[tuple[str, int]]]) -> bool:
    """Whether the same job or query has a cause that these words only quote."""
    mine = hit.incident.scopes
    return any(mine & scopes[cause] or (not mine and scopes[cause]) for cause in hit.pattern.yields_to)


def cause_of(incident: Trouble) -> str:
    """The first cause of the table that an incident speaks for; empty where none."""
    return next((one.cause for one in SIGNATURES if any(pattern.find(incident) for pattern in one.patterns)), "")


def _driver_by_size(facts: Facts, incidents: Sequence[Trouble]) -> Finding | None:
    """The driver's heap without a message of its own: results too large for it were on their way when it went wrong.

    Either the log stops there, or a result could not be read or fetched: what a heap that is full leaves of it is
    unread data. An executor that was lost took its results with it, which says nothing of the driver.
    """
    heap = driver_heap(facts)
    unread = [i for i in incidents if i.kind == "job failed" and _UNREAD.search(i.text)]
    if facts.lost_executors:
        unread = [i for i in unread if "TaskResultLost" not in i.text]
    jobs = {incident.job for incident in unread} if unread else set(facts.open_jobs if facts.ended is None else ())
    size = sum(stage.result_bytes for stage in facts.stages.values() if stage.job in jobs)
    if not jobs or not facts.settings_known or size < heap / (4 if unread else 2):
        return None
    collected = f"{shown(size)} of serialized results were collected into a heap of {shown(heap)}"
    if unread:
        found = _UNREAD.search(unread[0].text)
        evidence = [f"{unread[0].where}: {place(unread[0])}: {found[0] if found else ''}", collected]
    else:
        evidence = [f"the log ends in job {max(facts.open_jobs)} while {collected}"]
    return Finding(
        cause="driver_heap",
        title=_DRIVER_HEAP,
        confidence=Confidence.LIKELY,
        failure_class=FailureClass.MEMORY,
        evidence=tuple(evidence),
        changes=tuple(driver_changes(facts, [], jobs)),
        group=next((group for job in jobs if (group := facts.groups_of_jobs.get(job or 0, ""))), ""),
    )
