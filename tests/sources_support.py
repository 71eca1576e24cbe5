"""A small company for the tests of sources: one contract file, one sources file, and files to read."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from dq.base.errors import ConfigError
from dq.base.model import Kind, Window
from dq.sources import Contracts, SourcesConfig, load_contracts, load_sources

CONTRACTS = """\
sources:
  orders:
    description: One row per order line.
    key: [line_id]
    day: booked_date
    read: period
    known_at: recorded_at
    columns:
      line_id: {type: string, required: true}
      product: {type: string, accepted: [cloud, desk]}
      note: {type: string, accepted: [a, b]}
      amount: {type: "decimal(18,2)", required: true}
      seats: {type: int}
      booked_date: {type: date, required: true}
      recorded_at: {type: timestamp, required: true}
      paid_on: {type: date}
"""

ORDERS = """\
company: testers
root: {env: DQ_TEST_DIR, default: data}
tables:
  raw_orders:
    path: "orders/month={month}"
    format: parquet
    timezone: UTC
    columns:
      line_id: string
      product: string
      note: string
      amount: "decimal(18,2)"
      seats: int
      booked_date: date
      recorded_at: timestamp
      paid_on: date
sources:
  orders:
    select: SELECT line_id, product, note, amount, seats, booked_date, recorded_at, paid_on FROM raw_orders
"""

SCHEMA = pa.schema(
    [
        ("line_id", pa.string()),
        ("product", pa.string()),
        ("note", pa.string()),
        ("amount", pa.decimal128(18, 2)),
        ("seats", pa.int32()),
        ("booked_date", pa.date32()),
        ("recorded_at", pa.timestamp("us", tz="UTC")),
        ("paid_on", pa.date32()),
    ]
)


def order(line_id: str = "L1", *, day: date | None = date(2026, 10, 5), **changes: object) -> dict[str, object]:
    """One raw order line; booked on ``day`` and known the same evening."""
    return {
        "line_id": line_id,
        "product": "cloud",
        "note": "a",
        "amount": Decimal("10.00"),
        "seats": 3,
        "booked_date": day,
        "recorded_at": datetime(2026, 10, 5, 20, tzinfo=UTC),
        "paid_on": None,
        **changes,
    }


def write_parquet(path: Path, rows: list[dict[str, object]], schema: pa.Schema = SCHEMA) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
    return path


def contracts(folder: Path, text: str = CONTRACTS) -> Contracts:
    (folder / "contracts.yml").write_text(text, encoding="utf-8")
    return load_contracts(folder / "contracts.yml", shown="contracts.yml")


def config(folder: Path, text: str = ORDERS, contract_text: str = CONTRACTS) -> SourcesConfig:
    (folder / "data").mkdir(exist_ok=True)
    (folder / "sources.yml").write_text(text, encoding="utf-8")
    return load_sources(folder / "sources.yml", contracts(folder, contract_text), shown="sources.yml")


def findings(error: ConfigError) -> list[str]:
    return [str(finding) for finding in error.findings]


def month_window(month: str = "2026-10", *, through: int = 31, as_of: datetime | None = None) -> Window:
    year, number = int(month[:4]), int(month[5:])
    last = (date(year + number // 12, number % 12 + 1, 1) - date(1970, 1, 1)).days - 1
    end = date.fromordinal(date(1970, 1, 1).toordinal() + last)
    return Window(
        period=month,
        start=date(year, number, 1),
        end=end,
        data_through=min(end, date(year, number, min(through, end.day))),
        as_of=as_of or datetime(year + number // 12, number % 12 + 1, 1, 2, tzinfo=UTC),
        kind=Kind.PRELIMINARY,
    )
