"""Where the links of the runbooks lead, and which sections nothing leads to."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Mapping, Sequence

from dq.base.errors import Finding, choices
from dq.base.model import Check
from dq.runbooks.page import Link, Page
from dq.runbooks.places import follow
from dq.runbooks.tables import unled


def link_findings(page: Page, link: Link, pages: Mapping[str, Page], unread: Collection[str]) -> Iterator[Finding]:
    """A link leads to a file or heading of a page, to the README of the runbooks, or to an https or mail address."""
    if link.target.startswith(("https://", "mailto:")) or link.target == "../README.md":
        return
    piece = page.piece(link.line)
    anchor = link.target.removeprefix("#")
    if link.target.startswith("#") and piece is None:
        if page.section(anchor) is None:
            valid = choices(anchor, [section.anchor for section in page.sections if section.level <= 3])
            yield page.finding(link.line, "", f"no heading of {page.name} has the anchor #{anchor}; {valid}")
        return
    place = follow(link.target)
    target = pages.get(place.page or page.name) if place else None
    if place is not None and place.page in unread:
        return
    if place is None or target is None:
        valid = "SECTION.md, README.md#heading, ../PAGE/SECTION.md, https:// or mailto:"
        yield page.finding(link.line, "", f"the link {link.target} leads to no page here; write {valid}")
        return
    section = target.section(place.section)
    if place.section and section is None:
        valid = choices(place.section, [section.anchor for section in target.sections if section.level <= 3])
        yield page.finding(link.line, "", f"the link {link.target}: {target.name} has no {place.section}; {valid}")
        return
    beside = piece.file if piece else page.file
    wanted = posixpath.relpath(target.path_of(section), posixpath.dirname(beside))
    if piece is not None and piece.shared and posixpath.dirname(wanted):
        message = f"the link {link.target}: what is said for all pipelines links only to what stands beside it"
        yield page.finding(link.line, "", message)
    elif link.target.partition("#")[0] != wanted.partition("#")[0]:
        yield page.finding(link.line, "", f"the link {link.target} leads to no file; write {wanted}")


def nowhere_findings(pages: Collection[Page], checks: Sequence[Check]) -> Iterator[Finding]:
    """The sections of all pipelines to which no check of any pipeline leads."""
    led = set()
    for page in pages:
        apart = {way.anchor for way in unled(page, checks)}
        led |= {piece.file for piece in page.pieces if piece.shared and piece.anchor not in apart}
    for file in sorted({file for page in pages for file in page.of_all} - led):
        yield Finding(file, 1, "", "no check of any pipeline leads here; bind one or take the section out")
