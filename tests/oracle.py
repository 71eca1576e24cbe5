"""The figures once more, in plain Python from the raw files: what every published column must be, to the cent.

Nothing here comes from the jobs or the package: a mistake that both share would have to be made twice. It is written by
the definitions, day by day and row by row, without a thought for speed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

Row = dict[str, Any]
Rows = dict[tuple[Any, ...], Row]
UNALLOCATED = "unallocated"
DAY = timedelta(days=1)
KNOWN_AT = {
    "accounts": "synced_at",
    "licence_events": "recorded_at",
    "revenue": "recorded_at",
    "expenses": "entered_at",
    "clicks": "received_at",
    "directory_users": "synced_at",
    "support_tickets": "recorded_at",
    "campaigns": "recorded_at",
}


@dataclass(frozen=True)
class Books:
    """All a company had recorded by an instant, and the month that is told as of then."""

    root: Path
    month: date
    as_of: datetime

    @cached_property
    def days(self) -> list[date]:
        """The days of the month."""
        following = (self.month + 31 * DAY).replace(day=1)
        return [self.month + n * DAY for n in range((following - self.month).days)]

    def rows(self, source: str) -> list[Row]:
        """The rows of a source that were known by then."""
        return known(self.root, source, self.as_of)

    @property
    def before(self) -> date:
        """The month before."""
        return (self.month - DAY).replace(day=1)


def known(root: Path, source: str, as_of: datetime) -> list[Row]:
    files = sorted((root / source).rglob("*.parquet"))
    rows = [row for file in files for row in pq.read_table(file, partitioning=None).to_pylist()]
    column = KNOWN_AT.get(source)
    return [row for row in rows if column is None or instant(row[column]) <= as_of]


def instant(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def exact(numerator: Decimal | int, denominator: Decimal | int, places: int = 6) -> Decimal:
    """A quotient, rounded half away from zero once."""
    value = Fraction(numerator) / Fraction(denominator)
    scaled = abs(value) * 10**places
    whole = int(scaled + Fraction(1, 2))
    return Decimal(-whole if value < 0 else whole).scaleb(-places)


def ratio(numerator: Any, denominator: Any, otherwise: str, *absences: tuple[bool, str]) -> tuple[Any, str | None]:
    """A ratio and why there is none."""
    why = next((reason for absent, reason in absences if absent), None)
    if why is None and (denominator is None or denominator <= 0):
        why = otherwise
    return (None, why) if why else (exact(numerator, denominator), None)


def master_data(books: Books, *names: str) -> Callable[[str, date], tuple[str, ...]]:
    """What an account was on a day, by name: of the newest version that was valid by then."""
    versions: dict[str, list[Row]] = defaultdict(list)
    for row in books.rows("accounts"):
        versions[row["account_id"]].append(row)

    def of(account: str, day: date) -> tuple[str, ...]:
        valid = [row for row in versions.get(account, ()) if row["valid_from"] <= day]
        if not valid:
            return (UNALLOCATED,) * len(names)
        newest = max(valid, key=lambda row: (row["valid_from"], row["synced_at"], *(row[name] for name in names)))
        return tuple(newest[name] for name in names)

    return of


def places(books: Books) -> Callable[[str, date], tuple[str, ...]]:
    """Region and segment of an account on a day."""
    return master_data(books, "region", "segment")


# -- what people did ---------------------------------------------------------------------------------------------------


def user_days(books: Books) -> Rows:
    """What each user did on each day of the month."""
    first_delivery: dict[str, Row] = {}
    for row in sorted(books.rows("clicks"), key=lambda row: instant(row["received_at"])):
        first_delivery.setdefault(row["event_id"], row)
    by_user: dict[str, list[Row]] = defaultdict(list)
    for row in first_delivery.values():
        if books.days[0] - DAY <= row["event_date"] <= books.days[-1] + DAY:
            by_user[row["user_id"]].append(row)
    listed: dict[tuple[date, str], Row] = {}
    for row in sorted(books.rows("directory_users"), key=lambda r: (r["synced_at"], r["account_id"], r["department"])):
        listed[row["day"], row["user_id"]] = row
    place = places(books)
    found: Rows = {}
    for user, events in by_user.items():
        events.sort(key=lambda row: (instant(row["event_time"]), row["event_id"]))
        active: dict[date, timedelta] = defaultdict(timedelta)
        begun: dict[date, int] = defaultdict(int)
        before: datetime | None = None
        for row in events:
            at = instant(row["event_time"])
            if before is None or at - before >= timedelta(minutes=30):
                begun[at.date()] += 1
            else:
                midnight = datetime.combine(at.date(), time(), UTC)
                active[at.date()] += at - max(before, midnight)
                if before < midnight:
                    active[before.date()] += midnight - before
            before = at
        for day in sorted({row["event_date"] for row in events} & set(books.days)):
            own = [row for row in events if row["event_date"] == day]
            entry = listed.get((day, user))
            account = entry["account_id"] if entry else min(row["account_id"] for row in own)
            region, segment = place(account, day)
            kinds = [row["event_type"] for row in own]
            hours = [instant(row["event_time"]).hour for row in own]
            found[day, user] = {
                "day": day,
                "user_id": user,
                "account_id": account,
                "department": entry["department"] if entry else UNALLOCATED,
                "region": region,
                "segment": segment,
                "events": len(own),
                "page_views": kinds.count("page_view"),
                "clicks": kinds.count("click"),
                "feature_uses": kinds.count("feature_use"),
                "sessions": begun[day],
                "active_seconds": int(active[day] / timedelta(seconds=1)),
                "events_by_hour": [hours.count(hour) for hour in range(24)],
            }
    return found


SUMMED = ("events", "page_views", "clicks", "feature_uses", "sessions", "active_seconds")


def engagement_daily(books: Books, units: Rows, earlier: Rows) -> Rows:
    """Engagement per account, department and day; ``earlier`` are the user days of the month before."""
    week_before = [row for row in earlier.values() if books.month - 6 * DAY <= row["day"] < books.month]
    everything = [*week_before, *units.values()]
    covered = {row["day"] for row in everything}
    place = places(books)
    cells: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in everything:
        cells[row["account_id"], row["department"]].append(row)
    found: Rows = {}
    for (account, department), rows in cells.items():
        for day in books.days:
            if day < min(row["day"] for row in rows):
                continue
            today = [row for row in rows if row["day"] == day]
            monday = day - day.weekday() * DAY
            week = {row["user_id"] for row in rows if monday <= row["day"] <= day}
            month = {row["user_id"] for row in rows if books.month <= row["day"] <= day}
            whole = {monday + n * DAY for n in range(day.weekday() + 1)} <= covered
            region, segment = place(account, day)
            sums = {name: sum(row[name] for row in today) for name in SUMMED}
            per_user, why = ratio(sums["active_seconds"], len(today), "no_active_users")
            found[day, account, department] = {
                "day": day,
                "account_id": account,
                "department": department,
                "region": region,
                "segment": segment,
                **sums,
                "dau": len(today),
                "wau": len(week) if whole else None,
                "wau_reason": None if whole else "week_not_covered",
                "mau": len(month),
                "active_seconds_per_daily_user": per_user,
                "active_seconds_per_daily_user_reason": why,
                "events_by_hour": [sum(row["events_by_hour"][hour] for row in today) for hour in range(24)],
            }
    return found


def investor_engagement(books: Books, units: Rows, earlier: Rows, previous: Rows | None) -> Rows:
    """Engagement per region and segment, and of the company."""
    last = books.days[-1]
    sunday = last - ((last.weekday() + 1) % 7) * DAY
    week = {sunday - n * DAY for n in range(7)}
    every_day = {row["day"] for row in (*earlier.values(), *units.values())}
    levels: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    weekly: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for row in (*earlier.values(), *units.values()):
        for key in (("cell", row["region"], row["segment"]), ("total", "total", "total")):
            if row["day"] in books.days:
                levels[key].append(row)
            if row["day"] in week:
                weekly[key].add(row["user_id"])
    found: Rows = {}
    for (kind, region, segment), rows in levels.items():
        key = (f"{books.month:%Y-%m}", kind, region, segment)
        seconds, sessions = (sum(row[name] for row in rows) for name in ("active_seconds", "sessions"))
        mau = len({row["user_id"] for row in rows})
        average, why = ratio(seconds, len(rows), "no_active_users")
        was = (previous or {}).get((f"{books.before:%Y-%m}", *key[1:]))
        growth = {}
        for name, now in (("mau", mau), ("sessions", sessions)):
            change = now - was[name] if was else None
            value = ratio(change, was and was[name], "previous_zero", (was is None, "no_previous"))
            growth |= {f"{name}_change_ratio": value[0], f"{name}_change_ratio_reason": value[1]}
        found[key] = {
            "month": key[0],
            "row_kind": kind,
            "region": region,
            "segment": segment,
            "mau": mau,
            "week_ends": sunday,
            "wau": len(weekly[kind, region, segment]) if week <= every_day else None,
            "wau_reason": None if week <= every_day else "week_not_covered",
            "sessions": sessions,
            "active_seconds": seconds,
            "active_user_days": len(rows),
            "average_daily_active_seconds": average,
            "average_daily_active_seconds_reason": why,
            "previous_period": was and was["month"],
            "previous_mau": was and was["mau"],
            "previous_sessions": was and was["sessions"],
            "previous_average_daily_active_seconds": was and was["average_daily_active_seconds"],
            **growth,
        }
    return found


# -- comparing ---------------------------------------------------------------------------------------------------------


def keyed(rows: Iterable[Mapping[str, Any]], key: Iterable[str]) -> Rows:
    """Rows by their key, which must be one."""
    found: Rows = {}
    for row in rows:
        at = tuple(row[name] for name in key)
        assert at not in found, f"{at} stands twice"
        found[at] = dict(row)
    return found


def differences(published: Rows, expected: Rows) -> list[str]:
    """Every row and column in which two tables differ; columns that one of them lacks come first."""
    ours, theirs = ({name for row in rows.values() for name in row} for rows in (published, expected))
    found = [f"column {name} is published and not recomputed" for name in sorted(ours - theirs)]
    found += [f"column {name} is recomputed and not published" for name in sorted(theirs - ours)]
    found += [f"row {key} is not expected" for key in published if key not in expected]
    found += [f"row {key} is missing" for key in expected if key not in published]
    for key, row in published.items():
        for name, value in row.items() if key in expected else ():
            right = expected[key].get(name)
            if name in theirs and (value != right or (value is None) != (right is None)):
                found.append(f"{key} {name}: published {value}, right is {right}")
    return found


def half_up(value: Decimal) -> Decimal:
    """An amount to the cent."""
    return value.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
