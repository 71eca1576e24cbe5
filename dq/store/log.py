"""The commit log of a table: numbered files, each the whole table, each created at most once.

The current version is the whole commit with the highest number. A file that is torn or edited is passed over with a
warning and keeps its number: it neither hides a later commit, because no commit needs another to be read, nor is it
overwritten, because the next one takes the number after the highest that is there. A file that cannot be *read* is an
error, never passed over, or a failing disk would quietly bring old figures back.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from dq.errors import CommitUnknownError, StoreError
from dq.store.documents import TornDocumentError, decode, encode
from dq.store.filesystem import Filesystem, NotWrittenError
from dq.store.versions import Commit

log = logging.getLogger("dq.store")

LOG = "_commits"
FILE_NAME = re.compile(r"([0-9]{20})\.json")
ATTEMPTS = 1000


@dataclass(frozen=True)
class Settled:
    """A change that is already published: the commit that did it, nothing to write."""

    commit: Commit


Propose = Callable[[Commit | None, int], Commit | Settled]
Announce = Callable[[int], None]


class CommitLog:
    """The versions of one table, ordered by number and never by time."""

    def __init__(self, filesystem: Filesystem, table: str) -> None:
        self._filesystem = filesystem
        self._table = table
        self.folder = f"{table}/{LOG}"

    def taken(self) -> Sequence[int]:
        """Every number that has a file, whole or damaged, ascending."""
        found = []
        for one in self._filesystem.list(self.folder):
            match = FILE_NAME.fullmatch(one.name)
            if match:
                found.append(int(match[1]))
        return sorted(found)

    def at(self, version: int) -> Commit | None:
        """The commit with this number; None, with a warning, when its file is damaged; None when there is none."""
        content = self._filesystem.read(self.key(version))
        if content is None:
            return None
        try:
            commit = Commit.from_json(decode(content))
            if (commit.table, commit.version) != (self._table, version):
                raise TornDocumentError(f"it is version {commit.version} of {commit.table}")
        except TornDocumentError as error:
            log.warning(
                "%s: commit %d is damaged and passed over: %s; restore %s from a backup",
                self._table,
                version,
                error,
                self.key(version),
            )
            return None
        return commit

    def current(self) -> Commit | None:
        """The whole commit with the highest number, None before the first."""
        return self._newest(self.taken())

    def all(self) -> Sequence[Commit]:
        """Every whole commit, ascending."""
        commits = (self.at(version) for version in self.taken())
        return [commit for commit in commits if commit]

    def since(self, instant: datetime) -> Sequence[Commit]:
        """The whole commits from an instant on, ascending: read from the newest back to the first one before it."""
        found: list[Commit] = []
        for version in reversed(self.taken()):
            commit = self.at(version)
            if commit and commit.committed < instant:
                break
            found += [commit] if commit else []
        return found[::-1]

    def append(self, propose: Propose, announce: Announce) -> Commit:
        """Commit what ``propose`` makes of the current version, again on every newer one until it is written.

        ``announce`` is told each number before it is tried. Base and number come from one listing, so a version that
        appears in between makes the attempt lose instead of being left out. Raises CommitUnknownError when storage
        failed and does not say whether the commit landed.
        """
        for _ in range(ATTEMPTS):
            taken = self.taken()
            version = _next(taken)
            proposed = propose(self._newest(taken), version)
            if isinstance(proposed, Settled):
                return proposed.commit
            announce(version)
            if self._put(proposed):
                return proposed
        raise StoreError(f"{ATTEMPTS} other commits came first", where=self._table, do="run again when it is quieter")

    def next_number(self) -> int:
        """The number the next commit would try now."""
        return _next(self.taken())

    def key(self, version: int) -> str:
        """The key of a version's file."""
        return f"{self.folder}/{version:020d}.json"

    def _newest(self, taken: Sequence[int]) -> Commit | None:
        for version in reversed(taken):
            commit = self.at(version)
            if commit:
                return commit
        return None

    def _put(self, commit: Commit) -> bool:
        """Whether this commit, and not another writer's, holds its number now."""
        content = encode(commit.to_json())
        try:
            Commit.from_json(decode(content))
        except TornDocumentError as error:
            raise StoreError(f"version {commit.version} could not be read back: {error}", where=self._table) from error
        key = self.key(commit.version)
        failure: Exception | None = None
        try:
            if self._filesystem.put_if_absent(key, content):
                return True
        except NotWrittenError:
            raise
        except Exception as error:  # any other failure of any storage client leaves the outcome open
            failure = error
        try:
            found = self._filesystem.read(key)
            if found == content:
                if failure:
                    log.warning("%s: commit %d landed although %s", self._table, commit.version, failure)
                return True
            if failure is None or (found is not None and self.at(commit.version)):
                return False
        except Exception as error:
            failure = failure or error
        raise CommitUnknownError(
            f"it is not known whether version {commit.version} was committed: {failure}",
            where=self._table,
            do="run again: it finds its own commit or publishes; nothing was removed",
        ) from failure


def _next(taken: Sequence[int]) -> int:
    return (taken[-1] if taken else 0) + 1
