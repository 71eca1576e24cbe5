"""The outside company's tables through its own sources file, against ten lines of plain Python."""

from __future__ import annotations

import csv
import os
from calendar import monthrange
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from sources_support import month_window

from dq.sources import SourceFrame, SourcesConfig, drift, load_contracts, load_sources, pin, read

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("DQ_RAVENSTACK_DIR") or ROOT / ".." / "shared" / "data" / "ravenstack").resolve()
pytestmark = pytest.mark.skipif(
    not (DATA / "ravenstack_subscriptions.csv").is_file(),
    reason="the RavenStack tables are not there; DQ_RAVENSTACK_DIR names their folder",
)
MONTHS = [f"2024-{number:02}" for number in range(1, 13)]


@pytest.fixture
def ravenstack(monkeypatch: pytest.MonkeyPatch) -> SourcesConfig:
    monkeypatch.setenv("DQ_RAVENSTACK_DIR", str(DATA))
    return load_sources(ROOT / "jobs" / "ravenstack.yml", load_contracts(ROOT / "jobs" / "contracts.yml"))


def source(spark: SparkSession, loaded: SourcesConfig, name: str, month: str = "2024-03") -> SourceFrame:
    window = month_window(month)
    return read(spark, loaded, name, pin(loaded, name, window), window)


def subscriptions() -> list[dict[str, str]]:
    with (DATA / "ravenstack_subscriptions.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def expected_lines(month: str) -> dict[str, tuple[date, Decimal]]:
    """The lines of one month, computed without Spark: line id -> day and amount."""
    year, number = map(int, month.split("-"))
    first, last = date(year, number, 1), date(year, number, monthrange(year, number)[1])
    lines = {}
    for row in subscriptions():
        start = date.fromisoformat(row["start_date"])
        end = date.fromisoformat(row["end_date"]) if row["end_date"] else date.max
        if start <= last and end >= first:
            amount = Decimal(0) if row["is_trial"] == "TRUE" else Decimal(row["mrr_amount"])
            lines[f"{row['subscription_id']}-{month}"] = (max(start, first), amount.quantize(Decimal("0.01")))
    return lines


def test_the_tables_are_as_the_sources_file_declares_them(ravenstack: SourcesConfig) -> None:
    for name in ("accounts", "licence_events", "revenue"):
        found = drift(ravenstack, name, pin(ravenstack, name, month_window("2024-03")))
        assert (found.breaking, found.added) == ([], [])


@pytest.mark.parametrize("month", MONTHS)
def test_every_active_month_of_a_subscription_is_one_line(
    spark: SparkSession, ravenstack: SourcesConfig, month: str
) -> None:
    rows = source(spark, ravenstack, "revenue", month).visible.collect()
    assert len(rows) > 500
    assert {row["line_id"]: (row["booked_date"], row["amount"]) for row in rows} == expected_lines(month)
    assert len({row["line_id"] for row in rows}) == len(rows)
    assert {row["kind"] for row in rows} == {"subscription"}
    assert {row["currency"] for row in rows} == {"USD"}
    assert {row["product"] for row in rows} == {"Basic", "Pro", "Enterprise"}


def test_a_month_that_is_not_over_has_the_lines_booked_so_far(spark: SparkSession, ravenstack: SourcesConfig) -> None:
    window = month_window("2024-03", through=10, as_of=datetime(2024, 3, 11, 2, tzinfo=UTC))
    rows = read(spark, ravenstack, "revenue", pin(ravenstack, "revenue", window), window).frame.collect()
    expected = {line for line, (day, _) in expected_lines("2024-03").items() if day <= date(2024, 3, 10)}
    assert {row["line_id"] for row in rows} == expected


def test_licences_begin_and_end_with_their_subscriptions(spark: SparkSession, ravenstack: SourcesConfig) -> None:
    rows = source(spark, ravenstack, "licence_events", "2024-12").visible.collect()
    table = subscriptions()
    assert Counter(row["event"] for row in rows) == {
        "new": len(table),
        "cancel": sum(bool(r["end_date"]) for r in table),
    }
    assert {row["licence_type"] for row in rows} == {"trial", "monthly", "annual"}
    assert all(row["mrr_after"] == 0 for row in rows if row["licence_type"] == "trial" or row["event"] == "cancel")
    by_account: dict[str, list[tuple[int, date]]] = {}
    for row in rows:
        by_account.setdefault(row["account_id"], []).append((row["sequence_number"], row["effective_date"]))
    for events in by_account.values():
        ordered = sorted(events)
        assert [number for number, _ in ordered] == list(range(1, len(events) + 1))
        assert [day for _, day in ordered] == sorted(day for _, day in events)


def test_the_event_order_on_one_day_is_new_before_cancel(spark: SparkSession, ravenstack: SourcesConfig) -> None:
    rows = source(spark, ravenstack, "licence_events", "2024-12").visible.collect()
    numbers = {(row["licence_id"], row["event"]): row["sequence_number"] for row in rows}
    cancelled = [licence for licence, event in numbers if event == "cancel"]
    assert cancelled
    assert all(numbers[licence, "new"] < numbers[licence, "cancel"] for licence in cancelled)


def test_accounts_have_a_country_and_a_size(spark: SparkSession, ravenstack: SourcesConfig) -> None:
    found = source(spark, ravenstack, "accounts", "2024-12")
    rows = found.visible.collect()
    assert len(rows) == 500
    assert {row["segment"] for row in rows} == {"small", "medium", "large"}
    # The accepted codes are ISO 3166-1; the company writes UK for GB, which its mapping translates.
    accepted = set(ravenstack.source("accounts").accepted["region"])
    assert {row["region"] for row in rows} <= accepted
    assert {row["status"] for row in rows} == {None}
    assert set(found.absent_columns) == {"partnership_level", "status", "synced_at"}
    assert found.everything_known


def test_what_the_company_lacks_is_declared_with_owner_and_reason(ravenstack: SourcesConfig) -> None:
    absent = {name: ravenstack.absence(name) for name in ravenstack.sources if ravenstack.absence(name)}
    assert set(absent) == {"expenses", "ledger", "targets", "campaigns", "directory_users", "kafka_offsets"}
    assert all(absence is not None and absence.owner and absence.reason for absence in absent.values())
