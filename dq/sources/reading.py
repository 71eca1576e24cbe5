"""Reading a pinned source: exactly its files, by its declared types, through its SELECT, in the contract's types."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, reduce
from typing import TYPE_CHECKING

from dq.base.errors import SourceError
from dq.base.model import RAW_PREFIX, PinnedFile, RangeFilter, Window
from dq.base.periods import last_day
from dq.sources.config import MONTH, Source, SourcesConfig
from dq.sources.contracts import Contract, ReadRule
from dq.sources.conversion import convert
from dq.sources.derived import footer_columns, may_lose_values
from dq.sources.mapping import SourceQuery
from dq.sources.pins import Pin
from dq.sources.raw_rows import from_text, rows_of
from dq.sources.raw_schemas import all_between
from dq.sources.resolution import RawColumn
from dq.sources.type_names import canonical
from dq.sources.windows import filters, first_day, read_from, read_to
from dq.spark import spark_versions as versions
from dq.spark.hashes import Repeated, hashable
from dq.spark.identifiers import quote

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

VIEW = "dq_source_"


@dataclass(frozen=True, kw_only=True)
class SourceFrame:
    """The rows of one source in the contract's columns and types, cut to the window and to what was known at as-of.

    ``seen`` are the rows a job sees where that is not the frame: with the days looked back and ahead to. Of rows
    delivered twice, which may differ in the columns of ``delivery``, it sees the first; ``repeated`` tells which may
    be. ``frame`` also has a hidden ``__raw_<column>`` for each column that was converted. ``files`` and
    ``footer_columns`` are set only where the frame is exactly those Parquet files' rows, apart from ``filters``.
    ``known_later`` are the rows that the knowledge cut leaves out, ``misfiled`` those in the months' files that are of
    other months; None where the footers prove that there are none, or no file is a month's.
    """

    name: str
    frame: DataFrame
    seen: DataFrame | None = None
    delivery: Sequence[str] = ()
    repeated: Repeated | None = None
    files: Sequence[PinnedFile] = ()
    footer_columns: Mapping[str, str] = field(default_factory=dict)
    filters: Sequence[RangeFilter] = ()
    absent_columns: Mapping[str, str] = field(default_factory=dict)
    may_be_empty: bool = False
    known_later: DataFrame | None = None
    misfiled: DataFrame | None = None

    @property
    def rows_misfiled(self) -> int:
        """The rows in the months' files that are of another month; counted where no footer proves there are none."""
        return 0 if self.misfiled is None else self.misfiled.count()

    @property
    def everything_known(self) -> bool:
        """Whether the knowledge cut leaves out no row; looks for one where the footers do not prove it."""
        return self.known_later is None or self.known_later.isEmpty()

    @cached_property
    def visible(self) -> DataFrame:
        """The rows without hidden columns, as a job reads them; one action looks for those delivered twice."""
        seen = _without_raw(self.frame) if self.seen is None else self.seen
        return delivered_once(seen, self.delivery, self.repeated)


def read(spark: SparkSession, config: SourcesConfig, source: str, pin: Pin, window: Window) -> SourceFrame:
    """The rows of a source; lazy, and the Spark catalog is left as it was.

    Rows whose day or known-at is NULL are kept, for a check to find them. Columns declared absent are NULL. The drift
    of the pin must have been looked at before: Spark gives NULL for a Parquet column that is not in the file.
    """
    declared = config.source(source)
    query = declared.query
    if query is None:
        raise SourceError("is declared absent and has no rows to read", where=source)
    contract, tables = declared.contract, config.raw_tables(source)
    raw = {
        table.name: rows_of(spark, table, pin.tables[table.name].of_period, query.bare, pin.tables[table.name].snapshot)
        for table in tables
    }
    cuts = filters(contract, window, declared.absent_columns)
    days = (first_day(window, contract.read), window.data_through)
    typed = _typed(_mapped(spark, source, query, raw, window, days), declared, config)
    frame = _kept(typed, cuts)
    # The same with the days before and after the period, to which a job looks.
    around, around_cuts = typed, cuts
    looks = contract.lookback_days or contract.lookahead_days
    if looks:
        raw = {
            table.name: rows_of(spark, table, pin.tables[table.name].files, query.bare, pin.tables[table.name].snapshot)
            for table in tables
        }
        days = (read_from(window, contract.lookback_days), read_to(window, contract.lookahead_days))
        around = _typed(_mapped(spark, source, query, raw, window, days), declared, config)
        around_cuts = filters(
            contract,
            window,
            declared.absent_columns,
            lookback_days=contract.lookback_days,
            lookahead_days=contract.lookahead_days,
        )
    seen = _without_raw(_kept(around, around_cuts)) if looks or contract.delivery else None
    passed = footer_columns(config, declared) if pin.exact else None
    known = [cut for cut in around_cuts if cut.column == contract.known_at]
    proved = all(cut.column in (passed or {}) and _proved(pin, (passed or {})[cut.column], window) for cut in known)
    return SourceFrame(
        name=source,
        frame=frame,
        seen=seen,
        delivery=contract.delivery,
        repeated=_repeated(seen, contract, declared) if contract.delivery and seen is not None else None,
        files=pin.of_period if passed is not None else (),
        footer_columns=passed or {},
        filters=cuts,
        absent_columns=declared.absent_columns,
        may_be_empty=declared.may_be_empty,
        misfiled=_misfiled(typed, config, declared, pin, window, passed or {}),
        known_later=None if proved else _kept(around, [c for c in around_cuts if c not in known]).where(_later(known)),
    )


