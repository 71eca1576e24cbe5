"""Checkpoints of a table's log, so that other readers of Delta need not read every commit since the first.

Ours need none. The library makes it in a folder of its own from copies of what the log holds since the last one; what
it made goes into the log as everything does: whole, synced and only once. A log without is as true as one with.
"""

from __future__ import annotations

import json
import logging
import tempfile
from pathlib import Path

from dq.base.errors import StoreError
from dq.store.filesystem import Filesystem

log = logging.getLogger("dq.store")

EVERY = 100
LAST = "_last_checkpoint"


def keep(filesystem: Filesystem, folder: str, version: int) -> None:
    """Write a checkpoint at a version where the last one is many versions back; a failure is a warning, no more."""
    try:
        last = _last(filesystem, folder, version)
        if version - last >= EVERY:
            _write(filesystem, folder, last, version)
    except Exception as error:  # the commit stands, whatever a library says of it
        log.warning("%s: no checkpoint was written at version %d: %s", folder, version, error)


def file_name(version: int) -> str:
    """The name of a version's checkpoint."""
    return f"{version:020d}.checkpoint.parquet"


def _last(filesystem: Filesystem, folder: str, version: int) -> int:
    """The version of the last checkpoint up to one, 0 where there is none that can be used."""
    content = filesystem.read(f"{folder}/{LAST}")
    if content is None:
        return 0
    try:
        told = json.loads(content)
        last = int(told["version"])
        return last if 0 < last <= version and "parts" not in told else 0
    except (ValueError, KeyError, TypeError):
        return 0


def _write(filesystem: Filesystem, folder: str, last: int, version: int) -> None:
    from deltalake import DeltaTable

    with tempfile.TemporaryDirectory(prefix="dq-checkpoint-") as scratch:
        copy = Path(scratch) / Path(folder).name
        copy.mkdir()
        base = filesystem.read(f"{folder}/{file_name(last)}") if last else None
        if base is not None:
            (copy / file_name(last)).write_bytes(base)
            (copy / LAST).write_bytes(filesystem.read(f"{folder}/{LAST}") or b"")
        for number in range(last + 1 if base is not None else 0, version + 1):
            name = f"{number:020d}.json"
            (copy / name).write_bytes(filesystem.read(f"{folder}/{name}") or b"")
        if base is not None:
            name = f"{last:020d}.json"
            (copy / name).write_bytes(filesystem.read(f"{folder}/{name}") or b"")
        try:
            DeltaTable(scratch, version=version).create_checkpoint()
        except BaseException as error:  # the library panics in a forked process, beside all Exceptions
            if type(error).__name__ != "PanicException":
                raise
            raise StoreError(f"the library gave up: {error}") from error
        filesystem.put_if_absent(f"{folder}/{file_name(version)}", (copy / file_name(version)).read_bytes())
        filesystem.replace(f"{folder}/{LAST}", (copy / LAST).read_bytes())
