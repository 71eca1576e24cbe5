"""The README, CONTRIBUTING and the pages of docs/ as tests read them: prose, code blocks, headings and links."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import yaml
from markdown_it import MarkdownIt

from dq.runbooks.slugs import Slugger

ROOT = Path(__file__).resolve().parents[1]
NAMES = ["README.md", "CONTRIBUTING.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
_MARKDOWN = MarkdownIt("commonmark").enable("table")


@dataclass(frozen=True)
class Block:
    """A code block of a page; ``file`` is what its first line names where that is ``# FILE``."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def file(self) -> str:
        first = self.text.partition("\n")[0]
        named = first.removeprefix("# ")
        return named if first.startswith("# ") and " " not in named and "." in named else ""

    @property
    def commands(self) -> list[str]:
        """The command lines of a shell block, each with what it continues on."""
        return [line for line in self.text.replace("\\\n", " ").splitlines() if line.strip()]


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(name: str) -> list[Block]:
    tokens = _MARKDOWN.parse(text(name))
    fences = [token for token in tokens if token.type in ("fence", "code_block")]
    return [Block(name, token.map[0] + 1, token.info, token.content) for token in fences if token.map]


def prose(name: str) -> Iterator[tuple[int, str]]:
    """The lines of a page with their numbers, without tables and code."""
    tokens = _MARKDOWN.parse(text(name))
    spans = [token.map for token in tokens if token.type in ("fence", "code_block", "table_open") and token.map]
    left_out = {number for start, end in spans for number in range(start, end)}
    for number, line in enumerate(text(name).splitlines()):
        if number not in left_out:
            yield number + 1, line


def links(name: str) -> Iterator[tuple[int, str]]:
    """Where a page leads to, pictures included."""
    for token in _MARKDOWN.parse(text(name)):
        for child in token.children or ():
            target = child.attrGet("href") or child.attrGet("src")
            if target:
                yield (token.map or [0])[0] + 1, str(target)


def anchors(name: str) -> set[str]:
    tokens, slugger = _MARKDOWN.parse(text(name)), Slugger()
    headings = [after for token, after in pairwise(tokens) if token.type == "heading_open"]
    return {slugger.next("".join(child.content for child in heading.children or ())) for heading in headings}


def place(block: Block, home: Path) -> Path:
    """Do to a copied project what the reader of a block is to do with it: write the file, or add to it."""
    path = home / block.file
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_file() and block.language == "yaml":
        known, said = (yaml.safe_load(given) for given in (path.read_text(encoding="utf-8"), block.text))
        path.write_text(yaml.safe_dump(_merged(known, said), sort_keys=False, allow_unicode=True), encoding="utf-8")
    else:
        path.write_text(block.text, encoding="utf-8")
    return path


def _merged(known: object, said: object) -> object:
    """What is known with what is said: keys are added, entries of a list too, and one of the same check is replaced."""
    if isinstance(known, dict) and isinstance(said, dict):
        return known | {key: _merged(known[key], value) if key in known else value for key, value in said.items()}
    if isinstance(known, list) and isinstance(said, list):
        ids = {one["check"] for one in said if isinstance(one, dict) and "check" in one}
        return [one for one in known if not (isinstance(one, dict) and one.get("check") in ids)] + said
    return said


def project(home: Path) -> Path:
    """A copy of the project's declared files and of what commands of a page read beside them."""
    for folder in ("jobs", "expectations", "runbooks", "spark-conf", "demo"):
        shutil.copytree(ROOT / folder, home / folder)
    shutil.copy(ROOT / "Makefile", home / "Makefile")
    return home


class Parsed(HTMLParser):
    """The tags, ids and links of a document, and every attribute that could run something."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.handlers: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in ("href", "src"):
                self.links.append(value or "")
            if name.startswith("on") or name in ("style", "srcdoc", "action"):
                self.handlers.append(name)

    def handle_data(self, data: str) -> None:
        self.text += data
