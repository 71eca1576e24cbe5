"""The words of an event log that speak for a cause, and where they were found."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dq.diagnose.facts import Trouble
from dq.diagnose.findings import Confidence


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """Words of an incident that speak for a cause, in which kinds of incident, and how surely.

    ``unless`` are words that speak for another one, ``when`` such that must stand there, too, and are not shown.
    ``yields_to`` are causes that these words quote, or say less of, where those are found in the same job or query.
    """

    words: re.Pattern[str]
    kinds: frozenset[str]
    confidence: Confidence = Confidence.CERTAIN
    unless: re.Pattern[str] | None = None
    when: re.Pattern[str] | None = None
    yields_to: frozenset[str] = frozenset()

    def find(self, incident: Trouble) -> re.Match[str] | None:
        """The words in an incident, None where they do not stand there."""
        if incident.kind not in self.kinds:
            return None
        found = self.words.search(incident.text)
        if found is None or (self.unless and self.unless.search(incident.text)):
            return None
        return found if self.when is None or self.when.search(incident.text) else None


@dataclass(frozen=True, kw_only=True)
class Hit:
    """An incident and the words of it that are shown."""

    incident: Trouble
    match: re.Match[str]
    pattern: Pattern

    def __str__(self) -> str:
        words = " ".join(self.match[0].split())
        return f"{self.incident.where}: {place(self.incident)}: {words}"


def place(incident: Trouble) -> str:
    """Where something happened, in words."""
    kinds = {"ExceptionFailure": "task failed", "FetchFailed": "fetch failed", "ExecutorLostFailure": "executor lost"}
    parts = [kinds.get(incident.kind, incident.kind)]
    if incident.stage is not None:
        parts.append(f"stage {incident.stage}.{incident.attempt}")
    elif incident.job is not None:
        parts.append(f"job {incident.job}")
    elif incident.execution is not None:
        parts.append(f"query {incident.execution}")
    if incident.executor:
        parts.append("driver" if incident.executor == "driver" else f"executor {incident.executor}")
    return ", ".join(parts)
