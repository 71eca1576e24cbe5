"""What the demo company is: its sets of values, sizes, calendar and cost plan, all plain values."""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from dq.base.errors import UsageError

PRODUCTS = ("analytics", "cloud", "collaboration", "security")
REGIONS = ("africa_middle_east", "asia_pacific", "europe_north", "europe_south", "latin_america", "north_america")
SEGMENTS = ("small", "medium", "large", "enterprise")
LICENCE_TYPES = ("trial", "standard", "professional")
DEPARTMENTS = ("engineering", "finance", "marketing", "operations", "sales")
FEATURES = ("alerts", "dashboards", "exports", "imports", "integrations", "reports", "search", "sharing")
# Channels of campaigns: those used every day, and events by their weekday, counted from Monday as 0.
CHANNELS = ("email", "search", "social")
EVENTS = {"webinar": 1, "trade_fair": 3}
REVENUE_LINES = ("revenue_subscription", "revenue_one_time")

# Expected amount of a revenue line in cents: subscriptions around 200 dollars, 12 % one-time around 400, few refunds.
MEAN_LINE_CENTS = 22_000
# Expenses are planned as this share of expected revenue, so that every product earns a profit in a clean month.
EXPENSE_PERCENT = 75
HISTORY_MONTHS = 12


class Size(StrEnum):
    """How large the demo company is."""

    SMALL = "small"
    LARGE = "large"


@dataclass(frozen=True, kw_only=True)
class Scale:
    """The volumes of one size: accounts, revenue lines per month or over all months, clicks per hundred lines."""

    accounts: int
    clicks_per_hundred_lines: int
    lines_per_month: int | None = None
    lines: int | None = None


SCALES = {
    Size.SMALL: Scale(accounts=300, clicks_per_hundred_lines=250, lines_per_month=12_000),
    Size.LARGE: Scale(accounts=10_000, clicks_per_hundred_lines=100, lines=20_000_000),
}


@dataclass(frozen=True, kw_only=True)
class Cost:
    """One regular expense: its feed, how it is entered, when it falls due, and its share of all expenses in percent.

    ``days`` are days of the month; empty means every day, 0 the last day of the month.
    """

    category: str
    provider: str
    method: str
    percent: int
    days: tuple[int, ...] = ()
    entries: int = 1

    def due(self, month: date) -> Iterator[date]:
        """The days of the month on which the expense is incurred."""
        last = calendar.monthrange(month.year, month.month)[1]
        for day in self.days or range(1, last + 1):
            yield month.replace(day=day or last)


_WEEKLY = (3, 10, 17, 24)
COSTS = (
    Cost(category="payroll", provider="payroll_office", method="manual", percent=48, days=(15, 0), entries=5),
    Cost(category="marketing", provider="adnet", method="api", percent=7),
    Cost(category="marketing", provider="searchads", method="api", percent=5),
    Cost(category="marketing", provider="trade_fairs", method="manual", percent=3, days=_WEEKLY),
    Cost(category="insurance", provider="mutual", method="manual", percent=2, days=(1,)),
    Cost(category="research_and_development", provider="laboratory", method="manual", percent=8, days=_WEEKLY),
    Cost(category="services", provider="counsel", method="manual", percent=2, days=_WEEKLY),
    Cost(category="services", provider="contractors", method="api", percent=5, days=_WEEKLY),
    Cost(category="rent_and_inventory", provider="landlord", method="manual", percent=4, days=(1,)),
    Cost(category="rent_and_inventory", provider="warehouse", method="manual", percent=1, days=(10,)),
    Cost(category="servers", provider="compute", method="api", percent=9),
    Cost(category="servers", provider="delivery_network", method="api", percent=3),
    Cost(category="capital", provider="hardware", method="manual", percent=3, days=(20,)),
)
CATEGORIES = tuple(dict.fromkeys(cost.category for cost in COSTS))
LEDGER_LINES = REVENUE_LINES + CATEGORIES


def month_of(text: str) -> date:
    """The first day of a month id such as ``2026-10``."""
    try:
        return datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC).date()
    except ValueError:
        raise UsageError(f"{text!r} is not a month", expected="a month id such as 2026-10") from None


def shift(month: date, by: int) -> date:
    """The first day of the month ``by`` months later."""
    index = month.year * 12 + month.month - 1 + by
    return date(index // 12, index % 12 + 1, 1)


def last_day(month: date) -> date:
    """The last day of the month."""
    return shift(month, 1) - timedelta(days=1)


def months_between(first: str, last: str) -> tuple[date, ...]:
    """The first days of all months from ``first`` to ``last``, both included."""
    start, end = month_of(first), month_of(last)
    if end < start:
        raise UsageError(f"the last month {last} is before the first month {first}", do="swap them")
    count = (end.year - start.year) * 12 + end.month - start.month + 1
    return tuple(shift(start, n) for n in range(count))


def line_counts(months: Sequence[date], scale: Scale, lines: int | None = None) -> tuple[int, ...]:
    """Revenue lines per month: about 1 % growth a month and a mild season; given a total, they add up to it.

    The season stays within 4 %, so that a month compared with its predecessors looks like a healthy company's.
    """
    season = (0, -1, 1, 2, 1, 0, -2, -3, 0, 2, 4, 3)
    weights = [1000 + 10 * n + 10 * season[month.month - 1] for n, month in enumerate(months)]
    total = lines if lines is not None else scale.lines
    if total is None:
        per_month = scale.lines_per_month or 0
        return tuple(per_month * weight // 1000 for weight in weights)
    if total < 31 * len(months):
        raise UsageError(f"{total} revenue lines are too few", expected="at least one line a day")
    counts = [total * weight // sum(weights) for weight in weights]
    counts[-1] += total - sum(counts)
    return tuple(counts)


def closed_at(month: date) -> datetime:
    """The instant Finance closes the month's books: 20:00 UTC on the second business day of the following month."""
    import holidays

    free = holidays.country_holidays("US", years=(month.year, month.year + 1))
    day, business_days = last_day(month), 0
    while business_days < 2:
        day += timedelta(days=1)
        business_days += day.weekday() < 5 and day not in free
    return datetime.combine(day, time(20), tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class PlannedExpense:
    """One expense entry before its amount varies: when, what for, from whom, and its planned amount in cents."""

    entry_id: str
    category: str
    provider: str
    entry_method: str
    incurred_date: date
    planned_cents: int


def planned_expenses(month: date, lines: int) -> Iterator[PlannedExpense]:
    """The expense entries of a month in which ``lines`` revenue lines are expected."""
    budget = lines * MEAN_LINE_CENTS * EXPENSE_PERCENT // 100
    number = 0
    for cost in COSTS:
        days = list(cost.due(month))
        cents = budget * cost.percent // 100 // (len(days) * cost.entries)
        for day in days:
            for _ in range(cost.entries):
                number += 1
                yield PlannedExpense(
                    entry_id=f"E{month:%Y%m}{number:05d}",
                    category=cost.category,
                    provider=cost.provider,
                    entry_method=cost.method,
                    incurred_date=day,
                    planned_cents=cents,
                )


def target_cents(month: date, lines: int, product: str) -> int:
    """The month's profit target of a product in cents: its even share of the planned profit, in whole hundreds."""
    profit = lines * MEAN_LINE_CENTS * (100 - EXPENSE_PERCENT) // 100
    stretch = 92 + (month.month + 3 * PRODUCTS.index(product)) % 12
    return profit * stretch // 100 // len(PRODUCTS) // 10_000 * 10_000
