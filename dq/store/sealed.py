"""Sealed documents: strict JSON that carries its own checksum, so that a torn or edited file is never believed."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import cast

from dq.base.errors import StoreError
from dq.base.model import Json

CHECKSUM = "sha256"


class TornDocumentError(ValueError):
    """Bytes that are not a whole document as it was written: cut short, edited, or of another shape."""


def to_json(value: object, where: str = "document") -> Json:
    """A value as strict JSON: decimals as text, instants in UTC, dates as ISO text; NaN and infinity are refused."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float | Decimal):
        if not math.isfinite(value):
            raise StoreError(f"{value} cannot be stored", where=where, expected="a finite number or NULL")
        return value if isinstance(value, float) else format(value, "f")
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise StoreError("an instant without zone cannot be stored", where=where, expected="a UTC instant")
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        strange = [key for key in value if not isinstance(key, str)]
        if strange:
            raise StoreError(f"a {type(strange[0]).__name__} cannot be a key", where=where, expected="text keys")
        return {str(key): to_json(inner, f"{where}.{key}") for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [to_json(inner, f"{where}[{n}]") for n, inner in enumerate(value)]
    raise StoreError(f"a {type(value).__name__} cannot be stored", where=where, expected="plain JSON values")


def digest(value: object) -> str:
    """The SHA-256 of a value's canonical JSON, in hex."""
    return hashlib.sha256(_canonical(to_json(value))).hexdigest()


def encode(body: Mapping[str, object]) -> bytes:
    """A document as the bytes of its file: readable JSON with its checksum first."""
    plain = to_json(body)
    sealed = {CHECKSUM: hashlib.sha256(_canonical(plain)).hexdigest(), **cast("dict[str, Json]", plain)}
    return json.dumps(sealed, indent=1, allow_nan=False).encode("ascii") + b"\n"


def decode(content: bytes) -> Fields:
    """The document of a file's bytes; raises TornDocumentError unless every value is as it was written."""
    try:
        body = json.loads(content.decode("ascii"), object_pairs_hook=unique, parse_constant=no_constant)
        if not isinstance(body, dict):
            raise TornDocumentError("it is not an object")
        checksum = body.pop(CHECKSUM, None)
        if checksum != hashlib.sha256(_canonical(body)).hexdigest():
            raise TornDocumentError("its checksum does not match its contents")
    except TornDocumentError:
        raise
    except (ValueError, RecursionError) as error:
        raise TornDocumentError(f"it is not whole JSON ({type(error).__name__})") from error
    return Fields(body)


@dataclass(frozen=True)
class Fields:
    """The fields of a decoded document, read by name and type; another shape is a TornDocumentError."""

    body: Mapping[str, Json]

    def text(self, name: str) -> str:
        """A text field."""
        value = self.body.get(name)
        if not isinstance(value, str):
            raise TornDocumentError(f"its field {name} is not text")
        return value

    def integer(self, name: str) -> int:
        """A whole-number field."""
        value = self.body.get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise TornDocumentError(f"its field {name} is not a whole number")
        return value

    def optional_integer(self, name: str) -> int | None:
        """A whole-number field that may be NULL."""
        return None if self.body.get(name) is None else self.integer(name)

    def instant(self, name: str) -> datetime:
        """An instant with its zone."""
        try:
            value = datetime.fromisoformat(self.text(name))
        except ValueError as error:
            raise TornDocumentError(f"its field {name} is not an instant") from error
        if value.tzinfo is None:
            raise TornDocumentError(f"its field {name} has no zone")
        return value

    def day(self, name: str) -> date:
        """A calendar day."""
        try:
            return date.fromisoformat(self.text(name))
        except ValueError as error:
            raise TornDocumentError(f"its field {name} is not a day") from error

    def mapping(self, name: str) -> Mapping[str, Json]:
        """A mapping field, its values as they are."""
        value = self.body.get(name)
        if not isinstance(value, Mapping):
            raise TornDocumentError(f"its field {name} is not a mapping")
        return value

    def members(self, name: str) -> Mapping[str, Fields]:
        """A mapping field whose values are objects."""
        return {key: _fields(value, f"{name}.{key}") for key, value in self.mapping(name).items()}

    def items(self, name: str) -> Sequence[Json]:
        """A list field, its items as they are."""
        value = self.body.get(name)
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise TornDocumentError(f"its field {name} is not a list")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """A list field of texts."""
        items = self.items(name)
        if not all(isinstance(item, str) for item in items):
            raise TornDocumentError(f"its field {name} is not a list of texts")
        return tuple(str(item) for item in items)

    def objects(self, name: str) -> tuple[Fields, ...]:
        """A list field of objects."""
        return tuple(_fields(item, name) for item in self.items(name))


def _fields(value: Json, name: str) -> Fields:
    if not isinstance(value, Mapping):
        raise TornDocumentError(f"its field {name} is not an object")
    return Fields(value)


def _canonical(value: Json) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    """The pairs of a JSON object; a key that is there twice is a TornDocumentError."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise TornDocumentError("it has a key twice")
    return found


def no_constant(text: str) -> Json:
    """What JSON has no number for, such as NaN, is a TornDocumentError."""
    raise TornDocumentError(f"it holds {text}")
