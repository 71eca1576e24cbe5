"""A run as Markdown, for a step summary, a pull request or a wiki page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

from dq.base.model import RunRecord
from dq.show.card import Block, Card, card

# Character references are text to every Markdown renderer: they start no markup, link, mention or cell.
_SPECIAL = re.compile(r"[\\`*_{}\[\]()<>|#@~!&$^=]|://|(?<=www)\.|^[-+]|(?<=^\d)\.")


def markdown(run: RunRecord) -> str:
    """The Markdown of a cleaned record: the headline, a table of what failed, and what was not run."""
    return "\n".join(_lines(card(run), level=2)) + "\n"


def escape(text: str) -> str:
    """Text that renders as itself wherever it stands in a Markdown document."""
    return _SPECIAL.sub(lambda match: "".join(f"&#{ord(char)};" for char in match.group()), text.replace("\n", " "))


def _lines(summary: Card, *, level: int) -> Iterator[str]:
    rest = " · ".join(filter(None, (summary.counts, summary.version)))
    yield f"{'#' * level} {escape(summary.word)}: {escape(summary.subject)}"
    yield ""
    yield escape(rest)
    told = (
        ("Error", [summary.error]),
        ("Partial", summary.partial),
        ("Replaces", [summary.replaced]),
        ("Currency", [summary.currency if summary.replaced or summary.blocks else ""]),
        ("Built on", summary.built_on),
        ("Waiver", summary.waivers),
        ("Died", summary.died),
    )
    for title, lines in ((title, filter(None, lines)) for title, lines in told):
        for line in lines:
            yield ""
            yield f"**{title}:** {escape(line)}"
    if summary.blocks:
        yield ""
        yield "| Severity | Check | Found | Runbook | Owner | Due |"
        yield "|---|---|---|---|---|---|"
        yield from (_row(block) for block in summary.blocks)
    if summary.more:
        yield ""
        yield escape(summary.more)
    if summary.pending:
        yield ""
        yield "| Not run | Reason |"
        yield "|---|---|"
        for pending in summary.pending:
            yield f"| {escape(', '.join(pending.checks))} | {escape(pending.reason)} |"
    if summary.upstream:
        yield ""
        yield from _lines(summary.upstream, level=min(level + 1, 6))


def _row(block: Block) -> str:
    found = escape(block.text) + (f"<br>waived: {escape(block.waived)}" if block.waived else "")
    name = block.section or block.runbook
    runbook = f"[{escape(name)}](<{_target(block.runbook)}>)" if block.runbook else "–"
    runbook += f"<br>type: {escape(block.first)}" if block.first else ""
    cells = (escape(block.label), escape(block.check), found, runbook, escape(block.owner), escape(block.due))
    return "| " + " | ".join(cell or "–" for cell in cells) + " |"


def _section(link: str) -> str:
    return link.rpartition("#")[2].replace("-", " ") or link


def _target(link: str) -> str:
    # Only our own folder or an http address gets this far; whatever else is in it is percent-encoded.
    return quote(link, safe=":/#?&=%-._~")
