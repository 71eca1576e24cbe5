"""A filesystem that dies at a chosen step."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from dq.store.filesystem import PosixFilesystem


class Crash(BaseException):
    """The process dies: nothing after it happens."""


class Dies(PosixFilesystem):
    """Storage whose Nth write is the last thing the process did, or the first it did not do."""

    def __init__(self, root: Path, at_write: int, *, before: bool) -> None:
        super().__init__(root)
        self.left, self.before = at_write, before

    def _writes(self, write: Callable[[], Any]) -> Any:
        self.left -= 1
        if self.left == 0 and self.before:
            raise Crash
        done = write()
        if self.left == 0:
            raise Crash
        return done

    def put_if_absent(self, key: str, content: bytes) -> bool:
        return bool(self._writes(lambda: super(Dies, self).put_if_absent(key, content)))

    def replace(self, key: str, content: bytes) -> None:
        self._writes(lambda: super(Dies, self).replace(key, content))
