"""What the store's tests share: staged runs without Spark, a plain reader, and a filesystem that fails on demand."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dq.base.errors import StoreError
from dq.base.model import Kind, Verdict
from dq.store import Commit, Manifest, PeriodInfo, Table, Warehouse, delta_lines
from dq.store.filesystem import Listed, NotWrittenError, PosixFilesystem
from dq.store.sealed import digest, encode

NOW = datetime(2026, 11, 3, 5, tzinfo=UTC)
SCHEMA = json.dumps(
    {"type": "struct", "fields": [{"name": "amount", "type": "long", "nullable": True, "metadata": {}}]}
)
INFO = PeriodInfo(kind=Kind.FINAL, data_through=date(2026, 10, 31), verdict=Verdict.PUBLISH)


@pytest.fixture
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """No flush to the disk: what is tested here is not what a power cut leaves."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


Rows = Mapping[str, Sequence[int | None]]


def write_staged(table: Table, run: str, rows: Rows) -> Path:
    """Write what Spark would: one Parquet file per period, checksum side files, and the mark of a finished job."""
    folder = Path(table.staging(run))
    for period, amounts in rows.items():
        part = folder / f"period={period}" / "part-00000-a1b2.snappy.parquet"
        part.parent.mkdir(parents=True)
        pq.write_table(pa.table({"amount": pa.array(amounts, pa.int64())}), part)
        part.with_name(f".{part.name}.crc").write_bytes(b"crc")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "_SUCCESS").touch()
    return folder


def seal(table: Table, run: str, rows: Rows, fingerprint: str = "") -> Manifest:
    write_staged(table, run, rows)
    return table.seal(run, schema_json=SCHEMA, fingerprint=fingerprint or f"key-{run}", audit={"verdict": "publish"})


def commit(table: Table, manifest: Manifest, expected: Mapping[str, int | None] | None = None) -> Commit:
    """Commit a sealed run for the periods it staged, by default against what is published now."""
    periods = dict.fromkeys(manifest.periods, INFO)
    if expected is None:
        entries = {period: table.entry(period) for period in periods}
        expected = {period: entry.version if entry else None for period, entry in entries.items()}
    return table.commit(manifest, periods=periods, expected=expected, now=NOW)


def publish(table: Table, run: str, rows: Rows, fingerprint: str = "") -> Commit:
    return commit(table, seal(table, run, rows, fingerprint))


def read(table: Table, version: int | None = None) -> dict[str, list[int | None]]:
    """What a reader sees: amounts by period, of files that are proved to be the audited ones."""
    seen = table.current() if version is None else table.commit_at(version)
    if seen is None:
        return {}
    table.verify_entries(list(seen.entries.values()))
    found = {}
    for period, entry in seen.entries.items():
        tables = [pq.ParquetFile(path).read() for path in table.paths(entry)]
        found[period] = [amount for one in tables for amount in one["amount"].to_pylist()]
    return found


def read_view(table: Table, root: Path) -> dict[str, list[int | None]]:
    """What a reader of the ``current`` link sees."""
    parts = sorted((root / table.name / "current").glob("period=*/*.parquet"))
    return {
        part.parent.name.removeprefix("period="): pq.ParquetFile(part).read()["amount"].to_pylist() for part in parts
    }


