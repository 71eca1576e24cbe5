"""The ``current`` link of a table: the published version as plain folders, for readers that know no commit log.

Derived from the log and never read back: when it cannot be made, a warning says so and the commit stands.
"""

from __future__ import annotations

import logging

from dq.errors import StoreError
from dq.store.filesystem import Filesystem, LinkingFilesystem
from dq.store.log import CommitLog
from dq.store.manifest import PERIOD_COLUMN
from dq.store.versions import Commit

log = logging.getLogger("dq.store")

ATTEMPTS = 100


def refresh(filesystem: Filesystem, commits: CommitLog, table: str) -> None:
    """Point ``current`` at the published version, again until no newer one has appeared meanwhile."""
    if not isinstance(filesystem, LinkingFilesystem):
        return
    try:
        for _ in range(ATTEMPTS):
            commit = commits.current()
            if commit is None or filesystem.link_target(f"{table}/current") == _target(commit):
                return
            for period, entry in commit.entries.items():
                if entry.files:
                    folder = f"{PERIOD_COLUMN}={period}"
                    filesystem.link(f"{table}/{_target(commit)}/{folder}", f"../../data/{entry.run}/{folder}")
            filesystem.link(f"{table}/current", _target(commit))
    except (StoreError, OSError) as error:
        log.warning("%s: the link to the current version could not be renewed: %s", table, error)


def _target(commit: Commit) -> str:
    return f"_views/{commit.version}"
