"""The band that history allows, at its edges: little spread or none, one outlier, a negative or zero median."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dq.checks.fit_history import (
    LEAST_DEVIATION,
    band_of_deviations,
    band_of_ratios,
    fitting,
    least_share,
)


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


def test_a_line_is_not_turned_by_an_outlier_and_follows_profit_through_zero() -> None:
    steady = [Decimal(100 + 10 * month) for month in range(12)]
    once = [*steady[:5], Decimal(900), *steady[6:]]
    for past in (steady, once):
        band = band_of_deviations(past, Decimal(8), grows=True)
        assert (band.middle, band.of) == (220, "trend")
    band = band_of_deviations([Decimal(50 - 10 * month) for month in range(12)], Decimal(8), grows=True)
    assert band.middle == -70


@pytest.mark.long
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
