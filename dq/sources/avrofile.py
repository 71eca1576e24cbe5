"""Avro files: their columns, from the schema at their beginning, and their rows, where Spark has the jar for them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from dq.base.errors import SourceError
from dq.spark import named_files

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

MAGIC = b"Obj\x01"
_LONGEST = 1 << 24
_PLAIN = {
    "boolean": "boolean",
    "int": "int",
    "long": "bigint",
    "float": "float",
    "double": "double",
    "bytes": "binary",
    "fixed": "binary",
    "string": "string",
    "enum": "string",
}
_LOGICAL = {
    "date": "date",
    "timestamp-millis": "timestamp",
    "timestamp-micros": "timestamp",
    "local-timestamp-millis": "timestamp_ntz",
    "local-timestamp-micros": "timestamp_ntz",
}


def columns(path: Path) -> tuple[tuple[str, str], ...]:
    """The columns of a file as (name, Spark type). Raises SourceError for what is not a whole beginning of one."""
    try:
        with path.open("rb") as raw:
            if raw.read(len(MAGIC)) != MAGIC:
                raise ValueError("no Avro file")
            schema = json.loads(_header(raw)["avro.schema"])
        if not isinstance(schema, dict) or schema.get("type") != "record":
            raise ValueError("rows are not records")
        known: dict[str, Any] = {}
        _remember(schema, known)
        return tuple((field["name"], _type(field["type"], known)) for field in schema["fields"])
    except (PermissionError, FileNotFoundError):
        raise
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise SourceError(
            f"the file {path} is torn or not an Avro file: its schema cannot be read", do="deliver it again"
        ) from error


def read(spark: SparkSession, paths: Sequence[str | Path], schema: str | None = None, base: str = "") -> DataFrame:
    """The rows of files. Raises SourceError where Spark has no jar for Avro."""
    from pyspark.errors import AnalysisException

    try:
        return named_files.read(spark, "avro", paths, schema=schema, options={"basePath": base} if base else None)
    except AnalysisException as error:
        if "avro" not in str(error).lower():
            raise
        raise SourceError(
            "this Spark has no jar to read Avro with",
            where=str(paths[0]),
            do="add org.apache.spark:spark-avro of its version, as spark.jars.packages or spark.jars",
        ) from error


def _header(raw: BinaryIO) -> dict[str, bytes]:
    """The names and values at the beginning of a file: a map in blocks."""
    found: dict[str, bytes] = {}
    while count := _long(raw):
        if count < 0:
            _long(raw)  # the bytes of the block
        for _ in range(abs(count)):
            name = _bytes(raw).decode()
            found[name] = _bytes(raw)
    return found


def _bytes(raw: BinaryIO) -> bytes:
    length = _long(raw)
    if not 0 <= length <= _LONGEST:
        raise ValueError("no length")
    found = raw.read(length)
    if len(found) < length:
        raise ValueError("torn")
    return found


def _long(raw: BinaryIO) -> int:
    """A whole number of Avro: seven bits a byte, the sign in the last bit."""
    found, shift = 0, 0
    while shift < 64:
        (byte,) = raw.read(1) or (None,)
        if byte is None:
            raise ValueError("torn")
        found |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return (found >> 1) ^ -(found & 1)
        shift += 7
    raise ValueError("no number")


def _remember(schema: Any, known: dict[str, Any]) -> None:
    """Named types, which a schema may name again."""
    if isinstance(schema, list):
        for one in schema:
            _remember(one, known)
    elif isinstance(schema, dict):
        if "name" in schema and schema.get("type") in ("record", "enum", "fixed"):
            known[schema["name"]] = schema
            known[f"{schema.get('namespace', '')}.{schema['name']}"] = schema
        for inner in (schema.get("type"), schema.get("items"), schema.get("values")):
            if isinstance(inner, dict | list):
                _remember(inner, known)
        for field in schema.get("fields", ()):
            _remember(field["type"], known)


def _type(schema: Any, known: Mapping[str, Any]) -> str:
    """What Spark calls a type of Avro."""
    if isinstance(schema, list):
        return _union([one for one in schema if one != "null"], known)
    if isinstance(schema, str):
        return _PLAIN[schema] if schema in _PLAIN else _type(known[schema], known)
    name, logical = schema["type"], schema.get("logicalType")
    if logical == "decimal" and name in ("bytes", "fixed"):
        return f"decimal({schema['precision']},{schema.get('scale', 0)})"
    if name in ("int", "long") and logical in _LOGICAL:
        return _LOGICAL[logical]
    if name == "array":
        return f"array<{_type(schema['items'], known)}>"
    if name == "map":
        return f"map<string,{_type(schema['values'], known)}>"
    if name == "record":
        fields = ",".join(f"{field['name']}:{_type(field['type'], known)}" for field in schema["fields"])
        return f"struct<{fields}>"
    return _type(name, known)


def _union(members: Sequence[Any], known: Mapping[str, Any]) -> str:
    types = [_type(one, known) for one in members]
    if len(types) == 1:
        return types[0]
    if set(types) == {"int", "bigint"}:
        return "bigint"
    if set(types) == {"float", "double"}:
        return "double"
    return f"struct<{','.join(f'member{n}:{type_}' for n, type_ in enumerate(types))}>"
