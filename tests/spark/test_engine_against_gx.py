"""Great Expectations itself is the oracle: same success, same result dictionary, same refusals, in every format."""

from __future__ import annotations

import itertools
import logging
import math
import os
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from engine_frames import SCHEMA, all_null, dataset, empty, full
from pyspark.sql import DataFrame, SparkSession

from dq.base.model import Check
from dq.engine.native import SUPPORTED, evaluate_native, supports

# Great Expectations announces what a later version will remove; that is not about us.
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.run]

BETWEEN = "expect_column_values_to_be_between"
SPECS: list[tuple[str, dict[str, Any]]] = [
    ("expect_table_row_count_to_be_between", {"min_value": 1}),
    ("expect_table_row_count_to_be_between", {"min_value": 1, "max_value": 5, "row_condition": "k = 1"}),
    ("expect_table_row_count_to_equal", {"value": 7}),
    *[("expect_column_values_to_not_be_null", {"column": c}) for c in ("id", "name", "x")],
    ("expect_column_values_to_not_be_null", {"column": "k", "mostly": 0.8}),
    ("expect_column_values_to_not_be_null", {"column": "id", "row_condition": "k = 3"}),
    ("expect_column_values_to_be_null", {"column": "flag"}),
    (BETWEEN, {"column": "k", "min_value": 1, "max_value": 2}),
    (BETWEEN, {"column": "k", "min_value": 1, "max_value": 3, "strict_min": True, "strict_max": True}),
    (BETWEEN, {"column": "k", "min_value": 1, "max_value": 3, "strict_max": True}),
    (BETWEEN, {"column": "price", "min_value": 0}),
    (BETWEEN, {"column": "price", "min_value": 0.1, "max_value": 99.99}),
    (BETWEEN, {"column": "x", "min_value": 0}),
    (BETWEEN, {"column": "x", "max_value": 2}),
    (BETWEEN, {"column": "x", "min_value": 0, "max_value": 5, "mostly": 0.5}),
    (BETWEEN, {"column": "day", "min_value": "2026-01-01", "max_value": "2026-01-05"}),
    (BETWEEN, {"column": "at", "min_value": "2026-01-01T00:00:00"}),
    (BETWEEN, {"column": "at", "max_value": "2026-01-05"}),
    (BETWEEN, {"column": "name", "min_value": 1}),
    (BETWEEN, {"column": "price", "min_value": 0, "row_condition": "k is not null"}),
    ("expect_column_values_to_be_in_set", {"column": "name", "value_set": ["ann", "bob"]}),
    ("expect_column_values_to_be_in_set", {"column": "k", "value_set": [1, 2, 3]}),
    ("expect_column_values_to_be_in_set", {"column": "k", "value_set": [1, None]}),
    ("expect_column_values_to_be_in_set", {"column": "price", "value_set": [1.5, 0.1]}),
    ("expect_column_values_to_be_in_set", {"column": "day", "value_set": ["2026-01-01"]}),
    ("expect_column_values_to_be_in_set", {"column": "name", "value_set": []}),
    ("expect_column_values_to_be_in_set", {"column": "name", "value_set": [1, 2]}),
    ("expect_column_values_to_not_be_in_set", {"column": "name", "value_set": ["", "ann"]}),
    ("expect_column_values_to_not_be_in_set", {"column": "k", "value_set": [9]}),
    ("expect_column_values_to_match_regex", {"column": "name", "regex": "^[a-z]+$"}),
    ("expect_column_values_to_not_match_regex", {"column": "name", "regex": "b"}),
    ("expect_column_value_lengths_to_be_between", {"column": "name", "min_value": 1, "max_value": 3}),
    ("expect_column_value_lengths_to_be_between", {"column": "name", "min_value": 1, "strict_min": True}),
    ("expect_column_value_lengths_to_equal", {"column": "name", "value": 3}),
    *[("expect_column_values_to_be_unique", {"column": c}) for c in ("id", "name", "x", "price", "day")],
    ("expect_column_values_to_be_unique", {"column": "id", "row_condition": "k = 2"}),
    *[
        ("expect_compound_columns_to_be_unique", {"column_list": names, "ignore_row_if": i})
        for names in (["id", "k"], ["k", "flag"], ["name", "x"])
        for i in ("all_values_are_missing", "any_value_is_missing", "never")
    ],
    *[
        (f"expect_column_{m}_to_be_between", {"column": c, "min_value": 0, "max_value": 1000})
        for m in ("min", "max", "mean", "sum")
        for c in ("id", "price", "x")
    ],
    *[
        (f"expect_column_{m}_to_be_between", {"column": "day", "min_value": "2025-01-01", "max_value": "2026-01-05"})
        for m in ("min", "max")
    ],
    ("expect_column_max_to_be_between", {"column": "at", "max_value": "2026-01-05T00:00:00"}),
    ("expect_column_max_to_be_between", {"column": "at", "max_value": "2026-01-05"}),
    ("expect_column_max_to_be_between", {"column": "day", "max_value": "2026-01-05T00:00:00"}),
    ("expect_column_max_to_be_between", {"column": "day", "max_value": 3}),
    ("expect_column_min_to_be_between", {"column": "name", "max_value": 3}),
    ("expect_column_min_to_be_between", {"column": "id", "min_value": 1, "strict_min": True}),
    ("expect_column_mean_to_be_between", {"column": "name", "min_value": 1}),
    ("expect_column_min_to_be_between", {"column": "name"}),
    *[
        (
            "expect_column_pair_values_a_to_be_greater_than_b",
            {"column_A": "a", "column_B": "b", "ignore_row_if": i, "or_equal": o},
        )
        for i in ("both_values_are_missing", "either_value_is_missing", "neither")
        for o in (True, False)
    ],
    *[
        ("expect_column_pair_values_to_be_equal", {"column_A": "a", "column_B": "b", "ignore_row_if": i})
        for i in ("both_values_are_missing", "either_value_is_missing", "neither")
    ],
    *[
        ("expect_multicolumn_sum_to_equal", {"column_list": ["a", "b"], "sum_total": 3, "ignore_row_if": i})
        for i in ("all_values_are_missing", "any_value_is_missing", "never")
    ],
    ("expect_multicolumn_sum_to_equal", {"column_list": ["a", "price"], "sum_total": 2.5}),
    ("expect_column_values_to_be_of_type", {"column": "id", "type_": "LongType"}),
    ("expect_column_values_to_be_of_type", {"column": "id", "type_": "StringType"}),
    ("expect_column_values_to_be_of_type", {"column": "id", "type_": "bigint"}),
    ("expect_column_values_to_be_in_type_list", {"column": "price", "type_list": ["LongType", "DecimalType", "nope"]}),
    ("expect_column_to_exist", {"column": "id"}),
    ("expect_column_to_exist", {"column": "nope"}),
    ("expect_column_to_exist", {"column": "k", "column_index": 1}),
    ("expect_column_to_exist", {"column": "k", "column_index": 99}),
    ("expect_table_columns_to_match_set", {"column_set": ["id", "zz"]}),
    ("expect_table_columns_to_match_set", {"column_set": ["id"], "exact_match": False}),
    ("expect_table_columns_to_match_set", {"column_set": ["id", "zz"], "exact_match": False}),
    ("expect_table_columns_to_match_ordered_list", {"column_list": ["id", "x"]}),
    (
        "expect_table_columns_to_match_ordered_list",
        {"column_list": [part.split()[0] for part in SCHEMA.replace("(10,2)", "").split(", ")]},
    ),
    ("expect_table_column_count_to_equal", {"value": 10}),
    ("expect_table_column_count_to_be_between", {"min_value": 11}),
    *[
        (f"expect_column_distinct_values_to_{m}", {"column": c, "value_set": v})
        for m in ("be_in_set", "contain_set", "equal_set")
        for c, v in (
            ("name", ["ann", "bob"]),
            ("k", [1, 2, 3]),
            ("name", ["ann", "bob", "", "Zoë", "x'y"]),
            ("price", [1.5, 4]),
        )
    ],
    ("expect_column_unique_value_count_to_be_between", {"column": "name", "min_value": 1, "max_value": 3}),
    ("expect_column_unique_value_count_to_be_between", {"column": "x", "min_value": 5, "max_value": 5}),
    ("expect_column_values_to_not_be_null", {"column": "nope"}),
]


