"""What a diagnosis says: causes with their evidence, how sure it is, and what to change."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from dq.base.thresholds import MEBIBYTE

GIBIBYTE = 1 << 30
_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50}
_SIZE = re.compile(r"\s*([0-9.]+)\s*([bkmgtp]?)(?:i?b)?\s*", re.IGNORECASE)


class Confidence(IntEnum):
    """How sure a cause is: its own message says so; several facts fit it; it is one reading among others."""

    CERTAIN = 3
    LIKELY = 2
    POSSIBLE = 1

    @property
    def word(self) -> str:
        """As it is printed."""
        return self.name.lower()


@dataclass(frozen=True, kw_only=True)
class Change:
    """One thing to change: a setting and its value, or with no ``setting`` a change of code or machine in words."""

    why: str
    setting: str = ""
    value: str = ""
    now: str = ""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One cause of death, or one strain that did not kill yet, with the numbers of this log."""

    cause: str
    title: str
    confidence: Confidence
    failure_class: str
    evidence: tuple[str, ...]
    changes: tuple[Change, ...] = ()
    # What else this explains: a lost executor explains the fetches that failed from it.
    explains: tuple[str, ...] = ()
    stage: int | None = None
    # The run it happened in, where an application has several.
    group: str = ""
    # Beyond the first threshold of its kind, and not beyond the second, which alarms.
    mild: bool = False


def size_of(text: str, unit: str = "") -> int | None:
    """The bytes of a size as Spark writes it: ``512m``, ``9.1 MiB``; ``unit`` is meant where none is given."""
    match = _SIZE.fullmatch(text)
    if match is None:
        return None
    try:
        size = int(float(match[1]) * _UNITS[(match[2] or unit).lower()])
    except (ValueError, OverflowError):
        return None
    return size if size < 1 << 62 else None


def shown(size: float) -> str:
    """A size for people."""
    for unit, name in ((1 << 40, "TiB"), (GIBIBYTE, "GiB"), (MEBIBYTE, "MiB"), (1 << 10, "KiB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size:.0f} bytes"


def memory(size: float) -> str:
    """A size as a setting of Spark: whole gigabytes from two on, else whole megabytes in steps of 64, rounded up."""
    if size >= 2 * GIBIBYTE:
        return f"{math.ceil(size / GIBIBYTE)}g"
    return f"{math.ceil(size / MEBIBYTE / 64) * 64}m"


def salt(heavy: float, average: float) -> int:
    """By how many values to salt a key of so many rows, so that a part of it is no more than an average partition."""
    return max(2, math.ceil(heavy / average)) if average > 0 else 2


def seconds(value: float) -> str:
    """A time for people."""
    if value >= 120:
        return f"{value / 60:.1f} min"
    return f"{value:.1f} s"


def most_likely_first(findings: Iterable[Finding]) -> list[Finding]:
    """Causes before what they explain, then the surest first; the order of the table decides between equals."""
    found = list(findings)
    explained = {cause for finding in found for cause in finding.explains if finding.confidence > Confidence.POSSIBLE}
    return sorted(found, key=lambda finding: (finding.cause in explained, -finding.confidence))
