"""Paths as people give them: of files on this machine, or refused where they are an address of another storage."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from dq.base.errors import UsageError

# Also without its second slash, which a Path has lost already; no relative path on this machine begins like it.
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.:-]*):/")


# The variables that name a file or folder for every command; those of sources files are read with their file.
VARIABLES = ("DQ_HOME", "DQ_SETTINGS", "DQ_WAREHOUSE", "DQ_SECRETS")


def refuse_addresses() -> None:
    """Raise UsageError where one of the variables every command reads is an address of another storage."""
    for name in VARIABLES:
        local(os.environ.get(name, ""), name)


def local(given: str | Path, where: str = "") -> Path:
    """The path on this machine that a person or a variable gives; ``file:`` addresses are turned into theirs.

    Raises UsageError for an address with any other scheme: taken for a path it would be a folder of that name here.
    """
    text = str(given).strip()
    scheme = _ADDRESS.match(text)
    if scheme is None:
        return Path(given)
    parts = urlsplit(text)
    if scheme[1].lower() != "file" or parts.netloc not in ("", "localhost") or parts.query or parts.fragment:
        raise UsageError(
            f"{_without_user(text)} is an address of another storage",
            where=where,
            expected="a path of this machine, or file:///PATH",
            do="mount the storage, and give the path where it is mounted",
        )
    return Path(unquote(parts.path))


def is_address(text: str) -> bool:
    """Whether a text begins as an address does, also one of a file."""
    return _ADDRESS.match(text.strip()) is not None


def _without_user(address: str) -> str:
    """An address as it may be shown: a name and password in it are left out."""
    return re.sub(r"(:/+)[^/@]*@", r"\1", address)
