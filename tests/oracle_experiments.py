"""The oracle's weeks for the experiment team: every account's days and week, added up from the recomputed units.

No activity is 0 where the account existed, that is where master data knew it on a day that has a row of it, and NULL
with a reason where it did not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from oracle import DAY, UNALLOCATED, Books, Row, Rows, places, ratio
from oracle_money import NOTHING

MOVEMENTS = ("mrr_new", "mrr_expansion", "mrr_contraction", "mrr_churn")
COUNTS = ("clicks", "page_views", "feature_uses", "sessions", "active_seconds")
# Published name -> the units' table and column it is the sum of.
OF_DAY = {
    **{name: ("profit_unit", name) for name in ("revenue", "expenses", "profit", "seats")},
    **{name: ("growth_daily", f"account_{name}") for name in MOVEMENTS},
    **{
        name: ("growth_daily", name)
        for name in ("mrr_opening", "mrr_closing", "licensed_users", "tickets_opened", "campaign_spend")
    },
    **{name: ("engagement_daily", name) for name in COUNTS},
}
AT_START, AT_END = ("mrr_opening",), ("mrr_closing", "seats", "licensed_users")
REASONS = {
    "expenses_reason": "expenses",
    "licensed_users_reason": "licensed_users",
    "tickets_reason": "tickets_opened",
    "campaigns_reason": "campaign_spend",
}
ABSENT = "account_unknown"


def experiments_weekly(books: Books, monday: date, units: Mapping[str, Rows]) -> Rows:
    """The rows of one week; ``units`` are rows by table, ``books`` hold the newest master data they were told from."""
    week, (year, number, _) = [monday + n * DAY for n in range(7)], monday.isocalendar()
    place = places(books)
    tables: dict[tuple[date, str], dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for table, rows in units.items():
        for row in rows.values():
            if row["day"] in week:
                tables[row["day"], row["account_id"]][table].append(row)
    days: dict[str, dict[date, Row]] = defaultdict(dict)
    users: dict[str, set[str]] = defaultdict(set)
    found: Rows = {}
    for (day, account), parts in sorted(tables.items()):
        active = {row["user_id"] for row in parts["user_days"] if row["events"]}
        users[account] |= active
        known = place(account, day) != (UNALLOCATED, UNALLOCATED)
        sums = {
            name: total((row[theirs] for row in parts[table]), known, name) for name, (table, theirs) in OF_DAY.items()
        }
        days[account][day] = {**sums, "unit_rows": len(parts["profit_unit"]), "known": known}
        found[f"{year}-W{number:02}", "day", day, account] = told(days[account][day], len(active), place(account, day))
    for account, own in days.items():
        known = any(day["known"] for day in own.values())
        sums = {}
        for name in OF_DAY:
            within = week[:1] if name in AT_START else week[-1:] if name in AT_END else week
            sums[name] = total((own[day][name] for day in within if day in own), known, name)
        sums["unit_rows"] = sum(row["unit_rows"] for row in own.values())
        row = told({**sums, "known": known}, len(users[account]), place(account, max(own)))
        found[f"{year}-W{number:02}", "week", monday, account] = row
    for key, row in found.items():
        row |= dict(zip(("week", "row_kind", "day", "account_id"), key, strict=True))
    return found


def total(amounts: Iterable[Any], known: bool, name: str) -> Any:
    """The sum of what is there; where nothing is, 0 of an account that existed and NULL of one that did not."""
    there = [amount for amount in amounts if amount is not None]
    money = name not in (*COUNTS, "seats", "licensed_users", "tickets_opened")
    return sum(there, NOTHING if money else 0) if there or known else None


def told(sums: Row, active: int, place: tuple[str, ...]) -> Row:
    """A row from its sums and the number of its users: the ratios divided, and why anything is not there."""
    unknown = None if sums["known"] else ABSENT
    per_seat = ratio(sums["profit"], sums["seats"], "no_subscribers", (sums["seats"] is None, ABSENT))
    opening: Decimal | None = sums["mrr_opening"]
    change = None if opening is None or sums["mrr_closing"] is None else sums["mrr_closing"] - opening
    growth = ratio(change, opening, "no_opening_mrr", (opening is None, ABSENT))
    per_user = ratio(sums["active_seconds"], active, "no_active_users")
    return {
        **dict(zip(("region", "segment"), place, strict=True)),
        **{name: sums[name] for name in (*OF_DAY, "unit_rows")},
        **{reason: unknown if sums[name] is None else None for reason, name in REASONS.items()},
        "unit_profit": per_seat[0],
        "unit_profit_reason": per_seat[1],
        "mrr_growth_rate": growth[0],
        "mrr_growth_rate_reason": growth[1],
        "active_users": active,
        "active_seconds_per_user": per_user[0],
        "active_seconds_per_user_reason": per_user[1],
        "account_reason": unknown,
    }
