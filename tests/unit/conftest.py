"""What keeps the unit tests units, and quick: whoever reaches for more is told where such a test belongs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
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
watching = False


def _watch(event: str, _: object) -> None:
    if watching and event in ELSEWHERE:
        refuse(ELSEWHERE[event])


def refuse(what: str) -> None:
    """Fail the test; no ``except Exception`` of the code under test hides it."""
    pytest.fail(f"a test in tests/unit asks for {what}")


sys.addaudithook(_watch)  # stays as long as the process


def _no_project(*_: Any, **__: Any) -> None:
    refuse("the whole project: tests/parts and tests/project have that")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Iterator[None]:
    """Around each test of this folder, its fixtures included."""
    global watching
    from dq.declare import project

    read, project.read, watching = project.read, _no_project, True
    try:
        return (yield)
    finally:
        project.read, watching = read, False
