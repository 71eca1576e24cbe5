"""The kwargs of custom checks: what is wrong with them, their defaults, and the sentence they make."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation

from dq.base.errors import choices
from dq.base.model import Json
from dq.checks.compared_names import ROW_COUNT
from dq.checks.custom_types import CUSTOM_TYPES
from dq.checks.type_spec import KwargType
from dq.engine.native_kwargs import whole

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def with_defaults(type_name: str, kwargs: Mapping[str, Json]) -> dict[str, Json]:
    """The kwargs of a custom check with the documented default of every one that was left out."""
    return CUSTOM_TYPES[type_name].completed(kwargs)


def kwarg_problems(type_name: str, kwargs: Mapping[str, Json]) -> list[tuple[str, str]]:
    """Every mistake in the kwargs of a custom check: the kwarg and what is wrong with it; empty when there is none."""
    specs = CUSTOM_TYPES[type_name].kwargs
    problems = [
        (name, f"{type_name} has no such kwarg; {choices(name, list(specs))}") for name in kwargs if name not in specs
    ]
    for name, spec in specs.items():
        value = kwargs.get(name)
        if value is None:
            if spec.required:
                problems.append((name, f"{type_name} needs it: {spec.type}"))
            continue
        if spec.type is KwargType.CHOICE:
            if not isinstance(value, str) or value not in spec.choices:
                problems.append((name, f"{value!r} is not one of {', '.join(spec.choices)}"))
        elif not _VALID[spec.type](value):
            problems.append((name, f"{_short(value)} is not a {spec.type}"))
    return problems or [*CUSTOM_TYPES[type_name].mistakes(kwargs)]


_PLACEHOLDER = re.compile(r"\$(\w+)")
_GROUP = re.compile(r"\[([^\[\]]*)\]")


def sentence(type_name: str, kwargs: Mapping[str, Json]) -> tuple[str, dict[str, str]]:
    """What a custom check expects, as a template over ``$name`` and the text of each kwarg in it."""
    values = with_defaults(type_name, kwargs)

    def group(match: re.Match[str]) -> str:
        names = _PLACEHOLDER.findall(match.group(1))
        return match.group(1) if all(_declared(values.get(name)) for name in names) else ""

    template = _GROUP.sub(group, CUSTOM_TYPES[type_name].sentence)
    return template, {name: _text(values.get(name)) for name in _PLACEHOLDER.findall(template)}


def expects(kwargs: Mapping[str, Json], day: date) -> bool:
    """Whether a check expects something on a day: its exceptions are days on which nothing is."""
    weekdays, days = (kwargs.get(name) or () for name in ("except_weekdays", "except_days"))
    excepted = {*(str(one) for one in (*_items(weekdays), *_items(days)))}
    return WEEKDAYS[day.weekday()] not in excepted and day.isoformat() not in excepted


def _items(value: Json) -> Sequence[Json]:
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()


def describe(type_name: str, kwargs: Mapping[str, Json]) -> str:
    """What a custom check expects, as one plain sentence."""
    template, params = sentence(type_name, kwargs)
    return _PLACEHOLDER.sub(lambda match: params[match.group(1)], template)


def _declared(value: Json) -> bool:
    return value is not None and value is not False and value not in ((), [], "")


def _text(value: Json) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        if set(value) == {"column", "other"}:
            column, other = _text(value["column"]), _text(value["other"])
            return "row count" if column == other == ROW_COUNT else f"{column} = {other}"
        return ", ".join(f"{_text(column)} = {line}" for line, column in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(_text(item) for item in value)
    return str(value)


def _short(value: Json) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_names(value: Json) -> bool:
    return _is_list(value) and bool(value) and _all(value, _is_name) and _distinct(value)


def _is_list(value: Json) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _all(value: Json, valid: Callable[[Json], bool]) -> bool:
    return isinstance(value, Sequence) and all(valid(item) for item in value)


def _distinct(value: Json) -> bool:
    return isinstance(value, Sequence) and len({str(item) for item in value}) == len(value)


def _is_lines(value: Json) -> bool:
    return isinstance(value, Mapping) and bool(value) and all(_is_name(item) for pair in value.items() for item in pair)


def _is_pair(value: Json) -> bool:
    if not isinstance(value, Mapping) or set(value) != {"column", "other"}:
        return False
    return all(_is_name(name) for name in value.values())


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0


def _is_amount(value: Json) -> bool:
    if not isinstance(value, str):
        return False
    try:
        amount = Decimal(value)
    except InvalidOperation:
        return False
    return amount.is_finite() and amount >= 0


def _is_day(value: Json) -> bool:
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


_VALID: Mapping[KwargType, Callable[[Json], bool]] = {
    KwargType.COLUMN: _is_name,
    KwargType.COLUMNS: _is_names,
    KwargType.BY: lambda value: _is_list(value) and _all(value, _is_name) and _distinct(value),
    KwargType.LINES: _is_lines,
    KwargType.PAIRS: lambda value: _is_list(value) and bool(value) and _all(value, _is_pair),
    KwargType.TABLE: _is_name,
    KwargType.OTHER_COLUMN: _is_name,
    KwargType.OTHER_COLUMNS: _is_names,
    KwargType.CONDITION: _is_name,
    KwargType.TEXT: _is_name,
    KwargType.COUNT: whole,
    KwargType.NUMBER: _is_number,
    KwargType.AMOUNT: _is_amount,
    KwargType.BOOLEAN: lambda value: isinstance(value, bool),
    KwargType.WEEKDAYS: lambda value: _is_list(value) and _all(value, lambda day: day in WEEKDAYS),
    KwargType.DAYS: lambda value: _is_list(value) and _all(value, _is_day),
}
