"""Compared totals that differ: by how much, in which line, and as people and tables tell them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from dq.base.model import Json, Outcome
from dq.checks.custom_check import MAX_ROWS, Judged, NothingToJudgeError, listed
from dq.engine.gather import shown


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One compared total: ours, theirs, and how far apart; a missing side is off by all of the other.

    ``lacking`` names the side, ``ours`` or ``theirs``, that has no row for it, which is something else than NULL: there
    is nothing, where NULL is an amount that is not known.
    """

    line: str
    ours: Decimal | None
    theirs: Decimal | None
    tolerance: Decimal
    lacking: str = ""

    @property
    def off_by(self) -> Decimal:
        """The absolute difference, NaN where either side is not a finite number."""
        ours, theirs = self.ours or Decimal(0), self.theirs or Decimal(0)
        return abs(ours - theirs) if ours.is_finite() and theirs.is_finite() else Decimal("NaN")

    @property
    def holds(self) -> bool:
        """Whether the sides differ by no more than the tolerance, which itself still holds.

        A line that one side lacks is zero there: books have no line for what was not booked. An amount that is not
        known could be any, and agrees with no other.
        """
        if self.lacking:
            there = self.theirs if self.lacking == "ours" else self.ours
            return there is not None and self.off_by <= self.tolerance
        if self.ours is None or self.theirs is None:
            return self.ours is self.theirs
        return not self.off_by.is_nan() and self.off_by <= self.tolerance

    def sentence(self, other: str) -> str:
        """The difference as people read it, with the name of the other table."""
        off = "" if self.off_by.is_nan() else f", off by {shown(self.off_by)} (allowed {shown(self.tolerance)})"
        ours, theirs = (shown(value, self._none(side)) for side, value in self._sides())
        return f"{self.line}: {ours}, {other} {theirs}{off}"

    def row(self) -> dict[str, Json]:
        """The difference as a row of a table, every number as text."""
        row: dict[str, Json] = {"line": self.line}
        for side, value in (*self._sides(), ("off_by", self.off_by)):
            row[side] = self._none(side) if value is None else str(value)
        return row

    def _sides(self) -> tuple[tuple[str, Decimal | None], ...]:
        return ("ours", self.ours), ("theirs", self.theirs)

    def _none(self, side: str) -> str:
        return "missing" if self.lacking == side else "not known"


def difference(
    line: str, ours: Decimal | None, theirs: Decimal | None, there: tuple[bool, bool], tolerance: Decimal
) -> Difference:
    """The difference of two totals; ``there`` says of either side whether it has a row for it."""
    lacking = "ours" if ours is None and not there[0] else "theirs" if theirs is None and not there[1] else ""
    return Difference(line=line, ours=ours, theirs=theirs, tolerance=tolerance, lacking=lacking)


def judged(differences: Sequence[Difference], other: str, word: str) -> Judged:
    """The judgement of totals that are compared one by one; a NothingToJudgeError where neither side has any amount."""
    if all(item.ours is None and item.theirs is None for item in differences):
        raise NothingToJudgeError(f"there is no amount on either side to compare with {other}")
    wrong = [item for item in differences if not item.holds]
    offs = [item.off_by for item in wrong]
    measures: dict[str, Json] = {word: len(differences), f"{word}_off": len(wrong)}
    if not any(off.is_nan() for off in offs):
        measures["off_by"] = str(sum(offs, Decimal(0)))
    if wrong:
        observed = listed([item.sentence(other) for item in wrong])
        return Judged(outcome=Outcome.FAILED, observed=observed, measures=measures, rows=listed_rows(wrong, len(wrong)))
    agree = f"{counted(len(differences), word.removesuffix('s'))} agree with {other}"
    largest = shown(max(item.off_by for item in differences))
    return Judged(outcome=Outcome.PASSED, observed=f"{agree}, largest difference {largest}", measures=measures)


def listed_rows(differences: Sequence[Difference], total: int) -> list[dict[str, Json]]:
    """The differences as rows of a table, bounded, and how many more there are."""
    rows = [item.row() for item in differences[:MAX_ROWS]]
    if total > len(rows):
        rows.append({"line": f"and {total - len(rows):,} more", "ours": "", "theirs": "", "off_by": ""})
    return rows


def counted(number: int, noun: str) -> str:
    """A number of something, in the plural where it is not one."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
