"""The steps of a run by name: an error is told with the name of its step, and the time each took is kept."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

BEFORE_READING = ("starting", "opening the warehouse", "pinning the inputs", "starting Spark")


class Steps:
    """The stopwatch of one run: ``name`` is that of the step it is in, ``seconds`` those of the steps that ended."""

    def __init__(self, run: str) -> None:
        self.name = "starting"
        self.seconds: dict[str, float] = {}
        self._run = run
        self._clock = self._began = time.monotonic()
        self._spark: SparkSession | None = None

    def begin(self, name: str) -> None:
        """End the step that is on, and begin one."""
        now = time.monotonic()
        self.seconds[self.name] = self.seconds.get(self.name, 0.0) + now - self._began
        self.name, self._began = name, now
        if self._spark is not None:
            # The stages of this step carry its name, in Spark's UI and in what is told of them.
            self._spark.sparkContext.setJobGroup(self._run, name)

    def name_in(self, spark: SparkSession) -> None:
        """From the next step on, give its name to what a session computes."""
        self._spark = spark

    def of(self, names: Iterable[str]) -> float:
        """The seconds of these steps together."""
        return sum(self.seconds.get(name, 0.0) for name in names)

    @property
    def total(self) -> float:
        """Seconds since the run began, by the monotonic clock."""
        return round(time.monotonic() - self._clock, 3)
