"""A row condition that keeps no row leaves nothing to judge: that could not be evaluated, and is no pass."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from custom_checks import OCTOBER
from gx_oracle import comparable, oracle
from pyspark.sql import DataFrame, SparkSession
from validate_examples import OURS, THEIRS, all_null, full

import dq
from dq.base.model import Check, CheckResult, Outcome, Verdict
from dq.engine.dataset import Context, Dataset
from dq.engine.native_types import COUNTING_ROWS, EVERY_ROW, NATIVE_TYPES
from dq.judge.evaluate import evaluate

# Great Expectations announces what a later version will remove.
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("quiet_gx")]

NOTHING = "region = 'eu'"
TOTALS: dict[str, Any] = {"other": "books", "row_condition": NOTHING}


@pytest.fixture(scope="module")
def frame(spark: SparkSession) -> DataFrame:
    return full(spark)


def _check(name: str, kwargs: dict[str, Any], **over: Any) -> Check:
    return Check(check=over.pop("check", name), dataset="d", type=name, kwargs=kwargs, **over)


def _takes_a_condition(name: str) -> bool:
    required, optional = NATIVE_TYPES[name]
    return "row_condition" in required | optional


def _one(frame: DataFrame, one: Check, **over: Any) -> CheckResult:
    return evaluate([one], Dataset(name="d", frame=frame, **over), Context(window=OCTOBER))[0]


def test_no_type_of_great_expectations_passes_where_its_condition_keeps_no_row(frame: DataFrame) -> None:
    examples = dict([*OURS, *THEIRS])
    checks = [
        _check(name, {**{k: v for k, v in kwargs.items() if k != "condition_parser"}, "row_condition": NOTHING})
        for name, kwargs in examples.items()
        if _takes_a_condition(name)
    ]
    assert len(checks) > 35
    found = evaluate(checks, Dataset(name="d", frame=frame), Context())
    for one, result in zip(checks, found, strict=True):
        if one.type in COUNTING_ROWS:
            assert result.measures == {"row_count": 0}
        else:
            assert result.outcome is Outcome.ERRORED, (one.type, result)
            assert result.reason == "none of 6 rows meets its row condition, so nothing was judged"


def test_a_condition_in_the_language_of_great_expectations_is_counted_by_it(frame: DataFrame) -> None:
    def asked(condition: str) -> Check:
        kwargs = {"column": "id", "row_condition": condition, "condition_parser": "great_expectations"}
        return _check("expect_column_values_to_not_be_null", kwargs, check=condition)

    checks = [asked('col("id") > 1'), asked('col("id") > 100'), replace(asked('col("id") > 200'), may_be_empty=True)]
    found = evaluate(checks, Dataset(name="d", frame=frame), Context())
    assert [result.outcome for result in found] == [Outcome.PASSED, Outcome.ERRORED, Outcome.NOT_RUN]


def test_rows_that_may_be_none_leave_the_check_not_run(frame: DataFrame) -> None:
    one = _check("expect_column_values_to_not_be_null", {"column": "id", "row_condition": NOTHING}, may_be_empty=True)
    result = _one(frame, one)
    assert (result.outcome, result.reason) == (Outcome.NOT_RUN, "none of 6 rows meets its condition, which is allowed")
    kept = replace(one, kwargs={"column": "id", "row_condition": "region = 'EU'"})
    assert _one(frame, kept).outcome is Outcome.PASSED


@pytest.mark.run
@pytest.mark.parametrize("condition", ["", "id IS NULL"])
def test_no_type_of_great_expectations_passes_where_nulls_leave_nothing(spark: SparkSession, condition: str) -> None:
    given = [(name, kwargs) for name, kwargs in [*OURS, *THEIRS] if name not in EVERY_ROW]
    checks = [
        _check(name, {**kwargs, **({"row_condition": condition} if condition and _takes_a_condition(name) else {})})
        for name, kwargs in given
        # Compared as they are, two NULLs are two values.
        if kwargs.get("ignore_row_if") not in ("neither", "never")
    ]
    found = evaluate(checks, Dataset(name="d", frame=all_null(spark)), Context())
    assert len(found) > 30
    assert [(one.type, one.kwargs) for one in found if one.outcome is Outcome.PASSED] == []
    for one in found:
        if one.outcome is Outcome.ERRORED and one.reason.startswith("none of 3 rows"):
            assert one.reason.endswith(", so nothing was judged")
    again = evaluate(
        [replace(one, may_be_empty=True) for one in checks], Dataset(name="d", frame=all_null(spark)), Context()
    )
    assert [
        one.type
        for one, before in zip(again, found, strict=True)
        if before.reason.startswith("none of 3") and one.outcome is not Outcome.NOT_RUN
    ] == []


BETWEEN: dict[str, Any] = {"column": "amount", "min_value": 0}
PAIR: dict[str, Any] = {"column_A": "a", "column_B": "b"}


@pytest.mark.parametrize(
    ("name", "kwargs", "said"),
    [
        ("expect_column_values_to_be_between", BETWEEN, "none of 3 rows has a value of amount"),
        (
            "expect_column_values_to_be_between",
            {**BETWEEN, "row_condition": "region IS NULL"},
            "none of 3 rows that meet its row condition has a value of amount",
        ),
        ("expect_column_values_to_be_unique", {"column": "id"}, "none of 3 rows has a value of id"),
        (
            "expect_column_distinct_values_to_be_in_set",
            {"column": "id", "value_set": [1]},
            "none of 3 rows has a value of id",
        ),
        ("expect_column_pair_values_to_be_equal", PAIR, "none of 3 rows is left to judge by NULL in a, b"),
        ("expect_column_values_to_be_json_parseable", {"column": "txt"}, "none of 3 rows has a value of txt"),
    ],
)
def test_what_nulls_leave_nothing_of_is_not_evaluated_unless_that_may_be(
    spark: SparkSession, name: str, kwargs: dict[str, Any], said: str
) -> None:
    nulls, one = all_null(spark), _check(name, kwargs)
    result = _one(nulls, one)
    assert (result.outcome, result.reason) == (Outcome.ERRORED, f"{said}, so nothing was judged")
    allowed = _one(nulls, replace(one, may_be_empty=True))
    assert (allowed.outcome, allowed.reason) == (Outcome.NOT_RUN, f"{said}, which is allowed")
    assert allowed.nothing_to_judge
    # That the dataset may have no row excuses none that it has.
    assert _one(nulls, one, may_be_empty=True).outcome is Outcome.ERRORED
    assert _one(nulls.limit(0), one, may_be_empty=True).outcome is Outcome.PASSED
    # Great Expectations passes it, and so does what answers in its name.
    assert dq.validate(nulls, {"name": "s", "expectations": [{"type": name, "kwargs": dict(kwargs)}]}).success is True


def test_nulls_that_may_leave_nothing_to_a_custom_type_leave_it_not_run(spark: SparkSession) -> None:
    kwargs: dict[str, Any] = {"other": "books", "columns": ["a"], "other_columns": ["a"]}
    one, context = _check("expect_values_to_refer_to", kwargs), Context(window=OCTOBER, tables={"books": full(spark)})
    for may_be_empty, outcome in ((False, Outcome.ERRORED), (True, Outcome.NOT_RUN)):
        found = evaluate(
            [replace(one, may_be_empty=may_be_empty)],
            Dataset(name="d", frame=all_null(spark), may_be_empty=True),
            context,
        )
        assert found[0].outcome is outcome, found
    assert found[0].reason == "no row has a value of a to judge, which is allowed"


@pytest.mark.parametrize("kwargs", [{}, {"condition_parser": "great_expectations"}])
def test_a_dataset_that_may_be_empty_excuses_no_mistyped_condition_over_its_rows(
    frame: DataFrame, kwargs: dict[str, Any]
) -> None:
    condition = 'col("id") > 100' if kwargs else NOTHING
    one = _check("expect_column_values_to_not_be_null", {"column": "id", "row_condition": condition, **kwargs})
    assert _one(frame, one, may_be_empty=True).outcome is Outcome.ERRORED
    assert _one(frame.limit(0), one, may_be_empty=True).outcome is Outcome.PASSED


CLOSED = "the company is closed on every day: switched off"


def test_of_a_dataset_without_rows_nothing_is_judged_while_the_company_is_closed(frame: DataFrame) -> None:
    """What it is compared with must have nothing either, and what has rows is judged as on any other day."""
    pairs = [{"column": "a", "other": "a"}]
    checks = [
        _check("expect_table_row_count_to_be_between", {"min_value": 1}),
        _check("expect_column_values_to_not_be_null", {"column": "id"}),
        _check("expect_column_values_to_be_json_parseable", {"column": "txt"}),
        _check("expect_measure_to_fit_history", {"metric": "row_count", "low": 1}),
        _check("expect_totals_to_match", {"other": "none", "pairs": pairs}, check="none"),
        _check("expect_totals_to_match", {"other": "none", "pairs": pairs, "by": ["region"]}, check="none_by_group"),
        _check("expect_totals_to_match", {"other": "books", "pairs": pairs}, check="books"),
    ]
    context = Context(window=OCTOBER, tables={"none": frame.limit(0), "books": frame})
    closed = {"may_be_empty": True, "closed": CLOSED}
    found = evaluate(checks, Dataset(name="d", frame=frame.limit(0), **closed), context)
    assert [one.outcome for one in found] == [Outcome.NOT_RUN] * 6 + [Outcome.FAILED], found
    assert {one.reason for one in found[:4]} == {f"no row, which is allowed: {CLOSED}"}
    assert all(one.nothing_to_judge for one in found[:6])
    with_rows = evaluate(checks[:2], Dataset(name="d", frame=frame, **closed), context)
    assert [one.outcome for one in with_rows] == [Outcome.PASSED, Outcome.FAILED]


CUSTOM: list[tuple[str, dict[str, Any]]] = [
    ("expect_columns_to_add_up", {"column": "a", "plus": ["b"], "row_condition": NOTHING}),
    (
        "expect_rows_to_arrive_in_time",
        {"event": "day", "arrival": "at", "within_hours": 1, "row_condition": NOTHING},
    ),
    ("expect_totals_to_match", {**TOTALS, "pairs": [{"column": "*", "other": "*"}], "other_condition": "a > 100"}),
    ("expect_distinct_counts_to_match", {**TOTALS, "column": "a", "other_column": "a", "other_condition": "a > 100"}),
    ("expect_values_to_refer_to", {**TOTALS, "columns": ["a"], "other_columns": ["a"]}),
    ("expect_days_to_be_complete", {"column": "day", "row_condition": NOTHING, "max_missing": 31}),
    ("expect_measure_to_fit_history", {"metric": "sum", "column": "a", "low": 1, "row_condition": NOTHING}),
]


@pytest.mark.run
@pytest.mark.parametrize(("name", "kwargs"), CUSTOM, ids=[name for name, _ in CUSTOM])
@pytest.mark.parametrize("may_be_empty", [False, True])
def test_no_custom_type_passes_where_its_condition_keeps_no_row(
    frame: DataFrame, name: str, kwargs: dict[str, Any], may_be_empty: bool
) -> None:
    data = frame.selectExpr("*", "timestamp'2026-10-02 00:00:00' AS at")
    one = _check(name, kwargs, may_be_empty=may_be_empty)
    found = evaluate([one], Dataset(name="d", frame=data), Context(window=OCTOBER, tables={"books": data}))[0]
    assert found.outcome is (Outcome.NOT_RUN if may_be_empty else Outcome.ERRORED), found
    excused = Dataset(name="d", frame=data, may_be_empty=True)
    again = evaluate([one], excused, Context(window=OCTOBER, tables={"books": data}))[0]
    assert again.outcome is found.outcome, again


def test_a_total_that_is_missing_for_want_of_rows_still_fails(frame: DataFrame) -> None:
    one = _check("expect_totals_to_match", {**TOTALS, "pairs": [{"column": "a", "other": "a"}]}, may_be_empty=True)
    found = evaluate([one], Dataset(name="d", frame=frame), Context(window=OCTOBER, tables={"books": frame}))[0]
    assert found.outcome is Outcome.FAILED


def test_a_final_and_its_units_that_both_have_no_row_prove_nothing(spark: SparkSession) -> None:
    was = spark.createDataFrame([(1, Decimal("2.00"))], "id int, amount decimal(18,2)")
    one = _check(
        "expect_published_to_rederive",
        {
            "other": "units",
            "pairs": [{"column": "*", "other": "*"}],
            "row_condition": "id = 7",
            "other_condition": "id = 7",
        },
    )
    context = Context(window=OCTOBER, tables={"d.previous": was, "units": was})
    assert evaluate([one], Dataset(name="d", frame=was), context)[0].outcome is Outcome.NOT_RUN


def test_the_verdict_of_a_mistyped_condition_is_that_it_could_not_be_evaluated(spark: SparkSession) -> None:
    rows = spark.createDataFrame([(1, "active", 10), (2, "active", -5)], "id int, status string, amount int")
    suite = {
        "name": "s",
        "expectations": [
            {
                "type": "expect_column_values_to_be_between",
                "kwargs": {
                    "column": "amount",
                    "min_value": 0,
                    "row_condition": "status = 'Active'",
                    "condition_parser": "spark",
                },
            }
        ],
    }
    assert dq.check(rows, suite).verdict is Verdict.HOLD_NOT_EVALUATED
    # Great Expectations passes it, and so does what answers in its name.
    ours, theirs = dq.validate(rows, copy.deepcopy(suite)), oracle(rows, copy.deepcopy(suite), "SUMMARY")
    assert ours.success is True
    assert comparable(ours.to_json_dict()) == comparable(theirs)


def test_an_instant_beyond_the_window_is_no_reason_to_pass(spark: SparkSession) -> None:
    later = spark.createDataFrame([(date(2026, 12, 1), datetime(2026, 12, 1))], "day date, at timestamp")
    result = _one(later, _check("expect_partition_to_be_fresh", {"column": "day", "max_age_hours": 24}))
    assert result.outcome is Outcome.FAILED
