"""Levels and duty against counting day by day: every month of a century, zones that change their clocks at its end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import holidays
import pytest
from pydantic import TypeAdapter
from runbook_samples import ROSTER, page, roster

from dq.base.model import Severity
from dq.declare.registry import load
from dq.people import Escalation, Level, load_roster
from dq.people.levels import deadline, end_of, escalates_at, marks
from dq.runbooks.on_call import duty

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
ONE = timedelta(days=1)
LEVEL: TypeAdapter[Level] = TypeAdapter(Level)
ZONES = ["America/New_York", "Europe/London", "Asia/Amman", "America/Sao_Paulo", "America/Havana", "Asia/Beirut", "UTC"]
RULES = ["previous", "next", "same"]
WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday"]
ANCHOR = date(2026, 1, 5)


def months() -> Iterator[tuple[date, date]]:
    day = date(2000, 1, 1)
    while day.year <= 2100:
        following = (day + 31 * ONE).replace(day=1)
        yield day, following - ONE
        day = following


def moved(day: date, rule: str, closed: set[date]) -> date:
    while rule != "same" and (day.weekday() > 4 or day in closed):
        day += ONE if rule == "next" else -ONE
    return day


def counted(day: date, count: int, closed: set[date]) -> date:
    """The Nth worked day after a day, or before it."""
    step = ONE if count > 0 else -ONE
    for _ in range(abs(count)):
        day = moved(day + step, "next" if count > 0 else "previous", closed)
    return day


def from_on(day: date, weekday: int) -> Iterator[date]:
    """Every such weekday from a day on."""
    return (day + n * ONE for n in range(60) if (day + n * ONE).weekday() == weekday)


def level(**values: object) -> Level:
    return LEVEL.validate_python({"id": "x", "label": "x", **values})


@pytest.mark.parametrize("zone", ZONES)
def test_every_kind_of_level_agrees_with_counting_in_every_month(tmp_path: Path, zone: str) -> None:
    table = roster(tmp_path, ROSTER.replace("America/New_York", zone))
    closed = set(holidays.country_holidays("US", years=range(1999, 2103)))
    place = ZoneInfo(zone)

    def instant(day: date, wall: time) -> datetime:
        return datetime.combine(day, wall, place).astimezone(UTC)

    for first, last in months():
        failed = datetime.combine(first + 9 * ONE, time(11, 30), UTC)
        midnight = datetime.combine(last + ONE, time(), UTC)

        def at(
            each: Level, days: tuple[date, date] = (first, last), failed: datetime = failed
        ) -> date | datetime | None:
            return deadline(each, roster=table, days=days, first_failed=failed)

        for rule in RULES:
            assert at(level(kind="day_of_month", day=25, on_holiday=rule)) == moved(first.replace(day=25), rule, closed)
            assert at(level(kind="month_end", on_holiday=rule)) == moved(last, rule, closed)
            local = failed.astimezone(place).date()
            assert at(level(kind="within", days=7, on_holiday=rule)) == moved(local + 7 * ONE, rule, closed)
            for number, weekday in enumerate(WEEKDAYS):
                weekly = level(kind="weekday", weekday=weekday, at="17:00", on_holiday=rule)
                for ends, began in ((last, midnight), (first + 8 * ONE, failed)):  # over, and as far as it had come
                    falls = (instant(moved(d, rule, closed), time(17)) for d in from_on(ends, number))
                    found = at(weekly, failed=began)
                    assert found == next(at for at in falls if at >= datetime.combine(ends + ONE, time(), UTC))
                seconds = (d for d in from_on(last, number) if (d - ANCHOR).days % 14 < 7)
                falls = (instant(moved(d, rule, closed), time(17)) for d in seconds)
                found = at(level(kind="fortnight", weekday=weekday, at="17:00", on_holiday=rule))
                assert found == next(at for at in falls if at >= midnight)
        for nth in (1, 3, 5):
            assert at(level(kind="next_month_business_day", nth=nth)) == counted(last, nth, closed)
            found = at(level(kind="business_day_after", nth=nth, at="00:00"))
            assert found == instant(counted(last + ONE, nth, closed), time())
        assert at(level(kind="hours_after", hours=48)) == midnight + timedelta(hours=48)
        assert at(level(kind="ready_by", at="03:00")) is None
        assert at(level(kind="ready_by", at="03:00"), (last, last)) == midnight + timedelta(hours=3)
        assert at(level(kind="within", hours=24)) == failed + timedelta(hours=24)
        start = failed.replace(hour=0, minute=0)
        assert at(level(kind="within", hours=24, from_midnight=True)) == start + timedelta(hours=24)
        age = level(kind="age", warn_hours=24, alarm_hours=48)
        found = [moment for _, moment in marks(age, roster=table, days=(first, last), first_failed=midnight)]
        assert found == [midnight + timedelta(hours=24), midnight + timedelta(hours=48)]
        end = end_of(last, place)  # the first instant of the next day on the wall, whatever the clock does at midnight
        assert (end.astimezone(place).date(), (end - timedelta(seconds=1)).astimezone(place).date()) == (
            last + ONE,
            last,
        )
        fixed = [level(kind="month_end", on_holiday="previous")]
        for before, after, count in ((None, "x", 1), ("x", None, -1)):
            values = {"to": "lead", "business_days": 1, "at": "09:00", "after": after, "before": before}
            rung = Escalation.model_validate({key: value for key, value in values.items() if value})
            found = escalates_at(rung, fixed, roster=table, days=(first, last), first_failed=failed)
            assert found == instant(counted(moved(last, "previous", closed), count, closed), time(9))


def test_for_ten_years_every_pipeline_has_one_person_and_calls_only_when_somebody_watches() -> None:
    table = load_roster(ROOT / "runbooks" / "roster.yml")
    ring, anchor = ["Danny", "Anna", "Laura", "Jane"], datetime(2026, 1, 5, 9)
    pages = {
        name: page((ROOT / "runbooks" / item.runbook / "README.md").read_text(), item.runbook).front
        for name, item in load(ROOT).pipelines.items()
    }
    at, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2036, 1, 1, tzinfo=UTC)
    while at < end:
        wall = at.astimezone(table.zone).replace(tzinfo=None)
        expected = ring[(wall - anchor) // timedelta(days=7) % 4]
        for name, front in pages.items():
            found = duty(front, table, name, at)
            assert found.on_call.person.name == expected
            assert found.on_call.until > at
            assert found.call.now == (found.call.at == at)
            assert found.copied or found.call.why.startswith("at once")
            if name not in ("profit_unit",):
                assert 8 <= found.call.at.astimezone(table.zone).hour < 18  # no calls at night
            calm = duty(front, table, name, at, severity=Severity.WARNING).call.at.astimezone(table.zone)
            assert table.calendar.is_business_day(calm.date())
            assert 9 <= calm.hour < 17
        at += timedelta(hours=5, minutes=59)
