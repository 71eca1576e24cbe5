"""Measures are split into aggregates that Spark still compiles, and no column is read twice without need."""

from __future__ import annotations

from dq.engine.measures import Measure, MeasureKind
from dq.engine.scan import MAX_FIELDS, batches


def _measure(name: str, *columns: str, fields: int = 1) -> Measure:
    return Measure(
        kind=MeasureKind.MATCHING,
        condition=name,
        columns=frozenset(columns),
        build=lambda: None,  # type: ignore[arg-type,return-value]
        fields=fields,
    )


def test_no_measures_need_no_scan() -> None:
    assert batches([]) == []


def test_up_to_the_limit_there_is_one_scan() -> None:
    measures = [_measure(f"m{n}", f"c{n}") for n in range(MAX_FIELDS)]
    assert [len(batch) for batch in batches(measures)] == [MAX_FIELDS]


def test_equal_measures_are_computed_once() -> None:
    assert [len(batch) for batch in batches([_measure("same", "a"), _measure("same", "a")])] == [1]


def test_beyond_the_limit_batches_have_disjoint_columns() -> None:
    measures = [_measure(f"m{n}", f"c{n % 8}") for n in range(160)]
    found = batches(measures)
    columns = [{name for measure in batch for name in measure.columns} for batch in found]
    assert sum(len(batch) for batch in found) == 160
    assert all(sum(measure.fields for measure in batch) <= MAX_FIELDS for batch in found)
    assert all(not left & right for n, left in enumerate(columns) for right in columns[n + 1 :])


def test_measures_linked_by_a_shared_column_stay_together() -> None:
    measures = [_measure("pair", "a", "b"), *(_measure(f"m{n}", f"x{n}") for n in range(84)), _measure("b", "b")]
    pair = next(batch for batch in batches(measures) if any(item.condition == "pair" for item in batch))
    assert any(item.condition == "b" for item in pair)


def test_one_column_with_more_measures_than_fit_is_read_twice_rather_than_refused() -> None:
    found = batches([_measure(f"m{n}", "only") for n in range(100)])
    assert [len(batch) for batch in found] == [MAX_FIELDS, 100 - MAX_FIELDS]


def test_a_measure_of_two_fields_counts_twice() -> None:
    found = batches([_measure(f"m{n}", f"c{n}", fields=2) for n in range(50)])
    assert len(found) == 2


def test_the_order_of_the_measures_changes_nothing() -> None:
    measures = [_measure(f"m{n}", f"c{n % 7}") for n in range(120)]
    assert batches(measures) == batches(list(reversed(measures)))
