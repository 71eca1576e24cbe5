from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from sources_support import CONTRACTS, ORDERS, SCHEMA, config, month_window, order, write_parquet

from dq.base.errors import SourceError
from dq.base.model import RangeFilter, Window
from dq.sources import SourceFrame, SourcesConfig, contract_checks, instant_from_micros, no_rows, pin, read
from dq.sources.reading import VIEW
from dq.sources.windows import filters

WINDOW = month_window()
FOLDER = "data/orders/month=2026-10"
CSV = ORDERS.replace("orders/month={month}", "orders*.csv").replace("parquet", "csv")
HEADER = "line_id,product,note,amount,seats,booked_date,recorded_at,paid_on\n"
ROW = "L1,cloud,a,10.00,3,2026-10-05,2026-10-05T20:00:00Z,\n"


def source(spark: SparkSession, loaded: SourcesConfig, window: Window = WINDOW) -> SourceFrame:
    return read(spark, loaded, "orders", pin(loaded, "orders", window), window)


def ids(found: SourceFrame) -> list[str]:
    return sorted(row["line_id"] for row in found.frame.select("line_id").collect())


def retyped(**types: pa.DataType) -> pa.Schema:
    return pa.schema([(field.name, types.get(field.name, field.type)) for field in SCHEMA])


def with_csv(folder: Path, body: str, text: str = CSV, header: str = HEADER) -> SourcesConfig:
    loaded = config(folder, text)
    (folder / "data" / "orders.csv").write_text(header + body, encoding="utf-8")
    return loaded


def test_a_plain_mapping_passes_rows_types_and_footers(spark: SparkSession, tmp_path: Path) -> None:
    write_parquet(tmp_path / FOLDER / "a.parquet", [order("L1"), order("L2")])
    found = source(spark, config(tmp_path))
    assert found.frame.dtypes == [
        ("line_id", "string"),
        ("product", "string"),
        ("note", "string"),
        ("amount", "decimal(18,2)"),
        ("seats", "int"),
        ("booked_date", "date"),
        ("recorded_at", "timestamp"),
        ("paid_on", "date"),
    ]
    assert ids(found) == ["L1", "L2"]
    assert [Path(file.path).name for file in found.files] == ["a.parquet"]
    assert found.footer_columns == {name: name for name in SCHEMA.names}
    assert found.filters == (
        RangeFilter(column="booked_date", low=date(2026, 10, 1), high=date(2026, 10, 31)),
        RangeFilter(column="recorded_at", high=WINDOW.as_of),
    )


def test_rows_outside_the_days_or_known_later_are_left_out_and_the_bounds_are_inclusive(
    spark: SparkSession, tmp_path: Path
) -> None:
    as_of = datetime(2026, 10, 21, 2, tzinfo=UTC)
    window = month_window(through=20, as_of=as_of)
    rows = [
        order("first", day=date(2026, 10, 1)),
        order("last", day=date(2026, 10, 20)),
        order("before", day=date(2026, 9, 30)),
        order("after", day=date(2026, 10, 21)),
        order("just known", recorded_at=as_of),
        order("too late", recorded_at=as_of.replace(microsecond=1)),
    ]
    write_parquet(tmp_path / FOLDER / "a.parquet", rows)
    assert ids(source(spark, config(tmp_path), window)) == ["first", "just known", "last"]


def test_rows_without_a_day_or_known_at_are_kept_for_a_check_to_see(spark: SparkSession, tmp_path: Path) -> None:
    rows = [
        order("no day", day=None),
        order("no instant", recorded_at=None),
        order("neither", day=None, recorded_at=None),
    ]
    write_parquet(tmp_path / FOLDER / "a.parquet", rows)
    assert ids(source(spark, config(tmp_path))) == ["neither", "no day", "no instant"]


