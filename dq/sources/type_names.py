"""Spark SQL type names as plain text: their one spelling, and what a Parquet column's type is called in Spark."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

_SPELLINGS = {
    "string": "string",
    "boolean": "boolean",
    "tinyint": "tinyint",
    "byte": "tinyint",
    "smallint": "smallint",
    "short": "smallint",
    "int": "int",
    "integer": "int",
    "bigint": "bigint",
    "long": "bigint",
    "float": "float",
    "real": "float",
    "double": "double",
    "date": "date",
    "timestamp": "timestamp",
    "timestamp_ltz": "timestamp",
    "timestamp_ntz": "timestamp_ntz",
    "binary": "binary",
}
CHOICES = (*sorted(set(_SPELLINGS.values())), "decimal(p,s)", "array<t>", "map<k,v>", "struct<name:t>")
INTEGERS = ("tinyint", "smallint", "int", "bigint")
_TOKEN = re.compile(r"\s*([A-Za-z_]\w*|\d+|[<>(),:])")
MAX_PRECISION = 38


def canonical(text: str) -> str:
    """The one spelling of a Spark SQL type (``integer`` is ``int``, ``DECIMAL(18, 2)`` is ``decimal(18,2)``).

    Raises ValueError with the valid choices where Spark has no such type.
    """
    tokens: list[str] = []
    position = 0
    stripped = text.strip()
    while position < len(stripped):
        match = _TOKEN.match(stripped, position)
        if match is None:
            raise _unknown(text)
        tokens.append(match[1])
        position = match.end()
    found = _parse(tokens, text)
    if tokens:
        raise _unknown(text)
    return found


def _parse(tokens: list[str], text: str) -> str:
    name = _next(tokens, text).lower()
    if name in ("decimal", "numeric", "dec"):
        return _decimal(tokens, text)
    if name == "array":
        _expect(tokens, "<", text)
        element = _parse(tokens, text)
        _expect(tokens, ">", text)
        return f"array<{element}>"
    if name == "map":
        _expect(tokens, "<", text)
        key = _parse(tokens, text)
        _expect(tokens, ",", text)
        value = _parse(tokens, text)
        _expect(tokens, ">", text)
        return f"map<{key},{value}>"
    if name == "struct":
        _expect(tokens, "<", text)
        fields = [_field(tokens, text)]
        while tokens and tokens[0] == ",":
            tokens.pop(0)
            fields.append(_field(tokens, text))
        _expect(tokens, ">", text)
        return f"struct<{','.join(fields)}>"
    if name not in _SPELLINGS:
        raise _unknown(text)
    return _SPELLINGS[name]


def _decimal(tokens: list[str], text: str) -> str:
    precision, scale = 10, 0
    if tokens and tokens[0] == "(":
        tokens.pop(0)
        precision = _number(tokens, text)
        if tokens and tokens[0] == ",":
            tokens.pop(0)
            scale = _number(tokens, text)
        _expect(tokens, ")", text)
    if not 1 <= precision <= MAX_PRECISION or scale > precision:
        raise ValueError(f"{text} is not a decimal: precision 1 to {MAX_PRECISION}, scale at most the precision")
    return f"decimal({precision},{scale})"


def _field(tokens: list[str], text: str) -> str:
    name = _next(tokens, text)
    _expect(tokens, ":", text)
    return f"{name}:{_parse(tokens, text)}"


def _number(tokens: list[str], text: str) -> int:
    token = _next(tokens, text)
    if not token.isdigit():
        raise _unknown(text)
    return int(token)


def _next(tokens: list[str], text: str) -> str:
    if not tokens:
        raise _unknown(text)
    return tokens.pop(0)


def _expect(tokens: list[str], token: str, text: str) -> None:
    if _next(tokens, text) != token:
        raise _unknown(text)


def _unknown(text: str) -> ValueError:
    return ValueError(f"{text!r} is not a Spark SQL type; valid: {', '.join(CHOICES)}")


def decimal_parts(name: str) -> tuple[int, int] | None:
    """Precision and scale of a canonical decimal type, None for any other type."""
    match = re.fullmatch(r"decimal\((\d+),(\d+)\)", name)
    return (int(match[1]), int(match[2])) if match else None


def is_number(name: str) -> bool:
    """Whether values of a canonical type are numbers."""
    return name in (*INTEGERS, "float", "double") or decimal_parts(name) is not None


def of_arrow(type_: pa.DataType, *, int96: bool = False, orc: bool = False) -> str:
    """What Spark calls a column that pyarrow reads as ``type_``; what Spark cannot read keeps Arrow's name.

    ``int96`` says that the column is stored as INT96: Spark reads that as an instant, Arrow as a wall-clock time.
    ``orc`` says that it is one of an ORC file, which holds nanoseconds that Spark cuts off.
    """
    import pyarrow as pa

    is_ = pa.types
    if is_.is_dictionary(type_):
        return of_arrow(type_.value_type, int96=int96, orc=orc)
    if is_.is_timestamp(type_):
        if int96:
            return "timestamp"
        # Spark 4 refuses TIMESTAMP(NANOS) columns unless they are read as plain integers.
        if type_.unit == "ns" and not orc:
            return "timestamp(ns)"
        return "timestamp" if type_.tz else "timestamp_ntz"
    if is_.is_decimal(type_):
        return f"decimal({type_.precision},{type_.scale})"
    if is_.is_list(type_) or is_.is_large_list(type_) or is_.is_fixed_size_list(type_):
        return f"array<{of_arrow(type_.value_type, int96=int96, orc=orc)}>"
    if is_.is_map(type_):
        return f"map<{of_arrow(type_.key_type, orc=orc)},{of_arrow(type_.item_type, orc=orc)}>"
    if is_.is_struct(type_):
        return f"struct<{','.join(f'{field.name}:{of_arrow(field.type, orc=orc)}' for field in type_)}>"
    if is_.is_large_string(type_) or is_.is_string(type_) or is_.is_string_view(type_):
        return "string"
    if is_.is_large_binary(type_) or is_.is_binary(type_) or is_.is_fixed_size_binary(type_):
        return "binary"
    # Unsigned integers are read as the next wider signed type that holds them.
    names = {
        "bool": "boolean",
        "int8": "tinyint",
        "int16": "smallint",
        "int32": "int",
        "int64": "bigint",
        "uint8": "smallint",
        "uint16": "int",
        "uint32": "bigint",
        "uint64": "decimal(20,0)",
        "float": "float",
        "double": "double",
        "date32[day]": "date",
    }
    return names.get(str(type_), str(type_))
