"""One table of the warehouse: stage, seal, commit, withdraw, and what is published."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

from dq.base.errors import ConflictError, StoreError
from dq.base.former import NEVER_RENAMED, Former
from dq.base.model import Json
from dq.store import changes, garbage, inventory, open_schema, other_readers, view
from dq.store.filesystem import Filesystem
from dq.store.history import known_at, metrics
from dq.store.log import CommitLog, Settled
from dq.store.manifest import PERIOD_COLUMN, Manifest, field_names
from dq.store.names import checked_name, checked_period, covers
from dq.store.sealed import TornDocumentError, decode, encode, to_json
from dq.store.versions import Commit, PeriodEntry, PeriodInfo, Withdrawal

log = logging.getLogger("dq.store")


class Table:
    """A table of the warehouse: its commit log and the folders of the runs that wrote it.

    Readers see the highest whole commit and nothing else; a staged run is invisible until one file, its commit,
    exists. Nothing staged or published is ever changed in place; ``former`` gives what was published before a rename
    the names of today as it is read.
    """

    def __init__(
        self,
        *,
        name: str,
        root: Path,
        filesystem: Filesystem,
        ready: Callable[[], None],
        former: Former = NEVER_RENAMED,
    ) -> None:
        self.name = checked_name("table", name)
        self.former = former
        self._root = root
        self._filesystem = filesystem
        self._ready = ready
        self._log = CommitLog(filesystem, name)

    def staging(self, run: str) -> str:
        """The absolute path of a new run's folder, to write once with mode ``errorifexists`` by ``period``.

        Proves first that the warehouse can be written, so that a full or read-only disk is known before the work.
        """
        checked_name("run", run)
        self._ready()
        if self._filesystem.list(self._data(run)) or self._filesystem.list(self._staged(run)):
            raise StoreError(f"run {run} has staged before", where=self.name, do="give the run an id of its own")
        # Spark would make the folders above it as it makes its own, for everybody to look into.
        self._filesystem.make_folder(f"{self.name}/{garbage.STAGING}")
        return str(self._root / self._staged(run))

    def staged(self, run: str) -> str:
        """The absolute path of what a run staged, whether it was published, held or cut short."""
        return str(self._root / self._folder(run))

    def inventory(self, run: str, *, schema_json: str, fingerprint: str) -> Manifest:
        """What a run staged, before it is audited: every part file with bytes, rows and hashes."""
        open_schema.of_run(schema_json)
        folder = self._folder(run)
        files = inventory.take(self._filesystem, folder, str(self._root / folder), field_names(schema_json))
        return Manifest(
            table=self.name,
            run=run,
            fingerprint=fingerprint,
            schema_json=schema_json,
            files=files,
            folder=str(self._root / folder),
        )

    def seal(
        self,
        run: str,
        *,
        schema_json: str,
        fingerprint: str,
        audit: Mapping[str, object],
        audited: Manifest | None = None,
    ) -> Manifest:
        """The manifest of a run with its audit, written beside the staged files; only a sealed run can be committed.

        ``audited`` is the inventory taken before the audit; files that changed since are a StoreError.
        """
        self._ready()
        if audited:
            self.verify(audited, whole=True)
        staged = audited or self.inventory(run, schema_json=schema_json, fingerprint=fingerprint)
        if (staged.run, staged.schema_json) != (run, schema_json):
            raise StoreError("what was audited is of another run or schema", where=self.staged(run), do="run again")
        plain = to_json(audit, "audit")
        manifest = replace(staged, fingerprint=fingerprint, audit=plain if isinstance(plain, Mapping) else {})
        self._filesystem.replace(f"{self._folder(run)}/{inventory.SEAL}", encode(manifest.to_json()))
        return manifest

    def sealed(self, run: str) -> Manifest | None:
        """The manifest a run was sealed with; None, with a warning when it is damaged, for a run without."""
        key = f"{self._folder(run)}/{inventory.SEAL}"
        content = self._filesystem.read(key)
        if content is None:
            return None
        try:
            manifest = Manifest.from_json(decode(content))
        except TornDocumentError as error:
            log.warning("%s: the seal of run %s is damaged and passed over: %s", self.name, run, error)
            return None
        if (manifest.table, manifest.run) != (self.name, run):
            log.warning("%s: the seal in the folder of run %s is of run %s", self.name, run, manifest.run)
            return None
        return replace(manifest, folder=self.staged(run))

    def verify(self, manifest: Manifest, *, whole: bool = False) -> None:
        """Raise a StoreError that names the file unless the run's folder holds exactly what the manifest lists.

        ``whole`` compares every byte, by the hash; else bytes are counted and footers compared.
        """
        folder = self._folder(manifest.run)
        inventory.prove_folder(self._filesystem, folder, str(self._root / folder), manifest.files, whole=whole)

    def commit(
        self,
        manifest: Manifest,
        *,
        periods: Mapping[str, PeriodInfo],
        expected: Mapping[str, int | None],
        note: str = "",
        now: datetime | None = None,
    ) -> Commit:
        """Publish a sealed run in one atomic step; the same run key again returns the commit that published it.

        ``expected`` is, for each period, the version of its entry that the run compared with, None where there was
        none. Raises ConflictError when another run changed one of the periods first, CommitUnknownError when storage
        failed and does not say whether the commit landed; published figures are untouched by either.
        """
        change = changes.Publication(
            manifest=manifest,
            periods=periods,
            expected=expected,
            note=note,
            committed=now or datetime.now(UTC),
            transaction=uuid4().hex,
        )
        change.prove()
        self._ready()
        try:
            settled = change.on(self._log.current(), 0, self._log.at)
            if isinstance(settled, Settled):
                return settled.commit
            intended = self._promote(manifest)

            def announce(version: int) -> None:
                if version != intended:
                    self._write_intent(self._data(manifest.run), version)

            return self._log.append(lambda base, version: change.on(base, version, self._log.at), announce)
        finally:
            self.refresh_view()

    def withdraw(
        self, period: str, *, by: str, reason: str, now: datetime, expected: Mapping[str, int] | None = None
    ) -> Commit:
        """Take a period's figures back: its previous other entry is published again, or the period is removed.

        A month withdraws all its days in a day-grain table. The run key is remembered, and not published again.
        ``expected`` is the version meant for each period: with it, withdrawing twice by mistake is a ConflictError.
        """
        for name, text in (("by", by), ("reason", reason)):
            if not text.strip():
                raise StoreError(f"a withdrawal needs {name}", where=f"{self.name} {period}")
        self._ready()
        asked = self.select(period)
        if expected is not None and expected != {entry.period: entry.version for entry in asked}:
            published = ", ".join(f"{entry.period} is version {entry.version}" for entry in asked)
            raise ConflictError(f"the version meant is not published: {published}", where=self.name)
        retraction = changes.Retraction(
            table=self.name,
            entries=asked,
            by=by.strip(),
            reason=reason.strip(),
            at=now,
            transaction=f"withdraw-{uuid4().hex}",
        )
        restored = retraction.restored(self._log.current(), self._log.taken(), self._log.at)
        self.verify_entries([entry for entry in restored.values() if entry], whole=True)
        try:
            return self._log.append(lambda base, version: retraction.on(base, version, restored), lambda _: None)
        finally:
            self.refresh_view()

    def current(self) -> Commit | None:
        """The version readers see, None before the first."""
        return self._log.current()

    def commit_at(self, version: int) -> Commit:
        """The commit of one version; StoreError when there is none or its file is damaged."""
        commit = self._log.at(version)
        if commit is None:
            there = ", ".join(str(one) for one in self._log.taken()[-10:]) or "none"
            raise StoreError(f"version {version} cannot be read", where=self.name, expected=f"one of the last: {there}")
        return commit

    def log(self, since: datetime | None = None) -> Sequence[Commit]:
        """Every whole commit, oldest first, or those from an instant on, for which the older ones are not read."""
        return self._log.since(since) if since else self._log.all()

    def entry(self, period: str, version: int | None = None) -> PeriodEntry | None:
        """The published entry of exactly this period, None when it is not published."""
        commit = self._commit(version)
        return commit.entries.get(period) if commit else None

    def select(self, period: str | None = None, version: int | None = None) -> Sequence[PeriodEntry]:
        """The published entries of a period, of all days of a month, or of the whole table, ascending by period.

        Raises a StoreError that lists what is published when nothing matches.
        """
        if period is not None:
            checked_period(period)
        commit = self._commit(version)
        published = commit.entries if commit else {}
        found = [published[one] for one in sorted(published) if period is None or covers(period, one)]
        if not found:
            listed = ", ".join(sorted(published)[-12:]) or "nothing"
            at = f" at version {commit.version}" if commit else ""
            raise StoreError(
                f"{period or 'nothing'} is not published{at}" if period else "nothing is published",
                where=f"{self._root / self.name}",
                expected=f"one of the published periods: {listed}" if published else "",
                do="run the pipeline for it first",
            )
        return found

    def files(self, periods: Collection[str], version: int | None = None) -> Sequence[str]:
        """The absolute paths of the published files of these periods; StoreError for one that is not published."""
        commit = self._commit(version)
        pinned = commit.version if commit else None
        return [path for period in sorted(periods) for one in self.select(period, pinned) for path in self.paths(one)]

    def paths(self, entry: PeriodEntry) -> Sequence[str]:
        """The absolute paths of an entry's files."""
        return [str(self._root / self._data(entry.run) / file.path) for file in entry.files]

    def verify_entries(self, entries: Collection[PeriodEntry], *, whole: bool = False) -> None:
        """Raise a StoreError that names the file unless every file of these entries is as it was audited.

        ``whole`` compares every byte, by the hash; else bytes are counted and footers compared.
        """
        for entry in entries:
            folder = self._data(entry.run)
            inventory.prove_files(self._filesystem, folder, str(self._root / folder), entry.files, whole=whole)

    def prove(self, entry: PeriodEntry) -> str:
        """Prove that what readers see of a period is what was audited; returns why that cannot be told, else nothing.

        Raises a StoreError that names the file, folder or link which differs.
        """
        self.verify_entries([entry], whole=True)
        folder = f"{self._data(entry.run)}/{PERIOD_COLUMN}={entry.period}"
        inventory.prove_alone(self._filesystem, folder, str(self._root / folder), entry.files)
        view.prove(self._filesystem, self._log, self.name, entry)
        sealed = self.sealed(entry.run)
        if sealed is None:
            return f"the seal of run {entry.run} is missing or damaged"
        if sealed.digest != entry.seal or sealed.files_of(entry.period) != entry.files:
            raise StoreError("the seal of its audit is not the one that was committed", where=self.staged(entry.run))
        if not all(file.sha256 for file in entry.files):
            return "it was published before whole files were hashed; their sizes and footers are as audited"
        return ""

    def prove_open(self) -> None:
        """Raise a StoreError unless other readers of Delta see the published files, and no others."""
        if commit := self._log.current():
            other_readers.prove(self._root / self.name, commit)

    def history(
        self, check_id: str, before_period: str, known_by: datetime | None = None
    ) -> Sequence[tuple[str, Decimal]]:
        """A check's metric in the published periods of the same grain before this one, ascending.

        With ``known_by`` as they were published as of that instant or an earlier one.
        """
        commit = self._log.current()
        if commit is None:
            return []
        entries: Mapping[str, PeriodEntry] = commit.entries
        if known_by:
            entries = self.known(known_by, [period for period in entries if period < before_period])
        return metrics(entries.values(), check_id, before_period)

    def known(self, instant: datetime, periods: Collection[str] | None = None) -> Mapping[str, PeriodEntry]:
        """What readers saw of these periods, or of all, as of an instant: none that was published as of a later one.

        The instant is that of the runs which published, not the time at which they ran. What was taken back since is
        not among them.
        """
        return known_at(self.newest_first(), instant, periods)

    def newest_first(self) -> Iterator[Commit]:
        """Every whole commit, the newest first; an older one is read only when it is asked for."""
        return self._log.newest_first()

    def find(self, fingerprint: str, periods: Collection[str] = ()) -> Commit | None:
        """The commit that published this run key, when these periods (or all it published) still carry it."""
        commit = self._log.current()
        if commit is None:
            return None
        asked = [commit.entries[period] for period in periods or commit.entries if period in commit.entries]
        carried = {one.period: one for one in asked if one.fingerprint == fingerprint}
        if not carried or any(period not in carried for period in periods):
            return None
        version = max(carried[period].version for period in periods or carried)
        origin = self._log.at(version)
        if not periods and (origin is None or any(period not in carried for period in origin.changed)):
            return None
        return origin or commit

    def withdrawal(self, fingerprint: str) -> Withdrawal | None:
        """Who took the figures of this run key back and why, None when nobody did."""
        commit = self._log.current()
        return commit.withdrawn.get(fingerprint) if commit else None

    def gc(
        self, now: datetime, older_than: timedelta, keep_runs: Collection[str] = frozenset()
    ) -> Sequence[garbage.Removed]:
        """Remove run folders that no commit refers to and nothing touched for the time given; returns what went.

        ``older_than`` must exceed the longest run. A run whose commit outcome is open is kept whatever its age.
        """
        return garbage.collect(self._filesystem, self._log, self.name, now, older_than, keep_runs)

    def refresh_view(self) -> None:
        """Point the link ``current`` at what the log says is published."""
        view.refresh(self._filesystem, self._log, self.name)

    def _staged(self, run: str) -> str:
        return f"{self.name}/{garbage.STAGING}/{run}"

    def _data(self, run: str) -> str:
        return f"{self.name}/data/{run}"

    def _folder(self, run: str) -> str:
        """Where a run's files are: under data once it was promoted, else under staging."""
        checked_name("run", run)
        return self._data(run) if self._filesystem.list(self._data(run)) else self._staged(run)

    def _commit(self, version: int | None) -> Commit | None:
        return self._log.current() if version is None else self.commit_at(version)

    def _promote(self, manifest: Manifest) -> int:
        """Move a sealed run to where readers will look, and prove that it is what was audited.

        The intent goes first, and stays: until another commit has the number it names, this run's own may still land
        there, and garbage collection leaves the run alone. Returns that number.
        """
        sealed = self.sealed(manifest.run)
        if sealed is None or sealed.digest != manifest.digest:
            raise StoreError(
                f"run {manifest.run} is not sealed with this manifest",
                where=self.staged(manifest.run),
                do="seal the audit of the staged files, then commit what seal returned",
            )
        self.verify(manifest)
        folder = self._folder(manifest.run)
        intended = self._log.next_number()
        self._write_intent(folder, intended)
        if folder == self._staged(manifest.run):
            self._filesystem.move(folder, self._data(manifest.run))
        self.verify(manifest, whole=True)
        return intended

    def _write_intent(self, folder: str, version: int) -> None:
        body: dict[str, Json] = {"table": self.name, "version": version}
        self._filesystem.replace(f"{folder}/{inventory.INTENT}", encode(body))
