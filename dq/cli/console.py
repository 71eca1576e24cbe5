"""What people see: results on stdout, everything else on stderr, colour only on a terminal."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Sequence

from dq.errors import ConfigError, DqError
from dq.notify.redact import redacted

MISTAKES_SHOWN = 200


def out(text: str) -> None:
    """A result for people or programs."""
    try:
        sys.stdout.write(redacted(text).rstrip("\n") + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has seen enough (`| head`); what the command decided stays its exit code.
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - lives as long as the process


def note(text: str) -> None:
    """Progress and remarks, kept apart from results."""
    sys.stderr.write(redacted(text).rstrip("\n") + "\n")
    sys.stderr.flush()


def error(failure: DqError) -> int:
    """Say what went wrong in plain sentences; returns the exit code."""
    if isinstance(failure, ConfigError):
        for finding in failure.findings[:MISTAKES_SHOWN]:
            note(str(finding))
        more = len(failure.findings) - MISTAKES_SHOWN
        count = len(failure.findings)
        note(
            f"dq: {count} mistake{'s' if count != 1 else ''} in the declared files"
            + (f", {more} not shown" if more > 0 else "")
        )
    else:
        note(f"dq: {failure}")
    return failure.exit_code


def who() -> str:
    """The user running this, for the record; in a container without a name for them, the number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells as lines with their columns under each other."""
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))] if rows else []
    return ["  ".join(cell.ljust(widths[n]) for n, cell in enumerate(row)).rstrip() for row in rows]


def colour() -> bool:
    """Whether results may be written in colour."""
    from dq.reports import use_colour

    return use_colour(sys.stdout)


def width() -> int:
    """The width results are wrapped to: that of the terminal, else wide enough for logs."""
    if not sys.stdout.isatty():
        return 160
    return max(60, os.get_terminal_size().columns)
