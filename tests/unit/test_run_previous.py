"""The month before: its same first days, and the versions of its units that its final was built from."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from dq import store
from dq.base import periods
from dq.base.model import Kind, Verdict, Window
from dq.run import inputs, previous
from dq.run.previous import Previous
from dq.store.history import known_at

FINAL = store.PeriodEntry(
    period="2026-09",
    run="r",
    version=4,
    fingerprint="f",
    seal="s",
    schema_json="{}",
    kind=Kind.FINAL,
    data_through=date(2026, 9, 30),
    verdict=Verdict.PUBLISH,
    files=(),
)
PROJECT: Any = SimpleNamespace(registry=SimpleNamespace(pipelines={"units": SimpleNamespace(grain=periods.Grain.DAY)}))


def days(month: str, version: int, *, anew: str = "") -> dict[str, store.PeriodEntry]:
    """The units of a month as one version published them, with one day published anew by the next."""
    found = {}
    for day in periods.days_between(*periods.days_of(month)):
        period = day.isoformat()
        newer = version + (period == anew)
        found[period] = replace(FINAL, period=period, version=newer, fingerprint=f"{period}@{newer}")
    return found


def warehouse(*commits: dict[str, store.PeriodEntry]) -> Any:
    """A warehouse whose one table went through these commits."""
    log = [SimpleNamespace(entries=entries, withdrawn={}) for entries in commits]
    table: Any = SimpleNamespace(current=lambda: log[-1] if log else None, newest_first=lambda: reversed(log))
    table.known = lambda instant, wanted=None: known_at(table.newest_first(), instant, wanted)
    return SimpleNamespace(table=lambda _name: table)


@pytest.mark.parametrize(
    ("month", "through", "first", "last"),
    [
        ("2026-10", date(2026, 10, 10), date(2026, 9, 1), date(2026, 9, 10)),
        ("2026-10", date(2026, 10, 1), date(2026, 9, 1), date(2026, 9, 1)),
        ("2026-03", date(2026, 3, 30), date(2026, 2, 1), date(2026, 2, 28)),
        ("2028-03", date(2028, 3, 29), date(2028, 2, 1), date(2028, 2, 29)),
        ("2028-03", date(2028, 3, 30), date(2028, 2, 1), date(2028, 2, 29)),
        ("2027-01", date(2027, 1, 30), date(2026, 12, 1), date(2026, 12, 30)),
    ],
)
def test_the_same_first_days_end_with_the_month_at_the_latest(
    month: str, through: date, first: date, last: date
) -> None:
    start, end = periods.days_of(month)
    as_of = datetime(2029, 1, 1, tzinfo=UTC)
    window = Window(period=month, start=start, end=end, data_through=through, as_of=as_of, kind=Kind.MONTH_TO_DATE)
    before = window.month_before
    assert (before.month, before.start, before.data_through) == (periods.previous_month(month), first, last)


def test_units_published_anew_make_another_comparison() -> None:
    def fingerprint(entries: dict[str, store.PeriodEntry]) -> str:
        pin = inputs.UpstreamPin(table="units", entries=entries)
        own = inputs.UpstreamPin(table="figures", entries={"2026-09": FINAL})
        first, last = date(2026, 9, 1), date(2026, 9, 30)
        return Previous(period="2026-09", first_day=first, last_day=last, own=own, units={"units": pin}).fingerprint

    assert fingerprint(days("2026-09", 1)) == fingerprint(days("2026-09", 1))
    assert fingerprint(days("2026-09", 1)) != fingerprint(days("2026-09", 1, anew="2026-09-10"))


def daily(month: str, as_of: datetime) -> tuple[Any, Window]:
    """A table of days that is compared with the month before, and the window of a whole month."""
    pipeline = SimpleNamespace(
        compares_with_previous=True, trailing_twelve_months=False, grain=periods.Grain.DAY, upstream=("units",)
    )
    start, end = periods.days_of(month)
    window = Window(period=month, start=start, end=end, data_through=end, as_of=as_of, kind=Kind.FINAL)
    return SimpleNamespace(name="units", pipeline=pipeline), window


def test_days_are_compared_with_those_of_the_month_before_once_all_of_them_are_final() -> None:
    bound, window = daily("2026-10", datetime(2026, 11, 4, tzinfo=UTC))
    before = days("2026-09", 1, anew="2026-09-10")
    found = previous.pin(warehouse(before), PROJECT, bound, window)
    assert found is not None
    assert (found.period, found.last_day, found.own.entries) == ("2026-09", date(2026, 9, 30), before)
    assert found.units["units"].entries == before
    open_day = replace(before["2026-09-30"], kind=Kind.PRELIMINARY)
    lacking = {day: entry for day, entry in before.items() if day != "2026-09-05"}
    for unfinished in ({**before, "2026-09-30": open_day}, lacking, {}):
        assert previous.pin(warehouse(unfinished), PROJECT, bound, window) is None
    absent = previous.absent(warehouse(lacking), bound, window, None, {})
    assert absent["units.previous"] == "units 2026-09 is not published as final, so there is nothing to compare with"


def test_a_month_is_compared_with_the_final_before_it_as_that_was_known_at_its_instant() -> None:
    """September was final as of 5 October and restated as of 10 November; October is told as of 4 November."""
    first, restated = datetime(2026, 10, 5, tzinfo=UTC), datetime(2026, 11, 10, tzinfo=UTC)
    was, now = (
        {period: replace(entry, as_of=instant) for period, entry in days("2026-09", version).items()}
        for version, instant in ((1, first), (2, restated))
    )
    for as_of, seen in ((datetime(2026, 11, 4, tzinfo=UTC), was), (restated, now)):
        bound, window = daily("2026-10", as_of)
        found = previous.pin(warehouse(was, now), PROJECT, bound, window)
        assert found is not None
        assert (found.own.entries, found.units["units"].entries) == (seen, seen)
        assert previous.still_current(warehouse(was, now), found, as_of) == []
    bound, window = daily("2026-10", datetime(2026, 11, 4, tzinfo=UTC))
    assert previous.pin(warehouse(now), PROJECT, bound, window) is None
    assert previous.absent(warehouse(now), bound, window, None, {})["units.previous"] == (
        "units 2026-09 is not published as final as of 2026-11-04T00:00:00Z, only as of 2026-11-10T00:00:00Z, so there "
        "is nothing to compare with"
    )


def test_what_a_run_of_days_would_replace_is_their_finals() -> None:
    bound, window = daily("2026-10", datetime(2026, 11, 4, tzinfo=UTC))
    there = days("2026-10", 2)
    assert previous.replaced(warehouse(there), bound, window) == there
    one = replace(window, period="2026-10-07", start=date(2026, 10, 7), end=date(2026, 10, 7))
    assert list(previous.replaced(warehouse(there), bound, one)) == ["2026-10-07"]
    there["2026-10-07"] = replace(there["2026-10-07"], kind=Kind.PRELIMINARY)
    finals = {day: entry for day, entry in there.items() if day != "2026-10-07"}
    assert previous.replaced(warehouse(there), bound, window) == finals, "a day that is not final yet hides no other"
    assert previous.replaced(warehouse(), bound, window) == {}
    assert "no final of 2026-10" in previous.absent(warehouse(), bound, window, None, {})["units.replaced"]


def monthly(through: date) -> tuple[Any, Window]:
    """A table of months with trailing twelve months, and the window of a month through a day."""
    pipeline = SimpleNamespace(
        compares_with_previous=True, trailing_twelve_months=True, grain=periods.Grain.MONTH, upstream=("units",)
    )
    start, end = periods.days_of(f"{through:%Y-%m}")
    as_of = datetime(2029, 1, 1, tzinfo=UTC)
    window = Window(period=f"{through:%Y-%m}", start=start, end=end, data_through=through, as_of=as_of, kind=Kind.FINAL)
    return SimpleNamespace(name="figures", pipeline=pipeline), window


def of_two_tables(finals: list[str], units: dict[str, store.PeriodEntry]) -> Any:
    entries = {month: replace(FINAL, period=month, fingerprint=month) for month in finals}
    by_name = {"figures": warehouse(entries).table("figures"), "units": warehouse(units).table("units")}
    return SimpleNamespace(table=by_name.__getitem__)


@pytest.mark.parametrize(
    ("through", "first", "months", "own"),
    [
        (date(2026, 10, 31), date(2025, 11, 1), 11, ["2025-11"]),
        (date(2026, 10, 10), date(2025, 10, 11), 12, None),
        (date(2027, 2, 28), date(2026, 3, 1), 11, ["2026-03"]),
        (date(2028, 2, 28), date(2027, 3, 1), 11, ["2027-03"]),
    ],
)
def test_twelve_months_are_counted_once_all_of_them_before_this_one_are_final(
    through: date, first: date, months: int, own: list[str] | None
) -> None:
    bound, window = monthly(through)
    assert window.year_start == first
    before = periods.previous_month(window.month)
    finals = periods.months_between(f"{first:%Y-%m}", before)
    assert len(finals) == months
    units = days(before, 3) | days(f"{first:%Y-%m}", 1)
    found = previous.pin(of_two_tables(finals, units), PROJECT, bound, window)
    assert found is not None
    assert found.trailing is not None
    assert (found.trailing.first_day, list(found.trailing.units["units"].entries)) == (first, [first.isoformat()])
    assert (list(found.trailing.own.entries) if found.trailing.own else None) == own
    absent = previous.absent(of_two_tables(finals, units), bound, window, found, {})
    assert ("figures.trailing" in absent, "units.trailing.first_day" in absent) == (own is None, False)
    lacking = previous.pin(of_two_tables(finals[:3] + finals[4:], units), PROJECT, bound, window)
    assert lacking is not None
    assert lacking.trailing is None
    assert lacking.fingerprint != found.fingerprint
    names = previous.absent(of_two_tables(finals, units), bound, window, lacking, {})
    assert "are published as final" in names["units.trailing.first_day"]
    assert "units.trailing" not in names


def test_the_day_twelve_months_began_with_has_to_be_published_as_their_finals_are() -> None:
    bound, window = monthly(date(2026, 10, 31))
    finals = periods.months_between("2025-11", "2026-09")
    with pytest.raises(inputs.UpstreamError, match="units has not published 2025-11-01"):
        previous.pin(of_two_tables(finals, days("2026-09", 3)), PROJECT, bound, window)


@pytest.mark.parametrize("grain", [periods.Grain.MONTH, periods.Grain.DAY])
@pytest.mark.parametrize("back", [0, 12])
def test_the_versions_a_manifest_names_are_found_however_much_was_published_since(
    back: int, grain: periods.Grain
) -> None:
    """With the days before the month that its run looked back to, as far as they were published."""
    reader: Any = SimpleNamespace(grain=grain, upstream_lookback_days=back)
    august = {day: entry for day, entry in days("2026-08", 1).items() if day > "2026-08-23"}
    built_from = days("2026-09", 2, anew="2026-09-10")
    pinned = {**(august if back else {}), **built_from}
    told = "2026-09-30" if grain is periods.Grain.DAY else "2026-09"
    built = replace(FINAL, period=told, inputs=(inputs.UpstreamPin(table="units", entries=pinned).ref(),))
    log = (
        {**august, **days("2026-09", 2)},
        {**august, **built_from},
        {**days("2026-08", 4), **built_from, **days("2026-10", 5)},
        {**days("2026-08", 4), **days("2026-09", 6)},
    )
    found = inputs.pin_named(warehouse(*log), PROJECT.registry, reader, "units", built)
    assert found is not None
    assert (found.entries, [*found.before]) == (pinned, [*august] if back else [])
    registry = PROJECT.registry
    assert inputs.pin_named(warehouse(days("2026-09", 6)), registry, reader, "units", built) is None
    assert inputs.pin_named(warehouse(), registry, reader, "units", built) is None
    assert inputs.pin_named(warehouse(*log), registry, reader, "units", replace(built, inputs=())) is None


def test_a_month_whose_units_are_no_longer_all_published_names_the_missing_day() -> None:
    entries = days("2026-09", 1)
    del entries["2026-09-05"]
    with pytest.raises(inputs.UpstreamError, match="units has not published 2026-09-05") as caught:
        inputs.pin_month(warehouse(entries), PROJECT, "units", "2026-09", datetime(2026, 11, 4, tzinfo=UTC))
    assert "dq run units --period 2026-09" in str(caught.value)
