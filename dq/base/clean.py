"""Text that is safe to show anywhere: no control characters, no lone surrogates, bounded length.

Every report starts from a cleaned record; what the target's own syntax needs on top (HTML, XML, Markdown, workflow
commands) is escaped by the report itself.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import TypeVar

from dq.base.model import RunRecord

LIMIT = 2_000
ITEMS = 200
_SPACES = re.compile(r"[\t\n\x0b\f\r\x85\u2028\u2029]+")
# C0, DEL, C1, direction marks and overrides, the byte order mark, lone surrogates and noncharacters: none of them is
# text, and a terminal, an XML parser or a reader's eye can be led astray by each.
_UNSAFE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)

T = TypeVar("T")


def text(value: object, limit: int = LIMIT) -> str:
    """A value as one line of at most ``limit`` characters; what was taken out or cut off leaves a mark."""
    whole = str(value)
    # Cut before the patterns run: a value of many megabytes must not cost more than one that fits.
    line = _UNSAFE.sub("\ufffd", _SPACES.sub(" ", whole[: limit + 1]))
    return line if len(whole) <= limit else f"{line[:limit]}… ({len(whole):,} characters)"


def record(run: RunRecord) -> RunRecord:
    """The same record with every string cleaned and every list of values cut to a readable length."""
    return value(run)


def value(item: T) -> T:
    """A record, check or JSON value of the same kind with every string in it cleaned."""
    return _cleaned(item)  # type: ignore[return-value]  # each branch keeps the kind of value it was given


def _cleaned(value: object) -> object:
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return text(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        changes = {f.name: _cleaned(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return dataclasses.replace(value, **changes)
    if isinstance(value, Mapping):
        return {_cleaned(key): _cleaned(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        whole = len(value) if any(dataclasses.is_dataclass(item) for item in value) else ITEMS
        items = tuple(_cleaned(item) for item in value[:whole])
        return (*items, f"… and {len(value) - whole:,} more") if len(value) > whole else items
    return value


def link(address: str) -> str:
    """An address that can be followed from elsewhere, else an empty text."""
    return address if address.startswith(("https://", "http://")) else ""
