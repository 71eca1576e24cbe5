"""growth_daily: bridges, revenue to date and account facts on rows written out here, against a ten-line oracle."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from chispa import assert_df_equality
from hypothesis import given, settings
from hypothesis import strategies as st
from job_support import load
from pyspark.sql import DataFrame, Row, SparkSession

from dq.base.model import Kind, Window

pytestmark = pytest.mark.run

JOB = load("growth_daily")
SCHEMAS = {
    "licence_events": "event_id string, account_id string, licence_id string, product string, licence_type string, "
    "event string, seats_after int, mrr_after decimal(18,2), renewal_date date, effective_date date, "
    "sequence_number bigint",
    "accounts": "account_id string, region string, segment string, status string, valid_from date, synced_at timestamp",
    "revenue": "account_id string, product string, amount decimal(18,2), booked_date date",
    "directory_users": "day date, user_id string, account_id string",
    "clicks": "event_date date, user_id string, account_id string",
    "support_tickets": "ticket_id string, account_id string, severity string, opened_date date, opened_at timestamp, "
    "resolved_at timestamp",
    "campaigns": "account_id string, day date, kind string, spend decimal(18,2)",
}
FACT_COLUMNS = [name for columns in JOB.FACTS.values() for name in columns]


def day(number: int, month: int = 10) -> date:
    return date(2026, month, number)


def window(start: int = 1, through: int = 5) -> Window:
    return Window(
        period="2026-10" if start == 1 else f"2026-10-{start:02d}",
        start=day(start),
        end=day(31) if start == 1 else day(start),
        data_through=day(through),
        as_of=datetime(2026, 10, through, 2, tzinfo=UTC) + timedelta(days=1),
        kind=Kind.MONTH_TO_DATE,
    )


def event(
    seats: int,
    effective: date,
    *,
    account: str | None = "A",
    name="new",
    mrr: str | None = None,
    sequence=1,
    kind="standard",
    product: str | None = "cloud",
    licence="1",
    renewal: date | None = date(2027, 5, 1),
) -> tuple:
    price = Decimal(mrr) if mrr is not None else Decimal(0 if kind == "trial" else 10 * seats)
    licence_id = f"L-{account}-{product}-{licence}"
    event_id = f"V-{licence_id}-{sequence}"
    return (event_id, account, licence_id, product, kind, name, seats, price, renewal, effective, sequence)


def place(region: str, valid_from: date, *, account="A", segment="small", status="active", synced=1) -> tuple:
    return (account, region, segment, status, valid_from, datetime(2026, 9, synced, tzinfo=UTC))


def run(spark: SparkSession, *, at: Window | None = None, **rows: Any) -> DataFrame:
    frames = {
        name: None if rows.get(name, ()) is None else spark.createDataFrame(list(rows.get(name, ())), schema)
        for name, schema in SCHEMAS.items()
    }
    return JOB.growth_daily(**frames, window=at or window())


def by_key(frame: DataFrame) -> dict[tuple[str | None, str | None, int], Row]:
    rows = frame.collect()
    found = {(row.account_id, row.product, row.day.day): row for row in rows}
    assert len(found) == len(rows), "the grain is account x product x day"
    for row in rows:
        for name in JOB.BRIDGED:
            opening, new, more, less, churn, came, went, closing = (row[f"{name}_{part}"] for part in JOB.MOVEMENTS)
            assert opening + new + more + came - less - churn - went == closing, row
            assert all(row[f"{name}_{part}"] >= 0 for part in JOB.MOVEMENTS)
            new, more, less, churn = (row[f"account_{name}_{part}"] for part in JOB.OF_ACCOUNT)
            assert opening + new + more + came - less - churn - went == closing, row
            assert min(new, more, less, churn) >= 0
    return found


def moved(row: Row, name: str = "mrr") -> dict[str, int]:
    """The parts of a row's bridge that are not zero."""
    return {part: int(row[f"{name}_{part}"]) for part in JOB.MOVEMENTS if row[f"{name}_{part}"]}


