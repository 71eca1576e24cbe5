"""The files of one Spark event log: a single file, or a rolling folder with its parts in order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from dq.base.errors import UsageError

FOLDER = "eventlog_v2_"
IN_PROGRESS = ".inprogress"
COMPACTED = ".compact"
CODECS = ("zstd", "lz4", "snappy", "lzf", "gz")
_PART = re.compile(r"events_(?P<number>\d+)_(?P<app>.+)")
_HOW = "the folder eventlog_v2_... or the file that spark.eventLog.dir holds for the application"


@dataclass(frozen=True, kw_only=True)
class Part:
    """One file of a log and the codec its name tells; empty for plain text."""

    path: Path
    codec: str


@dataclass(frozen=True, kw_only=True)
class LogFiles:
    """A log as it lies there: its parts in order, whether it is still being written, and which parts are gone."""

    path: Path
    parts: tuple[Part, ...]
    in_progress: bool
    missing: tuple[int, ...] = ()


def find(path: Path) -> LogFiles:
    """The log at a path; a UsageError says what is wrong with one that is none."""
    if path.is_dir():
        return _rolling(path)
    if not path.is_file():
        raise UsageError(f"there is no event log {path}", where="EVENTLOG", expected=_HOW)
    return LogFiles(path=path, parts=(_part(path),), in_progress=path.name.endswith(IN_PROGRESS))


def logs_in(folder: Path) -> list[Path]:
    """The logs of a folder such as ``spark.eventLog.dir``, oldest first."""
    found = [entry for entry in folder.iterdir() if entry.name.startswith(FOLDER) and entry.is_dir()]
    found += [entry for entry in folder.iterdir() if entry.is_file() and _looks_single(entry)]
    return sorted(found, key=lambda entry: (entry.stat().st_mtime, entry.name))


def _looks_single(path: Path) -> bool:
    return re.match(r"(local|app|application|spark)-\w", path.name.replace("_", "-", 1)) is not None


def _part(path: Path) -> Part:
    name = path.name.removesuffix(IN_PROGRESS).removesuffix(COMPACTED)
    codec = name.rpartition(".")[2]
    return Part(path=path, codec=codec if codec in CODECS else "")


def _rolling(folder: Path) -> LogFiles:
    parts: dict[int, Path] = {}
    compacted = 0
    entries = sorted(folder.iterdir())
    for entry in entries:
        match = _PART.fullmatch(entry.name)
        if match is None or not entry.is_file():
            continue
        number = int(match["number"])
        if entry.name.endswith(COMPACTED):  # it stands for every part up to its number
            compacted = max(compacted, number)
            parts[number] = entry
        else:
            parts.setdefault(number, entry)
    numbers = [number for number in sorted(parts) if number >= compacted]
    if not numbers:
        held = logs_in(folder)
        listed = f"; it holds {len(held)} logs, the latest is {held[-1].name}" if held else ""
        raise UsageError(f"{folder} is not an event log{listed}", where="EVENTLOG", expected=_HOW)
    in_progress = any(e.name.startswith("appstatus") and e.name.endswith(IN_PROGRESS) for e in entries)
    return LogFiles(
        path=folder,
        parts=tuple(_part(parts[number]) for number in numbers),
        in_progress=in_progress,
        missing=tuple(sorted(set(range(compacted or 1, numbers[-1] + 1)) - set(numbers))),
    )
