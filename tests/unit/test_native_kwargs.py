"""The values of Great Expectations' own arguments: what cannot be meant is told before Spark starts."""

from __future__ import annotations

import pytest

from dq.base.errors import ConfigError
from dq.base.yamlfile import parse as parse_yaml
from dq.declare.suites import parse
from dq.engine.native_kwargs import value_problems

ROWS = "expect_table_row_count_to_be_between"
VALUES = "expect_column_values_to_be_between"
TOTAL = "expect_column_sum_to_be_between"
SHARE = "expect_column_proportion_of_unique_values_to_be_between"
QUANTILES = "expect_column_quantile_values_to_be_between"


@pytest.mark.parametrize(
    ("type_name", "kwargs"),
    [
        (ROWS, {"min_value": 1, "max_value": None}),
        (VALUES, {"column": "amount", "min_value": "-0.01", "max_value": 10, "strict_min": True}),
        (VALUES, {"column": "day", "min_value": "2026-10-05", "max_value": "2026-10-05T06:00:00Z"}),
        (VALUES, {"column": "day", "min_value": "2026-1-5"}),
        (TOTAL, {"column": "amount", "min_value": "1e3"}),
        (SHARE, {"column": "id", "min_value": 0.5, "max_value": 1}),
        ("expect_column_values_to_be_in_set", {"column": "c", "value_set": ["a", 1]}),
        ("expect_compound_columns_to_be_unique", {"column_list": ["a", "b"]}),
        ("expect_column_values_to_not_be_null", {"column": "c", "row_condition": None}),
        (QUANTILES, {"quantile_ranges": {"quantiles": [0.5, 0.9], "value_ranges": [[1, None], (None, 2.5)]}}),
    ],
)
def test_what_can_be_meant_is_no_finding(type_name: str, kwargs: dict[str, object]) -> None:
    assert list(value_problems(type_name, kwargs)) == []


@pytest.mark.parametrize(
    ("type_name", "kwargs", "name", "said"),
    [
        (ROWS, {"min_value": "ten"}, "min_value", "'ten' is not a whole number from 0 up"),
        (ROWS, {"min_value": 1.5}, "min_value", "1.5 is not a whole number"),
        (ROWS, {"max_value": True}, "max_value", "True is not a whole number"),
        (ROWS, {"max_value": -1}, "max_value", "-1 is not a whole number"),
        (VALUES, {"column": "c", "min_value": "ten"}, "min_value", "'ten' is not a number, a day"),
        (VALUES, {"column": "c", "min_value": "2026-13-01"}, "min_value", "is not a number, a day"),
        (VALUES, {"column": "c", "max_value": float("nan")}, "max_value", "nan is not a number, a day"),
        (VALUES, {"column": ["c"], "max_value": 1}, "column", "['c'] is not text"),
        (VALUES, {"column": "c", "max_value": 1, "strict_max": "yes"}, "strict_max", "'yes' is not true or false"),
        (TOTAL, {"column": "c", "min_value": "2026-10-05"}, "min_value", "is not a number"),
        (SHARE, {"column": "c", "min_value": 50}, "min_value", "50 is not a share from 0 to 1"),
        ("expect_column_values_to_be_in_set", {"column": "c", "value_set": "ab"}, "value_set", "'ab' is not a list"),
        ("expect_column_values_to_be_in_set", {"column": "c", "value_set": None}, "value_set", "None is not a list"),
        ("expect_compound_columns_to_be_unique", {"column_list": "a"}, "column_list", "'a' is not a list of text"),
        ("expect_table_row_count_to_equal", {"value": "5"}, "value", "'5' is not a whole number"),
        *[
            (QUANTILES, {"column": "c", "quantile_ranges": ranges}, "quantile_ranges", "the least of each first")
            for ranges in (
                {"quantiles": [0.5], "value_ranges": [[5, 1]]},
                {"quantiles": [0.5, 0.9], "value_ranges": [[1, 5]]},
                {"quantiles": [50], "value_ranges": [[1, 5]]},
                {"quantiles": [0.5], "value_ranges": [[None, None]]},
                {"quantiles": [], "value_ranges": []},
                {"quantiles": [0.5]},
                [[1, 5]],
            )
        ],
    ],
)
def test_a_value_of_another_kind_is_a_finding(type_name: str, kwargs: dict[str, object], name: str, said: str) -> None:
    [(found, message)] = value_problems(type_name, kwargs)
    assert (found, said in message) == (name, True), message


def test_the_finding_stands_on_its_line() -> None:
    text = f"name: t\nexpectations:\n  - check: c\n    type: {ROWS}\n    kwargs:\n      min_value: ten\n"
    with pytest.raises(ConfigError) as raised:
        parse(parse_yaml(text.encode(), "expectations/t.yml"), text)
    assert [str(finding) for finding in raised.value.findings] == [
        "expectations/t.yml:6: expectations[0].kwargs.min_value: 'ten' is not a whole number from 0 up"
    ]
