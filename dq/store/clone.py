"""A second warehouse that begins as this one is: the same files by hard link, nothing copied, nothing shared later.

What is published, sealed or recorded is never changed in place, only replaced or added; so runs in the clone leave the
original as it is, and see what was published, held and waived there.
"""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from dq.base import private
from dq.base.errors import StoreError
from dq.store.filesystem import TEMPORARY_SUFFIX
from dq.store.garbage import DATA
from dq.store.log import FORMER_LOG, LOG
from dq.store.records import FOLDER
from dq.store.warehouse import Warehouse

SCRATCH = "_scratch"
ABANDONED_SECONDS = 24 * 3600
# Of a table: its commit log (one of an earlier release too, so that it is refused there as well) and the files of its
# runs; what is staged belongs to runs that are not over.
_OF_TABLES = (LOG, FORMER_LOG, DATA)


@contextmanager
def cloned(warehouse: Warehouse, kinds: Collection[str]) -> Iterator[Path]:
    """The folder of a clone with the records of some kinds, inside the warehouse; removed when the block ends."""
    root = warehouse.root / SCRATCH
    _sweep(root)
    target = root / uuid4().hex
    try:
        private.make_folder(target)
        folders = [Path(table, part) for table in warehouse.tables() for part in _OF_TABLES]
        for folder in (*folders, *(Path(FOLDER, kind) for kind in kinds)):
            _link_tree(warehouse.root / folder, target / folder)
    except OSError as error:
        shutil.rmtree(target, ignore_errors=True)
        hint = "put the warehouse on a file system with hard links" if error.errno in (errno.EPERM, errno.EXDEV) else ""
        what = f"the warehouse cannot be cloned: {error.strerror or 'the system refused'}"
        raise StoreError(what, where=str(target), do=hint) from error
    try:
        yield target
    finally:
        shutil.rmtree(target, ignore_errors=True)
        with suppress(OSError):
            root.rmdir()


def _link_tree(source: Path, target: Path) -> None:
    """Link every file of a folder; what vanishes meanwhile was replaced or removed, which readers survive as well."""
    for folder, _, files in os.walk(source):
        here = target / Path(folder).relative_to(source)
        private.make_folder(here)
        for name in files:
            if name.endswith(TEMPORARY_SUFFIX):
                continue
            with suppress(FileNotFoundError):
                os.link(Path(folder, name), here / name, follow_symlinks=False)


def _sweep(root: Path) -> None:
    """Remove the clones that killed processes left behind."""
    with suppress(FileNotFoundError):
        for entry in list(os.scandir(root)):
            with suppress(FileNotFoundError):
                if time.time() - entry.stat(follow_symlinks=False).st_mtime > ABANDONED_SECONDS:
                    shutil.rmtree(entry.path, ignore_errors=True)