def test_an_until_source_reads_everything_up_to_its_last_day(spark: SparkSession, tmp_path: Path) -> None:
    write_parquet(tmp_path / "data/orders/month=2025-01/a.parquet", [order("old", day=date(2025, 1, 3))])
    write_parquet(tmp_path / FOLDER / "a.parquet", [order("new"), order("future", day=date(2026, 11, 1))])
    loaded = config(tmp_path, contract_text=CONTRACTS.replace("read: period", "read: until"))
    found = source(spark, loaded)
    assert ids(found) == ["new", "old"]
    assert found.filters[0] == RangeFilter(column="booked_date", low=None, high=date(2026, 10, 31))


def test_a_job_sees_the_days_looked_back_to_and_checks_do_not(spark: SparkSession, tmp_path: Path) -> None:
    rows = [order("long ago", day=date(2026, 9, 28)), order("before", day=date(2026, 9, 30))]
    write_parquet(tmp_path / "data/orders/month=2026-09/a.parquet", rows)
    write_parquet(tmp_path / FOLDER / "a.parquet", [order("now"), order("later", day=date(2026, 11, 1))])
    text = CONTRACTS.replace("    known_at", "    lookback_days: 1\n    known_at")
    found = source(spark, config(tmp_path, contract_text=text))
    assert ids(found) == ["now"]
    assert sorted(row["line_id"] for row in found.visible.collect()) == ["before", "now"]
    assert [Path(file.path).parent.name for file in found.files] == ["month=2026-10"]
    assert found.rows_misfiled == 1, "the row of November, and none of September"


def test_a_job_sees_the_days_looked_ahead_to_as_far_as_they_are_known_and_checks_do_not(
    spark: SparkSession, tmp_path: Path
) -> None:
    write_parquet(tmp_path / FOLDER / "a.parquet", [order("now")])
    first = date(2026, 11, 1)
    rows = [
        order("after", day=first),
        order("unknown", day=first, recorded_at=WINDOW.as_of.replace(microsecond=1)),
        order("far", day=date(2026, 11, 2)),
    ]
    write_parquet(tmp_path / "data/orders/month=2026-11/a.parquet", rows)
    text = CONTRACTS.replace("    known_at", "    lookahead_days: 1\n    known_at")
    found = source(spark, config(tmp_path, contract_text=text))
    assert ids(found) == ["now"]
    assert sorted(row["line_id"] for row in found.visible.collect()) == ["after", "now"]
    assert [Path(file.path).parent.name for file in found.files] == ["month=2026-10"]
    assert (found.rows_misfiled, found.everything_known) == (0, False), "a later instant would see one row more"
    early = month_window(through=20, as_of=datetime(2026, 10, 21, 2, tzinfo=UTC))
    assert filters(config(tmp_path, contract_text=text).contract("orders"), early, lookahead_days=3)[0].high == date(
        2026, 10, 21
    )


def test_a_job_sees_the_first_delivery_of_a_row_and_checks_see_all(spark: SparkSession, tmp_path: Path) -> None:
    first, second = (datetime(2026, 10, 5, hour, tzinfo=UTC) for hour in (20, 21))
    rows = [
        order("again", note=None, recorded_at=second),
        order("again", note=None, recorded_at=first),
        order("conflict", seats=1),
        order("conflict", seats=2),
        order("once"),
    ]
    write_parquet(tmp_path / FOLDER / "a.parquet", rows)
    rule = "    duplicates: {rule: drop_identical, delivery: [recorded_at, paid_on]}\n    columns"
    found = source(spark, config(tmp_path, contract_text=CONTRACTS.replace("    columns", rule)))
    assert ids(found) == ["again", "again", "conflict", "conflict", "once"]
    seen = found.visible.orderBy("line_id", "seats")
    assert seen.columns == SCHEMA.names
    assert [row["line_id"] for row in seen.collect()] == ["again", "conflict", "conflict", "once"]
    assert seen.where("line_id = 'again'").selectExpr("hour(recorded_at)").first()[0] == 20


