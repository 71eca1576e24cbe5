"""Types of CSV columns that nobody declared: taken from the text, and only where each value prints back as written.

A column is a number, a day, an instant or a boolean where every value of it is one, so written that the same value
cannot stand there in two ways; any other column stays text. Decimals are decimal, never binary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dq.spark.identifiers import quote

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

# One bit for what a value is, so that or-ing them says what a column holds.
_WHOLE, _DECIMAL, _DAY, _INSTANT, _BOOLEAN, _TEXT = (1 << n for n in range(6))
# And for how it is written, where a value can be written in several ways.
_LAST_ZERO, _ONLY_ZERO, _NO_FRACTION, _NAIVE, _UTC, _OFFSET, _WITH_T, _WITH_SPACE, _SECONDS, _NO_SECONDS = (
    1 << n for n in range(6, 16)
)
_MAX_DIGITS = 38
_LONGEST = 42
# Spark compiles a hundred buffer fields in one aggregate; a column takes three.
_COLUMNS_PER_PASS = 30

# The end as SQL spells it: $ also matches before a line end, which is one more way to write a value.
_END = r"\\z"
_DIGITS = "(?:0|[1-9][0-9]*)"
_TIME = "[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.][0-9]{1,6})?)?(?:Z|[+-][0-9]{2}:[0-9]{2})?"


# What values are called that may be alike in a column, by their bits.
_KINDS = {
    "a number": (_WHOLE | _DECIMAL, 0),
    "a day": (_DAY, 0),
    "an instant without a zone": (_INSTANT, _NAIVE),
    "an instant with a zone": (_INSTANT, _UTC | _OFFSET),
    "true or false": (_BOOLEAN, 0),
}
_KIND = "CASE {} ELSE '' END".format(
    " ".join(
        f"WHEN one.bits & {of} != 0 AND ({how} = 0 OR one.bits & {how} != 0) THEN '{kind}'"
        for kind, (of, how) in _KINDS.items()
    )
)
_FEW = 10
"""One in so many values, or a single one, is what keeps a column text; of more, text is what the column is."""


@dataclass(frozen=True, kw_only=True)
class Odd:
    """A value that keeps a column text, which is for finding its row and never shown, and what that row does."""

    column: str
    value: str
    does: str


@dataclass(frozen=True, kw_only=True)
class Patterns:
    """Spark's patterns by which days and times are written otherwise than ISO 8601 has them; empty for none."""

    day: str = ""
    time: str = ""


@dataclass(frozen=True, kw_only=True)
class Types:
    """The types of columns that need not stay text; those that stay although some values are more; and those that stay
    since some value of a type is written in two ways. ``written`` are those read by a pattern."""

    of: Mapping[str, str]
    mixed: Sequence[str]
    written_twice: Mapping[str, str]
    written: Mapping[str, str] = field(default_factory=dict)


def typed(frame: DataFrame, types: Types) -> DataFrame:
    """A frame whose text columns have the types their values allow."""
    from pyspark.sql import functions as F

    return frame.select(
        *(_value(name, types).alias(name) if name in types.of else F.col(quote(name)) for name in frame.columns)
    )


def _value(name: str, types: Types) -> Column:
    from pyspark.sql import functions as F

    text = _quoted(name)
    if name in types.written:
        return F.try_to_timestamp(text, F.lit(types.written[name])).cast(types.of[name])
    return text.cast(types.of[name])


def types_of(frame: DataFrame, columns: Sequence[str], patterns: Patterns | None = None) -> Types:
    """The type of each text column that need not stay text: one pass, and one more where a number has two spellings.

    With patterns one more: a column is a day or a time by one where every value prints back by it as it is written.
    """
    by_pattern = _by_pattern(frame, columns, patterns) if patterns and columns else {}
    columns = [name for name in columns if name not in by_pattern]
    seen: dict[str, tuple[int, int, int]] = {}
    for start in range(0, len(columns), _COLUMNS_PER_PASS):
        seen |= _look(frame, columns[start : start + _COLUMNS_PER_PASS])
    found: dict[str, str] = {}
    mixed: list[str] = []
    twice: dict[str, str] = {}
    for name, (bits, whole, fraction) in seen.items():
        type_, sure = _type(bits, whole, fraction)
        if type_ and (sure or _one_to_one(frame, name, type_)):
            found[name] = type_
        elif type_:
            twice[name] = type_
        elif bits & ~_TEXT:
            mixed.append(name)
    found |= {name: type_ for name, (type_, _) in by_pattern.items()}
    written = {name: pattern for name, (_, pattern) in by_pattern.items()}
    return Types(of=found, mixed=mixed, written_twice=twice, written=written)


