"""Engagement from events to investors: a clean month is published, and every seeded defect of usage is caught."""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from runs_support import FINAL, ROOT, Bench, Ran, hard_links
from stages import PROJECT

from demo import catalogue, defects
from demo.changes import some, without
from demo.defects import Defect
from dq import store
from dq.base.model import Kind, Outcome, Verdict

pytestmark = pytest.mark.run

MONTH = "2026-09"
RAVENSTACK = Path(os.environ.get("DQ_RAVENSTACK_DIR") or ROOT.parent / "shared" / "data" / "ravenstack")


@pytest.fixture(scope="module")
def september(company: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse in which September is published by the three pipelines."""
    from dq.cli.run import run_job

    warehouse = tmp_path_factory.mktemp("engagement") / "w"
    os.environ["DQ_DEMO_DIR"], os.environ["DQ_HOME"] = str(company), str(ROOT)
    for pipeline in ("user_days", "engagement_daily", "investor_engagement"):
        argv = ["--period", MONTH, "--as-of", FINAL[MONTH], "--warehouse", str(warehouse), "--no-docs"]
        assert run_job(pipeline, argv) == 0
    return warehouse


@pytest.fixture
def published(september: Path, bench: Bench) -> Bench:
    hard_links(september, bench.warehouse)
    return bench


def test_a_clean_month_is_published_without_an_alarm_and_traced_to_its_inputs(
    spark: SparkSession, published: Bench
) -> None:
    for pipeline, inputs in (
        ("user_days", ["clicks", "kafka_offsets", "directory_users", "accounts"]),
        ("engagement_daily", ["accounts", "user_days"]),
        ("investor_engagement", ["user_days", "engagement_daily"]),
    ):
        again = published.run(pipeline, MONTH)
        assert (again.code, again.record.verdict, again.record.kind) == (0, Verdict.PUBLISH, Kind.FINAL)
        assert again.record.already_published, "the same inputs again are no new version"
        assert again.record.spark_jobs <= 2, "what was delivered twice is looked for only where figures are computed"
        assert again.alarms_to_act_on == []
        assert [item.name for item in again.record.inputs] == inputs
    (upstream,) = (item for item in again.record.inputs if item.name == "engagement_daily")
    assert upstream.version == 1


def test_published_people_and_sessions_are_those_a_plain_count_of_the_events_gives(
    spark: SparkSession, published: Bench
) -> None:
    landed = spark.read.parquet(str(published.sources / "clicks"))
    events = {row.event_id: (row.user_id, row.event_time.timestamp()) for row in landed.collect()}
    days, sessions = plain_count(list(events.values()))
    users = {user for user, day in days if f"{day:%Y-%m}" == MONTH}
    last_week = {user for user, day in days if date(2026, 9, 21) <= day <= date(2026, 9, 27)}
    rows = published.published(spark, "investor_engagement", MONTH)
    (total,) = (row for row in rows if row["row_kind"] == "total")
    assert (total["mau"], total["wau"]) == (len(users), len(last_week))
    in_month = [key for key in days if f"{key[1]:%Y-%m}" == MONTH]
    assert total["active_user_days"] == len(in_month)
    assert total["sessions"] == sum(sessions[key] for key in in_month)
    seconds = sum(days[key] for key in in_month)
    midnight = datetime(2026, 10, 1, tzinfo=UTC).timestamp()
    until_midnight, _ = plain_count([event for event in events.values() if event[1] < midnight])
    assert total["active_seconds"] == seconds
    assert seconds > sum(until_midnight[key] for key in in_month), "some sessions run on into the month that follows"


def plain_count(events: list[tuple[str, float]]) -> tuple[dict, dict]:
    """Active seconds per user and day with an event, and the sessions begun then, one event after the other."""
    days: dict[tuple[str, date], float] = defaultdict(float)
    sessions: dict[tuple[str, date], int] = defaultdict(int)
    epoch = date(1970, 1, 1)
    by_user: dict[str, list[float]] = defaultdict(list)
    for user, at in events:
        by_user[user].append(at)
    for user, times in by_user.items():
        before = float("-inf")
        for at in sorted(times):
            day = epoch + timedelta(days=int(at // 86400))
            days[user, day] += 0
            if at - before >= 1800:
                sessions[user, day] += 1
            else:
                midnight = at // 86400 * 86400
                days[user, day] += at - max(before, midnight)
                if before < midnight:
                    days[user, day - timedelta(days=1)] += midnight - before
            before = at
    return days, sessions


def test_lost_months_to_look_back_and_ahead_to_are_found_and_a_source_that_begins_there_is_not_missed(
    published: Bench,
) -> None:
    for month in ("2026-09", "2026-11"):
        shutil.rmtree(published.sources / "clicks" / f"month={month}")
    ran = published.run("user_days", "2026-10")
    assert ran.code == 1
    assert ran.result("clicks.period.complete").observed == "no file for 2026-09, 2026-11"


def test_engagement_waits_for_its_user_days(bench: Bench) -> None:
    ran = bench.run("engagement_daily", MONTH)
    assert ran.code == 3
    assert "the upstream user_days has not published 2026-09-01 to 2026-09-30 (30 days)" in ran.out


@pytest.mark.skipif(not RAVENSTACK.is_dir(), reason="the outside company's files are not here (DQ_RAVENSTACK_DIR)")
def test_a_company_that_records_no_users_is_told_so_and_gets_no_figures(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DQ_RAVENSTACK_DIR", str(RAVENSTACK))
    sources = str(ROOT / "jobs" / "ravenstack.yml")
    ran = bench.run("user_days", "2024-03", "2024-04-01T02:00:00Z", "--sources", sources)
    assert (ran.code, ran.record.verdict, ran.record.version) == (3, Verdict.HOLD_NOT_EVALUATED, None)
    said = " ".join(ran.out.split())
    assert "user_days cannot be computed: it needs user_id of clicks, declared absent: usage is recorded per" in said


@pytest.mark.slow
def test_a_final_that_would_say_other_users_sessions_or_time_is_held_by_each_kind_of_total(
    spark: SparkSession, published: Bench
) -> None:
    gone = Defect(
        id="F15-gone",
        source="clicks",
        month=MONTH,
        title="the events of every tenth user turn out to be a test",
        change=without(some("user_id", 10)),
    )
    defects.apply(spark, published.sources, gone)
    defects.waive_finals(store.Warehouse(published.warehouse), PROJECT.bound["user_days"], MONTH)
    days = published.run("user_days", MONTH, "2026-10-06T06:00:00Z")
    assert days.code == 0, days.out
    units = published.run("engagement_daily", MONTH, "2026-10-06T06:00:00Z")
    assert (units.code, units.record.version) == (1, None)
    daily = ("final_daily_engagement_stands", "final_daily_active_time_stands", "final_daily_users_stand")
    assert set(daily) <= set(units.alarms)
    for check in daily:
        result = units.result(check)
        assert result.observed.startswith(f"{MONTH} ")
        # Users of several rows may be the same ones: their differences are counted and not added up with their signs.
        users = check == "final_daily_users_stand"
        assert ("restated by -" in result.observed) is not users
    defects.waive_finals(store.Warehouse(published.warehouse), PROJECT.bound["engagement_daily"], MONTH)
    daily_anew = published.run("engagement_daily", MONTH, "2026-10-06T06:00:00Z")
    assert daily_anew.code == 0, daily_anew.out
    held = published.run("investor_engagement", MONTH, "2026-10-06T07:00:00Z")
    assert (held.code, held.record.version) == (1, None)
    stands = {
        "final_engagement_stands",
        "final_active_time_stands",
        "final_active_users_stand",
        "final_company_users_stand",
    }
    assert stands <= set(held.alarms)
    assert "wau: published" in held.result("final_company_users_stand").observed
    assert "active_seconds: published" in held.result("final_active_time_stands").observed


@pytest.mark.slow
@pytest.mark.timeout(1_500)
def test_part_of_a_month_is_compared_with_the_same_first_days_of_the_last_final(
    spark: SparkSession, published: Bench
) -> None:
    """Also where that final was built on days before its month, which its last whole week may begin with."""
    assert published.run("user_days", "2026-08").code == 0
    assert published.run("investor_engagement", MONTH).record.version == 2
    as_of = "2026-10-11T06:00:00Z"
    for pipeline in ("user_days", "engagement_daily", "investor_engagement"):
        assert published.run(pipeline, "2026-10", as_of).code == 0
    (total,) = (r for r in published.published(spark, "investor_engagement", "2026-10") if r["row_kind"] == "total")
    days = [u for u in published.published(spark, "user_days", MONTH) if u["day"] <= date(2026, 9, 10)]  # type: ignore[operator]
    assert (total["previous_period"], total["previous_mau"]) == (MONTH, len({u["user_id"] for u in days}))
    assert total["previous_sessions"] == sum(u["sessions"] for u in days)  # type: ignore[misc]
    assert (total["mau_change_ratio_reason"], total["sessions_change_ratio_reason"]) == (None, None)


@pytest.mark.slow
@pytest.mark.parametrize("day", [1, 2, 3])
def test_the_first_days_of_a_month_are_published_without_an_alarm(published: Bench, day: int) -> None:
    """What needs days before it or hours after it is not judged yet."""
    as_of = f"2026-10-{day + 1:02}T0{{}}:00:00Z"
    for hour, pipeline in enumerate(("user_days", "engagement_daily", "investor_engagement"), 1):
        ran = published.run(pipeline, "2026-10", as_of.format(hour))
        assert ran.code == 0, ran.out
        assert ran.alarms_to_act_on == []


def test_the_first_days_of_a_company_are_published_without_a_whole_week(spark: SparkSession, bench: Bench) -> None:
    """October 2026 begins on a Thursday, and nothing is published of the days before."""
    for pipeline, check in (
        ("user_days", ""),
        ("engagement_daily", "wau_is_counted_from_user_days"),
        ("investor_engagement", "wau_of_the_company_is_counted_from_user_days"),
    ):
        ran = bench.run(pipeline, "2026-10", "2026-10-05T06:00:00Z")
        assert (ran.code, ran.record.verdict) == (0, Verdict.PUBLISH), ran.out
        if check:
            assert ran.result(check).outcome is Outcome.NOT_RUN
            reasons = {row["wau_reason"] for row in bench.published(spark, pipeline, "2026-10")}
            assert reasons == {"week_not_covered"}


# Defects that do not hide one another, so that one run finds them all.
TOGETHER = (
    "F01-directory_users-department",
    "F02-clicks-conflict",
    "F02-clicks-redelivered",
    "F04-clicks-stale",
    "F05-clicks-missing-day",
    "F08-clicks-late",
    "F08-clicks-very-late",
    "F09-clicks-1970",
    "F09-clicks-future",
    "F10-clicks-endless",
    "F10-clicks-gap",
    "F18-clicks-skewed",
    "F18-clicks-scripted",
    "F20-kafka_offsets-behind",
    "F20-kafka_offsets-dead",
    "F22-clicks-kind",
    "F23-clicks-few",
    "F23-clicks-accounts",
)


def caught(ran: Ran, defect: Defect) -> None:
    result = ran.result(defect.expected_check)
    assert (result.outcome, result.severity) == (Outcome.FAILED, defect.severity), (result.observed, result.reason)
    assert result.failure_class == defect.failure_class
    guidance = ran.record.guidance[result.check]
    assert guidance.runbook.startswith(("runbooks/engagement_daily/", "runbooks/all/"))
    assert guidance.owner == "Software Frontend Team"
    assert guidance.on_call


def test_many_defects_of_one_month_are_each_caught_by_the_check_of_its_class(spark: SparkSession, bench: Bench) -> None:
    planted = [catalogue.find(identifier, "2026-10") for identifier in TOGETHER]
    for defect in planted:
        defects.apply(spark, bench.sources, defect)
    ran = bench.run("user_days", "2026-10")
    assert (ran.code, ran.record.version) == (1, None)
    for defect in planted:
        caught(ran, defect)
