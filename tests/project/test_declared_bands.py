"""What the bands of the company's own suites allow and tell: growth, a fall, a rise, a year that begins anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dq.base.model import Check
from dq.checks.custom_kwargs import with_defaults
from dq.checks.fit_history import Band, fitting, latest
from dq.declare import suites

FITS = "expect_measure_to_fit_history"
ROOT = Path(__file__).resolve().parents[2]


CHECKS: dict[str, Check] = {
    check.check: check
    for path in sorted((ROOT / "expectations").glob("*/*.yml"))
    for check in suites.load(path).checks
    if check.type == FITS
}


RUNNING_TOTALS = [name for name in CHECKS if name.endswith("_keep_their_history")]


GROWING = [
    name
    for name, check in CHECKS.items()
    if check.kwargs["metric"] in ("sum", "row_count")
    and name not in (*RUNNING_TOTALS, "revenue_of_the_year_is_no_fraction")
]


MONTHS = 36


GROWTH = ("1.00", "1.02", "1.03", "1.05")


def of_growth(rate: str, first: str = "100000") -> list[Decimal]:
    return [Decimal(first) * Decimal(rate) ** month for month in range(MONTHS)]


def allowed(name: str, past: Sequence[Decimal], rows: int = 10_000) -> Band | None:
    """What a declared check allows after a history; None while there is not enough of it."""
    kwargs = with_defaults(FITS, CHECKS[name].kwargs)
    least, most = kwargs["minimum_history"], kwargs["maximum_history"]
    assert isinstance(least, int)
    assert isinstance(most, int)
    known = latest(past, most)
    return fitting(kwargs, known, rows) if len(known) >= least else None


def judged(name: str, values: Sequence[Decimal]) -> Iterator[tuple[Band, Decimal]]:
    """Each month that a declared check can judge, with the band that the months before it allow."""
    for month, value in enumerate(values):
        band = allowed(name, values[:month])
        if band is not None:
            yield band, value


@pytest.mark.parametrize("rate", GROWTH)
@pytest.mark.parametrize("name", GROWING)
def test_steady_growth_for_three_years_never_alarms(name: str, rate: str) -> None:
    months = list(judged(name, of_growth(rate)))
    assert len(months) >= MONTHS - 6
    assert [str(band) for band, value in months if not band.holds(value)] == []


@pytest.mark.parametrize("rate", GROWTH)
@pytest.mark.parametrize(
    ("name", "fall", "rise"),
    [
        ("investor_revenue_fits_its_trend", "0.75", "1.3"),
        ("investor_profit_fits_its_trend", "0.75", "1.3"),
        ("revenue_row_count_fits_history", "0.75", "1.3"),
        ("expenses_row_count_fits_history", "0.75", "1.3"),
        ("closing_mrr_fits_history", "0.6", "1.51"),
        ("investor_sessions_fit_history", "0.45", "2.01"),
        ("investor_active_users_fit_history", "0.45", "2.01"),
        ("engagement_sessions_fit_history", "0.45", "2.01"),
        ("engagement_active_time_fits_history", "0.45", "2.01"),
        ("clicks_row_count_fits_history", "0.45", "2.01"),
        ("directory_users_row_count_fits_history", "0.45", "2.01"),
    ],
)
def test_growth_hides_neither_a_fall_nor_a_rise_in_any_month(name: str, fall: str, rise: str, rate: str) -> None:
    for band, value in judged(name, of_growth(rate)):
        assert not band.holds(value * Decimal(fall)), (str(band), value)
        assert not band.holds(value * Decimal(rise)), (str(band), value)


@given(
    st.sampled_from(["investor_revenue_fits_its_trend", "closing_mrr_fits_history"]),
    st.decimals("0.97", "1.05", places=3),
    st.lists(st.decimals("0.99", "1.01", places=3), min_size=MONTHS, max_size=MONTHS),
)
def test_a_company_that_grows_or_shrinks_unevenly_alarms_when_it_loses_four_tenths_and_not_before(
    name: str, rate: Decimal, noise: list[Decimal]
) -> None:
    values = [value * one for value, one in zip(of_growth(str(rate)), noise, strict=True)]
    for band, value in judged(name, values):
        assert band.holds(value)
        assert not band.holds(value * Decimal("0.6"))


def test_only_the_latest_periods_say_what_is_usual() -> None:
    small, large = [Decimal(10)] * 24, [Decimal(1000)] * 12
    for name in ("investor_revenue_fits_its_trend", "campaigns_row_count_fits_history"):
        assert allowed(name, small + large) == allowed(name, large)
    assert latest([*small, Decimal("NaN"), *large[:3]], 3) == large[:3]


@pytest.mark.parametrize("name", RUNNING_TOTALS)
def test_a_running_total_that_loses_a_fifth_is_told_and_one_that_only_grows_is_not(name: str) -> None:
    totals = [Decimal(100 * month) for month in range(1, MONTHS + 2)]
    assert all(band.holds(value) for band, value in judged(name, totals))
    lost = [(band, value * Decimal("0.8")) for band, value in list(judged(name, totals))[8:]]
    assert len(lost) >= MONTHS - 9
    assert not [str(band) for band, value in lost if band.holds(value)]
    assert str(allowed(name, totals[:MONTHS])) == "at least 3,240.0"


@given(
    st.sampled_from(RUNNING_TOTALS),
    st.integers(10, 1_000_000),
    st.lists(st.integers(0, 100_000), min_size=1, max_size=MONTHS),
)
def test_a_running_total_never_alarms_while_nothing_is_lost_and_always_below_nine_tenths_of_the_last(
    name: str, before: int, more: list[int]
) -> None:
    totals = [Decimal(total) for total in accumulate([before, *more])]
    assert all(band.holds(value) for band, value in judged(name, totals))
    band = allowed(name, totals)
    assert band is not None
    assert not band.holds(totals[-1] * Decimal("0.899"))


@pytest.mark.parametrize("rate", GROWTH)
def test_a_year_that_begins_anew_keeps_the_twelve_months_it_needs(rate: str) -> None:
    monthly = of_growth(rate)
    totals = [sum(monthly[month - month % 12 : month + 1], Decimal(0)) for month in range(MONTHS)]
    months = list(judged("revenue_of_the_year_is_no_fraction", totals))
    assert all(band.holds(value) for band, value in months)
    assert not any(band.holds(value / 50) for band, value in months)


@pytest.mark.parametrize("rows", [200, 10_000, 1_000_000])
def test_a_spotless_history_alarms_on_a_field_that_is_lost_and_not_on_one_row(rows: int) -> None:
    band = allowed("accounts_category_null_share_fits_history", [Decimal(0)] * 6, rows)
    assert band is not None
    assert band.holds(Decimal(1) / rows)
    assert not band.holds(Decimal("0.05"))
    assert band.holds(Decimal(0))
