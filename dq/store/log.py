"""The commit log of a table: numbered files, each the whole table, each created at most once.

The current version is the commit with the highest number. Where that one is damaged, or a number before it is missing,
there is no current version but an error: what is lost may be a withdrawal, and the version before would bring back what
was withdrawn. An older file that is damaged is passed over with a warning: no commit needs another to be read. Nothing
is ever overwritten, and a file that cannot be *read* is an error wherever it is.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise, takewhile

from dq.base.errors import CommitUnknownError, StoreError
from dq.store.filesystem import Filesystem, LinkingFilesystem, NotWrittenError
from dq.store.sealed import TornDocumentError, decode, encode
from dq.store.versions import Commit

log = logging.getLogger("dq.store")

LOG = "_commits"
CURRENT = "current"
VIEWS = "_views"
FILE_NAME = re.compile(r"([0-9]{20})\.json")
ATTEMPTS = 1000
FAR = 1000
"""A file so many numbers after the others, and without a commit of this number, was never one of this log."""
NEXT_STEP = (
    f"restore it from a backup; without one remove what is left of it and the link {CURRENT}, look at what is "
    "published then, and publish or withdraw again what it had changed"
)

NOT_ITS_OWN = (
    "remove the file if it was copied there and nothing of this number was ever published; "
    f"if it took the place of a commit, {NEXT_STEP}"
)


class MisplacedError(TornDocumentError):
    """A file holds a whole commit of another number or table."""


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
        self._told: set[int] = set()

    def taken(self) -> Sequence[int]:
        """Every number that has a file, whole or damaged, ascending; a stray far from the others is passed over."""
        matches = (FILE_NAME.fullmatch(one.name) for one in self._filesystem.list(self.folder))
        found: list[int] = []
        for number in sorted(int(match[1]) for match in matches if match):
            if number - (found[-1] if found else 0) > FAR and self._stray(number):
                if number not in self._told:
                    log.warning("%s was never a commit and is passed over; remove it", self.key(number))
                self._told.add(number)
            else:
                found.append(number)
        return found

    def at(self, version: int) -> Commit | None:
        """The commit with this number; None, with a warning, when its file is damaged; None when there is none."""
        try:
            return self._whole(version)
        except TornDocumentError as error:
            log.warning("%s: commit %d is damaged: %s (%s)", self._table, version, error, self.key(version))
            return None

    def current(self) -> Commit | None:
        """The commit with the highest number, None before the first; StoreError where a newer one may be lost."""
        return self._newest(*self._listed())

    def all(self) -> Sequence[Commit]:
        """Every whole commit, ascending; StoreError as for the current one."""
        return self._back_to(None)[::-1]

    def since(self, instant: datetime) -> Sequence[Commit]:
        """The whole commits from an instant on, ascending: read from the newest back to the first one before it."""
        return self._back_to(instant)[::-1]

    def newest_first(self) -> Iterator[Commit]:
        """Every whole commit, descending, each read when it is asked for; StoreError as for the current one."""
        taken, shown = self._listed()
        if newest := self._newest(taken, shown):
            yield newest
        yield from (commit for version in reversed(taken[:-1]) if (commit := self.at(version)))

    def append(self, propose: Propose, announce: Announce) -> Commit:
        """Commit what ``propose`` makes of the current version, again on every newer one until it is written.

        ``announce`` is told each number before it is tried. Base and number come from one listing, so a version that
        appears in between makes the attempt lose instead of being left out. Raises CommitUnknownError when storage
        failed and does not say whether the commit landed.
        """
        for _ in range(ATTEMPTS):
            taken, shown = self._listed()
            version = _next(taken)
            proposed = propose(self._newest(taken, shown), version)
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

    def _whole(self, version: int) -> Commit | None:
        """The commit with this number, None when there is none; TornDocumentError when its file is damaged."""
        content = self._filesystem.read(self.key(version))
        if content is None:
            return None
        commit = Commit.from_json(decode(content))
        if (commit.table, commit.version) != (self._table, version):
            raise MisplacedError(f"it is version {commit.version} of {commit.table}")
        return commit

    def _stray(self, version: int) -> bool:
        try:
            return self._whole(version) is None
        except TornDocumentError:
            return True

    def _listed(self) -> tuple[Sequence[int], int]:
        """The numbers that are taken, and the one that ``current`` showed before they were listed, 0 without."""
        shown = ""
        if isinstance(self._filesystem, LinkingFilesystem):
            shown = (self._filesystem.link_target(f"{self._table}/{CURRENT}") or "").removeprefix(f"{VIEWS}/")
        return self.taken(), int(shown) if shown.isdecimal() else 0

    def _newest(self, taken: Sequence[int], shown: int) -> Commit | None:
        """The commit with the highest number; StoreError where it is damaged, or any other is missing."""
        last = taken[-1] if taken else 0
        if shown > last:
            raise self._lost(shown, f"version {shown}, which readers were shown, is missing")
        self._refuse_holes(taken)
        if not taken:
            return None
        try:
            newest = self._whole(last)
        except MisplacedError as error:
            raise self._misplaced(last, error) from error
        except TornDocumentError as error:
            raise self._lost(last, f"version {last}, the newest, is damaged: {error}") from error
        if newest is None:
            raise self._lost(last, f"version {last}, the newest, is missing")
        return newest

    def _refuse_holes(self, taken: Sequence[int]) -> None:
        """Raise a StoreError where a number is missing, unless the next commit says that it was built without it."""
        for before, number in pairwise([0, *taken]):
            if number == before + 1 or self._filesystem.read(self.key(before + 1)) is not None:
                continue  # what appears while a folder is listed may be listed or not
            following = next((commit for one in taken if one >= number and (commit := self.at(one))), None)
            if following is None or (following.parent or 0) > before:
                try:
                    self._whole(number)
                except MisplacedError as error:
                    raise self._misplaced(number, error) from error
                except TornDocumentError:
                    pass  # the sentence about the one that is missing says where to look
                raise self._lost(before + 1, f"version {before + 1} is missing, version {number} is there")

    def _lost(self, version: int, what: str) -> StoreError:
        return StoreError(what, where=self.key(version), do=NEXT_STEP)

    def _misplaced(self, version: int, error: MisplacedError) -> StoreError:
        what = f"what lies there as version {version} is another commit: {error}"
        return StoreError(what, where=self.key(version), do=NOT_ITS_OWN)

    def _back_to(self, instant: datetime | None) -> list[Commit]:
        return [*takewhile(lambda commit: instant is None or commit.committed >= instant, self.newest_first())]

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
