"""Footers prove only what they hold exactly; everything else is left to the scan."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import types as T

from dq.base.model import PinnedFile, RangeFilter
from dq.engine import footers
from dq.engine.dataset import Dataset
from dq.engine.fields import Field, Where
from dq.engine.measures import MeasureKind, extreme, matching, nulls, rows

DAY = pa.array([dt.date(2026, 10, 1), None, dt.date(2026, 10, 5)])
TYPES: dict[str, tuple[pa.Array, T.DataType]] = {
    "id": (pa.array([3, None, 1], pa.int64()), T.LongType()),
    "small": (pa.array([3, None, 1], pa.int32()), T.LongType()),
    "price": (pa.array([Decimal("1.50"), None, Decimal("-0.25")], pa.decimal128(10, 2)), T.DecimalType(10, 2)),
    "day": (DAY, T.DateType()),
    "at": (pa.array([dt.datetime(2026, 10, 1, 5), None, None], pa.timestamp("us", "UTC")), T.TimestampType()),
    "naive": (pa.array([dt.datetime(2026, 10, 1, 5), None, None], pa.timestamp("us")), T.TimestampNTZType()),
    "name": (pa.array(["b", None, "a"]), T.StringType()),
    "flag": (pa.array([True, None, False]), T.BooleanType()),
    "nothing": (pa.array([None, None, None], pa.int64()), T.LongType()),
}


def _pin(path: Path) -> PinnedFile:
    stat = path.stat()
    return PinnedFile(path=str(path), size=stat.st_size, modified_ns=stat.st_mtime_ns)


def _dataset(tmp_path: Path, columns: dict[str, tuple[pa.Array, T.DataType]], files: int = 1, **over: Any) -> Dataset:
    paths = []
    for number in range(files):
        paths.append(tmp_path / f"{number}.parquet")
        pq.write_table(pa.table({name: array for name, (array, _) in columns.items()}), paths[-1])
    schema = T.StructType([T.StructField(name, kind) for name, (_, kind) in columns.items()])
    return Dataset(
        name="d",
        frame=SimpleNamespace(schema=schema),  # type: ignore[arg-type]
        files=[_pin(path) for path in paths],
        footer_columns={name: name for name in columns},
        **over,
    )


def _field(name: str, kind: T.DataType) -> Field:
    return Field(name=name, sql=f"`{name}`", top=name, type=kind)


def _read(dataset: Dataset) -> footers.Footers:
    found = footers.read(dataset)
    assert found is not None
    return found


def test_rows_and_nulls_are_added_over_files(tmp_path: Path) -> None:
    found = _read(_dataset(tmp_path, TYPES, files=3))
    assert found.value(rows()) == (True, 9)
    assert found.value(nulls(_field("id", T.LongType()))) == (True, 3)
    assert found.value(nulls(_field("nothing", T.LongType()))) == (True, 9)


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("id", 1, 3),
        ("small", 1, 3),
        ("price", Decimal("-0.25"), Decimal("1.50")),
        ("day", dt.date(2026, 10, 1), dt.date(2026, 10, 5)),
        ("at", dt.datetime(2026, 10, 1, 5, tzinfo=dt.UTC), dt.datetime(2026, 10, 1, 5, tzinfo=dt.UTC)),
        ("naive", dt.datetime(2026, 10, 1, 5), dt.datetime(2026, 10, 1, 5)),
        ("name", "a", "b"),
        ("flag", False, True),
        ("nothing", None, None),
    ],
)
def test_least_and_greatest_are_exact_for_ordered_types(tmp_path: Path, name: str, low: object, high: object) -> None:
    found = _read(_dataset(tmp_path, TYPES, files=2))
    column = _field(name, TYPES[name][1])
    assert found.value(extreme(MeasureKind.MINIMUM, column)) == (True, low)
    assert found.value(extreme(MeasureKind.MAXIMUM, column)) == (True, high)


@pytest.mark.parametrize(
    ("array", "kind"),
    [
        (pa.array([1.0, float("nan"), 2.0]), T.DoubleType()),
        (pa.array(["x" * 80, "y", "z"]), T.StringType()),
        (pa.array([1, 2, 3], pa.timestamp("ns", "UTC")), T.TimestampType()),
        (pa.array([1, 2, 3], pa.timestamp("us")), T.TimestampType()),
        (pa.array([1, 2, 3], pa.uint32()), T.LongType()),
        (pa.array([1, 2, 3], pa.int64()), T.IntegerType()),
        (pa.array([Decimal("1.5")] * 3, pa.decimal128(10, 1)), T.DecimalType(10, 2)),
        (pa.array([dt.date(1500, 1, 1)] * 3), T.DateType()),
        (pa.array([b"1", b"2", b"3"]), T.BinaryType()),
    ],
)
def test_what_footers_do_not_hold_exactly_is_left_to_the_scan(
    tmp_path: Path, array: pa.Array, kind: T.DataType
) -> None:
    found = _read(_dataset(tmp_path, {"c": (array, kind)}))
    column = _field("c", kind)
    assert found.value(extreme(MeasureKind.MAXIMUM, column)) == (False, None)
    assert found.value(nulls(column)) == (True, 0)


def test_int96_instants_are_left_to_the_scan(tmp_path: Path) -> None:
    columns = {"at": (pa.array([dt.datetime(2026, 10, 1)], pa.timestamp("us", "UTC")), T.TimestampType())}
    dataset = _dataset(tmp_path, columns)
    path = Path(dataset.files[0].path)
    pq.write_table(pa.table({"at": columns["at"][0]}), path, use_deprecated_int96_timestamps=True)
    found = _read(Dataset(**{**vars(dataset), "files": [_pin(path)]}))
    assert found.value(extreme(MeasureKind.MAXIMUM, _field("at", T.TimestampType()))) == (False, None)


def test_a_file_without_statistics_proves_only_its_rows(tmp_path: Path) -> None:
    dataset = _dataset(tmp_path, {"id": TYPES["id"]})
    path = Path(dataset.files[0].path)
    pq.write_table(pa.table({"id": TYPES["id"][0]}), path, write_statistics=False)
    found = _read(Dataset(**{**vars(dataset), "files": [_pin(path)]}))
    column = _field("id", T.LongType())
    assert found.value(rows()) == (True, 3)
    assert found.value(nulls(column)) == (False, None)
    assert found.value(extreme(MeasureKind.MINIMUM, column)) == (False, None)


def test_one_file_without_the_column_leaves_the_column_to_the_scan(tmp_path: Path) -> None:
    dataset = _dataset(tmp_path, {"id": TYPES["id"]}, files=2)
    path = Path(dataset.files[1].path)
    pq.write_table(pa.table({"other": TYPES["id"][0]}), path)
    found = _read(Dataset(**{**vars(dataset), "files": [dataset.files[0], _pin(path)]}))
    assert found.value(nulls(_field("id", T.LongType()))) == (False, None)


def test_a_file_changed_after_it_was_pinned_proves_nothing(tmp_path: Path) -> None:
    dataset = _dataset(tmp_path, {"id": TYPES["id"]})
    pq.write_table(pa.table({"id": [1, 2, 3, 4]}), dataset.files[0].path)
    assert footers.read(dataset) is None


def test_a_file_without_a_pinned_size_is_one_the_run_wrote_itself(tmp_path: Path) -> None:
    dataset = _dataset(tmp_path, {"id": TYPES["id"]})
    bare = [PinnedFile(path=dataset.files[0].path, size=0, modified_ns=0)]
    assert _read(Dataset(**{**vars(dataset), "files": bare})).rows == 3


@pytest.mark.parametrize("content", [b"", b"PAR1 not a footer", b"PAR1"])
def test_a_torn_file_proves_nothing(tmp_path: Path, content: bytes) -> None:
    dataset = _dataset(tmp_path, {"id": TYPES["id"]})
    path = Path(dataset.files[0].path)
    path.write_bytes(content)
    assert footers.read(Dataset(**{**vars(dataset), "files": [_pin(path)]})) is None


def test_no_files_prove_nothing(tmp_path: Path) -> None:
    assert footers.read(Dataset(**{**vars(_dataset(tmp_path, {"id": TYPES["id"]})), "files": []})) is None


def test_a_measure_of_some_rows_or_of_a_condition_is_never_in_the_footers(tmp_path: Path) -> None:
    found = _read(_dataset(tmp_path, {"id": TYPES["id"]}))
    some = Where(sql="`id` > 1", columns=frozenset({"id"}))
    assert found.value(rows(some)) == (False, None)
    assert found.value(matching("c", lambda: None, frozenset({"id"}))) == (False, None)  # type: ignore[arg-type,return-value]


@pytest.mark.parametrize(
    ("low", "high", "proves"),
    [
        (dt.date(2026, 10, 1), dt.date(2026, 10, 5), True),
        (None, dt.date(2026, 10, 5), True),
        (dt.date(2026, 10, 1), None, True),
        (dt.date(2026, 10, 2), dt.date(2026, 10, 5), False),
        (dt.date(2026, 10, 1), dt.date(2026, 10, 4), False),
        (1, None, False),
    ],
)
def test_a_filter_must_keep_every_row_for_footers_to_count(tmp_path: Path, low: Any, high: Any, proves: bool) -> None:
    dataset = _dataset(tmp_path, TYPES, filters=[RangeFilter(column="day", low=low, high=high)])
    assert (footers.read(dataset) is not None) is proves


def test_a_filter_on_a_column_the_footers_do_not_order_hides_everything(tmp_path: Path) -> None:
    columns = {**TYPES, "x": (pa.array([1.0, 2.0, 3.0]), T.DoubleType())}
    assert footers.read(_dataset(tmp_path, columns, filters=[RangeFilter(column="x", low="0")])) is None
    assert footers.read(_dataset(tmp_path, columns, filters=[RangeFilter(column="elsewhere", low="0")])) is None


def test_a_filter_on_instants_compares_a_day_as_its_midnight(tmp_path: Path) -> None:
    reaching = RangeFilter(column="at", high=dt.date(2026, 10, 2))
    short = RangeFilter(column="at", high=dt.date(2026, 10, 1))
    assert footers.read(_dataset(tmp_path, TYPES, filters=[reaching])) is not None
    assert footers.read(_dataset(tmp_path, TYPES, filters=[short])) is None
