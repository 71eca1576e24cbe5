"""The two changes a table knows, as pure functions of the version they are built on: publication and retraction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dq.base.errors import ConflictError, StoreError
from dq.base.model import Json
from dq.store.log import Settled
from dq.store.manifest import Manifest
from dq.store.names import checked_period
from dq.store.sealed import to_json
from dq.store.versions import Commit, PeriodEntry, PeriodInfo, Withdrawal


@dataclass(frozen=True, kw_only=True)
class Publication:
    """The periods of one sealed run, to be published together or not at all."""

    manifest: Manifest
    periods: Mapping[str, PeriodInfo]
    expected: Mapping[str, int | None]
    note: str
    committed: datetime
    transaction: str

    def prove(self) -> None:
        """Raise a StoreError unless the run says all it must about every period it staged."""
        where = f"{self.manifest.table} run {self.manifest.run}"
        if not self.manifest.fingerprint:
            raise StoreError("a commit without run key", where=where, do="seal the run with its key")
        if not self.periods:
            raise StoreError("a commit without periods", where=where)
        for period, info in self.periods.items():
            checked_period(period)
            if not info.verdict.published:
                raise StoreError(f"{period} was not cleared: its verdict is {info.verdict}", where=where)
        undeclared = sorted(set(self.manifest.periods) - set(self.periods))
        if undeclared:
            raise StoreError(
                f"staged but not declared: {', '.join(undeclared)}", where=where, do="stage the run's own periods only"
            )
        if set(self.expected) != set(self.periods):
            raise StoreError(
                "the versions compared with are not given for exactly the published periods",
                where=where,
                expected=", ".join(sorted(self.periods)),
            )

    def on(self, base: Commit | None, version: int, at: Callable[[int], Commit | None]) -> Commit | Settled:
        """The commit on top of a version; Settled when the version has it already, ConflictError when it cannot be."""
        published = base.entries if base else {}
        run_key = self.manifest.fingerprint
        mine = [published[one] for one in self.periods if one in published and published[one].fingerprint == run_key]
        if base and len(mine) == len(self.periods):
            return Settled(at(max(entry.version for entry in mine)) or base)
        self._refuse_withdrawn(base)
        self._refuse_overtaken(published)
        return Commit(
            table=self.manifest.table,
            version=version,
            parent=base.version if base else None,
            transaction=self.transaction,
            run=self.manifest.run,
            fingerprint=run_key,
            changed=sorted(self.periods),
            committed=self.committed,
            note=self.note,
            entries={**published, **{period: self._entry(period, version) for period in self.periods}},
            withdrawn=base.withdrawn if base else {},
        )

    def _entry(self, period: str, version: int) -> PeriodEntry:
        info = self.periods[period]
        return PeriodEntry(
            period=period,
            run=self.manifest.run,
            version=version,
            fingerprint=self.manifest.fingerprint,
            seal=self.manifest.digest,
            schema_json=self.manifest.schema_json,
            kind=info.kind,
            data_through=info.data_through,
            verdict=info.verdict,
            as_of=info.as_of,
            files=self.manifest.files_of(period),
            totals=_plain(info.totals, "totals"),
            measures=_plain(info.measures, "measures"),
            inputs=tuple(info.inputs),
            partial=tuple(info.partial),
        )

    def _refuse_withdrawn(self, base: Commit | None) -> None:
        withdrawal = base.withdrawn.get(self.manifest.fingerprint) if base else None
        again = sorted(set(withdrawal.periods) & set(self.periods)) if withdrawal else []
        if withdrawal and again:
            raise ConflictError(
                f"the same figures were withdrawn by {withdrawal.by} at version {withdrawal.version}: "
                f"{withdrawal.reason}",
                where=f"{self.manifest.table} {', '.join(again)}",
                do="correct the input, the code or the suite, and run again",
            )

    def _refuse_overtaken(self, published: Mapping[str, PeriodEntry]) -> None:
        overtaken = [
            f"{period} is {_version(published.get(period))}, compared with {_version(self.expected[period])}"
            for period in sorted(self.periods)
            if (published[period].version if period in published else None) != self.expected[period]
        ]
        if overtaken:
            raise ConflictError(
                f"another run was first: {'; '.join(overtaken)}",
                where=self.manifest.table,
                do="run again: it compares with what is published now",
            )


@dataclass(frozen=True, kw_only=True)
class Retraction:
    """The taking back of published entries, with the person and the reason."""

    table: str
    entries: Sequence[PeriodEntry]
    by: str
    reason: str
    at: datetime
    transaction: str

    def restored(self, commits: Sequence[Commit], taken: Sequence[int]) -> Mapping[str, PeriodEntry | None]:
        """For each period the newest earlier entry with another run key that was not withdrawn itself, else None.

        Raises a StoreError where a damaged version, of those ``taken``, may hold a newer one.
        """
        withdrawn = commits[-1].withdrawn if commits else {}
        found = {entry.period: _previous(entry, commits, withdrawn) for entry in self.entries}
        damaged = set(taken) - {commit.version for commit in commits}
        for entry in self.entries:
            seen = found[entry.period]
            after = seen[0].version if seen else 0
            if between := [version for version in damaged if after < version < entry.version]:
                raise StoreError(
                    f"version {max(between)} is damaged, and may hold what was published before",
                    where=f"{self.table} {entry.period}",
                    do="restore its file from a backup, or publish corrected figures instead",
                )
        return {period: seen[1] if seen else None for period, seen in found.items()}

    def on(self, base: Commit | None, version: int, restored: Mapping[str, PeriodEntry | None]) -> Commit:
        """The commit on top of a version; ConflictError when an entry is no longer the published one."""
        published = base.entries if base else {}
        moved = [entry.period for entry in self.entries if published.get(entry.period) != entry]
        if base is None or moved:
            raise ConflictError(
                f"another run was first: {', '.join(moved)} changed",
                where=self.table,
                do="look at what is published now, then withdraw again",
            )
        entries = dict(published)
        for period, entry in restored.items():
            if entry is None:
                del entries[period]
            else:
                entries[period] = entry
        return Commit(
            table=self.table,
            version=version,
            parent=base.version,
            transaction=self.transaction,
            run="",
            fingerprint="",
            changed=sorted(restored),
            committed=self.at,
            note=f"withdrawn by {self.by}: {self.reason}",
            entries=entries,
            withdrawn={**base.withdrawn, **self._withdrawn(base, version)},
        )

    def _withdrawn(self, base: Commit, version: int) -> Mapping[str, Withdrawal]:
        found: dict[str, Withdrawal] = {}
        for fingerprint in {entry.fingerprint for entry in self.entries}:
            before = base.withdrawn.get(fingerprint)
            periods = {entry.period for entry in self.entries if entry.fingerprint == fingerprint}
            found[fingerprint] = Withdrawal(
                periods=sorted(periods.union(before.periods if before else ())),
                by=self.by,
                reason=self.reason,
                at=self.at,
                version=version,
            )
        return found


def _previous(
    entry: PeriodEntry, commits: Sequence[Commit], withdrawn: Mapping[str, Withdrawal]
) -> tuple[Commit, PeriodEntry] | None:
    """What was published before an entry, and the last commit that held it."""
    for commit in reversed(commits):
        earlier = commit.entries.get(entry.period)
        if commit.version >= entry.version or earlier is None or earlier.fingerprint == entry.fingerprint:
            continue
        taken_back = withdrawn.get(earlier.fingerprint)
        if not taken_back or entry.period not in taken_back.periods:
            return commit, earlier
    return None


def _version(entry: PeriodEntry | int | None) -> str:
    number = entry.version if isinstance(entry, PeriodEntry) else entry
    return "not published" if number is None else f"version {number}"


def _plain(values: Mapping[str, object], where: str) -> Mapping[str, Json]:
    return {key: to_json(value, f"{where}.{key}") for key, value in values.items()}
