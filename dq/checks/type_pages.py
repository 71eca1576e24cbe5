"""The arguments of every check type as people look them up: on the command line, on a page and in their editor."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dq.base.errors import UsageError, near
from dq.base.model import Json
from dq.checks.custom_types import CUSTOM_TYPES
from dq.checks.type_spec import KwargSpec, KwargType
from dq.engine.native_docs import ARGUMENT_DEFAULTS, ARGUMENT_DOCS, ARGUMENT_EXAMPLES, NATIVE_DOCS
from dq.engine.native_kwargs import kind_of
from dq.engine.native_types import NATIVE_TYPES

FILE = "docs/check-types.md"
"""The page of all check types, in a project that has one."""

_EXAMPLES: Mapping[KwargType, Json] = {
    KwargType.COLUMN: "amount",
    KwargType.COLUMNS: ["invoice_id", "line"],
    KwargType.BY: ["day", "product"],
    KwargType.LINES: {"payroll": "expense_payroll", "marketing": "expense_marketing"},
    KwargType.PAIRS: [{"column": "amount", "other": "revenue"}],
    KwargType.TABLE: "revenue",
    KwargType.OTHER_COLUMN: "amount",
    KwargType.OTHER_COLUMNS: ["invoice_id", "line"],
    KwargType.CONDITION: "status = 'open'",
    KwargType.COUNT: 2,
    KwargType.NUMBER: 0.5,
    KwargType.AMOUNT: "0.01",
    KwargType.BOOLEAN: True,
    KwargType.TEXT: "no_revenue",
    KwargType.WEEKDAYS: ["saturday", "sunday"],
    KwargType.DAYS: ["2026-12-25"],
}
# What an example of a native type needs beside the arguments that are required.
_ALSO: Mapping[str, Mapping[str, Json]] = {
    "expect_column_kl_divergence_to_be_less_than": {
        "partition_object": ARGUMENT_EXAMPLES["partition_object"],
        "threshold": 0.1,
    },
    "expect_column_proportion_of_non_null_values_to_be_between": {"min_value": 0.9, "max_value": 1},
    "expect_column_proportion_of_unique_values_to_be_between": {"min_value": 0.9, "max_value": 1},
    "expect_column_values_to_be_in_type_list": {"type_list": ARGUMENT_EXAMPLES["type_list"]},
    "expect_column_values_to_match_regex": {"regex": ARGUMENT_EXAMPLES["regex"]},
    "expect_column_values_to_be_null": {"row_condition": "status = 'open'"},
    "expect_table_columns_to_match_ordered_list": {"column_list": ["invoice_id", "amount"]},
    "expect_table_columns_to_match_set": {"column_set": ["invoice_id", "amount"]},
}


@dataclass(frozen=True, kw_only=True)
class Argument:
    """One argument of a check type: what it holds, what it means, and what is meant where it is left out."""

    name: str
    kind: str
    doc: str
    required: bool = False
    default: Json = None
    choices: tuple[str, ...] = ()

    @property
    def needed(self) -> str:
        """Whether it must be given, or its default."""
        if self.required:
            return "required"
        return f"default {_flow(self.default)}" if self.default is not None else "optional"


@dataclass(frozen=True, kw_only=True)
class TypePage:
    """One check type: what it expects, its arguments, and an entry of a suite that uses it."""

    name: str
    doc: str
    arguments: tuple[Argument, ...]
    run_level: bool = False
    example: str = ""


def names() -> list[str]:
    """The check types a suite may use, sorted: Great Expectations' own and those it lacks."""
    return sorted({*NATIVE_TYPES, *CUSTOM_TYPES})


def page(name: str) -> TypePage:
    """What is to be known of a check type, or a UsageError that names the likely one."""
    if name in CUSTOM_TYPES:
        spec = CUSTOM_TYPES[name]
        arguments = tuple(_custom(key, one) for key, one in spec.kwargs.items())
        example = "" if spec.run_level else _entry(name, example_of(name))
        return TypePage(name=name, doc=spec.doc, arguments=arguments, run_level=spec.run_level, example=example)
    if name in NATIVE_TYPES:
        required, optional = NATIVE_TYPES[name]
        arguments = tuple(
            Argument(
                name=key,
                kind=kind_of(name, key),
                doc=ARGUMENT_DOCS[key],
                required=key in required,
                default=None if key in required else ARGUMENT_DEFAULTS.get(key),
            )
            for key in (*sorted(required), *sorted(optional))
        )
        return TypePage(name=name, doc=NATIVE_DOCS[name], arguments=arguments, example=_entry(name, example_of(name)))
    raise UsageError(f"there is no check type {name}", do=near(name, names(), "dq lint --types lists them"))


