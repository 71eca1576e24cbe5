"""Run records as JSON and back: strict both ways, finite numbers, money and large integers as text, instants in UTC.

Written text is ASCII, so a lone surrogate that came with the data is stored as an escape and returns unchanged.
"""

from __future__ import annotations

import dataclasses
import json
import math
import types
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import TypeVar, Union, cast, get_args, get_origin, get_type_hints

from dq.base.errors import DqError, choices
from dq.base.model import Json, RunRecord

SCHEMA = 1
T = TypeVar("T")
# Beyond it a reader that keeps numbers as doubles (JavaScript, jq) would change the value.
_EXACT = 2**53
# What tells dq.base.model.Json from an optional field once its forward references are resolved.
_SCALARS = {bool, int, float, str}


class RecordError(DqError):
    """A run record that cannot be written as JSON, or JSON that is not one."""


def to_json(record: RunRecord, *, indent: int | None = None) -> str:
    """The JSON text of a run record; equal records give equal text."""
    return json.dumps(to_dict(record), allow_nan=False, sort_keys=True, indent=indent)


def from_json(text: str) -> RunRecord:
    """The run record in a JSON text, or a RecordError with the key that is wrong."""
    try:
        doc = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unique_keys)
    except (ValueError, RecursionError) as error:
        raise RecordError(f"not JSON: {error}", expected="the JSON text of a run record") from None
    return from_dict(doc)


def to_dict(record: RunRecord) -> dict[str, Json]:
    """The plain JSON document of a run record, with the number of its schema."""
    return {"schema": SCHEMA, **cast("dict[str, Json]", _encode(record, "record"))}


def from_dict(doc: object) -> RunRecord:
    """The run record in a JSON document; unknown, missing and mistyped keys are errors."""
    if not isinstance(doc, dict):
        raise RecordError("a run record is a JSON object", where="record")
    fields = dict(doc)
    schema = fields.pop("schema", None)
    if schema != SCHEMA or isinstance(schema, bool):
        raise RecordError(f"schema {schema!r} is not known", where="record.schema", expected=str(SCHEMA))
    return cast(RunRecord, _decode(RunRecord, fields, "record"))


def instant(value: datetime) -> str:
    """An instant as ISO 8601 text in UTC, ending in Z."""
    if value.tzinfo is None:
        raise RecordError(f"{value.isoformat()} has no time zone", expected="a UTC instant")
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def decode(cls: type[T], doc: object, where: str) -> T:
    """The record of a class in a plain document; unknown, missing and mistyped keys are errors."""
    return cast(T, _decode(cls, doc if not isinstance(doc, Mapping) else dict(doc), where))


def plain(value: object, where: str = "value") -> Json:
    """A value as JSON can carry it without loss: no NaN, no binary money, no integer beyond 2**53."""
    return _encode(value, where)


def _encode(value: object, where: str) -> Json:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return int(value) if abs(value) < _EXACT else str(int(value))
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(value)
    if isinstance(value, Decimal):
        return format(value, "f") if value.is_finite() else str(value)
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _encode(getattr(value, f.name), f"{where}.{f.name}") for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _encode(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, bytes | bytearray):
        items = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        return [_encode(item, f"{where}[{number}]") for number, item in enumerate(items)]
    raise RecordError(f"a {type(value).__name__} cannot be written", where=where, expected="a JSON value")


@cache
def _hints(cls: type) -> Mapping[str, object]:
    return get_type_hints(cls)


def _decode(hint: object, value: object, where: str) -> object:
    origin = get_origin(hint)
    if set(get_args(hint)) >= _SCALARS:
        return _json(value, where)
    if origin in (Union, types.UnionType):
        options = [option for option in get_args(hint) if option is not type(None)]
        return None if value is None else _decode(options[0], value, where)
    if origin is Sequence:
        if not isinstance(value, list):
            raise _mistyped(value, where, "a list")
        return tuple(_decode(get_args(hint)[0], item, f"{where}[{number}]") for number, item in enumerate(value))
    if origin is Mapping:
        if not isinstance(value, dict):
            raise _mistyped(value, where, "an object")
        return {key: _decode(get_args(hint)[1], item, f"{where}.{key}") for key, item in value.items()}
    if not isinstance(hint, type):
        raise RecordError(f"no reader for {hint}", where=where)
    if dataclasses.is_dataclass(hint):
        return _decode_record(hint, value, where)
    return _decode_scalar(hint, value, where)


def _decode_record(cls: type, value: object, where: str) -> object:
    if not isinstance(value, dict):
        raise _mistyped(value, where, "an object")
    fields = {f.name: f for f in dataclasses.fields(cls)}
    unknown = sorted(set(value) - set(fields))
    if unknown:
        raise RecordError(f"unknown key {unknown[0]}", where=where, expected=choices(unknown[0], list(fields)))
    missing = [
        name
        for name, f in fields.items()
        if name not in value and f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise RecordError(f"missing {', '.join(missing)}", where=where)
    hints = _hints(cls)
    return cls(**{name: _decode(hints[name], item, f"{where}.{name}") for name, item in value.items()})


def _decode_scalar(hint: type, value: object, where: str) -> object:
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if hint is int and isinstance(value, str) and value.lstrip("-").isdecimal() and abs(int(value)) >= _EXACT:
        return int(value)
    if hint in (bool, int, str) and type(value) is hint:
        return value
    if not isinstance(value, str):
        raise _mistyped(value, where, f"a {hint.__name__}")
    try:
        if issubclass(hint, StrEnum):
            return hint(value)
        if hint is datetime and value.endswith("Z"):
            return datetime.fromisoformat(value)
        if hint is date and len(value) == len("YYYY-MM-DD"):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise _mistyped(value, where, f"a {hint.__name__}")


def _json(value: object, where: str) -> Json:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, list):
        return [_json(item, f"{where}[{number}]") for number, item in enumerate(value)]
    if isinstance(value, dict):
        return {str(key): _json(item, f"{where}.{key}") for key, item in value.items()}
    raise _mistyped(value, where, "a finite JSON value")


def _mistyped(value: object, where: str, expected: str) -> RecordError:
    # The value itself may be data: only its type is told.
    return RecordError(f"a {type(value).__name__} where it cannot be", where=where, expected=expected)


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not a JSON number")


def _unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key appears twice in one object")
    return found
