"""Events: late, on a wrong day, in sessions without an end, delivered twice; and their queue."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from custom_checks import OCTOBER, check, counted_jobs, evaluate, frame, rows
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from dq.base.model import Outcome
from dq.engine.dataset import Context, Dataset
from dq.judge.evaluate import evaluate as run_all
from dq.spark.hashes import Repeated

MIDNIGHT = datetime(2026, 10, 10, tzinfo=UTC)


def at(hours: float) -> datetime:
    return MIDNIGHT + timedelta(hours=hours)


ARRIVED = "event_time timestamp, received_at timestamp"
IN_TIME = {"event": "event_time", "arrival": "received_at", "within_hours": 24}


def test_rows_may_arrive_up_to_the_bound_and_so_many_of_them_later(spark: SparkSession) -> None:
    events = frame(spark, ARRIVED, (at(0), at(24)), (at(0), at(24.001)), (at(0), at(50)), (None, at(0)), (at(1), at(1)))
    result = evaluate(events, check("expect_rows_to_arrive_in_time", **IN_TIME, max_share=0.5))
    assert (result.outcome, result.measures) == (Outcome.PASSED, {"element_count": 4, "unexpected_count": 2})
    late = evaluate(events, check("expect_rows_to_arrive_in_time", **IN_TIME, max_share=0.49))
    assert late.outcome is Outcome.FAILED
    assert late.observed == (
        "2 of 4 rows arrived more than 24 hours after their event; the latest by 50 hours (allowed a share of 0.49)"
    )


@pytest.mark.parametrize("data", [[], [(None, None)]])
def test_lateness_of_no_row_and_of_only_nulls_cannot_be_judged(spark: SparkSession, data: list[object]) -> None:
    result = evaluate(frame(spark, ARRIVED, *data), check("expect_rows_to_arrive_in_time", **IN_TIME))
    assert (result.outcome, "no rows to judge" in result.reason) == (Outcome.ERRORED, True)


def test_a_timestamp_of_1970_or_of_the_future_is_not_on_its_day(spark: SparkSession) -> None:
    one = check("expect_instants_to_lie_on_their_day", column="event_time", day="day")
    schema = "event_time timestamp, day date"
    tenth = date(2026, 10, 10)
    good = frame(spark, schema, (at(0), tenth), (at(23.9999), tenth), (None, tenth))
    assert evaluate(good, one).observed == "none of 2 rows have their event_time on another day than day"
    bad = frame(spark, schema, (datetime(1970, 1, 1, tzinfo=UTC), tenth), (at(24), tenth), (at(5), tenth))
    result = evaluate(bad, one)
    assert result.outcome is Outcome.FAILED
    assert result.observed.endswith("on another day than day: 1 before it, 1 after it")
    assert evaluate(frame(spark, schema), one).outcome is Outcome.ERRORED
    assert evaluate(frame(spark, schema, (None, None)), one).outcome is Outcome.ERRORED


CLICKS = "user_id string, event_time timestamp, kind string"
ENDS = {"column": "kind", "closing": "end", "user": "user_id", "time": "event_time"}


def test_a_session_without_its_closing_event_is_counted_and_one_that_may_go_on_is_not(spark: SparkSession) -> None:
    last = datetime(2026, 10, 31, 23, 45, tzinfo=UTC)
    clicks = frame(
        spark, CLICKS,
        ("u", at(0), "start"), ("u", at(0.4), "end"),
        # Thirty minutes without an event: another session, of which the end was lost.
        ("u", at(0.9), "start"), ("u", at(1.2), "click"),
        ("v", at(0), "start"), ("v", at(0), "end"),
        ("w", last, "start"), (None, at(3), "start"), ("x", None, "start"),
    )  # fmt: skip
    result = evaluate(clicks, check("expect_sessions_to_end", **ENDS, max_share=0.3))
    assert (result.outcome, result.observed) == (
        Outcome.FAILED,
        "1 of 3 sessions end without end (allowed a share of 0.3)",
    )
    assert evaluate(clicks, check("expect_sessions_to_end", **ENDS, max_share=0.4)).outcome is Outcome.PASSED
    longer = check("expect_sessions_to_end", **ENDS, gap_minutes=31, max_share=0.4)
    assert evaluate(clicks, longer).measures["element_count"] == 2


def test_an_event_far_beyond_any_calendar_ends_its_session_like_any_other(spark: SparkSession) -> None:
    far = frame(spark, "user_id string, at bigint, kind string", ("u", 0, "end"), ("u", 2**63 - 1, "x"), ("v", 5, "x"))
    events = far.withColumn("event_time", F.timestamp_micros("at")).drop("at")
    one = check("expect_sessions_to_end", **ENDS, max_share=1)
    found = evaluate(events, one, Context())
    assert found.measures == {"element_count": 3, "unexpected_count": 2}


@pytest.mark.parametrize("gap", [1, 30, 90])
def test_sessions_are_those_found_by_going_through_the_events_of_each_user(spark: SparkSession, gap: int) -> None:
    drawn = random.Random(gap)  # noqa: S311 - test data, not a secret
    events = [
        (f"u{drawn.randrange(5)}", MIDNIGHT + timedelta(seconds=30 * drawn.randrange(8000)), drawn.choice(["x", "end"]))
        for _ in range(300)
    ]
    sessions, broken = 0, 0
    for user in {name for name, _, _ in events}:
        mine = sorted((when, kind == "end") for name, when, kind in events if name == user)
        for (when, closes), following in zip(mine, [*mine[1:], None], strict=True):
            if following is None or following[0] - when >= timedelta(minutes=gap):
                sessions += 1
                broken += not closes
    found = evaluate(frame(spark, CLICKS, *events), check("expect_sessions_to_end", **ENDS, gap_minutes=gap))
    assert found.measures == {"element_count": sessions, "unexpected_count": broken}


@pytest.mark.parametrize("data", [[], [(None, None, None)]])
def test_sessions_of_nobody_cannot_be_judged(spark: SparkSession, data: list[object]) -> None:
    assert evaluate(frame(spark, CLICKS, *data), check("expect_sessions_to_end", **ENDS)).outcome is Outcome.ERRORED


LANDED = "partition int, offset bigint, received_at timestamp"
OFFSETS = check("expect_offsets_to_be_contiguous", columns=["partition"], offset="offset", arrival="received_at")


def landed(spark: SparkSession, *offsets: tuple[int, int]) -> DataFrame:
    return frame(spark, LANDED, *((partition, offset, at(offset)) for partition, offset in offsets))


def test_offsets_without_a_gap_pass_whatever_was_delivered_before_and_after_the_period(spark: SparkSession) -> None:
    outside = frame(
        spark,
        LANDED,
        (0, 1, datetime(2026, 10, 2, 23, 59, tzinfo=UTC)),
        (0, 90, datetime(2026, 11, 1, tzinfo=UTC)),
    )
    result = evaluate(landed(spark, (0, 7), (0, 8), (0, 9), (1, 4)).unionByName(outside), OFFSETS)
    assert (result.outcome, result.observed) == (Outcome.PASSED, "4 offsets of 2 partitions have no gap")


def test_gaps_are_counted_per_partition_with_their_ranges_and_repetitions_hide_none(spark: SparkSession) -> None:
    result = evaluate(landed(spark, (0, 7), (0, 7), (0, 11), (0, 13), (1, 1), (1, 2)), OFFSETS)
    assert result.outcome is Outcome.FAILED
    assert result.observed == "4 offsets are missing in 1 partitions: 0: 8 to 10; 0: 12 to 12"
    assert rows(result)[0] == {"partition": "0", "first missing": "8", "last missing": "10"}
    # Sixty-four offsets share a number: across its borders, and below zero, they are counted one by one, too.
    wide = [(0, n) for n in range(-130, 200) if n not in (-65, -64, 0, 63, 64, 127)]
    assert evaluate(landed(spark, *wide, *wide[:70]), OFFSETS).measures["unexpected_count"] == 6
    allowed = check(OFFSETS.type, **OFFSETS.kwargs, max_missing=4)
    assert evaluate(landed(spark, (0, 7), (0, 12)), allowed).outcome is Outcome.PASSED


def test_offsets_that_are_no_whole_numbers_cannot_be_judged(spark: SparkSession) -> None:
    halves = landed(spark, (0, 1), (0, 2)).withColumn("offset", F.col("offset") / 2.0)
    result = evaluate(halves, OFFSETS)
    assert (result.outcome, "expected whole numbers" in result.reason) == (Outcome.ERRORED, True)
    exact = landed(spark, (0, 1), (0, 2)).withColumn("offset", F.col("offset").cast("decimal(20,0)"))
    assert evaluate(exact, OFFSETS).outcome is Outcome.PASSED


def test_offsets_of_a_period_younger_than_what_settles_them_are_not_judged(spark: SparkSession) -> None:
    gap = landed(spark, (0, 1), (0, 3))
    days = (OCTOBER.data_through - OCTOBER.start).days + 1
    for hours, outcome in ((days * 24, Outcome.NOT_RUN), (days * 24 + 24, Outcome.NOT_RUN), (24, Outcome.FAILED)):
        result = evaluate(gap, check(OFFSETS.type, **OFFSETS.kwargs, settle_hours=hours))
        assert (result.outcome, "hours old" in result.reason) == (outcome, outcome is Outcome.NOT_RUN)


@pytest.mark.parametrize("data", [[], [(None, None, None)]])
def test_offsets_that_never_landed_cannot_be_judged(spark: SparkSession, data: list[object]) -> None:
    result = evaluate(frame(spark, LANDED, *data), OFFSETS)
    assert (result.outcome, "no offset landed" in result.reason) == (Outcome.ERRORED, True)


SEEN = "partition int, at timestamp, end bigint, committed bigint"
LAG = check(
    "expect_consumer_lag_to_be_bounded",
    columns=["partition"],
    observed="at",
    end="end",
    committed="committed",
    max_hours=24,
)
END = datetime(2026, 10, 31, 23, tzinfo=UTC)


def seen(spark: SparkSession, *data: tuple[int, float, int | None, int | None]) -> DataFrame:
    return frame(spark, SEEN, *((p, END - timedelta(hours=h), end, done) for p, h, end, done in data))


def test_a_consumer_is_late_by_the_age_of_what_it_has_not_read_and_not_by_a_number_of_offsets(
    spark: SparkSession,
) -> None:
    quiet = seen(spark, (0, 100, 50, 50), (0, 23, 50, 50), (0, 22, 9_000, 50), (0, 0, 9_000, 50))
    result = evaluate(quiet, LAG)
    assert result.outcome is Outcome.PASSED
    assert result.observed == "all 1 partitions: at most 23 hours behind, newest observation at most 1 hours old"
    stuck = seen(spark, (0, 24, 50, 50), (0, 0, 51, 50), (1, 30, 5, 2), (1, 0, 6, 2), (2, 0, 7, 7))
    late = evaluate(stuck, LAG)
    assert late.outcome is Outcome.FAILED
    assert late.observed == (
        "2 of 3 partitions are too late: 0: 1 offsets, 24 hours behind, observed 1 hours before the end; "
        "1: 4 offsets, 30 hours behind, observed 1 hours before the end"
    )


def test_a_partition_that_is_no_longer_observed_is_late(spark: SparkSession) -> None:
    result = evaluate(seen(spark, (0, 0, 5, 5), (1, 23, 5, 5)), LAG)
    assert (result.outcome, result.measures["age_hours"]) == (Outcome.FAILED, 24)


@pytest.mark.parametrize("data", [[], [(0, 1, None, None)]])
def test_a_queue_nobody_observed_cannot_be_judged(
    spark: SparkSession, data: list[tuple[int, float, None, None]]
) -> None:
    assert evaluate(seen(spark, *data), LAG).outcome is Outcome.ERRORED


DELIVERED = "event_id string, kind string, offset bigint"
KEYS = {"columns": ["event_id"], "delivery": ["offset"]}
IDENTICAL = check("expect_repeated_keys_to_be_identical", **KEYS)


def test_the_same_row_delivered_again_is_no_conflict_and_is_counted(spark: SparkSession) -> None:
    twice = frame(spark, DELIVERED, ("a", None, 1), ("a", None, 2), ("a", None, 9), ("b", "click", 3), (None, "x", 4))
    assert evaluate(twice, IDENTICAL).observed == "no two different rows of 4 share event_id"
    counted = evaluate(twice, check("expect_redeliveries_to_be_rare", **KEYS, max_share=0.5))
    assert (counted.outcome, counted.measures["dropped"]) == (Outcome.PASSED, 2)
    assert counted.observed == "2 of 4 rows were delivered again and dropped (allowed a share of 0.5)"
    rare = check("expect_redeliveries_to_be_rare", **KEYS, max_share=0.4)
    assert evaluate(twice, rare).outcome is Outcome.FAILED


def test_another_row_under_the_same_key_is_a_conflict_also_where_a_value_is_missing(spark: SparkSession) -> None:
    conflict = frame(
        spark, DELIVERED, ("a", "click", 1), ("a", None, 2), ("a", "click", 3), ("b", "x", 1), ("b", "", 1)
    )
    result = evaluate(conflict, IDENTICAL)
    assert (result.outcome, result.observed) == (Outcome.FAILED, "4 different rows share 2 values of event_id")


def test_keys_that_share_a_hash_are_no_redelivery_of_one_another(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(F, "xxhash64", lambda *_: F.lit(7).cast("long"))
    events = frame(spark, DELIVERED, ("a", "x", 1), ("a", "x", 2), ("b", "x", 3), ("c", "y", 4), ("c", "z", 5))
    assert evaluate(events, IDENTICAL).observed == "2 different rows share 1 values of event_id"
    counted = evaluate(events, check("expect_redeliveries_to_be_rare", **KEYS, max_share=0.5))
    assert counted.measures["dropped"] == 1


def test_what_repeats_is_found_once_for_all_checks_of_a_key_and_ends_where_nothing_does(spark: SparkSession) -> None:
    checks = [IDENTICAL, check("expect_redeliveries_to_be_rare", check_id="rare", **KEYS, max_share=0.5)]
    once = frame(spark, DELIVERED, *((f"e{n}", "x", n) for n in range(50)))
    twice = once.union(frame(spark, DELIVERED, ("e1", "x", 51)))
    started = []
    for events in (once, twice):
        with counted_jobs(spark, f"repeats {len(started)}") as counted:
            results = run_all(checks, Dataset(name="d", frame=events), Context(window=OCTOBER))
        assert {result.outcome for result in results} == {Outcome.PASSED}
        started.append(counted.jobs)
    with counted_jobs(spark, "one check") as counted:
        run_all(checks[:1], Dataset(name="d", frame=once), Context(window=OCTOBER))
    assert counted.jobs == started[0] < started[1]


def test_what_was_found_when_a_source_was_read_with_more_days_is_used_for_the_rows_of_the_period(
    spark: SparkSession,
) -> None:
    period = frame(spark, DELIVERED, ("a", "x", 1), ("b", "x", 2), ("b", "x", 3))
    around = period.unionByName(frame(spark, DELIVERED, ("a", "x", 0), ("c", "x", 4), ("c", "y", 5)))
    checks = [IDENTICAL, check("expect_redeliveries_to_be_rare", check_id="rare", **KEYS, max_share=0)]
    plain = run_all(checks, Dataset(name="d", frame=period), Context(window=OCTOBER))
    known = Dataset(name="d", frame=period, repeated=Repeated(around, ["event_id"]))
    assert run_all(checks, known, Context(window=OCTOBER)) == plain
    other = Dataset(name="d", frame=period, repeated=Repeated(around, ["kind"]))
    assert run_all(checks, other, Context(window=OCTOBER)) == plain
    assert plain[1].measures["dropped"] == 1


def test_keys_without_one_hash_per_value_are_compared_by_value(spark: SparkSession) -> None:
    zeros = frame(spark, "event_id double, kind string, offset bigint", (0.0, "x", 1), (-0.0, "x", 2), (1.0, "x", 3))
    counted = evaluate(zeros, check("expect_redeliveries_to_be_rare", **KEYS, max_share=1))
    assert counted.measures["dropped"] == 1


def test_redeliveries_are_judged_by_the_share_of_earlier_periods(spark: SparkSession) -> None:
    one = check("expect_redeliveries_to_be_rare", **KEYS, high=3, minimum_history=2)
    twice = frame(spark, DELIVERED, ("a", "x", 1), ("a", "x", 2), ("b", "x", 3), ("b", "x", 4))

    def judged(*past: str) -> tuple[Outcome, str]:
        context = Context(window=OCTOBER, history=lambda _: [Decimal(value) for value in past])
        result = evaluate(twice, one, context)
        return result.outcome, result.reason or result.observed

    assert judged("0.2") == (Outcome.NOT_RUN, "not enough history: 1 of 2 published periods")
    assert judged("0.2", "0.2")[0] is Outcome.PASSED
    outcome, said = judged("0.15", "0.15")
    assert outcome is Outcome.FAILED
    assert "a share of 0.5, usual at most 0.45 (of 2 published periods)" in said
    assert judged(*["0.5"] * 9, *["0.15"] * 12)[0] is Outcome.FAILED  # only the last twelve periods count


def test_a_single_redelivery_after_spotless_periods_is_no_trend(spark: SparkSession) -> None:
    one = check("expect_redeliveries_to_be_rare", **KEYS, high=3)
    context = Context(window=OCTOBER, history=lambda _: [Decimal(0)] * 3)
    single = frame(spark, DELIVERED, ("a", "x", 1), ("a", "x", 2), ("b", "x", 3), ("c", "x", 4))
    assert evaluate(single, one, context).outcome is Outcome.PASSED
    more = single.unionByName(frame(spark, DELIVERED, ("b", "x", 5)))
    assert evaluate(more, one, context).outcome is Outcome.FAILED


@pytest.mark.parametrize("data", [[], [(None, "x", 1), (None, "x", 2)]])
def test_repetitions_of_no_key_cannot_be_judged(spark: SparkSession, data: list[object]) -> None:
    for one in (IDENTICAL, check("expect_redeliveries_to_be_rare", **KEYS, max_share=1)):
        assert evaluate(frame(spark, DELIVERED, *data), one).outcome is Outcome.ERRORED
