"""A runbook page: front matter, headings with anchors, sections, links, commands, from the files of its folder."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from dq.base import yamlfile
from dq.base.errors import ConfigError, Finding
from dq.runbooks.frontmatter import FrontMatter, parse_head, read_head, read_text
from dq.runbooks.pieces import CLASS_LINE, Piece, put_together, without
from dq.runbooks.places import ALL, FOLDER, INDEX, Place
from dq.runbooks.slugs import Slugger


@dataclass(frozen=True, kw_only=True)
class Section:
    """A heading and what stands under it up to the next heading of its level or above.

    ``start`` is the heading's line in the file and ``end`` the last line of the section, from 1. ``failure_class`` is
    set where the line under the heading declares one, ``second`` where only checks that name the section lead to it;
    ``parts`` are the headings one level below.
    """

    level: int
    title: str
    anchor: str
    start: int
    end: int
    failure_class: str = ""
    second: bool = False
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Command:
    """One command line of a fenced ``sh`` block, continuation lines joined, at its line in the file."""

    text: str
    line: int


@dataclass(frozen=True, kw_only=True)
class Link:
    """The target of a link or image, at the line of the paragraph it stands in."""

    target: str
    line: int


@dataclass(frozen=True, kw_only=True)
class Page:
    """A parsed runbook page; ``name`` is its folder, ``text`` all of it, ``offset`` the lines of its head.

    ``file`` is its index, ``pieces`` are the sections that stand in files of their own, ``of_all`` the files of the
    sections of all pipelines, also of those that this page has in a version of its own.
    """

    name: str
    file: str
    text: str
    offset: int
    front: FrontMatter
    document: yamlfile.Document
    sections: tuple[Section, ...]
    tokens: Sequence[Token]
    pieces: tuple[Piece, ...] = ()
    of_all: tuple[str, ...] = ()

    def piece(self, line: int) -> Piece | None:
        """The file of its own in which a line of the page stands; None of the index."""
        return next((piece for piece in self.pieces if piece.first <= line <= piece.last), None)

    def finding(self, line: int, key: str, message: str) -> Finding:
        """A mistake at a line of the page, told at the file and line where that stands."""
        piece = self.piece(line)
        return Finding(piece.file, piece.line(line), key, message) if piece else Finding(self.file, line, key, message)

    def path_of(self, section: Section | None) -> str:
        """Where a section, or the page, is in the repository."""
        piece = self.piece(section.start) if section else None
        return piece.file if piece else self.file + (f"#{section.anchor}" if section else "")

    def place(self, section: Section | None) -> Place:
        """The same as records and the docs site name it."""
        return Place(page=self.name, section=section.anchor if section else "")

    def without(self, left_out: Collection[Piece]) -> Page:
        """The page without some of the sections of all pipelines."""
        if not left_out:
            return self
        text, pieces = without(self.text, self.pieces, left_out)
        return parse_page(text, name=self.name, file=self.file, pieces=pieces, of_all=self.of_all)

    @cached_property
    def _by_anchor(self) -> Mapping[str, Section]:
        return {section.anchor: section for section in self.sections}

    def section(self, anchor: str) -> Section | None:
        """The section a link with this anchor lands on."""
        return self._by_anchor.get(anchor)

    @cached_property
    def ways(self) -> Sequence[Section]:
        """The sections about a way of failing, in the order of the page."""
        return [section for section in self.sections if section.failure_class]

    @property
    def anchors(self) -> list[str]:
        """The anchors a check can lead to: those of the ways of failing."""
        return [way.anchor for way in self.ways]

    def section_for_class(self, failure_class: str) -> Section | None:
        """The section of a way of failing such as ``F11``, for all that names the class alone."""
        return next((way for way in self.ways if way.failure_class == failure_class and not way.second), None)

    def anchor_for_class(self, failure_class: str) -> str | None:
        """The anchor of the section of a way of failing."""
        way = self.section_for_class(failure_class)
        return way.anchor if way else None

    def class_of(self, anchor: str) -> str | None:
        """The way of failing a section is about; None for other sections and anchors that are not there."""
        section = self.section(anchor)
        return section.failure_class or None if section else None

    @property
    def title(self) -> str:
        """The page's heading of the first level, or the pipeline's name where there is none."""
        return next((s.title for s in self.sections if s.level == 1), self.front.pipeline)

    @property
    def body(self) -> str:
        """The Markdown after the front matter."""
        return "\n".join(self.text.split("\n")[self.offset :])

    def lines(self, section: Section) -> list[str]:
        """The lines of a section without its heading."""
        return self.text.split("\n")[section.start : section.end]

    def commands(self, within: Section | None = None) -> Iterator[Command]:
        """Every command line in the fenced ``sh`` blocks of the page or of one section; comment lines are none."""
        for token in self.tokens:
            if token.type != "fence" or token.info.strip() != "sh" or token.map is None:
                continue
            first = self.offset + token.map[0] + 2  # the line after the opening fence
            if within is None or within.start < first <= within.end:
                yield from _commands(token.content, first)

    def links(self) -> Iterator[Link]:
        """Every link and image of the page."""
        for token in self.tokens:
            line = self.offset + token.map[0] + 1 if token.map else 0
            for child in token.children or ():
                target = child.attrGet("href" if child.type == "link_open" else "src")
                if child.type in ("link_open", "image") and target is not None:
                    yield Link(target=str(target), line=line)


def _commands(content: str, first: int) -> Iterator[Command]:
    joined, start = "", first
    for number, line in enumerate(content.split("\n"), start=first):
        if not joined:
            start = number
        text = line.strip()
        if text.endswith("\\"):
            joined += text[:-1]
            continue
        text, joined = joined + text, ""
        if text and not text.startswith("#"):
            yield Command(text=text, line=start)


def markdown() -> MarkdownIt:
    """The one Markdown dialect of the pages: CommonMark with tables, raw HTML shown as text."""
    return MarkdownIt("commonmark", {"html": False}).enable("table")


def load_page(folder: Path, *, shown: str | None = None) -> Page:
    """The page in a folder, or a ConfigError with every mistake of its head and form."""
    where = shown or f"{FOLDER}/{folder.name}"
    text, pieces, of_all = put_together(folder, where)
    return parse_page(text, name=folder.name, file=f"{where}/{INDEX}.md", pieces=pieces, of_all=of_all)


def load_head(folder: Path, *, shown: str) -> yamlfile.Document:
    """The data of a page's head, whatever is wrong with it, or a ConfigError where it cannot be read as such."""
    file = f"{shown}/{INDEX}.md"
    return parse_head(read_text(folder / f"{INDEX}.md", file), file)[0]


