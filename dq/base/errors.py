"""The one error tree: every error says what, where, what was expected and what to do next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches


class DqError(Exception):
    """An error a person can act on; the base of everything this package raises on purpose.

    ``where`` is a file with line and key path, or a dataset with partition and column; ``expected`` what would have
    been right; ``do`` the next step. ``exit_code`` is the process exit code of a run that ends with it.

    Example:
        >>> error = dq.DqError("'2026-13' is not a period", where="--period", expected="a month, such as 2026-10")
        >>> print(error)
        --period: '2026-13' is not a period; expected a month, such as 2026-10
        >>> error.exit_code
        3
    """

    exit_code = 3

    def __init__(self, what: str, *, where: str = "", expected: str = "", do: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.expected = expected
        self.do = do

    def __str__(self) -> str:
        parts = [f"{self.where}: {self.what}" if self.where else self.what]
        if self.expected:
            parts.append(f"expected {self.expected}")
        if self.do:
            parts.append(self.do)
        return "; ".join(parts)


class UsageError(DqError):
    """A command or call with arguments that cannot be meant: wrong period, unknown pipeline, missing file."""

    exit_code = 2


@dataclass(frozen=True, order=True)
class Finding:
    """One mistake in a declared file: where it stands and what is wrong with it."""

    file: str
    line: int
    key: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"


class ConfigError(DqError):
    """All mistakes of the declared files at once, each with file, line and key path."""

    exit_code = 2

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings: tuple[Finding, ...] = tuple(sorted(set(findings)))
        super().__init__("\n".join(str(finding) for finding in self.findings))

    def __str__(self) -> str:
        return self.what


class SourceError(DqError):
    """A source that cannot be read or pinned: missing, unreadable, torn, or changed during the run."""


class EvaluationError(DqError):
    """Evidence that is missing: a check that raised, a scan that died, a result that does not add up."""


class StoreError(DqError):
    """The warehouse refused a write or holds something that is not what its manifest says."""


class ConflictError(StoreError):
    """Another run committed the same period with other content first."""


class CommitUnknownError(StoreError):
    """A commit whose outcome could not be established; nothing is cleaned up until the log has been read again."""


def choices(name: str, valid: Sequence[str]) -> str:
    """The end of a sentence that lists the valid names, the likely one first."""
    close = get_close_matches(name, valid, n=1, cutoff=0.6)
    listed = ", ".join(sorted(valid)) or "none declared"
    return f"did you mean {close[0]}? Valid: {listed}" if close else f"valid: {listed}"


def near(name: str, valid: Sequence[str], otherwise: str) -> str:
    """The end of a sentence about a name among too many to list: the likely ones, else where they are listed."""
    close = get_close_matches(name, valid, n=3, cutoff=0.6)
    return f"did you mean {' or '.join(close)}?" if close else otherwise
