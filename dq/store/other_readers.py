"""What readers of Delta other than ours see of a table: proved to be what the log says, by a library of others."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

from dq.base import clean
from dq.base.errors import StoreError
from dq.store.checkpoint import LAST
from dq.store.delta_lines import paths_of
from dq.store.log import LOG
from dq.store.versions import Commit

REMOVE = f"remove {LAST} and the checkpoints beside it: they are derived from the log"


def prove(folder: Path, commit: Commit) -> None:
    """Raise a StoreError unless these files, and no others, are in the table as the library reads it."""
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError

    where = str(folder / LOG)
    try:
        seen = DeltaTable(folder, version=commit.version).get_add_actions(flatten=True).column("path").to_pylist()
    except (DeltaError, OSError, ValueError) as error:
        what = f"readers of Delta cannot read it: {clean.text(error, limit=200)}"
        raise StoreError(what, where=where, do=REMOVE) from error
    ours = {unquote(path) for path in paths_of(commit)}
    theirs = {unquote(str(path)) for path in seen}
    for path in sorted(theirs ^ ours):
        what = "not published, and other readers see it" if path in theirs else "published, and other readers miss it"
        raise StoreError(f"the file is {what}", where=f"{folder}/{path}", do=REMOVE)
