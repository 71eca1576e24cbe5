"""Runbook pages as HTML: the same headings and anchors as on GitHub, readable offline, nothing in them is executed."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

from markdown_it.token import Token

from dq.base.model import Check
from dq.people.roster import Roster
from dq.runbooks.blocks import render_blocks, without_markers, write_atomically
from dq.runbooks.page import Page, heading_text, markdown, parse_page
from dq.runbooks.pieces import CLASS_LINE
from dq.runbooks.places import FOLDER, follow, moved
from dq.runbooks.slugs import Slugger
from dq.runbooks.tables import unled

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_HERE = re.compile(r"#|(?:\.\.?/)*[A-Za-z0-9_]")
_PAGE = Template("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" \
content="default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>$title - runbook</title>
<style>
$style</style>
</head>
<body>
<header><a href="../index.html">All runs</a> <span>$description</span></header>
<nav aria-label="Contents">
$contents</nav>
<main>
$body</main>
</body>
</html>
""")


def render_page(page: Page, checks: Sequence[Check], roster: Roster, *, of_several: bool = False) -> str:
    """The page as one HTML document that needs nothing else, its generated tables as they are now.

    Sections of all pipelines that no check of this page leads to are left out; the others name the page's pipeline,
    unless it is the page of several.
    """
    page = _of_its_own(page, checks, "" if of_several else page.front.pipeline)
    text = "\n".join(render_blocks(page, checks, roster).split("\n")[page.offset :])
    md = markdown()
    md.validateLink = _is_safe  # type: ignore[method-assign]  # markdown-it's way to say which links are links
    tokens = md.parse(without_markers(text))
    slugger = Slugger()
    headings: list[tuple[int, str, str]] = []
    for n, token in enumerate(tokens):
        if token.type == "heading_open":
            title = heading_text(tokens[n + 1])
            anchor = slugger.next(title)
            token.attrSet("id", anchor)
            if not moved(_under(tokens, n)):
                headings.append((int(token.tag[1:]), title, anchor))
        for child in token.children or ():
            if child.type == "link_open":
                child.attrSet("href", _site_link(str(child.attrGet("href"))))
    _mark_classes(tokens)
    return _PAGE.substitute(
        title=escape(page.title),
        style=files("dq.runbooks").joinpath("runbook.css").read_text(encoding="utf-8"),
        description=escape(page.front.description),
        contents="".join(_contents(headings)),
        body=md.renderer.render([*_sectioned(tokens)], md.options, {}),
    )


def _of_its_own(page: Page, checks: Sequence[Check], pipeline: str) -> Page:
    apart = {way.anchor for way in unled(page, checks)}
    page = page.without([piece for piece in page.pieces if piece.shared and piece.anchor in apart])
    text = re.sub(r"\bPIPELINE\b", pipeline, page.text) if pipeline else page.text
    return parse_page(text, name=page.name, file=page.file, pieces=page.pieces, of_all=page.of_all)


def write_runbooks(
    site: Path, pages: Mapping[str, Page], checks: Sequence[Check], roster: Roster, of_several: Collection[str] = ()
) -> list[Path]:
    """Writes every page to ``runbooks/<page>.html`` of a site, each atomically; the paths written.

    ``of_several`` are the pages that more than one pipeline stands on.
    """
    written = []
    for page in pages.values():
        path = site / FOLDER / f"{page.name}.html"
        write_atomically(path, render_page(page, checks, roster, of_several=page.name in of_several))
        written.append(path)
    return written


def _is_safe(url: str) -> bool:
    """Whether a link may be one: a place on this site, or an address that is https or mail."""
    scheme = _SCHEME.match(url)
    return bool(_HERE.match(url)) if scheme is None else scheme[0].lower() in ("https:", "mailto:")


def _site_link(url: str) -> str:
    """A link between the files of the runbooks, as the site names them: each page is one document there."""
    place = None if _SCHEME.match(url) else follow(url)
    if place is None:
        return url
    if not place.page:
        return f"#{place.section}"
    return place.link.removeprefix(f"{FOLDER}/")


def _under(tokens: Sequence[Token], heading: int) -> list[str]:
    """The lines of the paragraph that follows a heading directly."""
    after = tokens[heading + 3 : heading + 5]
    return after[1].content.split("\n") if after and after[0].type == "paragraph_open" else []


def _mark_classes(tokens: Sequence[Token]) -> None:
    """Gives the line that declares a class of failing its own look."""
    for n, token in enumerate(tokens):
        if token.type == "paragraph_open" and CLASS_LINE.fullmatch(tokens[n + 1].content):
            token.attrSet("class", "failure-class")


def _sectioned(tokens: Sequence[Token]) -> Iterator[Token]:
    """The tokens with a section around each heading of level two and three and what stands under it."""
    open_levels: list[int] = []
    for token in tokens:
        level = int(token.tag[1:]) if token.type == "heading_open" and token.level == 0 else 0
        if level in (1, 2, 3):
            while open_levels and open_levels[-1] >= level:
                open_levels.pop()
                yield Token("section_close", "section", -1, block=True)
            if level > 1:
                open_levels.append(level)
                yield Token("section_open", "section", 1, block=True)
        yield token
    for _ in open_levels:
        yield Token("section_close", "section", -1, block=True)


def _contents(headings: Sequence[tuple[int, str, str]]) -> Iterator[str]:
    """The list of contents: parts, and under them the ways of failing."""
    for level, title, anchor in headings:
        if level in (2, 3):
            yield f'<a class="level-{level}" href="#{escape(anchor)}">{escape(title)}</a>\n'
