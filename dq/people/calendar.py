"""The business calendar: which days are worked, and moves between them. Calendar arithmetic only, never 24 hours."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Literal

import numpy as np
from holidays import HolidayBase, country_holidays

OnHoliday = Literal["previous", "next", "same"]
DayKind = Literal["weekdays", "weekends", "holidays"]


@lru_cache(maxsize=8)
def _public_holidays(country: str, subdivision: str | None) -> HolidayBase:
    """The public holidays of a country, observed days included; the library adds each year when it is first asked."""
    return country_holidays(country, subdiv=subdivision)


@lru_cache(maxsize=512)
def _closed_days(
    year: int, country: str, subdivision: str | None, worked: frozenset[str], company: frozenset[date]
) -> frozenset[date]:
    """The days of a year on which nobody works although they may be weekdays."""
    public = _public_holidays(country, subdivision)
    _ = date(year, 1, 1) in public  # makes the library compute this year
    closed = {
        day
        for day, name in public.items()
        if day.year == year and not worked >= {_plain(part) for part in name.split("; ")}
    }
    return frozenset(closed | {day for day in company if day.year == year})


def _plain(name: str) -> str:
    """A holiday's name without the mark in brackets that it is observed on another weekday, whatever the language."""
    return name.partition(" (")[0]


@lru_cache(maxsize=8)
def holiday_names(country: str, subdivision: str | None, years: range) -> tuple[str, ...]:
    """The names of a country's public holidays in some years; empty where the library knows none."""
    try:
        days = country_holidays(country, subdiv=subdivision, years=years)
    except NotImplementedError:  # how the library says that it knows no such country or subdivision
        return ()
    return tuple(sorted({_plain(part) for name in days.values() for part in name.split("; ")}))


@lru_cache(maxsize=512)
def _numpy_calendar(calendar: BusinessCalendar, year: int) -> np.busdaycalendar:
    """The closed days around a year; a move from within it ends at most a few weeks outside."""
    days = [day for near in (year - 1, year, year + 1) for day in calendar.closed_days(near)]
    return np.busdaycalendar(weekmask="1111100", holidays=[np.datetime64(day, "D") for day in days])


@dataclass(frozen=True, kw_only=True)
class BusinessCalendar:
    """The days a company works: Monday to Friday without public holidays and the company's own days off.

    ``company_days`` are closed days beside the public ones, ``worked_holidays`` names of public holidays the company
    works through.
    """

    country: str
    subdivision: str | None = None
    company_days: Mapping[date, str] = field(default_factory=dict, hash=False)
    worked_holidays: Collection[str] = field(default=frozenset(), hash=False)

    def closed_days(self, year: int) -> frozenset[date]:
        """The public holidays and company days of a year, weekends among them."""
        return _closed_days(
            year, self.country, self.subdivision, frozenset(self.worked_holidays), frozenset(self.company_days)
        )

    def is_business_day(self, day: date) -> bool:
        """Whether the company works on a day."""
        return day.weekday() < 5 and day not in self.closed_days(day.year)

    def kinds(self, day: date) -> frozenset[DayKind]:
        """What a day is: one of the weekdays that are no holiday, or of the weekends, the holidays, or of both."""
        if self.is_business_day(day):
            return frozenset({"weekdays"})
        weekend: set[DayKind] = {"weekends"} if day.weekday() >= 5 else set()
        return frozenset(weekend | ({"holidays"} if day in self.closed_days(day.year) else set()))

    def move(self, day: date, rule: OnHoliday) -> date:
        """The day itself where it is worked or the rule is *same*, else the previous or next business day."""
        if rule == "same":
            return day
        return self._offset(day, 0, "backward" if rule == "previous" else "forward")

    def after(self, day: date, business_days: int) -> date:
        """The Nth business day after a day (N from 1), whether or not the day itself is worked."""
        return self._offset(day, business_days, "backward")

    def before(self, day: date, business_days: int) -> date:
        """The Nth business day before a day (N from 1), whether or not the day itself is worked."""
        return self._offset(day, -business_days, "forward")

    def nth_of_month(self, month: date, nth: int) -> date:
        """The Nth business day of the calendar month a day lies in (N from 1)."""
        return self._offset(month.replace(day=1), nth - 1, "forward")

    def _offset(self, day: date, offset: int, roll: Literal["backward", "forward"]) -> date:
        calendar = _numpy_calendar(self, day.year)
        moved = np.busday_offset(np.datetime64(day, "D"), offset, roll=roll, busdaycal=calendar)
        return moved.astype(date)  # type: ignore[no-any-return]  # datetime64[D] converts to a date
