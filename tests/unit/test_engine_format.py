"""The result dictionary of a row-wise check in every result format."""

from __future__ import annotations

from dq.engine.gx_format import row_result


def _result(result_format: str, values: list[object] | None, **over: int | None) -> dict[str, object]:
    numbers = {"rows": 10, "kept": 8, "unexpected": 2, **over}
    return row_result(result_format=result_format, values=values, **numbers)  # type: ignore[arg-type]


def test_boolean_only_says_nothing_more() -> None:
    assert _result("BOOLEAN_ONLY", []) == {}


def test_percentages_run_to_a_hundred_and_leave_nulls_out() -> None:
    result = _result("BASIC", [1, 1])
    assert result["unexpected_percent"] == 25.0
    assert result["unexpected_percent_total"] == 20.0
    assert result["missing_percent"] == 20.0


def test_no_rows_have_no_percentage() -> None:
    result = _result("BASIC", [], rows=0, kept=0, unexpected=0)
    assert result["unexpected_percent"] is None
    assert result["missing_percent"] is None


def test_only_nulls_have_no_percentage_of_values() -> None:
    result = _result("BASIC", [], rows=3, kept=0, unexpected=0)
    assert result["unexpected_percent_nonmissing"] is None
    assert result["unexpected_percent_total"] == 0.0


def test_a_check_of_nulls_reports_nothing_missing() -> None:
    assert "missing_count" not in _result("BASIC", [None], kept=None)


def test_without_permission_no_value_is_listed() -> None:
    for result_format in ("BASIC", "SUMMARY", "COMPLETE"):
        result = _result(result_format, None)
        assert not {"partial_unexpected_list", "partial_unexpected_counts", "unexpected_list"} & set(result)


def test_the_most_frequent_values_come_first() -> None:
    counts = _result("SUMMARY", ["b", "a", "b"])["partial_unexpected_counts"]
    assert counts == [{"value": "b", "count": 2}, {"value": "a", "count": 1}]


def test_values_that_have_no_order_are_not_counted() -> None:
    assert "partial_unexpected_counts" not in _result("SUMMARY", ["b", None])
    assert "partial_unexpected_counts" not in _result("SUMMARY", [[1], [2]])


def test_complete_lists_every_value_and_the_query() -> None:
    result = row_result(
        result_format="COMPLETE", rows=30, kept=30, unexpected=25, values=list(range(25)), query="df.filter(...)"
    )
    assert len(result["unexpected_list"]) == 25  # type: ignore[arg-type]
    assert len(result["partial_unexpected_list"]) == 20  # type: ignore[arg-type]
    assert result["unexpected_index_query"] == "df.filter(...)"