def test_a_source_placed_by_month_is_cut_by_month(spark: SparkSession, tmp_path: Path) -> None:
    contract = (
        CONTRACTS.replace("day: booked_date", "month: note")
        .replace("    known_at: recorded_at\n", "")
        .replace(", accepted: [a, b]", "")
    )
    rows = [order("now", note="2026-10"), order("then", note="2026-09"), order("never", note=None)]
    write_parquet(tmp_path / FOLDER / "a.parquet", rows)
    found = source(spark, config(tmp_path, contract_text=contract))
    assert ids(found) == ["never", "now"]
    assert found.everything_known


def test_empty_files_give_zero_rows_with_the_contracts_types(spark: SparkSession, tmp_path: Path) -> None:
    write_parquet(tmp_path / FOLDER / "a.parquet", [])
    found = source(spark, config(tmp_path))
    assert found.frame.count() == 0
    none = no_rows(spark, config(tmp_path), "orders")
    assert none.frame.dtypes == found.frame.dtypes
    assert none.frame.count() == 0


def test_a_column_of_nulls_stays_null(spark: SparkSession, tmp_path: Path) -> None:
    write_parquet(tmp_path / FOLDER / "a.parquet", [order("L1", amount=None), order("L2", amount=None)])
    assert [row["amount"] for row in source(spark, config(tmp_path)).frame.collect()] == [None, None]


def test_a_month_column_in_the_files_is_not_replaced_by_the_folder_name(spark: SparkSession, tmp_path: Path) -> None:
    text = ORDERS.replace("      note: string\n", "      month: string\n").replace("note,", "month AS note,")
    schema = pa.schema([pa.field("month", f.type) if f.name == "note" else f for f in SCHEMA])
    row = {("month" if name == "note" else name): value for name, value in order(note="2026-7").items()}
    write_parquet(tmp_path / FOLDER / "a.parquet", [row], schema)
    assert source(spark, config(tmp_path, text)).frame.first()["note"] == "2026-7"


def test_reading_starts_no_job_and_leaves_no_view_however_many_files(spark: SparkSession, tmp_path: Path) -> None:
    for index in range(40):
        write_parquet(tmp_path / FOLDER / f"{index:02}.parquet", [order(f"L{index}")])
    loaded = config(tmp_path)
    before = spark.conf.get("spark.sql.sources.parallelPartitionDiscovery.threshold")
    spark.sparkContext.setJobGroup("sources-listing", "no job may run")
    try:
        found = source(spark, loaded)
    finally:
        spark.sparkContext.setLocalProperty("spark.jobGroup.id", None)
    assert spark.sparkContext.statusTracker().getJobIdsForGroup("sources-listing") == []
    assert [view.name for view in spark.catalog.listTables() if view.name.startswith(VIEW)] == []
    assert spark.conf.get("spark.sql.sources.parallelPartitionDiscovery.threshold") == before
    assert found.frame.count() == 40


def test_only_pinned_files_are_read(spark: SparkSession, tmp_path: Path) -> None:
    write_parquet(tmp_path / FOLDER / "a.parquet", [order("pinned")])
    loaded = config(tmp_path)
    pinned = pin(loaded, "orders", WINDOW)
    write_parquet(tmp_path / FOLDER / "b.parquet", [order("later")])
    assert ids(read(spark, loaded, "orders", pinned, WINDOW)) == ["pinned"]


def test_money_as_text_is_converted_and_what_does_not_convert_keeps_its_raw_value(
    spark: SparkSession, tmp_path: Path
) -> None:
    texts = ["10.5", "1e3", " 7 ", "-0.01", "NaN", "Infinity", "1.239", "12345678901234567.00", "ten", "", None]
    write_parquet(
        tmp_path / FOLDER / "a.parquet",
        [order(f"L{i:02}", amount=text) for i, text in enumerate(texts)],
        retyped(amount=pa.string()),
    )
    loaded = config(tmp_path, ORDERS.replace('amount: "decimal(18,2)"', "amount: string"))
    found = source(spark, loaded)
    rows = found.frame.orderBy("line_id").select("amount", "__raw_amount").collect()
    assert [row["amount"] for row in rows] == [
        Decimal("10.50"), Decimal("1000.00"), Decimal("7.00"), Decimal("-0.01"), *[None] * 7,
    ]  # fmt: skip
    assert [row["__raw_amount"] for row in rows] == texts
    assert "amount" not in found.footer_columns
    assert "__raw_amount" not in found.visible.columns
    assert "orders.amount.converts" in {check.check for check in contract_checks(loaded, "orders")}


