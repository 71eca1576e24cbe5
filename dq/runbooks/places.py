"""Where a runbook section is: the one place that knows how a reference, a file and a link of the docs site are built.

A reference is ``<page>/<section>.md`` below ``runbooks/``, with the page of the pipeline even where the text stands
once for all in ``all/``. Records of before hold ``<page>.md#<section>``; both are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

from dq.base.model import CheckResult, Guidance

FOLDER = "runbooks"
ALL = "all"
"""The folder of the sections that are the same for all pipelines."""
INDEX = "README"
"""The stem of the page that a folder opens with."""
_NAME = r"[\w-][\w.-]{0,120}"
_FORMS = tuple(
    re.compile(form)
    for form in (
        rf"(?:{FOLDER}/)?(?P<page>{_NAME})\.md(?:#(?P<anchor>[^#\s/]{{0,120}}))?",
        rf"(?:{FOLDER}/)?(?P<page>{_NAME})/(?P<section>{_NAME})\.md(?:#(?P<anchor>[^#\s/]{{0,120}}))?",
        rf"(?:https?://[^\s#?]+/)?{FOLDER}/(?P<page>{_NAME})\.html(?:#(?P<anchor>[^#\s/]{{0,120}}))?",
    )
)
MOVED_LINE = re.compile(r"Now: \[[^\]]+\]\((?P<target>[^)\s]+)\)(?P<other>, .*\S)?\s*")
"""All that stands under the heading of a section whose name is another one now, or which is more than one now."""
_LINK = re.compile(rf"(?:\.\./(?P<page>{_NAME})/)?(?P<section>{_NAME})\.md(?:#(?P<anchor>[^#\s/]{{0,120}}))?")


@dataclass(frozen=True, kw_only=True)
class Place:
    """A section of a pipeline's page, or the page itself where ``section`` is empty."""

    page: str
    section: str = ""

    @property
    def reference(self) -> str:
        """How records name it."""
        return f"{self.page}/{self.section or INDEX}.md"

    @property
    def link(self) -> str:
        """Where it is on the docs site, from its root."""
        anchor = f"#{quote(self.section, safe='-_.~')}" if self.section else ""
        return f"{FOLDER}/{quote(self.page)}.html{anchor}"

    @property
    def title(self) -> str:
        """The section's name, as far as its anchor tells it."""
        return self.section.replace("-", " ").capitalize()

    def now(self, root: Path) -> Place:
        """The place of the section today, where its file says that it has another name now, and only one."""
        try:
            text = (root / FOLDER / self.reference).read_text(encoding="utf-8") if self.section else ""
        except (OSError, UnicodeError):
            return self
        moved = next((match for line in text.split("\n") if (match := MOVED_LINE.fullmatch(line))), None)
        found = follow(moved["target"]) if moved and not moved["other"] else None
        return Place(page=found.page or self.page, section=found.section) if found else self

    def file(self, root: Path | None) -> str:
        """The file it stands in, from the project's folder: of the pipeline, of all, or else its page's index."""
        if root is not None and (now := self.now(root)) != self:
            return now.file(root)
        own = f"{FOLDER}/{self.reference}"
        if root is None or not self.section:
            return own
        index = f"{FOLDER}/{self.page}/{INDEX}.md"
        places = (own, f"{FOLDER}/{ALL}/{self.section}.md", index)
        return next((one for one in places if (root / one).is_file()), own)


@lru_cache(maxsize=4096)  # lint asks it of every check for every section
def read(*references: str) -> Place | None:
    """The place that the first of some references names, in whatever form and of whatever age; None where none does."""
    for reference in references:
        for form in _FORMS:
            if match := form.fullmatch(reference):
                found = match.groupdict()
                section = found.get("section") or INDEX
                anchor = found["anchor"] or ""
                return Place(page=found["page"], section=anchor if section == INDEX else section)
    return None


def moved(lines: Iterable[str]) -> bool:
    """Whether a section says only what its name is now."""
    said = [line for line in lines if line.strip()]
    return len(said) == 1 and MOVED_LINE.fullmatch(said[0]) is not None


def of_result(result: CheckResult, guidance: Guidance | None) -> str:
    """The reference of a result's section, whatever wrote its record; empty where it names none."""
    told = (guidance.runbook_url, guidance.runbook) if guidance else ()
    place = read(*told, result.runbook)
    return place.reference if place else ""


def follow(target: str) -> Place | None:
    """Where a link between files of the runbooks leads; of a place on the same page ``page`` is empty."""
    match = _LINK.fullmatch(target)
    if not match:
        return None
    page, section, anchor = match["page"] or "", match["section"], match["anchor"] or ""
    return Place(page="" if page == ALL else page, section=anchor if section == INDEX else section)
