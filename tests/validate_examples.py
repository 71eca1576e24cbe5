"""A check of every type Great Expectations has, and frames to try them on."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from pyspark.sql import DataFrame, SparkSession

SCHEMA = "id int, region string, amount decimal(18,2), share double, day date, txt string, a int, b int, ok boolean"
BETWEEN = "expect_column_values_to_be_between"
IN_SET = "expect_column_values_to_be_in_set"
NOT_NULL = "expect_column_values_to_not_be_null"
COMPOUND = "expect_compound_columns_to_be_unique"
EITHER = "either_value_is_missing"
GREATER = "expect_column_pair_values_a_to_be_greater_than_b"
QUANTILES = {"quantiles": [0.5], "value_ranges": [[1, 5]]}


OURS: list[tuple[str, dict[str, Any]]] = [
    ("expect_table_row_count_to_be_between", {"min_value": 1, "max_value": 10}),
    ("expect_table_row_count_to_equal", {"value": 5}),
    (NOT_NULL, {"column": "id"}),
    (NOT_NULL, {"column": "id", "mostly": 0.8}),
    ("expect_column_values_to_be_null", {"column": "region"}),
    (BETWEEN, {"column": "amount", "min_value": 0, "max_value": 50}),
    (BETWEEN, {"column": "amount", "min_value": 0, "max_value": 99.99, "strict_max": True}),
    (BETWEEN, {"column": "share", "min_value": 0, "max_value": 2}),
    (BETWEEN, {"column": "id", "min_value": 2, "strict_min": True}),
    (BETWEEN, {"column": "day", "min_value": "2026-01-01", "max_value": "2026-12-31"}),
    (BETWEEN, {"column": "txt", "min_value": 1, "max_value": 2}),
    (IN_SET, {"column": "region", "value_set": ["EU", "US"]}),
    (IN_SET, {"column": "amount", "value_set": [10.5, 0]}),
    (IN_SET, {"column": "id", "value_set": [1, 2, 5, 6]}),
    (IN_SET, {"column": "region", "value_set": ["EU"], "row_condition": "id > 1", "condition_parser": "spark"}),
    (IN_SET, {"column": "region", "value_set": ["EU"], "row_condition": "amount > 0"}),
    ("expect_column_values_to_not_be_in_set", {"column": "region", "value_set": ["EU"]}),
    ("expect_column_values_to_match_regex", {"column": "txt", "regex": r"^\d{4}-"}),
    ("expect_column_values_to_not_match_regex", {"column": "txt", "regex": "x"}),
    ("expect_column_value_lengths_to_be_between", {"column": "txt", "min_value": 1, "max_value": 10}),
    ("expect_column_value_lengths_to_equal", {"column": "region", "value": 2}),
    ("expect_column_values_to_be_unique", {"column": "id"}),
    ("expect_column_values_to_be_unique", {"column": "share"}),
    (COMPOUND, {"column_list": ["id", "region"]}),
    (COMPOUND, {"column_list": ["region", "day"], "ignore_row_if": "any_value_is_missing"}),
    (COMPOUND, {"column_list": ["amount", "ok"], "ignore_row_if": "never"}),
    ("expect_column_min_to_be_between", {"column": "amount", "min_value": -5}),
    ("expect_column_max_to_be_between", {"column": "day", "max_value": "2027-01-01"}),
    ("expect_column_max_to_be_between", {"column": "share", "max_value": 10}),
    ("expect_column_mean_to_be_between", {"column": "amount", "min_value": 0, "max_value": 100}),
    ("expect_column_sum_to_be_between", {"column": "amount", "min_value": 0, "max_value": 100}),
    (GREATER, {"column_A": "a", "column_B": "b"}),
    (GREATER, {"column_A": "a", "column_B": "b", "or_equal": True, "ignore_row_if": EITHER}),
    ("expect_column_pair_values_to_be_equal", {"column_A": "a", "column_B": "b", "ignore_row_if": "neither"}),
    ("expect_column_values_to_be_of_type", {"column": "amount", "type_": "DecimalType"}),
    ("expect_column_values_to_be_in_type_list", {"column": "id", "type_list": ["IntegerType", "LongType"]}),
    ("expect_column_to_exist", {"column": "id"}),
    ("expect_column_to_exist", {"column": "nope"}),
    ("expect_table_columns_to_match_set", {"column_set": ["id", "region"], "exact_match": False}),
    ("expect_table_columns_to_match_ordered_list", {"column_list": ["id", "region"]}),
    ("expect_table_column_count_to_equal", {"value": 9}),
    ("expect_table_column_count_to_be_between", {"min_value": 1, "max_value": 5}),
    ("expect_column_distinct_values_to_be_in_set", {"column": "region", "value_set": ["EU", "US"]}),
    ("expect_column_distinct_values_to_contain_set", {"column": "region", "value_set": ["EU", "MARS"]}),
    ("expect_column_distinct_values_to_equal_set", {"column": "region", "value_set": ["EU", "US", "", "APAC"]}),
    ("expect_column_unique_value_count_to_be_between", {"column": "region", "min_value": 1, "max_value": 3}),
    ("expect_multicolumn_sum_to_equal", {"column_list": ["a", "b"], "sum_total": 3}),
]


THEIRS: list[tuple[str, dict[str, Any]]] = [
    (NOT_NULL, {"column": "nowhere"}),
    (NOT_NULL, {"column": "amount", "row_condition": 'col("id") > 1', "condition_parser": "great_expectations"}),
    ("expect_column_median_to_be_between", {"column": "amount", "min_value": 0, "max_value": 100}),
    ("expect_column_stdev_to_be_between", {"column": "a", "min_value": 0, "max_value": 100}),
    ("expect_column_values_to_match_regex_list", {"column": "txt", "regex_list": ["x", "2026"]}),
    ("expect_column_most_common_value_to_be_in_set", {"column": "region", "value_set": ["EU"]}),
    ("expect_column_quantile_values_to_be_between", {"column": "a", "quantile_ranges": QUANTILES}),
    ("expect_column_pair_values_to_be_in_set", {"column_A": "a", "column_B": "b", "value_pairs_set": [[1, 2]]}),
    (
        "expect_column_proportion_of_unique_values_to_be_between",
        {"column": "region", "min_value": 0.1, "max_value": 0.9},
    ),
    ("expect_column_values_to_match_strftime_format", {"column": "txt", "strftime_format": "%Y-%m-%d"}),
    ("expect_select_column_values_to_be_unique_within_record", {"column_list": ["a", "b"]}),
    ("unexpected_rows_expectation", {"unexpected_rows_query": "SELECT * FROM {batch} WHERE amount < 0"}),
    ("expect_column_values_to_be_increasing", {"column": "id"}),
    ("expect_column_value_z_scores_to_be_less_than", {"column": "a", "threshold": 3, "double_sided": True}),
    ("expect_column_values_to_be_json_parseable", {"column": "txt"}),
]


def full(spark: SparkSession) -> DataFrame:
    nan, inf, money = float("nan"), float("inf"), Decimal
    return spark.createDataFrame(
        [
            (1, "EU", money("10.50"), 1.5, date(2026, 10, 1), "2026-10-01", 1, 2, True),
            (2, "US", money("-3.00"), nan, date(2026, 10, 2), "x", 3, 2, False),
            (2, None, None, None, None, None, None, None, None),
            (None, "", money("0.00"), 0.0, date(2028, 2, 29), "", 5, 5, True),
            (5, "EU", money("99.99"), -0.0, date(2026, 10, 2), "2026-13-01", None, 7, True),
            (6, "APAC", money("10.50"), inf, date(1970, 1, 1), "long text here", 8, None, None),
        ],
        SCHEMA,
    ).coalesce(1)


def all_null(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame([(None,) * 9] * 3, SCHEMA).coalesce(1)
