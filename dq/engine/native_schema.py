"""Expectation types that the schema alone decides: columns, their order, number and types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import zip_longest
from typing import TYPE_CHECKING

from dq.base.errors import EvaluationError
from dq.base.model import Check, Json
from dq.engine.bounds import bounds_of
from dq.engine.dataset import RAW_PREFIX
from dq.engine.fields import resolve
from dq.engine.native_demand import Concluded, Found, Requirement

if TYPE_CHECKING:
    from pyspark.sql.types import DataType, StructType


def schema_requirement(check: Check, schema: StructType, *, house: bool) -> Requirement:
    """A check on the schema: it needs no row, and is judged at once."""
    names = [name for name in column_names(schema) if not name.startswith(RAW_PREFIX)]
    if house:
        names = [name for name in schema.names if not name.startswith(RAW_PREFIX)]
    verdict = _SCHEMA_RULES[check.type](check.kwargs, names, schema)

    def judge(_: Found) -> Concluded:
        return verdict

    named = check.kwargs.get("column")
    return Requirement(check=check, columns=(named,) if isinstance(named, str) else (), judge=judge)


def column_names(schema: StructType) -> list[str]:
    """The columns as Great Expectations lists them: fields of structs after their column, dotted names in backticks."""
    from pyspark.sql.types import StructType

    def walk(struct: StructType, parent: str) -> list[str]:
        names = []
        for item in struct.fields:
            escaped = f"`{item.name}`" if "." in item.name and not item.name.startswith("`") else item.name
            names.append(parent + escaped)
            if isinstance(item.dataType, StructType):
                names += walk(item.dataType, f"{parent}{item.name}.")
        return names

    return walk(schema, "")


def _exists(kwargs: Mapping[str, Json], names: list[str], _: StructType) -> Concluded:
    column, index = kwargs.get("column"), kwargs.get("column_index")
    if isinstance(index, int) and index:
        found = -len(names) <= index < len(names) and names[index] == column
    else:
        found = column in names
    return Concluded(success=found, result={})


def _ordered(kwargs: Mapping[str, Json], names: list[str], _: StructType) -> Concluded:
    wanted = _listed(kwargs.get("column_list"), "column_list")
    if wanted is None or names == wanted:
        return Concluded(success=True, result={"observed_value": names})
    mismatched = [
        {"Expected Column Position": position, "Expected": expected, "Found": found}
        for position, (expected, found) in enumerate(zip_longest(wanted, names))
        if expected != found
    ]
    result = {"observed_value": names, "details": {"mismatched": mismatched}}
    return Concluded(success=False, result=result, measures={"mismatched": len(mismatched)})


def _same_set(kwargs: Mapping[str, Json], names: list[str], _: StructType) -> Concluded:
    wanted = set(_listed(kwargs.get("column_set"), "column_set") or ())
    exact = kwargs.get("exact_match", True)
    observed, unexpected, missing = sorted(set(names)), sorted(set(names) - wanted), sorted(wanted - set(names))
    if not unexpected and not missing:
        return Concluded(success=True, result={"observed_value": observed})
    mismatched = {key: listed for key, listed in (("unexpected", unexpected), ("missing", missing)) if listed}
    return Concluded(
        success=not exact and not missing,
        result={"observed_value": observed, "details": {"mismatched": mismatched}},
        measures={"unexpected": list(unexpected), "missing": list(missing)},
    )


def _listed(value: Json, name: str) -> list[str] | None:
    if value is None:
        return None
    if not isinstance(value, list | tuple | set | frozenset):
        raise EvaluationError(f"{name} is not a list", expected="a list of columns")
    return [str(item) for item in value]


def _count(kwargs: Mapping[str, Json], names: list[str], _: StructType) -> Concluded:
    return Concluded(success=len(names) == kwargs.get("value"), result={"observed_value": len(names)})


def _count_between(kwargs: Mapping[str, Json], names: list[str], _: StructType) -> Concluded:
    return Concluded(success=bounds_of(kwargs).holds(len(names)), result={"observed_value": len(names)})


def _of_type(kwargs: Mapping[str, Json], _: list[str], schema: StructType) -> Concluded:
    wanted = kwargs.get("type_")
    return _typed(resolve(kwargs.get("column"), schema).type, None if wanted is None else [str(wanted)])


def _in_types(kwargs: Mapping[str, Json], _: list[str], schema: StructType) -> Concluded:
    return _typed(resolve(kwargs.get("column"), schema).type, _listed(kwargs.get("type_list"), "type_list"))


def _typed(actual: DataType, wanted: list[str] | None) -> Concluded:
    from pyspark.sql import types

    known = [kind for name in wanted or () if isinstance(kind := getattr(types, name, None), type)]
    if wanted is not None and not known:
        raise EvaluationError(
            "no Spark type is named " + " or ".join(wanted), expected="names such as LongType, DecimalType, DateType"
        )
    success = wanted is None or isinstance(actual, tuple(known))
    return Concluded(success=success, result={"observed_value": type(actual).__name__})


_SCHEMA_RULES: Mapping[str, Callable[[Mapping[str, Json], list[str], StructType], Concluded]] = {
    "expect_column_to_exist": _exists,
    "expect_table_columns_to_match_ordered_list": _ordered,
    "expect_table_columns_to_match_set": _same_set,
    "expect_table_column_count_to_equal": _count,
    "expect_table_column_count_to_be_between": _count_between,
    "expect_column_values_to_be_of_type": _of_type,
    "expect_column_values_to_be_in_type_list": _in_types,
}
SCHEMA_ONLY = frozenset(_SCHEMA_RULES)
