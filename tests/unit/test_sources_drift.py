from pathlib import Path

import pyarrow as pa
import pytest
from sources_support import ORDERS, SCHEMA, config, month_window, order, write_parquet

from dq.sources import Drift, Format, RawTable, drift, pin
from dq.sources.drifts import compare

WINDOW = month_window()


def changed(**columns: object) -> pa.Schema:
    """The schema of the orders with columns renamed (text), retyped (a type) or dropped (None)."""
    fields = []
    for field in SCHEMA:
        change = columns.get(field.name, field.type)
        if change is None:
            continue
        fields.append((change, field.type) if isinstance(change, str) else (field.name, change))
    return pa.schema(fields)


def written(folder: Path, *schemas: pa.Schema) -> Drift:
    for index, schema in enumerate(schemas):
        path = folder / "data" / "orders" / "month=2026-10" / f"part-{index}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        import pyarrow.parquet as pq

        pq.write_table(schema.empty_table(), path)
    loaded = config(folder)
    return drift(loaded, "orders", pin(loaded, "orders", WINDOW))


def test_files_as_declared_have_not_drifted(tmp_path: Path) -> None:
    found = written(tmp_path, SCHEMA, SCHEMA)
    assert found.breaking == []
    assert found.added == []


def test_the_order_of_columns_is_no_drift(tmp_path: Path) -> None:
    assert written(tmp_path, pa.schema(list(reversed(SCHEMA)))).breaking == []


def test_a_dropped_column_is_missing(tmp_path: Path) -> None:
    found = written(tmp_path, changed(note=None))
    assert found.breaking == ["raw_orders: column note (string) is missing"]
    assert [change.column for change in found.missing] == ["note"]


@pytest.mark.parametrize(
    ("old", "new"),
    [("amount", "amount_usd"), ("booked_date", "date_booked"), ("booked_date", "bookeddate"), ("seats", "headcount")],
)
def test_a_renamed_column_is_suggested(tmp_path: Path, old: str, new: str) -> None:
    found = written(tmp_path, changed(**{old: new}))
    assert [(change.column, change.found) for change in found.renamed] == [(old, new)]
    assert f"column {old}" in found.breaking[0]
    assert f"is missing; was it renamed to {new}?" in found.breaking[0]
    assert found.added == []


def test_a_new_column_of_another_type_is_no_rename(tmp_path: Path) -> None:
    schema = changed(note=None).append(pa.field("notes", pa.int64()))
    found = written(tmp_path, schema)
    assert [change.column for change in found.missing] == ["note"]
    assert found.added == ["raw_orders: column notes (bigint) is new and not declared"]


def test_a_retyped_column_says_found_and_declared(tmp_path: Path) -> None:
    found = written(tmp_path, changed(amount=pa.float64(), seats=pa.int64(), recorded_at=pa.timestamp("us")))
    assert found.breaking == [
        "raw_orders: column amount is double, declared decimal(18,2)",
        "raw_orders: column recorded_at is timestamp_ntz, declared timestamp",
        "raw_orders: column seats is bigint, declared int",
    ]


def test_another_scale_is_another_type(tmp_path: Path) -> None:
    assert (
        "is decimal(18,4), declared decimal(18,2)"
        in written(tmp_path, changed(amount=pa.decimal128(18, 4))).breaking[0]
    )


def test_a_change_of_case_is_named_as_one(tmp_path: Path) -> None:
    found = written(tmp_path, changed(amount="Amount"))
    assert found.breaking == ["raw_orders: column amount is now spelled Amount"]
    assert found.case_changed[0].found == "Amount"


def test_two_columns_that_differ_in_case_are_refused(tmp_path: Path) -> None:
    found = written(tmp_path, SCHEMA.append(pa.field("AMOUNT", pa.decimal128(18, 2))))
    assert found.breaking == ["raw_orders: column amount appears there more than once: amount, AMOUNT"]


def test_an_added_column_breaks_nothing(tmp_path: Path) -> None:
    found = written(tmp_path, SCHEMA.append(pa.field("discount", pa.float32())))
    assert found.breaking == []
    assert found.added == ["raw_orders: column discount (float) is new and not declared"]


def test_everything_is_reported_at_once(tmp_path: Path) -> None:
    schema = changed(note=None, amount="amount_usd", seats=pa.string(), paid_on="Paid_On").append(
        pa.field("extra", pa.date32())
    )
    found = written(tmp_path, schema)
    assert [change.kind for change in found.changes] == ["missing", "renamed", "retyped", "case_changed", "added"]


def test_files_that_differ_are_named_when_not_all_do(tmp_path: Path) -> None:
    found = written(tmp_path, SCHEMA, changed(seats=pa.int64()), SCHEMA)
    assert found.breaking == [
        "raw_orders: column seats is bigint, declared int [1 of 3 files: orders/month=2026-10/part-1.parquet]"
    ]


def test_many_differing_files_are_counted(tmp_path: Path) -> None:
    found = written(tmp_path, SCHEMA, *[changed(note=None)] * 5)
    assert "[5 of 6 files: " in found.breaking[0]
    assert "and 2 more]" in found.breaking[0]


def test_an_int96_timestamp_is_an_instant(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    table = pa.Table.from_pylist([order()], schema=changed(recorded_at=pa.timestamp("ns")))
    path = tmp_path / "data" / "orders" / "month=2026-10" / "a.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(table, path, use_deprecated_int96_timestamps=True)
    loaded = config(tmp_path)
    assert drift(loaded, "orders", pin(loaded, "orders", WINDOW)).breaking == []


def test_a_csv_header_is_compared_by_name_only(tmp_path: Path) -> None:
    loaded = config(tmp_path, ORDERS.replace("orders/month={month}", "orders.csv").replace("parquet", "csv"))
    header = "\ufeffrecorded_at,line_id,Product,amounts,seats,booked_date,paid_on,extra\r\n"
    (tmp_path / "data" / "orders.csv").write_text(header, encoding="utf-8")
    found = drift(loaded, "orders", pin(loaded, "orders", WINDOW))
    assert found.breaking == [
        "raw_orders: column note (string) is missing",
        "raw_orders: column amount (decimal(18,2)) is missing; was it renamed to amounts?",
        "raw_orders: column product is now spelled Product",
    ]
    assert found.added == ["raw_orders: column extra is new and not declared"]


def test_two_renames_are_not_given_the_same_new_name() -> None:
    table = RawTable(name="t", path="t", format=Format.PARQUET, columns={"day_one": "date", "day_two": "date"})
    found = {change.column: change.found for change in compare(table, (("day_1", "date"), ("day_2", "date")))}
    assert sorted(found.values()) == ["day_1", "day_2"]


def test_a_torn_file_is_not_a_drift_but_an_error(tmp_path: Path) -> None:
    from dq.base.errors import SourceError

    path = write_parquet(tmp_path / "data" / "orders" / "month=2026-10" / "a.parquet", [order()])
    loaded = config(tmp_path)
    pinned = pin(loaded, "orders", WINDOW)
    path.write_bytes(b"PAR1")
    with pytest.raises(SourceError, match=r"a\.parquet is torn"):
        drift(loaded, "orders", pinned)