def _without_raw(frame: DataFrame) -> DataFrame:
    return frame.select(*[name for name in frame.columns if not name.startswith(RAW_PREFIX)])


def delivered_once(frame: DataFrame, delivery: Sequence[str], repeated: Repeated | None = None) -> DataFrame:
    """The rows with one delivery of each: of rows that differ in nothing else the first by these columns, in order.

    Two different rows under one key both stay, for the check of the key to find. Where it is known which keys repeat,
    only their rows are grouped and the others are read as they are.
    """
    if not delivery:
        return frame
    if repeated is None:
        return _first(frame, delivery)
    try:
        again = repeated.among(frame)
    except Exception:
        # Rows that cannot be read fail where they are checked and computed, with the name of the check or the step.
        return _first(frame, delivery)
    if again is None:
        return frame
    return _first(frame, delivery) if repeated.many else repeated.others(frame).unionByName(_first(again, delivery))


def _first(frame: DataFrame, delivery: Sequence[str]) -> DataFrame:
    from pyspark.sql import functions as F

    payload = [name for name in frame.columns if name not in delivery]
    first = F.min(F.struct(*(_column(frame, name) for name in delivery))).alias("__delivery")
    kept = frame.groupBy(*(_column(frame, name) for name in payload)).agg(first)
    return kept.select(
        *(F.col(f"__delivery.{quote(name)}") if name in delivery else F.col(quote(name)) for name in frame.columns)
    )


def _repeated(frame: DataFrame, contract: Contract, declared: Source) -> Repeated | None:
    key = [name for name in contract.key if name not in declared.absent_columns]
    return Repeated(frame, key) if key and all(hashable(frame.schema[name].dataType) for name in key) else None


def no_rows(spark: SparkSession, config: SourcesConfig, source: str) -> SourceFrame:
    """A source that has no file in the period, as a frame of its contract's columns without a row."""
    declared = config.source(source)
    schema = ", ".join(f"`{column.name}` {column.type}" for column in declared.contract.columns.values())
    return SourceFrame(
        name=source,
        frame=spark.createDataFrame([], schema),
        absent_columns=declared.absent_columns,
        may_be_empty=declared.may_be_empty,
    )


def instant_from_micros(micros: int | None) -> datetime | None:
    """A UTC instant from microseconds since 1970, whatever the zone of this process; NULL stays absent."""
    return None if micros is None else datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)


def _misfiled(
    typed: DataFrame,
    config: SourcesConfig,
    declared: Source,
    pin: Pin,
    window: Window,
    passed: Mapping[str, str],
) -> DataFrame | None:
    """The rows of a month's or year's source whose day is in none of its files' months: the filter would drop them."""
    from pyspark.sql import functions as F

    contract = declared.contract
    by_month = all(MONTH in table.path for table in config.raw_tables(declared.name))
    if contract.read is ReadRule.UNTIL or not by_month:
        return None
    first, last = first_day(window, contract.read).replace(day=1), last_day(window.end)
    if contract.day:
        column = passed.get(contract.day)
        if column is not None and all(all_between(file, column, first, last) for file in pin.of_period):
            return None
        return typed.where(~F.col(contract.day).between(F.lit(first), F.lit(last)))
    return typed.where(~F.col(str(contract.month)).between(f"{first:%Y-%m}", f"{last:%Y-%m}"))


