"""SIGTERM as an exception, so that what was begun ends in order and says what it left behind."""

from __future__ import annotations

import logging
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
        # A scheduler sends it to the JVM as well: what py4j logs of the lost connection helps nobody.
        logging.disable()
        raise Terminated

    previous = signal.signal(signal.SIGTERM, raise_terminated)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
        logging.disable(logging.NOTSET)


def stop_behind(error: BaseException | None) -> BaseException | None:
    """The interruption or termination that an exception is, or that it was raised while handling; None where none is.

    Spark's client raises errors of its own while it leaves a call that was stopped, which then hide the stop.
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, KeyboardInterrupt | Terminated):
            return error
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return None


def exit_code(stopped: BaseException) -> int:
    """The exit code of what was stopped from outside: 143 terminated, 130 interrupted."""
    return TERMINATED if isinstance(stopped, Terminated) else INTERRUPTED
