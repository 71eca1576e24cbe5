"""The POSIX filesystem of the warehouse: create once, replace whole, stay inside the root, say what failed."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from store_support import FaultFilesystem

from dq.base.errors import StoreError
from dq.store import Warehouse
from dq.store.filesystem import EntryType, NotWrittenError, PosixFilesystem, probe
from dq.store.names import checked_name, checked_period, covers

HOSTILE = ["../x", "a/../../x", "/etc/passwd", "a//b", "a/./b", "a\0b", "..", "a/", "/"]


def test_a_key_is_created_once_and_keeps_the_first_bytes(tmp_path: Path) -> None:
    files = PosixFilesystem(tmp_path)
    assert files.put_if_absent("t/_delta_log/1.json", b"one")
    assert not files.put_if_absent("t/_delta_log/1.json", b"two")
    assert files.read("t/_delta_log/1.json") == b"one"
    assert [one.name for one in files.list("t/_delta_log")] == ["1.json"], "no temporary stays behind"


def test_replace_writes_whole_and_leaves_no_temporary(tmp_path: Path) -> None:
    files = PosixFilesystem(tmp_path)
    files.replace("a/b", b"one")
    files.replace("a/b", b"two")
    assert files.read("a/b") == b"two"
    assert files.read("a/b", last=2) == b"wo"
    assert files.read("a/b", last=99) == b"two"
    assert [one.name for one in files.list("a")] == ["b"]


def test_what_is_not_there_is_none_or_empty(tmp_path: Path) -> None:
    files = PosixFilesystem(tmp_path)
    assert files.read("no/such") is None
    assert list(files.list("no/such")) == []
    files.delete("no/such")


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_files_and_folders_are_their_owners_alone_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        PosixFilesystem(tmp_path / "root").replace("a/b", b"x")
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "root").rglob("*")}
    assert modes == {"a": 0o700, "b": 0o600}


def test_what_spark_wrote_for_everybody_is_private_when_it_moves(tmp_path: Path) -> None:
    staged = tmp_path / "root" / "t" / "_staging" / "r1" / "period=2026-10"
    staged.mkdir(parents=True)
    (staged / "part.parquet").write_bytes(b"x")
    for path in (staged.parent, staged, staged / "part.parquet"):
        path.chmod(0o777)
    PosixFilesystem(tmp_path / "root").move("t/_staging/r1", "t/data/r1")
    moved = {
        str(path.relative_to(tmp_path / "root" / "t")): mode(path) for path in (tmp_path / "root/t/data").rglob("*")
    }
    period = "data/r1/period=2026-10"
    assert moved == {"data/r1": 0o700, period: 0o700, f"{period}/part.parquet": 0o600}


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_the_group_that_a_root_was_given_to_reads_what_is_in_it(tmp_path: Path, umask: int) -> None:
    root, group = tmp_path / "root", 4321 if os.geteuid() == 0 else os.getgid()
    root.mkdir()
    os.chown(root, -1, group)
    root.chmod(0o2750)
    files = PosixFilesystem(root)
    before = os.umask(umask)
    try:
        files.replace("a/b", b"x")
        files.make_folder("t/_staging")
        staged = root / "t" / "_staging" / "r1"
        staged.mkdir()
        (staged / "part").write_bytes(b"x")
        os.chown(staged / "part", -1, os.getgid())
        staged.chmod(0o755)
        (staged / "part").chmod(0o644)
        files.move("t/_staging/r1", "t/data/r1")
    finally:
        os.umask(before)
    found = {str(path.relative_to(root)): (mode(path), path.stat().st_gid) for path in root.rglob("*")}
    assert {found.pop(name) for name in ("a/b", "t/data/r1/part")} == {(0o640, group)}
    assert set(found.values()) == {(0o2750, group)}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("key", HOSTILE)
def test_a_key_that_leaves_the_root_is_refused_by_every_operation(tmp_path: Path, key: str) -> None:
    files = PosixFilesystem(tmp_path / "root")
    operations: list[Callable[[], object]] = [
        lambda: files.list(key),
        lambda: files.read(key),
        lambda: files.put_if_absent(key, b"x"),
        lambda: files.replace(key, b"x"),
        lambda: files.delete(key),
        lambda: files.move(key, "a"),
        lambda: files.move("a", key),
        lambda: files.link(key, "x"),
    ]
    for operation in operations:
        with pytest.raises(StoreError, match="not a key"):
            operation()
    assert list(tmp_path.iterdir()) == []


def test_a_symbolic_link_on_the_way_is_refused_and_never_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "keep").write_bytes(b"keep")
    root = tmp_path / "root"
    root.mkdir()
    (root / "t").symlink_to(outside)
    files = PosixFilesystem(root)
    for operation in (
        lambda: files.read("t/keep"),
        lambda: files.replace("t/keep", b"x"),
        lambda: files.delete("t/keep"),
    ):
        with pytest.raises(StoreError, match="symbolic link"):
            operation()
    files.delete("t")
    assert (outside / "keep").read_bytes() == b"keep"
    (root / "leaf").symlink_to(outside / "keep")
    with pytest.raises(StoreError, match="cannot read"):
        files.read("leaf")


def test_links_inside_a_removed_folder_are_removed_as_links(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "keep").touch()
    files = PosixFilesystem(tmp_path / "root")
    files.replace("t/run/part", b"x")
    files.link("t/run/link", str(tmp_path / "outside"))
    assert [one.type for one in files.list("t/run")] == [EntryType.LINK, EntryType.FILE]
    files.delete("t/run")
    assert (tmp_path / "outside" / "keep").exists()


def test_a_pipe_in_place_of_a_file_is_an_error_and_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StoreError, match="not a regular file"):
        PosixFilesystem(tmp_path).read("pipe")


def test_move_refuses_a_taken_target_and_a_missing_source(tmp_path: Path) -> None:
    files = PosixFilesystem(tmp_path)
    files.replace("a/x", b"1")
    files.replace("b/x", b"2")
    with pytest.raises(StoreError, match="the target exists"):
        files.move("a", "b")
    with pytest.raises(StoreError, match="no such file"):
        files.move("c", "d")
    files.move("a", "d/e")
    assert (files.read("d/e/x"), files.read("a/x"), files.read("b/x")) == (b"1", None, b"2")


def test_a_link_is_replaced_in_one_step(tmp_path: Path) -> None:
    files = PosixFilesystem(tmp_path)
    assert files.link_target("t/current") is None
    files.link("t/current", "_views/1")
    files.link("t/current", "_views/2")
    assert files.link_target("t/current") == "_views/2"
    assert [one.name for one in files.list("t")] == ["current"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_says_path_and_free_bytes_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def full(_: int) -> None:
        raise OSError(number, os.strerror(number))

    files = PosixFilesystem(tmp_path)
    files.replace("t/a", b"old")
    monkeypatch.setattr(os, "fsync", full)
    for operation in (lambda: files.put_if_absent("t/b", b"new"), lambda: files.replace("t/a", b"new")):
        with pytest.raises(NotWrittenError, match=r"cannot write .*/t/[ab]: .*[0-9,]+ bytes free.*dq gc"):
            operation()
    assert {path.name: path.read_bytes() for path in (tmp_path / "t").iterdir()} == {"a": b"old"}


def test_an_error_after_the_link_leaves_the_outcome_open_and_is_not_called_unwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = PosixFilesystem(tmp_path)
    files.replace("t/a", b"x")
    synced: list[int] = []
    real = os.fsync

    def second_fails(descriptor: int) -> None:
        synced.append(descriptor)
        if len(synced) == 2:
            raise OSError(errno.EIO, "Input/output error")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", second_fails)
    with pytest.raises(StoreError) as caught:
        files.put_if_absent("t/b", b"x")
    assert not isinstance(caught.value, NotWrittenError)
    assert files.read("t/b") == b"x"


def test_an_unwritable_root_is_one_sentence_with_the_path_and_opening_it_creates_nothing(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.touch()
    for root in (blocker, blocker / "below"):
        warehouse = Warehouse(root)
        with pytest.raises(StoreError, match=f"cannot write {root}") as caught:
            warehouse.prepare()
        assert "\n" not in str(caught.value)
    fresh = tmp_path / "fresh"
    assert Warehouse(fresh).table("t").current() is None
    assert list(Warehouse(fresh).records.list("runs")) == []
    assert not fresh.exists()


def test_the_probe_accepts_a_posix_folder_and_leaves_nothing(tmp_path: Path) -> None:
    probe(PosixFilesystem(tmp_path), str(tmp_path))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


class _Overwriting(FaultFilesystem):
    def put_if_absent(self, key: str, content: bytes) -> bool:
        self.inner.replace(key, content)
        return True


class _Forgetting(FaultFilesystem):
    def replace(self, key: str, content: bytes) -> None:
        self.calls.append((key, str(content)))


class _Immortal(FaultFilesystem):
    def delete(self, key: str) -> None:
        self.calls.append(("delete", key))


@pytest.mark.parametrize(
    ("storage", "missing"),
    [
        (_Overwriting, "does not refuse to create a key twice"),
        (_Forgetting, "does not replace a key"),
        (_Immortal, "does not remove a key"),
    ],
)
def test_the_probe_refuses_storage_that_lacks_an_ability(
    tmp_path: Path, storage: type[FaultFilesystem], missing: str
) -> None:
    with pytest.raises(StoreError, match=missing):
        Warehouse(tmp_path, filesystem=storage(tmp_path)).table("t").staging("r1")


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", "/a", "A", "a\0", "a\n", "-a", "_dq", ".a", "a" * 129, "é", "a%2e/", "a b"]
)
def test_a_hostile_name_is_refused_wherever_a_name_becomes_a_path(tmp_path: Path, name: str) -> None:
    warehouse = Warehouse(tmp_path / "w")
    table = warehouse.table("t")
    for use in (
        lambda: checked_name("run", name),
        lambda: warehouse.table(name),
        lambda: table.staging(name),
        lambda: table.sealed(name),
        lambda: warehouse.records.put("runs", name, {}),
        lambda: warehouse.records.put(name, "n", {}),
        lambda: warehouse.records.get("runs", name),
    ):
        with pytest.raises(StoreError, match="is not a"):
            use()
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize("name", ["a", "0", "a.b-c_d", "investor_profit-2026-10.20261103t050000z", "a" * 128])
def test_a_plain_name_is_accepted(name: str) -> None:
    assert checked_name("run", name) == name


def test_a_month_covers_its_days_and_nothing_else() -> None:
    assert covers("2026-10", "2026-10")
    assert covers("2026-10", "2026-10-05")
    assert not covers("2026-1", "2026-10")
    assert not covers("2026-10-05", "2026-10")
    assert checked_period("2026-W41") == "2026-W41"
    with pytest.raises(StoreError, match="not a period id"):
        checked_period("2026-10/..")


def test_a_folder_that_cannot_be_written_is_named_by_itself_and_not_by_the_probes_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filesystem = PosixFilesystem(tmp_path)
    monkeypatch.setattr(PosixFilesystem, "put_if_absent", _refusing)
    with pytest.raises(StoreError, match=f"cannot write {tmp_path}: read-only file system"):
        probe(filesystem, str(tmp_path))


def _refusing(*_: object) -> bool:
    cause = OSError(errno.EROFS, "Read-only file system")
    raise StoreError("cannot create /w/_dq/.probe-1/key: read-only file system") from cause
