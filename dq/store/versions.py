"""What is published: entries of periods, and commits, each a version of the whole table; and their JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from dq.base.errors import StoreError
from dq.base.model import InputRef, Json, Kind, Verdict
from dq.store.manifest import PartFile, part_files
from dq.store.names import NAME, PERIOD
from dq.store.sealed import Fields, TornDocumentError, digest, to_json

FORMAT = 2
FORMER_FORMAT = 1
"""Of the commits before the log was Delta's: each held the entries of all periods."""


@dataclass(frozen=True, kw_only=True)
class PeriodInfo:
    """What a run says about one period it publishes: how complete it is, its verdict, totals, measures and inputs.

    ``totals`` are reconciled totals by column; ``measures`` the numbers compared over time, by ``measured`` key. Money
    travels as Decimal or text.
    """

    kind: Kind
    data_through: date
    verdict: Verdict
    as_of: datetime | None = None
    totals: Mapping[str, object] = field(default_factory=dict)
    measures: Mapping[str, object] = field(default_factory=dict)
    inputs: Sequence[InputRef] = ()
    partial: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class PeriodEntry:
    """One published period of a table: the run and version that published it, its files, and what was said of it."""

    period: str
    run: str
    version: int
    fingerprint: str
    seal: str
    schema_json: str
    kind: Kind
    data_through: date
    verdict: Verdict
    files: Sequence[PartFile]
    as_of: datetime | None = None
    totals: Mapping[str, Json] = field(default_factory=dict)
    measures: Mapping[str, Json] = field(default_factory=dict)
    inputs: Sequence[InputRef] = ()
    partial: Sequence[str] = ()

    @property
    def rows(self) -> int:
        """The published rows of the period."""
        return sum(file.rows for file in self.files)

    def to_json(self) -> dict[str, Json]:
        """The value as plain JSON."""
        return {
            "run": self.run,
            "version": self.version,
            "fingerprint": self.fingerprint,
            "seal": self.seal,
            "schema": digest(self.schema_json),
            "kind": self.kind.value,
            "data_through": self.data_through.isoformat(),
            "verdict": self.verdict.value,
            "as_of": to_json(self.as_of, "as_of"),
            "files": [file.to_json() for file in self.files],
            "totals": self.totals,
            "measures": self.measures,
            "inputs": [_input_to_json(one) for one in self.inputs],
            "partial": list(self.partial),
        }

    @classmethod
    def from_json(cls, period: str, fields: Fields, schemas: Fields) -> PeriodEntry:
        """The entry of decoded JSON; ``schemas`` are the commit's, by digest."""
        run = fields.text("run")
        if not NAME.fullmatch(run) or not PERIOD.fullmatch(period):
            raise TornDocumentError(f"{run[:60]!r} of {period[:60]!r} is not a run of a period")
        return cls(
            period=period,
            run=run,
            version=fields.integer("version"),
            fingerprint=fields.text("fingerprint"),
            seal=fields.text("seal"),
            schema_json=schemas.text(fields.text("schema")),
            kind=Kind(fields.text("kind")),
            data_through=fields.day("data_through"),
            verdict=Verdict(fields.text("verdict")),
            as_of=None if fields.body.get("as_of") is None else fields.instant("as_of"),
            files=part_files(fields),
            totals=fields.mapping("totals"),
            measures=fields.mapping("measures"),
            inputs=tuple(_input_from_json(one) for one in fields.objects("inputs")),
            partial=fields.texts("partial"),
        )


Load = Callable[[int], Mapping[str, PeriodEntry]]


class Entries(Mapping[str, PeriodEntry]):
    """The published entries of a version by period; one that an earlier version published is read when it is asked for.

    ``own`` are those at hand, ``load`` gives what a version published; ``versions`` says which version that is.
    """

    def __init__(self, own: Mapping[str, PeriodEntry], versions: Mapping[str, int], load: Load) -> None:
        self.versions = versions
        self._own = own
        self._load = load

    def __getitem__(self, period: str) -> PeriodEntry:
        version = self.versions[period]
        own = self._own.get(period)
        if own is not None and own.version == version:
            return own
        published = self._load(version)
        if period not in published:  # a KeyError would say that nothing is published for it
            raise StoreError(f"version {version}, which is said to have published {period}, did not")
        return published[period]

    def __contains__(self, period: object) -> bool:
        return period in self.versions

    def __iter__(self) -> Iterator[str]:
        return iter(self.versions)

    def __len__(self) -> int:
        return len(self.versions)

    def changed(self, new: Mapping[str, PeriodEntry | None]) -> Entries:
        """The entries with some periods replaced, or, where there is None, without them."""
        added = {period: entry for period, entry in new.items() if entry}
        versions = {period: version for period, version in self.versions.items() if period not in new}
        versions |= {period: entry.version for period, entry in added.items()}
        return Entries({**self._own, **added}, versions, self._load)


def no_entries(version: int) -> Mapping[str, PeriodEntry]:
    """What the entries load from that were all given."""
    raise KeyError(version)


NOTHING = Entries({}, {}, no_entries)


@dataclass(frozen=True, kw_only=True)
class Withdrawal:
    """Why figures were taken back: their periods, by whom, for what reason, when, and the version that did it."""

    periods: Sequence[str]
    by: str
    reason: str
    at: datetime
    version: int


