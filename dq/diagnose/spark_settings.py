"""How an application was set: heaps, cores and other settings, as its facts hold them or else by Spark's defaults."""

from __future__ import annotations

import re

from dq.diagnose.facts import Facts
from dq.diagnose.findings import size_of


def driver_heap(facts: Facts) -> int:
    """The driver's heap in bytes, by its setting or Spark's default of 1 GiB."""
    return setting_size(facts, "spark.driver.memory", 1 << 30)


def executor_heap(facts: Facts) -> int:
    """An executor's heap in bytes; in local mode that of the driver."""
    return driver_heap(facts) if facts.local else setting_size(facts, "spark.executor.memory", 1 << 30)


def heap_of(facts: Facts, executor: str) -> int:
    """The heap of an executor by its name, which may be the driver, in bytes."""
    return driver_heap(facts) if executor == "driver" else executor_heap(facts)


def heap_key(facts: Facts, executor: str = "") -> str:
    """The setting of an executor's heap."""
    return "spark.driver.memory" if facts.local or executor == "driver" else "spark.executor.memory"


def setting_size(facts: Facts, key: str, default: int) -> int:
    """A memory setting in bytes; without a unit Spark takes mebibytes."""
    given = facts.settings.get(key, "")
    return (size_of(given, "m") if given else None) or default


# What Spark keeps of a heap for itself, and how much of the rest tasks share by default (spark.memory.fraction).
RESERVED = 300 << 20
FRACTION = 0.6
MOST_SHARE = 10.0


def task_memory(facts: Facts) -> int:
    """About the bytes one task may sort or group in before it spills, with as many at work as an executor has cores."""
    share = setting_share(facts, "spark.memory.fraction", FRACTION)
    return max(1, int((executor_heap(facts) - RESERVED) * share / cores(facts)))


def setting_share(facts: Facts, key: str, default: float) -> float:
    """A setting that is a share, or a factor of a few; the default for anything else."""
    try:
        share = float(facts.settings.get(key, default))
    except ValueError:
        return default
    return share if 0 < share <= MOST_SHARE else default


def setting_seconds(facts: Facts, key: str, default: int) -> int:
    """A time in seconds, at least one; without a unit Spark takes seconds."""
    match = re.fullmatch(r"([0-9]{1,9})(ms|s|m|min|h)?", facts.settings.get(key, "").strip())
    units = {"ms": 0.001, "m": 60, "min": 60, "h": 3600}
    return max(1, int(int(match[1]) * units.get(match[2] or "s", 1))) if match else default


def setting_number(facts: Facts, key: str, default: int) -> int:
    """A setting that is a count; the default for anything else, such as ``auto``."""
    given = facts.settings.get(key, "")
    return int(given) if re.fullmatch(r"[0-9]{1,9}", given) else default


def cores(facts: Facts) -> int:
    """How many tasks share a heap: by the settings, else by what executors said of themselves; 1 where neither says."""
    text = facts.settings.get("spark.master" if facts.local else "spark.executor.cores", "")
    digits = text.removeprefix("local[").removesuffix("]").split(",")[0]
    if re.fullmatch(r"[0-9]{1,6}", digits):
        return max(1, int(digits))
    return max([1, *(one.cores for one in facts.executors.values())])  # all of the machine, or of a worker
