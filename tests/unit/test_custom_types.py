from __future__ import annotations

import re

import pytest
from custom_type_examples import FRESH, HISTORY, RECONCILE, REFERENCE, REPEATS, TOTALS, VALID

from dq.checks.custom_kwargs import describe, kwarg_problems, sentence, with_defaults
from dq.checks.custom_types import CUSTOM_TYPES, columns_of, other_columns_of
from dq.checks.type_spec import KwargType


def test_every_type_is_tried_here() -> None:
    assert {name for name, _ in VALID} == set(CUSTOM_TYPES)


@pytest.mark.parametrize(("name", "kwargs"), VALID)
def test_valid_kwargs_have_no_problem_and_make_a_whole_sentence(name: str, kwargs: dict[str, object]) -> None:
    assert kwarg_problems(name, kwargs) == []
    said = describe(name, kwargs)
    assert said.endswith(".")
    assert not re.search(r"\$|\[|\]|None", said)


@pytest.mark.parametrize(
    ("name", "kwargs", "problems"),
    [
        ("expect_partition_to_be_fresh", {}, [("column", "needs it"), ("max_age_hours", "needs it")]),
        ("expect_partition_to_be_fresh", {**FRESH, "max_age": 1}, [("max_age", "did you mean max_age_hours")]),
        (
            "expect_partition_to_be_fresh",
            {**FRESH, "reference": "now"},
            [("reference", "not one of data_through, as_of")],
        ),
        ("expect_partition_to_be_fresh", {**FRESH, "max_age_hours": "24"}, [("max_age_hours", "not a number")]),
        ("expect_partition_to_be_fresh", {**FRESH, "max_age_hours": -1}, [("max_age_hours", "not negative")]),
        ("expect_partition_to_be_fresh", {**FRESH, "max_age_hours": float("nan")}, [("max_age_hours", "not a")]),
        ("expect_partition_to_be_fresh", {**FRESH, "min_rows": True}, [("min_rows", "whole number")]),
        ("expect_partition_to_be_fresh", {**FRESH, "column": " "}, [("column", "not a column")]),
        ("expect_days_to_be_complete", {"column": "d", "except_weekdays": ["Sun"]}, [("except_weekdays", "monday")]),
        ("expect_days_to_be_complete", {"column": "d", "except_days": ["2026-02-30"]}, [("except_days", "YYYY-MM")]),
        ("expect_days_to_be_complete", {"column": "d", "min_share": "0.5"}, [("min_share", "not a number")]),
        ("expect_total_to_reconcile", {**RECONCILE, "tolerance": 0.01}, [("tolerance", "written as text")]),
        ("expect_total_to_reconcile", {**RECONCILE, "tolerance": "NaN"}, [("tolerance", "decimal")]),
        ("expect_total_to_reconcile", {**RECONCILE, "tolerance": "-1"}, [("tolerance", "not negative")]),
        ("expect_total_to_reconcile", {**RECONCILE, "lines": {}}, [("lines", "mapping")]),
        ("expect_totals_to_match", {**TOTALS, "pairs": [{"column": "a"}]}, [("pairs", "column, other")]),
        ("expect_totals_to_match", {**TOTALS, "by": ["a", "a"]}, [("by", "list of columns")]),
        ("expect_feeds_to_be_present", {"columns": []}, [("columns", "list of columns")]),
        ("expect_feeds_to_be_present", {"columns": "provider"}, [("columns", "list of columns")]),
        ("expect_feeds_to_be_present", {"columns": ["p"], "grace_days": -1}, [("grace_days", "whole number")]),
        ("expect_measure_to_fit_history", {"metric": "row_count"}, [("mads", "either low and high")]),
        ("expect_measure_to_fit_history", {**HISTORY, "mads": 3}, [("mads", "not both")]),
        ("expect_measure_to_fit_history", {**HISTORY, "low": 3}, [("low", "above the greatest")]),
        ("expect_measure_to_fit_history", {"metric": "mean", "low": 1}, [("column", "measures a column")]),
        ("expect_measure_to_fit_history", {**HISTORY, "metric": "row_count"}, [("column", "measures none")]),
        ("expect_measure_to_fit_history", {**HISTORY, "maximum_history": 2}, [("maximum_history", "fewer than the 3")]),
        (
            "expect_measure_to_fit_history",
            {**HISTORY, "minimum_history": 0, "maximum_history": 0},
            [("maximum_history", "fewer than the 1")],
        ),
        ("expect_values_to_refer_to", {**REFERENCE, "other_columns": ["a", "b"]}, [("other_columns", "2 columns")]),
        ("expect_values_to_refer_to", {**REFERENCE, "max_amount": "1"}, [("amount", "values the rows")]),
        (
            "expect_distinct_counts_to_match",
            {"column": "wau", "other": "units", "other_column": "user_id", "so_far": "week"},
            [("through", "belong together")],
        ),
        (
            "expect_cohort_to_match",
            {
                **{name: name for name in ("retained", "lost", "other", "opening", "closing")},
                "unit": ["account_id"],
                "by": ["region"],
            },
            [("other_by", "0 columns stand against 1")],
        ),
        (
            "expect_distinct_counts_to_match",
            {"column": "wau", "other": "units", "other_column": "user_id", "reason_column": "wau_reason"},
            [("so_far", "reason_column needs")],
        ),
        ("expect_finals_to_hold_every_row", {"other": "a.late", "max_share": 0.01}, [("of", "a share of")]),
        (
            "expect_finals_to_hold_every_row",
            {"other": "a.late", "max_amount": "1.00", "before": "x"},
            [("amount", "max_amount needs"), ("amount", "before needs")],
        ),
        ("expect_redeliveries_to_be_rare", REPEATS, [("max_share", "not both")]),
        (
            "expect_redeliveries_to_be_rare",
            {**REPEATS, "max_share": 0.1, "minimum_history": 3},
            [("minimum_history", "only high")],
        ),
        ("expect_source_to_match_contract", {"added": "yes"}, [("added", "true or false")]),
        ("expect_run_to_complete", {"column": "x"}, [("column", "no such kwarg")]),
    ],
)
def test_every_mistake_is_told_with_its_kwarg(
    name: str, kwargs: dict[str, object], problems: list[tuple[str, str]]
) -> None:
    found = kwarg_problems(name, kwargs)
    assert [kwarg for kwarg, _ in found] == [kwarg for kwarg, _ in problems]
    for (_, message), (_, expected) in zip(found, problems, strict=True):
        assert expected in message


