"""Types we do not evaluate ourselves run on Great Expectations' engine, without leaking values or stopping others."""

from __future__ import annotations

import logging
from io import StringIO

import pytest
from pyspark.sql import DataFrame, SparkSession

from dq import checking
from dq.base.model import Check, Evidence, Json
from dq.gx.fallback import evaluate_fallback
from dq.spark import spark_versions

# Great Expectations announces what a later version will remove.
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("quiet_gx")]


@pytest.fixture(scope="module")
def frame(spark: SparkSession) -> DataFrame:
    data = [("top-secret", 1), ("E1", 2), (None, 3)]
    return spark.createDataFrame(data, "word string, n int").coalesce(1)


def check(type_name: str, **kwargs: Json) -> Check:
    return Check(check="it", dataset="figures", type=type_name, kwargs=kwargs)


REGEX = check("expect_column_values_to_match_regex_list", column="word", regex_list=["^E"])
MEDIAN = check("expect_column_median_to_be_between", column="n", min_value=1, max_value=2)
ROWS = check("unexpected_rows_expectation", unexpected_rows_query="SELECT word FROM {batch} WHERE n = 1")


def test_results_come_in_the_order_of_the_checks_with_their_counts(frame: DataFrame) -> None:
    regex, median, rows = evaluate_fallback([REGEX, MEDIAN, ROWS], frame)
    assert (regex.success, median.success, rows.success) == (False, True, False)
    assert regex.measures == {"element_count": 3, "missing_count": 1, "unexpected_count": 1}
    assert regex.result["partial_unexpected_list"] == ["top-secret"]
    assert median.private == {"observed_value": "2.0"}
    assert {item.evidence for item in (regex, median, rows)} == {Evidence.GREAT_EXPECTATIONS}


def test_without_samples_no_cell_stays_in_a_result(frame: DataFrame) -> None:
    for result_format in ("BASIC", "SUMMARY", "COMPLETE"):
        found = evaluate_fallback([REGEX, ROWS], frame, result_format, samples=False)
        assert [item.success for item in found] == [False, False]
        assert "top-secret" not in str(found)


def test_a_check_that_cannot_be_evaluated_says_why_and_leaves_the_others_alone(frame: DataFrame) -> None:
    found = evaluate_fallback(
        [
            check("expect_column_median_to_be_between", column="nowhere", min_value=1),
            check("expect_column_median_to_be_between", column="word", min_value=1),
            check("expect_nothing_at_all", column="word"),
            check("expect_column_median_to_be_between", column="n", row_condition="reflect('a', 'b') is null"),
            check("expect_column_median_to_be_between", column="n", min_value="x"),
            MEDIAN,
        ],
        frame,
    )
    assert [item.success for item in found] == [None, None, None, None, None, True]
    assert found[0].error == "the column nowhere does not exist"
    assert found[1].error.startswith("Great Expectations raised ")
    assert found[2].error == "Great Expectations refuses it: ExpectationNotFoundError"
    assert "calls reflect" in found[3].error
    assert found[4].error == "Great Expectations refuses it: ValidationError"
    assert "top-secret" not in str(found[:5])


def test_conditions_of_both_languages_limit_the_rows(frame: DataFrame) -> None:
    own = check(MEDIAN.type, column="n", min_value=3, row_condition="try_divide(n, n - 1) > 1 and n > 2")
    theirs = check(
        MEDIAN.type, column="n", min_value=3, row_condition='col("n") > 2', condition_parser="great_expectations"
    )
    assert [item.success for item in evaluate_fallback([own, theirs], frame)] == [True, True]


def test_nothing_to_evaluate_starts_nothing(frame: DataFrame) -> None:
    assert evaluate_fallback([], frame) == []


@pytest.mark.parametrize(
    "ranges", [{"quantiles": [0.5], "value_ranges": [[5, 2]]}, {"quantiles": [0.5, 0.9], "value_ranges": [[1, 5]]}]
)
def test_a_quantile_without_a_range_it_can_lie_in_is_no_pass(frame: DataFrame, ranges: dict[str, Json]) -> None:
    [found] = evaluate_fallback(
        [check("expect_column_quantile_values_to_be_between", column="n", quantile_ranges=ranges)], frame
    )
    assert found.success is None
    assert "quantile_ranges" in found.error


@pytest.mark.parametrize(
    "asked",
    [
        {
            "type": "unexpected_rows_expectation",
            "kwargs": {"unexpected_rows_query": "SELECT * FROM {batch} WHERE cast(word AS int) > 0"},
        },
        {
            "type": "expect_columns_to_add_up",
            "kwargs": {"column": "n", "plus": ["n"], "row_condition": "cast(word AS int) > 0"},
        },
    ],
)
def test_a_value_that_spark_cannot_convert_is_quoted_in_no_log(frame: DataFrame, asked: dict[str, Json]) -> None:
    said = StringIO()
    handler = logging.StreamHandler(said)
    loggers = spark_versions.python_loggers()
    for logger in loggers:
        logger.addHandler(handler)
    try:
        record = checking.check(frame, {"name": "figures", "expectations": [asked]})
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
    assert str(record.verdict) == "hold_not_evaluated"
    assert "top-secret" not in said.getvalue() + str(record.results)