@pytest.mark.parametrize(
    ("arrow", "declared", "values", "amounts"),
    [
        (pa.float64(), "double", [10.1, 0.1 + 0.2], ["10.10", "0.30"]),
        (pa.float64(), "double", [float("nan"), float("inf"), 1e17], [None, None, None]),
        (pa.decimal128(20, 4), '"decimal(20,4)"', [Decimal("1.2300"), Decimal("1.2345")], ["1.23", None]),
        (pa.decimal128(20, 4), '"decimal(20,4)"', [Decimal(10) ** 15], ["1000000000000000.00"]),
        (pa.int64(), "bigint", [5, 10**17, -3], ["5.00", None, "-3.00"]),
    ],
)
def test_numbers_become_money_only_where_nothing_is_lost(
    spark: SparkSession,
    tmp_path: Path,
    arrow: pa.DataType,
    declared: str,
    values: list[object],
    amounts: list[str | None],
) -> None:
    rows = [order(f"L{index}", amount=value) for index, value in enumerate(values)]
    write_parquet(tmp_path / FOLDER / "a.parquet", rows, retyped(amount=arrow))
    found = source(spark, config(tmp_path, ORDERS.replace('amount: "decimal(18,2)"', f"amount: {declared}")))
    read_back = [row["amount"] for row in found.frame.orderBy("line_id").collect()]
    assert [None if value is None else str(value) for value in read_back] == amounts


def test_whole_numbers_and_dates_as_text_are_strict(spark: SparkSession, tmp_path: Path) -> None:
    seats = ["3", "2.5", "2.0", "3000000000", "three"]
    days = ["2026-10-05", "2026-10", "2026", "2026-02-30", "05.10.2026"]
    rows = [
        order(f"L{index}", seats=seat, paid_on=day) for index, (seat, day) in enumerate(zip(seats, days, strict=True))
    ]
    write_parquet(tmp_path / FOLDER / "a.parquet", rows, retyped(seats=pa.string(), paid_on=pa.string()))
    text = ORDERS.replace("seats: int", "seats: string").replace("paid_on: date", "paid_on: string")
    got = source(spark, config(tmp_path, text)).frame.orderBy("line_id").collect()
    assert [row["seats"] for row in got] == [3, None, 2, None, None]
    assert [row["paid_on"] for row in got] == [date(2026, 10, 5), None, None, None, None]


@pytest.mark.parametrize(
    ("zone", "wall", "instant"),
    [
        ("UTC", datetime(2026, 10, 5, 20), "2026-10-05 20:00:00"),
        ("America/New_York", datetime(2026, 10, 5, 20), "2026-10-06 00:00:00"),
        # 25 October 2026, 02:30 is passed twice in Berlin: the first passing is meant.
        ("Europe/Berlin", datetime(2026, 10, 25, 2, 30), "2026-10-25 00:30:00"),
    ],
)
def test_times_without_a_zone_are_wall_clock_times_of_their_table(
    spark: SparkSession, tmp_path: Path, zone: str, wall: datetime, instant: str
) -> None:
    write_parquet(tmp_path / FOLDER / "a.parquet", [order(recorded_at=wall)], retyped(recorded_at=pa.timestamp("us")))
    text = ORDERS.replace("recorded_at: timestamp", "recorded_at: timestamp_ntz").replace("zone: UTC", f"zone: {zone}")
    found = source(spark, config(tmp_path, text))
    assert found.frame.selectExpr("string(recorded_at) AS at").first()["at"] == instant
    assert "recorded_at" not in found.footer_columns
    assert "orders.recorded_at.converts" not in {c.check for c in contract_checks(config(tmp_path, text), "orders")}


