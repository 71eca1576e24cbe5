"""SIGTERM as an exception, so that what was begun ends in order and says what it left behind."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED, TERMINATED = 130, 143


class Terminated(BaseException):
    """SIGTERM, turned into an exception so that the run ends in order."""


@contextmanager
def terminable() -> Iterator[None]:
    """Inside the block SIGTERM raises Terminated; only the main thread can receive it, elsewhere nothing changes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def raise_terminated(_signum: int, _frame: FrameType | None) -> None:
        raise Terminated

    previous = signal.signal(signal.SIGTERM, raise_terminated)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def exit_code(stopped: BaseException) -> int:
    """The exit code of what was stopped from outside: 143 terminated, 130 interrupted."""
    return TERMINATED if isinstance(stopped, Terminated) else INTERRUPTED
