"""The values Great Expectations' own arguments may take, as far as they can be told before the data is seen."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from dq.engine.native_types import NATIVE_TYPES


@dataclass(frozen=True)
class Kind:
    """A kind of value: what it is called in a finding, and whether a value is one."""

    name: str
    holds: Callable[[object], bool]


def whole(value: object) -> bool:
    """Whether a value is a whole number from 0 up; true and false are not."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _number(value: object) -> bool:
    if isinstance(value, bool):
        return False
    if isinstance(value, int | float):
        return math.isfinite(value)
    if isinstance(value, str):
        try:
            return Decimal(value.strip()).is_finite()
        except InvalidOperation:
            return False
    return False


def _bound(value: object) -> bool:
    """What a value of a column can be compared with: text is a number, a day or an instant, as the engine reads it."""
    if not isinstance(value, str):
        return _number(value)
    text = value.strip()
    try:
        if re.fullmatch(r"\d{4}-\d{1,2}-\d{1,2}", text):
            date(*(int(part) for part in text.split("-")))
        elif not _number(text):
            datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _texts(value: object) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(item, str) for item in value)


def _quantile_ranges(value: object) -> bool:
    """Quantiles and as many ranges, each the right way round; Great Expectations passes over what has no range."""
    if not isinstance(value, Mapping):
        return False
    quantiles, ranges = value.get("quantiles"), value.get("value_ranges")
    if not (isinstance(quantiles, list | tuple) and isinstance(ranges, list | tuple) and quantiles):
        return False
    return (
        len(quantiles) == len(ranges)
        and all(SHARE.holds(one) for one in quantiles)
        and all(_range(one) for one in ranges)
    )


def _range(value: object) -> bool:
    """Two numbers, the least first; None where there is no bound on that side, which cannot be both."""
    if not isinstance(value, list | tuple) or len(value) != 2:
        return False
    given = [one for one in value if one is not None]
    return bool(given) and all(map(_number, given)) and Decimal(str(given[0])) <= Decimal(str(given[-1]))


WHOLE = Kind("a whole number from 0 up", whole)
NUMBER = Kind("a number", _number)
SHARE = Kind("a share from 0 to 1", lambda value: _number(value) and 0 <= Decimal(str(value)) <= 1)
BOUND = Kind("a number, a day such as 2026-10-05 or an instant", _bound)
TEXT = Kind("text", lambda value: isinstance(value, str) and bool(value.strip()))
TEXTS = Kind("a list of text", _texts)
LIST = Kind("a list", lambda value: isinstance(value, list | tuple))
QUANTILES = Kind("quantiles with as many ranges, the least of each first", _quantile_ranges)
YES_NO = Kind("true or false", lambda value: isinstance(value, bool))

_BY_NAME: Mapping[str, Kind] = {
    **dict.fromkeys(("column", "column_A", "column_B", "row_condition", "condition_parser", "ignore_row_if"), TEXT),
    **dict.fromkeys(("regex", "like_pattern", "strftime_format", "type_", "match_on", "other_table_name"), TEXT),
    **dict.fromkeys(("column_list", "column_set", "regex_list", "like_pattern_list", "type_list"), TEXTS),
    **dict.fromkeys(("value_set", "value_pairs_set"), LIST),
    **dict.fromkeys(("strict_min", "strict_max", "strictly", "or_equal", "exact_match", "double_sided"), YES_NO),
    **dict.fromkeys(("ties_okay", "bucketize_data"), YES_NO),
    **dict.fromkeys(("value", "column_index"), WHOLE),
    **dict.fromkeys(("sum_total", "threshold"), NUMBER),
    "quantile_ranges": QUANTILES,
}
_BOUNDS = ("min_value", "max_value")
# What the bounds of an aggregate are compared with; those of the other types are compared with values of the column.
_BOUNDED: Mapping[str, Kind] = {
    "expect_table_row_count_to_be_between": WHOLE,
    "expect_table_column_count_to_be_between": WHOLE,
    "expect_column_unique_value_count_to_be_between": WHOLE,
    "expect_column_value_lengths_to_be_between": WHOLE,
    "expect_column_mean_to_be_between": NUMBER,
    "expect_column_stdev_to_be_between": NUMBER,
    "expect_column_sum_to_be_between": NUMBER,
    "expect_column_kl_divergence_to_be_less_than": NUMBER,
    "expect_column_proportion_of_unique_values_to_be_between": SHARE,
    "expect_column_proportion_of_non_null_values_to_be_between": SHARE,
}


def kind_of(type_name: str, name: str) -> str:
    """What an argument of a native type holds, in words."""
    kind = SHARE if name == "mostly" else _kind(type_name, name)
    return kind.name.removeprefix("a ") if kind is not None else "as Great Expectations has it"


def _kind(type_name: str, name: str) -> Kind | None:
    return _BOUNDED.get(type_name, BOUND) if name in _BOUNDS else _BY_NAME.get(name)


def is_parameter(value: object) -> bool:
    """Whether a value is a suite parameter, which Great Expectations puts in before the suite is evaluated."""
    return isinstance(value, Mapping) and "$PARAMETER" in value


def value_problems(type_name: str, kwargs: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """The arguments of a native expectation whose value cannot be meant: the argument and what is wrong with it."""
    required, optional = NATIVE_TYPES.get(type_name, (frozenset(), frozenset()))
    for name, value in kwargs.items():
        if name not in required | optional or (value is None and name not in required):
            continue
        if is_parameter(value):
            continue
        kind = _kind(type_name, name)
        if kind is not None and not kind.holds(value):
            shown = repr(value)
            yield name, f"{shown if len(shown) <= 60 else shown[:60] + '…'} is not {kind.name}"