ONE_OF_EACH = list({kind: (kind, kwargs) for kind, kwargs in reversed(SPECS)}.values())
Oracle = Callable[[DataFrame, list[tuple[str, dict[str, Any]]], str], list[Any]]


@pytest.fixture(scope="module")
def oracle(spark: SparkSession) -> Iterator[Oracle]:
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.disable(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import great_expectations as gx
        from great_expectations.core import ExpectationSuite
        from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False}
        source = context.data_sources.add_spark("spark", persist=False)
        numbers = itertools.count()

        def validate(frame: DataFrame, specs: list[tuple[str, dict[str, Any]]], result_format: str) -> list[Any]:
            name = f"{next(numbers)}"
            asset = source.add_dataframe_asset(name)
            batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
            made = [
                ExpectationConfiguration(type=kind, kwargs=dict(kwargs), meta={"n": number}).to_domain_obj()
                for number, (kind, kwargs) in enumerate(specs)
            ]
            suite = ExpectationSuite(name=name, expectations=made)
            found = batch.validate(suite, result_format=result_format)
            return sorted(found.results, key=lambda result: int(result.expectation_config.meta["n"]))

        yield validate
    logging.disable(logging.NOTSET)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _raised(result: Any) -> bool:
    info = result.exception_info or {}
    return bool(info.get("raised_exception", True)) if "raised_exception" in info else bool(info)


