"""``dq.validate`` returns what Great Expectations returns; Great Expectations itself is asked."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from custom_checks import counted_jobs
from gx_oracle import comparable, oracle
from pyspark.sql import DataFrame, SparkSession

import dq
from dq.base.errors import ConfigError, UsageError

# Great Expectations announces what a later version will remove.
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("quiet_gx")]

SCHEMA = "id int, region string, amount decimal(18,2), share double, day date, a int, b int"


def expectation(type_name: str, **kwargs: Any) -> dict[str, Any]:
    return {"type": type_name, "kwargs": kwargs}


# In an order that grouping by column and by stage has to change; the last five are not evaluated by our engine.
EXPECTATIONS: list[dict[str, Any]] = [
    expectation("expect_column_values_to_not_be_null", column="id"),
    expectation("expect_table_row_count_to_be_between", min_value=1, max_value=10),
    expectation("expect_column_values_to_be_in_set", column="region", value_set=["EU", "US"])
    | {"severity": "info", "meta": {"owner": "Accounts"}, "notes": "a note", "description": "A known region."},
    expectation("expect_column_values_to_be_between", column="amount", min_value=0, max_value=50, mostly=0.5),
    expectation("expect_column_values_to_be_unique", column="id", row_condition="amount is not null"),
    expectation("expect_column_values_to_be_between", column="day", min_value="2026-01-01", strict_min=True),
    expectation("expect_column_max_to_be_between", column="share", max_value=10),
    expectation("expect_column_pair_values_to_be_equal", column_A="a", column_B="b"),
    expectation("expect_column_distinct_values_to_equal_set", column="region", value_set=["EU", "US", ""]),
    expectation("expect_column_values_to_not_be_null", column="nowhere") | {"severity": "warning"},
    expectation("expect_column_to_exist", column="nowhere"),
    expectation("expect_column_median_to_be_between", column="amount", min_value=0, max_value=100),
    expectation("expect_column_values_to_match_regex_list", column="region", regex_list=["^E", "^U"]),
    expectation(
        "expect_column_values_to_not_be_null",
        column="amount",
        row_condition='col("id") > 1',
        condition_parser="great_expectations",
    ),
    expectation(
        "unexpected_rows_expectation", unexpected_rows_query="SELECT id FROM {batch} WHERE amount < 0 ORDER BY id"
    ),
]


def suite(*expectations: dict[str, Any]) -> dict[str, Any]:
    return {"name": "differential", "expectations": copy.deepcopy(list(expectations or EXPECTATIONS))}


@pytest.fixture(scope="module")
def frame(spark: SparkSession) -> DataFrame:
    money = Decimal
    data = [
        (1, "EU", money("10.50"), 1.5, date(2026, 10, 1), 1, 2),
        (2, "US", money("-3.00"), float("nan"), date(2026, 10, 2), 3, 3),
        (2, None, None, None, None, None, None),
        (None, "", money("0.00"), 0.0, date(2028, 2, 29), 5, None),
        (6, "APAC", money("99.99"), float("inf"), date(1970, 1, 1), 8, 7),
    ]
    return spark.createDataFrame(data, SCHEMA).coalesce(1)


def assert_same(df: DataFrame, given: dict[str, Any], result_format: str) -> dict[str, Any]:
    theirs = comparable(oracle(df, copy.deepcopy(given), result_format))
    ours = comparable(dq.validate(df, given, result_format).to_json_dict())
    for mine, their in zip(ours["results"], theirs["results"], strict=True):
        assert mine == their
    assert ours == theirs
    return ours


@pytest.mark.run
@pytest.mark.parametrize(
    "result_format",
    [*(pytest.param(name, marks=pytest.mark.slow) for name in ("BOOLEAN_ONLY", "BASIC")), "SUMMARY", "COMPLETE"],
)
def test_the_whole_result_is_that_of_great_expectations(frame: DataFrame, result_format: str) -> None:
    found = assert_same(frame, suite(), result_format)
    outcomes = {item["success"] for item in found["results"]}
    assert outcomes == {True, False}
    first = found["results"][0]
    assert first["expectation_config"]["kwargs"]["column"] == "nowhere", "metrics that failed come first"


def test_an_empty_frame_passes_and_fails_as_it_does_there(frame: DataFrame) -> None:
    found = assert_same(frame.where("id = 99"), suite(*EXPECTATIONS[:9]), "SUMMARY")
    assert {item["success"] for item in found["results"]} == {True, False}


def test_types_of_our_own_engine_take_one_job_and_ask_great_expectations_for_nothing(
    spark: SparkSession, frame: DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dq.gx.validate

    def refuse(*_args: object) -> None:
        raise AssertionError("Great Expectations was asked")

    monkeypatch.setattr(dq.gx.validate, "run_gx", refuse)
    given = suite(
        *(
            expectation("expect_column_values_to_be_between", column="amount", min_value=-n, max_value=100 + n)
            for n in range(4, 12)
        ),
        expectation("expect_table_row_count_to_equal", value=5),
        expectation("expect_column_values_to_be_in_set", column="region", value_set=["EU", "US", "", "APAC"]),
        expectation("expect_column_to_exist", column="day"),
    )
    with counted_jobs(spark, "validate") as counted:
        result = dq.validate(frame, given, "BASIC")
    assert result.success
    assert result.statistics["evaluated_expectations"] == 11
    assert counted.jobs == 1


def test_the_result_does_not_depend_on_partitioning(frame: DataFrame) -> None:
    def found(df: DataFrame) -> list[tuple[str, bool, object]]:
        results = dq.validate(df, suite(*EXPECTATIONS[:9]), "BASIC").results
        kept = ("element_count", "unexpected_count", "missing_count", "observed_value")
        return [
            (item.expectation_config.type, item.success, [item.result.get(name) for name in kept]) for item in results
        ]

    one = found(frame)
    assert found(frame.repartition(7)) == one == found(frame.orderBy("amount"))


def test_our_own_types_are_evaluated_or_say_why_not(spark: SparkSession) -> None:
    cells = spark.createDataFrame([(Decimal("1.00"), 0, None)], "ratio decimal(18,2), seats int, reason string")
    given = suite(
        expectation("expect_ratio_to_be_explained", column="ratio", denominator="seats", reason_column="reason"),
        expectation("expect_zero_denominators_to_be_counted", column="ratio", denominator="seats", max_count=1),
        expectation("expect_days_to_be_complete", column="day"),
    )
    explained, counted, complete = dq.validate(cells, given).results
    assert (explained.success, counted.success, complete.success) == (False, True, False)
    assert explained.result["unexpected_count"] == 1
    assert complete.exception_info["raised_exception"]
    assert "no period" in complete.exception_info["exception_message"]


def test_a_pandas_frame_is_validated_by_great_expectations_pandas_engine() -> None:
    table = pd.DataFrame({"id": [1, 2, None], "region": ["EU", "US", "EU"]})
    result = dq.validate(
        table,
        suite(
            expectation("expect_column_values_to_not_be_null", column="id"),
            expectation(
                "expect_column_values_to_be_in_set",
                column="region",
                value_set=["EU"],
                row_condition="id == 1",
                condition_parser="pandas",
            ),
        ),
    )
    assert [item.success for item in result.results] == [False, True]
    assert result.results[0].result["unexpected_count"] == 1
    assert result.results[1].result["element_count"] == 1
    with pytest.raises(UsageError, match="pandas"):
        dq.validate(table, suite(expectation("expect_days_to_be_complete", column="id")))


@pytest.mark.parametrize(
    "kwargs",
    [
        {"row_condition": "reflect('java.lang.System', 'exit', '0') is null"},
        {"row_condition": "id in (select 1)", "condition_parser": "spark"},
        {"row_condition": "nowhere = 1"},
        {"row_condition": {"type": "pass_through", "pass_through_filter": "java_method('a', 'b') = 'c'"}},
    ],
)
def test_free_sql_outside_the_allow_list_is_refused_before_anything_runs(
    frame: DataFrame, kwargs: dict[str, Any]
) -> None:
    with pytest.raises(ConfigError, match=r"expectations\[1\]"):
        dq.validate(
            frame,
            suite(EXPECTATIONS[0], expectation("expect_column_values_to_not_be_null", column="id", **kwargs)),
        )


@pytest.mark.parametrize("condition", ["@pd.read_csv('x') == 1", "region.str.len() > 1", "__import__('os') == 1"])
def test_a_pandas_condition_has_to_be_as_plain(condition: str) -> None:
    given = suite(
        expectation(
            "expect_column_values_to_not_be_null", column="id", row_condition=condition, condition_parser="pandas"
        )
    )
    with pytest.raises(ConfigError):
        dq.validate(pd.DataFrame({"id": [1], "region": ["EU"]}), given)


@pytest.mark.parametrize(
    "query", ["SELECT * FROM other", "SELECT * FROM {batch}; SELECT 1", "SELECT reflect('a', 'b') FROM {batch}"]
)
def test_a_query_reads_nothing_but_the_batch(frame: DataFrame, query: str) -> None:
    with pytest.raises(ConfigError):
        dq.validate(frame, suite(expectation("unexpected_rows_expectation", unexpected_rows_query=query)))


def test_wrong_arguments_are_refused_with_what_would_be_right(frame: DataFrame) -> None:
    with pytest.raises(UsageError, match="BOOLEAN_ONLY"):
        dq.validate(frame, suite(EXPECTATIONS[0]), "VERBOSE")
    with pytest.raises(UsageError, match="list is not a frame"):
        dq.validate([1, 2], suite(EXPECTATIONS[0]))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="unknown expectation type"):
        dq.validate(frame, suite(expectation("expect_nothing")))
    with pytest.raises(ConfigError, match="severity"):
        dq.validate(frame, suite(EXPECTATIONS[0] | {"severity": "blocker"}))


@pytest.mark.parametrize("rows", ["id = 99", "region IS NULL", "id IS NOT NULL"])
def test_bounds_the_wrong_way_round_are_what_they_are_there(frame: DataFrame, rows: str) -> None:
    between = [
        expectation("expect_column_values_to_be_between", column="amount", min_value=5, max_value=1),
        expectation("expect_column_values_to_be_between", column="day", min_value="2026-10-02", max_value="2026-1-1"),
        expectation("expect_column_max_to_be_between", column="amount", min_value=5, max_value=1),
    ]
    found = assert_same(frame.where(rows), suite(*between), "SUMMARY")
    raised = [item for item in found["results"] if item["exception_info"].get("raised_exception") is not False]
    assert "min_value cannot be greater than max_value" in json.dumps(raised)


def test_a_division_by_zero_is_an_error_as_it_is_there(frame: DataFrame) -> None:
    divided = [
        expectation("expect_column_values_to_not_be_null", column="id", row_condition="a / 0 > 1"),
        expectation("expect_column_values_to_not_be_null", column="id", row_condition="a % (b - 2) = 1"),
        expectation("expect_column_values_to_not_be_null", column="id", row_condition="try_divide(a, 0) > 1"),
        expectation("expect_table_row_count_to_be_between", min_value=1),
    ]
    ours = dq.validate(frame, suite(*divided))
    theirs = oracle(frame, suite(*divided), "SUMMARY")
    outcomes = [item.success for item in sorted(ours.results, key=lambda item: str(item.expectation_config.kwargs))]
    assert sorted(outcomes) == sorted(item["success"] for item in theirs["results"]) == [False, False, True, True]
    asked = [
        expectation("unexpected_rows_expectation", unexpected_rows_query="SELECT id FROM {batch} WHERE a / 0 > 1"),
        expectation("expect_column_values_to_not_be_null", column="a", row_condition="id IS NOT NULL AND a IS NULL"),
    ]
    results = dq.validate(frame, suite(*asked)).results
    assert [item.success for item in results].count(False) == 2
    assert "DIVIDE_BY_ZERO" in json.dumps([item.to_json_dict() for item in results])


def test_a_division_by_zero_is_no_pass_of_ours_either(frame: DataFrame) -> None:
    ratio = "a / (b - 2) < 100"
    named = {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "id", "row_condition": ratio}}
    meant = {"type": named["type"], "kwargs": {"column": "a", "row_condition": "try_divide(a, b - 2) < 100"}}
    record = dq.check(frame, suite(named, meant))
    assert [result.outcome for result in record.results] == ["errored", "passed"]
    assert "try_divide(a, b)" in record.results[0].reason


def test_a_result_that_is_refused_aborts_no_other(frame: DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day that Python does not have ends the scan it is read by; a result that is not accepted is judged there."""
    import dq.gx.validate

    accepted = dq.gx.validate._from_native

    def choosy(item: Any, answer: Any) -> Any:
        if item.type == "expect_column_values_to_be_unique":
            raise ValueError("refused")
        return accepted(item, answer)

    monkeypatch.setattr(dq.gx.validate, "_from_native", choosy)
    far = frame.selectExpr("*", "date'+12026-10-01' AS far")
    asked = [
        expectation("expect_column_max_to_be_between", column="far", max_value="2027-01-01"),
        expectation("expect_column_values_to_be_unique", column="amount"),
        expectation("expect_column_values_to_not_be_null", column="id", mostly=0.5),
        expectation("expect_table_row_count_to_equal", value=5),
    ]
    found = {item.expectation_config.type: item for item in dq.validate(far, suite(*asked)).results}
    assert found["expect_column_values_to_be_unique"].result["unexpected_count"] == 0
    assert found["expect_column_values_to_not_be_null"].success
    assert found["expect_table_row_count_to_equal"].success
    assert not found["expect_column_max_to_be_between"].success
    ours = dq.check(far, suite(*asked))
    assert [result.outcome for result in ours.results] == ["errored", "passed", "passed", "passed"]


