"""How a measure is spread over tasks, in memory that does not grow with their number."""

from __future__ import annotations

import math
from collections import Counter

# Neighbouring buckets differ by two percent; a median is exact to that.
_STEP = math.log(1.02)


class Distribution:
    """How a measure is spread over tasks: count, sum and maximum exactly, quantiles to two percent."""

    __slots__ = ("_known", "buckets", "count", "largest", "total", "zeros")

    def __init__(self) -> None:
        self.count = 0
        self.total = 0.0
        self.largest = 0.0
        self.zeros = 0
        self.buckets: Counter[int] = Counter()
        self._known: tuple[float, float] | None = None

    @classmethod
    def known(
        cls, *, total: float, count: int = 0, median: float = 0.0, upper: float = 0.0, largest: float = 0.0
    ) -> Distribution:
        """A distribution somebody else has summed up; ``upper`` is its third quartile."""
        made = cls()
        made.total, made.count, made.largest = float(total), count, float(largest)
        made._known = float(median), float(upper)
        return made

    def add(self, value: float) -> None:
        """Count one task."""
        self.count += 1
        if value <= 0:
            self.zeros += 1
            return
        self.total += value
        self.largest = max(self.largest, value)
        if self._known is None:
            self.buckets[math.floor(math.log(value) / _STEP)] += 1

    @property
    def median(self) -> float:
        """The middle task's value, the lower of two; 0 without tasks."""
        return self._known[0] if self._known else self._at(0.5)

    @property
    def upper(self) -> float:
        """The third quartile: three of four tasks have this value or less; 0 without tasks."""
        return self._known[1] if self._known else self._at(0.75)

    def _at(self, share: float) -> float:
        wanted = math.ceil(self.count * share)
        seen = self.zeros
        if wanted <= seen:
            return 0.0
        for bucket in sorted(self.buckets):
            seen += self.buckets[bucket]
            if seen >= wanted:
                return min(math.exp((bucket + 0.5) * _STEP), self.largest)
        return self.largest

    def settle(self) -> None:
        """Keep median and third quartile as they are now, in place of what they are found by: the stage is over."""
        self._known = self.median, self.upper
        self.buckets.clear()

    @property
    def factor(self) -> float:
        """How many times the median the largest is; 0 where there are not two tasks to compare."""
        if self.count < 2 or not self.largest:
            return 0.0
        return self.largest / self.median if self.median else math.inf