def _by_pattern(frame: DataFrame, columns: Sequence[str], patterns: Patterns) -> dict[str, tuple[str, str]]:
    """The columns whose every value is a day or a time by a pattern, with type and pattern."""
    from pyspark.sql import functions as F

    wanted = [(type_, one) for type_, one in (("date", patterns.day), ("timestamp", patterns.time)) if one]
    counts = [F.count(_quoted(name)) for name in columns]
    for _, pattern in wanted:
        for name in columns:
            printed = F.date_format(F.try_to_timestamp(_quoted(name), F.lit(pattern)), pattern)
            counts.append(F.count(F.when(printed == _quoted(name), 1)))
    row = frame.agg(*counts).collect()[0]
    found: dict[str, tuple[str, str]] = {}
    for place, (type_, pattern) in enumerate(wanted, start=1):
        for n, name in enumerate(columns):
            if row[n] and row[n] == row[place * len(columns) + n]:
                found.setdefault(name, (type_, pattern))
    return found


def odd_values(frame: DataFrame, types: Types) -> list[Odd]:
    """The values, one a column, that keep columns text whose other values are alike; one pass, and one for each column
    with values that are written in two ways."""
    from pyspark.sql import functions as F

    found = []
    if types.mixed:
        values = F.array(
            *(
                F.struct(
                    F.lit(name).alias("column"), F.expr(_bits(quote(name))).alias("bits"), _quoted(name).alias("v")
                )
                for name in types.mixed
            )
        )
        rows = frame.select(F.explode(values).alias("one")).select("one.column", "one.v", F.expr(_KIND).alias("kind"))
        counted = (
            rows.where("v IS NOT NULL")
            .groupBy("column", "kind")
            .agg(F.count("v").alias("n"), F.min("v").alias("value"))
            .collect()
        )
        for name in types.mixed:
            most, *rest = sorted((row for row in counted if row["column"] == name), key=lambda row: -row["n"])
            few = sum(row["n"] for row in rest)
            if 0 < few < most["n"] and most["kind"] and (few == 1 or few * _FEW <= most["n"]):
                does = f"is not {most['kind']}, as the other values are"
                found.append(Odd(column=name, value=rest[0]["value"], does=does))
    for name, type_ in types.written_twice.items():
        text = _quoted(name)
        spelled = frame.groupBy(text.cast(type_).alias("value")).agg(F.min(text).alias("low"), F.max(text).alias("v"))
        row = spelled.where("low <> v").agg(F.min("v")).collect()[0]
        if row[0] is not None:
            does = "writes a value that another row writes otherwise, as 1.10 is beside 1.1"
            found.append(Odd(column=name, value=row[0], does=does))
    return found


def _look(frame: DataFrame, names: Sequence[str]) -> dict[str, tuple[int, int, int]]:
    """What the values of columns are and how they are written, and which numbers of digits they have, as bits."""
    from pyspark.sql import functions as F

    aggregates: list[Column] = []
    for name in names:
        value = quote(name)
        # Of text longer than any number the digits do not matter, and would not fit the bits.
        short = f"CASE WHEN length({value}) <= {_LONGEST} THEN {value} END"
        whole = f"length(regexp_extract({short}, '^-?([0-9]+)', 1))"
        fraction = f"length(regexp_extract({short}, '[.]([0-9]+)', 1))"
        aggregates += [
            F.bit_or(F.expr(_bits(value))),
            F.bit_or(F.expr(f"shiftleft(1L, {whole})")),
            F.bit_or(F.expr(f"shiftleft(1L, {fraction})")),
        ]
    row = frame.agg(*aggregates).collect()[0]
    return {name: (row[3 * n] or 0, row[3 * n + 1] or 0, row[3 * n + 2] or 0) for n, name in enumerate(names)}


