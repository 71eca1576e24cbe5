"""Listing files by a path pattern: deterministic, without links, and never past what was asked for."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from dq.base.errors import SourceError
from dq.base.model import PinnedFile
from dq.sources.config import MONTH
from dq.sources.live_tables import refuse_tables
from dq.sources.windows import Months
from dq.spark.named_files import openable

_PATTERN = re.compile(r"[*?\[]")


def matching(root: Path, pattern: str, months: Months) -> list[tuple[PinnedFile, str]]:
    """The files below every file or folder that matches a pattern, by path, with the month of its ``{month}``.

    ``*`` and ``?`` match within one name. Names that begin with ``_`` or ``.`` are left out as Spark leaves them out.
    """
    places: list[tuple[Path, str]] = [(root, "")]
    for segment in pattern.split("/"):
        places = [place for path, month in places for place in _step(path, month, segment, months)]
    found = [(_pinned(path), month) for place, month in places for path in _files(place)]
    refuse_tables(place for place, _ in places)
    refuse_tables(Path(file.path) for file, _ in found)
    return sorted(found, key=lambda item: item[0].path)


def below(place: Path) -> list[PinnedFile]:
    """The files of a folder or pattern that a person names, or the file itself, by path; links to folders are followed.

    A name that is there is meant itself, whatever characters it has.
    """
    base, pattern = split_pattern(place)
    places = [path for path in base.glob(pattern) if not _hidden(path.name)] if pattern else [place]
    found = {path: None for one in places for path in _files(one, follow=(one.resolve(),))}
    refuse_tables([*places, *found])
    return sorted((_pinned(path) for path in found), key=lambda file: file.path)


def split_pattern(place: Path) -> tuple[Path, str]:
    """The folder above the first name with ``*``, ``?`` or ``[`` in it, and the pattern below; a place as it is."""
    if place.exists() or not _PATTERN.search(str(place)):
        return place, ""
    parts = place.parts
    first = next(number for number, part in enumerate(parts) if _PATTERN.search(part))
    return Path(*parts[:first]), str(Path(*parts[first:]))


def levels(path: str | Path, base: str | Path) -> dict[str, str]:
    """The folders between a base and a file that are named like ``region=eu``, as name and value."""
    folders = Path(os.path.relpath(path, base)).parts[:-1]
    return {name: value for name, mark, value in (folder.partition("=") for folder in folders) if mark}


def _step(path: Path, month: str, segment: str, months: Months) -> Iterator[tuple[Path, str]]:
    if MONTH not in segment and "*" not in segment and "?" not in segment:
        place = path / segment
        if place.exists():
            yield place, month
        return
    if not path.is_dir():
        return
    names = re.compile(_regex(segment))
    for name in sorted(entry.name for entry in path.iterdir()):
        match = names.fullmatch(name)
        if match is None or _hidden(name):
            continue
        found = match.groupdict().get("month") or month
        if MONTH in segment and (found not in months or (month and month != found)):
            continue
        yield path / name, found


def _regex(segment: str) -> str:
    text = re.escape(segment).replace(r"\*", ".*").replace(r"\?", ".")
    escaped = re.escape(MONTH)
    return text.replace(escaped, r"(?P<month>\d{4}-\d{2})", 1).replace(escaped, "(?P=month)")


def _hidden(name: str) -> bool:
    return name.startswith(".") or (name.startswith("_") and "=" not in name) or name.endswith("._COPYING_")


def _files(place: Path, follow: tuple[Path, ...] = ()) -> Iterator[Path]:
    """The files below a place; ``follow`` are the folders above it where links to folders are followed."""
    if not place.is_dir():
        yield place
        return
    with os.scandir(place) as entries:
        ordered = sorted(entries, key=lambda entry: entry.name)
    for entry in ordered:
        if _hidden(entry.name):
            continue
        inside = (*follow, Path(entry.path).resolve()) if follow and entry.is_dir() else ()
        if len(set(inside)) < len(inside):
            raise SourceError(f"{entry.path} is a link to a folder it lies in", do="remove the link")
        if entry.is_symlink() and entry.is_dir() and not follow:
            # Not followed, because it may lead in a circle or out of the root; not skipped, because rows would be lost.
            raise SourceError(f"{entry.path} is a link to a folder", do="move the files below the root")
        if entry.is_dir():
            yield from _files(Path(entry.path), inside)
        else:
            yield Path(entry.path)


def _pinned(path: Path) -> PinnedFile:
    try:
        status = path.stat()
    except FileNotFoundError as error:
        raise SourceError(f"the file {path} is a link to nothing, or vanished while it was listed") from error
    if not stat.S_ISREG(status.st_mode):
        raise SourceError(f"{path} cannot be pinned: it is a stream or device", expected="a regular file")
    return PinnedFile(path=str(openable(path)), size=status.st_size, modified_ns=status.st_mtime_ns)
