"""The embedded warehouse: a folder of tables and of the records kept about them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from dq.base.former import NEVER_RENAMED, Former
from dq.base.paths import local
from dq.spark.named_files import literal
from dq.store.filesystem import PROBE, EntryType, Filesystem, PosixFilesystem, probe
from dq.store.garbage import Removed, older, sweep_temporaries
from dq.store.log import FORMER_LOG, LOG
from dq.store.migration import Migrated, migrate
from dq.store.names import NAME
from dq.store.records import FOLDER, Records
from dq.store.table import Table

_NOTHING = ("lost+found", ".DS_Store")
"""What file systems and desktops put into a folder that is empty to everybody else."""


class Warehouse:
    """A warehouse folder; opening it creates and checks nothing, the first write proves the storage (see prepare).

    ``former`` are the former names of its tables, as far as something in them was renamed.
    """

    def __init__(
        self,
        root: str | Path,
        *,
        filesystem: Filesystem | None = None,
        former: Mapping[str, Former] | None = None,
    ) -> None:
        self.root = local(root, "the warehouse").absolute()
        literal(self.root)  # what Spark could write there and not read is refused before anything is computed
        self._filesystem = filesystem or PosixFilesystem(self.root)
        self._former = former or {}
        self._proved = False

    @property
    def records(self) -> Records:
        """The documents kept by kind and name, such as run records and waivers."""
        return Records(self._filesystem, self.prepare)

    def table(self, name: str) -> Table:
        """A table by name, whether it exists or not."""
        former = self._former.get(name, NEVER_RENAMED)
        return Table(name=name, root=self.root, filesystem=self._filesystem, ready=self.prepare, former=former)

    def tables(self) -> Sequence[str]:
        """The names of the tables that have a folder, sorted."""
        found = self._filesystem.list("")
        return [one.name for one in found if one.type is EntryType.FOLDER and NAME.fullmatch(one.name)]

    def is_one(self) -> bool:
        """Whether the folder holds a warehouse: the records that its first write made, or a table's commit log."""
        found = [one.name for one in self._filesystem.list("") if one.type is EntryType.FOLDER]
        return FOLDER in found or any(
            self._filesystem.names(f"{name}/{log}") for name in self.tables() for log in (LOG, FORMER_LOG)
        )

    def may_become_one(self) -> bool:
        """Whether runs may write here: into a warehouse, or where there is nothing yet."""
        return all(one.name in _NOTHING for one in self._filesystem.list("")) or self.is_one()

    def prepare(self) -> None:
        """Open it to write, once: prove that the storage creates a key at most once, bring ``current`` up to the log.

        A writer that died between its commit and the link left the link behind. Raises a StoreError with the path when
        the storage does not take writes.
        """
        if not self._proved:
            probe(self._filesystem, str(self.root))
            self._proved = True
            for name in self.tables():
                self.table(name).refresh_view()

    def migrate(self) -> Sequence[Migrated]:
        """Make the tables that an earlier release published open ones; the others are left as they are."""
        self.prepare()
        found = []
        for name in self.tables():
            if one := migrate(self._filesystem, name):
                found.append(one)
                self.table(name).refresh_view()
        return found

    def gc(self, now: datetime, older_than: timedelta, keep_runs: Collection[str] = frozenset()) -> Sequence[Removed]:
        """Remove what nothing refers to from every table and what dead writers left among the records."""
        removed = [one for name in self.tables() for one in self.table(name).gc(now, older_than, keep_runs)]
        for kind in self._filesystem.list(FOLDER):
            if kind.type is not EntryType.FOLDER:
                continue
            if kind.name.startswith(PROBE) and older(kind.modified_ns, now - older_than):
                self._filesystem.delete(f"{FOLDER}/{kind.name}")
            else:
                removed += sweep_temporaries(self._filesystem, f"{FOLDER}/{kind.name}", now - older_than)
        return removed
