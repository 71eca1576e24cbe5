"""The page of service levels in the data docs: per level how often it was met and missed each month, then each period.

It is drawn by our own template; no Great Expectations here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from dq.base import clean
from dq.base.serialize import instant
from dq.docs import site as files
from dq.month.attainment import Attainment, LevelState
from dq.month.level_history import dates, due_of

PERIODS = 400
"""How many periods of a pipeline are listed one by one, the newest first."""


@dataclass(frozen=True, kw_only=True)
class History:
    """One pipeline: per level a cell for each month, and its newest periods as (tone, state, level, period, dates)."""

    pipeline: str
    months: Sequence[str]
    levels: Sequence[tuple[str, Sequence[tuple[str, str]]]]
    periods: Sequence[tuple[str, str, str, str, str]]
    total: int


def write(site: Path, found: Sequence[Attainment], *, at: datetime, zone: ZoneInfo) -> Path:
    """Write the page, of levels with the newest first; returns it."""
    path = site / files.LEVELS
    shown = [clean.value(one) for one in found]
    html = files.environment().get_template("levels.j2").render(histories=_histories(shown, at, zone), at=instant(at))
    with files.writing(site):
        files.write(path, html)
    return path


def _histories(found: Sequence[Attainment], at: datetime, zone: ZoneInfo) -> list[History]:
    by_pipeline: dict[str, list[Attainment]] = defaultdict(list)
    for one in found:
        by_pipeline[one.pipeline].append(one)
    return [_history(name, group, at, zone) for name, group in sorted(by_pipeline.items())]


def _history(pipeline: str, group: Sequence[Attainment], at: datetime, zone: ZoneInfo) -> History:
    counts: dict[tuple[str, str], Counter[LevelState]] = defaultdict(Counter)
    for one in group:
        counts[one.label, _month(one, zone)][one.state] += 1
    months = sorted({month for _, month in counts})
    labels = sorted({label for label, _ in counts})
    return History(
        pipeline=pipeline,
        months=months,
        levels=[(label, [_cell(counts[label, month]) for month in months]) for label in labels],
        periods=[
            (_tone(one.state), one.state.word, one.label, one.period, dates(one, at, zone)) for one in group[:PERIODS]
        ],
        total=len(group),
    )


def _month(one: Attainment, zone: ZoneInfo) -> str:
    return f"{due_of(one, zone):%Y-%m}"


def _cell(counts: Counter[LevelState]) -> tuple[str, str]:
    """The tone and the text of a level in a month; empty where it was not due."""
    tone = (
        _tone(LevelState.MISSED if counts[LevelState.MISSED] else LevelState.MET)
        if counts[LevelState.MISSED] + counts[LevelState.MET]
        else ""
    )
    return tone, ", ".join(f"{counts[state]} {state.word}" for state in LevelState if counts[state])


def _tone(state: LevelState) -> str:
    return {LevelState.MET: "good", LevelState.MISSED: "bad"}.get(state, "")
