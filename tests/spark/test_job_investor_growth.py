"""investor_growth: cells, products and the company from the same units, with every bridge closed."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise

import pytest
from chispa import assert_df_equality
from job_support import load
from pyspark.sql import DataFrame, Row, SparkSession

from dq.base.model import Kind, Window

pytestmark = pytest.mark.run

JOB = load("investor_growth")
OCTOBER = Window(
    period="2026-10",
    start=date(2026, 10, 1),
    end=date(2026, 10, 31),
    data_through=date(2026, 10, 31),
    as_of=datetime(2026, 11, 5, 5, tzinfo=UTC),
    kind=Kind.FINAL,
)
NORTH, SOUTH = ("north", "small"), ("south", "small")
PARTS = ("new", "expansion", "contraction", "churn")
UNITS = (
    "day date, account_id string, product string, "
    "region string, segment string, region_before string, segment_before string, "
    + ", ".join(f"mrr_{part} decimal(18,2)" for part in JOB.MOVEMENTS)
    + ", "
    + ", ".join(f"seats_{part} bigint" for part in JOB.MOVEMENTS)
    + ", "
    + ", ".join(f"account_mrr_{part} decimal(18,2)" for part in PARTS)
    + ", "
    + ", ".join(f"account_seats_{part} bigint" for part in PARTS)
)
TOTAL = ("total", "total", "total", "total")
YEAR_RATIOS = ("ttm_net_revenue_retention", "ttm_gross_revenue_retention", "ttm_cohort_churn_rate")


def unit(
    number: int,
    opening: int,
    *,
    account: str = "one",
    product: str | None = "cloud",
    was=NORTH,
    now=None,
    month=10,
    also=False,
    **moves: int,
) -> tuple:
    """One unit row, whose seats are a tenth of its MRR; a change of place is a transfer of the opening.

    Where the account has something else ``also``, what is new or lost here is more or less of it.
    """
    place = now or was
    moved = opening if place != was else 0
    flows = {part: moves.get(part, 0) for part in PARTS}
    closing = opening + flows["new"] + flows["expansion"] - flows["contraction"] - flows["churn"]
    amounts = {"opening": opening, **flows, "transferred_in": moved, "transferred_out": moved, "closing": closing}
    mrr = [Decimal(amounts[part]) for part in JOB.MOVEMENTS]
    seats = [amounts[part] // 10 for part in JOB.MOVEMENTS]
    new, more, less, churn = (flows[part] for part in PARTS)
    whole = [0, new + more, less + churn, 0] if also else [new, more, less, churn]
    of_account = [*map(Decimal, whole), *(amount // 10 for amount in whole)]
    return (date(2026, month, number), account, product, *place, *was, *mrr, *seats, *of_account)


def run(
    spark: SparkSession,
    *units: tuple,
    previous: DataFrame | None = None,
    window: Window = OCTOBER,
    before: list[tuple] | None = None,
    trailing: list[tuple] | None = None,
) -> DataFrame:
    return JOB.investor_growth(
        units=spark.createDataFrame(list(units), UNITS),
        previous=previous,
        window=window,
        previous_units=None if before is None else spark.createDataFrame(before, UNITS),
        trailing=None if trailing is None else spark.createDataFrame(trailing, UNITS),
    )


def by_key(frame: DataFrame) -> dict[tuple[str, str | None, str, str], Row]:
    rows = frame.collect()
    found = {(row.row_kind, row["product"], row.region, row.segment): row for row in rows}
    assert len(found) == len(rows), "the grain is month x row kind x product x region x segment"
    for row in rows:
        for name in JOB.BRIDGED:
            opening, new, more, less, churn, came, went, closing = (row[f"{name}_{part}"] for part in JOB.MOVEMENTS)
            assert opening + new + more + came - less - churn - went == closing, row
    return found


def cohort(row: Row) -> tuple[int, int]:
    """What a row retains and loses of its opening, whose ratios are the quotients."""
    retained, kept, lost, opening = row.mrr_retained, row.mrr_kept, row.mrr_lost, row.mrr_opening
    assert kept <= retained, row
    assert kept + lost <= opening, row
    if opening:
        assert row.gross_revenue_retention == (kept / opening).quantize(Decimal("0.000001"), ROUND_HALF_UP)
        assert row.net_revenue_retention == (retained / opening).quantize(Decimal("0.000001"), ROUND_HALF_UP)
        assert row.cohort_churn_rate == (lost / opening).quantize(Decimal("0.000001"), ROUND_HALF_UP)
    else:
        assert (row.net_revenue_retention_reason, row.cohort_churn_rate_reason) == ("no_opening_mrr", "no_opening_mrr")
        assert (row.gross_revenue_retention, row.gross_revenue_retention_reason) == (None, "no_opening_mrr")
    return int(retained), int(lost)


def year_of(row: Row) -> tuple[int, int, int, int]:
    """What a row's cohort of twelve months ago had, retains, keeps and loses, whose ratios are the quotients."""
    opening = row.ttm_mrr_opening
    amounts = (row.ttm_mrr_retained, row.ttm_mrr_kept, row.ttm_mrr_lost)
    for name, amount in zip(YEAR_RATIOS, amounts, strict=True):
        ratio = (amount / opening).quantize(Decimal("0.000001"), ROUND_HALF_UP) if opening else None
        assert (row[name], row[f"{name}_reason"]) == (ratio, None if opening else "no_opening_mrr")
    return (int(opening), *map(int, amounts))  # type: ignore[return-value]


