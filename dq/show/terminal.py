"""The card for a terminal or a log file."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import TextIO

from dq.show.card import Block, Card

_INDENT = "  "
_LABEL = 8  # CRITICAL
_KEY = 9  # "runbook" and two spaces
_NAMED = 10
_CARRIED_ON = " \\"
_WORDS = re.compile(r"""(?:[^\s'"]|'[^']*'|"[^"]*")+""")
_NOTED = "INFO"  # to be known, not to be acted on: whose it is and by when would only stand in the way
_CODES = {"bad": "1;31", "partial": "1;33", "good": "1;32", "CRITICAL": "31", "COULD NOT EVALUATE": "31"}
_CODES |= {
    "REPLACES": "36",
    "WARNING": "33",
    "WAIVED": "33",
    "WAIVER": "33",
    "DIED": "33",
    "PARTIAL": "33",
    "ERROR": "31",
    "NOT RUN": "2",
    "INFO": "36",
}


def use_colour(stream: TextIO, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a stream is a terminal that may be written to in colour: NO_COLOR and a dumb terminal say no."""
    if environment.get("NO_COLOR") or environment.get("TERM") == "dumb":
        return False
    return stream.isatty()


def text(card: Card, *, width: int | None = None, colour: bool = False) -> str:
    """The card as lines of at most ``width`` columns (None: unbroken), without a trailing newline.

    Runbook links are never broken, so that they can be clicked and copied.
    """
    return "\n".join(_Writer(width=width, colour=colour).lines(card))


def columns(line: str) -> int:
    """The terminal columns a line takes: wide characters take two, combining marks none."""
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in line)
    return len(line) + wide - sum(unicodedata.combining(char) > 0 for char in line)


def wrap(line: str, width: int | None) -> list[str]:
    """A line broken at spaces into pieces of at most ``width`` columns; a longer word is cut."""
    if width is None or columns(line) <= width:
        return [line]
    pieces: list[str] = []
    piece = ""
    for word in line.split(" "):
        joined = f"{piece} {word}" if piece else word
        if columns(joined) <= width:
            piece = joined
            continue
        if piece:
            pieces.append(piece)
        *whole, piece = _cut(word, width)
        pieces += whole
    return [*pieces, piece] if piece else pieces


def command_lines(command: str, width: int | None) -> list[str]:
    """A shell command broken between its words, each line but the last with the backslash that carries it on.

    Copied together the lines are the same command. A word is never broken, even where it is wider than ``width``.
    """
    if width is None or columns(command) <= width:
        return [command]
    words = _WORDS.findall(command)
    if " ".join(words) != command:
        return [command]
    lines = [words[0]]
    for word in words[1:]:
        if columns(f"{lines[-1]} {word}") <= width - len(_CARRIED_ON):
            lines[-1] += f" {word}"
        else:
            lines.append(f"{' ' * len(_INDENT)}{word}")
    return [*(line + _CARRIED_ON for line in lines[:-1]), lines[-1]]


def _cut(word: str, width: int) -> list[str]:
    pieces, taken = [""], 0
    for char in word:
        taken += columns(char)
        if taken > width and pieces[-1]:
            pieces.append("")
            taken = columns(char)
        pieces[-1] += char
    return pieces


class _Writer:
    def __init__(self, *, width: int | None, colour: bool) -> None:
        self.width = max(width, 40) if width is not None else None
        self.colour = colour

    def lines(self, card: Card) -> Iterator[str]:
        yield from self._headline(card)
        if card.error:
            yield from self._labelled("ERROR", card.error)
        for line in card.partial:
            yield from self._labelled("PARTIAL", line)
        if card.replaced:
            yield from self._labelled("REPLACES", card.replaced)
        if card.currency and (card.replaced or card.blocks):
            yield from self._labelled("CURRENCY", card.currency)
        for line in card.built_on:
            yield from self._labelled("BUILT ON", line)
        for line in card.waivers:
            yield from self._labelled("WAIVER", line)
        for number, line in enumerate(card.died):
            yield from self._labelled("" if number else "DIED", line)
        id_width = max((columns(block.check) for block in card.blocks), default=0)
        for block in card.blocks:
            yield from self._block(block, id_width)
        if card.more:
            yield from self._labelled("", card.more)
        for pending in card.pending:
            checks = "1 check" if len(pending.checks) == 1 else f"{len(pending.checks)} checks"
            yield from self._labelled("NOT RUN", f"{checks}: {pending.reason}")
            names = ", ".join(pending.checks[:_NAMED])
            rest = len(pending.checks) - _NAMED
            yield from self._labelled("", f"{names} and {rest} more" if rest > 0 else names)
        if card.upstream:
            indent = " " * (len(_INDENT) + _LABEL + 2)
            inner = _Writer(width=self.width - len(indent) if self.width else None, colour=self.colour)
            for number, line in enumerate(inner.lines(card.upstream)):
                lead = indent if number else f"{_INDENT}{self._paint('UPSTREAM', 'bad')}  "
                yield f"{lead}{line}"

    def _headline(self, card: Card) -> Iterator[str]:
        word = f"{self._paint(card.word, card.tone)}  "
        rest = [part for part in (card.subject, card.counts, card.version) if part]
        line = "   ".join(rest)
        if self.width is None or columns(card.word) + 2 + columns(line) <= self.width:
            yield word + line
            return
        for number, part in enumerate(rest):
            indent = " " * 2 * len(_INDENT) if number else word
            taken = 2 * len(_INDENT) if number else columns(card.word) + 2
            for index, piece in enumerate(wrap(part, self.width - taken)):
                yield (" " * taken if index else indent) + piece

    def _labelled(self, label: str, line: str) -> Iterator[str]:
        lead = f"{_INDENT}{self._paint(label, label)}{' ' * (_LABEL - len(label))}  "
        indent = " " * (len(_INDENT) + _LABEL + 2)
        for number, piece in enumerate(wrap(line, self._room(indent))):
            yield (indent if number else lead) + piece

    def _block(self, block: Block, id_width: int) -> Iterator[str]:
        indent = " " * (len(_INDENT) + _LABEL + 2)
        label_width = max(_LABEL, len(block.label))
        lead = f"{_INDENT}{self._paint(block.label, block.label)}{' ' * (label_width - len(block.label))}  "
        name = block.check + " " * (id_width - columns(block.check))
        taken = len(_INDENT) + label_width + 2 + columns(name) + 3
        if self.width is None or columns(block.text) <= self.width - taken:
            yield f"{lead}{name}   {block.text}"
        else:
            yield f"{lead}{block.check}"
            yield from (indent + piece for piece in wrap(block.text, self._room(indent)))
        if block.waived:
            yield from self._keyed("waived", block.waived, indent)
        if block.runbook:
            yield f"{indent}{'runbook':<{_KEY}}{block.runbook}"
        if block.first:
            room = self._room(indent + " " * _KEY)
            for number, piece in enumerate(command_lines(block.first, room)):
                yield f"{indent}{'' if number else 'type':<{_KEY}}{piece}"
        if block.label == _NOTED:
            return
        if block.owner:
            yield from self._keyed("owner", block.owner, indent)
        if block.due:
            yield from self._keyed("due", block.due, indent)

    def _keyed(self, key: str, line: str, indent: str) -> Iterator[str]:
        for number, piece in enumerate(wrap(line, self._room(indent + " " * _KEY))):
            yield f"{indent}{'' if number else key:<{_KEY}}{piece}"

    def _room(self, indent: str) -> int | None:
        return None if self.width is None else max(self.width - len(indent), 20)

    def _paint(self, text: str, tone: str) -> str:
        code = _CODES.get(tone)
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and code and text else text
