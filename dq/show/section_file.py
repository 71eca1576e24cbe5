"""Where the section of a reference lies in this project now, for whoever reads a card, a message or a close."""

from __future__ import annotations

from dq.base.errors import DqError
from dq.declare.registry import find_root
from dq.runbooks import places


def shown(reference: str) -> str:
    """A reference for people: the file as it lies in this project now; what is not a reference stays as it is."""
    place = places.read(reference)
    if place is None or place.page == places.ALL or reference.startswith(("http://", "https://")):
        return reference
    try:
        return place.file(find_root())
    except DqError:
        return place.file(None)
