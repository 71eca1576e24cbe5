"""The engagement jobs' functions: sessions and their midnights, people counted once, and a pure-Python oracle."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from pyspark.sql import DataFrame, SparkSession

import dq
from dq.base.model import Kind
from jobs.engagement_daily import engagement_daily
from jobs.investor_engagement import investor_engagement, last_week
from jobs.user_days import user_days

pytestmark = pytest.mark.run

CLICKS = "event_id string, user_id string, account_id string, event_type string, event_date date, event_time timestamp"
DIRECTORY = "day date, user_id string, account_id string, department string, synced_at timestamp"
ACCOUNTS = "account_id string, region string, segment string, valid_from date, synced_at timestamp"
EARLY = datetime(2026, 1, 1, tzinfo=UTC)


def window(first: str, through: str, *, end: str | None = None) -> dq.Window:
    start, last = date.fromisoformat(first), date.fromisoformat(through)
    as_of = datetime(2026, 12, 1, tzinfo=UTC)
    finish = date.fromisoformat(end or through)
    return dq.Window(period=first[:7], start=start, end=finish, data_through=last, as_of=as_of, kind=Kind.FINAL)


def clicks(spark: SparkSession, *events: tuple[str, str] | tuple[str, str, str]) -> DataFrame:
    rows = []
    for number, (user, moment, *kind) in enumerate(events):
        at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
        rows.append((f"e{number:04}", user, "a", kind[0] if kind else "page_view", at.date(), at))
    return spark.createDataFrame(rows, CLICKS)


def accounts(spark: SparkSession, *rows: tuple[str, str, str, str]) -> DataFrame:
    known = rows or (("a", "eu", "small", "2026-01-01"),)
    return spark.createDataFrame([(a, r, s, date.fromisoformat(d), EARLY) for a, r, s, d in known], ACCOUNTS)


def days(spark: SparkSession, frame: DataFrame, within: dq.Window, directory: DataFrame | None = None) -> dict:
    found = user_days(clicks=frame, directory_users=directory, accounts=accounts(spark), window=within).collect()
    return {(row.user_id, row.day.isoformat()): row for row in found}


OCTOBER = window("2026-10-01", "2026-10-31")


@pytest.mark.parametrize(("second", "sessions", "seconds"), [("10:29:59", 1, 1799), ("10:30:00", 2, 0)])
def test_a_session_ends_after_thirty_minutes_without_an_event(
    spark: SparkSession, second: str, sessions: int, seconds: int
) -> None:
    row = days(spark, clicks(spark, ("u", "2026-10-05 10:00:00"), ("u", f"2026-10-05 {second}")), OCTOBER)
    assert (row["u", "2026-10-05"].sessions, row["u", "2026-10-05"].active_seconds) == (sessions, seconds)


def test_a_session_over_midnight_counts_on_the_day_it_began_and_its_time_on_both(spark: SparkSession) -> None:
    night = clicks(
        spark, ("u", "2026-10-05 23:50:00"), ("u", "2026-10-06 00:10:00"), ("u", "2026-10-06 00:15:00"),
        ("v", "2026-10-06 00:00:00"), ("v", "2026-10-06 00:00:20"),
    )  # fmt: skip
    found = {key: (row.sessions, row.active_seconds) for key, row in days(spark, night, OCTOBER).items()}
    assert found == {
        ("u", "2026-10-05"): (1, 600),
        ("u", "2026-10-06"): (0, 900),
        ("v", "2026-10-06"): (1, 20),
    }


def test_a_month_begins_with_sessions_that_were_running_and_publishes_no_day_before_it(spark: SparkSession) -> None:
    night = clicks(spark, ("u", "2026-09-30 23:58:00"), ("u", "2026-10-01 00:02:00"), ("v", "2026-09-30 12:00:00"))
    assert {key: (row.sessions, row.active_seconds) for key, row in days(spark, night, OCTOBER).items()} == {
        ("u", "2026-10-01"): (0, 120)
    }


def test_a_month_ends_with_the_time_before_its_midnight_of_sessions_that_run_on(spark: SparkSession) -> None:
    night = clicks(
        spark, ("u", "2026-10-31 23:58:00"), ("u", "2026-11-01 00:07:00"), ("u", "2026-11-01 00:09:00"),
        ("v", "2026-10-31 23:50:00"), ("v", "2026-11-01 00:20:00"), ("w", "2026-11-01 00:00:00"),
    )  # fmt: skip
    assert {
        key: (row.sessions, row.active_seconds, row.events) for key, row in days(spark, night, OCTOBER).items()
    } == {
        ("u", "2026-10-31"): (1, 120, 1),
        ("v", "2026-10-31"): (1, 0, 1),
    }


def test_events_are_counted_by_kind_and_hour_and_half_seconds_are_not_rounded_up(spark: SparkSession) -> None:
    frame = clicks(
        spark, ("u", "2026-10-05 00:00:00", "session_start"), ("u", "2026-10-05 00:00:01.6", "click"),
        ("u", "2026-10-05 23:59:59", "feature_use"),
    )  # fmt: skip
    row = days(spark, frame, OCTOBER)["u", "2026-10-05"]
    assert (row.events, row.page_views, row.clicks, row.feature_uses, row.active_seconds) == (3, 0, 1, 1, 1)
    assert (row.events_by_hour[0], row.events_by_hour[23], sum(row.events_by_hour)) == (2, 1, 3)


def test_a_user_the_directory_does_not_list_that_day_is_unallocated_and_keeps_the_account(spark: SparkSession) -> None:
    frame = clicks(spark, ("u", "2026-10-05 10:00:00"), ("u", "2026-10-06 10:00:00"))
    listed = (date(2026, 10, 5), "u", "a", "sales", EARLY)
    newer = (date(2026, 10, 5), "u", "a", "finance", EARLY + timedelta(hours=1))
    directory = spark.createDataFrame([newer, listed], DIRECTORY)
    found = days(spark, frame, OCTOBER, directory)
    assert [(row.account_id, row.department, row.region) for row in found.values()] in (
        [("a", "finance", "eu"), ("a", "unallocated", "eu")],
        [("a", "unallocated", "eu"), ("a", "finance", "eu")],
    )
    assert {row.department for row in days(spark, frame, OCTOBER).values()} == {"unallocated"}
    unknown = user_days(
        clicks=frame, directory_users=None, accounts=accounts(spark, ("b", "eu", "small", "2026-01-01")), window=OCTOBER
    )
    assert {(row.region, row.segment) for row in unknown.collect()} == {("unallocated", "unallocated")}


UNITS = (
    "day date, user_id string, account_id string, department string, region string, segment string, events bigint, "
    "page_views bigint, clicks bigint, feature_uses bigint, sessions bigint, active_seconds bigint, "
    "events_by_hour array<bigint>"
)


def units(spark: SparkSession, *rows: tuple[str, str] | tuple[str, str, str]) -> DataFrame:
    """User days of a user on a day, in a department; each with 4 events, one session and 100 seconds."""
    profile = [4] + [0] * 23
    made = [
        (date.fromisoformat(day), user, "a", more[0] if more else "sales", "eu", "small", 4, 2, 1, 0, 1, 100, profile)
        for user, day, *more in rows
    ]
    return spark.createDataFrame(made, UNITS)


def daily(spark: SparkSession, frame: DataFrame, within: dq.Window) -> dict:
    rows = engagement_daily(units=frame, accounts=accounts(spark), window=within).collect()
    return {(row.day.isoformat(), row.department): row for row in rows}


def test_active_users_of_week_and_month_grow_over_days_on_which_nobody_comes(spark: SparkSession) -> None:
    # The 1st of October 2026 is a Thursday; its week begins on Monday the 28th of September.
    every_day = [("keeper", f"2026-{day}", "it") for day in ("09-28", "09-29", "09-30")]
    every_day += [("keeper", f"2026-10-{day:02}", "it") for day in range(1, 7)]
    frame = units(
        spark, *every_day, ("u", "2026-09-29"), ("u", "2026-10-01"), ("v", "2026-10-01"), ("u", "2026-10-02"),
        ("w", "2026-10-05"),
    )  # fmt: skip
    found = daily(spark, frame, window("2026-10-01", "2026-10-06"))
    sales = {day: (row.dau, row.wau, row.mau) for (day, department), row in found.items() if department == "sales"}
    assert sales == {
        "2026-10-01": (2, 2, 2),
        "2026-10-02": (1, 2, 2),
        "2026-10-03": (0, 2, 2),
        "2026-10-04": (0, 2, 2),
        "2026-10-05": (1, 1, 3),
        "2026-10-06": (0, 1, 3),
    }
    idle = found["2026-10-03", "sales"]
    assert (idle.active_seconds_per_daily_user, idle.active_seconds_per_daily_user_reason) == (None, "no_active_users")
    assert (idle.events, idle.region, sum(idle.events_by_hour)) == (0, "eu", 0)
    assert str(found["2026-10-01", "sales"].active_seconds_per_daily_user) == "100.000000"


def test_who_was_only_active_in_the_part_of_the_week_before_the_month_counts_for_the_week_and_not_the_month(
    spark: SparkSession,
) -> None:
    frame = units(spark, *[("u", f"2026-09-{day}") for day in (28, 29, 30)], ("v", "2026-10-01", "it"))
    first = daily(spark, frame, window("2026-10-01", "2026-10-01", end="2026-10-31"))["2026-10-01", "sales"]
    assert (first.dau, first.wau, first.mau) == (0, 1, 0)


def test_a_week_of_which_a_day_is_not_published_has_no_weekly_users(spark: SparkSession) -> None:
    frame = units(spark, *[("u", f"2026-10-{day:02}") for day in range(1, 7)])
    found = daily(spark, frame, window("2026-10-01", "2026-10-06"))
    assert {(row.wau, row.wau_reason) for day, row in found.items() if day[0] < "2026-10-05"} == {
        (None, "week_not_covered")
    }
    assert (found["2026-10-06", "sales"].wau, found["2026-10-06", "sales"].wau_reason) == (1, None)


def test_a_day_alone_says_what_the_whole_month_says_of_it(spark: SparkSession) -> None:
    frame = units(spark, *[("u", f"2026-10-{day:02}") for day in range(1, 13)], ("v", "2026-10-06"))
    whole = daily(spark, frame, window("2026-10-01", "2026-10-12"))
    alone = daily(spark, frame, window("2026-10-12", "2026-10-12"))
    assert alone == {key: row for key, row in whole.items() if key[0] == "2026-10-12"}
    assert (alone["2026-10-12", "sales"].wau, alone["2026-10-12", "sales"].mau) == (1, 2)


def investor(spark: SparkSession, frame: DataFrame, within: dq.Window, previous: DataFrame | None = None) -> dict:
    figures = engagement_daily(units=frame, accounts=accounts(spark), window=within)
    rows = investor_engagement(units=frame, daily=figures, previous=previous, window=within).collect()
    return {row.row_kind: row for row in rows}


def test_a_day_that_is_published_without_rows_belongs_to_its_week(spark: SparkSession) -> None:
    """Nobody came on Saturday the 10th, since the company was closed."""
    frame = units(spark, *[("u", f"2026-10-{day:02}") for day in (5, 6, 7, 8, 9, 11)])
    within = window("2026-10-05", "2026-10-11", end="2026-10-31")
    week = [date(2026, 10, day) for day in range(5, 12)]
    for published, expected in ((week, (1, None)), (week[:5] + week[6:], (None, "week_not_covered"))):
        figures = engagement_daily(units=frame, accounts=accounts(spark), window=within, published=published)
        total = investor_engagement(
            units=frame, daily=figures, previous=None, window=within, published=published
        ).where("row_kind = 'total'")
        sunday = figures.where("day = DATE'2026-10-11'")
        for row in (sunday.first(), total.first()):
            assert row is not None
            assert (row.wau, row.wau_reason) == expected


def test_the_company_counts_people_once_and_averages_anew(spark: SparkSession) -> None:
    frame = units(spark, *[("u", f"2026-10-{day:02}") for day in range(1, 32)], ("v", "2026-10-20"))
    elsewhere = units(spark, ("v", "2026-10-30")).selectExpr(
        *(f"'us' AS {name}" if name == "region" else name for name in UNITS_NAMES)
    )
    both = frame.unionByName(elsewhere)
    figures = engagement_daily(units=frame, accounts=accounts(spark), window=OCTOBER)
    abroad = engagement_daily(
        units=elsewhere, accounts=accounts(spark, ("a", "us", "small", "2026-01-01")), window=OCTOBER
    )
    rows = investor_engagement(units=both, daily=figures.unionByName(abroad), previous=None, window=OCTOBER).collect()
    found = {(row.row_kind, row.region): row for row in rows}
    assert {key: row.mau for key, row in found.items()} == {("cell", "eu"): 2, ("cell", "us"): 1, ("total", "total"): 2}
    total = found["total", "total"]
    assert (total.sessions, total.active_user_days, str(total.average_daily_active_seconds)) == (33, 33, "100.000000")
    # The last whole week of October 2026 ends on Sunday the 25th.
    assert (total.week_ends, total.wau, found["cell", "eu"].wau, found["cell", "us"].wau) == (
        date(2026, 10, 25),
        2,
        2,
        0,
    )
    assert (total.mau_change_ratio, total.mau_change_ratio_reason) == (None, "no_previous")


UNITS_NAMES = [item.strip().split(" ")[0] for item in UNITS.split(",")]


def test_the_month_is_compared_with_the_one_published_before(spark: SparkSession) -> None:
    september = units(spark, *[("u", f"2026-09-{day:02}") for day in range(1, 31)])
    month = window("2026-09-01", "2026-09-30")
    before = investor_engagement(
        units=september, daily=engagement_daily(units=september, accounts=accounts(spark), window=month),
        previous=None, window=month,
    )  # fmt: skip
    frame = units(spark, *[(user, "2026-10-05") for user in ("u", "v", "w")])
    total = investor(spark, frame, OCTOBER, before)["total"]
    assert (total.previous_period, total.previous_mau, str(total.mau_change_ratio)) == ("2026-09", 1, "2.000000")
    assert (total.previous_sessions, str(total.sessions_change_ratio)) == (30, "-0.900000")
    assert (total.wau, total.wau_reason) == (None, "week_not_covered")
    part = investor(spark, frame, window("2026-10-01", "2026-10-06", end="2026-10-31"))["total"]
    assert part.mau_change_ratio_reason == "unfinished_period"


def test_part_of_a_month_is_compared_with_the_same_first_days_of_the_one_before(spark: SparkSession) -> None:
    september = units(spark, ("u", "2026-09-01"), ("u", "2026-09-06"), ("v", "2026-09-05"), ("w", "2026-09-20"))
    whole = window("2026-09-01", "2026-09-30")
    part = window("2026-10-01", "2026-10-06", end="2026-10-31")
    frame = units(spark, *[(user, "2026-10-05") for user in ("u", "v", "w")])
    rows = investor_engagement(
        units=frame,
        daily=engagement_daily(units=frame, accounts=accounts(spark), window=part),
        previous=None,
        window=part,
        previous_units=september,
        previous_daily=engagement_daily(units=september, accounts=accounts(spark), window=whole),
    ).collect()
    for row in rows:
        assert (row.previous_period, row.previous_mau, row.previous_sessions) == ("2026-09", 2, 3)
        assert (str(row.mau_change_ratio), str(row.sessions_change_ratio)) == ("0.500000", "0.000000")
        assert str(row.previous_average_daily_active_seconds) == "100.000000"


@pytest.mark.parametrize(
    ("through", "monday"),
    [
        ("2026-10-31", "2026-10-19"),
        ("2026-10-25", "2026-10-19"),
        ("2026-10-24", "2026-10-12"),
        ("2026-10-01", "2026-09-21"),
    ],
)
def test_the_last_whole_week_is_the_one_whose_sunday_has_passed(through: str, monday: str) -> None:
    assert last_week(window("2026-10-01", through)).isoformat() == monday


def test_user_days_and_active_users_agree_with_a_plain_count(spark: SparkSession) -> None:
    draw = random.Random(7)  # noqa: S311 - test data
    start = datetime(2026, 9, 27, tzinfo=UTC)
    events = sorted(
        (draw.choice("uvwxyz"), start + timedelta(minutes=draw.randrange(0, 16 * 24 * 60, 4))) for _ in range(900)
    )
    frame = clicks(spark, *((user, moment.isoformat()[:19]) for user, moment in events))
    sessions, seconds, people = oracle(events)
    # Cut at the month's beginning, with the day before it to look back to, as a run reads it.
    within = window("2026-10-01", "2026-10-12")
    seen = frame.where("event_date BETWEEN DATE'2026-09-30' AND DATE'2026-10-12'")
    found = days(spark, seen, within)
    expected = {key for key in people if date(2026, 10, 1) <= key[1] <= date(2026, 10, 12)}
    assert {(user, date.fromisoformat(day)) for user, day in found} == expected
    for user, day in expected:
        row = found[user, day.isoformat()]
        assert (row.sessions, row.events) == (sessions[user, day], people[user, day])
        if day < date(2026, 10, 12):
            assert row.active_seconds == seconds[user, day]
    history = user_days(
        clicks=frame, directory_users=None, accounts=accounts(spark), window=window("2026-09-28", "2026-10-12")
    )
    for (day, _), row in daily(spark, history, within).items():
        on = date.fromisoformat(day)
        monday, first = on - timedelta(days=on.weekday()), on.replace(day=1)
        assert row.dau == len({user for user, at in people if at == on})
        assert row.wau == len({user for user, at in people if monday <= at <= on})
        assert row.mau == len({user for user, at in people if first <= at <= on})


def oracle(events: Sequence[tuple[str, datetime]]) -> tuple[dict, dict, dict]:
    """Sessions begun, seconds elapsed and events per user and day, one event after the other."""
    sessions, seconds, people = defaultdict(int), defaultdict(int), defaultdict(int)
    for user in {user for user, _ in events}:
        before = None
        for moment in sorted(at for who, at in events if who == user):
            people[user, moment.date()] += 1
            if before is None or moment - before >= timedelta(minutes=30):
                sessions[user, moment.date()] += 1
            else:
                second = before
                while second < moment:
                    seconds[user, second.date()] += 1
                    second += timedelta(seconds=1)
            before = moment
    return sessions, seconds, people