def test_new_then_more_seats_then_fewer_then_cancelled_then_returned(spark):
    rows = by_key(
        run(
            spark,
            licence_events=[
                event(5, day(1)),
                event(8, day(2), name="seats_changed", sequence=2),
                event(6, day(3), name="seats_changed", sequence=3),
                event(0, day(4), name="cancel", sequence=4),
                event(7, day(5), licence="2", sequence=5),
            ],
        )
    )
    assert moved(rows["A", "cloud", 1]) == {"new": 50, "closing": 50}
    assert moved(rows["A", "cloud", 2]) == {"opening": 50, "expansion": 30, "closing": 80}
    assert moved(rows["A", "cloud", 3], "seats") == {"opening": 8, "contraction": 2, "closing": 6}
    assert moved(rows["A", "cloud", 4]) == {"opening": 60, "churn": 60}
    assert moved(rows["A", "cloud", 5]) == {"new": 70, "closing": 70}
    last = rows["A", "cloud", 5]
    assert [rows["A", "cloud", n].events_seats_changed for n in range(1, 6)] == [0, 1, 1, 0, 0]
    assert (last.events_new, rows["A", "cloud", 4].events_cancelled) == (1, 1)


def test_an_upgrade_is_expansion_of_mrr_and_no_change_of_seats(spark):
    rows = by_key(
        run(
            spark,
            licence_events=[
                event(5, day(1, 9)),
                event(5, day(2), name="upgrade", kind="professional", mrr="145.00", sequence=2),
            ],
        )
    )
    assert moved(rows["A", "cloud", 2]) == {"opening": 50, "expansion": 95, "closing": 145}
    assert moved(rows["A", "cloud", 2], "seats") == {"opening": 5, "closing": 5}
    assert rows["A", "cloud", 2].events_upgraded == 1
    assert rows["A", "cloud", 2].licences_by_type == [Row(licence_type="professional", licences=5)]


def test_a_trial_counts_as_licences_and_becomes_new_when_it_is_paid_for(spark):
    rows = by_key(
        run(
            spark,
            licence_events=[
                event(5, day(1), kind="trial", renewal=None),
                event(5, day(3), name="upgrade", sequence=2),
            ],
        )
    )
    assert (rows["A", "cloud", 2].licences, moved(rows["A", "cloud", 2])) == (5, {})
    assert rows["A", "cloud", 2].licences_by_type == [Row(licence_type="trial", licences=5)]
    assert moved(rows["A", "cloud", 3]) == {"new": 50, "closing": 50}
    assert moved(rows["A", "cloud", 3], "seats") == {"new": 5, "closing": 5}
    assert [rows["A", "cloud", n].renewals_due_next_year for n in (2, 3)] == [0, 1]


def test_a_second_product_is_new_and_a_second_licence_is_expansion(spark):
    rows = by_key(
        run(
            spark,
            licence_events=[
                event(5, day(1, 9)),
                event(2, day(2), product="security", sequence=2),
                event(1, day(3), licence="2", kind="professional", sequence=3),
            ],
        )
    )
    assert moved(rows["A", "security", 2]) == {"new": 20, "closing": 20}
    assert moved(rows["A", "cloud", 3]) == {"opening": 50, "expansion": 10, "closing": 60}
    assert rows["A", "cloud", 3].licences_by_type == [
        Row(licence_type="professional", licences=1),
        Row(licence_type="standard", licences=5),
    ]


def of_account(row: Row, name: str = "mrr") -> dict[str, int]:
    """What moved in a row for its account with all its products."""
    moves = {part: int(row[f"account_{name}_{part}"]) for part in JOB.OF_ACCOUNT}
    return {part: amount for part, amount in moves.items() if amount}


def test_a_second_product_is_expansion_of_the_account_and_giving_one_up_is_contraction(spark):
    rows = by_key(
        run(
            spark,
            licence_events=[
                event(5, day(1)),
                event(2, day(2), product="security", sequence=2),
                event(0, day(3), product="security", name="cancel", sequence=3),
                event(0, day(4), name="cancel", sequence=4),
            ],
        )
    )
    assert of_account(rows["A", "cloud", 1]) == {"new": 50}
    assert (moved(rows["A", "security", 2])["new"], of_account(rows["A", "security", 2])) == (20, {"expansion": 20})
    assert (moved(rows["A", "security", 3])["churn"], of_account(rows["A", "security", 3])) == (20, {"contraction": 20})
    assert of_account(rows["A", "cloud", 3]) == {}
    assert of_account(rows["A", "cloud", 4]) == {"churn": 50}
    assert of_account(rows["A", "cloud", 4], "seats") == {"churn": 5}


def test_an_account_that_changes_from_one_product_to_another_is_neither_new_nor_churned(spark):
    rows = by_key(
        run(
            spark,
            licence_events=[
                event(5, day(1, 9)),
                event(0, day(2), name="cancel", sequence=2),
                event(7, day(2), product="security", sequence=3),
                event(4, day(2), account="B"),
            ],
        )
    )
    assert of_account(rows["A", "cloud", 2]) == {"contraction": 50}
    assert of_account(rows["A", "security", 2]) == {"expansion": 70}
    assert of_account(rows["B", "cloud", 2]) == {"new": 40}


