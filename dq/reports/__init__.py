"""What a run looks like: the card, JSON, JUnit XML, workflow annotations, Markdown, Great Expectations' own JSON."""

from __future__ import annotations

from dq.errors import UsageError, choices
from dq.model import RunRecord
from dq.reports import clean
from dq.reports.card import BLOCKS, card
from dq.reports.github import github
from dq.reports.junit import junit
from dq.reports.markdown import markdown
from dq.reports.text import text, use_colour
from dq.serialize import to_json

FORMATS = ("text", "json", "gx", "junit", "github", "markdown")

__all__ = ["FORMATS", "render", "use_colour"]


def render(
    record: RunRecord, format: str = "text", *, width: int | None = None, colour: bool = False, limit: int = BLOCKS
) -> str:
    """A run in one of ``FORMATS``, ending in a newline; every string in it is safe in that format.

    ``width`` and ``colour`` are for a terminal, ``limit`` is the number of failed checks the card shows one by one.
    """
    if format not in FORMATS:
        raise UsageError(f"there is no format {format!r}", expected=choices(format, FORMATS))
    run = clean.record(record)
    if format == "json":
        return to_json(run, indent=2) + "\n"
    if format == "gx":
        from dq.gx.docs import gx_json  # importing Great Expectations costs seconds: only for its own format

        return gx_json(run) + "\n"
    if format == "text":
        return text(card(run, limit=limit), width=width, colour=colour) + "\n"
    return {"junit": junit, "github": github, "markdown": markdown}[format](run)