@dataclass(frozen=True, kw_only=True)
class Commit:
    """One version of a table: the whole list of its published periods, and what this version changed.

    ``parent`` is the version it was built on, ``transaction`` tells its writer's commits from any other's;
    ``described`` is the version whose file says which columns the table has. ``lost`` stands in the place of a commit
    that was damaged: what it changed is known only as far as later versions say it.
    """

    table: str
    version: int
    parent: int | None
    transaction: str
    run: str
    fingerprint: str
    changed: Sequence[str]
    committed: datetime
    entries: Entries
    withdrawn: Mapping[str, Withdrawal] = field(default_factory=dict)
    note: str = ""
    described: int = 0
    lost: bool = False

    @property
    def published(self) -> Mapping[str, PeriodEntry]:
        """The entries that this version published itself, by period."""
        own = [period for period, version in self.entries.versions.items() if version == self.version]
        return {period: self.entries[period] for period in sorted(own)}

    def to_json(self) -> dict[str, Json]:
        """The value as plain JSON: its own entries, and of the others the version that has them."""
        published = self.published
        lost: dict[str, Json] = {"lost": True} if self.lost else {}
        return lost | {
            "format": FORMAT,
            "table": self.table,
            "version": self.version,
            "parent": self.parent,
            "transaction": self.transaction,
            "run": self.run,
            "fingerprint": self.fingerprint,
            "changed": list(self.changed),
            "committed": to_json(self.committed, "committed"),
            "note": self.note,
            "described": self.described,
            "index": dict(sorted(self.entries.versions.items())),
            "periods": {period: entry.to_json() for period, entry in published.items()},
            "schemas": {digest(text): text for text in {entry.schema_json for entry in published.values()}},
            "withdrawn": {fingerprint: _withdrawal_to_json(one) for fingerprint, one in self.withdrawn.items()},
        }

    @classmethod
    def from_json(cls, fields: Fields, load: Load = no_entries) -> Commit:
        """The commit of a decoded document; raises TornDocumentError for another shape, StoreError for a newer one.

        ``load`` gives the entries that earlier versions published. A commit of the former format has them all itself.
        """
        if fields.integer("format") > FORMAT:
            raise StoreError(
                f"{fields.text('table')} version {fields.integer('version')} has format {fields.integer('format')}",
                expected=f"at most format {FORMAT}",
                do="read this warehouse with the newer release that wrote it",
            )
        try:
            own = own_entries(fields)
            former = fields.integer("format") == FORMER_FORMAT
            versions = {period: entry.version for period, entry in own.items()} if former else _versions(fields)
            return cls(
                table=fields.text("table"),
                version=fields.integer("version"),
                parent=fields.optional_integer("parent"),
                transaction=fields.text("transaction"),
                run=fields.text("run"),
                fingerprint=fields.text("fingerprint"),
                changed=fields.texts("changed"),
                committed=fields.instant("committed"),
                note=fields.text("note"),
                described=0 if former else fields.integer("described"),
                lost=fields.body.get("lost") is True,
                entries=Entries(own, versions, load),
                withdrawn={
                    fingerprint: _withdrawal_from_json(one) for fingerprint, one in fields.members("withdrawn").items()
                },
            )
        except ValueError as error:
            raise TornDocumentError(str(error)) from error


def own_entries(fields: Fields) -> Mapping[str, PeriodEntry]:
    """The entries that a decoded commit holds itself, without a look at the rest of it."""
    schemas = Fields(fields.mapping("schemas"))
    try:
        return {
            period: PeriodEntry.from_json(period, entry, schemas) for period, entry in fields.members("periods").items()
        }
    except ValueError as error:
        raise TornDocumentError(str(error)) from error


def _versions(fields: Fields) -> Mapping[str, int]:
    """Which version has the entry of each period, as a commit says it."""
    index = Fields(fields.mapping("index"))
    newest = fields.integer("version")
    found = {period: index.integer(period) for period in index.body}
    if not all(PERIOD.fullmatch(period) and 0 < version <= newest for period, version in found.items()):
        raise TornDocumentError("its index names a version that cannot be")
    return found


def _input_to_json(one: InputRef) -> dict[str, Json]:
    return {
        "name": one.name,
        "origin": one.origin,
        "fingerprint": one.fingerprint,
        "version": one.version,
        "files": one.files,
        "bytes": one.bytes,
    } | (
        {}
        if one.kind is None or one.data_through is None
        else {
            "kind": one.kind.value,
            "data_through": one.data_through.isoformat(),
            "as_of": to_json(one.as_of, "as_of"),
        }
    )


def _input_from_json(fields: Fields) -> InputRef:
    return InputRef(
        name=fields.text("name"),
        origin=fields.text("origin"),
        fingerprint=fields.text("fingerprint"),
        version=fields.optional_integer("version"),
        files=fields.integer("files"),
        bytes=fields.integer("bytes"),
        kind=Kind(fields.text("kind")) if "kind" in fields.body else None,
        data_through=fields.day("data_through") if "data_through" in fields.body else None,
        as_of=None if fields.body.get("as_of") is None else fields.instant("as_of"),
    )


def _withdrawal_to_json(one: Withdrawal) -> dict[str, Json]:
    return {
        "periods": list(one.periods),
        "by": one.by,
        "reason": one.reason,
        "at": to_json(one.at, "withdrawn at"),
        "version": one.version,
    }


def _withdrawal_from_json(fields: Fields) -> Withdrawal:
    return Withdrawal(
        periods=fields.texts("periods"),
        by=fields.text("by"),
        reason=fields.text("reason"),
        at=fields.instant("at"),
        version=fields.integer("version"),
    )
