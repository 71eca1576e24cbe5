"""The files of a page put together: the index of its folder, its own sections, and those that are the same for all.

A section's file begins with its heading ``#`` and stands in the page two levels lower. Every line of the page knows
the file and line it comes from, so that a mistake is told where it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from dq.base.errors import ConfigError, Finding
from dq.base.failure_classes import PATTERN
from dq.runbooks.frontmatter import read_text
from dq.runbooks.places import ALL, INDEX
from dq.runbooks.slugs import slug

DEEPER = 2
CLASS_LINE = re.compile(rf"Class:\s*({PATTERN})\s*")
_HEADING = re.compile(r"(?P<marks>#{1,4})(?P<title>\s+\S.*)")
_FENCE = re.compile(r"\s*(```+|~~~+)")
# What a section of all pipelines gets on each page: the checks of that page's pipelines.
_CHECKS = ("", f"{'#' * DEEPER}## Checks", "", "<!-- checks:begin -->", "<!-- checks:end -->")


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A section's file within a page: the lines it takes there, from 1, and how many of them are its own."""

    file: str
    anchor: str
    first: int
    last: int
    own: int
    shared: bool

    def line(self, number: int) -> int:
        """The line of the file behind a line of the page."""
        return min(number - self.first + 1, self.own)


@dataclass(frozen=True, kw_only=True)
class _Part:
    file: str
    anchor: str
    failure_class: str
    lines: tuple[str, ...]
    own: int
    shared: bool


def put_together(folder: Path, shown: str) -> tuple[str, tuple[Piece, ...], tuple[str, ...]]:
    """The text of a page, its pieces, and the files of all pipelines, taken or not; ConfigError with every mistake.

    A section of the pipeline's own takes the place of the one of all with its name or its class.
    """
    beside = str(Path(shown).parent / ALL)
    findings: list[Finding] = []
    own = _parts(folder, shown, findings, shared=False)
    of_all = _parts(folder.parent / ALL, beside, findings, shared=True)
    taken = {part.anchor for part in own} | {part.failure_class for part in own}
    parts = [*own, *(part for part in of_all if part.anchor not in taken and part.failure_class not in taken)]
    lines = read_text(folder / f"{INDEX}.md", f"{shown}/{INDEX}.md").split("\n")
    if findings:
        raise ConfigError(findings)
    pieces = []
    for part in sorted(parts, key=lambda one: (one.failure_class, one.anchor)):
        if lines[-1]:
            lines.append("")
        pieces.append(
            Piece(
                file=part.file,
                anchor=part.anchor,
                first=len(lines) + 1,
                last=len(lines) + len(part.lines),
                own=part.own,
                shared=part.shared,
            )
        )
        lines += part.lines
    return "\n".join(lines), tuple(pieces), tuple(part.file for part in of_all)


def without(text: str, pieces: Iterable[Piece], left_out: Iterable[Piece]) -> tuple[str, tuple[Piece, ...]]:
    """The text and the pieces of a page without some of them."""
    lines, kept = text.split("\n"), []
    gone = {piece.file for piece in left_out}
    dropped = 0
    for piece in sorted(pieces, key=lambda one: one.first):
        if piece.file in gone:
            size = piece.last - piece.first + 1
            del lines[piece.first - 1 - dropped : piece.last - dropped]
            dropped += size
        else:
            kept.append(replace(piece, first=piece.first - dropped, last=piece.last - dropped))
    return "\n".join(lines), tuple(kept)


def _parts(folder: Path, shown: str, findings: list[Finding], *, shared: bool) -> list[_Part]:
    found = []
    for path in sorted(folder.glob("*.md")):
        if path.stem == INDEX:
            continue
        file = f"{shown}/{path.name}"
        try:
            text = read_text(path, file)
        except ConfigError as error:
            findings += error.findings
            continue
        part = _part(path.stem, file, text.split("\n"), shared=shared)
        if isinstance(part, Finding):
            findings.append(part)
        else:
            found.append(part)
    return found


def _part(stem: str, file: str, lines: list[str], *, shared: bool) -> _Part | Finding:
    heading = _HEADING.fullmatch(lines[0].rstrip())
    if heading is None or heading["marks"] != "#":
        return Finding(file, 1, "", "a section begins with its heading: # and its name")
    if slug(heading["title"].strip()) != stem:
        wanted = slug(heading["title"].strip())
        return Finding(file, 1, "", f"its heading makes the name {wanted}.md; rename the file or change the heading")
    fence, deeper = "", []
    for line in lines:
        if mark := _FENCE.match(line):
            fence = "" if fence and line.strip().startswith(fence) else fence or mark[1]
        match = None if fence else _HEADING.fullmatch(line.rstrip("\r"))
        deeper.append("#" * DEEPER + line if match else line)
    while deeper and not deeper[-1].strip():
        deeper.pop()
    first = next((line for line in deeper[1:] if line.strip()), "")
    declared = CLASS_LINE.fullmatch(first)
    return _Part(
        file=file,
        anchor=stem,
        failure_class=declared[1] if declared else "",
        lines=(*deeper, *(_CHECKS if shared else ()), ""),
        own=len(deeper),
        shared=shared,
    )