def test_suite_parameters_are_given_with_the_call(frame: DataFrame, tmp_path: Path) -> None:
    asked = [
        expectation("expect_table_row_count_to_equal", value={"$PARAMETER": "rows"}),
        expectation("expect_column_max_to_be_between", column="a", max_value={"$PARAMETER": "most + 1"}),
        expectation("expect_column_values_to_be_in_set", column="region", value_set={"$PARAMETER": "regions"}),
    ]
    values = {"rows": 5, "most": 7, "regions": ["EU", "US", "", "APAC"]}
    ours = dq.validate(frame, suite(*asked), expectation_parameters=values)
    assert ours.success
    assert comparable(ours.to_json_dict()) == comparable(oracle(frame, suite(*asked), "SUMMARY", values))
    assert dq.check(frame, suite(*asked), values).success
    assert not dq.check(frame, suite(*asked), {**values, "rows": 6}).passed
    path = tmp_path / "s.yml"
    path.write_text(
        "name: s\nexpectations:\n- {type: expect_table_row_count_to_equal, kwargs: {value: {$PARAMETER: rows}}}\n"
    )
    assert dq.check(frame, path, {"rows": 5}).passed
    with pytest.raises(ConfigError, match="rows"):
        dq.check(frame, path)


def test_a_suite_parameter_without_a_value_is_an_error(frame: DataFrame) -> None:
    given = suite(expectation("expect_table_row_count_to_equal", value={"$PARAMETER": "rows"}))
    with pytest.raises(ConfigError, match="rows"):
        dq.validate(frame, given)


