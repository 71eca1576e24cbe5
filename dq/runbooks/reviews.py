"""Review meetings by their dates: weekly, fortnightly from the anchor Monday, or on a business day of the month."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from dq.base.periods import days_between, fortnight_of
from dq.people.levels import WEEKDAYS
from dq.people.roster import Roster
from dq.runbooks.frontmatter import FrontMatter, Review


@dataclass(frozen=True, kw_only=True)
class Meeting:
    """One review meeting about some pipelines; ``planned`` is its day before any move off a holiday, times are UTC."""

    name: str
    planned: date
    start: datetime
    end: datetime
    pipelines: tuple[str, ...]
    teams: tuple[str, ...]


def meetings(roster: Roster, fronts: Mapping[str, FrontMatter], first: date, last: date) -> list[Meeting]:
    """The meetings planned for the days from ``first`` to ``last``, in order; one that several pages name is one."""
    found: dict[tuple[str, datetime], Meeting] = {}
    for front in {front.pipeline: front for front in fronts.values()}.values():
        for review in front.reviews:
            for planned in _planned(review, roster, first, last):
                day = roster.calendar.move(planned, review.on_holiday)
                start = datetime.combine(day, review.at, roster.zone).astimezone(UTC)
                same = found.get((review.name, start))
                found[review.name, start] = Meeting(
                    name=review.name,
                    planned=planned,
                    start=start,
                    end=start + timedelta(minutes=review.minutes),
                    pipelines=(*(same.pipelines if same else ()), front.pipeline),
                    teams=tuple(dict.fromkeys((*(same.teams if same else ()), *review.teams))),
                )
    return sorted(found.values(), key=lambda meeting: (meeting.start, meeting.name))


def _planned(review: Review, roster: Roster, first: date, last: date) -> Iterator[date]:
    for day in days_between(first, last):
        if review.weekday is None:
            if day == roster.calendar.nth_of_month(day, review.business_day or 1):
                yield day
        elif day.weekday() == WEEKDAYS.index(review.weekday) and (
            review.every == "week" or (day - fortnight_of(day, roster.model.rotation.anchor)).days < 7
        ):
            yield day
