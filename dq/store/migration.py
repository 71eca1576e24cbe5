"""A table of an earlier release, which kept a log of its own, made into an open one: every version under its number.

The old log is closed first by a commit that no earlier release reads, so that none of them publishes beside the new
one. The new log is written elsewhere and moved to its place as a whole: a death before that leaves nothing to put
right, and the next call begins anew. The old log stays where it is, for whoever wants to look.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from dq.base.errors import StoreError
from dq.store import checkpoint
from dq.store.filesystem import Filesystem, LinkingFilesystem
from dq.store.log import CURRENT, FAR, FILE_NAME, FORMER_LOG, LOG, NEXT_STEP, VIEWS, CommitLog
from dq.store.sealed import Fields, TornDocumentError, decode, encode
from dq.store.versions import FORMAT, FORMER_FORMAT, NOTHING, Commit, PeriodEntry

log = logging.getLogger("dq.store")

PART = "_delta_log.part"
LOST = "its commit was damaged when the table was made an open one"
SKIPPED = "nothing was published under this number"


@dataclass(frozen=True, kw_only=True)
class Migrated:
    """A table that was made an open one: how many versions it has, and which of them were damaged before."""

    table: str
    versions: int
    lost: Sequence[int]


def migrate(filesystem: Filesystem, table: str) -> Migrated | None:
    """Make a table an open one; None where it is one, or nothing was ever published into it."""
    if filesystem.names(f"{table}/{LOG}"):
        return None
    former = _Former(filesystem, table)
    if not former.numbers():
        return None
    last = former.closed()
    part = CommitLog(filesystem, table, PART)
    filesystem.delete(part.folder)
    base: Commit | None = None
    lost = []
    for commit in former.converted(last):
        base = part.follow(base, commit)
        lost += [commit.version] if commit.lost else []
    filesystem.move(part.folder, f"{table}/{LOG}")
    checkpoint.keep(filesystem, f"{table}/{LOG}", last)
    return Migrated(table=table, versions=last, lost=lost)


class _Former:
    """The log that an earlier release wrote."""

    def __init__(self, filesystem: Filesystem, table: str) -> None:
        self._filesystem = filesystem
        self._table = table

    def numbers(self) -> Sequence[int]:
        """Every number that has a file, ascending; a stray far from the others is passed over."""
        names = self._filesystem.names(f"{self._table}/{FORMER_LOG}")
        kept: list[int] = []
        for number in sorted(int(match[1]) for name in names if (match := FILE_NAME.fullmatch(name))):
            if number - (kept[-1] if kept else 0) <= FAR or self._fields(number):
                kept.append(number)
        return kept

    def closed(self) -> int:
        """The highest number that was published, after no earlier release can publish a higher one."""
        while True:
            last = self.numbers()[-1]
            fields = self._fields(last)
            if fields is None:
                raise StoreError(f"version {last}, the newest, is damaged", where=self._key(last), do=NEXT_STEP)
            if fields.integer("format") > FORMER_FORMAT:
                last -= 1
                break
            end = {"format": FORMAT, "table": self._table, "version": last + 1}
            self._filesystem.put_if_absent(self._key(last + 1), encode(end))
        shown = ""
        if isinstance(self._filesystem, LinkingFilesystem):
            shown = (self._filesystem.link_target(f"{self._table}/{CURRENT}") or "").removeprefix(f"{VIEWS}/")
        if shown.isdecimal() and int(shown) > last:
            raise StoreError(
                f"version {shown}, which readers were shown, is not in it",
                where=f"{self._table}/{FORMER_LOG}",
                do=f"restore {LOG} or the missing versions from a backup",
            )
        return last

    def converted(self, last: int) -> Iterator[Commit]:
        """Every version up to the last, in order; one that is missing or damaged publishes what later ones say of it.

        A number is missing rightly where the next commit was built without it.
        """
        bad: dict[int, dict[str, PeriodEntry]] = {}
        after: dict[int, Commit] = {}
        for number in range(1, last + 1):
            commit = self._commit(number)
            if commit is None:
                bad[number] = {}
                continue
            after |= dict.fromkeys((one for one in bad if one not in after), commit)
            for period, entry in commit.entries.items() if bad else ():
                if entry.version in bad:
                    bad[entry.version][period] = entry
        if bad.keys() - after.keys():
            raise StoreError(f"version {last}, the newest, is damaged", where=self._key(last), do=NEXT_STEP)
        before: Commit | None = None
        for number in range(1, last + 1):
            commit = self._filler(number, before, after[number], bad[number]) if number in bad else self._commit(number)
            if commit is None:
                raise StoreError(f"version {number} changed meanwhile", where=self._key(number), do="run again")
            before = replace(commit, parent=number - 1 or None)
            yield before

    def _filler(
        self, number: int, before: Commit | None, after: Commit, published: Mapping[str, PeriodEntry]
    ) -> Commit:
        skipped = (after.parent or 0) < number
        run = next((entry.run for entry in published.values()), "")
        entries = (before.entries if before else NOTHING).changed(published)
        return Commit(
            table=self._table,
            version=number,
            parent=None,
            transaction=f"filled-{number}",
            run=run,
            fingerprint=next((entry.fingerprint for entry in published.values()), ""),
            changed=sorted(published),
            committed=after.committed,
            entries=entries,
            withdrawn=before.withdrawn if before else {},
            note=SKIPPED if skipped else LOST,
            lost=not skipped,
        )

    def _commit(self, number: int) -> Commit | None:
        fields = self._fields(number)
        if fields is None:
            return None
        try:
            commit = Commit.from_json(fields)
        except TornDocumentError as error:
            log.warning("%s: commit %d is damaged: %s (%s)", self._table, number, error, self._key(number))
            return None
        return commit if (commit.table, commit.version) == (self._table, number) else None

    def _fields(self, number: int) -> Fields | None:
        content = self._filesystem.read(self._key(number))
        try:
            return None if content is None else decode(content)
        except TornDocumentError:
            return None

    def _key(self, number: int) -> str:
        return f"{self._table}/{FORMER_LOG}/{number:020d}.json"
