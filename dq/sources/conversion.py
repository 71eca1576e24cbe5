"""Values into the contract's types: what cannot be converted without loss becomes NULL and can be counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dq.sources.type_names import INTEGERS, decimal_parts
from dq.spark.spark_versions import try_cast

if TYPE_CHECKING:
    from pyspark.sql import Column

# Spark also takes 2024 and 2024-10 for dates; half a date in a file is a mistake, not the first of January.
_WHOLE_DATE = r"^\s*\d{4}-\d{1,2}-\d{1,2}(\s*$|[T ])"
_ZONED = r"(?i)\d(Z|UTC|GMT|[+-]\d{1,2}(:?\d{2})?)\s*$"
_CLOCK = r":"
_DIGITS = 38
_LONG_DIGITS = 19


def convert(value: Column, found: str, wanted: str) -> Column:
    """``value`` of type ``found`` as ``wanted``, both canonical type names; NULL where it cannot be said exactly.

    Not convertible are: text that is not such a value, NaN and infinity where the type has none, what overflows, and
    what would be rounded (1.239 as cents, 2.5 as a whole number). A binary fraction (double) is rounded to the decimal
    it stands for.
    """
    if found == wanted:
        return value
    if wanted == "date" and found == "string":
        return try_cast(_matching(value, _WHOLE_DATE), wanted)
    if wanted == "timestamp" and found == "string":
        return instant(value, "UTC")
    if wanted in INTEGERS or decimal_parts(wanted):
        return _exact(value, found, wanted)
    return try_cast(value, wanted)


def instant(text: Column, zone: str) -> Column:
    """A time written as text as a UTC instant; without a zone of its own it is a wall-clock time in ``zone``."""
    from pyspark.sql import functions as F

    whole = _matching(text, _WHOLE_DATE)
    parsed = try_cast(whole, "timestamp")
    # A date has hyphens like an offset: only what has a clock time can have an offset behind it.
    zoned = whole.contains(_CLOCK) & whole.rlike(_ZONED)
    return F.when(zoned, parsed).otherwise(from_wall_clock(parsed, zone))


def from_wall_clock(value: Column, zone: str) -> Column:
    """A wall-clock time in ``zone``, read as if it were UTC, as the UTC instant it means.

    In the hour that a clock is put back, the first passing is meant; a time that was skipped moves on by the gap.
    """
    from pyspark.sql import functions as F

    stamp = value.cast("timestamp")
    return stamp if zone in ("", "UTC") else F.to_utc_timestamp(stamp, zone)


def _exact(value: Column, found: str, wanted: str) -> Column:
    """A number or text as a decimal or whole number, NULL where digits would be lost."""
    from pyspark.sql import functions as F

    narrow = try_cast(value, wanted)
    precision, scale = decimal_parts(wanted) or (_LONG_DIGITS, 0)
    if found in ("float", "double"):
        return narrow if decimal_parts(wanted) else F.when(value == F.floor(value), narrow)
    source = decimal_parts(found)
    if found == "string":
        # As many digits behind the point as leave room for those before it: there a digit too many shows.
        wide = try_cast(value, f"decimal({_DIGITS},{_DIGITS - (precision - scale)})")
        narrow = try_cast(wide, wanted)
    elif source is not None and source[1] > scale:
        wide = value
    else:
        return narrow
    return F.when(wide == narrow, narrow)


def _matching(text: Column, pattern: str) -> Column:
    from pyspark.sql import functions as F

    return F.when(text.rlike(pattern), text)
