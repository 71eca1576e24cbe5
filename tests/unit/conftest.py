"""What keeps the unit tests units, and quick: whoever reaches for more is told where such a test belongs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
import urllib3

__all__ = ["urllib3"]  # tries on import whether there is IPv6, with a socket
ELSEWHERE = {
    "socket.__new__": "a socket: tests/servers has those",
    "socket.getaddrinfo": "the network: tests/servers has that",
    "subprocess.Popen": "a child process: tests/processes has those",
    "os.fork": "a child process: tests/processes has those",
    "os.forkpty": "a child process: tests/processes has those",
    "os.posix_spawn": "a child process: tests/processes has those",
    "os.system": "a child process: tests/processes has those",
}
"""What Python's audit events say a test does, and where tests that do it stand."""
HERE = Path(__file__).parent
watching = False


def _watch(event: str, _: object) -> None:
    if watching and event in ELSEWHERE:
        refuse(ELSEWHERE[event])


def refuse(what: str) -> None:
    """Fail the test; no ``except Exception`` of the code under test hides it."""
    pytest.fail(f"a test in tests/unit asks for {what}")


sys.addaudithook(_watch)  # stays as long as the process


def _guarded(read: Callable[..., Any]) -> Callable[..., Any]:
    """Reading the project, which a module first imported by a unit test may keep: it refuses unit tests only."""

    @wraps(read)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if watching:
            refuse("the whole project: tests/parts and tests/project have that")
        return read(*args, **kwargs)

    return guarded


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Around each test of this folder, its fixtures included; pytest asks this of the tests of every folder."""
    global watching
    if HERE not in item.path.parents:
        return (yield)
    from dq.declare import project

    read, watching = project.read, True
    project.read = _guarded(read)
    try:
        return (yield)
    finally:
        project.read, watching = read, False