def test_an_account_that_leaves_with_all_its_products_churns_and_one_that_returns_is_new(spark):
    both = [event(5, day(1, 9)), event(2, day(1, 9), product="security", sequence=2)]
    gone = [
        event(0, day(2), name="cancel", sequence=3),
        event(0, day(2), product="security", name="cancel", sequence=4),
    ]
    rows = by_key(run(spark, licence_events=[*both, *gone, event(3, day(4), licence="2", sequence=5)]))
    assert [of_account(rows["A", product, 2]) for product in ("cloud", "security")] == [{"churn": 50}, {"churn": 20}]
    assert of_account(rows["A", "cloud", 4]) == {"new": 30}


def test_a_trial_of_another_product_makes_nobody_a_customer(spark):
    trial = event(5, day(1, 9), product="security", kind="trial", renewal=None)
    rows = by_key(run(spark, licence_events=[trial, event(5, day(2), sequence=2)]))
    assert of_account(rows["A", "cloud", 2]) == {"new": 50}


def test_what_cancels_out_within_a_day_is_no_movement(spark):
    back = [event(0, day(2), name="cancel", sequence=2), event(5, day(2), licence="2", sequence=3)]
    rows = by_key(run(spark, licence_events=[event(5, day(1, 9)), *back]))
    assert moved(rows["A", "cloud", 2]) == {"opening": 50, "closing": 50}
    assert (rows["A", "cloud", 2].events_cancelled, rows["A", "cloud", 2].events_new) == (1, 1)


def test_a_move_of_region_is_a_transfer_of_what_stood_at_the_days_start(spark):
    rows = by_key(
        run(
            spark,
            licence_events=[event(5, day(1, 9)), event(8, day(3), name="seats_changed", sequence=2)],
            accounts=[place("north", day(1, 9)), place("south", day(3)), place("west", day(3), synced=2)],
        )
    )
    row = rows["A", "cloud", 3]
    assert (row.region_before, row.region) == ("north", "west"), "the newest sync of a day is valid"
    expected = {"opening": 50, "expansion": 30, "transferred_in": 50, "transferred_out": 50, "closing": 80}
    assert moved(row) == expected
    assert (rows["A", "cloud", 2].region, rows["A", "cloud", 4].region_before) == ("north", "west")
    assert moved(rows["A", "cloud", 4]) == {"opening": 80, "closing": 80}


def test_an_account_that_moves_and_leaves_on_one_day_leaves_from_where_it_moved_to(spark):
    row = by_key(
        run(
            spark,
            licence_events=[event(5, day(1, 9)), event(0, day(3), name="cancel", sequence=2)],
            accounts=[place("north", day(1, 9)), place("south", day(3), segment="large")],
        )
    )["A", "cloud", 3]
    assert moved(row) == {"opening": 50, "churn": 50, "transferred_in": 50, "transferred_out": 50}


def test_an_account_without_a_valid_row_stands_under_unallocated_and_comes_out_as_a_transfer(spark):
    rows = by_key(run(spark, licence_events=[event(5, day(1))], accounts=[place("north", day(2))]))
    assert (rows["A", "cloud", 1].region, rows["A", "cloud", 1].segment) == ("unallocated", "unallocated")
    assert moved(rows["A", "cloud", 2]) == {"opening": 50, "transferred_in": 50, "transferred_out": 50, "closing": 50}


def test_the_status_of_the_account_stands_beside_the_licences_it_holds_all_the_same(spark):
    places = [place("north", day(1)), place("north", day(3), status="closed")]
    rows = by_key(run(spark, licence_events=[event(5, day(1))], accounts=places))
    assert [rows["A", "cloud", n].account_status for n in (2, 3)] == ["active", "closed"]
    assert rows["A", "cloud", 3].licences == 5
    assert by_key(run(spark, licence_events=[event(5, day(1))]))["A", "cloud", 1].account_status == "unallocated"


