"""Bounds and members of every size against a column of money, numbers, days and instants, by an oracle in Python."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from dq.base.model import Check, CheckResult, Evidence, Outcome
from dq.engine.dataset import Context, Dataset
from dq.judge.evaluate import evaluate

NINES = 10**38 - 1
LONGEST = f"{NINES // 10**10}.{NINES % 10**10:010d}"
COLUMNS: Mapping[str, tuple[str, Sequence[Any]]] = {
    "money": (
        "decimal(38,10)",
        [Decimal(f"{n}.{n:010d}") for n in (0, 1, 2)] + [Decimal(LONGEST)] * 2,
    ),
    "whole": ("decimal(38,0)", [Decimal(NINES), Decimal(-NINES), Decimal(2**63), Decimal(2**63), None]),
    "cents": ("decimal(10,2)", [Decimal("0.10"), Decimal("0.10"), Decimal("99999999.99"), Decimal("-0.01"), None]),
    "long": ("long", [2**63 - 1, -(2**63), 0, 7, 7]),
    "small": ("tinyint", [127, -128, 0, 5, 5]),
    "day": ("date", [date(2026, 10, 1), date(2026, 10, 1), date(1, 1, 1), date(9999, 12, 31), None]),
    "at": ("timestamp", [datetime(2026, 10, n, 23, 59, 59, 999999, UTC) for n in (1, 1, 2, 3)] + [None]),
}
NUMBERS: Sequence[Any] = (
    *(0, 7, 127, 128, -129, 2**63, 2**63 - 1, -(2**63) - 1, 2**64, 10**38, NINES, -NINES, 10**60),
    *(0.1, -0.01, 1e300, "0.10", "0.1000000000001", "1.0000000001", LONGEST),
)
DAYS: Sequence[Any] = ("2026-10-01", "0001-01-01", "9999-12-31", "2026-10-02", "2026-10-01T23:59:59.999999")
BETWEEN = "expect_column_values_to_be_between"
MODE = "expect_column_most_common_value_to_be_in_set"


@pytest.fixture(scope="module")
def frame(spark: SparkSession) -> DataFrame:
    schema = ", ".join(f"{name} {kind}" for name, (kind, _) in COLUMNS.items())
    rows = list(zip(*(values for _, values in COLUMNS.values()), strict=True))
    return spark.createDataFrame(rows, schema).coalesce(1)


def _exact(value: Any) -> Fraction | datetime:
    """A value as something Python compares exactly."""
    if isinstance(value, str) and "-" in value[1:]:
        value = datetime.fromisoformat(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    return Fraction(repr(value) if isinstance(value, float) else str(value))


def _given(column: str) -> Sequence[Any]:
    return DAYS if column in ("day", "at") else NUMBERS


def _judged(frame: DataFrame, asked: Sequence[tuple[str, dict[str, Any]]]) -> list[CheckResult]:
    checks = [Check(check=str(n), dataset="d", type=name, kwargs=kwargs) for n, (name, kwargs) in enumerate(asked)]
    return evaluate(checks, Dataset(name="d", frame=frame), Context())


def test_a_bound_of_any_size_is_compared_exactly(frame: DataFrame) -> None:
    asked, wanted = [], []
    for column, (_, values) in COLUMNS.items():
        present = [_exact(value) for value in values if value is not None]
        for end in _given(column):
            for strict in (False, True):
                low, high = {"min_value": end, "strict_min": strict}, {"max_value": end, "strict_max": strict}
                asked += [(BETWEEN, {"column": column, **low}), (BETWEEN, {"column": column, **high})]
                bound = _exact(end)
                wanted.append(sum(not (value > bound if strict else value >= bound) for value in present))
                wanted.append(sum(not (value < bound if strict else value <= bound) for value in present))
    found = _judged(frame, asked)
    for (_, kwargs), result, count in zip(asked, found, wanted, strict=True):
        assert result.measures.get("unexpected_count") == count, (kwargs, result.reason)


def test_a_member_of_any_size_is_compared_exactly(frame: DataFrame) -> None:
    asked, wanted = [], []
    for column, (_, values) in COLUMNS.items():
        present = [_exact(value) for value in values if value is not None]
        for members in ([one] for one in _given(column)):
            inside = sum(value in {_exact(one) for one in members} for value in present)
            given = {"column": column, "value_set": members}
            asked += [
                ("expect_column_values_to_be_in_set", given),
                ("expect_column_values_to_not_be_in_set", given),
            ]
            wanted += [len(present) - inside, inside]
    found = _judged(frame, asked)
    for (name, kwargs), result, count in zip(asked, found, wanted, strict=True):
        assert result.measures.get("unexpected_count") == count, (name, kwargs, result.reason)


@pytest.mark.run
@pytest.mark.parametrize("ties_okay", [False, True])
def test_the_most_common_value_of_any_type_is_found_in_its_set(frame: DataFrame, ties_okay: bool) -> None:
    asked, wanted = [], []
    for column, (_, values) in COLUMNS.items():
        counts = Counter(_exact(value) for value in values if value is not None)
        modes = {value for value, n in counts.items() if n == max(counts.values())}
        common = max((value for value in values if value is not None), key=lambda value: counts[_exact(value)])
        text = common.isoformat() if isinstance(common, date) else str(common)
        for members in ([text], [text, text], [_given(column)[1]], []):
            inside = len(modes & {_exact(one) for one in members})
            asked.append((MODE, {"column": column, "value_set": members, "ties_okay": ties_okay}))
            wanted.append(inside > 0 if ties_okay else len(modes) == inside == 1)
    found = _judged(frame, asked)
    for (_, kwargs), result, passed in zip(asked, found, wanted, strict=True):
        assert result.outcome is (Outcome.PASSED if passed else Outcome.FAILED), (kwargs, result)
        assert result.evidence is Evidence.KEY_PASS


def test_a_day_against_instants_is_its_midnight_in_utc_in_any_session(spark: SparkSession) -> None:
    theirs = spark.newSession()
    theirs.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
    frame = theirs.createDataFrame([(datetime(2026, 10, 1, 23, 30, tzinfo=UTC),)], "at timestamp")
    late = _judged(frame, [(BETWEEN, {"column": "at", "min_value": "2026-10-02"})])[0]
    member = {"column": "at", "value_set": ["2026-10-01T23:30:00"]}
    spark.range(1).count()
    assert late.outcome is Outcome.FAILED
    assert _judged(frame, [("expect_column_values_to_be_in_set", member)])[0].outcome is Outcome.PASSED
