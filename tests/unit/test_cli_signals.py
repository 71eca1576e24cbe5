"""What stopped a command, however it shows."""

from __future__ import annotations

import logging
import os
import signal

import pytest

from dq.cli.signals import Terminated, stop_behind, terminable


def stopped_in_a_call() -> None:
    """A call that is stopped, and logs and raises something else on its way out, as py4j does."""
    with terminable():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            logging.getLogger("py4j").error("Exception while sending command.")
            raise ValueError("call site")


def failing() -> None:
    try:
        raise ValueError("first")
    except ValueError as error:
        raise KeyError("second") from error


def test_a_stop_is_found_behind_what_was_raised_while_leaving_the_call() -> None:
    with pytest.raises(ValueError, match="call site") as caught:
        stopped_in_a_call()
    assert isinstance(stop_behind(caught.value), Terminated)


def test_an_error_is_no_stop() -> None:
    with pytest.raises(KeyError) as caught:
        failing()
    assert stop_behind(caught.value) is None
    assert stop_behind(None) is None


def test_nothing_is_logged_after_a_termination_and_everything_after_the_command(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.raises(ValueError, match="call site"):
        stopped_in_a_call()
    logging.getLogger("py4j").error("afterwards")
    assert caplog.messages == ["afterwards"]
