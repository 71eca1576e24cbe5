"""Folders that hold a table with a log of its own, whose files alone do not say which rows are in it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from dq.errors import SourceError

# What each puts into the folder of a table, as patterns below it.
_MARKS = {
    "_delta_log": "a Delta table",
    "metadata/*.metadata.json*": "an Iceberg table",
    ".hoodie": "a Hudi table",
    "_commits": "a table of a warehouse of ours",
}
# What is below these in a warehouse of ours is one published version.
_VIEWS = ("current", "_views")


def refuse_tables(paths: Iterable[Path]) -> None:
    """Raise SourceError where a path is, lies in or holds such a table: removed rows would be read with the others."""
    seen: dict[Path, str] = {}
    for path in paths:
        whole = path.absolute()
        for folder in (whole, *whole.parents):
            if folder not in seen:
                seen[folder] = _mark(folder)
            what = seen[folder]
            if what and not (what == _MARKS["_commits"] and set(whole.relative_to(folder).parts) & set(_VIEWS)):
                ours = what == _MARKS["_commits"]
                raise SourceError(
                    f"{folder} is {what}, whose log says which of its files count; they cannot be read as plain files",
                    expected="a folder of plain Parquet or CSV files",
                    do=f"read {folder / 'current'}, the published version"
                    if ours
                    else "export the live table to files",
                )


def _mark(folder: Path) -> str:
    if not folder.is_dir():
        return ""
    return next((what for mark, what in _MARKS.items() if next(folder.glob(mark), None) is not None), "")