def _compare(
    data: DataFrame, specs: list[tuple[str, dict[str, Any]]], result_format: str, theirs: list[Any]
) -> list[str]:
    checks = [Check(check=f"c{n}", dataset="d", type=kind, kwargs=kw) for n, (kind, kw) in enumerate(specs)]
    assert all(supports(check) for check in checks)
    ours = evaluate_native(checks, dataset(data), result_format=result_format)
    differences = []
    for check, our, their in zip(checks, ours, theirs, strict=True):
        if _raised(their) or our.success is None:
            if _raised(their) != (our.success is None):
                differences.append(f"{check.type} {check.kwargs}: {'raised' if _raised(their) else 'ok'}, {our.error}")
        elif (our.success, _plain(our.result)) != (their.success, _plain(dict(their.result))):
            differences.append(f"{check.type} {check.kwargs}:\n  {dict(our.result)}\n  {dict(their.result)}")
    return differences


@pytest.mark.parametrize("frame", [full, empty])
def test_each_type_gives_the_result_of_great_expectations(
    spark: SparkSession, oracle: Oracle, frame: Callable[[SparkSession], DataFrame]
) -> None:
    data = frame(spark)
    assert not _compare(data, ONE_OF_EACH, "SUMMARY", oracle(data, ONE_OF_EACH, "SUMMARY"))


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize(
    ("frame", "result_format"),
    [
        (full, "BOOLEAN_ONLY"),
        (full, "BASIC"),
        (full, "SUMMARY"),
        (full, "COMPLETE"),
        (empty, "COMPLETE"),
        (all_null, "SUMMARY"),
    ],
)
def test_every_specification_gives_the_result_of_great_expectations(
    spark: SparkSession, oracle: Oracle, frame: Callable[[SparkSession], DataFrame], result_format: str
) -> None:
    data = frame(spark)
    differences = _compare(data, SPECS, result_format, oracle(data, SPECS, result_format))
    assert not differences, "\n".join(differences)


def test_one_of_each_type_is_specified() -> None:
    assert {kind for kind, _ in ONE_OF_EACH} == SUPPORTED


@pytest.mark.slow
def test_the_specifications_hold_every_outcome(spark: SparkSession) -> None:
    checks = [Check(check=f"c{n}", dataset="d", type=kind, kwargs=kw) for n, (kind, kw) in enumerate(SPECS)]
    found = [result.success for result in evaluate_native(checks, dataset(full(spark)), result_format="BOOLEAN_ONLY")]
    assert min(found.count(True), found.count(False)) > 30
    assert found.count(None) > 5
