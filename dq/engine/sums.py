"""Sums that are the same in whatever order and on however many machines the rows are added."""

from __future__ import annotations

import math
from functools import reduce
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import Column
    from pyspark.sql.types import DataType

# A double is cut into whole numbers of these powers of two, of 30 bits each but for the first, which has what is above.
# Whole numbers add up exactly. What lies below the last, 5e-32, counts as nothing.
_POWERS = (46, 16, -14, -44, -74, -104)
_BITS = 30
# The buffer fields of a sum: one for each power, and one for what is not finite.
FIELDS = len(_POWERS) + 1


def summed(value: Column, *types: DataType) -> Column:
    """The sum of a number; of doubles without the rounding that depends on the order they are added in.

    ``types`` are those of the columns the number is made of. A double beyond 2^109 fails the query: its sum with others
    cannot be exact.
    """
    from pyspark.sql import functions as F
    from pyspark.sql.types import DoubleType, FloatType

    if not any(isinstance(type_, DoubleType | FloatType) for type_ in types):
        return F.sum(value)
    double = value.cast("double")
    strange = F.isnan(double) | (F.abs(double) == F.lit(math.inf))
    finite = F.when(~strange, double)

    def in_steps(power: int) -> Column:
        return F.rint(finite * F.lit(2.0**-power))

    carried: Column | None = None
    parts: list[Column] = []
    for power in reversed(_POWERS):
        steps = in_steps(power)
        if power != _POWERS[0]:
            steps = steps - in_steps(power + _BITS) * F.lit(2.0**_BITS)
        count = F.sum(steps.cast("bigint"))
        if carried is not None:
            count = count + carried
        # What is more than 30 bits goes up, so that the parts do not cancel when they are put together as a double.
        carried = F.shiftright(count + F.lit(2 ** (_BITS - 1)), _BITS)
        left = count if power == _POWERS[0] else count - F.shiftleft(carried, _BITS)
        parts.append(left.cast("double") * F.lit(2.0**power))
    return F.coalesce(F.sum(F.when(strange, double)), reduce(lambda low, high: low + high, parts))


def counts(value: Column | str) -> Column:
    """The sum of whole numbers, such as counts, that is the same in any order as it stands."""
    from pyspark.sql import functions as F

    return F.sum(value)
