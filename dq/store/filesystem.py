"""The operations the warehouse asks of storage, their POSIX form, and the probe that proves them at start-up.

Everything the promises rest on is *put-if-absent*: of several writers of one key exactly one wins, and what it wrote
is complete when it becomes visible. Keys are relative to the root, with ``/`` between their parts.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from io import BufferedReader
from pathlib import Path
from typing import Protocol, TypeVar, runtime_checkable
from uuid import uuid4

from dq.base import private
from dq.base.errors import StoreError

TEMPORARY_SUFFIX = ".tmp"
PROBE = ".probe-"
T = TypeVar("T")


class NotWrittenError(StoreError):
    """A write that certainly left nothing visible behind; any other error of a write leaves its outcome open."""


class EntryType(StrEnum):
    """What a listed name is; links are never followed."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One name directly under a listed folder, with its bytes and modification time in nanoseconds."""

    name: str
    type: EntryType
    size: int
    modified_ns: int


class Filesystem(Protocol):
    """Storage as the warehouse needs it; errors are StoreErrors with the path in the sentence.

    ``move`` need not be atomic on storage that has no rename: nothing refers to the target before the commit, and the
    moved files are compared with their manifest before it.
    """

    def list(self, key: str) -> Sequence[Listed]:
        """The names directly under a folder, sorted; empty when there is no such folder."""

    def names(self, key: str) -> Sequence[str]:
        """The names directly under a folder, in any order and without a look at each; empty without the folder."""

    def read(self, key: str, *, last: int | None = None) -> bytes | None:
        """The bytes of a file, or only its last ones; None when there is no such file."""

    def sha256(self, key: str) -> str | None:
        """The SHA-256 of a whole file, in hex, read in pieces; None when there is no such file."""

    def put_if_absent(self, key: str, content: bytes) -> bool:
        """Create a file whole and durably; False when the key exists. Raises NotWrittenError only when certain."""

    def replace(self, key: str, content: bytes) -> None:
        """Write a file whole and durably in place of what is there; readers see the old or the new bytes."""

    def make_folder(self, key: str) -> None:
        """Make a folder for a writer that does not go through this interface; nothing happens when it is there."""

    def delete(self, key: str) -> None:
        """Remove a file, a link, or a folder with all it holds; nothing happens when it is not there."""

    def move(self, source: str, target: str) -> None:
        """Give a folder or file another key and make its contents durable; a taken target is an error."""


@runtime_checkable
class LinkingFilesystem(Protocol):
    """Storage that has symbolic links, for readers that know nothing of the commit log."""

    def link(self, key: str, target: str) -> None:
        """Make the key a relative symbolic link, in place of the link that is there."""

    def link_target(self, key: str) -> str | None:
        """What a link points at, None when the key is not a link."""


