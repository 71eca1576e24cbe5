"""The second half of the oracle: money, licences and what investors see of them."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from oracle import DAY, UNALLOCATED, Books, Row, Rows, exact, half_up, instant, master_data, places, ratio

CENT = Decimal("0.01")
NOTHING = Decimal("0.00")
CATEGORIES = (
    "payroll",
    "marketing",
    "insurance",
    "research_and_development",
    "services",
    "rent_and_inventory",
    "servers",
    "capital",
)
SPENT = tuple(f"expense_{category}" for category in CATEGORIES)
BOOKED = ("revenue_subscription", "revenue_one_time", "revenue")


class Licences:
    """What every licence was at the end of any day: its newest event by date, then by sequence number."""

    def __init__(self, books: Books) -> None:
        found: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in books.rows("licence_events"):
            if row["effective_date"] <= books.days[-1]:
                found[row["account_id"], row["licence_id"]].append(row)
        for rows in found.values():
            rows.sort(key=lambda row: (row["effective_date"], row["sequence_number"], row["event_id"]))
        self._licences = found
        self._dates = {key: [row["effective_date"] for row in rows] for key, rows in found.items()}

    def held(self, day: date) -> list[Row]:
        """The state of every licence that somebody holds at the end of a day."""
        states = []
        for key, dates in self._dates.items():
            number = bisect_right(dates, day)
            if number and self._licences[key][number - 1]["event"] != "cancel":
                states.append(self._licences[key][number - 1])
        return states

    def events(self, day: date) -> list[Row]:
        return [row for rows in self._licences.values() for row in rows if row["effective_date"] == day]


# -- profit ------------------------------------------------------------------------------------------------------------


def shared_out(cents: int, weights: Mapping[tuple[str, str], int]) -> dict[tuple[str, str], int]:
    """An amount shared out by weight to the cent: whole cents first, the rest to the largest fractions."""
    total = sum(weights.values())
    if not total:
        return {(UNALLOCATED, UNALLOCATED): cents}
    shares = {unit: divmod(abs(cents) * weight, total) for unit, weight in weights.items()}
    left = abs(cents) - sum(whole for whole, _ in shares.values())
    first = sorted(shares, key=lambda unit: (-shares[unit][1], unit))[:left]
    sign = -1 if cents < 0 else 1
    return {unit: sign * (whole + (unit in first)) for unit, (whole, _) in shares.items()}


def profit_unit(books: Books, rules: list[Mapping[str, Any]]) -> Rows:
    """Revenue, expenses and profit per account, product and day, with the month so far."""
    licences, place = Licences(books), places(books)
    lines: dict[tuple[date, str, str], list[Row]] = defaultdict(list)
    for row in books.rows("revenue"):
        if row["booked_date"] in books.days:
            lines[row["booked_date"], row["account_id"], row["product"]].append(row)
    entries: dict[date, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for row in books.rows("expenses"):
        if row["incurred_date"] in books.days:
            entries[row["incurred_date"]][row["category"]] += Decimal(row["amount"])
    targets: dict[str, Decimal] = {}
    for row in books.rows("targets"):
        if row["month"] == f"{books.month:%Y-%m}":
            targets[row["product"]] = max(row["target_profit"], targets.get(row["product"], row["target_profit"]))
    so_far: dict[tuple[str, str], dict[str, Decimal]] = {}
    found: Rows = {}
    nowhere, took = (UNALLOCATED, UNALLOCATED), False
    for day in books.days:
        rule = max(
            (one for one in rules if str(one["effective_from"]) <= f"{day}"), key=lambda one: one["effective_from"]
        )
        seats: dict[tuple[str, str], int] = defaultdict(int)
        for state in licences.held(day):
            if state["licence_type"] != "trial":
                seats[state["account_id"], state["product"]] += state["seats_after"]
        booked = {unit: rows for (on, *unit_), rows in lines.items() if on == day for unit in [tuple(unit_)]}
        for unit in [*booked, *(unit for unit, number in seats.items() if number)]:
            so_far.setdefault(unit, dict.fromkeys(("mtd_revenue", "mtd_expenses"), NOTHING))
        today: dict[tuple[str, str], Row] = {}
        for unit in so_far:
            mine = booked.get(unit, [])
            by_kind = {
                kind: sum((r["amount"] for r in mine if r["kind"] == kind), NOTHING)
                for kind in ("subscription", "one_time")
            }
            today[unit] = {
                "seats": seats.get(unit, 0),
                "revenue_subscription": by_kind["subscription"],
                "revenue_one_time": by_kind["one_time"],
                "revenue": sum((row["amount"] for row in mine), NOTHING),
                "revenue_lines": len(mine),
                **dict.fromkeys((*SPENT, "expenses"), NOTHING),
            }
        none = {"seats": 0, "revenue_lines": 0, **dict.fromkeys((*BOOKED, *SPENT, "expenses"), NOTHING)}
        units = [unit for unit in today if unit != nowhere]
        for category, amount in entries[day].items():
            weights = {
                "seats": {unit: max(today[unit]["seats"], 0) for unit in units},
                "revenue": {unit: max(int(today[unit]["revenue"] * 100), 0) for unit in units},
                "equal": {unit: int(today[unit]["seats"] > 0 or today[unit]["revenue_lines"] > 0) for unit in units},
            }[rule["drivers"][category]]
            for unit, cents in shared_out(int(amount * 100), weights).items():
                row = today.setdefault(unit, dict(none))
                row[f"expense_{category}"] += cents * CENT
                row["expenses"] += cents * CENT
        if nowhere in today or took:
            took = True
            today.setdefault(nowhere, dict(none))
            so_far.setdefault(nowhere, dict.fromkeys(("mtd_revenue", "mtd_expenses"), NOTHING))
        by_product: dict[str, Decimal] = defaultdict(Decimal)
        for unit, row in today.items():
            so_far[unit]["mtd_revenue"] += row["revenue"]
            so_far[unit]["mtd_expenses"] += row["expenses"]
            by_product[unit[1]] += so_far[unit]["mtd_revenue"] - so_far[unit]["mtd_expenses"]
        for (account, product), row in today.items():
            mtd = so_far[account, product]
            profit, target = mtd["mtd_revenue"] - mtd["mtd_expenses"], targets.get(product)
            region, segment = place(account, day)
            per_seat = ratio(profit, row["seats"], "no_subscribers")
            margin = ratio(profit, mtd["mtd_revenue"], "no_revenue", below_zero(mtd["mtd_revenue"], "revenue"))
            attained = ratio(by_product[product], target, "no_target", below_zero(target, "target"))
            found[day, account, product] = {
                "day": day,
                "account_id": account,
                "product": product,
                "region": region,
                "segment": segment,
                **row,
                "profit": row["revenue"] - row["expenses"],
                **mtd,
                "mtd_profit": profit,
                "mtd_unit_profit": per_seat[0],
                "mtd_unit_profit_reason": per_seat[1],
                "mtd_margin": margin[0],
                "mtd_margin_reason": margin[1],
                "product_mtd_profit": by_product[product],
                "product_target_profit": target,
                "product_target_attainment": attained[0],
                "product_target_attainment_reason": attained[1],
                "rule_version": rule["version"],
            }
    return found


def below_zero(denominator: Decimal | None, what: str) -> tuple[bool, str]:
    """Whether a denominator is negative, and what that is called."""
    return denominator is not None and denominator < 0, f"negative_{what}"


def previous_reason(was: Row | None, name: str) -> str | None:
    """Why a ratio of the month before is not there."""
    if was is None:
        return "no_previous"
    return f"previous_{was[f'{name}_reason']}" if was[name] is None else None


def levels(product: str, region: str, segment: str) -> list[tuple[str, str, str, str]]:
    """The three rows an amount of a cell stands in."""
    return [("cell", product, region, segment), ("product", product, "total", "total"), ("total",) + ("total",) * 3]


def investor_profit(books: Books, units: Rows, previous: Rows | None) -> Rows:
    """Profit per cell, product and company, against the month before."""
    month = f"{books.month:%Y-%m}"
    amounts = (*BOOKED, *SPENT, "expenses", "profit")
    sums: dict[tuple[str, ...], Row] = {}
    for unit in units.values():
        for key in levels(unit["product"], unit["region"], unit["segment"]):
            row = sums.setdefault(key, {**dict.fromkeys(amounts, NOTHING), "seats": 0, "unit_rows": 0})
            for name in amounts:
                row[name] += unit[name]
            row["unit_rows"] += 1
            row["seats"] += unit["seats"] if unit["day"] == books.days[-1] else 0
    targets: dict[str, Decimal] = {}
    for row in books.rows("targets"):
        if row["month"] == month:
            targets[row["product"]] = max(row["target_profit"], targets.get(row["product"], row["target_profit"]))
    found: Rows = {}
    for key, row in sums.items():
        kind, product = key[:2]
        target = {"cell": None, "product": targets.get(product), "total": sum(targets.values(), NOTHING) or None}[kind]
        was = (previous or {}).get((f"{books.before:%Y-%m}", *key))
        change = row["profit"] - was["profit"] if was else None
        ratios = {
            "unit_profit": ratio(row["profit"], row["seats"], "no_subscribers"),
            "margin": ratio(row["profit"], row["revenue"], "no_revenue", below_zero(row["revenue"], "revenue")),
            "target_attainment": ratio(row["profit"], target, "no_target", below_zero(target, "target")),
            "profit_change_ratio": ratio(
                change, was and was["profit"], "previous_not_positive", (was is None, "no_previous")
            ),
        }
        found[month, *key] = {
            "month": month,
            **dict(zip(("row_kind", "product", "region", "segment"), key, strict=True)),
            **row,
            **{name: value for name, (value, _) in ratios.items()},
            **{f"{name}_reason": why for name, (_, why) in ratios.items()},
            "target_profit": target,
            "previous_period": was and was["month"],
            "previous_profit": was and was["profit"],
            "profit_change": change,
            "previous_margin": was and was["margin"],
            "previous_margin_reason": previous_reason(was, "margin"),
        }
    return found


# -- growth ------------------------------------------------------------------------------------------------------------

COUNTED = {
    "events_new": "new",
    "events_upgraded": "upgrade",
    "events_downgraded": "downgrade",
    "events_seats_changed": "seats_changed",
    "events_cancelled": "cancel",
    "events_renewed": "renew",
}
SEVERITIES = ("low", "medium", "high", "urgent")
OF_ACCOUNT = {
    "licensed_users": ("licensed_users",),
    "active_users": ("active_users",),
    "tickets": (
        "tickets_opened",
        *(f"tickets_{severity}" for severity in SEVERITIES),
        "tickets_resolved",
        "resolution_hours",
    ),
    "campaigns": ("campaign_spend", "touches_event", "touches_channel"),
}
# What is there once anything is known of it, for each source.
MARKS = {
    "licensed_users": ("licensed_users",),
    "active_users": ("active_users",),
    "tickets": ("tickets_opened", "tickets_resolved"),
    "campaigns": ("campaign_spend",),
}
AMOUNTS = {"resolution_hours": NOTHING, "campaign_spend": NOTHING}
BRIDGED = {"mrr": NOTHING, "seats": 0}


def holdings(states: list[Row], day: date) -> dict[tuple[str, str], Row]:
    """What an account holds of a product at the end of a day."""
    found: dict[tuple[str, str], Row] = {}
    for state in states:
        row = found.setdefault(
            (state["account_id"], state["product"]), {"by_type": defaultdict(int), "mrr": NOTHING, "seats": 0, "due": 0}
        )
        row["by_type"][state["licence_type"]] += state["seats_after"]
        if state["licence_type"] == "trial":
            continue
        row["mrr"] += state["mrr_after"]
        row["seats"] += state["seats_after"]
        if state["renewal_date"] is None or row["due"] is None:
            row["due"] = None
        elif state["renewal_date"].year == day.year + 1:
            row["due"] += 1
    return found


def facts(books: Books) -> dict[tuple[date, str], Row]:
    """What is known of an account on a day and of none of its products."""
    found: dict[tuple[date, str], Row] = defaultdict(lambda: defaultdict(int))
    users: dict[tuple[date, str, str], set[str]] = defaultdict(set)
    for source, day, name in (("directory_users", "day", "licensed_users"), ("clicks", "event_date", "active_users")):
        for row in books.rows(source):
            if row[day] in books.days:
                users[row[day], row["account_id"], name].add(row["user_id"])
    for (on, account, name), who in users.items():
        found[on, account][name] = len(who)
    for row in books.rows("support_tickets"):
        if row["opened_date"] > books.days[-1]:
            continue
        if row["opened_date"] in books.days:
            opened = found[row["opened_date"], row["account_id"]]
            opened["tickets_opened"] += 1
            opened[f"tickets_{row['severity']}"] += 1
        if row["resolved_at"] is not None and instant(row["resolved_at"]).date() in books.days:
            resolved = found[instant(row["resolved_at"]).date(), row["account_id"]]
            resolved["tickets_resolved"] += 1
            whole = [instant(row[name]).replace(microsecond=0) for name in ("resolved_at", "opened_at")]
            resolved["seconds"] += int((whole[0] - whole[1]).total_seconds())
    for row in books.rows("campaigns"):
        if row["day"] in books.days:
            touched = found[row["day"], row["account_id"]]
            touched["campaign_spend"] += row["spend"]
            touched[f"touches_{row['kind']}"] += 1
    for one in found.values():
        if "seconds" in one:
            one["resolution_hours"] = half_up(exact(one.pop("seconds"), 3600))
        if "campaign_spend" in one:
            one["campaign_spend"] += NOTHING
    return found


def moved(opening: Any, closing: Any, nothing: Any) -> Row:
    """The movement between the start and the end of a day, by its name."""
    row = dict.fromkeys(("new", "expansion", "contraction", "churn"), nothing)
    if opening == 0 or closing == 0:
        row["new" if closing else "churn"] = closing or opening
    else:
        row["expansion" if closing > opening else "contraction"] = abs(closing - opening)
    return row


def growth_daily(books: Books) -> Rows:
    """Licences, recurring revenue and its movements, revenue to date and what is known of accounts."""
    licences, known = Licences(books), facts(books)
    place, status = places(books), master_data(books, "region", "segment", "status")
    booked: dict[tuple[date, str, str], list[Decimal]] = defaultdict(list)
    for row in books.rows("revenue"):
        if books.month.replace(month=1, day=1) <= row["booked_date"] <= books.days[-1]:
            booked[row["booked_date"], row["account_id"], row["product"]].append(row["amount"])
    to_date: dict[tuple[str, str], Decimal] = defaultdict(lambda: NOTHING)
    for (on, account, product), amounts in booked.items():
        if on < books.month:
            to_date[account, product] += sum(amounts, NOTHING)
    before = holdings(licences.held(books.month - DAY), books.month - DAY)
    found: Rows = {}
    for day in books.days:
        now, events = holdings(licences.held(day), day), licences.events(day)
        for (on, account, product), amounts in booked.items():
            if on == day:
                to_date[account, product] += sum(amounts, NOTHING)
        units = {*now, *to_date, *((row["account_id"], row["product"]) for row in events)}
        units |= {unit for unit, held in before.items() if held["mrr"] or held["seats"]}
        units |= {(account, UNALLOCATED) for on, account in known if on == day}
        totals: dict[tuple[str, str, str], Any] = defaultdict(int)
        for end, held in (("opening", before), ("closing", now)):
            for (account, _), row in held.items():
                for name in BRIDGED:
                    totals[account, name, end] += row[name]
        for account, product in units:
            unit = (account, product)
            (region, segment), (region_before, segment_before) = place(account, day), place(account, day - DAY)
            today, mine = now.get(unit), [row["event"] for row in events if (row["account_id"], row["product"]) == unit]
            row: Row = {
                "day": day,
                "account_id": account,
                "product": product,
                "region": region,
                "segment": segment,
                "region_before": region_before,
                "segment_before": segment_before,
                "account_status": status(account, day)[2],
                "licences": sum(today["by_type"].values()) if today else 0,
                "licences_by_type": [
                    {"licence_type": name, "licences": number}
                    for name, number in sorted(today["by_type"].items() if today else ())
                ],
                **{name: mine.count(event) for name, event in COUNTED.items()},
                "renewals_due_next_year": today["due"] if today else 0,
                "revenue": sum(booked.get((day, *unit), ()), NOTHING),
                "revenue_lines": len(booked.get((day, *unit), ())),
                "revenue_to_date": to_date.get(unit, NOTHING),
            }
            for name, nothing in BRIDGED.items():
                opening, closing = (held.get(unit, {}).get(name, nothing) for held in (before, now))
                transferred = opening if (region, segment) != (region_before, segment_before) else nothing
                movement = moved(opening, closing, nothing)
                as_customer = dict(movement)
                if totals[account, name, "opening"] and movement["new"]:
                    as_customer |= {"new": nothing, "expansion": movement["new"]}
                if totals[account, name, "closing"] and movement["churn"]:
                    as_customer |= {"churn": nothing, "contraction": movement["churn"]}
                row |= {
                    f"{name}_opening": opening,
                    **{f"{name}_{part}": amount for part, amount in movement.items()},
                    f"{name}_transferred_in": transferred,
                    f"{name}_transferred_out": transferred,
                    f"{name}_closing": closing,
                    **{f"account_{name}_{part}": amount for part, amount in as_customer.items()},
                }
            own = known.get((day, account), {})
            for source, names in OF_ACCOUNT.items():
                why = "of_product" if product != UNALLOCATED else None
                if why is None and region == UNALLOCATED and not any(name in own for name in MARKS[source]):
                    why = "account_unknown"
                row |= {name: None if why else own.get(name, AMOUNTS.get(name, 0)) for name in names}
                row[f"{source}_reason"] = why
            mean = ratio(
                row["resolution_hours"],
                row["tickets_resolved"],
                "none_resolved",
                (row["tickets_reason"] is not None, row["tickets_reason"]),
            )
            row |= {"mean_resolution_hours": mean[0], "mean_resolution_hours_reason": mean[1]}
            found[day, account, product] = row
        before = now
    return found


MOVEMENTS = ("opening", "new", "expansion", "contraction", "churn", "transferred_in", "transferred_out", "closing")
COHORT = ("retained", "kept", "lost")


def cohorts(units: Rows, first: date, last: date) -> list[tuple[tuple[str, str, str], Row, Row]]:
    """Of everybody with recurring revenue before the first day: where, and what is retained, kept and lost of it.

    Once of the account in its product, and once of the account with all its products.
    """
    held: dict[tuple[str, str], Row] = {}
    for (day, account, product), row in units.items():
        if product == UNALLOCATED:
            continue
        one = held.setdefault((account, product), {"opening": NOTHING, "closing": NOTHING, "place": None, "now": None})
        if day == first and row["mrr_opening"]:
            one |= {"opening": row["mrr_opening"], "place": (row["region_before"], row["segment_before"])}
        if day == last:
            one |= {"closing": row["mrr_closing"], "now": (row["region"], row["segment"])}
    customers: dict[str, list[Decimal]] = defaultdict(lambda: [NOTHING, NOTHING])
    for (account, _), one in held.items():
        customers[account][0] += one["opening"]
        customers[account][1] += one["closing"]
    found = []
    for (account, product), one in held.items():
        opening, closing = one["opening"], one["closing"]
        if not opening and not closing:
            continue
        had, has = customers[account]
        of_product = {
            "retained": closing if opening else NOTHING,
            "kept": min(opening, closing) if opening else NOTHING,
            "lost": NOTHING if closing else opening,
        }
        of_customer = {
            "retained": closing if had else NOTHING,
            "kept": (closing if has < had else opening) if had else NOTHING,
            "lost": NOTHING if has else opening,
        }
        found.append(((product, *(one["place"] or one["now"])), of_product, of_customer))
    return found


def investor_growth(books: Books, units: Rows, previous: Rows | None) -> Rows:
    """The movements of recurring revenue and licences per cell, product and company, and what its cohort retains."""
    month, first, last = f"{books.month:%Y-%m}", books.days[0], books.days[-1]
    zeros = {f"mrr_{name}": NOTHING for name in (*MOVEMENTS, *COHORT)} | {f"licences_{name}": 0 for name in MOVEMENTS}
    sums: dict[tuple[str, ...], Row] = {}

    def at(product: str, place: tuple[str, str]) -> list[tuple[bool, Row]]:
        keys = levels(product, *place)
        return [(key[0] == "total", sums.setdefault(key, {**zeros, "unit_rows": 0})) for key in keys]

    for (day, _, product), unit in units.items():
        if product == UNALLOCATED:
            continue
        here, there = (unit["region"], unit["segment"]), (unit["region_before"], unit["segment_before"])
        for whole, row in at(product, here):
            row["unit_rows"] += 1
            for name, ours in (("mrr", "mrr"), ("licences", "seats")):
                for part in ("new", "expansion", "contraction", "churn"):
                    row[f"{name}_{part}"] += unit[f"account_{ours}_{part}" if whole else f"{ours}_{part}"]
                row[f"{name}_transferred_in"] += unit[f"{ours}_transferred_in"]
                row[f"{name}_closing"] += unit[f"{ours}_closing"] if day == last else 0
        left = {
            f"{name}_{part}": unit[f"{ours}_{part}"]
            for name, ours in (("mrr", "mrr"), ("licences", "seats"))
            for part in (("opening", "transferred_out") if day == first else ("transferred_out",))
        }
        for _, row in at(product, there) if any(left.values()) else ():
            for name, amount in left.items():
                row[name] += amount
    for cell, of_product, of_customer in cohorts(units, first, last):
        for whole, row in at(cell[0], cell[1:]):
            for name, amount in (of_customer if whole else of_product).items():
                row[f"mrr_{name}"] += amount
    found: Rows = {}
    for key, row in sums.items():
        was = (previous or {}).get((f"{books.before:%Y-%m}", *key))
        change, opening = (row["mrr_closing"] - was["mrr_closing"] if was else None), row["mrr_opening"]
        ratios = {
            "mrr_growth_rate": ratio(row["mrr_closing"] - opening, opening, "no_opening_mrr"),
            "cohort_churn_rate": ratio(row["mrr_lost"], opening, "no_opening_mrr"),
            "net_revenue_retention": ratio(row["mrr_retained"], opening, "no_opening_mrr"),
            "gross_revenue_retention": ratio(row["mrr_kept"], opening, "no_opening_mrr"),
            "mrr_change_ratio": ratio(
                change, was and was["mrr_closing"], "previous_not_positive", (was is None, "no_previous")
            ),
            # No company here has twelve finals.
            **dict.fromkeys(
                ("ttm_cohort_churn_rate", "ttm_net_revenue_retention", "ttm_gross_revenue_retention"),
                (None, "fewer_than_twelve_finals"),
            ),
        }
        found[month, *key] = {
            "month": month,
            **dict(zip(("row_kind", "product", "region", "segment"), key, strict=True)),
            **row,
            **dict.fromkeys(("ttm_mrr_opening", *(f"ttm_mrr_{name}" for name in COHORT))),
            **{name: value for name, (value, _) in ratios.items()},
            **{f"{name}_reason": why for name, (_, why) in ratios.items()},
            "previous_period": was and was["month"],
            "previous_mrr": was and was["mrr_closing"],
            "mrr_change": change,
        }
    return found
