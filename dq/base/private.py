"""Who may read what is written: its owner alone, or also the group that its folder was given to.

What a group shall read is declared on the folder itself, as POSIX does it: ``chgrp GROUP FOLDER; chmod 2750 FOLDER``.
Whatever is written below such a folder belongs to that group, which reads it. Anything else is the owner's alone. The
umask neither widens nor narrows that, nor do the modes that Spark gives its files.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

OWNER_FILE, OWNER_FOLDER = 0o600, 0o700
GROUP_FILE, GROUP_FOLDER = 0o640, 0o2750
_GIVEN = stat.S_ISGID | stat.S_IRGRP | stat.S_IXGRP


def modes(folder: Path) -> tuple[int, int]:
    """The modes of files and of folders that are made in a folder."""
    given = _of_group(folder) is not None
    return (GROUP_FILE, GROUP_FOLDER) if given else (OWNER_FILE, OWNER_FOLDER)


def make_folder(path: Path) -> None:
    """Make a folder and its missing parents; those that are there stay as they are."""
    if path.is_dir():
        return
    make_folder(path.parent)
    mode = modes(path.parent)[1]
    try:
        path.mkdir(mode=mode & 0o777)  # a process that dies here leaves what the next one needs
    except FileExistsError:
        return
    path.chmod(mode)


def protect(path: Path, folder: Path) -> None:
    """Give a file, or a folder with all it holds, to whom the folder that it moves to says; links are left alone."""
    group = _of_group(folder)
    file_mode, folder_mode = modes(folder)
    for one in _tree(path):
        status = one.stat()
        if group is not None and status.st_gid != group:
            os.chown(one, -1, group)
        wanted = folder_mode if stat.S_ISDIR(status.st_mode) else file_mode
        if stat.S_IMODE(status.st_mode) != wanted or group is not None:
            one.chmod(wanted)


def open_to_others(root: Path) -> list[Path]:
    """The files below a folder that somebody may read whom nothing was given to, sorted.

    That is what an earlier version, a restore or a person left wide, where every folder on the way lets them pass.
    """
    return sorted(_open_to(root, ((stat.S_IXGRP, stat.S_IRGRP), (stat.S_IXOTH, stat.S_IROTH))))


def close(path: Path) -> None:
    """Take a folder with all it holds from everybody but its owner; what vanishes meanwhile is passed over."""
    with suppress(OSError):
        for one in _tree(path):
            with suppress(OSError):
                one.chmod(OWNER_FOLDER if one.is_dir() else OWNER_FILE)


def _of_group(folder: Path) -> int | None:
    """The group a folder was given to, None where it was given to none."""
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_gid if status.st_mode & _GIVEN == _GIVEN else None


def _open_to(folder: Path, passed: Sequence[tuple[int, int]]) -> Iterator[Path]:
    """The files that a class of users may read; of each that came so far the bits that let it pass and read."""
    with suppress(OSError):  # what vanishes meanwhile, or is closed to this user, is passed over
        mode = folder.stat().st_mode
        given = _of_group(folder) is not None
        passed = [(enter, read) for enter, read in passed if mode & enter and not (given and enter == stat.S_IXGRP)]
        for one in os.scandir(folder) if passed else ():
            if one.is_dir(follow_symlinks=False):
                yield from _open_to(folder / one.name, passed)
            elif one.is_file(follow_symlinks=False):
                wide = one.stat(follow_symlinks=False).st_mode
                if any(wide & read for _, read in passed):
                    yield folder / one.name


def _tree(path: Path) -> list[Path]:
    if path.is_symlink():
        return []
    return [path, *(one for one in path.rglob("*") if not one.is_symlink())]