def test_a_result_format_with_options_is_left_to_great_expectations(frame: DataFrame) -> None:
    wanted = {"result_format": "COMPLETE", "unexpected_index_column_names": ["id"]}
    result = dq.validate(frame, suite(EXPECTATIONS[2]), wanted)
    assert result.results[0].result["unexpected_index_list"] == [
        {"id": None, "region": ""},
        {"id": 6, "region": "APAC"},
    ]


def test_the_suite_may_be_a_file_and_nothing_of_it_is_changed(frame: DataFrame, tmp_path: Path) -> None:
    given = suite(*EXPECTATIONS[:3])
    before = json.dumps(given)
    file = tmp_path / "suite.json"
    file.write_text(before, encoding="utf-8")
    assert dq.validate(frame, file).to_json_dict()["results"] == dq.validate(frame, given).to_json_dict()["results"]
    assert json.dumps(given) == before


def test_a_callers_own_data_context_stays_the_current_one(frame: DataFrame) -> None:
    from dq.gx.load import load

    load()
    import great_expectations as gx
    from great_expectations.data_context.data_context.context_factory import project_manager

    own = gx.get_context(mode="ephemeral")
    dq.validate(frame, suite(EXPECTATIONS[11]))
    assert project_manager._ProjectManager__project is own


def test_a_frame_is_not_left_cached(frame: DataFrame) -> None:
    fresh = frame.select("id")
    dq.validate(fresh, suite(expectation("expect_column_median_to_be_between", column="id", min_value=0)))
    assert not fresh.is_cached


def test_importing_dq_and_its_validate_loads_no_great_expectations(tmp_path: Path) -> None:
    script = tmp_path / "imports.py"
    script.write_text(
        "import sys, dq\nassert callable(dq.validate)\n"
        "heavy = {'great_expectations', 'pyspark', 'pandas'} & set(sys.modules)\nassert not heavy, heavy\n",
        encoding="utf-8",
    )
    root = Path(dq.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PYTHONPATH": str(root)},
    )
    assert done.returncode == 0, done.stderr
