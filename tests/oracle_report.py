"""The oracle's page for executives: every metric of a fortnight from the recomputed units and investors' tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from oracle import DAY, Row, Rows, exact, ratio
from oracle_money import NOTHING

Figure = tuple[str, str, str, Any, str | None]
FOUR = ("new", "expansion", "contraction", "churn")


def executive_report(
    first: date,
    units: Mapping[str, Rows],
    company: Mapping[str, Row],
    previous: Rows | None,
    currency: str,
) -> Rows:
    """The fortnight's metrics; ``units`` are rows by table, ``company`` the investors' total rows of its month."""
    last = first + 13 * DAY
    within = {name: [row for row in rows.values() if first <= row["day"] <= last] for name, rows in units.items()}
    profit, growth, users = (within[name] for name in ("profit_unit", "growth_daily", "user_days"))
    revenue, expenses = (sum((row[name] for row in profit), NOTHING) for name in ("revenue", "expenses"))
    seats = sum(row["seats"] for row in profit if row["day"] == last)
    had: dict[str, Decimal] = defaultdict(lambda: NOTHING)
    has: dict[str, Decimal] = defaultdict(lambda: NOTHING)
    for row in growth:
        had[row["account_id"]] += row["mrr_opening"] if row["day"] == first else 0
        has[row["account_id"]] += row["mrr_closing"] if row["day"] == last else 0
    opening, closing = sum(had.values(), NOTHING), sum(has.values(), NOTHING)
    cohort = {
        "cohort_churn_rate": sum((amount for who, amount in had.items() if not has[who]), NOTHING),
        "gross_revenue_retention": sum((min(amount, has[who]) for who, amount in had.items()), NOTHING),
        "net_revenue_retention": sum((has[who] for who, amount in had.items() if amount), NOTHING),
    }
    movement = {part: sum((row[f"account_mrr_{part}"] for row in growth), NOTHING) for part in FOUR}
    seconds, sessions = (sum(row[name] for row in users) for name in ("active_seconds", "sessions"))
    whole = company["investor_profit"], company["investor_growth"], company["investor_engagement"]
    figures: list[Figure] = [
        ("profit", "revenue", currency, revenue, None),
        ("profit", "expenses", currency, expenses, None),
        ("profit", "profit", currency, revenue - expenses, None),
        (
            "profit",
            "margin",
            "ratio",
            *ratio(revenue - expenses, revenue, "no_revenue", (revenue < 0, "negative_revenue")),
        ),
        ("profit", "seats", "seats", seats, None),
        ("profit", "unit_profit", currency, *ratio(revenue - expenses, seats, "no_subscribers")),
        ("growth", "mrr_opening", currency, opening, None),
        ("growth", "mrr_new", currency, movement["new"], None),
        ("growth", "mrr_expansion", currency, movement["expansion"], None),
        ("growth", "mrr_contraction", currency, movement["contraction"], None),
        ("growth", "mrr_churn", currency, movement["churn"], None),
        ("growth", "mrr_closing", currency, closing, None),
        ("growth", "mrr_growth_rate", "ratio", *ratio(closing - opening, opening, "no_opening_mrr")),
        *(("growth", name, "ratio", *ratio(amount, opening, "no_opening_mrr")) for name, amount in cohort.items()),
        ("engagement", "active_users", "users", len({row["user_id"] for row in users}), None),
        ("engagement", "average_daily_users", "users", exact(len(users), 14), None),
        ("engagement", "sessions", "sessions", sessions, None),
        (
            "engagement",
            "active_minutes_per_user_day",
            "minutes",
            *ratio(Decimal(seconds) / 60, len(users), "no_active_users"),
        ),
        ("investors", "month_revenue", currency, whole[0]["revenue"], None),
        ("investors", "month_profit", currency, whole[0]["profit"], None),
        ("investors", "month_margin", "ratio", whole[0]["margin"], whole[0]["margin_reason"]),
        (
            "investors",
            "month_previous_margin",
            "ratio",
            whole[0]["previous_margin"],
            whole[0]["previous_margin_reason"],
        ),
        ("investors", "month_mrr_closing", currency, whole[1]["mrr_closing"], None),
        ("investors", "month_mau", "users", whole[2]["mau"], None),
        *(
            ("investors", f"month_{name}", "ratio", whole[1][name], whole[1][f"{name}_reason"])
            for name in ("ttm_net_revenue_retention", "ttm_gross_revenue_retention", "ttm_cohort_churn_rate")
        ),
    ]
    found: Rows = {}
    for number, (section, metric, unit, value, why) in enumerate(figures, 1):
        before = (previous or {}).get((f"{first - 14 * DAY}", metric))
        was = before["value"] if before else None
        change = None if value is None or was is None else value - was
        absences = [(value is None, why or ""), (before is None, "no_previous")]
        absences.append((was is None, f"previous_{before['value_reason'] if before else ''}"))
        relative = ratio(change, was, "previous_not_positive", *absences)
        found[f"{first}", metric] = {
            "fortnight": f"{first}",
            "line": number,
            "section": section,
            "metric": metric,
            "unit": unit,
            "basis": "month" if section == "investors" else "fortnight",
            "value": value,
            "value_reason": why,
            "previous_period": before and before["fortnight"],
            "previous_value": was,
            "change": change,
            "change_ratio": relative[0],
            "change_ratio_reason": relative[1],
        }
    return found