def test_a_long_wrong_value_is_cut_in_the_message() -> None:
    [(_, message)] = kwarg_problems("expect_values_to_convert", {"column": ["x" * 10_000]})
    assert len(message) < 150


def test_columns_are_found_wherever_a_kwarg_names_them() -> None:
    assert columns_of("expect_total_to_reconcile", RECONCILE) == ("expense_marketing", "expense_payroll")
    assert other_columns_of("expect_total_to_reconcile", RECONCILE) == ("line", "amount")
    assert columns_of("expect_totals_to_match", {**TOTALS, "by": ["product"]}) == ("amount", "product")
    assert other_columns_of("expect_totals_to_match", {**TOTALS, "by": ["product"]}) == ("total", "product")
    assert columns_of("expect_measure_to_fit_history", {"metric": "row_count", "mads": 1}) == ()


def test_defaults_are_added_but_never_win() -> None:
    defaults = {"reference": "data_through", "min_rows": 1, "minimum_history": 7}
    defaults |= {"except_weekdays": (), "except_days": ()}
    assert with_defaults("expect_partition_to_be_fresh", FRESH) == {**FRESH, **defaults}
    assert with_defaults("expect_partition_to_be_fresh", {**FRESH, "min_rows": 9})["min_rows"] == 9


def test_the_sentence_leaves_out_what_was_not_declared() -> None:
    assert describe("expect_totals_to_match", TOTALS) == (
        "totals must equal those of units within 0: row count, amount = total."
    )
    assert describe("expect_totals_to_match", {**TOTALS, "by": ["product", "region"]}) == (
        "totals must equal those of units within 0: row count, amount = total, by product, region."
    )
    assert describe("expect_measure_to_fit_history", HISTORY) == (
        "mean of amount must fit the last 12 published periods, at least 0.5 times their median, "
        "at most 2 times their median, given 3 of them."
    )


def test_a_bound_of_zero_is_told_like_any_other() -> None:
    assert "at least 0 times" in describe("expect_measure_to_fit_history", {**HISTORY, "low": 0})


def test_a_value_that_looks_like_a_placeholder_is_text() -> None:
    template, params = sentence("expect_values_to_convert", {"column": "$denominator"})
    assert "$denominator" not in template
    assert params["column"] == "$denominator"
    assert "$denominator" in describe("expect_values_to_convert", {"column": "$denominator"})


def test_every_type_is_documented_and_every_placeholder_is_a_kwarg() -> None:
    for name, spec in CUSTOM_TYPES.items():
        assert spec.doc.endswith(".")
        assert set(re.findall(r"\$(\w+)", spec.sentence)) <= set(spec.kwargs), name
        for kwarg, declared in spec.kwargs.items():
            assert declared.doc.endswith("."), (name, kwarg)
            assert not (declared.required and declared.default is not None), (name, kwarg)
            assert bool(declared.choices) == (declared.type is KwargType.CHOICE), (name, kwarg)
