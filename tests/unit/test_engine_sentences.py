"""Sentences for people: numbers they can read, and no value of the data unless it may be shown."""

from __future__ import annotations

from typing import Any

import pytest

from dq.base.model import Check
from dq.engine.native_result import NativeResult
from dq.engine.sentences import expected, observed


def _check(type_name: str, **kwargs: Any) -> Check:
    return Check(check="it", dataset="d", type=type_name, kwargs=kwargs)


@pytest.mark.parametrize(
    ("check", "sentence"),
    [
        (_check("expect_table_row_count_to_be_between", min_value=1000), "at least 1,000 rows"),
        (_check("expect_table_row_count_to_equal", value=1), "exactly 1 row"),
        (_check("expect_column_values_to_be_between", column="a", min_value=0, max_value=2.5), "a is 0 to 2.5"),
        (
            _check("expect_column_values_to_not_be_null", column="a", mostly=0.99, row_condition="b > 1"),
            "a has a value, in at least 99 % of rows, where b > 1",
        ),
        (_check("expect_column_values_to_be_in_set", column="a", value_set=["x", 1000]), "a is one of x, 1,000"),
        (
            _check("expect_column_values_to_be_in_set", column="a", value_set=list(range(12))),
            "a is one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more",
        ),
        (
            _check("expect_column_pair_values_a_to_be_greater_than_b", column_A="a", column_B="b", or_equal=True),
            "a is at least b",
        ),
        (_check("expect_column_median_to_be_between", column="a", min_value=1), "column median to be between"),
    ],
)
def test_what_is_expected_reads_as_a_sentence(check: Check, sentence: str) -> None:
    assert expected(check) == sentence


@pytest.mark.parametrize(
    ("unexpected", "sentence"),
    [
        (0, "unexpected in 0 of 1,000,000 rows"),
        (1, "unexpected in 1 of 1,000,000 rows (0.0001 %)"),
        (125000, "unexpected in 125,000 of 1,000,000 rows (12.5 %)"),
        (1000000, "unexpected in 1,000,000 of 1,000,000 rows (100 %)"),
    ],
)
def test_a_small_share_does_not_read_as_zero(unexpected: int, sentence: str) -> None:
    numbers = {"element_count": 1_000_000, "unexpected_count": unexpected, "missing_count": 0}
    result = NativeResult(success=unexpected == 0, measures=numbers)
    assert observed(_check("expect_column_values_to_be_between", column="a"), result, show=False) == sentence


def test_rows_left_out_are_named() -> None:
    numbers = {"element_count": 10, "unexpected_count": 0, "missing_count": 4}
    result = NativeResult(success=True, measures=numbers)
    found = observed(_check("expect_column_values_to_be_unique", column="a"), result, show=False)
    assert found == "repeated in 0 of 6 rows, 4 left out as NULL"


def test_the_greatest_value_is_shown_only_where_it_may_be() -> None:
    check = _check("expect_column_max_to_be_between", column="a", max_value=1)
    result = NativeResult(success=False, result={"observed_value": "4711"}, private={"max": "4711"})
    assert observed(check, result, show=False) == "outside the range"
    assert observed(check, result, show=True) == "max 4711"


def test_a_value_that_great_expectations_observed_is_shown_only_where_it_may_be() -> None:
    check = _check("expect_column_median_to_be_between", column="a", max_value=1)
    result = NativeResult(success=False, result={"observed_value": 4711})
    assert observed(check, result, show=False) == "not as expected"
    assert observed(check, result, show=True) == "4,711"


def test_sums_are_grouped_without_losing_a_digit() -> None:
    result = NativeResult(success=True, measures={"sum": "-12345678901234567890.10"})
    check = _check("expect_column_sum_to_be_between", column="a", max_value=1)
    assert observed(check, result, show=False) == "sum -12,345,678,901,234,567,890.10"


def test_missing_and_unexpected_columns_are_listed() -> None:
    result = NativeResult(success=False, measures={"missing": ["a", "b"], "unexpected": []})
    assert observed(_check("expect_table_columns_to_match_set"), result, show=False) == "missing: a, b"


def test_what_could_not_be_evaluated_was_not_observed() -> None:
    assert (
        observed(_check("expect_column_to_exist", column="a"), NativeResult(success=None, error="x"), show=True) == ""
    )
