"""Anchors of headings, exactly as GitHub makes them, so that a link works in the repository and in our site alike."""

from __future__ import annotations

import unicodedata

# What stays in an anchor beside space and dash: letters, marks, decimal and letter numbers, connectors such as "_".
# Other numbers (superscripts, fractions), punctuation, symbols, emoji and controls go.
_KEPT = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "Pc"})
# Letters in circles and squares are symbols by category but letters to GitHub (Unicode's Other_Alphabetic).
_LETTERED_SYMBOLS = (range(0x24B6, 0x24EA), range(0x1F130, 0x1F14A), range(0x1F150, 0x1F16A), range(0x1F170, 0x1F18A))


def slug(heading: str) -> str:
    """The anchor of a heading's text as it stands alone: lower case, punctuation gone, each space a dash."""
    return "".join("-" if c == " " else c for c in heading.lower() if c in " -" or _kept(c))


def _kept(character: str) -> bool:
    if unicodedata.category(character) in _KEPT:
        return True
    return any(ord(character) in letters for letters in _LETTERED_SYMBOLS)


class Slugger:
    """The anchors of one page in reading order: a repeated one gets ``-1``, ``-2``, and never one already taken."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def next(self, heading: str) -> str:
        """The anchor of the page's next heading."""
        base = anchor = slug(heading)
        while anchor in self._seen:
            self._seen[base] += 1
            anchor = f"{base}-{self._seen[base]}"
        self._seen[anchor] = 0
        return anchor
