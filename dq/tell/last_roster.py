"""The roster as it was last read well, kept in the warehouse: a mistake in the file must not stop runs and alarms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from dq import people, store
from dq.base import serialize
from dq.base.errors import ConfigError, DqError, Finding
from dq.declare.registry import Registry

KIND = "rosters"
NAME = "last"
FILE = Path("runbooks", "roster.yml")


@dataclass(frozen=True, kw_only=True)
class LastRoster:
    """The text of a roster without a mistake, and since when it is kept."""

    text: str
    kept: datetime


@dataclass(frozen=True, kw_only=True)
class Stand:
    """A roster that serves, and the sentence that says so where it does in place of one with mistakes."""

    roster: people.Roster
    remark: str


def keep(warehouse: store.Warehouse, root: Path, declared: Registry) -> None:
    """Keep the project's roster where it has no mistake and is not kept already; a failure stops nobody.

    One that names a pipeline that is not declared, or leaves one without a watch, has mistakes, too.
    """
    with suppress(DqError, OSError, UnicodeDecodeError):
        text = (root / FILE).read_text(encoding="utf-8")
        kept = _kept(warehouse)
        if kept is None or kept.text != text:
            roster = people.parse_roster(text, shown=str(FILE))
            if people.lint_watch(roster, declared.pipelines, declared.investors):
                return
            now = serialize.instant(datetime.now(UTC))
            warehouse.records.put(KIND, NAME, {"text": text, "kept": now})


def serving(root: Path, declared: Registry, warehouse: Callable[[], store.Warehouse]) -> Stand:
    """The project's roster without a remark; while it has mistakes the one of before, which the warehouse keeps."""
    roster, mistaken = people.read_roster(root / FILE, shown=str(FILE))
    unwatched = people.lint_watch(roster, declared.pipelines, declared.investors) if roster is not None else []
    stand = stand_in(warehouse(), [*mistaken, *unwatched]) if mistaken or unwatched else None
    if stand is not None:
        return stand
    if roster is None or mistaken:
        raise ConfigError(mistaken)
    # Without one of before, a roster in which only a watch is wrong still says who is told of the others.
    return Stand(roster=roster, remark="")


def stand_in(warehouse: store.Warehouse, mistakes: Sequence[Finding]) -> Stand | None:
    """The roster that was last read well, to serve while the file has mistakes; None where none is kept."""
    with suppress(DqError):
        kept = _kept(warehouse)
        if kept is not None:
            count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
            remark = (
                f"{FILE} has {count} ({mistakes[0]}); the roster of before, kept since "
                f"{kept.kept:%Y-%m-%d %H:%M} UTC, serves; dq lint lists what is to be fixed"
            )
            return Stand(roster=people.parse_roster(kept.text, shown=f"the kept {FILE}"), remark=remark)
    return None


def _kept(warehouse: store.Warehouse) -> LastRoster | None:
    document = warehouse.records.get(KIND, NAME)
    return serialize.decode(LastRoster, document, NAME) if document is not None else None
