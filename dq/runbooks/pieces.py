"""The files of a page put together: the index of its folder, its own sections, and those that are the same for all.

A section's file begins with its heading ``#`` and stands in the page two levels lower. In a section of all pipelines
an item ``- `page`: ...`` and a command that ends with ``# page`` stand on that page only. A file that says only where
its section is now keeps old links working. Every line of the page knows the file and line it comes from, so that a
mistake is told where it stands.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dq.base.errors import ConfigError, Finding, choices
from dq.base.failure_classes import PATTERN
from dq.runbooks.frontmatter import read_text
from dq.runbooks.places import ALL, INDEX
from dq.runbooks.slugs import slug
from dq.runbooks.values import left

DEEPER = 2
CLASS_LINE = re.compile(rf"Class:\s*({PATTERN})(?P<second>, \w[\w -]*)?\s*")
"""The class of a section; a second one of the same class says after it what it is about."""
_HEADING = re.compile(r"(?P<marks>#{1,4})(?P<title>\s+\S.*)")
_FENCE = re.compile(r"\s*(```+|~~~+)")
_NAME = r"[a-z][\w-]*"
_ITEM_OF_PAGES = re.compile(rf"- (?P<pages>`{_NAME}`(?:, `{_NAME}`)*): \S.*")
_COMMAND_OF_PAGES = re.compile(rf"(?P<command>(?:dq|make) .*\S) +# (?P<pages>{_NAME}(?:, {_NAME})*)")
# What a section of all pipelines gets on each page: the checks of that page's pipelines.
_CHECKS = ("", f"{'#' * DEEPER}## Checks", "", "<!-- checks:begin -->", "<!-- checks:end -->")


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A section's file within a page: the lines it takes there, from 1, and which of the file stand behind them.

    ``words`` are those in capitals of all commands of the file, also of those that stand on other pages only.
    """

    file: str
    anchor: str
    first: int
    last: int
    numbers: tuple[int, ...]
    words: tuple[str, ...]
    shared: bool

    def line(self, number: int) -> int:
        """The line of the file behind a line of the page; behind what is added at its end, the last one."""
        return self.numbers[min(number - self.first, len(self.numbers) - 1)]


@dataclass(frozen=True, kw_only=True)
class _Part:
    file: str
    anchor: str
    failure_class: str
    second: bool
    lines: tuple[str, ...]
    numbers: tuple[int, ...]
    words: tuple[str, ...]
    shared: bool


def put_together(folder: Path, shown: str) -> tuple[str, tuple[Piece, ...], tuple[str, ...]]:
    """The text of a page, its pieces, and the files of all pipelines, taken or not; ConfigError with every mistake.

    A section of the pipeline's own takes the place of the one of all with its name or its class.
    """
    beside = str(Path(shown).parent / ALL)
    findings: list[Finding] = []
    own = _parts(folder, shown, findings, shared=False, page=folder.name)
    of_all = _parts(folder.parent / ALL, beside, findings, shared=True, page=folder.name)
    taken = {part.anchor for part in own} | {part.failure_class for part in own if not part.second}
    left_out = {part.anchor for part in of_all if part.failure_class in taken and not part.second} | taken
    parts = [*own, *(part for part in of_all if part.anchor not in left_out)]
    lines = read_text(folder / f"{INDEX}.md", f"{shown}/{INDEX}.md").split("\n")
    if findings:
        raise ConfigError(findings)
    pieces = []
    for part in sorted(parts, key=lambda one: (not one.failure_class, one.failure_class, one.second, one.anchor)):
        if lines[-1]:
            lines.append("")
        pieces.append(
            Piece(
                file=part.file,
                anchor=part.anchor,
                first=len(lines) + 1,
                last=len(lines) + len(part.lines),
                numbers=part.numbers,
                words=part.words,
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


def _parts(folder: Path, shown: str, findings: list[Finding], *, shared: bool, page: str) -> list[_Part]:
    found = []
    pages = sorted({path.parent.name for path in folder.parent.glob(f"*/{INDEX}.md")} - {ALL})
    for path in sorted(folder.glob("*.md")):
        if path.stem == INDEX:
            continue
        file = f"{shown}/{path.name}"
        try:
            text = read_text(path, file)
        except ConfigError as error:
            findings += error.findings
            continue
        lines = text.split("\n")
        kept = [*_of_page(lines, page)] if shared else [*enumerate(lines, start=1)]
        part = _part(path.stem, file, kept, shared=shared)
        if isinstance(part, Finding):
            findings.append(part)
        else:
            commands = (line for line in lines if line.startswith(("dq ", "make ")))
            found.append(replace(part, words=tuple(left(commands))))
        findings += _unknown_pages(file, lines, pages) if shared else ()
    return found


def _of_page(lines: Sequence[str], page: str) -> Iterator[tuple[int, str]]:
    """The lines of a section of all pipelines, with their numbers, without the items and commands of other pages."""
    inside, blank = True, False
    for number, line in enumerate(lines, start=1):
        only = _pages_of(line)
        if _ITEM_OF_PAGES.fullmatch(line) or not line.startswith("  "):
            inside = not only or page in only
        if inside and not (blank and not line.strip()):
            command = _COMMAND_OF_PAGES.fullmatch(line)
            yield number, command["command"] if command else line
            blank = not line.strip()


def _pages_of(line: str) -> list[str]:
    """The pages on which an item or a command of all pipelines stands; none where it stands on each."""
    match = _ITEM_OF_PAGES.fullmatch(line) or _COMMAND_OF_PAGES.fullmatch(line)
    return match["pages"].replace("`", "").split(", ") if match else []


def _unknown_pages(file: str, lines: Sequence[str], pages: Collection[str]) -> Iterator[Finding]:
    for number, line in enumerate(lines, start=1):
        for name in _pages_of(line):
            if name not in pages:
                message = f"this line stands on the page {name} only, which is not there"
                yield Finding(file, number, "", f"{message}; {choices(name, [*pages])}")


def _part(stem: str, file: str, numbered: Sequence[tuple[int, str]], *, shared: bool) -> _Part | Finding:
    lines = [line for _, line in numbered]
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
        second=bool(declared and declared["second"]),
        lines=(*deeper, *(_CHECKS if shared and declared else ()), ""),
        numbers=tuple(number for number, _ in numbered[: len(deeper)]),
        words=(),
        shared=shared,
    )
