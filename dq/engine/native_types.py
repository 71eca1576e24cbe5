"""Great Expectations' own expectation types and their keyword arguments, as plain data.

Importing Great Expectations costs seconds and 200 MB; suites are checked without it. A test holds this table equal to
the installed version.
"""

from __future__ import annotations

from collections.abc import Mapping


def _spec(required: str, optional: str) -> tuple[frozenset[str], frozenset[str]]:
    return frozenset(required.split()), frozenset(optional.split())


# type -> (required keyword arguments, optional ones)
NATIVE_TYPES: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "expect_column_distinct_values_to_be_in_set": _spec("column value_set", "condition_parser row_condition"),
    "expect_column_distinct_values_to_contain_set": _spec("column value_set", "condition_parser row_condition"),
    "expect_column_distinct_values_to_equal_set": _spec("column value_set", "condition_parser row_condition"),
    "expect_column_kl_divergence_to_be_less_than": _spec(
        "column",
        "bucketize_data condition_parser internal_weight_holdout max_value min_value partition_object row_condition"
        " tail_weight_holdout threshold",
    ),
    "expect_column_max_to_be_between": _spec(
        "column", "condition_parser max_value min_value row_condition strict_max strict_min"
    ),
    "expect_column_mean_to_be_between": _spec(
        "column", "condition_parser max_value min_value row_condition strict_max strict_min"
    ),
    "expect_column_median_to_be_between": _spec(
        "column", "condition_parser max_value min_value row_condition strict_max strict_min"
    ),
    "expect_column_min_to_be_between": _spec(
        "column", "condition_parser max_value min_value row_condition strict_max strict_min"
    ),
    "expect_column_most_common_value_to_be_in_set": _spec(
        "column value_set", "condition_parser row_condition ties_okay"
    ),
    "expect_column_pair_values_a_to_be_greater_than_b": _spec(
        "column_A column_B", "condition_parser ignore_row_if mostly or_equal row_condition"
    ),
    "expect_column_pair_values_to_be_equal": _spec(
        "column_A column_B", "condition_parser ignore_row_if mostly row_condition"
    ),
    "expect_column_pair_values_to_be_in_set": _spec(
        "column_A column_B value_pairs_set", "condition_parser ignore_row_if mostly row_condition"
    ),
    "expect_column_proportion_of_non_null_values_to_be_between": _spec(
        "column", "condition_parser library_metadata max_value min_value row_condition strict_max strict_min"
    ),
    "expect_column_proportion_of_unique_values_to_be_between": _spec(
        "column", "condition_parser library_metadata max_value min_value row_condition strict_max strict_min"
    ),
    "expect_column_quantile_values_to_be_between": _spec(
        "column quantile_ranges", "allow_relative_error condition_parser row_condition"
    ),
    "expect_column_stdev_to_be_between": _spec(
        "column", "condition_parser max_value min_value row_condition strict_max strict_min"
    ),
    "expect_column_sum_to_be_between": _spec(
        "column", "condition_parser max_value min_value row_condition strict_max strict_min"
    ),
    "expect_column_to_exist": _spec("column", "column_index"),
    "expect_column_type_to_be": _spec("column type_", ""),
    "expect_column_unique_value_count_to_be_between": _spec(
        "column", "condition_parser library_metadata max_value min_value row_condition strict_max strict_min"
    ),
    "expect_column_value_lengths_to_be_between": _spec(
        "column", "condition_parser max_value min_value mostly row_condition strict_max strict_min"
    ),
    "expect_column_value_lengths_to_equal": _spec("column value", "condition_parser mostly row_condition"),
    "expect_column_value_z_scores_to_be_less_than": _spec(
        "column double_sided threshold", "condition_parser mostly row_condition"
    ),
    "expect_column_values_to_be_between": _spec(
        "column", "condition_parser max_value min_value mostly row_condition strict_max strict_min"
    ),
    "expect_column_values_to_be_dateutil_parseable": _spec(
        "column", "condition_parser library_metadata mostly row_condition"
    ),
    "expect_column_values_to_be_decreasing": _spec(
        "column", "condition_parser library_metadata mostly row_condition strictly"
    ),
    "expect_column_values_to_be_in_set": _spec("column value_set", "condition_parser mostly row_condition"),
    "expect_column_values_to_be_in_type_list": _spec("column", "condition_parser mostly row_condition type_list"),
    "expect_column_values_to_be_increasing": _spec(
        "column", "condition_parser library_metadata mostly row_condition strictly"
    ),
    "expect_column_values_to_be_json_parseable": _spec(
        "column", "condition_parser library_metadata mostly row_condition"
    ),
    "expect_column_values_to_be_null": _spec("column", "condition_parser mostly row_condition"),
    "expect_column_values_to_be_of_type": _spec("column type_", "condition_parser mostly row_condition"),
    "expect_column_values_to_be_unique": _spec("column", "condition_parser mostly row_condition"),
    "expect_column_values_to_match_json_schema": _spec(
        "column json_schema", "condition_parser library_metadata mostly row_condition"
    ),
    "expect_column_values_to_match_like_pattern": _spec(
        "column like_pattern", "condition_parser escape mostly row_condition"
    ),
    "expect_column_values_to_match_like_pattern_list": _spec(
        "column like_pattern_list", "condition_parser escape match_on mostly row_condition"
    ),
    "expect_column_values_to_match_regex": _spec("column", "condition_parser mostly regex row_condition"),
    "expect_column_values_to_match_regex_list": _spec(
        "column regex_list", "condition_parser match_on mostly row_condition"
    ),
    "expect_column_values_to_match_strftime_format": _spec(
        "column strftime_format", "condition_parser mostly row_condition"
    ),
    "expect_column_values_to_not_be_in_set": _spec("column value_set", "condition_parser mostly row_condition"),
    "expect_column_values_to_not_be_null": _spec("column", "condition_parser mostly row_condition"),
    "expect_column_values_to_not_be_outliers": _spec(
        "column", "condition_parser method mostly multiplier row_condition"
    ),
    "expect_column_values_to_not_match_like_pattern": _spec(
        "column like_pattern", "condition_parser escape mostly row_condition"
    ),
    "expect_column_values_to_not_match_like_pattern_list": _spec(
        "column like_pattern_list", "condition_parser escape mostly row_condition"
    ),
    "expect_column_values_to_not_match_regex": _spec("column regex", "condition_parser mostly row_condition"),
    "expect_column_values_to_not_match_regex_list": _spec("column regex_list", "condition_parser mostly row_condition"),
    "expect_compound_columns_to_be_unique": _spec("column_list", "condition_parser ignore_row_if mostly row_condition"),
    "expect_multicolumn_sum_to_equal": _spec(
        "column_list sum_total", "condition_parser ignore_row_if mostly row_condition"
    ),
    "expect_multicolumn_values_to_be_equal": _spec(
        "column_list", "condition_parser ignore_row_if mostly row_condition"
    ),
    "expect_query_results_to_match_comparison": _spec(
        "base_query comparison_data_source_name comparison_query", "mostly"
    ),
    "expect_select_column_values_to_be_unique_within_record": _spec(
        "column_list", "condition_parser ignore_row_if mostly row_condition"
    ),
    "expect_table_column_count_to_be_between": _spec("", "max_value min_value"),
    "expect_table_column_count_to_equal": _spec("value", ""),
    "expect_table_columns_to_match_ordered_list": _spec("", "column_list"),
    "expect_table_columns_to_match_set": _spec("", "column_set exact_match"),
    "expect_table_row_count_to_be_between": _spec(
        "", "condition_parser max_value min_value row_condition strict_max strict_min"
    ),
    "expect_table_row_count_to_equal": _spec("value", "condition_parser row_condition"),
    "expect_table_row_count_to_equal_other_table": _spec("other_table_name", "condition_parser row_condition"),
    "unexpected_rows_expectation": _spec("unexpected_rows_query", ""),
}

COUNTING_ROWS = ("expect_table_row_count_to_be_between", "expect_table_row_count_to_equal")
"""Types that judge how many rows there are, of which none is an answer."""

EVERY_ROW = frozenset(name for name in NATIVE_TYPES if name.startswith(("expect_table_", "unexpected_rows"))) | {
    "expect_column_proportion_of_non_null_values_to_be_between",
    "expect_column_to_exist",
    "expect_column_values_to_be_in_type_list",
    "expect_column_values_to_be_null",
    "expect_column_values_to_be_of_type",
    "expect_column_values_to_not_be_null",
}
"""Types that judge the table, or every row whatever it holds: NULLs leave nothing out."""
