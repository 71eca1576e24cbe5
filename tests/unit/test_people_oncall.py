"""``dq oncall``: one person at every instant, with the reason; the table, the counts and the calendar file agree."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import holidays
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar
from people_support import rosters
from runbook_samples import PAGE, ROSTER, page, roster

from dq.base.model import Severity
from dq.people import Roster, call, load_roster
from dq.people.shifts import loads, shifts
from dq.runbooks.frontmatter import FrontMatter
from dq.runbooks.ical import calendar_file
from dq.runbooks.on_call import duty
from dq.runbooks.rotation import lint_rotation, rotation_page

ROOT = Path(__file__).resolve().parents[2]
NEW_YORK = ZoneInfo("America/New_York")
OURS = load_roster(ROOT / "runbooks" / "roster.yml")
SECOND = timedelta(seconds=1)
INSTANTS = st.datetimes(datetime(2025, 6, 1), datetime(2028, 6, 1), timezones=st.just(UTC))


def front(text: str = PAGE) -> FrontMatter:
    return page(text).front


@pytest.mark.long
@settings(max_examples=40, deadline=None)
@given(table=rosters(), at=INSTANTS)
def test_at_every_instant_exactly_one_person_is_on_call_until_the_moment_that_is_said(
    table: Roster, at: datetime
) -> None:
    found = table.on_call(at)
    today = at.astimezone(table.zone).date()
    last_resort = table.lead(today)  # away or not
    ids = {person.name: name for name, person in table.people.items()}
    assert found.person == last_resort or not table.away(ids[found.person.name], at)
    gone = [person for person in (found.person, last_resort) if person.left and person.left <= today]
    assert not gone or all(table.standing(place, today) is None for place in ("lead", "manager"))
    assert found.person.name != found.backup.name
    assert at < found.until
    assert table.on_call(found.until - SECOND).person == found.person
    week = table.handover(table.week(at) + timedelta(days=7))
    assert found.until == week or table.on_call(found.until).person != found.person


@pytest.mark.long
@settings(max_examples=40, deadline=None)
@given(table=rosters(), at=INSTANTS, severity=st.sampled_from(Severity))
def test_a_call_never_goes_back_and_what_waits_may_go_when_it_is_due(
    table: Roster, at: datetime, severity: Severity
) -> None:
    found = call(table, "profit", at, severity=severity)
    assert found.now == (found.at == at)
    assert found.at >= at
    assert call(table, "profit", found.at, severity=severity).now
    if not found.now:
        assert not call(table, "profit", found.at - SECOND, severity=severity).now


@pytest.mark.long
@settings(max_examples=25, deadline=None)
@given(table=rosters(), first=st.dates(date(2026, 1, 1), date(2027, 12, 1)), days=st.integers(0, 60))
def test_the_shifts_of_a_span_follow_each_other_and_name_who_is_on_call(table: Roster, first: date, days: int) -> None:
    last = first + timedelta(days=days)
    found = shifts(table, first, last)
    assert all(one.end == two.start for one, two in pairwise(found))
    noon = [datetime(day.year, day.month, day.day, 12, tzinfo=table.zone) for day in (first, last)]
    assert found[0].start <= noon[0] <= noon[1] < found[-1].end
    for shift in found:
        assert {table.on_call(at).person.name for at in (shift.start, shift.end - SECOND)} == {shift.person}
    counted = loads(table, first, last, found)
    assert sum(one.weeks for one in counted) == len({shift.week for shift in found})
    assert sum(one.month_ends for one in counted) == sum(
        (first + timedelta(days=n + 1)).day == 1 for n in range(days + 1)
    )


@pytest.mark.parametrize(
    ("pipeline", "instant", "why", "told"),
    [
        (
            "investor_profit",
            "2026-11-26 07:59",
            "weekly rotation; holiday (Thanksgiving Day); last week of the month",
            "08:00",
        ),
        (
            "investor_profit",
            "2026-11-26 08:00",
            "weekly rotation; holiday (Thanksgiving Day); last week of the month",
            "now",
        ),
        ("growth_daily", "2026-11-21 09:00", "weekly rotation; weekend", "now"),
        ("experiments_weekly", "2026-11-18 17:00", "weekly rotation", "09:00"),
        ("profit_unit", "2026-12-24 03:00", "weekly rotation; holiday (Christmas Eve)", "now"),
    ],
)
def test_the_answer_says_what_kind_of_day_it_is_and_when_somebody_is_called(
    pipeline: str, instant: str, why: str, told: str
) -> None:
    at = datetime.fromisoformat(instant).replace(tzinfo=NEW_YORK)
    found = duty(front(), OURS, pipeline, at)
    assert found.why == why
    assert ("now" if found.call.now else f"{found.call.at.astimezone(NEW_YORK):%H:%M}") == told


def test_the_answer_names_owner_engineer_copies_and_the_ladder(tmp_path: Path) -> None:
    found = duty(front(), roster(tmp_path), "profit", datetime(2026, 11, 25, 15, tzinfo=UTC))
    assert (found.on_call.person.name, found.on_call.backup.name) == ("Laura", "Jane")
    assert (found.owner.contact, found.engineer.name, found.engineer_backup.contact) == (
        "business-analytics",
        "Anna",
        "danny-pager",
    )
    assert [team.contact for team in found.copied] == ["data-engineering"]
    assert [(rung.who.contact, rung.when) for rung in found.ladder] == [
        ("lead-pager", "1 business day after the day of 'pre-validation', 09:00")
    ]


LEFT = "  laura: {name: Laura, role: Engineer 3, contact: laura-pager, left: 2026-11-25"
NORA = "\n  nora: {name: Nora, role: Engineer 5, contact: nora-pager}"
OLD = "  laura: {name: Laura, role: Engineer 3, contact: laura-pager}"


@pytest.mark.parametrize(
    ("instant", "replaced", "lonely"),
    [
        ("2026-10-28 12:00", "Laura", "Laura"),  # her places before she left stay hers
        ("2026-11-24 23:59", "Laura", "Laura"),
        ("2026-11-25 00:00", "Jane", "Jane"),  # the backup takes the rest of her week
        ("2026-11-30 09:00", "Jane", "Jane"),  # and then has her own
        ("2026-12-22 12:00", "Nora", "Jane"),  # the next of Laura's weeks
    ],
)
def test_who_left_is_replaced_from_the_next_week_on_or_else_stood_in_for(
    tmp_path: Path, instant: str, replaced: str, lonely: str
) -> None:
    at = datetime.fromisoformat(instant).replace(tzinfo=NEW_YORK)
    followed = roster(tmp_path, ROSTER.replace(OLD, f"{LEFT}, replaced_by: nora}}{NORA}"))
    assert followed.on_call(at).person.name == replaced
    assert roster(tmp_path, ROSTER.replace(OLD, f"{LEFT}}}")).on_call(at).person.name == lonely


def test_the_engineer_who_left_is_the_one_who_replaced_them(tmp_path: Path) -> None:
    table = roster(tmp_path, ROSTER.replace(OLD, f"{LEFT}, replaced_by: nora}}{NORA}"))
    text = PAGE.replace("engineer: anna", "engineer: laura")
    found = [duty(front(text), table, "profit", datetime(2026, 11, day, 12, tzinfo=UTC)) for day in (24, 25)]
    assert [one.engineer.name for one in found] == ["Laura", "Nora"]


def test_the_counts_are_those_of_a_year_counted_by_hand(tmp_path: Path) -> None:
    table = roster(tmp_path)
    first, last = date(2026, 1, 1), date(2026, 12, 31)
    days = [first + timedelta(days=n) for n in range(365)]
    ring = ["Danny", "Anna", "Laura", "Jane"]

    def on_call(day: date) -> str:  # at noon the week of the day's Monday has begun
        return ring[(day - date(2026, 1, 5)).days // 7 % 4]

    closed = holidays.country_holidays("US", years=2026)
    found = {one.person: one for one in loads(table, first, last, shifts(table, first, last))}
    for name in ring:
        mine = [day for day in days if on_call(day) == name]
        assert found[name].weekends == sum(day.weekday() == 5 for day in mine)
        assert found[name].holidays == sum(day in closed for day in mine)
        assert found[name].month_ends == sum((day + timedelta(days=1)).day == 1 for day in mine)
    assert [found[name].weeks for name in ring] == [13, 13, 13, 14]  # with the one that began on 29 December 2025


def test_a_week_that_changes_hands_says_so_in_the_table(tmp_path: Path) -> None:
    table = roster(tmp_path, f"{ROSTER}leave:\n  - {{person: laura, first: 2026-11-25, last: 2026-11-26}}\n")
    text = rotation_page(table, {"profit": front()}, date(2026, 11, 23), date(2026, 11, 29))
    who = "Laura; from Wed 00:00 Jane; from Fri 00:00 Laura"
    assert f"| 2026-11-23 | Business Analytics Team | Data Engineering | {who} | Jane |" in text.split("\n")
    assert "| Jane | 0 | 0 | 1 | 0 |" in text.split("\n")  # Thanksgiving


def test_a_page_of_the_rotation_that_is_not_fresh_is_told_and_mended(tmp_path: Path) -> None:
    table, fronts = roster(tmp_path), {"profit": front()}
    path = tmp_path / "runbooks" / "on-call.md"
    assert lint_rotation(tmp_path, table, fronts) == []
    path.parent.mkdir()
    right = rotation_page(table, fronts, date(2026, 1, 1), date(2026, 3, 31))
    path.write_text(right.replace("Danny", "Dany"), encoding="utf-8")
    assert [str(f) for f in lint_rotation(tmp_path, table, fronts)] == [
        "runbooks/on-call.md:1: is not what roster and owners say; run dq lint --fix"
    ]
    assert lint_rotation(tmp_path, table, fronts, fix=True) == []
    assert path.read_text(encoding="utf-8") == right
    path.write_text("by hand", encoding="utf-8")
    assert "does not say which days" in str(lint_rotation(tmp_path, table, fronts)[0])


@pytest.mark.long
@pytest.mark.parametrize("zone", ["America/New_York", "Europe/London", "Asia/Amman", "UTC"])
def test_a_calendar_parser_reads_the_same_shifts_and_meetings_back(tmp_path: Path, zone: str) -> None:
    leave = "leave:\n  - {person: laura, first: 2026-03-18, last: 2026-03-19}\n"
    table = roster(tmp_path, f"{ROSTER.replace('America/New_York', zone)}{leave}")
    first, last = date(2026, 3, 1), date(2026, 11, 30)
    text = calendar_file(table, {"profit": front()}, first, last)
    read = Calendar.from_ical(text)
    events = [*read.walk("VEVENT")]
    assert len({str(event["UID"]) for event in events}) == len(events)
    on_call = [e for e in events if e["TRANSP"] == "TRANSPARENT"]
    assert [
        (e.decoded("DTSTART").astimezone(UTC), e.decoded("DTEND").astimezone(UTC), str(e["SUMMARY"])) for e in on_call
    ] == [(s.start, s.end, f"On call: {s.person}") for s in shifts(table, first, last)]
    assert {e.decoded("DTSTAMP") for e in events} == {datetime(2026, 1, 5, tzinfo=UTC)}
    if zone != "UTC":
        assert {str(e["DTSTART"].params["TZID"]) for e in events} == {zone}
        assert [str(z["TZID"]) for z in read.walk("VTIMEZONE")] == [zone]
    reviews = [e.decoded("DTSTART") for e in events if str(e["SUMMARY"]) == "Weekly review"]
    assert {(at.weekday(), at.hour) for at in reviews} == {(2, 10), (3, 10)}  # Thursday after Veterans Day
    assert len(reviews) == 39
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    assert text == calendar_file(table, {"profit": front()}, first, last)


def test_an_event_keeps_its_id_when_leave_changes_the_week(tmp_path: Path) -> None:
    span = date(2026, 11, 23), date(2026, 11, 29)
    plain = Calendar.from_ical(calendar_file(roster(tmp_path), {"profit": front()}, *span))
    leave = f"{ROSTER}leave:\n  - {{person: laura, first: 2026-11-25, last: 2026-11-26}}\n"
    changed = Calendar.from_ical(calendar_file(roster(tmp_path, leave), {"profit": front()}, *span))
    before, after = ({str(e["UID"]) for e in each.walk("VEVENT")} for each in (plain, changed))
    assert before < after
    assert after - before == {"shift-2026-11-23-20261125T0500Z@dq", "shift-2026-11-23-20261127T0500Z@dq"}
