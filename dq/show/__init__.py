"""What a run looks like: the card, JSON, JUnit XML, workflow annotations, Markdown, Great Expectations' own JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape

from dq.base import clean
from dq.base.errors import UsageError, choices
from dq.base.model import RunRecord
from dq.base.serialize import to_dict, to_json
from dq.show.card import BLOCKS, card
from dq.show.github import github
from dq.show.junit import junit, together
from dq.show.markdown import markdown
from dq.show.terminal import text, use_colour

FORMATS = ("text", "json", "gx", "junit", "github", "markdown")

__all__ = ["FORMATS", "render", "render_all", "use_colour"]


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
        from dq.gx.export import gx_json  # importing Great Expectations costs seconds: only for its own format

        return gx_json(run) + "\n"
    if format == "text":
        return text(card(run, limit=limit), width=width, colour=colour) + "\n"
    return {"junit": junit, "github": github, "markdown": markdown}[format](run)


def html(record: RunRecord) -> str:
    """The card for a notebook, every character of it escaped."""
    return f"<pre>{escape(render(record, width=120))}</pre>"


RunRecord.in_a_notebook = html


def render_all(runs: Sequence[RunRecord], format: str) -> str:
    """Several runs as one document: an array in the JSON formats, one root of all suites in JUnit, else in turn."""
    if format == "json":
        return (
            json.dumps([to_dict(clean.record(run)) for run in runs], allow_nan=False, sort_keys=True, indent=2) + "\n"
        )
    if format == "junit":
        return together([clean.record(run) for run in runs])
    rendered = [render(run, format) for run in runs]
    if format == "gx":
        return "[\n" + ",\n".join(one.rstrip("\n") for one in rendered) + "\n]\n"
    return "\n".join(rendered) if format == "markdown" else "".join(rendered)
