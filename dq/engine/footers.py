"""Parquet footers of pinned files: rows, NULLs, least and greatest values, exact or not given, without a Spark job."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from dq.base.model import PinnedFile, RangeFilter
from dq.engine.dataset import Dataset
from dq.engine.measures import Measure, MeasureKind, Value

if TYPE_CHECKING:
    from pyspark.sql.types import DataType

THREADS = 16
# Writers that truncate string statistics do so at 64 bytes or below; those two are known not to.
TRUNCATED_AT = 64
WHOLE_STRINGS = ("parquet-mr", "parquet-cpp-arrow")
# Dates before the calendars agreed, and instants before time zones did, may be stored in either calendar.
LEGACY_CALENDAR_BEFORE = 1900
LEGACY_KEYS = (b"org.apache.spark.legacyDateTime", b"org.apache.spark.legacyINT96")

Read = Callable[[object], Value]


@dataclass(frozen=True, kw_only=True)
class ColumnFooter:
    """What all footers prove about one column. ``nulls`` is None where a file does not say.

    ``ordered`` says that ``minimum`` and ``maximum`` are exact; both are None when the column has no values.
    """

    nulls: int | None
    ordered: bool
    minimum: Value = None
    maximum: Value = None


@dataclass(frozen=True, kw_only=True)
class Footers:
    """What the footers of all files of a dataset prove: the rows, and the columns that pass through unchanged."""

    rows: int
    columns: Mapping[str, ColumnFooter]

    def value(self, measure: Measure) -> tuple[bool, Value]:
        """Whether the footers give a measure exactly, and its value."""
        if measure.where:
            return False, None
        if measure.kind is MeasureKind.ROWS:
            return True, self.rows
        column = self.columns.get(measure.column)
        if column is None:
            return False, None
        if measure.kind is MeasureKind.NULLS:
            return column.nulls is not None, column.nulls
        if measure.kind is MeasureKind.MINIMUM:
            return column.ordered, column.minimum
        if measure.kind is MeasureKind.MAXIMUM:
            return column.ordered, column.maximum
        return False, None


def read(dataset: Dataset) -> Footers | None:
    """The footers of a dataset's pinned files; None where they prove nothing about its frame.

    That is when the dataset has no files, a footer cannot be read, a file is no longer what was pinned, or a row filter
    is not proved to keep every row. A pin without size and modification time names a file that this run wrote itself.
    Nothing here raises: the scan that follows meets the same files and says so better.
    """
    if not dataset.files:
        return None
    schema = dataset.frame.schema
    types = {
        parquet: (name, schema[name].dataType)
        for name, parquet in dataset.footer_columns.items()
        if name in schema.names
    }
    try:
        with ThreadPoolExecutor(min(THREADS, len(dataset.files))) as pool:
            parts = list(pool.map(lambda file: _file(file, types), dataset.files))
    except Exception:
        return None
    footers = Footers(
        rows=sum(rows for rows, _ in parts),
        columns={name: _merged([columns[name] for _, columns in parts]) for name, _ in types.values()},
    )
    return footers if all(_vacuous(item, footers) for item in dataset.filters) else None


def _file(file: PinnedFile, types: Mapping[str, tuple[str, DataType]]) -> tuple[int, dict[str, ColumnFooter]]:
    metadata = _metadata(file)
    arrow = metadata.schema.to_arrow_schema()
    legacy = any(key in (metadata.metadata or {}) for key in LEGACY_KEYS)
    by_path: dict[str, list[int]] = {}
    for index in range(metadata.num_columns):
        by_path.setdefault(metadata.schema.column(index).path, []).append(index)
    found: dict[str, ColumnFooter] = {}
    for parquet, (name, data_type) in types.items():
        indexes = by_path.get(parquet, [])
        if len(indexes) != 1 or arrow.names.count(parquet) != 1:
            found[name] = ColumnFooter(nulls=None, ordered=False)
            continue
        schema = metadata.schema.column(indexes[0])
        reader = None if legacy else _reader(arrow.field(parquet).type, schema.physical_type, data_type)
        strings = str(metadata.created_by or "").startswith(WHOLE_STRINGS)
        found[name] = _merged(_row_groups(metadata, indexes[0], reader, strings))
    return int(metadata.num_rows), found


def _metadata(file: PinnedFile) -> Any:
    import pyarrow.fs
    import pyarrow.parquet

    parts = urlsplit(file.path)
    if parts.scheme in ("", "file"):
        path = Path(unquote(parts.path) if parts.scheme else file.path)
        stat = path.stat()
        if file.modified_ns and (stat.st_size, stat.st_mtime_ns) != (file.size, file.modified_ns):
            raise OSError(f"{path.name} is not the file that was pinned")
        return pyarrow.parquet.read_metadata(path)
    filesystem, name = pyarrow.fs.FileSystem.from_uri(file.path)
    if file.size and filesystem.get_file_info(name).size != file.size:
        raise OSError("a file is not the one that was pinned")
    return pyarrow.parquet.read_metadata(name, filesystem=filesystem)


def _row_groups(metadata: Any, index: int, reader: Read | None, strings: bool) -> Iterable[ColumnFooter]:
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        if not group.num_rows:
            continue
        statistics = group.column(index).statistics
        if statistics is None:
            yield ColumnFooter(nulls=None, ordered=False)
            continue
        nulls = int(statistics.null_count) if statistics.has_null_count else None
        if nulls == group.num_rows:
            yield ColumnFooter(nulls=nulls, ordered=reader is not None)
        elif reader is None or not statistics.has_min_max:
            yield ColumnFooter(nulls=nulls, ordered=False)
        else:
            yield _ordered(nulls, reader(statistics.min), reader(statistics.max), strings)


def _ordered(nulls: int | None, minimum: Value, maximum: Value, strings: bool) -> ColumnFooter:
    exact = minimum is not None and maximum is not None
    for value in (minimum, maximum):
        if isinstance(value, str) and (not strings or len(value.encode()) >= TRUNCATED_AT):
            exact = False
        if isinstance(value, date) and value.year < LEGACY_CALENDAR_BEFORE:
            exact = False
    if not exact:
        return ColumnFooter(nulls=nulls, ordered=False)
    return ColumnFooter(nulls=nulls, ordered=True, minimum=minimum, maximum=maximum)


def _merged(parts: Iterable[ColumnFooter]) -> ColumnFooter:
    given = list(parts)
    nulls = [part.nulls for part in given]
    ordered = all(part.ordered for part in given)
    lows = [part.minimum for part in given if part.minimum is not None] if ordered else []
    highs = [part.maximum for part in given if part.maximum is not None] if ordered else []
    return ColumnFooter(
        nulls=None if None in nulls else sum(count for count in nulls if count),
        ordered=ordered,
        minimum=min(lows, key=_key) if lows else None,
        maximum=max(highs, key=_key) if highs else None,
    )


def _key(value: Value) -> Any:
    return value


def _reader(arrow: Any, physical: str, data_type: DataType) -> Read | None:
    """How to read a column's statistics as values of a Spark type; None where their order or value is not exact."""
    import pyarrow.types as pa_types
    from pyspark.sql import types as spark

    integral = {spark.ByteType: 8, spark.ShortType: 16, spark.IntegerType: 32, spark.LongType: 64}
    if isinstance(data_type, spark.IntegralType):
        return _as_int if pa_types.is_signed_integer(arrow) and arrow.bit_width <= integral[type(data_type)] else None
    if isinstance(data_type, spark.DecimalType):
        same = pa_types.is_decimal(arrow) and arrow.scale == data_type.scale and arrow.precision <= data_type.precision
        return _decimal_reader(data_type.scale) if same else None
    if isinstance(data_type, spark.DateType):
        return _as_day if pa_types.is_date32(arrow) else None
    if isinstance(data_type, spark.TimestampType | spark.TimestampNTZType):
        zoned = isinstance(data_type, spark.TimestampType)
        exact = pa_types.is_timestamp(arrow) and physical == "INT64" and arrow.unit in ("ms", "us")
        return _instant_reader(zoned) if exact and (arrow.tz is not None) == zoned else None
    if isinstance(data_type, spark.BooleanType):
        return _as_bool if pa_types.is_boolean(arrow) else None
    if data_type == spark.StringType():
        return _as_text if pa_types.is_string(arrow) else None
    return None  # floating point: NaN is not in the statistics but is greater than everything in Spark