def test_a_join_of_raw_tables_with_parameters_gives_the_contracts_columns(spark: SparkSession, tmp_path: Path) -> None:
    text = ORDERS.replace(
        "sources:\n",
        "  raw_payments:\n    path: payments\n    format: parquet\n"
        '    columns: {line: string, "paid day": date}\nsources:\n',
    )
    select = (
        "WITH late AS (SELECT line, `paid day` AS paid FROM raw_payments WHERE `paid day` <= :data_through)"
        " SELECT o.line_id, o.product, o.note, o.amount, o.seats, o.booked_date, o.recorded_at,"
        " date_add(l.paid, 0) AS paid_on FROM raw_orders o LEFT JOIN late l ON l.line = o.line_id -- the end;"
    )
    text = text[: text.index("    select:")] + f'    select: "{select}"\n'
    write_parquet(tmp_path / FOLDER / "a.parquet", [order("L1"), order("L2")])
    payments = pa.schema([("line", pa.string()), ("paid day", pa.date32())])
    paid = [{"line": "L1", "paid day": date(2026, 10, 9)}, {"line": "L2", "paid day": date(2026, 11, 9)}]
    write_parquet(tmp_path / "data/payments/p.parquet", paid, payments)
    found = source(spark, config(tmp_path, text))
    got = {row["line_id"]: row["paid_on"] for row in found.frame.collect()}
    assert got == {"L1": date(2026, 10, 9), "L2": None}
    assert found.files == ()
    assert found.footer_columns == {}
    assert found.known_later is not None  # no footer proves it, so a job has to look
    assert found.everything_known


def test_an_absent_column_is_null_and_its_cut_is_not_made(spark: SparkSession, tmp_path: Path) -> None:
    text = ORDERS.replace("booked_date, recorded_at, paid_on FROM", "booked_date, paid_on FROM")
    text += '    absent_columns: {recorded_at: "not recorded"}\n'
    write_parquet(tmp_path / FOLDER / "a.parquet", [order("L1", recorded_at=datetime(2030, 1, 1, tzinfo=UTC))])
    found = source(spark, config(tmp_path, text))
    assert found.frame.first()["recorded_at"] is None
    assert dict(found.frame.dtypes)["recorded_at"] == "timestamp"
    assert found.absent_columns == {"recorded_at": "not recorded"}
    assert len(found.filters) == 1
    assert found.everything_known


def test_it_is_proved_by_footers_that_nothing_is_known_later(spark: SparkSession, tmp_path: Path) -> None:
    write_parquet(tmp_path / FOLDER / "a.parquet", [order("L1"), order("L2", recorded_at=None)])
    assert source(spark, config(tmp_path)).everything_known
    write_parquet(
        tmp_path / FOLDER / "b.parquet", [order("L3", recorded_at=datetime(2026, 11, 1, 2, 0, 1, tzinfo=UTC))]
    )
    assert not source(spark, config(tmp_path)).everything_known


def test_a_select_that_only_spark_can_refuse_is_one_sentence(spark: SparkSession, tmp_path: Path) -> None:
    write_parquet(tmp_path / FOLDER / "a.parquet", [order()])
    text = ORDERS.replace("SELECT line_id, product", "SELECT explode(line_id) AS line_id, product")
    with pytest.raises(SourceError, match=r"orders: Spark refuses the SELECT: DATATYPE_MISMATCH") as error:
        source(spark, config(tmp_path, text))
    assert "\n" not in str(error.value)
    assert [view.name for view in spark.catalog.listTables() if view.name.startswith(VIEW)] == []


