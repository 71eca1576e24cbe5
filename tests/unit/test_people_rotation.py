"""Who is on call: one person at every instant, by calendar weeks, whatever the clock does."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from runbook_samples import ROSTER, roster

from dq.people import Roster, lint_roster, load_roster

ROOT = Path(__file__).resolve().parents[2]
NEW_YORK = ZoneInfo("America/New_York")


def at(text: str, zone: str = "America/New_York") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def duty(table: Roster, text: str) -> tuple[str, str, str, str]:
    found = table.on_call(at(text))
    return found.person.name, found.backup.name, f"{found.until:%Y-%m-%d %H:%M}", found.why


@pytest.mark.parametrize(
    ("instant", "person", "backup", "until"),
    [
        ("2026-01-05 08:59", "Jane", "Danny", "2026-01-05 09:00"),
        ("2026-01-05 09:00", "Danny", "Anna", "2026-01-12 09:00"),
        ("2026-01-12 09:00", "Anna", "Laura", "2026-01-19 09:00"),
        ("2026-02-01 23:59", "Jane", "Danny", "2026-02-02 09:00"),
        ("2026-11-25 07:00", "Laura", "Jane", "2026-11-30 09:00"),
        ("2025-12-29 09:00", "Jane", "Danny", "2026-01-05 09:00"),
    ],
)
def test_the_ring_turns_every_monday_at_the_handover(
    tmp_path: Path, instant: str, person: str, backup: str, until: str
) -> None:
    assert duty(roster(tmp_path), instant) == (person, backup, until, "weekly rotation")


@pytest.mark.parametrize(
    ("week", "handover_utc"), [("2026-03-09", 13), ("2026-03-02", 14), ("2026-10-26", 13), ("2026-11-02", 14)]
)
def test_the_handover_is_nine_on_the_wall_on_both_sides_of_a_clock_change(
    tmp_path: Path, week: str, handover_utc: int
) -> None:
    table = roster(tmp_path)
    instant = datetime.fromisoformat(week).replace(hour=handover_utc, tzinfo=UTC)
    before, after = table.on_call(instant - timedelta(seconds=1)), table.on_call(instant)
    assert before.person != after.person
    assert before.until == instant


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/London", "Pacific/Apia", "Asia/Kathmandu", "UTC"])
def test_all_over_two_years_exactly_one_person_is_on_call_until_the_next(tmp_path: Path, zone: str) -> None:
    table = roster(tmp_path, ROSTER.replace("America/New_York", zone))
    ring, anchor = ["Danny", "Anna", "Laura", "Jane"], datetime(2026, 1, 5, 9)
    start = datetime(2025, 11, 20, tzinfo=UTC)
    for hour in range(0, 2 * 366 * 24, 23):
        instant = start + timedelta(hours=hour)
        found = table.on_call(instant)
        wall = instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        assert found.person.name == ring[(wall - anchor) // timedelta(days=7) % 4]
        assert found.backup.name == ring[((wall - anchor) // timedelta(days=7) + 1) % 4]
        assert instant < found.until
        assert (found.until.weekday(), found.until.hour) == (0, 9)


def test_a_naive_instant_is_refused(tmp_path: Path) -> None:
    table = roster(tmp_path)
    with pytest.raises(ValueError, match="aware"):
        table.on_call(datetime(2026, 1, 5))


LEAVE = "leave:\n  - {person: laura, first: 2026-11-25, last: 2026-11-26}\n"


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        ("2026-11-24 23:59", ("Laura", "Jane", "2026-11-25 00:00", "weekly rotation")),
        ("2026-11-25 00:00", ("Jane", "Lead", "2026-11-27 00:00", "weekly rotation, Laura away")),
        ("2026-11-26 23:59", ("Jane", "Lead", "2026-11-27 00:00", "weekly rotation, Laura away")),
        ("2026-11-27 00:00", ("Laura", "Jane", "2026-11-30 09:00", "weekly rotation")),
    ],
)
def test_on_leave_the_backup_takes_over_from_midnight_to_midnight(
    tmp_path: Path, instant: str, expected: tuple[str, str, str, str]
) -> None:
    assert duty(roster(tmp_path, ROSTER + LEAVE), instant) == expected


def test_when_the_backup_is_away_the_lead_stands_behind(tmp_path: Path) -> None:
    table = roster(tmp_path, ROSTER + LEAVE.replace("laura", "jane"))
    assert duty(table, "2026-11-25 12:00")[:3] == ("Laura", "Lead", "2026-11-30 09:00")


def test_with_both_away_the_lead_is_on_call_and_the_manager_behind(tmp_path: Path) -> None:
    table = roster(tmp_path, ROSTER + LEAVE + "  - {person: jane, first: 2026-11-26, last: 2026-11-30}\n")
    assert duty(table, "2026-11-25 12:00")[:3] == ("Jane", "Lead", "2026-11-26 00:00")
    assert duty(table, "2026-11-26 12:00") == (
        "Lead",
        "Manager",
        "2026-11-27 00:00",
        "weekly rotation, Laura and Jane away",
    )
    assert lint_roster(table) == []


def test_with_everyone_away_the_lead_is_named_all_the_same_and_lint_tells(tmp_path: Path) -> None:
    text = (
        ROSTER
        + LEAVE
        + "".join(f"  - {{person: {p}, first: 2026-11-24, last: 2026-11-29}}\n" for p in ("jane", "lead"))
    )
    table = roster(tmp_path, text)
    assert duty(table, "2026-11-25 12:00")[:2] == ("Lead", "Manager")
    assert duty(table, "2026-11-25 12:00")[3] == "weekly rotation, Laura and Jane away, Lead away too"
    found = [str(finding) for finding in lint_roster(table)]
    assert len(found) == 1
    assert found[0].startswith("roster.yml:25: leave[0]: from 2026-11-25 on everyone is away: Laura, Jane, Lead;")


def test_lint_sees_that_a_handover_leaves_only_people_who_are_away(tmp_path: Path) -> None:
    people = "".join(f"  - {{person: {p}, first: 2026-11-25, last: 2026-12-02}}\n" for p in ("jane", "danny", "lead"))
    found = lint_roster(roster(tmp_path, f"{ROSTER}leave:\n{people}"))
    assert [finding.message.partition(":")[0] for finding in found] == ["from 2026-11-30 on everyone is away"]


def test_a_swap_moves_the_whole_week_and_says_whose_it_was(tmp_path: Path) -> None:
    swap = "swaps:\n  - {week: 2026-11-23, person: jane, instead_of: laura}\n"
    table = roster(tmp_path, ROSTER + swap)
    assert duty(table, "2026-11-23 08:59")[0] == "Anna"
    assert duty(table, "2026-11-23 09:00") == ("Jane", "Danny", "2026-11-30 09:00", "swap with Laura")
    assert duty(table, "2026-11-30 09:00")[0] == "Jane"


def test_a_ring_of_one_is_backed_by_the_lead(tmp_path: Path) -> None:
    table = roster(tmp_path, ROSTER.replace("ring: [danny, anna, laura, jane]", "ring: [danny]"))
    assert duty(table, "2026-11-23 12:00")[:2] == ("Danny", "Lead")


@pytest.mark.long
def test_with_random_leave_there_is_always_one_person_who_is_not_their_own_backup(tmp_path: Path) -> None:
    people = ["danny", "anna", "laura", "jane", "lead", "manager"]
    leave = "".join(
        f"  - {{person: {person}, first: {date(2026, 1, 1) + timedelta(days=40 * n + 3 * m)}, "
        f"last: {date(2026, 1, 9) + timedelta(days=40 * n + 5 * m)}}}\n"
        for m, person in enumerate(people)
        for n in range(9)
    )
    table = roster(tmp_path, f"{ROSTER}leave:\n{leave}")
    instant, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    while instant < end:
        found = table.on_call(instant)
        assert found.person.name != found.backup.name
        assert found.until > instant
        assert table.on_call(found.until - timedelta(seconds=1)).person == found.person
        instant += timedelta(hours=19)


def test_the_company_s_own_roster_has_laura_on_call_before_the_november_close() -> None:
    found = load_roster(ROOT / "runbooks" / "roster.yml").on_call(at("2026-11-25 01:00"))
    assert (found.person.name, found.backup.name) == ("Laura", "Jane")
    assert found.until == datetime(2026, 11, 30, 9, tzinfo=NEW_YORK)
