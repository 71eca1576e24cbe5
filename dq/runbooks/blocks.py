"""The generated parts of a page: what follows from front matter, roster and checks is written by us, never by hand.

A block stands between ``<!-- name:begin -->`` and ``<!-- name:end -->``; ``dq lint`` tells when one is out of date and
``dq lint --fix`` writes it.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dq.base import private
from dq.base.errors import ConfigError, DqError, Finding
from dq.base.model import Check
from dq.people.roster import Roster
from dq.runbooks.page import Page, load_page
from dq.runbooks.places import INDEX
from dq.runbooks.tables import WRITERS, BlockFacts

MARKER = re.compile(r"<!-- ([a-z]+):(begin|end) -->\s*")


@dataclass(frozen=True, kw_only=True)
class Block:
    """One generated block of a page: the lines of its two markers, from 1."""

    name: str
    begin: int
    end: int


def blocks(page: Page) -> list[Block]:
    """The generated blocks of a page in order, or a ConfigError where markers do not pair or name no block."""
    found: list[Block] = []
    findings: list[Finding] = []
    begin: tuple[str, int] | None = None
    for number, line in enumerate(page.text.split("\n"), start=1):
        match = MARKER.fullmatch(line)
        if not match:
            continue
        name, side = match.groups()
        if begin is not None and page.piece(begin[1]) is not page.piece(number):
            findings.append(page.finding(begin[1], "", f"the marker {begin[0]}:begin has no partner"))
            begin = None
        if name not in WRITERS:
            findings.append(page.finding(number, "", f"no block {name}; valid: {', '.join(sorted(WRITERS))}"))
        elif side == "begin" and begin is None:
            begin = (name, number)
        elif side == "end" and begin is not None and begin[0] == name:
            found.append(Block(name=name, begin=begin[1], end=number))
            begin = None
        else:
            findings.append(page.finding(number, "", f"the marker {name}:{side} has no partner"))
    if begin is not None:
        findings.append(page.finding(begin[1], "", f"the marker {begin[0]}:begin has no partner"))
    if findings:
        raise ConfigError(findings)
    return found


def expected(page: Page, block: Block, checks: Sequence[Check], roster: Roster, *, in_file: bool = False) -> list[str]:
    """The lines that belong between the markers of a block; Markdown wants them set off by empty lines.

    ``in_file`` asks for those of the file, which in a section of all pipelines are of every page.
    """
    facts = BlockFacts(page=page, line=block.begin, checks=checks, roster=roster, in_file=in_file)
    return ["", *WRITERS[block.name](facts), ""]


def stale(page: Page, checks: Sequence[Check], roster: Roster) -> list[Block]:
    """The blocks in files whose lines are not what they would be if written now."""
    lines = page.text.split("\n")
    return [
        block
        for block in blocks(page)
        if _in_a_file(page, block)
        and lines[block.begin : block.end - 1] != expected(page, block, checks, roster, in_file=True)
    ]


def _in_a_file(page: Page, block: Block) -> bool:
    """Whether a block stands in a file: the checks of a section of all pipelines are added when a page is read."""
    piece = page.piece(block.begin)
    return piece is None or block.begin - piece.first < len(piece.numbers)


def render_blocks(page: Page, checks: Sequence[Check], roster: Roster) -> str:
    """The page's text with every block written anew."""
    lines = page.text.split("\n")
    for block in reversed(blocks(page)):
        lines[block.begin : block.end - 1] = expected(page, block, checks, roster)
    return "\n".join(lines)


def write_checks(folder: Path, checks: Sequence[Check], roster: Roster) -> list[Path]:
    """Writes the blocks in the files of a page anew; the files that changed."""
    page = load_page(folder)
    late: dict[Path, list[tuple[int, int, list[str]]]] = defaultdict(list)
    for block in reversed(stale(page, checks, roster)):
        piece, path, begin, end = page.piece(block.begin), folder / f"{INDEX}.md", block.begin, block.end
        if piece is not None:
            path = folder.parent.joinpath(*Path(piece.file).parts[-2:])
            begin, end = piece.line(begin), piece.line(end)
        late[path].append((begin, end - 1, expected(page, block, checks, roster, in_file=True)))
    for path, changes in late.items():
        lines = path.read_text(encoding="utf-8").split("\n")
        for begin, end, wanted in changes:
            lines[begin:end] = wanted
        write_atomically(path, "\n".join(lines))
    return sorted(late)


def write_atomically(path: Path, text: str) -> None:
    """Writes a file so that a reader sees the old or the new text, never a part."""
    try:
        private.make_folder(path.parent)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                os.fchmod(
                    file.fileno(), path.stat().st_mode & 0o777 if path.exists() else private.modes(path.parent)[0]
                )
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise DqError(
            f"cannot be written: {error.strerror}", where=str(path), do="free the place or the rights"
        ) from error


def without_markers(text: str) -> str:
    """A text without the markers of its blocks, as a reader is shown it."""
    return "\n".join(line for line in text.split("\n") if not MARKER.fullmatch(line))