def _as_int(value: object) -> Value:
    return value if isinstance(value, int) else None


def _as_bool(value: object) -> Value:
    return value if isinstance(value, bool) else None


def _as_text(value: object) -> Value:
    return value if isinstance(value, str) else None


def _as_day(value: object) -> Value:
    return value if isinstance(value, date) and not isinstance(value, datetime) else None


def _decimal_reader(scale: int) -> Read:
    def as_decimal(value: object) -> Value:
        if isinstance(value, Decimal):
            return value
        # Decimals of up to 18 digits are stored as whole numbers, and some readers hand out their statistics unscaled.
        return Decimal(value).scaleb(-scale) if isinstance(value, int) else None

    return as_decimal


def _instant_reader(zoned: bool) -> Read:
    def as_instant(value: object) -> Value:
        if not isinstance(value, datetime) or (value.tzinfo is not None) != zoned:
            return None
        return value.astimezone(UTC) if zoned else value

    return as_instant


def _vacuous(item: RangeFilter, footers: Footers) -> bool:
    """Whether a row filter keeps every row: it keeps NULLs, so only the values matter."""
    column = footers.columns.get(item.column)
    if column is None or not column.ordered:
        return False
    if column.minimum is None:
        return True
    return _at_most(item.low, column.minimum) and _at_most(column.maximum, item.high)


def _at_most(low: Value, high: Value) -> bool:
    if low is None or high is None:
        return True
    pair: Sequence[Value] = (low, high)
    if any(isinstance(value, datetime) for value in pair):
        pair = [_midnight(value) for value in pair]
    try:
        return bool(_key(pair[0]) <= _key(pair[1]))
    except TypeError:
        return False


def _midnight(value: Value) -> Value:
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value
