"""Columns of a frame by name: the quoted SQL to read them, their type, and the top-level column they live in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dq.base.errors import EvaluationError, choices
from dq.base.model import Json
from dq.engine.conditions import named_columns, row_condition
from dq.engine.dataset import RAW_PREFIX
from dq.spark.identifiers import quote

if TYPE_CHECKING:
    from pyspark.sql.types import DataType, StructType


@dataclass(frozen=True, kw_only=True)
class Field:
    """One column of a frame, or a field of a struct column: ``sql`` reads it, ``top`` is the column to be decoded."""

    name: str
    sql: str
    top: str
    type: DataType


@dataclass(frozen=True, kw_only=True)
class Where:
    """The rows a check looks at: ``sql`` is a safe condition (empty: all rows), ``columns`` what it reads."""

    sql: str = ""
    columns: frozenset[str] = frozenset()


ALL_ROWS = Where()


def resolve(name: object, schema: StructType) -> Field:
    """The column a check names, or an EvaluationError that lists the likely one."""
    from pyspark.sql.types import StructType

    if not isinstance(name, str) or not name:
        raise EvaluationError("the check names no column", expected="a column name")
    plain = name[1:-1].replace("``", "`") if len(name) > 2 and name[0] == name[-1] == "`" else name
    if plain in schema.names:
        return Field(name=plain, sql=quote(plain), top=plain, type=schema[plain].dataType)
    top, *path = name.split(".")
    found: DataType | None = schema[top].dataType if top in schema.names else None
    for part in path:
        found = found[part].dataType if isinstance(found, StructType) and part in found.names else None
    if found is None or not path:
        shown = [column for column in schema.names if not column.startswith(RAW_PREFIX)]
        raise EvaluationError(f"the column {name} does not exist", expected=choices(name, shown))
    return Field(name=name, sql=".".join(quote(part) for part in (top, *path)), top=top, type=found)


def where_of(kwargs: Mapping[str, Json], schema: StructType) -> Where:
    """The row condition of a check's kwargs, checked against the frame's columns."""
    text = row_condition(kwargs, schema.names)
    if text is None:
        return ALL_ROWS
    return Where(sql=text, columns=frozenset(named_columns(text)))
