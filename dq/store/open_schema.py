"""The schema of a published table as Delta writes it: of every run that published into it, widened and never narrowed.

A column that a run lacks stays, for the files of earlier periods have it, and is NULL in the new ones; one whose type
changed has the new type. NOT NULL is said only of a column that every run so far had without NULL.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import cast

from dq.base.errors import StoreError
from dq.base.model import Json
from dq.store.manifest import PERIOD_COLUMN

Field = Mapping[str, Json]

COMMENT = "comment"
"""The key under which Delta, and every engine that reads it, keeps the description of a column."""

_WALL_CLOCK = "timestamp_ntz"
_SIMPLE = re.compile(
    r"string|long|integer|short|byte|float|double|boolean|binary|date|timestamp|timestamp_ntz|decimal\(\d+, ?\d+\)"
)


def of_run(schema_json: str) -> Sequence[Field]:
    """The columns of a Spark schema as Delta has them, without the period; StoreError for a type that Delta lacks."""
    try:
        fields = [one for one in json.loads(schema_json)["fields"] if one["name"] != PERIOD_COLUMN]
        found = [_column(str(one["name"]), one["type"], one.get("nullable", True), one) for one in fields]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError("the schema is not a Spark schema", expected="the JSON of a StructType") from error
    seen: dict[str, str] = {}
    for one in found:
        name = str(one["name"])
        if name.lower() in seen:
            raise StoreError(
                f"columns {seen[name.lower()]} and {name} differ in case only",
                expected="names that an open table can tell apart",
                do="rename one of them",
            )
        seen[name.lower()] = name
    return found


def widened(before: Sequence[Field], run: Sequence[Field]) -> Sequence[Field]:
    """The columns of a table after a run published into it: those it had in their order, then the new ones."""
    new = {str(one["name"]).lower(): one for one in run}
    old = {str(one["name"]).lower() for one in before}
    kept = [_both(one, new.get(str(one["name"]).lower())) for one in before]
    return [*kept, *({**one, "nullable": True} for one in run if str(one["name"]).lower() not in old)]


def schema_string(fields: Sequence[Field]) -> str:
    """The columns, with the period that the folders give, as the text that Delta keeps."""
    period: Field = {"name": PERIOD_COLUMN, "type": "string", "nullable": True, "metadata": {}}
    return json.dumps({"type": "struct", "fields": [*fields, period]}, separators=(",", ":"))


def columns_of(schema: str) -> Sequence[Field]:
    """The columns of such a text again."""
    fields = cast("Sequence[Field]", json.loads(schema)["fields"])
    return [one for one in fields if one["name"] != PERIOD_COLUMN]


def described(schema_json: str, comments: Mapping[str, str]) -> str:
    """A Spark schema with the descriptions of its columns, where readers of the published table find them."""
    schema = json.loads(schema_json)
    for one in schema["fields"]:
        if comment := comments.get(one["name"]):
            one["metadata"] = {**one.get("metadata", {}), COMMENT: comment}
    return json.dumps(schema, separators=(",", ":"))


def protocol(fields: Sequence[Field]) -> Mapping[str, Json]:
    """What a reader and a writer must know for these columns: the oldest versions that do."""
    if f'"{_WALL_CLOCK}"' in json.dumps(fields):
        features = ["timestampNtz"]
        return {
            "minReaderVersion": 3,
            "minWriterVersion": 7,
            "readerFeatures": features,
            "writerFeatures": ["appendOnly", "invariants", *features],
        }
    return {"minReaderVersion": 1, "minWriterVersion": 2}


def _column(name: str, kind: Json, nullable: Json, given: Mapping[str, Json]) -> Field:
    metadata = given.get("metadata")
    comment = metadata.get(COMMENT) if isinstance(metadata, Mapping) else None
    kept: Json = {COMMENT: comment} if comment else {}
    return {"name": name, "type": _type(name, kind), "nullable": nullable, "metadata": kept}


def _type(column: str, kind: Json) -> Json:
    """A type as it is, after the proof that an open table has it."""
    if isinstance(kind, Mapping):
        if kind["type"] == "array":
            return {**kind, "elementType": _type(column, kind["elementType"])}
        if kind["type"] == "map":
            return {**kind, "keyType": _type(column, kind["keyType"]), "valueType": _type(column, kind["valueType"])}
        if kind["type"] == "struct":
            inner = cast("Sequence[Field]", kind["fields"])
            fields = [
                _column(str(one["name"]), _type(column, one["type"]), one.get("nullable", True), one) for one in inner
            ]
            return {"type": "struct", "fields": fields}
    elif isinstance(kind, str) and _SIMPLE.fullmatch(kind):
        return kind
    name = str(kind["type"] if isinstance(kind, Mapping) else kind)
    raise StoreError(
        f"column {column} has the type {name[:60]}, which an open table lacks",
        expected="text, numbers, decimals, booleans, binary, dates, instants, and lists, maps and structs of them",
        do="publish it as text or as a number",
    )


def _both(before: Field, now: Field | None) -> Field:
    if now is None:
        return {**before, "nullable": True}
    return {**now, "nullable": bool(before["nullable"]) or bool(now["nullable"])}
