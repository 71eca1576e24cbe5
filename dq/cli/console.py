"""What people see: results on stdout, everything else on stderr, colour only on a terminal.

Printing raises nothing, whatever the streams are: what a command decided and did does not depend on them. A result that
could not be printed is told on stderr and makes a good exit code 4.
"""

from __future__ import annotations

import argparse
import getpass
import io
import os
import sys
from collections.abc import Sequence
from typing import NoReturn, TextIO

from dq.base.errors import ConfigError, DqError
from dq.tell.redact import redacted

MISTAKES_SHOWN = 200
UNPRINTED = 4


class _Nowhere(io.StringIO):
    """Stands in for a stdout that cannot be written to; ``reason`` is empty where its reader has seen enough."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason
        self.told = False

    def write(self, text: str) -> int:
        """Take a text and keep nothing of it."""
        return len(text)


def prepare() -> None:
    """Fill the standard streams that were closed, so that no file opened later takes their number.

    The JVM writes its messages to these numbers, whatever lies behind them.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


def out(text: str) -> None:
    """A result for people or programs."""
    try:
        _write(sys.stdout, text)
    except BrokenPipeError:
        # The reader has seen enough (`| head`); what the command decided stays its exit code.
        sys.stdout = _Nowhere("")
    except (OSError, ValueError) as failure:
        sys.stdout = _Nowhere(failure.strerror or str(failure) if isinstance(failure, OSError) else str(failure))


def note(text: str) -> None:
    """Progress and remarks, kept apart from results; lost where there is nobody to read them."""
    try:
        _write(sys.stderr, text)
    except (OSError, ValueError):
        sys.stderr = _Nowhere("")


def _write(stream: TextIO | None, text: str) -> None:
    """Write a text with a line break at its end; what the stream's encoding lacks is written as an escape."""
    if stream is None:
        raise ValueError("the stream is closed")
    told = redacted(text).rstrip("\n") + "\n"
    encoding = getattr(stream, "encoding", None) or "utf-8"
    stream.write(told.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()


def ended(code: int) -> int:
    """The exit code of a command that would end with one: 4 for a good one whose result could not be printed."""
    stream = sys.stdout
    if stream is None:  # nothing was printed, so nothing is missing
        return code
    try:
        stream.flush()
    except OSError as failure:
        stream = sys.stdout = _Nowhere("" if isinstance(failure, BrokenPipeError) else failure.strerror or "")
    except ValueError:
        return code
    if not isinstance(stream, _Nowhere) or not stream.reason:
        return code
    if not stream.told:
        note(f"dq: the result could not be printed: {stream.reason}")
        stream.told = True
    return code or UNPRINTED


class Parser(argparse.ArgumentParser):
    """A parser whose help and complaints are printed like every other text."""

    def _print_message(self, message: str, file: object = None) -> None:
        if message:
            (note if file in (None, sys.stderr) else out)(message)

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """End the process, saying so where its help could not be printed."""
        self._print_message(message or "")
        sys.exit(ended(status))


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
    from dq.show import use_colour

    return _on_terminal() and use_colour(sys.stdout)


def width() -> int:
    """The width results are wrapped to: that of the terminal, else wide enough for logs."""
    if not _on_terminal():
        return 160
    return max(60, os.get_terminal_size().columns)


def _on_terminal() -> bool:
    try:
        return sys.stdout.isatty()
    except (AttributeError, ValueError):  # there is none, or it is closed
        return False
