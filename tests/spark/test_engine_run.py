"""The rules of the house: not due, absent, zero rows, errors kept apart, values kept private."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from engine_frames import SCHEMA, check, dataset, empty, full
from pyspark.sql import SparkSession

from dq.base.errors import EvaluationError
from dq.base.model import Check, CheckResult, Evidence, Kind, Outcome, Severity, Window
from dq.engine.dataset import Context
from dq.judge.evaluate import NO_ROWS, evaluate

BETWEEN = "expect_column_values_to_be_between"
NOT_NULL = "expect_column_values_to_not_be_null"
ROW_COUNT = "expect_table_row_count_to_be_between"
SUM = "expect_column_sum_to_be_between"
WINDOW = Window(
    period="2026-01",
    start=date(2026, 1, 1),
    end=date(2026, 1, 31),
    data_through=date(2026, 1, 10),
    as_of=datetime(2026, 1, 11, tzinfo=UTC),
    kind=Kind.MONTH_TO_DATE,
)


def _one(spark: SparkSession, one: Check, context: Context | None = None, **over: Any) -> CheckResult:
    return evaluate([one], dataset(full(spark), **over), context or Context())[0]


def _outcomes(results: list[CheckResult]) -> list[Outcome]:
    return [result.outcome for result in results]


def test_results_come_in_the_order_of_the_checks(spark: SparkSession) -> None:
    checks = [
        check("expect_column_values_to_be_unique", column="id"),
        check("expect_column_to_exist", column="k"),
        check(NOT_NULL, column="nope"),
        check(ROW_COUNT, min_value=1),
    ]
    results = evaluate(checks, dataset(full(spark)), Context())
    assert [result.type for result in results] == [one.type for one in checks]
    assert _outcomes(results) == [Outcome.FAILED, Outcome.PASSED, Outcome.ERRORED, Outcome.PASSED]


def test_no_checks_give_no_results(spark: SparkSession) -> None:
    assert evaluate([], dataset(full(spark)), Context()) == []


def test_a_result_carries_what_the_check_declares(spark: SparkSession) -> None:
    declared = replace(
        check(NOT_NULL, column="id"),
        severity=Severity.WARNING,
        runbook="page.md#missing",
        failure_class="F11",
        description="ids are given",
    )
    result = _one(spark, declared)
    assert (result.severity, result.runbook, result.failure_class) == (Severity.WARNING, "page.md#missing", "F11")
    assert result.description == "ids are given"
    assert result.observed == "NULL in 1 of 7 rows (14.29 %)"
    assert result.expected == "id has a value"
    assert result.measures == {"element_count": 7, "unexpected_count": 1}


def test_one_more_bad_row_is_one_more_unexpected(spark: SparkSession) -> None:
    frame = full(spark)
    worse = frame.union(spark.createDataFrame([(None,) * 10], SCHEMA))
    counts = [
        evaluate([check(NOT_NULL, column="id")], dataset(data), Context())[0].measures["unexpected_count"]
        for data in (frame, worse)
    ]
    assert counts == [1, 2]


def test_zero_rows_cannot_be_evaluated_except_for_row_count_and_schema(spark: SparkSession) -> None:
    checks = [
        check(ROW_COUNT, min_value=1),
        check("expect_column_to_exist", column="id"),
        check(NOT_NULL, column="id"),
        check("expect_column_values_to_be_unique", column="id"),
        check("expect_days_to_be_complete", column="day"),
    ]
    results = evaluate(checks, dataset(empty(spark)), Context(window=WINDOW))
    errored = [Outcome.ERRORED] * 3
    assert _outcomes(results) == [Outcome.FAILED, Outcome.PASSED, *errored]
    assert {result.reason for result in results if result.outcome is Outcome.ERRORED} == {NO_ROWS}


def test_a_custom_check_alone_meets_the_rule_of_zero_rows_too(spark: SparkSession) -> None:
    one = check("expect_days_to_be_complete", column="day")
    assert evaluate([one], dataset(empty(spark)), Context(window=WINDOW))[0].reason == NO_ROWS


def test_where_no_rows_are_allowed_no_value_is_wrong(spark: SparkSession) -> None:
    checks = [
        check(NOT_NULL, column="id"),
        check(SUM, column="price", min_value=1),
        check(BETWEEN, column="k", min_value=1),
    ]
    results = evaluate(checks, dataset(empty(spark), may_be_empty=True), Context())
    assert _outcomes(results) == [Outcome.PASSED] * 3


def test_a_column_without_any_value_fails_a_check_of_its_sum_and_leaves_nothing_to_others(spark: SparkSession) -> None:
    frame = spark.createDataFrame([(None,) * 10] * 3, SCHEMA)
    checks = [check(SUM, column="price", min_value=0), check(BETWEEN, column="price", min_value=0)]
    results = evaluate(checks, dataset(frame), Context())
    assert _outcomes(results) == [Outcome.FAILED, Outcome.ERRORED]
    assert results[0].observed == "no value"
    assert results[1].reason == "none of 3 rows has a value of price, so nothing was judged"


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [(Kind.MONTH_TO_DATE, Outcome.NOT_RUN), (Kind.PRELIMINARY, Outcome.FAILED), (Kind.FINAL, Outcome.FAILED)],
)
def test_a_check_is_judged_only_when_it_is_due(spark: SparkSession, kind: Kind, outcome: Outcome) -> None:
    one = replace(check(NOT_NULL, column="id"), when=(Kind.PRELIMINARY, Kind.FINAL))
    result = _one(spark, one, Context(window=replace(WINDOW, kind=kind)))
    assert result.outcome is outcome
    assert result.reason == ("pending until preliminary or final" if outcome is Outcome.NOT_RUN else "")


def test_a_check_that_is_due_at_some_kinds_waits_where_no_period_is_known(spark: SparkSession) -> None:
    one = replace(check(NOT_NULL, column="id"), when=(Kind.FINAL,))
    assert _one(spark, one).reason == "pending until final"


def test_checks_of_an_absent_column_or_table_are_not_run(spark: SparkSession) -> None:
    frame = full(spark).drop("price")
    checks = [
        check(NOT_NULL, column="price"),
        check(ROW_COUNT, min_value=1, row_condition="price > 1"),
        check("expect_compound_columns_to_be_unique", column_list=["id", "price"]),
        check("expect_totals_to_match", pairs=[{"column": "*", "other": "*"}], other="ledger"),
        check(NOT_NULL, column="id"),
    ]
    given = dataset(frame, absent_columns={"price": "prices come in March"})
    results = evaluate(checks, given, Context(window=WINDOW, absent_tables={"ledger": "no ledger yet"}))
    assert _outcomes(results) == [Outcome.NOT_RUN] * 4 + [Outcome.FAILED]
    assert [result.reason for result in results[:4]] == ["prices come in March"] * 3 + ["no ledger yet"]


def test_a_check_of_the_run_itself_is_refused(spark: SparkSession) -> None:
    with pytest.raises(EvaluationError, match="judged by the run"):
        _one(spark, check("expect_run_to_complete"))


def test_a_check_that_raises_on_a_row_takes_no_other_down(
    spark: SparkSession, capsys: pytest.CaptureFixture[str]
) -> None:
    checks = [
        check(NOT_NULL, column="name"),
        check("expect_column_values_to_be_in_set", column="name", value_set=[1, 2]),
        check("expect_column_values_to_match_regex", column="name", regex="("),
        check("expect_column_values_to_match_regex", column="name", regex="^[a-z]*$"),
        check(BETWEEN, column="name", min_value=1),
        check(ROW_COUNT, min_value=1, row_condition="cast(name as int) > 1"),
        check(ROW_COUNT, min_value=1, row_condition="nope > 1"),
        check("expect_column_distinct_values_to_be_in_set", column="name", value_set=[3]),
    ]
    results = evaluate(checks, dataset(full(spark)), Context())
    errored = [position for position, result in enumerate(results) if result.outcome is Outcome.ERRORED]
    assert errored == [1, 2, 4, 5, 6, 7]
    assert _outcomes([results[0], results[3]]) == [Outcome.FAILED] * 2
    assert all(result.reason and "\n" not in result.reason for result in results if result.outcome is Outcome.ERRORED)
    assert not any(value in result.reason for result in results for value in ("bob", "Zoë", "x'y"))
    assert "'ann'" not in capsys.readouterr().err


def test_a_frame_that_fails_by_itself_ends_soon(spark: SparkSession) -> None:
    failing = full(spark).selectExpr("id", "cast(name as int) as n")
    checks = [check(BETWEEN, column="n", min_value=low) for low in range(40)]
    assert set(_outcomes(evaluate(checks, dataset(failing), Context()))) == {Outcome.ERRORED}


def test_when_the_scan_dies_every_check_that_needs_it_is_errored(spark: SparkSession) -> None:
    dying = full(spark).where("raise_error(concat('secret ', name)) is null")
    checks = [check("expect_column_to_exist", column="id"), check(NOT_NULL, column="id"), check(ROW_COUNT, min_value=1)]
    results = evaluate(checks, dataset(dying), Context())
    assert _outcomes(results) == [Outcome.PASSED, Outcome.ERRORED, Outcome.ERRORED]
    assert all("secret" not in result.reason for result in results)


def test_money_is_compared_and_reported_as_decimals(spark: SparkSession) -> None:
    frame = spark.createDataFrame([(Decimal("0.10"),)] * 3, "price decimal(10,2)")
    checks = [
        check(SUM, column="price", min_value=0.3, max_value="0.3"),
        check(BETWEEN, column="price", min_value=0.1, max_value=0.1),
        check("expect_column_values_to_be_in_set", column="price", value_set=[0.1]),
    ]
    results = evaluate(checks, dataset(frame), Context())
    assert _outcomes(results) == [Outcome.PASSED] * 3
    assert results[0].measures["sum"] == "0.30"


def test_whole_numbers_are_not_rounded_to_doubles(spark: SparkSession) -> None:
    frame = spark.createDataFrame([(9007199254740993,)], "n long")
    one = check(BETWEEN, column="n", max_value=9007199254740992)
    assert evaluate([one], dataset(frame), Context())[0].outcome is Outcome.FAILED


def test_nan_lies_in_no_range_and_is_not_null(spark: SparkSession) -> None:
    frame = spark.createDataFrame([(float("nan"),), (1.0,)], "x double")
    checks = [check(BETWEEN, column="x", min_value=0), check(NOT_NULL, column="x")]
    results = evaluate(checks, dataset(frame), Context())
    assert [result.measures["unexpected_count"] for result in results] == [1, 0]


def _private() -> list[Check]:
    return [
        check("expect_column_values_to_be_in_set", column="name", value_set=["nobody"]),
        check("expect_column_min_to_be_between", column="price", min_value=50),
        check("expect_column_max_to_be_between", column="day", max_value="2025-01-01"),
        check("expect_column_distinct_values_to_equal_set", column="name", value_set=["nobody"]),
        check("expect_column_values_to_be_unique", column="name"),
        check("expect_column_pair_values_to_be_equal", column_A="a", column_B="name"),
        check("expect_compound_columns_to_be_unique", column_list=["k"]),
    ]


def test_no_cell_least_or_greatest_value_is_shown_unless_the_check_may(spark: SparkSession) -> None:
    results = evaluate(_private(), dataset(full(spark)), Context(sample=True))
    text = json.dumps([vars(result) for result in results], default=str)
    for value in ("bob", "Zoë", "x'y", "-1.00", "2026-01-09", "99.99"):
        assert value not in text
    assert all(not result.rows for result in results)


def test_a_check_that_may_show_its_values_shows_a_few(spark: SparkSession) -> None:
    shown = [replace(one, show=True) for one in _private()]
    results = evaluate(shown, dataset(full(spark)), Context(sample=True))
    assert {str(row["name"]) for row in results[0].rows} == {"ann", "bob", "", "Zoë", "x'y"}
    assert results[1].observed == "min -1.00"
    assert results[1].measures == {"min": "-1.00"}
    assert [dict(row) for row in results[4].rows] == [{"name": "bob"}] * 2
    json.dumps([result.gx_result for result in results])


def test_samples_are_bounded_and_only_fetched_when_asked_for(spark: SparkSession) -> None:
    frame = spark.range(100).selectExpr("id", "-id - 1 as n")
    one = replace(check(BETWEEN, column="n", min_value=0), show=True)
    results = [evaluate([one], dataset(frame), Context(sample=sample))[0] for sample in (True, False)]
    assert [len(result.rows) for result in results] == [20, 0]
    assert [result.measures["unexpected_count"] for result in results] == [100, 100]


def test_hidden_raw_columns_are_no_part_of_the_schema(spark: SparkSession) -> None:
    frame = full(spark).selectExpr("id", "k", "name as __raw_name")
    checks = [
        check("expect_table_columns_to_match_set", column_set=["id", "k"]),
        check("expect_table_column_count_to_equal", value=2),
    ]
    assert _outcomes(evaluate(checks, dataset(frame), Context())) == [Outcome.PASSED] * 2


def test_columns_with_awkward_names_are_read_as_they_are(spark: SparkSession) -> None:
    frame = spark.createDataFrame([(1, 2, (3,)), (None, None, None)], "`a.b` int, `c ``d` int, s struct<x:int>")
    checks = [check(NOT_NULL, column=name) for name in ("a.b", "c `d", "s.x")]
    checks += [check("expect_compound_columns_to_be_unique", column_list=["a.b", "c `d"])]
    results = evaluate(checks, dataset(frame), Context())
    assert _outcomes(results) == [Outcome.FAILED] * 3 + [Outcome.PASSED]


@pytest.mark.parametrize("parts", [1, 5])
def test_partitioning_changes_no_result(spark: SparkSession, parts: int) -> None:
    checks = [
        check(BETWEEN, column="x", min_value=0, max_value=2),
        check("expect_column_values_to_be_unique", column="x"),
        check(SUM, column="price", min_value=0, max_value=100),
        check("expect_column_mean_to_be_between", column="k", min_value=2, max_value=2),
        check("expect_column_unique_value_count_to_be_between", column="name", min_value=5, max_value=5),
    ]
    ours = evaluate(checks, dataset(full(spark)), Context())
    shuffled = evaluate(checks, dataset(full(spark).orderBy("name").repartition(parts)), Context())
    assert shuffled == ours


def test_the_evidence_is_named(spark: SparkSession) -> None:
    kinds = {
        Evidence.SCHEMA: check("expect_column_to_exist", column="id"),
        Evidence.SCAN: check(NOT_NULL, column="id"),
        Evidence.KEY_PASS: check("expect_column_values_to_be_unique", column="id"),
    }
    results = evaluate(list(kinds.values()), dataset(full(spark)), Context())
    assert [result.evidence for result in results] == list(kinds)
