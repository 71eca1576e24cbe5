"""What was taken back: the mark on a run whose figures were withdrawn, and the second withdrawal by mistake."""

from __future__ import annotations

from collections.abc import Mapping

from dq import store
from dq.base import clean, periods
from dq.base.errors import UsageError
from dq.base.model import RunRecord


def withdrawn(commit: store.Commit | None, record: RunRecord) -> str:
    """Which of a run's periods were taken back by whom, when and why; empty where none was."""
    taken = commit.withdrawn.get(record.run_key) if commit and record.verdict.published else None
    mine = sorted(period for period in taken.periods if store.covers(record.period, period)) if taken else []
    if taken is None or not mine:
        return ""
    start, end = periods.days_of(record.period)
    days = len(periods.days_between(start, min(end, record.data_through)))
    whole = mine == [record.period] or len(mine) == days
    what = record.period if whole else ", ".join(mine)
    return clean.text(
        f"{record.pipeline} {what} was withdrawn by {taken.by} at {taken.at:%Y-%m-%dT%H:%MZ}: {taken.reason}"
    )


def to_withdraw(table: store.Table, period: str, version: int | None) -> Mapping[str, int]:
    """Per period the version a withdrawal takes back; UsageError where there is none, or it is not the one meant.

    What readers see since a withdrawal was published before it: taking that back as well has to be said.
    """
    commits = table.log()
    published = commits[-1].entries if commits else {}
    found = {one: entry.version for one, entry in published.items() if store.covers(period, one)}
    touched = [commit for commit in commits if any(store.covers(period, one) for one in commit.changed)]
    last = touched[-1] if touched else None
    again = (
        f"{table.name} {period} was {last.note} at {last.committed:%Y-%m-%dT%H:%MZ}" if last and not last.run else ""
    )
    if not found:
        raise UsageError(
            f"{again} already; nothing is published for it" if again else f"{table.name} {period} is not published",
            where="--period",
        )
    seen = max(found.values())
    if version is None and again:
        raise UsageError(
            f"{again} already; readers see version {seen} since",
            where="--period",
            do=f"to take that back as well give --version {seen}",
        )
    if version is not None and version != seen:
        raise UsageError(f"readers see version {seen} of {table.name} {period}, not {version}", where="--version")
    return found
