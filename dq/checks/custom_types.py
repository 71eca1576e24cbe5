"""The expectation types Great Expectations lacks, by name: each a file of ``dq.checks.types``, named as the type.

Suites are validated against them, the engine evaluates them, and the registered Great Expectations classes are built
from them, so that a type means the same in all three. Nothing here imports Great Expectations.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from dq.base.errors import DqError
from dq.base.model import Json
from dq.checks import types
from dq.checks.compared_names import ROW_COUNT
from dq.checks.run_level_types import RUN_LEVEL
from dq.checks.type_spec import KwargType, TypeSpec


@cache
def found() -> Mapping[str, TypeSpec]:
    """The specification of every type by its name, in the order of names."""
    return dict(sorted({**RUN_LEVEL, **{name: _declared(name) for name in _files()}}.items()))


def _files() -> list[str]:
    return [module.name for module in iter_modules(types.__path__)]


def _declared(name: str) -> TypeSpec:
    declared = getattr(import_module(f"{types.__name__}.{name}"), "TYPE", None)
    if not (name.startswith("expect_") and isinstance(declared, TypeSpec)):
        raise DqError(
            "a file that declares no expectation type",
            where=f"dq/checks/types/{name}.py",
            expected="TYPE = TypeSpec(...), in a file named as the type: expect_....py",
            do="write that, or move what types share to dq/checks",
        )
    return declared


class _Types(Mapping[str, TypeSpec]):
    """Every type; the files are imported when one is first asked for, so that a command without checks is fast."""

    def __getitem__(self, name: str) -> TypeSpec:
        return found()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(found())

    def __len__(self) -> int:
        return len(found())


CUSTOM_TYPES: Mapping[str, TypeSpec] = _Types()


def columns_of(type_name: str, kwargs: Mapping[str, Json]) -> tuple[str, ...]:
    """The columns of its own dataset that a custom check names, in order of first mention."""
    spec = CUSTOM_TYPES[type_name]
    return tuple(dict.fromkeys(name for kwarg in spec.columns for name in _names(kwargs.get(kwarg), "column")))


def judges_published(type_name: str) -> bool:
    """Whether a type judges what was published before rather than the dataset at hand."""
    return type_name in CUSTOM_TYPES and CUSTOM_TYPES[type_name].of_published


def other_columns_of(type_name: str, kwargs: Mapping[str, Json]) -> tuple[str, ...]:
    """The columns of the compared dataset that a custom check names, in order of first mention."""
    names: list[str] = []
    for kwarg, spec in CUSTOM_TYPES[type_name].kwargs.items():
        if spec.type in (KwargType.OTHER_COLUMN, KwargType.OTHER_COLUMNS, KwargType.PAIRS, KwargType.BY):
            names += _names(kwargs.get(kwarg), "other")
    return tuple(dict.fromkeys(names))


def _names(value: Json, side: str) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [name for name in value.values() if isinstance(name, str)]
    if not isinstance(value, Sequence):
        return []
    names = [item.get(side) if isinstance(item, Mapping) else item for item in value]
    return [name for name in names if isinstance(name, str) and name != ROW_COUNT]
