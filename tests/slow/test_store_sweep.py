"""Sweep: the process dies, or the disk fails, at every single system call; readers see old or new, a re-run converges.

Each step forks a child that runs one operation of the store with a fault at its k-th changing system call, for
k = 1, 2, 3 ... until the operation finishes without meeting the fault.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from store_support import NOW, SCHEMA, commit, publish, quick_disk, read, read_view, seal, write_staged

from dq.base.errors import ConflictError, StoreError
from dq.store import Table, Warehouse, checkpoint

__all__ = ["quick_disk"]
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("quick_disk")]

CALLS = ("chmod", "fchmod", "fsync", "link", "mkdir", "rename", "replace", "rmdir", "symlink", "unlink")
FAULTS = ("crash_before", "crash_after", "torn", "transient", "persistent", "lost_answer", "full")
FINISHED, FAILED, STRANGE, CRASHED = 0, 1, 2, 137
BOUND = 500
OLD = {"2026-09": [9], "2026-10": [1]}
NEW = {"2026-09": [9], "2026-10": [2]}


@dataclass
class Fault:
    """A fault at the k-th changing system call of this process, as it is patched over ``os``."""

    kind: str
    at: int
    count: int = 0

    def install(self) -> None:
        for name in CALLS:
            setattr(os, name, self.wrap(getattr(os, name)))

    def wrap(self, call: Callable[..., object]) -> Callable[..., object]:
        def faulty(*arguments: object, **options: object) -> object:
            self.count += 1
            if self.kind == "persistent" and self.count > self.at:
                raise OSError(errno.EIO, "Input/output error")
            if self.count != self.at:
                return call(*arguments, **options)
            if self.kind == "torn" and isinstance(arguments[0], int):
                with suppress(OSError):  # a folder's descriptor has no bytes to lose
                    os.truncate(arguments[0], os.fstat(arguments[0]).st_size // 2)
            if self.kind in ("crash_before", "torn"):
                os._exit(CRASHED)
            if self.kind in ("transient", "persistent"):
                raise OSError(errno.EIO, "Input/output error")
            if self.kind == "full":
                raise OSError(errno.ENOSPC, "No space left on device")
            done = call(*arguments, **options)
            if self.kind == "lost_answer":
                raise OSError(errno.EIO, "Input/output error")
            os._exit(CRASHED)
            return done

        return faulty


def run_with_fault(operation: Callable[[], object], fault: Fault) -> tuple[int, bool]:
    """How a forked child that ran the operation ended, and whether it met the fault."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        code = STRANGE
        try:
            os.close(reader)
            fault.install()
            try:
                operation()
                code = FINISHED
            except StoreError:
                code = FAILED
            if fault.count < fault.at:
                os.write(writer, b"not reached")
        finally:
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        missed = pipe.read()
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), not missed


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A warehouse with two published periods and a sealed run that would replace one of them."""
    root = tmp_path / "template"
    table = Warehouse(root).table("t")
    publish(table, "r0", {"2026-09": [9]})
    publish(table, "r1", {"2026-10": [1]})
    return root


def sweep(template: Path, kind: str, operation: Callable[[Table], object], check: Callable[[Table, int], None]) -> int:
    """Run the operation on a fresh copy of the template with the fault at every system call; returns their number."""
    for at in range(1, BOUND):
        root = template.parent / "warehouse"
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(template, root, symlinks=True)
        code, reached = run_with_fault(lambda where=root: operation(Warehouse(where).table("t")), Fault(kind, at))
        assert code != STRANGE, f"{kind} at call {at}: an error that is no StoreError"
        assert code == FINISHED or reached
        if code == CRASHED:
            assert kind in ("crash_before", "crash_after", "torn")
        check(Warehouse(root).table("t"), at)
        if not reached:
            return at - 1
    raise AssertionError(f"more than {BOUND} system calls")


def assert_readers_see_old_or_new(table: Table, at: int) -> None:
    seen = read(table)
    assert seen in (OLD, NEW), (at, seen)
    # The link is renewed after the commit, so it may still show the old version, whole; the next writer renews it.
    assert read_view(table, table._root) in (OLD, seen), at
    assert_the_link_is_equal_to_the_log_after_the_next_write(table, at)
    assert read(table, version=2) == OLD


def assert_the_link_is_equal_to_the_log_after_the_next_write(table: Table, at: int) -> None:
    Warehouse(table._root).prepare()
    assert read_view(table, table._root) == read(table), at


@pytest.mark.parametrize("kind", FAULTS)
def test_a_run_that_fails_at_any_call_shows_old_or_new_and_converges(template: Path, kind: str) -> None:
    write_staged(Warehouse(template).table("t"), "r2", {"2026-10": [2]})

    def operation(table: Table) -> None:
        manifest = table.seal("r2", schema_json=SCHEMA, fingerprint="key", audit={"verdict": "publish"})
        commit(table, manifest)

    def check(table: Table, at: int) -> None:
        assert_readers_see_old_or_new(table, at)
        later = datetime.now(NOW.tzinfo) + timedelta(days=9)
        table.gc(later, timedelta(days=1))
        assert_readers_see_old_or_new(table, at)
        publish(table, "again", {"2026-10": [2]}, "key")
        assert read(table) == NEW == read_view(table, table._root), at
        assert [one.version for one in table.log()] == [1, 2, 3], (at, "published once")
        table.gc(later, timedelta(days=1))
        assert read(table) == NEW, at
        assert read(table, version=2) == OLD, at

    calls = sweep(template, kind, operation, check)
    assert calls > 40, "the sweep met every changing call of a commit"


@pytest.mark.parametrize("kind", FAULTS)
def test_a_first_publication_that_fails_at_any_call_converges(tmp_path: Path, kind: str) -> None:
    """Version 0, which makes the table, version 1 and a checkpoint at once."""
    root = tmp_path / "template"
    manifest = seal(Warehouse(root).table("t"), "r1", {"2026-10": [1]}, "key")

    def operation(table: Table) -> None:
        checkpoint.EVERY = 1  # in the child alone
        commit(table, manifest)

    def check(table: Table, at: int) -> None:
        assert read(table) in ({}, {"2026-10": [1]}), at
        done = publish(table, "again", {"2026-10": [1]}, "key")
        assert (done.version, read(table)) == (1, {"2026-10": [1]}), at
        assert [one.version for one in table.log()] == [1], at
        assert publish(table, "next", {"2026-11": [2]}).version == 2, at

    assert sweep(root, kind, operation, check) > 40


@pytest.mark.parametrize("kind", ["crash_after", "persistent", "lost_answer"])
def test_the_same_run_committed_again_after_any_failure_converges(template: Path, kind: str) -> None:
    manifest = seal(Warehouse(template).table("t"), "r2", {"2026-10": [2]}, "key")

    def check(table: Table, at: int) -> None:
        assert_readers_see_old_or_new(table, at)
        commit(table, manifest)
        assert read(table) == NEW == read_view(table, table._root), at
        assert [one.run for one in table.log()] == ["r0", "r1", "r2"], at

    assert sweep(template, kind, lambda table: commit(table, manifest), check) > 30


@pytest.mark.parametrize("kind", FAULTS)
def test_a_withdrawal_that_fails_at_any_call_is_done_once(template: Path, kind: str) -> None:
    publish(Warehouse(template).table("t"), "r2", {"2026-10": [2]}, "key")

    def operation(table: Table) -> None:
        table.withdraw("2026-10", by="Laura", reason="wrong", now=NOW, expected={"2026-10": 3})

    def check(table: Table, at: int) -> None:
        assert read(table) in (OLD, NEW), at
        assert_the_link_is_equal_to_the_log_after_the_next_write(table, at)
        with suppress(ConflictError):
            operation(table)
        assert read(table) == OLD == read_view(table, table._root), at
        assert [one.version for one in table.log()] == [1, 2, 3, 4], at
        assert table.withdrawal("key") is not None

    assert sweep(template, kind, operation, check) > 15


@pytest.mark.parametrize("kind", FAULTS)
def test_a_collection_that_fails_at_any_call_loses_nothing_and_is_finished_by_the_next(
    template: Path, kind: str
) -> None:
    table = Warehouse(template).table("t")
    for run in ("held-1", "held-2"):
        write_staged(table, run, {"2026-10": [5]})
    waiting = seal(table, "waiting", {"2026-10": [2]}, "key")
    later = datetime.now(NOW.tzinfo) + timedelta(days=9)

    def operation(table: Table) -> None:
        table.gc(later, timedelta(days=1), {"waiting"})

    def check(table: Table, at: int) -> None:
        assert read(table) == OLD == read_view(table, table._root), at
        operation(table)
        assert {path.name for path in (table._root / "t" / "_staging").iterdir()} == {"waiting"}, at
        assert not list((table._root / "t" / "_trash").rglob("*.parquet")), at
        commit(table, waiting)
        assert read(table) == NEW, at

    assert sweep(template, kind, operation, check) > 15


@pytest.mark.parametrize("kind", FAULTS)
def test_a_record_that_fails_at_any_call_is_old_or_new_and_never_torn(
    template: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    Warehouse(template).records.put("runs", "r1", {"n": 1})

    def check(table: Table, at: int) -> None:
        records = Warehouse(table._root).records
        assert records.all("runs") in ({"r1": {"n": 1}}, {"r1": {"n": 2}}), at
        assert list(records.list("runs")) == ["r1"], at
        records.put("runs", "r1", {"n": 3})
        assert records.get("runs", "r1") == {"n": 3}

    sweep(template, kind, lambda table: Warehouse(table._root).records.put("runs", "r1", {"n": 2}), check)
    assert "set aside" not in caplog.text


def test_a_newest_commit_torn_at_every_byte_is_an_error_until_it_is_restored(template: Path) -> None:
    table = Warehouse(template).table("t")
    path = template / "t" / "_delta_log" / f"{2:020d}.json"
    whole = path.read_bytes()
    for length in range(len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(StoreError, match="version 2, the newest, is damaged"):
            table.current()
    with pytest.raises(StoreError, match="version 2, the newest, is damaged"):
        publish(table, "again", {"2026-11": [1]})
    path.write_bytes(whole)
    assert read(table) == OLD


def test_a_newest_commit_with_any_byte_changed_is_the_same_or_an_error(template: Path) -> None:
    table = Warehouse(template).table("t")
    path = template / "t" / "_delta_log" / f"{2:020d}.json"
    whole = path.read_bytes()
    newest = table.current()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with suppress(StoreError):
            assert table.current() == newest
