"""No secret in any text of ours: values of secrets are blanked in log records, tracebacks and what commands print.

Nothing that we write quotes a secret. This is the net below: a library may put an address or a password into the text
of an exception, and whoever logs or prints that does not know it.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import TracebackType
from urllib.parse import SplitResult, quote, urlsplit

from dq.base.errors import UsageError
from dq.base.paths import local
from dq.base.secret import FOLDER, LONGEST, PREFIX

SHORTEST = 6
"""Shorter ones are not blanked: they would blank words that are none."""
BLANK = "[secret]"


def redacted(text: str) -> str:
    """The text with every secret in it blanked, in the forms that libraries write it."""
    known = _known()
    return known.sub(BLANK, text) if known else text


def install() -> None:
    """From now on blank secrets in every log record and in the traceback of what nobody catches; twice is as once."""
    if not isinstance(logging.getLogRecordFactory(), _Records):
        logging.setLogRecordFactory(_Records(logging.getLogRecordFactory()))
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread


class _Records:
    """Makes log records in which no message, argument or traceback holds a secret, whoever logs and handles them."""

    def __init__(self, before: object) -> None:
        self._before = before

    def __call__(self, *args: object, **kwargs: object) -> logging.LogRecord:
        record: logging.LogRecord = self._before(*args, **kwargs)  # type: ignore[operator]  # a factory is callable
        if _known() is None:
            return record
        with suppress(Exception):  # a message that does not fit its arguments is told of by the handler
            said = record.getMessage()
            clean = redacted(said)
            if clean != said:
                record.msg, record.args = clean, ()
        if record.exc_info and record.exc_info[0] is not None:
            text = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
            if (clean := redacted(text)) != text:
                # What is formatted already is not formatted again.
                record.exc_text, record.exc_info = clean, None
        if record.stack_info:
            record.stack_info = redacted(record.stack_info)
        return record


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    sys.stderr.write(redacted("".join(traceback.format_exception(kind, error, trace))))


def _uncaught_in_thread(about: threading.ExceptHookArgs) -> None:
    if about.exc_type is not SystemExit and about.exc_value is not None:
        _uncaught(about.exc_type, about.exc_value, about.exc_traceback)


def _known() -> re.Pattern[str] | None:
    """What finds the secrets there are now in all their forms; None where there are none."""
    values = [value for name, value in os.environ.items() if name.startswith(PREFIX)]
    folder = os.environ.get(FOLDER)
    if not values and not folder:
        return None
    return _pattern((*values, *_in_folder(folder)) if folder else tuple(values))


def _in_folder(folder: str) -> Iterator[str]:
    try:
        place = local(folder)
    except UsageError:  # every command refuses it; no text may be lost to that
        return
    for path, (changed, size) in _listing(place).items():
        yield _content(path, changed, size)


def _listing(folder: Path) -> Mapping[Path, tuple[int, int]]:
    found = {}
    with suppress(OSError):
        for path in sorted(folder.iterdir()):
            status = path.stat()
            found[path] = (status.st_mtime_ns, status.st_size)
    return found


@cache
def _content(path: Path, _changed: int, _size: int) -> str:
    """The secret in a file as it was then; empty where it cannot be one."""
    with suppress(OSError, UnicodeDecodeError), path.open("rb") as file:
        return file.read(LONGEST).decode("utf-8")
    return ""


@cache
def _pattern(values: tuple[str, ...]) -> re.Pattern[str] | None:
    import base64  # needed only where there are secrets; who is on call must not wait for it

    found: set[str] = set()
    for value in (value.strip() for value in values):
        found |= {value, quote(value), quote(value, safe=""), base64.b64encode(value.encode()).decode()}
        found |= {repr(value)[1:-1]}
        parts = _split(value)
        if parts is not None:  # of an address libraries quote the path alone, and its user's password
            target = parts.path + (f"?{parts.query}" if parts.query else "")
            found |= {target.rstrip("/"), parts.path.rstrip("/"), parts.query, parts.password or ""}
    forms = sorted((form for form in found if len(form) >= SHORTEST), key=len, reverse=True)
    # A secret that is a mere word, as the name of a user may be, must not blank parts of other words.
    each = [rf"(?<!\w){form}(?!\w)" if form.isalpha() else re.escape(form) for form in forms]
    return re.compile("|".join(each)) if each else None


def _split(value: str) -> SplitResult | None:
    with suppress(ValueError):  # a bracket that does not close
        return urlsplit(value) if "://" in value else None
    return None