def test_no_activity_is_0_where_the_account_existed_and_unknown_where_it_did_not(spark):
    tickets = [("t", "A", "low", day(1), None, None)]
    known = by_key(run(spark, support_tickets=tickets, accounts=[place("north", day(1))]))["A", "unallocated", 1]
    assert (known.tickets_opened, known.licensed_users, known.licensed_users_reason) == (1, 0, None)
    unknown = by_key(run(spark, support_tickets=tickets))["A", "unallocated", 1]
    assert (unknown.tickets_opened, unknown.tickets_high, unknown.tickets_reason) == (1, 0, None)
    assert (unknown.licensed_users, unknown.licensed_users_reason) == (None, "account_unknown")
    assert (unknown.campaign_spend, unknown.campaigns_reason) == (None, "account_unknown")


def test_renewals_due_next_calendar_year_are_counted_and_unknown_where_a_paid_licence_has_no_date(spark):
    rows = by_key(
        run(
            spark,
            licence_events=[
                event(5, day(1), renewal=date(2027, 1, 1)),
                event(5, day(1), licence="2", renewal=date(2026, 12, 31)),
                event(5, day(1), account="B", renewal=None),
            ],
        )
    )
    assert rows["A", "cloud", 1].renewals_due_next_year == 1
    assert rows["B", "cloud", 1].renewals_due_next_year is None


def test_revenue_of_the_year_goes_on_from_january_also_on_days_without_bookings(spark):
    lines = [
        ("A", "cloud", Decimal("99.00"), date(2025, 12, 31)),
        ("A", "cloud", Decimal("10.00"), day(2, 1)),
        ("A", "cloud", Decimal("1.50"), day(3)),
        ("A", "cloud", Decimal("-0.25"), day(3)),
        ("B", "cloud", Decimal("7.00"), day(4)),
    ]
    rows = by_key(run(spark, revenue=lines))
    assert [rows["A", "cloud", n].revenue_to_date for n in range(1, 6)] == [
        Decimal(text) for text in ("10.00", "10.00", "11.25", "11.25", "11.25")
    ]
    assert (rows["A", "cloud", 3].revenue, rows["A", "cloud", 3].revenue_lines) == (Decimal("1.25"), 2)
    assert (rows["A", "cloud", 4].revenue, rows["A", "cloud", 4].revenue_lines) == (Decimal("0.00"), 0)
    assert ("B", "cloud", 3) not in rows
    alone = by_key(run(spark, revenue=lines, at=window(4, 4)))
    assert alone["A", "cloud", 4] == rows["A", "cloud", 4]


def test_facts_of_an_account_stand_in_its_unallocated_row_and_nowhere_else(spark):
    opened = datetime(2026, 10, 2, 8, tzinfo=UTC)
    rows = by_key(
        run(
            spark,
            licence_events=[event(5, day(1))],
            directory_users=[(day(2), "u1", "A"), (day(2), "u2", "A"), (day(3), "u1", "A")],
            clicks=[(day(2), "u1", "A"), (day(2), "u1", "A")],
            support_tickets=[
                ("T1", "A", "low", day(2), opened, opened + timedelta(hours=30)),
                ("T2", "A", "urgent", day(2), opened, opened + timedelta(hours=31, minutes=30)),
                ("T3", "A", "low", day(2), opened, opened + timedelta(days=9)),
            ],
            campaigns=[("A", day(2), "event", Decimal("5.00")), ("A", day(2), "channel", Decimal("0.50"))],
            accounts=[place("north", day(1, 9))],
        )
    )
    row = rows["A", "unallocated", 2]
    assert (row.licensed_users, row.active_users, row.mrr_closing) == (2, 1, 0)
    assert (row.tickets_opened, row.tickets_low, row.tickets_urgent, row.tickets_resolved) == (3, 2, 1, 0)
    assert (row.mean_resolution_hours, row.mean_resolution_hours_reason) == (None, "none_resolved")
    assert (row.campaign_spend, row.touches_event, row.touches_channel) == (Decimal("5.50"), 1, 1)
    after = rows["A", "unallocated", 3]
    assert (after.tickets_resolved, after.resolution_hours) == (2, Decimal("61.50"))
    assert after.mean_resolution_hours == Decimal("30.750000")
    assert (after.licensed_users, after.active_users, after.campaign_spend) == (1, 0, 0)
    assert ("A", "unallocated", 4) not in rows
    product = rows["A", "cloud", 2]
    assert {product[name] for name in FACT_COLUMNS} == {None}
    assert {product[f"{source}_reason"] for source in JOB.FACTS} == {"of_product"}
    assert product.mean_resolution_hours_reason == "of_product"


