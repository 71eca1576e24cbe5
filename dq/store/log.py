"""The commit log of a table, which is a Delta log: numbered files, each a version, each created at most once.

The current version is the commit with the highest number. Where that one is damaged, or a number before it is missing,
or somebody else wrote it, there is no current version but an error: what is lost may be a withdrawal, and the version
before would bring back what was withdrawn. A commit says of each period which version published it and is read from
there: an older file that is damaged hides what it published, and is passed over with a warning where it published
nothing that counts. Version 0 makes the table and publishes nothing. Nothing is ever overwritten, and a file that
cannot be *read* is an error wherever it is.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from itertools import pairwise, takewhile

from dq.base.errors import CommitUnknownError, StoreError
from dq.store import checkpoint, delta_lines, open_schema
from dq.store.delta_lines import Description, ForeignCommitError
from dq.store.filesystem import Filesystem, LinkingFilesystem, NotWrittenError
from dq.store.sealed import Fields, TornDocumentError
from dq.store.versions import NOTHING, Commit, Load, PeriodEntry, own_entries

log = logging.getLogger("dq.store")

LOG = "_delta_log"
FORMER_LOG = "_commits"
CURRENT = "current"
VIEWS = "_views"
FILE_NAME = re.compile(r"([0-9]{20})\.json")
ATTEMPTS = 1000
FAR = 1000
"""A file so many numbers after the others, and without a commit of this number, was never one of this log."""
RESTORE = "restore it from a backup"
NEXT_STEP = (
    f"{RESTORE}; without one remove what is left of it and the link {CURRENT}, look at what is "
    "published then, and publish or withdraw again what it had changed"
)

TAKE_OUT = (
    "move its file, its .crc if there is one, and every checkpoint of this or a later number with _last_checkpoint out "
    "of the folder: what was published before counts again, and dq verify says whether its files are still there"
)
NO_COLUMNS = '{"type": "struct", "fields": []}'
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

    def __init__(self, filesystem: Filesystem, table: str, folder: str = LOG) -> None:
        self._filesystem = filesystem
        self._table = table
        self.folder = f"{table}/{folder}"
        self._told: set[int] = set()

    def taken(self) -> Sequence[int]:
        """The number of every version that has a file, whole or damaged, ascending; a stray is passed over."""
        return self._numbers()[1:]

    def at(self, version: int) -> Commit | None:
        """The commit with this number; None, with a warning, when its file is damaged; None when there is none."""
        return self._at(version, self._loading())

    def current(self) -> Commit | None:
        """The commit with the highest number, None before the first; StoreError where a newer one may be lost."""
        return self._newest(*self._listed(), self._loading())

    def all(self) -> Sequence[Commit]:
        """Every whole commit, ascending; StoreError as for the current one."""
        return self._back_to(None)[::-1]

    def since(self, instant: datetime) -> Sequence[Commit]:
        """The whole commits from an instant on, ascending: read from the newest back to the first one before it."""
        return self._back_to(instant)[::-1]

    def newest_first(self) -> Iterator[Commit]:
        """Every whole commit, descending, each read when it is asked for; StoreError as for the current one."""
        numbers, shown = self._listed()
        load = self._loading()
        if newest := self._newest(numbers, shown, load):
            yield newest
        yield from (commit for version in reversed(numbers[1:-1]) if (commit := self._at(version, load)))

    def append(self, propose: Propose, announce: Announce) -> Commit:
        """Commit what ``propose`` makes of the current version, again on every newer one until it is written.

        ``announce`` is told each number before it is tried. Base and number come from one listing, so a version that
        appears in between makes the attempt lose instead of being left out. Raises CommitUnknownError when storage
        failed and does not say whether the commit landed.
        """
        for _ in range(ATTEMPTS):
            numbers, shown = self._listed()
            base = self._newest(numbers, shown, self._loading())
            version = (numbers[-1] if numbers else 0) + 1
            proposed = propose(base, version)
            if isinstance(proposed, Settled):
                return proposed.commit
            if not numbers and not self._create(proposed):
                continue
            commit, description = self._described(proposed, base)
            announce(version)
            if self._put(commit, delta_lines.encode(commit, base, description)):
                checkpoint.keep(self._filesystem, self.folder, version)
                return commit
        raise StoreError(f"{ATTEMPTS} other commits came first", where=self._table, do="run again when it is quieter")

    def follow(self, base: Commit | None, commit: Commit) -> Commit:
        """Write a commit on top of another into a log that nobody else writes, such as one that is not in place yet."""
        if base is None:
            self._create(commit)
        described, description = self._described(commit, base)
        if not self._put(described, delta_lines.encode(described, base, description)):
            raise StoreError("another process writes here", where=self.folder, do="run again when it has ended")
        return described

    def next_number(self) -> int:
        """The number the next commit would try now."""
        numbers = self._numbers()
        return (numbers[-1] if numbers else 0) + 1

    def key(self, version: int) -> str:
        """The key of a version's file."""
        return f"{self.folder}/{version:020d}.json"

    def _numbers(self) -> Sequence[int]:
        """Every number that has a file, 0 too, ascending; a stray far from the others is passed over with a warning."""
        names = self._filesystem.names(self.folder)
        found = sorted(int(match[1]) for name in names if (match := FILE_NAME.fullmatch(name)))
        if not found or len(found) == found[-1] + 1:
            return found
        kept: list[int] = []
        for number in found:
            if number - (kept[-1] if kept else 0) > FAR and self._stray(number):
                if number not in self._told:
                    log.warning("%s was never a commit and is passed over; remove it", self.key(number))
                self._told.add(number)
            else:
                kept.append(number)
        return kept

    def _read(self, version: int) -> bytes | None:
        return self._filesystem.read(self.key(version))

    def _whole(self, version: int, load: Load) -> Commit | None:
        """The commit with this number, None when there is none; TornDocumentError when its file is damaged."""
        fields = self._fields(version)
        return None if fields is None else Commit.from_json(fields, load)

    def _fields(self, version: int) -> Fields | None:
        content = self._read(version)
        if content is None:
            return None
        fields = delta_lines.decode(content)
        found = fields.text("table"), fields.integer("version")
        if found != (self._table, version):
            raise MisplacedError(f"it is version {found[1]} of {found[0]}")
        return fields

    def _at(self, version: int, load: Load) -> Commit | None:
        try:
            return self._whole(version, load)
        except TornDocumentError as error:
            log.warning("%s: commit %d is damaged: %s (%s)", self._table, version, error, self.key(version))
            return None

    def _loading(self) -> Load:
        """What reads the entries that a version published, each version once."""

        @cache
        def load(version: int) -> Mapping[str, PeriodEntry]:
            try:
                fields = self._fields(version)
                entries = own_entries(fields) if fields else {}
            except TornDocumentError as error:
                what = f"version {version}, which published what is asked for, is damaged: {error}"
                raise StoreError(what, where=self.key(version), do=RESTORE) from error
            if fields is None:
                what = f"version {version}, which published what is asked for, is missing"
                raise StoreError(what, where=self.key(version), do=RESTORE)
            return entries

        return load

    def _stray(self, version: int) -> bool:
        try:
            return self._whole(version, self._loading()) is None
        except ForeignCommitError:
            return False
        except TornDocumentError:
            return True

    def _listed(self) -> tuple[Sequence[int], int]:
        """The numbers that are taken, and the one that ``current`` showed before they were listed, 0 without."""
        shown = ""
        if isinstance(self._filesystem, LinkingFilesystem):
            shown = (self._filesystem.link_target(f"{self._table}/{CURRENT}") or "").removeprefix(f"{VIEWS}/")
        return self._numbers(), int(shown) if shown.isdecimal() else 0

    def _newest(self, numbers: Sequence[int], shown: int, load: Load) -> Commit | None:
        """The commit with the highest number, None where it only made the table; StoreError where any is missing."""
        last = numbers[-1] if numbers else 0
        if not numbers:
            self._refuse_former()
        if shown > last:
            raise self._lost(shown, f"version {shown}, which readers were shown, is missing")
        self._refuse_holes(numbers)
        if not numbers:
            return None
        try:
            newest = self._whole(last, load)
        except MisplacedError as error:
            raise self._misplaced(last, error) from error
        except ForeignCommitError as error:
            raise self._foreign(last, error) from error
        except TornDocumentError as error:
            raise self._lost(last, f"version {last}, the newest, is damaged: {error}") from error
        if newest is None:
            raise self._lost(last, f"version {last}, the newest, is missing")
        return newest if newest.version else None

    def _refuse_former(self) -> None:
        """Raise a StoreError where the table was published by a release that kept a log of its own."""
        if any(FILE_NAME.fullmatch(name) for name in self._filesystem.names(f"{self._table}/{FORMER_LOG}")):
            raise StoreError(
                "the table was published in the format of an earlier release, and not as an open table",
                where=f"{self._table}/{FORMER_LOG}",
                do="run dq migrate on the warehouse, once",
            )

    def _refuse_holes(self, numbers: Sequence[int]) -> None:
        """Raise a StoreError where a number is missing."""
        if not numbers or len(numbers) == numbers[-1] + 1:
            return
        for before, number in pairwise([-1, *numbers]):
            if number == before + 1 or self._read(before + 1) is not None:
                continue  # what appears while a folder is listed may be listed or not
            try:
                self._whole(number, self._loading())
            except MisplacedError as error:
                raise self._misplaced(number, error) from error
            except ForeignCommitError as error:
                raise self._foreign(number, error) from error
            except TornDocumentError:
                pass  # the sentence about the one that is missing says where to look
            raise self._lost(before + 1, f"version {before + 1} is missing, version {number} is there")

    def _create(self, proposed: Commit) -> bool:
        """Whether this call made the table, with the columns of what is to be published into it."""
        made = replace(
            proposed, version=0, parent=None, run="", fingerprint="", changed=(), note="", entries=NOTHING, withdrawn={}
        )
        schema = next((entry.schema_json for entry in proposed.published.values()), NO_COLUMNS)
        return self._put(made, delta_lines.encode(made, None, delta_lines.new_description(schema, made.committed)))

    def _described(self, commit: Commit, base: Commit | None) -> tuple[Commit, Description | None]:
        """The commit with the version that describes its columns, and the new description where it is this one."""
        at = base.described if base else 0
        schemas = {entry.schema_json: entry for entry in commit.published.values()}
        content = self._read(at)
        try:
            known = delta_lines.description_of(content or b"")
        except TornDocumentError as error:
            what = f"version {at}, which describes the table, is damaged: {error}"
            raise StoreError(what, where=self.key(at), do=RESTORE) from error
        fields = known.fields if base else ()
        for text in schemas:
            run = open_schema.of_run(text)
            fields = open_schema.widened(fields, run) if base else run
        if not schemas or fields == known.fields:
            return replace(commit, described=at), None
        return replace(commit, described=commit.version), replace(known, fields=fields)

    def _lost(self, version: int, what: str) -> StoreError:
        return StoreError(what, where=self.key(version), do=NEXT_STEP)

    def _foreign(self, version: int, error: ForeignCommitError) -> StoreError:
        what = f"version {version} is of somebody else, and was not audited: {error}"
        return StoreError(what, where=self.key(version), do=TAKE_OUT)

    def _misplaced(self, version: int, error: MisplacedError) -> StoreError:
        what = f"what lies there as version {version} is another commit: {error}"
        return StoreError(what, where=self.key(version), do=NOT_ITS_OWN)

    def _back_to(self, instant: datetime | None) -> list[Commit]:
        return [*takewhile(lambda commit: instant is None or commit.committed >= instant, self.newest_first())]

    def _put(self, commit: Commit, content: bytes) -> bool:
        """Whether this commit, and not another writer's, holds its number now."""
        try:
            Commit.from_json(delta_lines.decode(content))
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
