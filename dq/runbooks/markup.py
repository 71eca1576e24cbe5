"""Markdown tables whose cells hold plain text."""

from __future__ import annotations

import re
from collections.abc import Sequence


def cell(text: str) -> str:
    """A text as one cell of a Markdown table: one line, nothing in it read as markup."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return re.sub(r"[\\`*\[\]<>|&#~!]|(?<!\w)_|_(?!\w)", r"\\\g<0>", plain)  # "_" within a word is not markup


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table; the cells are taken as they are."""
    return [f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *rows)]
