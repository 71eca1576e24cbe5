"""The band that history allows, at its edges: little spread or none, one outlier, a negative or zero median."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dq.engine.history import LEAST_DEVIATION, band_of_deviations, band_of_ratios


def numbers(*texts: str) -> list[Decimal]:
    return [Decimal(text) for text in texts]


@pytest.mark.parametrize(
    ("past", "low", "high"),
    [
        (("100", "100", "100"), "92", "108"),  # constant: one per cent of the median counts as its deviation
        (("100", "100", "100", "900"), "92", "108"),  # one outlier moves neither the median nor the deviation
        (("100", "100.5", "99.5"), "92", "108"),  # a deviation below one per cent counts as one per cent
        (("100", "110", "90"), "20", "180"),
        (("100",), "92", "108"),
        (("-100", "-100", "-100"), "-108", "-92"),
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
