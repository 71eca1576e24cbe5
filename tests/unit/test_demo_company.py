"""The demo company's plan: calendar, volumes, costs and targets, without Spark."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta

import pytest

from demo import company
from dq.base.errors import UsageError

YEARS = company.months_between("2026-01", "2028-12")


def test_months_between_counts_both_ends_and_crosses_the_year():
    assert company.months_between("2026-11", "2027-02") == (
        date(2026, 11, 1),
        date(2026, 12, 1),
        date(2027, 1, 1),
        date(2027, 2, 1),
    )


@pytest.mark.parametrize(("first", "last"), [("2026-11", "2026-10"), ("2026-13", "2027-01"), ("October", "2026-10")])
def test_months_that_cannot_be_meant_are_refused(first, last):
    with pytest.raises(UsageError):
        company.months_between(first, last)


def test_shift_goes_back_and_forth_over_years():
    for month in YEARS:
        for by in (-25, -12, -1, 0, 1, 11, 12, 13):
            assert company.shift(company.shift(month, by), -by) == month
    assert company.shift(date(2026, 1, 1), -1) == date(2025, 12, 1)


def test_last_day_is_the_day_before_the_next_month_also_in_a_leap_year():
    assert company.last_day(date(2028, 2, 1)) == date(2028, 2, 29)
    assert all(company.last_day(month) + timedelta(days=1) == company.shift(month, 1) for month in YEARS)


@pytest.mark.parametrize(
    ("month", "closed"),
    [
        (date(2026, 10, 1), datetime(2026, 11, 3, 20, tzinfo=UTC)),  # the 1st is a Sunday
        (date(2026, 12, 1), datetime(2027, 1, 5, 20, tzinfo=UTC)),  # New Year's Day, then a weekend
        (date(2026, 6, 1), datetime(2026, 7, 2, 20, tzinfo=UTC)),
        (date(2026, 8, 1), datetime(2026, 9, 2, 20, tzinfo=UTC)),
    ],
)
def test_the_books_close_on_the_second_business_day(month, closed):
    assert company.closed_at(month) == closed


@pytest.mark.parametrize("total", [1_000, 1_000_000, 20_000_001])
def test_given_a_total_the_months_add_up_to_it(total):
    assert sum(company.line_counts(YEARS[:7], company.SCALES[company.Size.LARGE], total)) == total


def test_volumes_change_little_from_month_to_month():
    counts = company.line_counts(YEARS, company.SCALES[company.Size.SMALL])
    changes = [after / before for before, after in itertools.pairwise(counts)]
    assert 0.9 < min(changes) < max(changes) < 1.1
    assert counts[-1] > counts[0]


def test_fewer_lines_than_days_are_refused():
    with pytest.raises(UsageError, match="too few"):
        company.line_counts(YEARS[:2], company.SCALES[company.Size.SMALL], 61)


@pytest.mark.long
def test_every_category_and_provider_has_an_entry_in_every_month_and_servers_on_every_day():
    feeds = {(cost.category, cost.provider) for cost in company.COSTS}
    for month in YEARS:
        entries = list(company.planned_expenses(month, 10_000))
        assert {(entry.category, entry.provider) for entry in entries} == feeds
        days = {entry.incurred_date for entry in entries if entry.category == "servers"}
        assert len(days) == company.last_day(month).day
        assert all(entry.incurred_date.strftime("%Y-%m") == f"{month:%Y-%m}" for entry in entries)
        assert len({entry.entry_id for entry in entries}) == len(entries)
        assert min(entry.planned_cents for entry in entries) > 0


def test_planned_expenses_leave_the_planned_profit():
    for month in YEARS:
        budget = 10_000 * company.MEAN_LINE_CENTS * company.EXPENSE_PERCENT // 100
        planned = sum(entry.planned_cents for entry in company.planned_expenses(month, 10_000))
        assert budget * 0.999 < planned <= budget
    assert sum(cost.percent for cost in company.COSTS) == 100


def test_targets_of_the_products_are_positive_and_near_the_planned_profit():
    for month in YEARS:
        total = sum(company.target_cents(month, 12_000, product) for product in company.PRODUCTS)
        planned = 12_000 * company.MEAN_LINE_CENTS * (100 - company.EXPENSE_PERCENT) // 100
        assert 0.85 < total / planned < 1.05
