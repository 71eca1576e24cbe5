"""What earlier published periods measured, and the band around it that a measure of this one fits into."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_UP, Decimal
from decimal import Context as Precision
from itertools import combinations
from statistics import median

from dq.base.model import Json
from dq.checks.custom_check import Request
from dq.engine.gather import decimal, shown

# A year, so that every season is in it; what is older is of a company of another size.
LATEST = 12
# A history that hardly varied would alarm on noise: deviations count as at least this share of what is usual. Eight of
# them leave room for a February, which has a tenth fewer days than the months before it.
LEAST_DEVIATION = Decimal("0.02")
# A history of none would alarm on one row: shares differ by at least one in a thousand, and by at least one row.
LEAST_SHARE = Decimal("0.001")
# A line through fewer periods follows their noise.
_LEAST_OF_A_LINE = 6
# Measures of the size of the company, which grows; means and shares stay what they are.
_GROWING = ("row_count", "sum")
PRECISION = Precision(prec=15)
_READABLE = Precision(prec=6, rounding=ROUND_UP)


@dataclass(frozen=True, kw_only=True)
class Band:
    """The values that fit, both ends included, an open end is None; they lie around ``middle``: median or trend."""

    middle: Decimal
    of: str = "median"
    low: Decimal | None
    high: Decimal | None

    def holds(self, value: Decimal) -> bool:
        """Whether a finite value lies in the band."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def off_by(self, value: Decimal) -> Decimal:
        """How far a value lies outside the band, 0 inside it."""
        below = self.low - value if self.low is not None else Decimal(0)
        above = value - self.high if self.high is not None else Decimal(0)
        return max(below, above, Decimal(0))

    def __str__(self) -> str:
        if self.low is None or self.high is None:
            return f"at least {shown(self.low)}" if self.high is None else f"at most {shown(self.high)}"
        return f"{shown(self.low)} to {shown(self.high)}"


def published(request: Request) -> list[Decimal]:
    """What the check measured in the latest published periods, oldest first."""
    past = request.context.history(request.check.check) if request.context.history is not None else ()
    # A check that wants more of them than a year has gets what it wants.
    return latest(past, max(request.count("maximum_history", LATEST), request.count("minimum_history", 0)))


def latest(past: Iterable[Decimal], most: int = LATEST) -> list[Decimal]:
    """The last finite values of a history, oldest first."""
    return [value for value in past if value.is_finite()][-max(most, 1) :]


def fitting(kwargs: Mapping[str, Json], past: Sequence[Decimal], rows: int) -> Band:
    """The band that the kwargs of a check allow after ``past``; ``rows`` are those measured now."""
    metric = str(kwargs["metric"])
    low, high, mads = (decimal(kwargs.get(name)) for name in ("low", "high", "mads"))
    least = {"row_count": Decimal(1), "null_share": least_share(rows)}.get(metric, Decimal(0))
    if mads is None:
        return band_of_ratios(past, low, high, least=least)
    return band_of_deviations(past, mads, least=least, grows=metric in _GROWING)


def least_share(rows: int) -> Decimal:
    """The least by which shares of so many rows differ."""
    return max(LEAST_SHARE, _READABLE.divide(Decimal(1), Decimal(max(rows, 1))))


def band_of_ratios(
    history: Sequence[Decimal], low: Decimal | None, high: Decimal | None, *, least: Decimal = Decimal(0)
) -> Band:
    """The band between two ratios to the median; a negative median turns them round, so -120 is 1.2 times -100.

    An end that would be nearer to the median than ``least`` is that far from it.
    """
    middle = median(history)
    ends = [None if ratio is None else _rounded(ratio * middle) for ratio in (low, high)]
    return Band(
        middle=middle,
        low=_apart(ends[middle < 0], middle, -least),
        high=_apart(ends[middle >= 0], middle, least),
    )


def _apart(end: Decimal | None, middle: Decimal, distance: Decimal) -> Decimal | None:
    return end if end is None or abs(end - middle) >= abs(distance) else _rounded(middle + distance)


def band_of_deviations(
    history: Sequence[Decimal], mads: Decimal, *, least: Decimal = Decimal(0), grows: bool = False
) -> Band:
    """The band of so many median absolute deviations, each at least ``least``, around the median.

    What ``grows`` is compared with its trend once there are enough periods for a line.
    """
    on_a_line = grows and len(history) >= _LEAST_OF_A_LINE
    values = _carried(history) if on_a_line else history
    middle = median(values)
    spread = median([abs(value - middle) for value in values]) * (_beyond(len(values)) if on_a_line else 1)
    reach = mads * max(spread, LEAST_DEVIATION * abs(middle), least)
    of = "trend" if on_a_line else "median"
    return Band(middle=middle, of=of, low=_rounded(middle - reach), high=_rounded(middle + reach))


def _carried(history: Sequence[Decimal]) -> Sequence[Decimal]:
    """The values as they would be in the next period, each moved along the line through all of them.

    The line has the median of the slopes between any two (Theil-Sen), which one outlier in four does not turn.
    """
    slopes = [(later - value) / (m - n) for (n, value), (m, later) in combinations(enumerate(history), 2)]
    slope = _READABLE.plus(median(slopes))
    return [value + slope * (len(history) - n) for n, value in enumerate(history)]


def _beyond(periods: int) -> Decimal:
    """By how much more the next period strays from a line than those it was drawn through: twice at six, 1.4 at twelve.

    The line fits its own periods too well by the two numbers it is made of, and errs more the further it is drawn out.
    """
    n = Decimal(periods)
    return _READABLE.multiply((1 + 1 / n + 3 * (n + 1) / (n * (n - 1))).sqrt(), n / (n - 2))


def _rounded(value: Decimal) -> Decimal:
    return PRECISION.plus(value)
