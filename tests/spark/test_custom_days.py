"""Freshness, complete days and declared feeds: what should have arrived, against what did."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from custom_checks import OCTOBER, check, counted_jobs, evaluate, frame, rows
from pyspark.sql import DataFrame, SparkSession

from dq.base.model import CheckResult, Json, Outcome
from dq.checks.evaluation import evaluate_custom
from dq.engine.dataset import Context, Dataset


def days(spark: SparkSession, *found: date | None) -> DataFrame:
    return frame(spark, "day date", *((day,) for day in found))


def instants(spark: SparkSession, *found: datetime | None) -> DataFrame:
    return frame(spark, "at timestamp", *((at,) for at in found))


def october(day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 10, 1, hour, minute, second, tzinfo=UTC) + timedelta(days=day - 1)


def fresh(column: str = "day", hours: float = 24, **kwargs: object) -> object:
    return check("expect_partition_to_be_fresh", column=column, max_age_hours=hours, **kwargs)  # type: ignore[arg-type]


def test_the_last_day_of_data_is_fresh(spark: SparkSession) -> None:
    result = evaluate(days(spark, date(2026, 10, 30), date(2026, 10, 31), date(2026, 10, 31)), fresh(hours=24))
    assert result.outcome is Outcome.PASSED
    assert result.observed == "newest day 2026-10-31 is 0 hours old and has 2 rows"
    assert result.measures["age_hours"] == "0"


@pytest.mark.parametrize(
    ("newest", "hours", "outcome"),
    [
        (date(2026, 10, 31), 24, Outcome.PASSED),
        (date(2026, 10, 30), 24.1, Outcome.PASSED),
        (date(2026, 10, 30), 24, Outcome.FAILED),  # silent for 24 hours: the level is reached
        (date(2026, 10, 30), 48, Outcome.PASSED),
        (date(2026, 10, 29), 48, Outcome.FAILED),
    ],
)
def test_a_date_ages_from_the_end_of_its_day(spark: SparkSession, newest: date, hours: float, outcome: Outcome) -> None:
    assert evaluate(days(spark, newest, date(2026, 10, 1)), fresh(hours=hours)).outcome is outcome


@pytest.mark.parametrize(
    ("newest", "outcome"),
    [(october(31, 2, 0, 1), Outcome.PASSED), (october(31, 2), Outcome.FAILED)],
)
def test_a_timestamp_ages_from_its_own_second_to_the_runs_clock(
    spark: SparkSession, newest: datetime, outcome: Outcome
) -> None:
    assert OCTOBER.as_of == october(32, 2)
    result = evaluate(instants(spark, newest, october(3)), fresh("at", 24, reference="as_of"))
    assert result.outcome is outcome


def test_the_age_is_the_same_whatever_zone_the_driver_is_in(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    time.tzset()
    try:
        result = evaluate(instants(spark, october(31, 20)), fresh("at", 24))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert result.measures["age_hours"] == "4"
    assert result.measures["newest_day"] == "2026-10-31"


def test_a_naive_timestamp_is_utc(spark: SparkSession) -> None:
    naive = instants(spark, october(31, 20)).selectExpr("cast(at as timestamp_ntz) as at")
    assert evaluate(naive, fresh("at", 24)).measures["age_hours"] == "4"


def test_a_day_from_the_future_proves_nothing(spark: SparkSession) -> None:
    result = evaluate(days(spark, date(2026, 10, 20), date(2026, 11, 3), date(2099, 1, 1)), fresh(hours=48))
    assert result.outcome is Outcome.FAILED
    assert result.measures["newest_day"] == "2026-10-20"
    assert result.observed.endswith("2 rows later than the reference instant do not count")
    only_future = evaluate(days(spark, date(2026, 11, 1)), fresh(hours=48))
    assert only_future.outcome is Outcome.FAILED


def test_the_future_of_the_same_day_does_not_hide_what_is_known(spark: SparkSession) -> None:
    result = evaluate(instants(spark, october(32, 1), october(32, 23)), fresh("at", 2, reference="as_of", min_rows=2))
    assert result.measures == {"future_rows": 1, "thin_days": 1}
    assert result.observed.startswith("no day of at has its rows; 2026-11-01 does not count with 1 rows, at least 2")
    assert result.outcome is Outcome.FAILED
    one = evaluate(instants(spark, october(32, 1), october(32, 23)), fresh("at", 2, reference="as_of"))
    assert one.measures == {"future_rows": 1, "newest_day": "2026-11-01", "age_hours": "1", "newest_rows": 1}


def test_the_day_that_has_begun_is_known_at_the_runs_clock(spark: SparkSession) -> None:
    result = evaluate(days(spark, date(2026, 11, 1)), fresh(hours=1, reference="as_of"))
    assert result.outcome is Outcome.PASSED
    assert result.measures["age_hours"] == "0"


def test_a_newest_day_with_too_few_rows_is_stale(spark: SparkSession) -> None:
    figures = days(spark, *[date(2026, 10, 30)] * 5, date(2026, 10, 31))
    assert evaluate(figures, fresh(min_rows=1)).outcome is Outcome.PASSED
    assert evaluate(figures, fresh(min_rows=2)).outcome is Outcome.FAILED


def a_week_of(rows: int, *newest: int) -> list[date]:
    """So many rows on each of the seven days before the newest ones, and on those the numbers given."""
    counts = [*[rows] * 7, *newest]
    return [date(2026, 10, 31) - timedelta(days=len(counts) - 1 - n) for n, of in enumerate(counts) for _ in range(of)]


@pytest.mark.parametrize(
    ("newest", "day", "outcome"),
    [
        ((20, 20), "2026-10-31", (Outcome.PASSED, Outcome.PASSED)),
        ((20, 4), "2026-10-31", (Outcome.PASSED, Outcome.PASSED)),  # a fifth of twenty is enough
        ((20, 3), "2026-10-30", (Outcome.FAILED, Outcome.PASSED)),
        ((3, 3), "2026-10-29", (Outcome.FAILED, Outcome.FAILED)),
    ],
)
def test_a_day_with_a_handful_of_rows_is_not_the_newest(
    spark: SparkSession, newest: tuple[int, int], day: str, outcome: tuple[Outcome, Outcome]
) -> None:
    figures = days(spark, *a_week_of(20, *newest))
    found = [evaluate(figures, fresh(hours=hours, min_share=0.2)) for hours in (24, 48)]
    assert tuple(one.outcome for one in found) == outcome
    assert {(one.measures["newest_day"], one.measures["metric"]) for one in found} == {(day, "20")}


def test_a_thin_day_is_told_with_what_is_usual(spark: SparkSession) -> None:
    result = evaluate(days(spark, *a_week_of(20, 1)), fresh(min_share=0.2, minimum_history=3))
    assert result.observed == (
        "newest day 2026-10-30 is 24 hours old and has 20 rows, usually 20 (median of 6 days); "
        "2026-10-31 does not count with 1 rows, usually 20 (median of 7 days)"
    )


def test_while_a_period_is_young_what_is_usual_is_what_published_periods_recorded(spark: SparkSession) -> None:
    young = days(spark, *[date(2026, 10, 30)] * 20, date(2026, 10, 31))
    past = Context(window=OCTOBER, history=lambda _: [Decimal(18), Decimal(22)])
    judged = evaluate(young, fresh(min_share=0.2), past)
    assert judged.outcome is Outcome.FAILED
    assert "usually 20 (median of published periods)" in judged.observed
    assert "metric" not in judged.measures  # what history said is no measure of this period
    unknown = evaluate(young, fresh(min_share=0.2), Context(window=OCTOBER))
    assert unknown.outcome is Outcome.PASSED
    assert unknown.observed.endswith("has 1 rows, with not enough history to say how many are usual")


def test_a_column_of_nothing_but_null_is_stale(spark: SparkSession) -> None:
    assert evaluate(days(spark, None, None), fresh()).outcome is Outcome.FAILED


def test_no_rows_are_stale_and_incomplete(spark: SparkSession) -> None:
    assert evaluate(days(spark), fresh()).outcome is Outcome.FAILED
    assert evaluate(days(spark), check("expect_days_to_be_complete", column="day")).outcome is Outcome.FAILED


def test_without_a_period_or_a_day_column_freshness_cannot_be_judged(spark: SparkSession) -> None:
    assert "no period" in evaluate(days(spark, date(2026, 10, 1)), fresh(), Context()).reason
    text = evaluate(frame(spark, "day string", ("2026-10-31",)), fresh())
    assert text.outcome is Outcome.ERRORED
    assert "expected a date or timestamp" in text.reason


COMPLETE = check("expect_days_to_be_complete", column="day")
ALL_DAYS = [date(2026, 10, 1) + timedelta(days=n) for n in range(31)]


def test_every_day_present_passes_also_for_timestamps(spark: SparkSession) -> None:
    assert evaluate(days(spark, *ALL_DAYS), COMPLETE).observed == "31 of 31 expected days are present"
    late = instants(spark, *(october(n, 23, 59, 59) for n in range(1, 32)))
    assert evaluate(late, check(COMPLETE.type, column="at")).outcome is Outcome.PASSED


def test_missing_days_are_named_with_neighbours_joined(spark: SparkSession) -> None:
    found = [day for day in ALL_DAYS if day.day not in (4, 10, 11, 12, 31)]
    result = evaluate(days(spark, *found, None), COMPLETE)
    assert result.outcome is Outcome.FAILED
    assert result.observed == ("5 of 31 expected days are missing: 2026-10-04, 2026-10-10 to 2026-10-12, 2026-10-31")
    assert result.measures == {"days_expected": 31, "unexpected_count": 5}
    assert rows(result)[0] == {"day": "2026-10-04", "rows": "0", "expected": "at least 1"}


def test_days_after_the_last_day_of_data_are_not_expected(spark: SparkSession) -> None:
    window = replace(OCTOBER, data_through=date(2026, 10, 5))
    result = evaluate(days(spark, *ALL_DAYS[:5]), COMPLETE, Context(window=window))
    assert result.observed == "5 of 5 expected days are present"


def test_days_are_expected_from_the_day_the_context_names(spark: SparkSession) -> None:
    window = replace(OCTOBER, start=date(2026, 10, 5), end=date(2026, 10, 5), data_through=date(2026, 10, 5))
    only_fifth = days(spark, date(2026, 10, 5))
    assert evaluate(only_fifth, COMPLETE, Context(window=window)).outcome is Outcome.PASSED
    month = Context(window=window, days_from=window.month_start)
    assert evaluate(only_fifth, COMPLETE, month).measures["unexpected_count"] == 4


def test_excepted_weekdays_and_days_are_not_expected(spark: SparkSession) -> None:
    working = [day for day in ALL_DAYS if day.weekday() < 5 and day.day != 12]
    kwargs = {"column": "day", "except_weekdays": ["saturday", "sunday"], "except_days": ["2026-10-12"]}
    assert evaluate(days(spark, *working), check(COMPLETE.type, **kwargs)).outcome is Outcome.PASSED  # type: ignore[arg-type]
    assert evaluate(days(spark, *working[1:]), check(COMPLETE.type, **kwargs)).outcome is Outcome.FAILED  # type: ignore[arg-type]


def test_days_that_may_be_missing_by_chance_are_named_and_pass(spark: SparkSession) -> None:
    found = [day for day in ALL_DAYS if day.day not in (4, 10)]
    result = evaluate(days(spark, *found), check(COMPLETE.type, column="day", max_missing=2))
    assert result.outcome is Outcome.PASSED
    assert result.observed == "2 of 31 expected days are missing: 2026-10-04, 2026-10-10 (allowed 2)"
    assert evaluate(days(spark, *found), check(COMPLETE.type, column="day", max_missing=1)).outcome is Outcome.FAILED


def test_a_window_without_an_expected_day_is_not_run(spark: SparkSession) -> None:
    window = replace(OCTOBER, start=date(2026, 10, 3), data_through=date(2026, 10, 4))
    weekend = check(COMPLETE.type, column="day", except_weekdays=["saturday", "sunday"])
    result = evaluate(days(spark, date(2026, 10, 3)), weekend, Context(window=window))
    assert (result.outcome, result.reason) == (Outcome.NOT_RUN, "no day of the window is expected")


def test_a_thin_day_is_incomplete(spark: SparkSession) -> None:
    result = evaluate(days(spark, *ALL_DAYS, *ALL_DAYS[1:]), check(COMPLETE.type, column="day", min_rows=2))
    assert result.observed == "2026-10-01 has 1 rows of at least 2"


def test_a_day_in_the_middle_with_a_handful_of_rows_is_incomplete(spark: SparkSession) -> None:
    full = [day for day in ALL_DAYS for _ in range(20) if day.day != 12]
    share = check(COMPLETE.type, column="day", min_share=0.2)
    for rows_of_the_day, outcome in ((3, Outcome.FAILED), (4, Outcome.PASSED)):
        figures = days(spark, *full, *[date(2026, 10, 12)] * rows_of_the_day)
        result = evaluate(figures, share)
        assert (result.outcome, result.measures["metric"]) == (outcome, "20")
        # The newest day is full, so that freshness finds nothing.
        assert evaluate(figures, fresh(min_share=0.2)).outcome is Outcome.PASSED
        assert evaluate(figures, COMPLETE).outcome is Outcome.PASSED
        if outcome is Outcome.FAILED:
            assert result.observed == "2026-10-12 has 3 rows of at least 4, usually 20 (median of 11 days)"
            assert rows(result)[0]["expected"] == "at least 4, usually 20 (median of 11 days)"


def test_a_thin_day_in_the_first_week_is_seen_by_the_days_after_it(spark: SparkSession) -> None:
    figures = days(spark, *[day for day in ALL_DAYS for _ in range(20) if day.day != 2], date(2026, 10, 2))
    result = evaluate(figures, check(COMPLETE.type, column="day", min_share=0.2))
    assert result.observed == "2026-10-02 has 1 rows of at least 4, usually 20 (median of 29 days)"


def test_days_that_may_be_short_by_chance_may_also_be_thin(spark: SparkSession) -> None:
    figures = days(spark, *[day for day in ALL_DAYS for _ in range(20) if day.day not in (5, 12)], date(2026, 10, 12))
    two = check(COMPLETE.type, column="day", min_share=0.2, max_missing=2)
    assert evaluate(figures, two).outcome is Outcome.PASSED
    one = check(COMPLETE.type, column="day", min_share=0.2, max_missing=1)
    assert evaluate(figures, one).observed.startswith("1 of 31 expected days are missing: 2026-10-05; 2026-10-12 has 1")


def test_only_rows_that_meet_the_condition_make_a_day_present(spark: SparkSession) -> None:
    weeks = [(date(2026, 10, 5), "week"), (date(2026, 10, 12), "week"), (date(2026, 10, 13), None)]
    days_ = [(day, "day") for day in ALL_DAYS if day.day not in (12, 13)]
    table = frame(spark, "day date, row_kind string", *days_, *weeks)
    assert evaluate(table, COMPLETE).outcome is Outcome.PASSED
    result = evaluate(table, check(COMPLETE.type, column="day", row_condition="row_kind = 'day'"))
    assert result.outcome is Outcome.FAILED
    assert result.observed == "2 of 31 expected days are missing: 2026-10-12 to 2026-10-13"


def test_checks_of_one_day_column_with_and_without_condition_do_not_share_their_count(spark: SparkSession) -> None:
    table = frame(spark, "day date, row_kind string", *((day, "week") for day in ALL_DAYS))
    checks = [COMPLETE, check(COMPLETE.type, check_id="of_days", column="day", row_condition="row_kind = 'day'")]
    results = evaluate_custom(checks, Dataset(name="figures", frame=table), Context(window=OCTOBER))
    assert (results["it"].outcome, results["of_days"].outcome) == (Outcome.PASSED, Outcome.FAILED)


def test_one_grouping_serves_all_checks_of_a_day_column(spark: SparkSession) -> None:
    figures = days(spark, *ALL_DAYS).coalesce(1)
    checks = [COMPLETE, check(COMPLETE.type, check_id="weekdays", column="day", except_weekdays=["sunday"])]
    with counted_jobs(spark, "days") as counted:
        results = evaluate_custom(checks, Dataset(name="figures", frame=figures), Context(window=OCTOBER))
    assert {result.outcome for result in results.values()} == {Outcome.PASSED}
    assert counted.jobs == 1  # one partition needs no exchange, whose stage would count as a job


FEEDS = check("expect_feeds_to_be_present", columns=["category", "provider"])
ENTRIES = "category string, provider string"


def feeds(*declared: dict[str, str]) -> Context:
    return Context(window=OCTOBER, feeds={"figures": declared})


def test_every_declared_feed_with_rows_passes_and_undeclared_ones_do_not_matter(spark: SparkSession) -> None:
    entries = frame(spark, ENTRIES, ("marketing", "adnet"), ("servers", "cloudco"), ("rent", "x"))
    declared = feeds({"category": "marketing", "provider": "adnet"}, {"category": "servers", "provider": "cloudco"})
    result = evaluate(entries, FEEDS, declared)
    assert (result.outcome, result.observed) == (Outcome.PASSED, "all 2 declared feeds have rows")


def test_a_silent_feed_fails_by_name_even_when_its_category_has_rows(spark: SparkSession) -> None:
    entries = frame(spark, ENTRIES, ("marketing", "adnet"), (None, None))
    declared = feeds({"category": "marketing", "provider": "adnet"}, {"category": "marketing", "provider": "mailer"})
    result = evaluate(entries, FEEDS, declared)
    assert result.outcome is Outcome.FAILED
    assert result.observed == "1 of 2 declared feeds have no rows: marketing / mailer"
    assert rows(result) == [{"feed": "marketing / mailer", "rows": "0"}]


@pytest.mark.parametrize(
    ("through", "outcome"),
    [(14, Outcome.NOT_RUN), (15, Outcome.FAILED), (31, Outcome.FAILED)],
)
def test_a_feed_is_expected_from_its_day_of_the_month(spark: SparkSession, through: int, outcome: Outcome) -> None:
    entries = frame(spark, ENTRIES, ("marketing", "adnet"))
    declared = {"figures": [{"category": "payroll", "provider": "office", "from_day": 15}]}
    window = replace(OCTOBER, data_through=date(2026, 10, through))
    assert evaluate(entries, FEEDS, Context(window=window, feeds=declared)).outcome is outcome


def test_a_feed_of_the_31st_is_due_on_the_last_day_of_a_shorter_month(spark: SparkSession) -> None:
    entries = frame(spark, ENTRIES, ("marketing", "adnet"))
    declared = {"figures": [{"category": "rent", "provider": "landlord", "from_day": 31}]}
    for through, outcome in ((27, Outcome.NOT_RUN), (28, Outcome.FAILED)):
        window = replace(OCTOBER, data_through=date(2027, 2, through))
        assert evaluate(entries, FEEDS, Context(window=window, feeds=declared)).outcome is outcome


def test_feeds_that_are_not_declared_or_lack_a_column_cannot_be_judged(spark: SparkSession) -> None:
    entries = frame(spark, ENTRIES, ("marketing", "adnet"))
    assert "no feeds are declared for figures" in evaluate(entries, FEEDS).reason
    assert "has no provider" in evaluate(entries, FEEDS, feeds({"category": "marketing"})).reason


def test_no_rows_and_all_null_rows_leave_every_feed_silent(spark: SparkSession) -> None:
    declared = feeds({"category": "marketing", "provider": "adnet"})
    for entries in (frame(spark, ENTRIES), frame(spark, ENTRIES, (None, None))):
        assert evaluate(entries, FEEDS, declared).outcome is Outcome.FAILED


REPORTING = check(FEEDS.type, columns=["provider"], day="day")
DAILY = {"figures": [{"provider": "adnet", "every_days": 1}, {"provider": "payroll", "from_day": 15}]}


def reports(spark: SparkSession, *found: tuple[str | None, date | None]) -> DataFrame:
    payroll = ("payroll", date(2026, 10, 15))
    return frame(spark, "provider string, day date", payroll, *found, *found)


def test_a_feed_that_reports_every_day_has_a_row_on_each(spark: SparkSession) -> None:
    entries = reports(spark, *(("adnet", day) for day in ALL_DAYS))
    result = evaluate(entries, REPORTING, Context(window=OCTOBER, feeds=DAILY))
    assert (result.outcome, result.observed) == (Outcome.PASSED, "all 2 declared feeds have rows")
    later = instants(spark, *(october(n, 23, 59) for n in range(1, 32))).selectExpr("'adnet' AS provider", "at AS day")
    only = {"figures": [DAILY["figures"][0]]}
    assert evaluate(later, REPORTING, Context(window=OCTOBER, feeds=only)).outcome is Outcome.PASSED


def test_a_feed_that_fell_silent_in_mid_month_fails_though_it_has_rows_and_another_goes_on(spark: SparkSession) -> None:
    going_on = [("searchads", day) for day in ALL_DAYS]
    entries = reports(
        spark, *going_on, *(("adnet", day) for day in ALL_DAYS[:2]), ("adnet", None), (None, ALL_DAYS[20])
    )
    result = evaluate(entries, REPORTING, Context(window=OCTOBER, feeds=DAILY))
    assert result.outcome is Outcome.FAILED
    assert result.observed == "1 of 2 declared feeds fell silent: adnet since 2026-10-03"
    assert rows(result) == [{"feed": "adnet", "rows": "none since 2026-10-03"}]
    assert result.measures == {"feeds": 2, "unexpected_count": 1}


def test_a_feed_that_came_back_is_told_with_the_days_between(spark: SparkSession) -> None:
    entries = reports(spark, *(("adnet", day) for day in ALL_DAYS if day.day not in (7, 20, 21)))
    given = Context(window=OCTOBER, feeds=DAILY)
    result = evaluate(entries, REPORTING, given)
    assert result.observed.endswith("adnet on 2026-10-07 and from 2026-10-20 to 2026-10-21")
    grace = [check(FEEDS.type, columns=["provider"], day="day", grace_days=days_) for days_ in (1, 2)]
    found = [evaluate(entries, one, given) for one in grace]
    assert [one.outcome for one in found] == [Outcome.FAILED, Outcome.PASSED]
    assert found[0].observed.endswith("adnet from 2026-10-20 to 2026-10-21")


def test_days_after_the_last_day_of_data_and_rows_without_a_day_are_no_report(spark: SparkSession) -> None:
    window = replace(OCTOBER, data_through=date(2026, 10, 20))
    given = Context(window=window, feeds=DAILY)
    until = [("adnet", day) for day in ALL_DAYS[:20]]
    assert evaluate(reports(spark, *until), REPORTING, given).outcome is Outcome.PASSED
    late = evaluate(reports(spark, *until[:-1], ("adnet", date(2026, 10, 21))), REPORTING, given)
    assert late.observed.endswith("adnet since 2026-10-20")
    nothing = evaluate(reports(spark, ("adnet", None)), REPORTING, given)
    assert nothing.observed == "1 of 2 declared feeds have no rows: adnet"


def test_silence_needs_a_day_to_be_judged_by(spark: SparkSession) -> None:
    entries = reports(spark, ("adnet", ALL_DAYS[0]))
    given = Context(window=OCTOBER, feeds=DAILY)
    assert "not by which day" in evaluate(entries, check(FEEDS.type, columns=["provider"]), given).reason
    assert "there is no column at" in evaluate(entries, check(FEEDS.type, columns=["provider"], day="at"), given).reason


def test_silence_of_many_feeds_is_found_in_the_one_scan_of_their_presence(spark: SparkSession) -> None:
    names = [f"p{n}" for n in range(15)]
    entries = reports(spark, *((name, day) for name in names for day in ALL_DAYS)).coalesce(1)
    given = Context(window=OCTOBER, feeds={"figures": [{"provider": name, "every_days": 1} for name in names]})
    close = check(FEEDS.type, check_id="close", columns=["provider"], day="day", grace_days=1)
    with counted_jobs(spark, "feeds") as counted:
        results = evaluate_custom([REPORTING, close], Dataset(name="figures", frame=entries), given)
    assert {result.outcome for result in results.values()} == {Outcome.PASSED}
    assert counted.jobs == 1


def test_a_day_on_which_nothing_is_expected_makes_nothing_stale_nor_a_feed_silent(spark: SparkSession) -> None:
    """31 October 2026 is a Saturday: a company that is closed then has nothing newer than Friday."""
    working = [day for day in ALL_DAYS if day.weekday() != 5]
    fresh = {"column": "day", "max_age_hours": 24}
    closed: dict[str, Json] = {"except_weekdays": ["saturday"]}
    for kwargs, outcome in ((fresh, Outcome.FAILED), (fresh | closed, Outcome.PASSED)):
        assert evaluate(days(spark, *working), check("expect_partition_to_be_fresh", **kwargs)).outcome is outcome
    stale = evaluate(days(spark, *working[:-1]), check("expect_partition_to_be_fresh", **fresh | closed))
    assert (stale.outcome, stale.measures["age_hours"]) == (Outcome.FAILED, "24")

    def heard(found: list[date], every: int, **kwargs: Json) -> CheckResult:
        figures = frame(spark, "provider string, day date", *(("adnet", day) for day in found))
        given = Context(window=OCTOBER, feeds={"figures": [{"provider": "adnet", "every_days": every}]})
        present = check("expect_feeds_to_be_present", columns=["provider"], day="day", **kwargs)
        return evaluate(figures, present, given)

    assert heard(working, 1).outcome is Outcome.FAILED
    assert heard(working, 1, **closed).outcome is Outcome.PASSED
    assert "on 2026-10-13" in heard([day for day in working if day.day != 13], 1, **closed).observed
    # A feed of every week that is silent for three is not excused by the Saturdays between.
    assert heard([day for day in working if not 5 <= day.day <= 25], 7, **closed).outcome is Outcome.FAILED
