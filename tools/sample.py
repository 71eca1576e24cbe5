"""Another company's tables, made by seed: what ``jobs/ravenstack.yml`` reads where the real files are not there.

    python tools/sample.py FOLDER [SEED]

Four CSV files in the outside company's format, over 2023 and 2024, with what real data has wrong: countries in other
words, accounts that signed up after their first ticket and use, and in June 2024 two uses under one id.
"""

from __future__ import annotations

import csv
import random
import sys
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path

FIRST, LAST = date(2023, 1, 1), date(2024, 12, 31)
DAYS = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]
ACCOUNTS = 200
LAST_SIGNUP = date(2024, 9, 30)
PRICES = {"Basic": 19, "Pro": 49, "Enterprise": 199}
Row = Sequence[object]


def main(argv: Sequence[str]) -> int:
    """Write the tables and say where they are."""
    folder, seed = Path(argv[0]), int(argv[1]) if len(argv) > 1 else 1
    make(folder, seed)
    print(f"four tables of another company, made by seed {seed}: {folder}")
    return 0


def make(folder: Path, seed: int) -> None:
    """Write the tables; the same seed makes the same bytes."""
    chance = random.Random(seed)  # noqa: S311 - a sample, not a secret
    folder.mkdir(parents=True, exist_ok=True)
    signups = accounts(chance)
    rented = [*subscriptions(chance, signups)]
    write(
        folder / "ravenstack_accounts.csv",
        "account_id,account_name,industry,country,signup_date,referral_source,plan_tier,seats,is_trial,churn_flag",
        signups,
    )
    write(
        folder / "ravenstack_subscriptions.csv",
        "subscription_id,account_id,start_date,end_date,plan_tier,seats,mrr_amount,arr_amount,is_trial,upgrade_flag,"
        "downgrade_flag,churn_flag,billing_frequency,auto_renew_flag",
        rented,
    )
    write(
        folder / "ravenstack_feature_usage.csv",
        "usage_id,subscription_id,usage_date,feature_name,usage_count,usage_duration_secs,error_count,is_beta_feature",
        uses(chance, rented),
    )
    write(
        folder / "ravenstack_support_tickets.csv",
        "ticket_id,account_id,submitted_at,closed_at,resolution_time_hours,priority,first_response_time_minutes,"
        "satisfaction_score,escalation_flag",
        tickets(chance, signups),
    )


def accounts(chance: random.Random) -> list[Row]:
    """Accounts in the order they signed up; five are there from the first day."""
    span = (LAST_SIGNUP - FIRST).days
    days = sorted([FIRST] * 5 + [FIRST + timedelta(days=chance.randint(1, span)) for _ in range(ACCOUNTS - 5)])
    return [
        (
            f"A-{number:04}",
            f"Company_{number}",
            chance.choice(("DevTools", "FinTech", "Cybersecurity", "HealthTech", "EdTech")),
            chance.choice(("US", "US", "UK", "IN", "AU", "DE", "CA", "FR")),
            day,
            chance.choice(("organic", "ads", "event", "partner", "other")),
            chance.choice([*PRICES]),
            chance.randint(1, 90),
            flag(chance.random() < 0.2),
            flag(chance.random() < 0.2),
        )
        for number, day in enumerate(days)
    ]


def subscriptions(chance: random.Random, signups: Sequence[Row]) -> Iterable[Row]:
    """Three a day, each of an account that is there by then; one in ten has ended."""
    for number, day in enumerate(day for day in DAYS for _ in range(3)):
        here = sum(1 for one in signups if one[4] <= day)  # type: ignore[operator]
        plan, seats, trial = chance.choice([*PRICES]), chance.randint(1, 60), chance.random() < 0.15
        monthly = 0 if trial else PRICES[plan] * seats
        ended = chance.random() < 0.1
        end = min(day + timedelta(days=chance.randint(30, 300)), LAST) if ended else ""
        account = signups[chance.randrange(here)][0]
        yield (
            *(f"S-{number:05}", account, day, end, plan, seats, monthly, monthly * 12, flag(trial)),
            *(flag(chance.random() < 0.1), flag(chance.random() < 0.05), flag(ended)),
            *(chance.choice(("monthly", "annual")), flag(chance.random() < 0.8)),
        )


def uses(chance: random.Random, rented: Sequence[Row]) -> Iterable[Row]:
    """Twelve a day of any subscription, also of one that begins later: what is wrong in June stands twice."""
    for number, day in enumerate(day for day in DAYS for _ in range(12)):
        # The first use of 15 June 2024 takes the id of the one before it.
        number = number - 1 if day == date(2024, 6, 15) and number % 12 == 0 else number
        yield (
            *(f"U-{number:06}", chance.choice(rented)[0], day, f"feature_{chance.randint(1, 40)}"),
            *(chance.randint(0, 26), chance.randint(0, 9_000), chance.choice((0, 0, 0, 1, 2)), "False"),
        )


def tickets(chance: random.Random, signups: Sequence[Row]) -> Iterable[Row]:
    """Three a day of any account, also of one that signs up later."""
    for number, day in enumerate(day for day in DAYS for _ in range(3)):
        hours = chance.randint(1, 72)
        closed = day + timedelta(days=hours // 24)
        yield (
            *(f"T-{number:05}", chance.choice(signups)[0], day, f"{closed} {hours % 24}:00", hours),
            *(chance.choice(("low", "medium", "high", "urgent")), chance.randint(1, 180)),
            *(chance.choice(("", "3", "4", "5")), flag(chance.random() < 0.05)),
        )


def flag(value: bool) -> str:
    """A boolean as the outside company writes it."""
    return "TRUE" if value else "FALSE"


def write(path: Path, header: str, rows: Iterable[Row]) -> None:
    """A CSV file with a header."""
    with path.open("w", newline="", encoding="utf-8") as file:
        written = csv.writer(file, lineterminator="\n")
        written.writerow(header.split(","))
        written.writerows(rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
