"""A month made by hand of everything that is easily counted wrong, as the raw files of a small company."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

Row = dict[str, Any]
TYPES = {"string": pa.string(), "int": pa.int32(), "bigint": pa.int64(), "date": pa.date32()}
DAY = {
    "accounts": "valid_from",
    "licence_events": "effective_date",
    "revenue": "booked_date",
    "expenses": "incurred_date",
    "clicks": "event_date",
    "directory_users": "day",
    "support_tickets": "opened_date",
    "campaigns": "day",
}
AFTERWARDS = datetime(2026, 11, 20, 9, tzinfo=UTC)
"""When what nobody could know yet was recorded."""


def october(day: int, hour: int = 12, minute: int = 0, second: int = 0) -> datetime:
    """An instant of October; day 0 is the last of September, day 32 the first of November."""
    return datetime(2026, 10, 1, hour, minute, second, tzinfo=UTC) + timedelta(days=day - 1)


def on(day: int) -> date:
    return october(day).date()


def accounts() -> Iterator[Row]:
    def version(
        account: str,
        valid_from: date,
        region: str,
        segment: str,
        synced: datetime | None = None,
        status: str = "active",
    ) -> Row:
        at = synced or datetime(valid_from.year, valid_from.month, valid_from.day, 3, tzinfo=UTC)
        words = {"business_category": None, "partnership_level": "gold", "status": status}
        return {
            "account_id": account,
            "region": region,
            "segment": segment,
            **words,
            "valid_from": valid_from,
            "synced_at": at,
        }

    begun = date(2026, 1, 5)
    yield version("stays", begun, "north", "large")
    yield version("moves", begun, "north", "small")
    yield version("moves", on(15), "south", "small")
    yield version("moves", on(20), "south", "large", status="closed")
    yield version("corrected", begun, "north", "small")
    yield version("corrected", begun, "north", "large", october(3))
    yield version("corrected", on(5), "south", "small", AFTERWARDS)
    yield version("alone", begun, "east", "small")
    yield version("returns", begun, "south", "small")
    yield version("tries", on(2), "north", "small")
    yield version("bought", on(10), "west", "large")


def licence_events() -> Iterator[Row]:
    numbers = iter(range(1, 1_000))

    def event(
        account: str,
        licence: str,
        day: date,
        what: str,
        seats: int,
        mrr: str,
        kind: str = "standard",
        product: str = "cloud",
        renewal: date | None = date(2027, 3, 1),
        recorded: datetime | None = None,
    ) -> Row:
        number = next(numbers)
        return {
            "event_id": f"e{number:03}",
            "account_id": account,
            "licence_id": licence,
            "product": product,
            "licence_type": kind,
            "event": what,
            "seats_before": 0,
            "seats_after": seats,
            "mrr_before": Decimal("0.00"),
            "mrr_after": Decimal(mrr),
            "renewal_date": renewal,
            "effective_date": day,
            "recorded_at": recorded or datetime(day.year, day.month, day.day, 8, tzinfo=UTC),
            "sequence_number": number,
        }

    before = date(2026, 9, 10)
    yield event("stays", "L1", before, "new", 10, "100.00")
    yield event("stays", "L1", on(7), "upgrade", 12, "180.00", "professional")
    yield event("stays", "L1", on(9), "downgrade", 12, "90.00")
    yield event("stays", "L2", on(7), "new", 3, "33.33", product="mail")
    yield event("stays", "L2", on(21), "cancel", 0, "0.00", product="mail")
    yield event("moves", "L3", before, "new", 7, "70.00")
    yield event("moves", "L3", on(15), "seats_changed", 9, "90.00")
    yield event("moves", "L3", on(28), "renew", 9, "90.00", renewal=date(2027, 10, 28))
    yield event("corrected", "L4", before, "new", 5, "55.55", product="mail", renewal=None)
    yield event("corrected", "L4", on(12), "seats_changed", 50, "555.50", product="mail", recorded=AFTERWARDS)
    yield event("alone", "L5", before, "new", 4, "40.00", product="mail")
    yield event("alone", "L5", on(12), "cancel", 0, "0.00", product="mail")
    yield event("returns", "L6", before, "new", 6, "60.00")
    yield event("returns", "L6", on(5), "cancel", 0, "0.00")
    yield event("returns", "L7", on(20), "new", 8, "88.00", renewal=date(2026, 12, 1))
    yield event("tries", "L8", on(2), "new", 2, "0.00", "trial")
    yield event("tries", "L8", on(10), "upgrade", 2, "25.00")
    # Twice on one day: only what stands at its end counts; and a licence that is gone the day it came.
    yield event("stays", "L9", on(17), "new", 1, "10.00")
    yield event("stays", "L9", on(17), "seats_changed", 2, "19.99")
    yield event("bought", "LA", on(11), "new", 20, "200.00", product="mail")
    yield event("bought", "LA", on(11), "cancel", 0, "0.00", product="mail")
    yield event("bought", "LB", on(31), "new", 1, "5.00")


def revenue() -> Iterator[Row]:
    lines: list[tuple[str, str, str, str, date, datetime | None]] = [
        ("stays", "cloud", "subscription", "1000.00", date(2026, 2, 3), None),
        ("stays", "cloud", "subscription", "100.00", on(1), None),
        ("stays", "cloud", "one_time", "49.99", on(1), None),
        ("stays", "cloud", "subscription", "-20.00", on(7), None),
        ("stays", "mail", "subscription", "33.33", on(8), None),
        ("moves", "cloud", "subscription", "70.01", on(3), None),
        ("moves", "cloud", "subscription", "90.00", on(31), None),
        ("corrected", "mail", "subscription", "55.55", on(6), None),
        ("corrected", "mail", "subscription", "999.00", on(6), AFTERWARDS),
        ("alone", "mail", "subscription", "40.00", on(2), None),
        ("returns", "cloud", "one_time", "-75.00", on(11), None),
        ("stranger", "cloud", "one_time", "12.34", on(13), None),
        ("bought", "mail", "one_time", "0.00", on(14), None),
        ("stays", "cloud", "subscription", "77.00", date(2025, 12, 31), None),
    ]
    for number, (account, product, kind, amount, day, recorded) in enumerate(lines):
        yield {
            "line_id": f"r{number:03}",
            "account_id": account,
            "product": product,
            "kind": kind,
            "amount": Decimal(amount),
            "currency": "USD",
            "booked_date": day,
            "recorded_at": recorded or datetime(day.year, day.month, day.day, 20, tzinfo=UTC),
        }


def expenses() -> Iterator[Row]:
    entries: list[tuple[str, str, int, datetime | None]] = [
        ("payroll", "1000.00", 15, None),
        ("payroll", "0.01", 16, None),
        ("payroll", "-100.00", 18, None),
        ("marketing", "100.00", 1, None),
        ("marketing", "10.00", 4, None),  # nothing was booked that day: it has no driver
        ("marketing", "66.67", 8, None),
        ("marketing", "5.00", 11, None),  # only a refund was booked
        ("insurance", "33.34", 1, None),
        ("research_and_development", "77.77", 21, None),
        ("services", "12.50", 9, None),
        ("services", "500.00", 9, AFTERWARDS),
        ("rent_and_inventory", "250.00", 12, None),
        ("servers", "19.99", 31, None),
        ("servers", "20.01", 31, None),
        ("capital", "900.00", 20, None),
    ]
    for number, (category, amount, day, entered) in enumerate(entries):
        yield {
            "entry_id": f"x{number:03}",
            "category": category,
            "provider": "somebody",
            "entry_method": "api",
            "amount": amount,
            "currency": "USD",
            "incurred_date": on(day),
            "entered_at": entered or october(day, 18),
        }


def targets() -> Iterator[Row]:
    for product, target in (("cloud", "150.00"), ("mail", "0.00")):
        yield {"month": "2026-10", "product": product, "target_profit": Decimal(target)}


def clicks() -> Iterator[Row]:
    numbers = iter(range(1, 1_000))

    def click(user: str, account: str, at: datetime, kind: str = "click", received: datetime | None = None) -> Row:
        number = next(numbers)
        return {
            "event_id": f"c{number:03}",
            "user_id": user,
            "account_id": account,
            "event_type": kind,
            "feature": None,
            "event_date": at.date(),
            "event_time": at,
            "received_at": received or at + timedelta(seconds=40),
            "topic": "clicks",
            "partition": 0,
            "offset": number,
        }

    def delivered_again(row: Row, hours: int) -> Row:
        return row | {"received_at": row["received_at"] + timedelta(hours=hours), "offset": row["offset"] + 5_000}

    # Over the midnight into the month, and over the one out of it.
    yield click("anna", "stays", october(0, 23, 50), "session_start")
    yield click("anna", "stays", october(1, 0, 5, 30), "page_view")
    yield click("anna", "stays", october(31, 23, 45), "session_start")
    yield click("anna", "stays", october(32, 0, 10), "feature_use")
    yield click("ben", "moves", october(31, 23, 59, 59), "session_start")
    # Known only after the month was told: the last session has no later event then.
    yield click("ben", "moves", october(32, 0, 5), "click", AFTERWARDS)
    # Over midnight in mid-month, past the day on which the account moves.
    yield click("ben", "moves", october(14, 23, 40), "session_start")
    yield click("ben", "moves", october(15, 0, 0), "page_view")
    yield click("ben", "moves", october(15, 0, 29, 59), "click")
    # Thirty minutes end a session, one second less does not.
    yield click("carl", "alone", october(6, 9), "session_start")
    yield click("carl", "alone", october(6, 9, 29, 59), "click")
    yield click("carl", "alone", october(6, 9, 59, 59), "session_start")
    twice = click("carl", "alone", october(6, 10, 10), "feature_use")
    yield twice
    yield delivered_again(twice, 2)
    yield delivered_again(twice, 60)
    # Of no department, under two accounts, and of an account nobody knows.
    yield click("dora", "stranger", october(19, 7), "page_view")
    yield click("dora", "corrected", october(19, 7, 3), "click")
    yield click("eve", "nowhere", october(22, 1), "page_view")
    # One user of two departments, active again after weeks.
    for day in (2, 3, 5, 11, 19, 26, 27, 31):
        yield click("finn", "stays", october(day, 15, day), "session_start")
        yield click("finn", "stays", october(day, 15, day + 7), "click")
    yield click("gina", "returns", october(9, 8), "click", AFTERWARDS)


def directory_users() -> Iterator[Row]:
    for day in range(1, 32):
        people = [
            ("anna", "stays", "sales"),
            ("ben", "moves", "finance"),
            ("carl", "alone", "sales"),
            ("finn", "stays", "engineering" if day < 11 else "operations"),
            ("gina", "returns", "sales"),
        ]
        for user, account, department in people:
            row = {"user_id": user, "account_id": account, "department": department}
            yield {"day": on(day), **row, "synced_at": october(day, 2)}
    # A day synchronised anew, and once more after the month was told.
    row = {"day": on(26), "user_id": "finn", "account_id": "stays", "department": "finance"}
    yield row | {"synced_at": october(26, 18)}
    yield row | {"department": "sales", "synced_at": AFTERWARDS}


def support_tickets() -> Iterator[Row]:
    tickets: list[tuple[str, str, datetime, datetime | None, datetime | None]] = [
        ("stays", "low", october(-2, 9), october(3, 10, 20), None),
        ("stays", "high", october(3, 9), october(3, 9, 0, 10), None),
        ("stays", "urgent", october(3, 11), None, None),
        ("moves", "medium", october(14, 23, 59), october(15, 0, 1), None),
        ("alone", "low", october(31, 23), october(32, 1), None),
        ("alone", "low", october(30, 8), october(31, 8), AFTERWARDS),
        ("stranger", "medium", october(20, 8), october(20, 8), None),
    ]
    for number, (account, severity, opened, resolved, recorded) in enumerate(tickets):
        yield {
            "ticket_id": f"t{number:03}",
            "account_id": account,
            "severity": severity,
            "opened_date": opened.date(),
            "opened_at": opened,
            "resolved_at": resolved,
            "recorded_at": recorded or opened + timedelta(minutes=5),
        }


def campaigns() -> Iterator[Row]:
    touched = [("stays", "event", 3, "120.50"), ("stays", "channel", 3, "0.00"), ("alone", "channel", 25, "9.99")]
    for number, (account, kind, day, spend) in enumerate(touched):
        yield {
            "campaign_id": f"k{number}",
            "account_id": account,
            "day": on(day),
            "kind": kind,
            "channel": "email",
            "spend": Decimal(spend),
            "recorded_at": october(day, 22),
        }


SOURCES = {
    one.__name__: one
    for one in (
        accounts,
        licence_events,
        revenue,
        expenses,
        targets,
        clicks,
        directory_users,
        support_tickets,
        campaigns,
    )
}
MONTHS = ("2026-09", "2026-10", "2026-11")


def make(root: Path, mapping: Path) -> None:
    """Write the raw files as the sources file declares them: a folder per source and month."""
    tables: Mapping[str, Any] = yaml.safe_load(mapping.read_text(encoding="utf-8"))["tables"]
    for source, rows in SOURCES.items():
        schema = pa.schema([(name, of(kind)) for name, kind in tables[source]["columns"].items()])
        by_month: dict[str, list[Row]] = defaultdict(list)
        by_month.update({month: [] for month in MONTHS})
        for row in rows():
            by_month[row.get("month") or f"{row[DAY[source]]:%Y-%m}"].append(row)
        for month, listed in by_month.items():
            folder = root / source / f"month={month}"
            folder.mkdir(parents=True)
            pq.write_table(pa.Table.from_pylist(listed, schema=schema), folder / "part-0.parquet")


def of(kind: str) -> pa.DataType:
    """The type of a raw column."""
    if kind.startswith("decimal"):
        precision, scale = kind.removeprefix("decimal(").removesuffix(")").split(",")
        return pa.decimal128(int(precision), int(scale))
    return pa.timestamp("us", tz="UTC") if kind == "timestamp" else TYPES[kind]