def test_facts_of_an_absent_source_are_null_and_say_so(spark):
    clicks, known = [(day(2), "u1", "A"), (day(3), None, "A")], [place("north", day(1, 9))]
    rows = by_key(run(spark, directory_users=None, campaigns=None, clicks=clicks, accounts=known))
    row = rows["A", "unallocated", 2]
    assert (row.licensed_users, row.licensed_users_reason) == (None, "source_absent")
    assert (row.campaign_spend, row.touches_event, row.campaigns_reason) == (None, None, "source_absent")
    assert (row.active_users, row.active_users_reason, row.tickets_opened) == (1, None, 0)
    unknown = rows["A", "unallocated", 3]
    assert (unknown.active_users, unknown.active_users_reason) == (None, "users_unknown")


def test_rows_without_an_account_or_product_are_kept_under_null(spark):
    rows = by_key(
        run(
            spark,
            licence_events=[event(5, day(1), account=None), event(3, day(1), product=None)],
            revenue=[(None, None, Decimal("4.00"), day(1))],
        )
    )
    assert sum(row.mrr_closing for (_, _, number), row in rows.items() if number == 5) == 80
    assert rows[None, None, 1].revenue == Decimal("4.00")


def history(chance: random.Random) -> list[tuple]:
    """Events of twelve licences over ten weeks: sizes, types and cancellations at random."""
    found = []
    for account in "ABC":
        sequence = 0
        for product in ("cloud", "security"):
            for licence in "12":
                effective = day(1, 8) + timedelta(days=chance.randrange(30))
                while effective <= day(31):
                    sequence += 1
                    seats = chance.choice([0, 1, 2, 5, 9])
                    kind = chance.choice(["trial", "standard", "professional"])
                    found.append(
                        event(
                            seats,
                            effective,
                            account=account,
                            product=product,
                            licence=licence,
                            kind=kind,
                            name="seats_changed" if seats else "cancel",
                            sequence=sequence,
                        )
                    )
                    effective += timedelta(days=chance.choice([0, 1, 1, 3, 12]))
    return found


def oracle(events: list[tuple], days: list[date]) -> dict[tuple[str, str, int], dict[str, Decimal]]:
    """The bridge of MRR by replaying events in their order, licence by licence, in plain Python."""
    state: dict[tuple[str, str, str], Decimal] = {}
    left = sorted(events, key=lambda e: (e[9], e[10], e[0]))
    totals: dict[date, dict[tuple[str, str], Decimal]] = {}
    for today in [days[0] - timedelta(days=1), *days]:
        while left and left[0][9] <= today:
            _, account, licence, product, kind, name, _, mrr, *_ = left.pop(0)
            state[account, product, licence] = Decimal(0) if name == "cancel" or kind == "trial" else mrr
        totals[today] = defaultdict(Decimal)
        for (account, product, _), mrr in state.items():
            totals[today][account, product] += mrr
    found = {}
    for today in days:
        before, now = totals[today - timedelta(days=1)], totals[today]
        for key in now:
            a, b = before[key], now[key]
            new, churn = (b if not a else Decimal(0)), (a if not b else Decimal(0))
            change = b - a - new + churn
            parts = {"opening": a, "new": new, "churn": churn, "closing": b}
            found[(*key, today.day)] = parts | {"expansion": max(change, 0), "contraction": max(-change, 0)}
    return found


def test_the_bridge_equals_replaying_the_events(spark):
    chance = random.Random(1)  # noqa: S311 - test data, not a secret
    events = history(chance)
    month = window(1, 31)
    rows = by_key(run(spark, licence_events=events, at=month))
    expected = oracle(events, [day(n) for n in range(1, 32)])
    compared = 0
    for key, parts in expected.items():
        if key not in rows:
            assert not any(parts.values()), key
            continue
        for part, amount in parts.items():
            assert rows[key][f"mrr_{part}"] == amount, (key, part)
            compared += bool(amount)
    assert compared > 150


# Of one account, several on one day: only their sequence tells which came first.
ARRIVING = history(random.Random(3))[:40]  # noqa: S311 - test data, not a secret


@settings(max_examples=3, deadline=None, derandomize=True, database=None)
@given(order=st.permutations(range(len(ARRIVING))))
def test_no_order_of_arrival_changes_the_state(spark, order):
    arrived = [ARRIVING[number] for number in order]
    month = window(1, 31)
    rows, wanted = (run(spark, licence_events=events, at=month) for events in (arrived, ARRIVING))
    assert_df_equality(rows, wanted, ignore_row_order=True)
    assert len({(event[1], event[9]) for event in ARRIVING}) < len(ARRIVING)
