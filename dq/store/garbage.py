"""Garbage collection of a table: what no commit refers to, after a time, and never while an outcome is open."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dq.base.errors import StoreError
from dq.store.filesystem import TEMPORARY_SUFFIX, EntryType, Filesystem, Listed
from dq.store.inventory import INTENT
from dq.store.log import VIEWS, CommitLog
from dq.store.names import NAME
from dq.store.sealed import TornDocumentError, decode
from dq.store.view import TRASH

log = logging.getLogger("dq.store")

STAGING, DATA = "_staging", "data"


@dataclass(frozen=True, kw_only=True)
class Removed:
    """A folder or file that was removed: its key relative to the warehouse, and the bytes it held."""

    path: str
    bytes: int


def collect(
    filesystem: Filesystem,
    commits: CommitLog,
    table: str,
    now: datetime,
    older_than: timedelta,
    keep_runs: Collection[str],
) -> Sequence[Removed]:
    """Remove a table's unreferenced run folders and left-over temporaries; returns what was removed."""
    if older_than <= timedelta(0):
        raise StoreError("garbage needs an age above zero", where=table, do="give a time longer than the longest run")
    return list(_Collector(filesystem, commits, table, now - older_than, keep_runs).run())


def sweep_temporaries(filesystem: Filesystem, folder: str, before: datetime) -> Iterator[Removed]:
    """Remove the temporaries that dead writers left in a folder."""
    for one in filesystem.list(folder):
        if one.name.startswith(".") and one.name.endswith(TEMPORARY_SUFFIX) and older(one.modified_ns, before):
            filesystem.delete(f"{folder}/{one.name}")
            yield Removed(path=f"{folder}/{one.name}", bytes=one.size)


class _Collector:
    def __init__(
        self, filesystem: Filesystem, commits: CommitLog, table: str, before: datetime, keep_runs: Collection[str]
    ) -> None:
        self._filesystem = filesystem
        self._commits = commits
        self._table = table
        self._before = before
        self._keep = keep_runs
        self._runs_of: dict[int, frozenset[str]] = {}  # commits never change, so each is read once

    def run(self) -> Iterator[Removed]:
        yield from self._empty_trash()
        for place in (STAGING, DATA):
            for run in self._old_runs(place):
                if place == STAGING or self._unreferenced(run, place):
                    yield from self._remove(run, place)
        yield from sweep_temporaries(self._filesystem, self._commits.folder, self._before)
        yield from sweep_temporaries(self._filesystem, self._table, self._before)

    def _old_runs(self, place: str) -> Iterator[str]:
        for one in self._filesystem.list(f"{self._table}/{place}"):
            key = f"{self._table}/{place}/{one.name}"
            if one.type is not EntryType.FOLDER or not NAME.fullmatch(one.name):
                log.warning("%s is not a run folder and is left alone", key)
            elif one.name not in self._keep and older(max(one.modified_ns, self._newest(key)), self._before):
                yield one.name

    def _unreferenced(self, run: str, place: str) -> bool:
        """Whether no commit, whole or damaged or still to land, can refer to a run's data; read from the log anew."""
        try:
            self._commits.current()
        except StoreError as error:
            log.warning("%s: nothing under data is removed while its log is not whole: %s", self._table, error)
            return False
        for number in self._commits.taken():
            if number in self._runs_of:
                continue
            commit = self._commits.at(number)
            if commit is None:
                log.warning("%s: nothing under data is removed while commit %d is damaged", self._table, number)
                return False
            self._runs_of[number] = frozenset({commit.run})  # a period's entry is of the run of some commit
        if any(run in runs for runs in self._runs_of.values()):
            return False
        content = self._filesystem.read(f"{self._table}/{place}/{run}/{INTENT}")
        if content is None:
            return True
        try:
            # Once another commit has the number this run tried, its own can no longer land there.
            return decode(content).integer("version") in self._runs_of
        except TornDocumentError:
            return False

    def _remove(self, run: str, place: str) -> Iterator[Removed]:
        """Take a run out of its writer's reach by one move, look again, and only then remove it."""
        source, trash = f"{self._table}/{place}/{run}", f"{self._table}/{TRASH}/{place}/{run}"
        try:
            self._filesystem.move(source, trash)
        except StoreError as error:
            log.warning("%s is left alone: %s", source, error)
            return
        yield from self._empty(run, place)

    def _empty_trash(self) -> Iterator[Removed]:
        for place in (STAGING, DATA):
            for one in self._filesystem.list(f"{self._table}/{TRASH}/{place}"):
                yield from self._empty(one.name, place)
        self._filesystem.delete(f"{self._table}/{TRASH}/{VIEWS}")

    def _empty(self, run: str, place: str) -> Iterator[Removed]:
        source, trash = f"{self._table}/{place}/{run}", f"{self._table}/{TRASH}/{place}/{run}"
        if place == DATA and not self._unreferenced(run, f"{TRASH}/{place}"):
            self._filesystem.move(trash, source)
            return
        size = sum(one.size for one in self._files(trash))
        self._filesystem.delete(trash)
        yield Removed(path=source, bytes=size)

    def _newest(self, key: str) -> int:
        return max((one.modified_ns for one in self._files(key)), default=0)

    def _files(self, key: str) -> Iterator[Listed]:
        """Everything under a folder; links are listed, not followed."""
        for one in self._filesystem.list(key):
            yield one
            if one.type is EntryType.FOLDER:
                yield from self._files(f"{key}/{one.name}")


def older(modified_ns: int, before: datetime) -> bool:
    """Whether a modification time in nanoseconds lies before an instant."""
    return modified_ns < before.timestamp() * 1e9