def _later(known: Sequence[RangeFilter]) -> Column:
    """Whether a row became known only after the instants of these cuts."""
    from pyspark.sql import functions as F

    return reduce(lambda left, right: left | right, (F.col(cut.column) > F.lit(cut.high) for cut in known))


def _proved(pin: Pin, column: str, window: Window) -> bool:
    return all(all_between(file, column, None, window.as_of) for file in pin.files)


def _mapped(
    spark: SparkSession,
    source: str,
    query: SourceQuery,
    raw: Mapping[str, DataFrame],
    window: Window,
    days: tuple[date, date],
) -> DataFrame:
    """The SELECT over the raw tables, as it was checked and written again.

    The raw tables are put under it as queries of a WITH, over views with names nobody else has.
    """
    from pyspark.errors import AnalysisException, ParseException

    values = {"data_through": days[1], "period_end": window.end, "period_start": days[0]}
    views = {table: f"{VIEW}{uuid.uuid4().hex}_{table}" for table in raw}
    # Table names are checked to be plain words, view names are made here, and the SELECT was parsed when it was loaded.
    tables = ", ".join(f"`{table}` AS (SELECT * FROM `{view}`)" for table, view in views.items())  # noqa: S608
    text = f"WITH {tables} SELECT * FROM (\n{query.sql}\n)"  # noqa: S608
    try:
        for table, view in views.items():
            raw[table].createTempView(view)
        return spark.sql(text, args={name: values[name] for name in sorted(query.parameters)})
    except (AnalysisException, ParseException) as error:
        what = versions.condition(error) or type(error).__name__
        details = ", ".join(f"{key} {value}" for key, value in versions.parameters(error).items())
        raise SourceError(
            f"Spark refuses the SELECT: {what} ({details})", where=source, do="correct the select in the sources file"
        ) from error
    finally:
        for view in views.values():
            spark.catalog.dropTempView(view)


def _typed(mapped: DataFrame, source: Source, config: SourcesConfig) -> DataFrame:
    """The contract's columns in its order and types, and the raw value of those that were converted."""
    from pyspark.sql import functions as F

    assert source.query is not None  # noqa: S101 - the caller has the query
    types = {name: _spelled(type_) for name, type_ in mapped.dtypes}
    lossy = may_lose_values(config, source)
    visible: list[Column] = []
    hidden: list[Column] = []
    for column in source.contract.columns.values():
        name = column.name
        if name in source.absent_columns:
            visible.append(F.lit(None).cast(column.type).alias(name))
            continue
        value = _column(mapped, name)
        origin = source.query.passed.get(name)
        visible.append(_converted(value, types[name], column.type, origin, source.query, config).alias(name))
        if name in lossy or types[name] != column.type:
            hidden.append(value.alias(RAW_PREFIX + name))
    return mapped.select(*visible, *hidden)


def _converted(
    value: Column, found: str, wanted: str, origin: RawColumn | None, query: SourceQuery, config: SourcesConfig
) -> Column:
    """A mapped value in the contract's type; raw text goes through the type its column is declared to have."""
    if origin is not None and origin in query.bare and config.tables[origin.table].as_text(origin.column):
        table = config.tables[origin.table]
        declared = table.columns[origin.column]
        if declared != "string":
            parsed = from_text(value, table, origin.column)
            instants = "timestamp" if declared == "timestamp_ntz" else declared
            return convert(parsed, instants, wanted)
    return convert(value, found, wanted)


def _spelled(type_: str) -> str:
    """A type in its one spelling; one that no contract can have (an interval, the type of NULL) as Spark spells it."""
    try:
        return canonical(type_)
    except ValueError:
        return type_


def _kept(frame: DataFrame, cuts: Sequence[RangeFilter]) -> DataFrame:
    from pyspark.sql import functions as F

    for cut in cuts:
        column = F.col(cut.column)
        inside: Column | None = None
        for bound in (
            column >= F.lit(cut.low) if cut.low is not None else None,
            column <= F.lit(cut.high) if cut.high is not None else None,
        ):
            if bound is not None:
                inside = bound if inside is None else inside & bound
        if inside is not None:
            frame = frame.where(column.isNull() | inside)
    return frame


def _column(frame: DataFrame, name: str) -> Column:
    return frame[quote(name)]
