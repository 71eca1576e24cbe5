"""The two changes a table knows, as pure functions of the version they are built on: publication and retraction."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from dq.base.errors import ConflictError, StoreError
from dq.base.model import Json
from dq.store.log import Settled
from dq.store.manifest import Manifest
from dq.store.names import checked_period
from dq.store.sealed import to_json
from dq.store.versions import NOTHING, Commit, PeriodEntry, PeriodInfo, Withdrawal


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
        published = base.entries if base else NOTHING
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
            entries=published.changed({period: self._entry(period, version) for period in self.periods}),
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

    def restored(
        self, newest: Commit | None, taken: Sequence[int], at: Callable[[int], Commit | None]
    ) -> Mapping[str, PeriodEntry | None]:
        """For each period the newest earlier entry with another run key that was not withdrawn itself, else None.

        Raises a StoreError where a damaged version, of those ``taken``, may hold a newer one.
        """
        withdrawn = newest.withdrawn if newest else {}
        once = cache(at)
        return {entry.period: self._previous(entry, taken, once, withdrawn) for entry in self.entries}

    def on(self, base: Commit | None, version: int, restored: Mapping[str, PeriodEntry | None]) -> Commit:
        """The commit on top of a version; ConflictError when an entry is no longer the published one."""
        published: Mapping[str, PeriodEntry] = base.entries if base else {}
        moved = [entry.period for entry in self.entries if published.get(entry.period) != entry]
        if base is None or moved:
            raise ConflictError(
                f"another run was first: {', '.join(moved)} changed",
                where=self.table,
                do="look at what is published now, then withdraw again",
            )
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
            entries=base.entries.changed(restored),
            withdrawn={**base.withdrawn, **self._withdrawn(base, version)},
        )

    def _previous(
        self,
        entry: PeriodEntry,
        taken: Sequence[int],
        at: Callable[[int], Commit | None],
        withdrawn: Mapping[str, Withdrawal],
    ) -> PeriodEntry | None:
        for version in reversed(taken[: bisect_left(taken, entry.version)]):
            commit = at(version)
            if commit is None or commit.lost:
                raise StoreError(
                    f"version {version} is damaged, and may hold what was published before",
                    where=f"{self.table} {entry.period}",
                    do="restore its file from a backup, or publish corrected figures instead",
                )
            earlier = commit.entries.get(entry.period)
            if earlier is None or earlier.fingerprint == entry.fingerprint:
                continue
            taken_back = withdrawn.get(earlier.fingerprint)
            if not taken_back or entry.period not in taken_back.periods:
                return earlier
        return None

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


def _version(entry: PeriodEntry | int | None) -> str:
    number = entry.version if isinstance(entry, PeriodEntry) else entry
    return "not published" if number is None else f"version {number}"


def _plain(values: Mapping[str, object], where: str) -> Mapping[str, Json]:
    return {key: to_json(value, f"{where}.{key}") for key, value in values.items()}
