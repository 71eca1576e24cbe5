"""Bounds read from kwargs, and values compared with them without rounding."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from dq.base.errors import EvaluationError
from dq.engine.bounds import Bounds, bound, bounds_of, less


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (0, Decimal(0)),
        (0.1, Decimal("0.1")),
        ("0.10", Decimal("0.10")),
        (9007199254740993, Decimal(9007199254740993)),
        ("2026-10-05", date(2026, 10, 5)),
        ("2026-10-05T01:00:00", datetime(2026, 10, 5, 1)),
        ("2026-10-05 01:00:00+00:00", datetime(2026, 10, 5, 1, tzinfo=UTC)),
        (True, Decimal(1)),
        (None, None),
    ],
)
def test_a_bound_is_read_as_number_day_or_instant(written: object, read: object) -> None:
    assert bound(written, "min_value") == read


@pytest.mark.parametrize("written", ["abc", [1], {"a": 1}, "2026-13-01"])
def test_what_is_no_bound_is_refused(written: object) -> None:
    with pytest.raises(EvaluationError, match="min_value is not a bound"):
        bound(written, "min_value")


def test_both_ends_belong_to_a_range_unless_it_is_strict() -> None:
    open_range = bounds_of({"min_value": 1, "max_value": 3})
    strict = bounds_of({"min_value": 1, "max_value": 3, "strict_min": True, "strict_max": True})
    assert [open_range.holds(value) for value in (0, 1, 2, 3, 4)] == [False, True, True, True, False]
    assert [strict.holds(value) for value in (0, 1, 2, 3, 4)] == [False, False, True, False, False]


def test_a_decimal_is_not_rounded_to_a_double() -> None:
    assert not bounds_of({"max_value": 9007199254740992}).holds(9007199254740993)
    assert bounds_of({"min_value": 0.1}).holds(Decimal("0.10"))


def test_nan_is_above_every_number() -> None:
    assert not bounds_of({"max_value": 10**9}).holds(float("nan"))
    assert not less(float("nan"), float("nan"))


def test_a_day_is_compared_with_an_instant_as_its_midnight() -> None:
    assert not less(datetime(2026, 10, 5, tzinfo=UTC), date(2026, 10, 5))
    assert less(date(2026, 10, 5), datetime(2026, 10, 5, 1, tzinfo=UTC))


@pytest.mark.parametrize(("low", "high"), [(1, "1"), (date(2026, 1, 1), 3), (datetime(2026, 1, 1), 3), (None, 1)])
def test_values_of_different_kinds_are_not_compared(low: object, high: object) -> None:
    with pytest.raises(TypeError):
        less(low, high)  # type: ignore[arg-type]


def test_a_range_reads_as_a_sentence() -> None:
    assert str(bounds_of({"min_value": 0, "max_value": 1000000})) == "0 to 1,000,000"
    assert str(bounds_of({"min_value": 0, "strict_min": True})) == "above 0"
    assert str(Bounds()) == "any value"
