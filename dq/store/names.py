"""Names that become paths: tables, runs, periods and records, each checked before it touches the filesystem."""

from __future__ import annotations

import re

from dq.base.errors import StoreError

NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,127}")
PERIOD = re.compile(r"[0-9]{4}-[0-9A-Z-]{1,24}")


def checked_name(what: str, name: str) -> str:
    """The name itself when it is a plain name, else a StoreError; ``what`` says what it names (table, run, record)."""
    if not NAME.fullmatch(name):
        raise StoreError(
            f"{name[:60]!r} is not a {what} name",
            expected="lower-case letters, digits, '_', '.', '-', at most 128, starting with a letter or digit",
        )
    return name


def checked_period(period: str) -> str:
    """The period id itself (``2026-10``, ``2026-10-05``, ``2026-W41``), else a StoreError."""
    if not PERIOD.fullmatch(period):
        raise StoreError(f"{period[:60]!r} is not a period id", expected="such as 2026-10, 2026-10-05 or 2026-W41")
    return period


def covers(wanted: str, period: str) -> bool:
    """Whether a published period belongs to the wanted one: itself, or a day of the wanted month."""
    return period == wanted or period.startswith(f"{wanted}-")
