"""The business calendar: which days are worked, and moves between them. Calendar arithmetic only, never 24 hours."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Literal

import holidays
from holidays import HolidayBase
from holidays.registry import COUNTRIES

OnHoliday = Literal["previous", "next", "same"]
DayKind = Literal["weekdays", "weekends", "holidays"]
_DAY = timedelta(days=1)


def _class_of(country: str) -> Callable[..., HolidayBase]:
    """The library's class of a country, by its ISO code; a NotImplementedError where it knows none.

    The package of the countries imports every one of them when any is asked for, which would take longer than all else
    an answer needs. While the one module is imported, an empty package of that name stands in.
    """
    module = next((name for name, named in COUNTRIES.items() if country in named), None)
    if module is None:
        raise NotImplementedError(country)
    package = "holidays.countries"
    if package not in sys.modules:
        empty = ModuleType(package)
        empty.__path__ = [str(Path(holidays.__file__).parent / "countries")]
        sys.modules[package] = empty
        try:
            importlib.import_module(f"{package}.{module}")
        finally:
            del sys.modules[package]
    found: Callable[..., HolidayBase] = getattr(sys.modules.get(f"{package}.{module}") or holidays, country)
    return found


@lru_cache(maxsize=8)
def _public_holidays(country: str, subdivision: str | None) -> HolidayBase:
    """The public holidays of a country, observed days included; the library adds each year when it is first asked."""
    return _class_of(country)(subdiv=subdivision)


@lru_cache(maxsize=512)
def _holidays_of(year: int, country: str, subdivision: str | None, worked: frozenset[str]) -> Mapping[date, str]:
    """The public holidays of a year by their day, without those the company works through."""
    public = _public_holidays(country, subdivision)
    _ = date(year, 1, 1) in public  # makes the library compute this year
    return {
        day: name
        for day, name in public.items()
        if day.year == year and not worked >= {_plain(part) for part in name.split("; ")}
    }


def _plain(name: str) -> str:
    """A holiday's name without the mark in brackets that it is observed on another weekday, whatever the language."""
    return name.partition(" (")[0]


def is_known(country: str, subdivision: str | None) -> bool:
    """Whether the public holidays of a country, or of a part of it, are known."""
    try:
        _public_holidays(country, subdivision)
    except NotImplementedError:  # how the library says that it knows no such country or subdivision
        return False
    return True


def years_without(country: str, subdivision: str | None, years: range) -> list[int]:
    """The years of which no public holiday of a country is known, though the country is."""
    return [year for year in years if not _holidays_of(year, country, subdivision, frozenset())]


@lru_cache(maxsize=8)
def holiday_names(country: str, subdivision: str | None, years: range) -> tuple[str, ...]:
    """The names of a country's public holidays in some years."""
    days = _class_of(country)(subdiv=subdivision, years=years)
    return tuple(sorted({_plain(part) for name in days.values() for part in name.split("; ")}))


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

    def holiday(self, day: date) -> str | None:
        """The name of the public holiday or company day a day is, also on a weekend; None for any other day."""
        return self.company_days.get(day) or self._public(day.year).get(day)

    def _public(self, year: int) -> Mapping[date, str]:
        return _holidays_of(year, self.country, self.subdivision, frozenset(self.worked_holidays))

    def is_business_day(self, day: date) -> bool:
        """Whether the company works on a day."""
        return day.weekday() < 5 and self.holiday(day) is None

    def kinds(self, day: date) -> frozenset[DayKind]:
        """What a day is: one of the weekdays that are not holidays, or of the weekends, the holidays, or of both."""
        if self.is_business_day(day):
            return frozenset({"weekdays"})
        weekend: set[DayKind] = {"weekends"} if day.weekday() >= 5 else set()
        return frozenset(weekend | ({"holidays"} if self.holiday(day) else set()))

    def move(self, day: date, rule: OnHoliday) -> date:
        """The day itself where it is worked or the rule is *same*, else the previous or next business day."""
        step = {"previous": -_DAY, "next": _DAY, "same": timedelta()}[rule]
        while step and not self.is_business_day(day):
            day += step
        return day

    def after(self, day: date, business_days: int) -> date:
        """The Nth business day after a day (N from 1), whether or not the day itself is worked."""
        return self._count(day, business_days, _DAY)

    def before(self, day: date, business_days: int) -> date:
        """The Nth business day before a day (N from 1), whether or not the day itself is worked."""
        return self._count(day, business_days, -_DAY)

    def nth_of_month(self, month: date, nth: int) -> date:
        """The Nth business day of the calendar month a day lies in (N from 1)."""
        return self._count(month.replace(day=1) - _DAY, nth, _DAY)

    def _count(self, day: date, business_days: int, step: timedelta) -> date:
        """Day by day: a few steps need no array library, whose import would cost more than the whole answer."""
        while business_days:
            day += step
            business_days -= self.is_business_day(day)
        return day