def cell(product: str | None, place: tuple[str, str]) -> tuple[str, str | None, str, str]:
    return ("cell", product, *place)


def moved(row: Row, name: str = "mrr") -> dict[str, int]:
    """The parts of a row's bridge that are not zero."""
    return {part: int(row[f"{name}_{part}"]) for part in JOB.MOVEMENTS if row[f"{name}_{part}"]}


def month_of(*days: tuple[int, dict[str, int]], opening: int, was=NORTH, **keys: object) -> list[tuple]:
    """The unit rows of one account's whole month: its movements on some days, and rest on all others."""
    rows, held, flows = [], opening, dict(days)
    for number in range(1, 32):
        row = unit(number, held, was=was, **keys, **flows.get(number, {}))  # type: ignore[arg-type]
        rows.append(row)
        held = int(row[7 + JOB.MOVEMENTS.index("closing")])
    return rows


def test_a_month_is_bridged_from_before_its_first_day_to_after_its_last(spark):
    units = month_of((3, {"expansion": 30}), (20, {"contraction": 10}), opening=100)
    units += month_of((1, {"new": 50}), (31, {"churn": 50}), opening=0, product="security", account="two")
    rows = by_key(run(spark, *units))
    expected = {"opening": 100, "expansion": 30, "contraction": 10, "closing": 120}
    assert moved(rows[cell("cloud", NORTH)]) == expected
    assert moved(rows[cell("cloud", NORTH)], "licences") == {key: value // 10 for key, value in expected.items()}
    assert moved(rows["product", "security", "total", "total"]) == {"new": 50, "churn": 50}
    assert moved(rows[TOTAL]) == expected | {"new": 50, "churn": 50}
    assert rows[TOTAL].unit_rows == 62


def test_a_move_in_mid_month_is_booked_in_both_cells_and_cancels_out_in_their_sums(spark):
    stays = [unit(n, 100) for n in range(1, 15)]
    after = [unit(15, 100, was=NORTH, now=SOUTH, expansion=20), *(unit(n, 120, was=SOUTH) for n in range(16, 32))]
    rows = by_key(run(spark, *stays, *after))
    assert moved(rows[cell("cloud", NORTH)]) == {"opening": 100, "transferred_out": 100}
    assert moved(rows[cell("cloud", SOUTH)]) == {"transferred_in": 100, "expansion": 20, "closing": 120}
    for key in (("product", "cloud", "total", "total"), TOTAL):
        assert moved(rows[key]) == {
            "opening": 100,
            "expansion": 20,
            "transferred_in": 100,
            "transferred_out": 100,
            "closing": 120,
        }
    assert (rows[TOTAL].mrr_growth_rate, rows[TOTAL].net_revenue_retention) == (Decimal("0.2"), Decimal("1.2"))


def test_a_move_on_the_first_day_leaves_a_cell_that_had_an_opening_and_no_units(spark):
    units = [unit(1, 100, was=NORTH, now=SOUTH), *(unit(n, 100, was=SOUTH) for n in range(2, 32))]
    rows = by_key(run(spark, *units))
    assert moved(rows[cell("cloud", NORTH)]) == {"opening": 100, "transferred_out": 100}
    assert [rows[cell("cloud", place)].unit_rows for place in (NORTH, SOUTH)] == [0, 31]
    assert rows[cell("cloud", SOUTH)].mrr_growth_rate_reason == "no_opening_mrr"


def test_a_customer_who_takes_or_gives_up_a_product_is_neither_new_nor_churned_for_the_company(spark):
    units = month_of(opening=100) + month_of(
        (9, {"new": 30}), (20, {"churn": 30}), opening=0, product="mail", also=True
    )
    units += month_of((5, {"churn": 60}), opening=60, product="mail", was=SOUTH, account="two")
    rows = by_key(run(spark, *units))
    mail, total = rows["product", "mail", "total", "total"], rows[TOTAL]
    assert moved(mail) == {"opening": 60, "new": 30, "churn": 90}
    assert moved(total) == {"opening": 160, "expansion": 30, "contraction": 30, "churn": 60, "closing": 100}
    assert moved(total, "licences") == {"opening": 16, "expansion": 3, "contraction": 3, "churn": 6, "closing": 10}
    assert (total.net_revenue_retention, total.cohort_churn_rate) == (Decimal("0.625"), Decimal("0.375"))
    assert mail.cohort_churn_rate == 1, "what was new in the product is none of what it opened with"


def test_ratios_divide_by_opening_mrr_and_say_why_there_is_none(spark):
    units = month_of((3, {"churn": 40}), opening=40) + month_of((4, {"expansion": 30}), opening=60, account="two")
    units += month_of((9, {"new": 30}), opening=0, product="security", account="three")
    rows = by_key(run(spark, *units))
    total = rows[TOTAL]
    assert (total.mrr_growth_rate, total.cohort_churn_rate) == (Decimal("0.2"), Decimal("0.4"))
    assert total.net_revenue_retention == Decimal("0.9"), "what is new retains nothing"
    security = rows[cell("security", NORTH)]
    for name in ("mrr_growth_rate", "cohort_churn_rate", "net_revenue_retention"):
        assert (security[name], security[f"{name}_reason"]) == (None, "no_opening_mrr")


def test_who_came_after_the_opening_is_neither_retained_nor_lost(spark):
    old = month_of(opening=1000)
    for after, churned in (({"expansion": 400}, 0), ({"churn": 500}, 500)):
        came = month_of((3, {"new": 500}), (20, after), opening=0, account="two")
        rows = by_key(run(spark, *old, *came))
        for key in (cell("cloud", NORTH), ("product", "cloud", "total", "total"), TOTAL):
            assert cohort(rows[key]) == (1000, 0)
            assert rows[key].mrr_churn == churned, "the movements hold who came and went"


def test_a_second_product_is_retained_only_of_an_account_that_was_there_at_the_opening(spark):
    units = month_of(opening=100, account="old")
    units += month_of((9, {"new": 30}), opening=0, account="old", product="mail", also=True)
    units += month_of((3, {"new": 50}), opening=0, account="new")
    units += month_of((9, {"new": 70}), opening=0, account="new", product="mail", also=True)
    rows = by_key(run(spark, *units))
    assert cohort(rows[TOTAL]) == (130, 0)
    assert cohort(rows["product", "cloud", "total", "total"]) == (100, 0)
    assert cohort(rows["product", "mail", "total", "total"]) == (0, 0)
    assert rows[TOTAL].mrr_expansion == 100, "the movements hold the second product of whoever has a first"


def test_a_product_given_up_is_lost_in_its_row_and_a_change_of_product_is_retained_by_the_company(spark):
    units = month_of((9, {"churn": 40}), opening=40, also=True)
    units += month_of((9, {"new": 60}), opening=0, product="mail", also=True)
    rows = by_key(run(spark, *units))
    assert cohort(rows["product", "cloud", "total", "total"]) == (0, 40)
    assert cohort(rows[TOTAL]) == (60, 0)


def test_gross_retention_leaves_out_expansion_and_holds_contraction_which_is_not_churn(spark):
    units = month_of((3, {"expansion": 50}), opening=100, account="more")
    units += month_of((9, {"contraction": 40}), opening=100, account="less")
    units += month_of((9, {"churn": 20}), opening=20, account="gone")
    for key in (cell("cloud", NORTH), ("product", "cloud", "total", "total"), TOTAL):
        row = by_key(run(spark, *units))[key]
        assert (cohort(row), row.mrr_kept) == ((210, 20), 160)
        assert row.gross_revenue_retention == Decimal("0.727273"), "160 of 220"
        assert row.cohort_churn_rate == Decimal("0.090909"), "20 of 220: who pays less has not left"


def test_a_customer_who_changes_products_keeps_by_the_company_what_all_of_them_come_to(spark):
    units = month_of((9, {"contraction": 40}), opening=100)
    units += month_of((9, {"expansion": 30}), opening=50, product="mail")
    rows = by_key(run(spark, *units))
    kept = {name: int(rows["product", name, "total", "total"].mrr_kept) for name in ("cloud", "mail")}
    assert (kept, rows[TOTAL].mrr_kept) == ({"cloud": 60, "mail": 50}, 140)
    units += month_of((9, {"expansion": 30}), opening=10, product="talk")
    assert by_key(run(spark, *units))[TOTAL].mrr_kept == 160, "with more than before all of the opening is kept"


def test_a_cell_loses_what_it_opened_with_and_not_what_moved_into_it(spark):
    def moves(*, churn: int) -> list[tuple]:
        """An account of 100 that moves on the 10th and may cancel on the 20th."""
        before = [unit(n, 100) for n in range(1, 10)]
        after = [unit(n, 100, was=SOUTH) for n in range(11, 20)]
        left = unit(20, 100, was=SOUTH, churn=churn)
        stays = [] if churn else [unit(n, 100, was=SOUTH) for n in range(21, 32)]
        return [*before, unit(10, 100, was=NORTH, now=SOUTH), *after, left, *stays]

    south = month_of(opening=50, account="two", was=SOUTH)
    rows = by_key(run(spark, *moves(churn=100), *south))
    assert (cohort(rows[cell("cloud", NORTH)]), cohort(rows[cell("cloud", SOUTH)])) == ((0, 100), (50, 0))
    assert (cohort(rows["product", "cloud", "total", "total"]), cohort(rows[TOTAL])) == ((50, 100), (50, 100))
    rows = by_key(run(spark, *moves(churn=0), *south))
    assert cohort(rows[cell("cloud", NORTH)]) == (100, 0), "it is retained, wherever it is booked then"
    assert cohort(rows[cell("cloud", SOUTH)]) == (50, 0)


def test_who_returns_within_the_month_is_retained_and_who_only_tries_was_not_there(spark):
    returned = month_of((5, {"churn": 100}), (25, {"new": 80}), opening=100)
    # A trial has rows and no recurring revenue, until it is paid for.
    tried = month_of((25, {"new": 60}), opening=0, account="two")
    rows = by_key(run(spark, *returned, *tried))
    assert cohort(rows[TOTAL]) == cohort(rows[cell("cloud", NORTH)]) == (80, 0)
    assert rows[TOTAL].mrr_churn == 100


def test_an_account_that_first_appears_where_it_was_not_yesterday_adds_no_cell(spark):
    """What held nothing before the first day is not booked where its account was then."""
    nowhere = ("unallocated", "unallocated")
    units = [unit(1, 0, was=nowhere, now=SOUTH, new=30), *(unit(n, 30, was=SOUTH) for n in range(2, 32))]
    rows = by_key(run(spark, *units, *month_of(opening=10, account="two")))
    assert {key[2] for key in rows if key[0] == "cell"} == {"north", "south"}
    assert cohort(rows[cell("cloud", SOUTH)]) == (0, 0)


@pytest.mark.parametrize("seed", range(3))
def test_retention_is_what_plain_python_finds_in_the_states_of_random_accounts(spark, seed):
    rng, days = random.Random(seed), 6  # noqa: S311 - test data, not a secret
    window = replace(OCTOBER, data_through=date(2026, 10, days), kind=Kind.MONTH_TO_DATE)
    units, held, places = [], {}, {}
    for number in range(12):
        account = f"a{number}"
        placed = [rng.choice((NORTH, NORTH, SOUTH)) for _ in range(days + 1)]
        for product in ("cloud", "mail"):
            states = [rng.choice((0, 0, 10, 20, 50)) for _ in range(days + 1)]
            held[account, product], places[account] = (states[0], states[-1]), placed[0]
            for day, (opening, closing) in enumerate(pairwise(states), start=1):
                what = ("new", "churn") if not opening or not closing else ("expansion", "contraction")
                moves = {what[closing < opening]: abs(closing - opening)}
                place = {"was": placed[day - 1], "now": placed[day]}
                if opening or closing or rng.random() < 0.5:  # there may be no row where nothing was
                    units.append(unit(day, opening, account=account, product=product, **place, **moves))

    def of(row: Row) -> tuple[tuple[int, int], int]:
        """The cohort of a row, found in the states alone: retained and lost, and kept."""
        retained = lost = kept = 0
        for account in places:
            wanted = [p for p in ("cloud", "mail") if row["product"] in (p, "total")]
            if row.row_kind == "cell" and (row.region, row.segment) != places[account]:
                continue
            opening, closing = (sum(held[account, product][side] for product in wanted) for side in (0, 1))
            retained += closing if opening else 0
            lost += opening if not closing else 0
            kept += min(opening, closing)
        return (retained, lost), kept

    rows = by_key(run(spark, *units, window=window))
    assert len(rows) == 7
    for row in rows.values():
        assert (cohort(row), row.mrr_kept) == of(row), row


def year_ago(opening: int, *, on: date = date(2025, 11, 1), **keys: object) -> tuple:
    """A unit row of the day with which the twelve months begin."""
    return (on, *unit(1, opening, **keys)[1:])  # type: ignore[arg-type]


def test_trailing_twelve_months_count_who_was_there_when_they_began_and_nobody_else(spark):
    units = month_of((3, {"expansion": 30}), opening=100, account="more")
    units += month_of((3, {"contraction": 20}), opening=60, account="less")
    units += month_of(opening=500, account="since") + month_of(opening=70, account="moved", was=SOUTH)
    trailing = [
        year_ago(80, account="more"),
        year_ago(90, account="less"),
        year_ago(40, account="gone"),
        year_ago(50, account="moved"),
        year_ago(0, account="since", new=500),
        year_ago(999, account="gone", on=date(2025, 11, 2)),
        year_ago(7, account="more", product="unallocated"),
    ]
    rows = by_key(run(spark, *units, trailing=trailing))
    for key in (cell("cloud", NORTH), ("product", "cloud", "total", "total"), TOTAL):
        assert year_of(rows[key]) == (260, 130 + 40 + 70, 80 + 40 + 50, 40)
    assert year_of(rows[cell("cloud", SOUTH)]) == (0, 0, 0, 0)


def test_over_twelve_months_another_product_is_expansion_and_a_cell_everybody_left_still_says_so(spark):
    units = month_of(opening=60, product="mail") + month_of(opening=30, product="talk")
    rows = by_key(run(spark, *units, trailing=[year_ago(100, was=SOUTH)]))
    gone = rows[cell("cloud", SOUTH)]
    assert (year_of(gone), gone.unit_rows, gone.mrr_closing) == ((100, 0, 0, 100), 0, 0)
    assert year_of(rows[cell("mail", NORTH)]) == (0, 0, 0, 0)
    assert year_of(rows["product", "cloud", "total", "total"]) == (100, 0, 0, 100)
    assert year_of(rows[TOTAL]) == (100, 90, 90, 0)


def test_trailing_twelve_months_end_with_the_last_day_covered(spark):
    part = replace(OCTOBER, data_through=date(2026, 10, 10), kind=Kind.MONTH_TO_DATE)
    units = month_of((9, {"contraction": 20}), (11, {"churn": 30}), opening=50)
    trailing = [year_ago(100, on=date(2025, 10, 11))]
    assert year_of(by_key(run(spark, *units, window=part, trailing=trailing))[TOTAL]) == (100, 30, 30, 0)


def test_without_twelve_finals_there_is_no_trailing_figure_and_the_reason_says_so(spark):
    for row in by_key(run(spark, *month_of(opening=100))).values():
        assert [row[name] for name in JOB.YEAR] == [None] * 4
        for name in YEAR_RATIOS:
            assert (row[name], row[f"{name}_reason"]) == (None, "fewer_than_twelve_finals")


def test_growth_compares_with_the_published_month_before(spark):
    september = run(spark, *month_of((2, {"new": 40}), opening=0), *month_of(opening=0, product="mail"))
    previous = september.selectExpr("'2026-09' AS month", *(c for c in september.columns if c != "month"))
    rows = by_key(run(spark, *month_of((2, {"expansion": 10}), opening=40), previous=previous.unionByName(previous)))
    cloud = rows["product", "cloud", "total", "total"]
    assert (cloud.previous_period, cloud.previous_mrr, cloud.mrr_change, cloud.mrr_change_ratio) == (
        "2026-09",
        Decimal(40),
        Decimal(10),
        Decimal("0.25"),
    )
    unknown = by_key(run(spark, *month_of(opening=40)))[TOTAL]
    assert (unknown.mrr_change_ratio, unknown.mrr_change_ratio_reason) == (None, "no_previous")


def test_part_of_a_month_closes_on_the_last_day_covered(spark):
    part = Window(
        period="2026-10",
        start=date(2026, 10, 1),
        end=date(2026, 10, 31),
        data_through=date(2026, 10, 3),
        as_of=datetime(2026, 10, 4, 5, tzinfo=UTC),
        kind=Kind.MONTH_TO_DATE,
    )
    units = month_of((2, {"new": 50}), (4, {"expansion": 50}), opening=0)
    row = by_key(run(spark, *units, window=part))[TOTAL]
    assert moved(row) == {"new": 50, "closing": 50}
    assert row.mrr_change_ratio_reason == "unfinished_period"
    september = [unit(1, 20, month=9), unit(2, 20, month=9, expansion=5), unit(3, 25, month=9)]
    compared = by_key(run(spark, *units, window=part, before=[*september, unit(4, 25, month=9, expansion=75)]))
    total = compared[TOTAL]
    assert (total.previous_period, total.previous_mrr, total.mrr_change, total.mrr_change_ratio) == (
        "2026-09",
        Decimal(25),
        Decimal(25),
        Decimal(1),
    )
    assert compared[cell("cloud", NORTH)].previous_mrr == 25


def test_account_facts_and_other_months_are_no_growth_and_no_product_stays_in_the_total(spark):
    units = [
        *month_of(opening=100),
        *month_of(opening=30, product=None),
        unit(5, 0, product="unallocated"),
        unit(1, 0, product="unallocated"),
        unit(30, 999, month=9),
    ]
    rows = by_key(run(spark, *units))
    assert (rows[TOTAL].mrr_opening, rows[TOTAL].mrr_closing) == (130, 130)
    assert not [key for key in rows if key[1] == "unallocated"]
    assert moved(rows["product", None, "total", "total"]) == {"opening": 30, "closing": 30}


def test_units_that_do_not_follow_each_other_leave_a_bridge_open(spark):
    torn = [unit(n, 100) for n in range(1, 15)] + [unit(n, 90) for n in range(15, 32)]
    total = next(row for row in run(spark, *torn).collect() if row.row_kind == "total")
    assert total.mrr_opening + total.mrr_new - total.mrr_churn != total.mrr_closing


def test_shuffling_the_units_changes_nothing(spark):
    units = [
        u
        for product in "ab"
        for place in (NORTH, SOUTH)
        for u in month_of(opening=10, product=product, was=place, account=place[0])
    ]
    assert_df_equality(run(spark, *units), run(spark, *reversed(units)), ignore_row_order=True)