def reseal(path: Path, change: Callable[[dict[str, Any]], object], to: Path | None = None) -> None:
    """Change what a commit's file says under ``dq`` and give it the checksum of that, as a forger would."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    change(lines[0]["commitInfo"]["dq"])
    (to or path).write_bytes(delta_lines.sealed(lines))


class CrashError(BaseException):
    """The process is gone: nothing of the store may catch this."""


class FaultFilesystem:
    """A filesystem that fails at its n-th changing operation, as told by ``fault``.

    ``crash_before`` and ``crash_after`` end the process around it; ``transient`` and ``persistent`` raise once or from
    then on; ``lost_answer`` does it and then raises; ``torn`` writes half of a put or replace where a broken disk
    would, then ends the process. ``hooks`` run before the operation of their number, for interleaving on purpose.
    """

    CHANGING = ("put_if_absent", "replace", "delete", "move", "link")

    def __init__(self, root: Path, fault: str = "", at: int = 0, *, only: str = "") -> None:
        self.inner = PosixFilesystem(root)
        self.fault = fault
        self.at = at
        self.only = only
        self.count = 0
        self.calls: list[tuple[str, str]] = []
        self.hooks: dict[tuple[str, str], Callable[[], None]] = {}

    @property
    def reached(self) -> bool:
        return self.count >= self.at

    def list(self, key: str) -> Sequence[Listed]:
        return self.inner.list(key)

    def names(self, key: str) -> Sequence[str]:
        return self.inner.names(key)

    def read(self, key: str, *, last: int | None = None) -> bytes | None:
        return self.inner.read(key, last=last)

    def sha256(self, key: str) -> str | None:
        return self.inner.sha256(key)

    def make_folder(self, key: str) -> None:
        self.inner.make_folder(key)

    def link_target(self, key: str) -> str | None:
        return self.inner.link_target(key)

    def put_if_absent(self, key: str, content: bytes) -> bool:
        done = self._do("put_if_absent", key, lambda: self.inner.put_if_absent(key, content), content)
        return bool(done)

    def replace(self, key: str, content: bytes) -> None:
        self._do("replace", key, lambda: self.inner.replace(key, content), content)

    def delete(self, key: str) -> None:
        self._do("delete", key, lambda: self.inner.delete(key))

    def move(self, source: str, target: str) -> None:
        self._do("move", source, lambda: self.inner.move(source, target))

    def link(self, key: str, target: str) -> None:
        self._do("link", key, lambda: self.inner.link(key, target))

    def _do(self, name: str, key: str, act: Callable[[], object], content: bytes = b"") -> object:
        for (operation, part), hook in list(self.hooks.items()):
            if operation == name and part in key:
                del self.hooks[(operation, part)]
                hook()
        self.calls.append((name, key))
        if self.only in key:
            self.count += 1
        due = self.only in key and self.at > 0
        if due and self.count == self.at:
            if self.fault == "crash_before":
                raise CrashError
            if self.fault == "torn" and content:
                path = self.inner.root / key
                path.parent.mkdir(parents=True, exist_ok=True)
                if not path.exists():
                    path.write_bytes(content[: len(content) // 2])
                raise CrashError
            if self.fault in ("crash_after", "torn", "lost_answer"):
                act()
                if self.fault == "lost_answer":
                    raise StoreError(f"cannot {name} {key}: input/output error")
                raise CrashError
        if due and (self.count == self.at if self.fault == "transient" else self.count >= self.at):
            if self.fault in ("transient", "persistent"):
                raise StoreError(f"cannot {name} {key}: input/output error")
            if self.fault == "full":
                raise NotWrittenError(f"cannot write {key}: no space left on device, 0 bytes free")
        return act()


def faulty(root: Path, fault: str, at: int = 1, *, only: str = "") -> tuple[Warehouse, FaultFilesystem]:
    filesystem = FaultFilesystem(root, fault, at, only=only)
    return Warehouse(root, filesystem=filesystem), filesystem


def as_former(table: Table, root: Path) -> None:
    """Give a table the log that an earlier release would have written for the same versions."""
    folder = root / table.name
    for commit in table.log():
        entries = dict(commit.entries)
        body = commit.to_json() | {
            "format": 1,
            "periods": {period: entry.to_json() for period, entry in entries.items()},
            "schemas": {digest(entry.schema_json): entry.schema_json for entry in entries.values()},
        }
        path = folder / "_commits" / f"{commit.version:020d}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(encode({key: value for key, value in body.items() if key not in ("index", "described")}))
    shutil.rmtree(folder / "_delta_log")
