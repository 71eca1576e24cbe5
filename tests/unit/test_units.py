"""A unit test that reaches for more fails with where it belongs, whatever the code under test catches."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from dq.declare import project


def fork() -> None:
    if os.fork() == 0:
        os._exit(0)


@pytest.mark.parametrize(
    ("reach", "said"),
    [
        (socket.socket, "tests/servers"),
        (lambda: socket.create_connection(("127.0.0.1", 9)), "tests/servers"),
        (lambda: subprocess.run(["true"]), "tests/processes"),
        (lambda: os.posix_spawn("/bin/true", ["true"], {}), "tests/processes"),
        (fork, "tests/processes"),
        (lambda: project.load(Path(__file__).parents[2]), "tests/project"),
    ],
    ids=["socket", "connection", "process", "spawn", "fork", "project"],
)
def test_what_is_no_unit_is_refused(reach: Callable[[], object], said: str) -> None:
    def under_test() -> None:
        try:
            reach()
        except Exception:
            return

    with pytest.raises(pytest.fail.Exception, match=said):
        under_test()
