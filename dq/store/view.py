"""The ``current`` link of a table: the published version as plain folders, for readers that know no commit log.

Derived from the log by whoever publishes, and again by whoever opens the warehouse to write, so that a process that
died in between leaves it old only until then: when it cannot be made, a warning says so and the commit stands. The
last few views stay, so that a reader who resolved the link a moment ago reads on.
"""

from __future__ import annotations

import logging

from dq.base.errors import StoreError
from dq.store.filesystem import EntryType, Filesystem, LinkingFilesystem
from dq.store.log import CURRENT, VIEWS, CommitLog
from dq.store.manifest import PERIOD_COLUMN
from dq.store.versions import Commit, PeriodEntry

log = logging.getLogger("dq.store")

ATTEMPTS = 100
KEPT = 8
TRASH = "_trash"


def refresh(filesystem: Filesystem, commits: CommitLog, table: str) -> None:
    """Point ``current`` at the published version, again until no newer one has appeared meanwhile."""
    if not isinstance(filesystem, LinkingFilesystem):
        return
    try:
        for _ in range(ATTEMPTS):
            taken = commits.taken()
            if not taken or filesystem.link_target(f"{table}/{CURRENT}") == _target(taken[-1]):
                break
            commit = commits.current()
            if commit is not None:
                _show(filesystem, commits, table, commit)
        _prune(filesystem, table, filesystem.link_target(f"{table}/{CURRENT}"))
    except (StoreError, OSError) as error:
        log.warning("%s: the link to the current version could not be brought up to date: %s", table, error)


def prove(filesystem: Filesystem, commits: CommitLog, table: str, entry: PeriodEntry) -> None:
    """Raise a StoreError unless the link, where there is one, shows a published period as the log does."""
    shown = filesystem.link_target(f"{table}/{CURRENT}") if isinstance(filesystem, LinkingFilesystem) else None
    if not isinstance(filesystem, LinkingFilesystem) or shown is None:
        return
    folder, put_right = f"{PERIOD_COLUMN}={entry.period}", "any command that writes puts it right, such as dq gc"
    if shown != _target(commits.taken()[-1]):
        raise StoreError(f"it shows {shown}, and not the newest version", where=f"{table}/{CURRENT}", do=put_right)
    if entry.files and filesystem.link_target(f"{table}/{shown}/{folder}") != _data(entry):
        raise StoreError("it shows other files than were published", where=f"{table}/{CURRENT}/{folder}")


def _show(filesystem: LinkingFilesystem, commits: CommitLog, table: str, commit: Commit) -> None:
    for period, entry in commit.entries.items():
        if entry.files:
            folder = f"{PERIOD_COLUMN}={period}"
            filesystem.link(f"{table}/{_target(commit.version)}/{folder}", _data(entry))
    # A view that many newer ones overtook while it was made may have been removed in part.
    if commits.taken()[-1] == commit.version:
        filesystem.link(f"{table}/{CURRENT}", _target(commit.version))


def _prune(filesystem: Filesystem, table: str, shown: str | None) -> None:
    """Remove the views before the last few, each by one move first: who lists one sees all of it or none."""
    folder = f"{table}/{VIEWS}"
    views = [one for one in filesystem.list(folder) if one.name.isdecimal() and one.type is EntryType.FOLDER]
    for number in sorted(int(one.name) for one in views)[:-KEPT]:
        if _target(number) == shown:
            continue
        trash = f"{table}/{TRASH}/{VIEWS}/{number}"
        filesystem.delete(trash)
        filesystem.move(f"{folder}/{number}", trash)
        filesystem.delete(trash)


def _data(entry: PeriodEntry) -> str:
    return f"../../data/{entry.run}/{PERIOD_COLUMN}={entry.period}"


def _target(version: int) -> str:
    return f"{VIEWS}/{version}"
