"""What a check expects and what was observed, as plain sentences without data values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from dq.base.errors import DqError
from dq.base.model import Check, Json
from dq.engine.bounds import bounds_of, shown
from dq.engine.native_result import NativeResult
from dq.engine.native_schema import SCHEMA_ONLY

MAX_LISTED = 10
_MINIMUM_DIGITS = 2


def expected(check: Check) -> str:
    """What a check of a native type expects of its dataset."""
    made = _EXPECTED.get(check.type)
    try:
        text = made(check.kwargs) if made else check.type.removeprefix("expect_").replace("_", " ")
    except DqError as error:
        return error.what
    mostly = check.kwargs.get("mostly")
    if isinstance(mostly, int | float) and not isinstance(mostly, bool) and mostly < 1:
        text = f"{text}, in at least {_percent(mostly * 100)} of rows"
    condition = check.kwargs.get("row_condition")
    return f"{text}, where {condition}" if isinstance(condition, str) and condition else text


def observed(check: Check, result: NativeResult, *, show: bool) -> str:
    """What was found: counts, sums, column names and types always, any other value only where the check may show it."""
    if result.success is None:
        return ""
    measures = result.measures
    if "element_count" in measures:
        return _rows(check, measures)
    for name, unit in (("row_count", "row"), ("distinct_count", "distinct value")):
        if name in measures:
            return _many(measures[name], unit)
    for name in ("sum", "mean"):
        if name in measures:
            return f"{name} {_number(measures[name])}"
    if result.private:
        if show:
            return ", ".join(f"{name} {value}" for name, value in result.private.items())
        return "inside the range" if result.success else "outside the range"
    if measures.get("values") == 0:
        return "no value"
    if "mismatched" in measures:
        return f"{_many(measures['mismatched'], 'position')} {'differs' if measures['mismatched'] == 1 else 'differ'}"
    if "missing" in measures or "unexpected" in measures:
        parts = [f"{name}: {_listed(measures[name])}" for name in ("missing", "unexpected") if measures.get(name)]
        return "; ".join(parts)
    counts = [(name, measures[name]) for name in ("unexpected_count", "missing_count") if name in measures]
    if counts:
        words = {"unexpected_count": "unexpected", "missing_count": "missing"}
        return ", ".join(f"{_many(count, f'{words[name]} value')}" for name, count in counts)
    value = result.result.get("observed_value")
    if isinstance(value, str | int) and (show or check.type in SCHEMA_ONLY):
        return shown(value)
    return "as expected" if result.success else "not as expected"


def _rows(check: Check, measures: Mapping[str, Json]) -> str:
    total, unexpected = _int(measures["element_count"]), _int(measures.get("unexpected_count", 0))
    missing = _int(measures.get("missing_count", 0))
    kept = total - missing
    what = {
        "expect_column_values_to_not_be_null": "NULL in",
        "expect_column_values_to_be_null": "not NULL in",
        "expect_column_values_to_be_unique": "repeated in",
        "expect_compound_columns_to_be_unique": "repeated in",
    }.get(check.type, "unexpected in")
    share = f" ({_percent(unexpected / kept * 100)})" if unexpected and kept else ""
    text = f"{what} {unexpected:,} of {_many(kept, 'row')}{share}"
    return f"{text}, {missing:,} left out as NULL" if missing else text


def _percent(value: float) -> str:
    """A percentage with as many decimals as it takes not to read as zero."""
    for digits in range(_MINIMUM_DIGITS, 10):
        text = f"{value:.{digits}f}"
        if float(text):
            return f"{text.rstrip('0').rstrip('.')} %"
    return f"{value:g} %"


def _many(count: Json, unit: str) -> str:
    return f"{_int(count):,} {unit}{'' if count == 1 else 's'}"


def _int(value: Json) -> int:
    return value if isinstance(value, int) else 0


def _number(value: Json) -> str:
    whole, dot, fraction = str(value).partition(".")
    digits = whole.lstrip("-")
    return f"{'-' if whole.startswith('-') else ''}{int(digits):,}{dot}{fraction}" if digits.isdigit() else str(value)


def _listed(value: Json) -> str:
    if not isinstance(value, Sequence) or isinstance(value, str):
        return str(value)
    more = f" and {len(value) - MAX_LISTED} more" if len(value) > MAX_LISTED else ""
    return ", ".join(shown(item) for item in value[:MAX_LISTED]) + more


def _column(kwargs: Mapping[str, Json]) -> str:
    return str(kwargs.get("column"))


def _columns(kwargs: Mapping[str, Json]) -> str:
    return _listed(kwargs.get("column_list"))


_EXPECTED: Mapping[str, Callable[[Mapping[str, Json]], str]] = {
    "expect_table_row_count_to_be_between": lambda k: f"{bounds_of(k)} rows",
    "expect_table_row_count_to_equal": lambda k: f"exactly {_many(k.get('value'), 'row')}",
    "expect_column_to_exist": lambda k: f"a column {_column(k)}",
    "expect_table_columns_to_match_ordered_list": lambda k: f"the columns {_columns(k)} in this order",
    "expect_table_columns_to_match_set": lambda k: f"the columns {_listed(k.get('column_set'))}",
    "expect_table_column_count_to_equal": lambda k: f"exactly {_many(k.get('value'), 'column')}",
    "expect_table_column_count_to_be_between": lambda k: f"{bounds_of(k)} columns",
    "expect_column_values_to_be_of_type": lambda k: f"{_column(k)} is of type {k.get('type_')}",
    "expect_column_values_to_be_in_type_list": lambda k: f"{_column(k)} is of type {_listed(k.get('type_list'))}",
    "expect_column_values_to_not_be_null": lambda k: f"{_column(k)} has a value",
    "expect_column_values_to_be_null": lambda k: f"{_column(k)} is NULL",
    "expect_column_values_to_be_between": lambda k: f"{_column(k)} is {bounds_of(k)}",
    "expect_column_values_to_be_in_set": lambda k: f"{_column(k)} is one of {_listed(k.get('value_set'))}",
    "expect_column_values_to_not_be_in_set": lambda k: f"{_column(k)} is not one of {_listed(k.get('value_set'))}",
    "expect_column_values_to_match_regex": lambda k: f"{_column(k)} matches {k.get('regex')}",
    "expect_column_values_to_not_match_regex": lambda k: f"{_column(k)} does not match {k.get('regex')}",
    "expect_column_value_lengths_to_be_between": lambda k: f"{_column(k)} is {bounds_of(k)} characters long",
    "expect_column_value_lengths_to_equal": lambda k: f"{_column(k)} is {k.get('value')} characters long",
    "expect_column_pair_values_a_to_be_greater_than_b": lambda k: (
        f"{k.get('column_A')} is {'at least' if k.get('or_equal') else 'above'} {k.get('column_B')}"
    ),
    "expect_column_pair_values_to_be_equal": lambda k: f"{k.get('column_A')} equals {k.get('column_B')}",
    "expect_multicolumn_sum_to_equal": lambda k: f"{_columns(k)} add up to {k.get('sum_total')}",
    "expect_column_values_to_be_unique": lambda k: f"no two rows share a value of {_column(k)}",
    "expect_compound_columns_to_be_unique": lambda k: f"no two rows share {_columns(k)}",
    "expect_column_min_to_be_between": lambda k: f"the least {_column(k)} is {bounds_of(k)}",
    "expect_column_max_to_be_between": lambda k: f"the greatest {_column(k)} is {bounds_of(k)}",
    "expect_column_mean_to_be_between": lambda k: f"the mean {_column(k)} is {bounds_of(k)}",
    "expect_column_sum_to_be_between": lambda k: f"the sum of {_column(k)} is {bounds_of(k)}",
    "expect_column_distinct_values_to_be_in_set": lambda k: f"{_column(k)} holds only {_listed(k.get('value_set'))}",
    "expect_column_distinct_values_to_contain_set": lambda k: f"{_column(k)} holds {_listed(k.get('value_set'))}",
    "expect_column_distinct_values_to_equal_set": lambda k: f"{_column(k)} holds exactly {_listed(k.get('value_set'))}",
    "expect_column_unique_value_count_to_be_between": lambda k: f"{_column(k)} has {bounds_of(k)} distinct values",
}
