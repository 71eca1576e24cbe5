"""References to other tables, distinct counts made anew, and the key that holds the most rows."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from custom_checks import check, counted_jobs, evaluate, frame, rows, tables
from pyspark.sql import DataFrame, SparkSession

from dq.base.model import Check, CheckResult, Json, Outcome
from dq.checks.evaluation import evaluate_custom
from dq.checks.heavy_keys import THRESHOLD, advice, split_by_spark
from dq.engine.dataset import Dataset

LINES = "account_id string, amount decimal(18,2)"
REFERS = {"columns": ["account_id"], "other": "accounts", "other_columns": ["id"]}


def accounts(spark: SparkSession) -> DataFrame:
    return frame(spark, "id string, status string", ("a", "active"), ("a", "active"), ("b", "closed"))


def test_rows_that_refer_to_a_row_elsewhere_pass_and_its_repetitions_multiply_nothing(spark: SparkSession) -> None:
    lines = frame(spark, LINES, ("a", Decimal(1)), ("a", Decimal(2)), ("b", Decimal(3)), (None, Decimal(4)))
    result = evaluate(lines, check("expect_values_to_refer_to", **REFERS), tables(accounts=accounts(spark)))
    assert (result.outcome, result.observed) == (Outcome.PASSED, "every account_id of 3 rows is in accounts")


def test_orphans_are_counted_and_valued_and_named_only_where_the_suite_shows_them(spark: SparkSession) -> None:
    lines = frame(spark, LINES, ("a", Decimal(1)), ("x", Decimal("2.50")), ("x", Decimal(-1)), ("y", Decimal(3)))
    one = check("expect_values_to_refer_to", **REFERS, amount="amount")
    result = evaluate(lines, one, tables(accounts=accounts(spark)))
    assert result.outcome is Outcome.FAILED
    assert result.observed == (
        "3 of 4 rows (75%) have no row of accounts for their account_id (2 different), worth 4.50 of amount"
    )
    assert result.measures == {"element_count": 4, "unexpected_count": 3, "keys": 2, "off_by": "4.50"}
    assert result.rows == []


@pytest.mark.parametrize(
    ("limits", "outcome"),
    [
        ({"max_share": 0.75}, Outcome.PASSED),
        ({"max_share": 0.74}, Outcome.FAILED),
        ({"max_share": 1, "amount": "amount", "max_amount": "4.50"}, Outcome.PASSED),
        ({"max_share": 1, "amount": "amount", "max_amount": "4.49"}, Outcome.FAILED),
        ({"other_condition": "status = 'active'", "max_share": 0.75}, Outcome.FAILED),
        ({"row_condition": "amount > 2.6"}, Outcome.FAILED),
        ({"row_condition": "amount = 1"}, Outcome.PASSED),
    ],
)
def test_a_share_and_an_amount_may_be_allowed(spark: SparkSession, limits: dict[str, object], outcome: Outcome) -> None:
    lines = frame(spark, LINES, ("b", Decimal(1)), ("x", Decimal("2.50")), ("x", Decimal(-1)), ("y", Decimal(3)))
    one = check("expect_values_to_refer_to", **REFERS, **limits)
    assert evaluate(lines, one, tables(accounts=accounts(spark))).outcome is outcome


def test_references_of_no_rows_and_of_only_nulls_cannot_be_judged(spark: SparkSession) -> None:
    for lines in (frame(spark, LINES), frame(spark, LINES, (None, Decimal(1)))):
        result = evaluate(lines, check("expect_values_to_refer_to", **REFERS), tables(accounts=accounts(spark)))
        assert (result.outcome, "no row has a value of account_id to judge" in result.reason) == (Outcome.ERRORED, True)


def test_a_row_is_wrong_only_where_the_part_of_its_key_that_must_be_known_is_found(spark: SparkSession) -> None:
    clicks = frame(
        spark, "user string, account string",
        ("u", "a"), ("u", "b"), ("u", "b"), ("v", "b"), ("stranger", "a"), ("w", None), (None, "a"),
    )  # fmt: skip
    directory = frame(spark, "id string, of string", ("u", "a"), ("v", "a"), ("v", "b"), ("w", "a"))
    columns: dict[str, Json] = {"columns": ["user", "account"], "other": "d", "other_columns": ["id", "of"]}
    both = check("expect_values_to_refer_to", **columns)
    assert evaluate(clicks, both, tables(d=directory)).measures["unexpected_count"] == 3
    one = check("expect_values_to_refer_to", **columns, where_known=["user"], max_share=0.3)
    result = evaluate(clicks, one, tables(d=directory))
    assert (result.outcome, result.measures["unexpected_count"], result.measures["keys"]) == (Outcome.FAILED, 2, 1)
    assert result.observed.startswith("2 of 5 rows (40%) have no row of d for their user, account (1 different)")
    for known in (["account", "user"], ["other"]):
        wrong = check("expect_values_to_refer_to", **columns, where_known=known)
        assert "where_known is not a part of columns" in evaluate(clicks, wrong, tables(d=directory)).reason


UNITS = "day date, region string, user_id string"
CELLS = "day date, region string, users bigint"
COUNTED = {"column": "users", "other": "units", "other_column": "user_id", "by": ["day", "region"]}


def day(number: int) -> date:
    return date(2026, 10, number)


def units(spark: SparkSession) -> DataFrame:
    # The 1st of October 2026 is a Thursday, the 5th a Monday.
    return frame(
        spark, UNITS, (day(1), "eu", "u"), (day(1), "eu", "u"), (day(1), "eu", "v"), (day(2), "eu", "u"),
        (day(5), "eu", "w"), (day(5), None, "x"),
    )  # fmt: skip


def test_distinct_users_are_counted_anew_for_every_group_also_the_one_under_null(spark: SparkSession) -> None:
    cells = frame(
        spark, CELLS, (day(1), "eu", 2), (day(2), "eu", 1), (day(3), "eu", 0), (day(5), "eu", 1), (day(5), None, 1)
    )
    result = evaluate(cells, check("expect_distinct_counts_to_match", **COUNTED), tables(units=units(spark)))
    assert (result.outcome, result.observed) == (Outcome.PASSED, "users of 5 groups is what units counts anew")


def test_counts_so_far_grow_over_the_week_and_the_month_and_begin_anew_with_the_next(spark: SparkSession) -> None:
    cells = frame(
        spark, CELLS, (day(1), "eu", 2), (day(2), "eu", 2), (day(5), "eu", 1), (day(6), "eu", 1), (day(5), None, 1)
    )
    week = check(
        "expect_distinct_counts_to_match",
        **{**COUNTED, "by": ["region"]},
        so_far="week",
        through="day",
        row_condition="region = 'eu'",
        other_condition="region = 'eu'",
    )
    assert evaluate(cells, week, tables(units=units(spark))).outcome is Outcome.PASSED
    month = check(week.type, **{**week.kwargs, "so_far": "month"})
    result = evaluate(cells, month, tables(units=units(spark)))
    assert result.outcome is Outcome.FAILED
    assert result.observed == "2 of 4 groups differ in users: group 1: 1, units 3; group 2: 1, units 3"
    assert result.measures["off_by"] == "4"


REASONED = "day date, region string, users bigint, reason string"
OF_WEEKS = check(
    "expect_distinct_counts_to_match",
    **{**COUNTED, "by": ["region"]},
    so_far="week",
    through="day",
    reason_column="reason",
    row_condition="region = 'eu'",
    other_condition="region = 'eu'",
)
WHY = "week_not_covered"


def of_weeks(spark: SparkSession, *cells: tuple[date, int | None, str | None]) -> CheckResult:
    data = [(day, "eu", users, reason) for day, users, reason in cells]
    return evaluate(frame(spark, REASONED, *data), OF_WEEKS, tables(units=units(spark)))


def test_a_count_may_lack_with_a_reason_exactly_where_a_day_of_its_week_does(spark: SparkSession) -> None:
    """Units begin on a Thursday, so that no day of that week is covered, and the Monday after it is."""
    right = of_weeks(spark, (day(1), None, WHY), (day(2), None, WHY), (day(5), 1, None), (day(6), None, WHY))
    assert (right.outcome, right.observed) == (Outcome.PASSED, "users of 1 groups is what units counts anew")
    said = "reason does not say in which week units lacks a day: "
    untrue = of_weeks(spark, (day(1), None, WHY), (day(5), None, WHY))
    assert (untrue.outcome, untrue.observed) == (Outcome.FAILED, f"{said}1 rows have one, though no day lacks")
    unsaid = of_weeks(spark, (day(2), 2, None), (day(5), 1, None))
    assert (unsaid.outcome, unsaid.observed) == (Outcome.FAILED, f"{said}1 rows have none, though a day lacks")
    assert untrue.measures == unsaid.measures | {"groups": 0}  # no size that a waiver could cover
    both = of_weeks(spark, (day(2), 2, WHY), (day(5), 1, None))
    assert (both.outcome, both.observed) == (Outcome.FAILED, f"{said}1 rows have one beside a count")
    silent = of_weeks(spark, (day(5), None, None))
    assert (silent.outcome, silent.observed) == (Outcome.FAILED, "users is NULL in 1 rows")


def test_without_a_week_that_is_covered_nothing_is_counted_and_without_rows_nothing_is_known(
    spark: SparkSession,
) -> None:
    early = of_weeks(spark, (day(1), None, WHY), (day(2), None, WHY))
    assert (early.outcome, early.reason) == (
        Outcome.NOT_RUN,
        "no users to count: units lacks a day of each week, as reason says of every row",
    )
    assert of_weeks(spark).outcome is Outcome.ERRORED
    others = frame(spark, REASONED, (day(1), "us", None, WHY))
    assert evaluate(others, OF_WEEKS, tables(units=units(spark))).outcome is Outcome.ERRORED


def test_a_lost_an_invented_and_a_missing_count_are_found(spark: SparkSession) -> None:
    one = check("expect_distinct_counts_to_match", **COUNTED)
    lost = frame(spark, CELLS, (day(1), "eu", 2), (day(2), "eu", 1), (day(5), "eu", 1))
    result = evaluate(lost, one, tables(units=units(spark)))
    assert [(row["ours"], row["theirs"]) for row in rows(result)] == [("none", "1")]
    invented = frame(
        spark, CELLS, (day(1), "eu", 2), (day(2), "eu", 1), (day(5), "eu", 1), (day(5), None, 1), (day(6), "eu", 3)
    )
    assert [(row["ours"], row["theirs"]) for row in rows(evaluate(invented, one, tables(units=units(spark))))] == [
        ("3", "none")
    ]
    unknown = frame(spark, CELLS, (day(1), "eu", None))
    assert evaluate(unknown, one, tables(units=units(spark))).observed == "users is NULL in 1 rows"
    nothing = evaluate(frame(spark, CELLS), one, tables(units=units(spark).limit(0)))
    assert nothing.outcome is Outcome.ERRORED


def test_a_key_with_too_many_rows_says_how_often_a_join_repeats_a_row(spark: SparkSession) -> None:
    one = check("expect_rows_per_key_to_be_at_most", column="account_id", max_rows=2)
    narrow = frame(spark, LINES, ("a", None), ("a", None), ("b", None))
    told = evaluate(narrow, one)
    assert (told.outcome, told.observed) == (
        Outcome.PASSED,
        "the heaviest account_id has 2 of 3 rows (allowed 2): joined, one row becomes as many",
    )
    wide = evaluate(narrow.unionByName(narrow.limit(1)), one)
    assert (wide.outcome, wide.measures["heaviest"]) == (Outcome.FAILED, 3)
    assert wide.observed.endswith("keep only the rows that are valid before it")
    assert evaluate(frame(spark, LINES), one).outcome is Outcome.ERRORED


@pytest.mark.parametrize(
    ("mebibytes", "share", "told"),
    [
        (64, 0.5, ""),
        (
            65,
            0.5,
            "so that a join splits its 65.0 MiB, set spark.sql.adaptive.skewJoin.skewedPartitionThresholdInBytes "
            "to 32m (now 256.0 MiB)",
        ),
        (300, 0.5, "a join splits its 300.0 MiB by itself, a grouping cannot"),
        (
            300,
            0.25,
            "so that a join splits its 300.0 MiB, set spark.sql.adaptive.skewJoin.skewedPartitionFactor to 1.8 "
            "(now 5.0)",
        ),
        (300, 1.0, "a join splits its 300.0 MiB by itself, a grouping cannot"),
    ],
)
def test_a_join_splits_a_heavy_key_with_the_settings_named(
    mebibytes: int, share: float, told: str, spark: SparkSession
) -> None:
    parts = 8
    assert split_by_spark(spark, mebibytes << 20, share, parts) == told


def test_the_size_of_a_heavy_key_is_its_share_of_the_files(spark: SparkSession) -> None:
    told = advice(spark, "id", Decimal("0.6"), 320 << 20)
    assert told.startswith("salt id by 2, which cuts it to an average partition of 2; ")
    assert f"a join splits its 192.0 MiB, set {THRESHOLD} to 96m" in told


def test_the_heaviest_key_is_named_with_the_setting_to_change(spark: SparkSession) -> None:
    one = check("expect_heaviest_key_share_to_be_at_most", column="account_id", max_share=0.5)
    light = frame(spark, LINES, ("a", None), ("a", None), ("b", None), (None, None))
    result = evaluate(light, one)
    assert (result.outcome, result.observed) == (
        Outcome.PASSED,
        "the heaviest account_id holds 2 of 4 rows (50%; allowed 50%)",
    )
    heavy = evaluate(light.unionByName(light.limit(1)), one)
    assert heavy.outcome is Outcome.FAILED
    # Three of five rows in two partitions: cut in two, the heaviest key is no larger than the mean partition.
    assert heavy.observed.endswith("salt account_id by 2, which cuts it to an average partition of 2")
    assert evaluate(frame(spark, LINES), one).outcome is Outcome.ERRORED
    nulls = frame(spark, LINES, (None, None), (None, None))
    assert evaluate(nulls, one).outcome is Outcome.FAILED


def test_what_is_asked_of_one_key_is_counted_once(spark: SparkSession) -> None:
    """Whether its values are known, what those are worth that are not, and which is too heavy are one grouping."""
    lines = frame(spark, LINES, ("a", Decimal(1)), ("a", Decimal(2)), ("b", Decimal(4)), (None, Decimal(8)))
    context = tables(accounts=frame(spark, "account_id string", ("a",)), others=frame(spark, "id string", ("b",)))
    refers: dict[str, Json] = {"columns": ["account_id"], "other": "accounts", "other_columns": ["account_id"]}
    checks = [
        check("expect_values_to_refer_to", check_id="known", **refers),
        check("expect_values_to_refer_to", check_id="few", **refers, max_share=0.5),
        check("expect_values_to_refer_to", check_id="cheap", **refers, amount="amount", max_amount="3.99"),
        check("expect_heaviest_key_share_to_be_at_most", check_id="heavy", column="account_id", max_share=0.4),
        check("expect_rows_per_key_to_be_at_most", check_id="many", column="account_id", max_rows=2),
    ]
    elsewhere = check(
        "expect_values_to_refer_to",
        check_id="elsewhere",
        **{**refers, "other": "others", "other_columns": ["id"]},
    )

    def evaluated(name: str, *some: Check) -> tuple[dict[str, CheckResult], int]:
        with counted_jobs(spark, f"one key: {name}") as counted:
            found = evaluate_custom(some, Dataset(name="figures", frame=lines), context)
        return found, counted.jobs

    alone = {one.check: evaluated(one.check, one) for one in (*checks, elsewhere)}
    together, jobs = evaluated("together", *checks)
    assert together == {one.check: alone[one.check][0][one.check] for one in checks}
    assert [together[one.check].outcome is Outcome.PASSED for one in checks] == [False, True, False, False, True]
    assert together["cheap"].observed == (
        "1 of 3 rows (33.3%) have no row of accounts for their account_id (1 different), worth 4.00 of amount "
        "(allowed 3.99 of amount)"
    )
    assert jobs == alone["known"][1]
    # Another table to look the same key up in is one join more, and no other count of the rows.
    both, jobs = evaluated("both", checks[0], elsewhere)
    assert both["elsewhere"] == alone["elsewhere"][0]["elsewhere"]
    assert jobs < alone["known"][1] + alone["elsewhere"][1]
