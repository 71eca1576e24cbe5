"""Folders that hold a table with a log of its own, whose files alone do not say which rows are in it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from dq.base.errors import SourceError

_OURS = "a table of a warehouse of ours"
# What each puts into the folder of a table, as patterns below it.
_MARKS = {
    "_delta_log": "a Delta table",
    "metadata/*.metadata.json*": "an Iceberg table",
    ".hoodie": "a Hudi table",
    "_spark_metadata": "the output of a Spark stream",
    "_commits": _OURS,  # of an earlier release
}
# What is below these in a warehouse of ours is one published version.
_VIEWS = ("current", "_views")
_MOST_LINKS = 40


def refuse_tables(paths: Iterable[Path]) -> None:
    """Raise SourceError where a path is, lies in or holds such a table: removed rows would be read with the others."""
    seen: dict[Path, str] = {}
    for path in paths:
        names = list(_names(path))
        for folder in (folder for name in names for folder in (name, *name.parents)):
            if folder not in seen:
                seen[folder] = _mark(folder)
            what = seen[folder]
            if what and not (what == _OURS and _in_a_view(names, folder)):
                ours = what == _OURS
                raise SourceError(
                    f"{folder} is {what}, whose log says which of its files count; they cannot be read as plain files",
                    expected="a folder of plain Parquet or CSV files",
                    do=f"read {folder / 'current'}, the published version"
                    if ours
                    else "give delta:PATH to dq check, or declare it with format: delta"
                    if what == _MARKS["_delta_log"]
                    else "export the live table to files",
                )


def _names(path: Path) -> Iterator[Path]:
    """A path as given, and after each link on the way to what it is."""
    path = path.absolute()
    yield path
    for _ in range(_MOST_LINKS):
        link = next((part for part in (*reversed(path.parents), path) if part.is_symlink()), None)
        if link is None:
            return
        path = Path(os.path.normpath(link.parent / link.readlink() / path.relative_to(link)))
        yield path


def _in_a_view(names: Iterable[Path], table: Path) -> bool:
    """Whether a path leads through a published version of a table."""
    views = [view for folder in {table, table.resolve()} for view in (folder / name for name in _VIEWS)]
    return any(name.is_relative_to(view) for name in names for view in views)


def _mark(folder: Path) -> str:
    if not folder.is_dir():
        return ""
    if (folder / _VIEWS[0]).is_symlink() and (folder / "_delta_log").is_dir():
        return _OURS
    return next((what for mark, what in _MARKS.items() if next(folder.glob(mark), None) is not None), "")