def _bits(value: str) -> str:
    """The SQL that says of a value what it is and how it is written; NULL of NULL."""
    zero = f"CASE WHEN {value} RLIKE '[.][0-9]*0(?:Z|[+-][0-9:]+)?{_END}' THEN {_LAST_ZERO} ELSE 0 END"
    only = f"CASE WHEN {value} RLIKE '[.]0{_END}' THEN {_ONLY_ZERO} ELSE {zero} END"
    zone = (
        f"CASE WHEN {value} LIKE '%Z' THEN {_UTC} WHEN {value} RLIKE '[+-][0-9]{{2}}:[0-9]{{2}}{_END}' THEN {_OFFSET} "
        f"ELSE {_NAIVE} END"
    )
    mark = f"CASE WHEN substring({value}, 11, 1) = 'T' THEN {_WITH_T} ELSE {_WITH_SPACE} END"
    seconds = f"CASE WHEN substring({value}, 17, 1) = ':' THEN {_SECONDS} ELSE {_NO_SECONDS} END"
    day, instant = f"try_cast({value} AS date) IS NOT NULL", f"try_cast({value} AS timestamp) IS NOT NULL"
    return f"""CASE
        WHEN {value} IS NULL THEN NULL
        WHEN length({value}) > {_LONGEST} THEN {_TEXT}
        WHEN {value} RLIKE '^-0[.]0+{_END}' THEN {_TEXT}
        WHEN {value} RLIKE '^-?{_DIGITS}{_END}' AND {value} != '-0' THEN {_WHOLE | _NO_FRACTION}
        WHEN {value} RLIKE '^-?{_DIGITS}[.][0-9]+{_END}' THEN {_DECIMAL} | {only}
        WHEN {value} RLIKE '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}{_END}' AND {value} >= '0001' AND {day} THEN {_DAY}
        WHEN {value} RLIKE '^{_TIME}{_END}' AND {value} >= '0001' AND {instant}
            THEN {_INSTANT} | {zero} | {zone} | {mark} | {seconds}
        WHEN {value} IN ('true', 'false') THEN {_BOOLEAN}
        ELSE {_TEXT} END"""


def _type(bits: int, whole: int, fraction: int) -> tuple[str, bool]:
    """The type of a column, empty for text, and whether its values are all written in the same one way."""
    kinds = bits & (_WHOLE | _DECIMAL | _DAY | _INSTANT | _BOOLEAN | _TEXT)
    digits, places = whole.bit_length() - 1, fraction.bit_length() - 1
    same_places = fraction.bit_count() == 1
    if kinds == _WHOLE and digits <= _MAX_DIGITS:
        return ("int" if digits <= 9 else "bigint" if digits <= 18 else f"decimal({digits},0)"), True
    if kinds in (_DECIMAL, _WHOLE | _DECIMAL) and digits + places <= _MAX_DIGITS:
        # 10.5 and 7 and 0.25, or 10.5 and 7.0 and 0.25; but 1.1 and 1.10 may be two versions of something.
        shortest = not bits & _LAST_ZERO and not (bits & _ONLY_ZERO and bits & _NO_FRACTION)
        return f"decimal({digits + places},{places})", same_places or shortest
    if kinds == _DAY:
        return "date", True
    if kinds == _BOOLEAN:
        return "boolean", True
    if kinds == _INSTANT and not (bits & _NAIVE and bits & (_UTC | _OFFSET)):
        one_way = (bits & (_NAIVE | _UTC | _OFFSET)) in (_NAIVE, _UTC)
        one_way &= (bits & (_WITH_T | _WITH_SPACE)) in (_WITH_T, _WITH_SPACE)
        one_way &= (bits & (_SECONDS | _NO_SECONDS)) in (_SECONDS, _NO_SECONDS)
        return "timestamp", one_way and (same_places or not bits & _LAST_ZERO)
    return "", True


def _one_to_one(frame: DataFrame, name: str, type_: str) -> bool:
    """Whether no two different texts of a column are the same value of a type."""
    from pyspark.sql import functions as F

    text = _quoted(name)
    texts, values = frame.agg(F.count_distinct(text), F.count_distinct(text.cast(type_))).collect()[0]
    return bool(texts == values)


def _quoted(name: str) -> Column:
    from pyspark.sql import functions as F

    return F.col(quote(name))