def page_names(folder: Path) -> list[str]:
    """The pages in the folder of the runbooks: the folders with an index, without what is the same for all."""
    return sorted(path.parent.name for path in folder.glob(f"*/{INDEX}.md") if path.parent.name != ALL)


def load_pages(folder: Path) -> dict[str, Page]:
    """Every runbook page by the name of its folder, or a ConfigError with all mistakes."""
    pages: dict[str, Page] = {}
    findings: list[Finding] = []
    for name in page_names(folder):
        try:
            pages[name] = load_page(folder / name)
        except ConfigError as error:
            findings += error.findings
    if findings:
        raise ConfigError(sorted(set(findings)))
    return pages


# The pages are most of what reading the declared files takes, and they seldom change between two readings.
@lru_cache(maxsize=64)
def parse_page(
    text: str, *, name: str, file: str, pieces: tuple[Piece, ...] = (), of_all: tuple[str, ...] = ()
) -> Page:
    """The page in a text; ``file`` is its name in errors, ``pieces`` are the files it was put together of."""
    front, document, offset = read_head(text, file)
    lines = text.split("\n")
    findings = [document.finding(key, message) for key, message in front.mistakes()]
    misplaced = []
    tokens = markdown().parse("\n".join(lines[offset:]))
    sections = tuple(_sections(tokens, lines, offset))
    declared = {_class_line(lines, section.start) for section in sections if section.failure_class}
    for number, line in _prose(tokens, lines, offset):
        if CLASS_LINE.fullmatch(line) and number not in declared:
            misplaced.append(number)
    page = Page(
        name=name,
        file=file,
        text=text,
        offset=offset,
        front=front,
        document=document,
        sections=sections,
        tokens=tokens,
        pieces=pieces,
        of_all=of_all,
    )
    message = "a Class line stands directly under the heading of a section, and once"
    findings += [page.finding(number, "", message) for number in misplaced]
    if findings:
        raise ConfigError(findings)
    return page


def _prose(tokens: Sequence[Token], lines: Sequence[str], offset: int) -> Iterator[tuple[int, str]]:
    """The lines of paragraphs, with their number in the file; what stands in code is an example."""
    for token in tokens:
        if token.type == "paragraph_open" and token.map:
            for number in range(offset + token.map[0] + 1, offset + token.map[1] + 1):
                yield number, lines[number - 1]


def heading_text(inline: Token) -> str:
    """The text of a heading as a reader sees it, without marks of emphasis, code and links."""
    return "".join(
        child.content if child.type in ("text", "code_inline") else " " if child.type == "softbreak" else ""
        for child in inline.children or ()
    )


def _class_line(lines: Sequence[str], heading: int) -> int:
    """The number of the first line with text under a heading; 0 where there is none."""
    return next((n for n in range(heading + 1, len(lines) + 1) if lines[n - 1].strip()), 0)


def _sections(tokens: Sequence[Token], lines: Sequence[str], offset: int) -> Iterator[Section]:
    slugger = Slugger()
    heads = [
        (int(token.tag[1:]), heading_text(tokens[n + 1]), offset + token.map[0] + 1)
        for n, token in enumerate(tokens)
        if token.type == "heading_open" and token.map
    ]
    for n, (level, title, start) in enumerate(heads):
        following = next((m for m in range(n + 1, len(heads)) if heads[m][0] <= level), len(heads))
        end = heads[following][2] - 1 if following < len(heads) else len(lines)
        number = _class_line(lines, start)
        match = CLASS_LINE.fullmatch(lines[number - 1]) if number and level in (2, 3) else None
        yield Section(
            level=level,
            title=title,
            anchor=slugger.next(title),
            start=start,
            end=end,
            failure_class=match[1] if match else "",
            second=bool(match and match["second"]),
            parts=tuple(title for below, title, _ in heads[n + 1 : following] if below == level + 1),
        )