class PosixFilesystem:
    """A folder of a POSIX filesystem: hard links give put-if-absent, rename gives atomic replacement.

    Files are their owner's alone, or for the group that the root was given to, whatever the umask. A
    symbolic link on the way to a key is refused, so that nothing outside the root is ever read, written or removed.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    def list(self, key: str) -> Sequence[Listed]:
        """The names directly under a folder, sorted; empty when there is no such folder."""
        path = self._path(key)
        try:
            with os.scandir(path) as entries:
                found = [_listed(entry) for entry in entries]
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise _refused("list", path, error) from error
        return sorted((one for one in found if one), key=lambda one: one.name)

    def names(self, key: str) -> Sequence[str]:
        """The names directly under a folder, in any order and without a look at each; empty without the folder."""
        path = self._path(key)
        try:
            with os.scandir(path) as entries:
                return [entry.name for entry in entries]
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise _refused("list", path, error) from error

    def read(self, key: str, *, last: int | None = None) -> bytes | None:
        """The bytes of a file, or only its last ones; None when there is no such file."""

        def content(file: BufferedReader) -> bytes:
            if last is not None:
                file.seek(max(0, os.fstat(file.fileno()).st_size - last))
            return file.read()

        return self._of_file(key, content)

    def sha256(self, key: str) -> str | None:
        """The SHA-256 of a whole file, in hex, read in pieces; None when there is no such file."""
        return self._of_file(key, lambda file: hashlib.file_digest(file, "sha256").hexdigest())

    def put_if_absent(self, key: str, content: bytes) -> bool:
        """Create a file whole and durably; False when the key exists. Raises NotWrittenError only when certain."""
        path = self._path(key)
        temporary = self._temporary(path, content)
        try:
            path.hardlink_to(temporary)
        except FileExistsError:
            return False
        except OSError as error:
            # A network filesystem may have made the link and lost the answer; the caller has to look.
            raise _refused("create", path, error) from error
        finally:
            with suppress(OSError):
                temporary.unlink()
        self._sync("create", path.parent)
        return True

    def replace(self, key: str, content: bytes) -> None:
        """Write a file whole and durably in place of what is there; readers see the old or the new bytes."""
        path = self._path(key)
        temporary = self._temporary(path, content)
        try:
            temporary.replace(path)
        except OSError as error:
            with suppress(OSError):
                temporary.unlink()
            raise _refused("write", path, error) from error
        self._sync("write", path.parent)

    def make_folder(self, key: str) -> None:
        """Make a folder for a writer that does not go through this interface; nothing happens when it is there."""
        path = self._path(key)
        try:
            self._make_folder(path)
        except OSError as error:
            raise _refused("create", path, error) from error

    def delete(self, key: str) -> None:
        """Remove a file, a link, or a folder with all it holds; nothing happens when it is not there."""
        path = self._path(key)
        try:
            if stat.S_ISDIR(path.lstat().st_mode):
                shutil.rmtree(path)
            else:
                path.unlink()
        except FileNotFoundError:
            return
        except OSError as error:
            raise _refused("remove", path, error) from error

    def move(self, source: str, target: str) -> None:
        """Give a folder or file another key and make its contents durable; a taken target is an error."""
        old, new = self._path(source), self._path(target)
        if os.path.lexists(new):
            raise StoreError(f"cannot move {old} to {new}: the target exists")
        try:
            self._make_folder(new.parent)
            private.protect(old, new.parent)
            for path in _tree(old):
                _sync_path(path)
            old.rename(new)
            _sync_path(new.parent)
            _sync_path(old.parent)
        except OSError as error:
            raise _refused(f"move {old} to", new, error) from error

    def link(self, key: str, target: str) -> None:
        """Make the key a relative symbolic link, in place of the link that is there."""
        path = self._path(key)
        temporary = path.with_name(f".{path.name}.{uuid4().hex}{TEMPORARY_SUFFIX}")
        try:
            self._make_folder(path.parent)
            temporary.symlink_to(target)
            temporary.replace(path)
        except OSError as error:
            with suppress(OSError):
                temporary.unlink()
            raise _refused("link", path, error) from error

    def link_target(self, key: str) -> str | None:
        """What a link points at, None when the key is not a link."""
        try:
            return str(self._path(key).readlink())
        except OSError:
            return None

    def _path(self, key: str) -> Path:
        """The path of a key, after the proof that it lies inside the root and no link is on the way."""
        parts = key.split("/") if key else []
        if "\0" in key or any(part in ("", ".", "..") for part in parts):
            raise StoreError(f"{key[:120]!r} is not a key of the warehouse", expected="a relative path without '..'")
        path = str(self.root)
        for part in parts[:-1]:
            path = f"{path}/{part}"
            if _is_link(path):
                raise StoreError(f"{path} is a symbolic link", do="replace it by the folder itself")
        return Path(f"{path}/{parts[-1]}") if parts else self.root

    def _of_file(self, key: str, act: Callable[[BufferedReader], T]) -> T | None:
        """What is made of an open regular file; None when there is no such file."""
        path = self._path(key)
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _refused("read", path, error) from error
        try:
            with os.fdopen(descriptor, "rb") as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise StoreError(f"cannot read {path}: it is not a regular file")
                return act(file)
        except OSError as error:
            raise _refused("read", path, error) from error

    def _temporary(self, path: Path, content: bytes) -> Path:
        """A durable file with the content beside the path, under a name no reader looks at."""
        temporary = path.with_name(f".{path.name}.{uuid4().hex}{TEMPORARY_SUFFIX}")
        try:
            self._make_folder(path.parent)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
            with os.fdopen(os.open(temporary, flags, private.OWNER_FILE), "wb") as file:
                os.fchmod(file.fileno(), private.modes(path.parent)[0])
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            with suppress(OSError):
                temporary.unlink()
            refused = _refused("write", path, error)
            raise NotWrittenError(refused.what, do=refused.do) from error
        return temporary

    def _make_folder(self, path: Path) -> None:
        """The folder with its missing parents; each new name is made durable, or a power cut could lose the path."""
        if path.is_dir():
            return
        self._make_folder(path.parent)
        try:
            private.make_folder(path)
        except FileExistsError:
            return
        _sync_path(path.parent)

    def _sync(self, doing: str, folder: Path) -> None:
        try:
            _sync_path(folder)
        except OSError as error:
            raise _refused(doing, folder, error) from error


def probe(filesystem: Filesystem, root: str) -> None:
    """Prove by doing that the storage at the root creates a key at most once, replaces, lists and removes.

    Raises a StoreError that says what failed: a mount that cannot do it would lose commits when two runs meet.
    """
    folder = f"_dq/{PROBE}{uuid4().hex}"
    key = f"{folder}/key"

    def prove(ability: str, holds: bool) -> None:
        if not holds:
            raise StoreError(
                f"the storage does not {ability}",
                where=root,
                do="keep the warehouse on a local disk or another filesystem with hard links and atomic rename",
            )

    try:
        prove("create a new key", filesystem.put_if_absent(key, b"first"))
        prove("refuse to create a key twice", not filesystem.put_if_absent(key, b"second"))
        prove("keep the first writer's bytes", filesystem.read(key) == b"first")
        prove("list a key that was created", [one.name for one in filesystem.list(folder)] == ["key"])
        filesystem.replace(key, b"third")
        prove("replace a key", filesystem.read(key) == b"third")
        filesystem.delete(key)
        prove("remove a key", filesystem.read(key) is None)
    except StoreError as error:
        if isinstance(error.__cause__, OSError):  # the key of the probe means nothing to whoever reads this
            raise _refused("write", Path(root), error.__cause__) from error.__cause__
        raise
    finally:
        with suppress(StoreError):
            filesystem.delete(folder)


def _is_link(path: str) -> bool:
    try:
        return stat.S_ISLNK(os.lstat(path).st_mode)
    except OSError:  # what is not there is no link, and whoever opens it is told the rest
        return False


def _listed(entry: os.DirEntry[str]) -> Listed | None:
    try:
        status = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    types = {stat.S_IFREG: EntryType.FILE, stat.S_IFDIR: EntryType.FOLDER, stat.S_IFLNK: EntryType.LINK}
    kind = types.get(stat.S_IFMT(status.st_mode), EntryType.OTHER)
    return Listed(name=entry.name, type=kind, size=status.st_size, modified_ns=status.st_mtime_ns)


def _tree(path: Path) -> Iterator[Path]:
    """The files and folders of a tree, contents before their folder; links are left out."""
    if path.is_dir() and not path.is_symlink():
        for child in sorted(path.iterdir()):
            yield from _tree(child)
    if not path.is_symlink():
        yield path


def _sync_path(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refused(doing: str, path: Path, error: OSError) -> StoreError:
    reason = (error.strerror or str(error) or type(error).__name__).lower()
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        reason += f", {_free_bytes(path)} bytes free"
        return StoreError(f"cannot {doing} {path}: {reason}", do="free some space (dq gc) and run again")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return StoreError(f"cannot {doing} {path}: {reason}", do="give this user write permission or choose another")
    return StoreError(f"cannot {doing} {path}: {reason}")


def _free_bytes(path: Path) -> str:
    for folder in (path, *path.parents):
        try:
            status = os.statvfs(folder)
        except OSError:
            continue
        return f"{status.f_bavail * status.f_frsize:,}"
    return "unknown"
