"""The band that history allows, at its edges: little spread or none, one outlier, a negative or zero median."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dq.base.model import Check
from dq.checks.custom_kwargs import with_defaults
from dq.checks.fit_history import (
    LEAST_DEVIATION,
    Band,
    band_of_deviations,
    band_of_ratios,
    fitting,
    latest,
    least_share,
)
from dq.declare import suites

FITS = "expect_measure_to_fit_history"
ROOT = Path(__file__).resolve().parents[2]
CHECKS: dict[str, Check] = {
    check.check: check
    for path in sorted((ROOT / "expectations").glob("*.yml"))
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


def numbers(*texts: str) -> list[Decimal]:
    return [Decimal(text) for text in texts]


@pytest.mark.parametrize(
    ("past", "low", "high"),
    [
        (("100", "100", "100"), "84", "116"),  # constant: two per cent of the median count as its deviation
        (("100", "100", "100", "900"), "84", "116"),  # one outlier moves neither the median nor the deviation
        (("100", "100.5", "99.5"), "84", "116"),  # a deviation below two per cent counts as two per cent
        (("100", "110", "90"), "20", "180"),
        (("100",), "84", "116"),
        (("-100", "-100", "-100"), "-116", "-84"),
        (("-100", "-110", "-90"), "-180", "-20"),
        (("0", "0", "0"), "0", "0"),  # what never was is told as soon as it is
        (("0", "0", "5"), "0", "0"),
    ],
)
def test_eight_median_absolute_deviations_around_the_median(past: tuple[str, ...], low: str, high: str) -> None:
    band = band_of_deviations(numbers(*past), Decimal(8))
    assert (band.low, band.high) == (Decimal(low), Decimal(high))
    for end in (band.low, band.high):
        assert band.holds(end)
        assert band.off_by(end) == 0
    assert not band.holds(Decimal(high) + Decimal("0.001"))
    assert band.off_by(Decimal(high) + Decimal(3)) == 3
    assert band.off_by(Decimal(low) - Decimal(2)) == 2


def test_an_outlier_in_history_hides_no_second_one() -> None:
    """The mean and standard deviation of these would let 900 pass."""
    past = numbers("100", "101", "99", "102", "98", "900")
    assert not band_of_deviations(past, Decimal(8)).holds(Decimal(900))


def test_a_negative_median_turns_ratios_round() -> None:
    band = band_of_ratios(numbers("-100"), Decimal("0.5"), Decimal("1.2"))
    assert (band.low, band.high) == (Decimal(-120), Decimal(-50))


def test_ratios_to_a_median_of_zero_allow_zero_only() -> None:
    band = band_of_ratios(numbers("0", "0", "7"), Decimal("0.5"), Decimal(2))
    assert band.holds(Decimal(0))
    assert not band.holds(Decimal("0.0001"))


@given(
    st.lists(st.decimals(-1_000_000, 1_000_000, places=2), min_size=1, max_size=13),
    st.integers(1, 20),
)
def test_the_median_always_fits_and_order_changes_nothing(past: list[Decimal], mads: int) -> None:
    band = band_of_deviations(past, Decimal(mads))
    assert band.holds(band.middle)
    assert band == band_of_deviations(sorted(past), Decimal(mads))
    assert band.high is not None
    assert band.high - band.middle >= mads * LEAST_DEVIATION * abs(band.middle) * Decimal("0.999999")


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


def test_a_line_is_not_turned_by_an_outlier_and_follows_profit_through_zero() -> None:
    steady = [Decimal(100 + 10 * month) for month in range(12)]
    once = [*steady[:5], Decimal(900), *steady[6:]]
    for past in (steady, once):
        band = band_of_deviations(past, Decimal(8), grows=True)
        assert (band.middle, band.of) == (220, "trend")
    band = band_of_deviations([Decimal(50 - 10 * month) for month in range(12)], Decimal(8), grows=True)
    assert band.middle == -70


@pytest.mark.parametrize("periods", range(6, 13))
def test_the_trend_of_a_few_noisy_periods_leaves_room_for_the_next_one(periods: int) -> None:
    """Of months that vary by a tenth one in twenty may be beyond a line through six; the line alone would miss nine."""
    noise = random.Random(periods)  # noqa: S311 - noise, no secret
    beyond = 0
    for _ in range(1_000):
        past = [Decimal(str(round(100 * (1 + noise.gauss(0, 0.1)), 2))) for _ in range(periods + 1)]
        beyond += not band_of_deviations(past[:-1], Decimal(8), grows=True).holds(past[-1])
    assert beyond <= (50 if periods < 8 else 25)


def test_fewer_than_six_periods_make_no_line() -> None:
    past = [Decimal(100 + 10 * month) for month in range(6)]
    assert band_of_deviations(past[:5], Decimal(8), grows=True) == band_of_deviations(past[:5], Decimal(8))
    assert band_of_deviations(past, Decimal(8), grows=True).middle == 160


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


@given(st.integers(1, 10_000_000), st.decimals("0", "0.01", places=6), st.integers(3, 12))
def test_a_share_never_alarms_on_one_row_more_or_less_than_always(rows: int, usual: Decimal, periods: int) -> None:
    one = Decimal(1) / rows
    for band in (
        band_of_ratios([usual] * periods, Decimal("0.5"), Decimal(3), least=least_share(rows)),
        band_of_deviations([usual] * periods, Decimal(8), least=least_share(rows)),
    ):
        assert band.holds(usual + one)
        assert band.holds(max(usual - one, Decimal(0)))


def test_redeliveries_after_spotless_periods_warn_when_they_are_many() -> None:
    for rows, passes, fails in ((100, "0.01", "0.02"), (100_000, "0.001", "0.0011")):
        band = band_of_ratios([Decimal(0)] * 3, None, Decimal(3), least=least_share(rows))
        assert band.holds(Decimal(passes))
        assert not band.holds(Decimal(fails))
    usual = band_of_ratios([Decimal("0.004")] * 3, None, Decimal(3), least=least_share(100_000))
    assert (usual.low, usual.high) == (None, Decimal("0.012"))


def test_a_count_that_was_always_none_alarms_on_more_than_a_few() -> None:
    kwargs = {"metric": "row_count", "mads": 8}
    assert str(fitting(kwargs, [Decimal(0)] * 6, 1)) == "-8 to 8"
    assert fitting({"metric": "sum", "column": "amount", "mads": 8}, [Decimal(0)] * 6, 1).high == 0
