"""Why something died, in one sentence without data values and without a traceback."""

from __future__ import annotations

import errno
import re
from pathlib import Path

from dq.base.errors import DqError
from dq.spark import spark_versions as versions
from dq.tell.redact import redacted

# Spark names the object in these parameters; the others (`expression` too) may hold values of rows.
_NAMES = ("objectName", "fieldName", "columnName", "relationName", "routineName", "functionName", "path")
_CALLED = Path(__file__).resolve().parents[1] / "cli"
"""What a job calls of a run, from which on it is the run's doing."""
_DISK = "No space left on device"


def sentence(error: BaseException) -> str:
    """What happened, with the column or object that Spark names; nothing a row could have put there, and no secret."""
    return redacted(_sentence(error))


def place(error: BaseException, root: Path) -> str:
    """Where in the project's jobs an exception was raised, to follow its sentence: file and line, no value.

    Empty for what a job did not do itself: what a run does when a job calls it, and errors that say where they are.
    """
    if isinstance(error, DqError):
        return ""
    found, trace = "", error.__traceback__
    while trace is not None:
        file = Path(trace.tb_frame.f_code.co_filename).resolve()
        if file.is_relative_to(root / "jobs"):
            found = f" ({file.relative_to(root).as_posix()}, line {trace.tb_lineno})"
        elif file.is_relative_to(_CALLED):
            found = ""
        trace = trace.tb_next
    return found


def _sentence(error: BaseException) -> str:
    if isinstance(error, DqError):
        return str(error)
    condition = _condition(error)
    text = str(error)
    if _DISK in text or (isinstance(error, OSError) and error.errno == errno.ENOSPC):
        return "the disk is full; free space in the warehouse and run again"
    if condition:
        name, parameters = condition
        named = [f"{key} {value}" for key, value in parameters.items() if key in _NAMES and len(value) < 200]
        return f"{name} ({', '.join(named)})" if named else name
    java = re.search(r"([a-z]+(?:\.[a-z0-9]+)+\.[A-Z]\w+(?:Exception|Error))", text)
    if java:
        return f"{type(error).__name__} caused by {java.group(1)}"
    if isinstance(error, AttributeError | NameError | TypeError | ImportError):
        # Python names the attribute or module; the text holds names of code, not of rows, as that of a KeyError may.
        return f"{type(error).__name__}: {text[:200]}"
    where = error.__traceback__
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    if where is not None:
        return f"{type(error).__name__} in {where.tb_frame.f_code.co_name}, line {where.tb_lineno}"
    return type(error).__name__


def _condition(error: BaseException) -> tuple[str, dict[str, str]] | None:
    """Spark's error condition and its parameters, where the error has one."""
    condition = versions.condition(error)
    return (condition, versions.parameters(error)) if condition else None