def test_a_csv_is_read_by_the_names_of_its_header(spark: SparkSession, tmp_path: Path) -> None:
    loaded = with_csv(tmp_path, ROW)
    other = "extra,paid_on,recorded_at,booked_date,seats,amount,note,product,line_id\r\n"
    other += 'x,2026-10-09,2026-10-05 20:00:00,2026-10-06,4,1.50,"two\nlines, ""quoted""",desk,L2\r\n'
    (tmp_path / "data" / "orders-2.csv").write_bytes(b"\xef\xbb\xbf" + other.encode())
    got = source(spark, loaded).visible.orderBy("line_id").collect()
    assert [row["line_id"] for row in got] == ["L1", "L2"]
    assert got[0]["amount"] == Decimal("10.00")
    assert got[0]["paid_on"] is None
    assert got[1]["note"] == 'two\nlines, "quoted"'
    assert got[1]["seats"] == 4
    assert got[1]["paid_on"] == date(2026, 10, 9)


def test_csv_values_that_are_passed_on_are_counted_when_they_do_not_convert(
    spark: SparkSession, tmp_path: Path
) -> None:
    loaded = with_csv(tmp_path, ROW + "L2,cloud,a,ten,x,2026-10-05,2026-10-05 20:00:00,2026-13-01\n")
    frame = source(spark, loaded).frame.where("line_id = 'L2'")
    row = frame.first().asDict()
    assert (row["amount"], row["seats"], row["paid_on"]) == (None, None, None)
    assert (row["__raw_amount"], row["__raw_seats"], row["__raw_paid_on"]) == ("ten", "x", "2026-13-01")


def test_csv_times_without_a_zone_are_in_the_zone_of_the_table(spark: SparkSession, tmp_path: Path) -> None:
    body = "L1,cloud,a,1,3,2026-10-05,2026-10-05 20:00:00,\nL2,cloud,a,1,3,2026-10-05,2026-10-05T20:00:00+02:00,\n"
    loaded = with_csv(tmp_path, body, CSV.replace("timezone: UTC", "timezone: America/New_York"))
    got = source(spark, loaded).frame.orderBy("line_id").selectExpr("string(recorded_at) AS at").collect()
    assert [row["at"] for row in got] == ["2026-10-06 00:00:00", "2026-10-05 18:00:00"]


def test_a_csv_value_used_in_a_condition_stops_the_query_when_it_does_not_convert(
    spark: SparkSession, tmp_path: Path
) -> None:
    body = ROW + "L2,cloud,a,secret,3,2026-10-05,2026-10-05T20:00:00Z,\n"
    loaded = with_csv(tmp_path, body, CSV.replace("FROM raw_orders", "FROM raw_orders WHERE amount > 0"))
    with pytest.raises(Exception, match=r"a value of raw_orders\.amount is not a decimal\(18,2\)") as error:
        source(spark, loaded).frame.count()
    assert "secret" not in str(error.value)


def test_a_csv_row_with_too_few_values_stops_the_query(spark: SparkSession, tmp_path: Path) -> None:
    loaded = with_csv(tmp_path, ROW + "L2,cloud\n")
    with pytest.raises(Exception, match="MALFORMED"):
        source(spark, loaded).frame.select("line_id").collect()


def test_a_csv_with_a_header_only_has_zero_rows(spark: SparkSession, tmp_path: Path) -> None:
    assert source(spark, with_csv(tmp_path, "")).frame.count() == 0


def test_collected_instants_do_not_depend_on_the_zone_of_the_process() -> None:
    assert instant_from_micros(None) is None
    assert instant_from_micros(1_791_158_400_000_001) == datetime(2026, 10, 5, 0, 0, 0, 1, tzinfo=UTC)


def test_rows_do_not_depend_on_how_they_are_split_into_files(spark: SparkSession, tmp_path: Path) -> None:
    rows = [order(f"L{index}", amount=Decimal(index)) for index in range(9)]
    one, many = tmp_path / "one", tmp_path / "many"
    for folder in (one, many):
        folder.mkdir()
    write_parquet(one / FOLDER / "a.parquet", rows)
    for index in range(3):
        write_parquet(many / FOLDER / f"{2 - index}.parquet", rows[index::3])
    frames = [source(spark, config(folder)).frame for folder in (one, many)]
    assert sorted(frames[0].collect()) == sorted(frames[1].collect())