def example_of(name: str) -> dict[str, Json]:
    """Arguments of a check type that are accepted."""
    if name in CUSTOM_TYPES:
        own = CUSTOM_TYPES[name]
        needed = {key: spec for key, spec in own.kwargs.items() if spec.required}
        made = {key: spec.choices[0] if spec.choices else _EXAMPLES[spec.type] for key, spec in needed.items()}
        return {**made, **own.example}
    required, optional = NATIVE_TYPES[name]
    bounds = {"min_value", "max_value"} & optional if name.endswith("_to_be_between") else set()
    given = [*sorted(required), *sorted(bounds, reverse=True)]
    return {**{key: ARGUMENT_EXAMPLES[key] for key in given}, **_ALSO.get(name, {})}


def text(one: TypePage) -> str:
    """A check type for a terminal."""
    lines = [one.name, f"  {one.doc}", ""]
    for argument in one.arguments:
        lines += [f"  {argument.name}  ({argument.kind}; {argument.needed})", f"      {argument.doc}"]
        if argument.choices:
            lines.append(f"      one of: {', '.join(argument.choices)}")
    if not one.arguments:
        lines.append("  It takes no arguments.")
    if one.run_level:
        return "\n".join([*lines, "", "  The run judges it by itself; it is not written into a suite."])
    return "\n".join([*lines, "", "  Under expectations:", *(f"    {line}" for line in one.example.splitlines())])


def markdown() -> str:
    """The page of all check types."""
    parts = [
        "# Check types",
        "",
        "Written by `dq lint --fix`: what `kwargs` of an entry under `expectations:` may hold, by its `type`.",
        "`dq lint --types NAME` prints the same.",
        "",
    ]
    for title, listed in (("Of Great Expectations", sorted(NATIVE_TYPES)), ("Of this house", sorted(CUSTOM_TYPES))):
        parts += [f"## {title}", ""]
        for name in listed:
            parts += _section(page(name))
    return "\n".join(parts).rstrip("\n") + "\n"


def kwargs_schemas() -> list[Json]:
    """For the schema of a suite: which arguments each type has, what they mean, and which it needs."""
    return [
        {
            "if": {"properties": {"type": {"const": name}}, "required": ["type"]},
            "then": {"properties": {"kwargs": _schema(page(name))}},
        }
        for name in names()
    ]


def _schema(one: TypePage) -> Json:
    properties: dict[str, Json] = {}
    for argument in one.arguments:
        known: dict[str, Json] = {"description": f"{argument.doc} ({argument.kind}; {argument.needed})"}
        if argument.choices:
            known["enum"] = list(argument.choices)
        properties[argument.name] = known
    required = [argument.name for argument in one.arguments if argument.required]
    schema: dict[str, Json] = {"description": one.doc, "additionalProperties": False, "properties": properties}
    return {**schema, "required": required} if required else schema


def _section(one: TypePage) -> Iterator[str]:
    yield f"### {one.name}"
    yield ""
    yield textwrap.fill(one.doc, 120, break_long_words=False, break_on_hyphens=False)
    yield ""
    if one.arguments:
        yield "| argument | holds | | meaning |"
        yield "|---|---|---|---|"
    for argument in one.arguments:
        holds = ", ".join(argument.choices) or argument.kind
        cells = (f"`{argument.name}`", holds, argument.needed, argument.doc)
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
    if one.run_level:
        yield ""
        yield "The run judges it by itself; it is not written into a suite."
    else:
        yield ""
        yield "```yaml"
        yield one.example
        yield "```"
    yield ""


def _custom(name: str, spec: KwargSpec) -> Argument:
    return Argument(
        name=name,
        kind=str(spec.type),
        doc=spec.doc,
        required=spec.required,
        default=None if spec.default == () else spec.default,
        choices=spec.choices,
    )


def _entry(name: str, kwargs: Mapping[str, Json]) -> str:
    """An entry of a suite as YAML; its values in flow style, which JSON is."""
    lines = [f"- type: {name}"]
    lines += ["  kwargs:", *(f"    {key}: {_flow(value)}" for key, value in kwargs.items())] if kwargs else []
    return "\n".join(lines)


def _flow(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)
