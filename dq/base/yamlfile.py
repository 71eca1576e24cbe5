"""Strict YAML: no surprises of YAML 1.1, no duplicate keys, no aliases, bounded, with the line of every key.

Scalars follow the YAML 1.2 core schema: only ``true`` and ``false`` are booleans, ``on``, ``no``, ``1:30`` and
``2026-10-05`` are strings. Mistakes are collected, not raised one by one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from dq.base.errors import ConfigError, Finding

MAX_BYTES = 1_000_000
MAX_DEPTH = 50

Key = tuple[str | int, ...]
Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
Model = TypeVar("Model", bound=BaseModel)


class _NestingError(Exception):
    """Collections nested beyond MAX_DEPTH, with the line where the limit was passed."""


# libyaml reads a file in a tenth of the time; a build of PyYAML without it reads the same.
_Base = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


class _Loader(_Base):  # type: ignore[misc, valid-type]
    """A SafeLoader with the scalar rules of the YAML 1.2 core schema."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^[-+]?(?:0|[1-9][0-9]*)$", list("-+0123456789")),
    ("float", r"^[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?$", list("-+.0123456789")),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), _first)


@dataclass(frozen=True)
class Document:
    """A parsed YAML file: its data and, by key path, the line on which each value stands (from 1)."""

    file: str
    data: Json
    lines: Mapping[Key, int]

    def line(self, key: Key) -> int:
        """The line of a key path, or of its nearest ancestor that stands in the file."""
        while key and key not in self.lines:
            key = key[:-1]
        return self.lines.get(key, 1)

    def mistakes(self, findings: list[Finding], key: Key) -> Callable[[Key, str], None]:
        """What adds a mistake to the findings, by its place below a key."""
        return lambda place, message: findings.append(self.finding((*key, *place), message))

    def finding(self, key: Key, message: str) -> Finding:
        """A mistake at a key path, placed on its line."""
        return Finding(self.file, self.line(key), dotted(key), message)


def dotted(key: Key) -> str:
    """A key path as people write it: ``checks[2].kwargs.column``."""
    text = ""
    for part in key:
        text += f"[{part}]" if isinstance(part, int) else (f".{part}" if text else str(part))
    return text


def read(path: Path, *, shown: str | None = None) -> Document:
    """The parsed file, or a ConfigError that names each mistake with its line."""
    file = shown or str(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigError([Finding(file, 0, "", f"cannot be read: {error.strerror}")]) from error
    return parse(raw, file)


def parse(raw: bytes, file: str) -> Document:
    """A document from bytes; ``file`` is only the name shown in errors."""
    if len(raw) > MAX_BYTES:
        raise ConfigError([Finding(file, 0, "", f"{len(raw):,} bytes; at most {MAX_BYTES:,} are read")])
    try:
        text = raw.decode("utf-8")
        tokens_alias = _first_alias(text)
        if tokens_alias:
            message = "anchors and aliases are not allowed; write the value out"
            raise ConfigError([Finding(file, tokens_alias, "", message)])
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            findings: list[Finding] = []
            lines: dict[Key, int] = {}
            data = _build(loader, node, (), file, lines, findings) if node is not None else None
        finally:
            loader.dispose()
    except UnicodeDecodeError as error:
        raise ConfigError([Finding(file, 0, "", f"is not UTF-8 (byte {error.start})")]) from error
    except _NestingError as error:
        message = f"nested deeper than {MAX_DEPTH} levels"
        raise ConfigError([Finding(file, int(str(error)), "", message)]) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        look = "look for wrong indentation, or a bracket or quote left open, on this line and those before it"
        message = f"is not YAML ({problem}); {look}"
        raise ConfigError([Finding(file, mark.line + 1 if mark else 0, "", message)]) from error
    if findings:
        raise ConfigError(findings)
    return Document(file, data, lines)


def _first_alias(text: str) -> int:
    """The line of the first anchor or alias, 0 where there is none; also bounds the nesting depth."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise _NestingError(event.start_mark.line + 1 if event.start_mark else 0)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            return event.start_mark.line + 1 if event.start_mark else 1
    return 0


def _build(loader: _Loader, node: Node, key: Key, file: str, lines: dict[Key, int], findings: list[Finding]) -> Json:
    lines.setdefault(key, node.start_mark.line + 1)
    tag = node.tag.rpartition(":")[2]
    if tag not in ("map", "seq", "null", "bool", "int", "float", "str"):
        findings.append(Finding(file, node.start_mark.line + 1, dotted(key), f"the tag {node.tag} is not allowed"))
        return None
    if isinstance(node, MappingNode):
        result: dict[str, Json] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, ScalarNode):
                findings.append(Finding(file, line, dotted(key), "a key must be plain text"))
                continue
            name = str(key_node.value)
            child = (*key, name)
            if name in result:
                findings.append(Finding(file, line, dotted(child), "this key appears twice in the same mapping"))
                continue
            lines[child] = line
            result[name] = _build(loader, value_node, child, file, lines, findings)
        return result
    if isinstance(node, SequenceNode):
        return [_build(loader, item, (*key, i), file, lines, findings) for i, item in enumerate(node.value)]
    value: Json = loader.construct_object(node, deep=True)
    return value


def read_model(path: Path, model: type[Model], *, shown: str | None = None) -> tuple[Model, Document]:
    """The file as a strict pydantic model, with its document for later line look-ups."""
    document = read(path, shown=shown)
    return as_model(document, model), document


def as_model(document: Document, model: type[Model], *, key: Key = ()) -> Model:
    """The part of a document at ``key`` as a strict model, or all its mistakes with their lines."""
    data = document.data
    for part in key:
        data = data[part]  # type: ignore[index]
    try:
        return model.model_validate(data if data is not None else {})
    except ValidationError as error:
        raise ConfigError(pydantic_findings(document, error, key=key)) from error


def pydantic_findings(document: Document, error: ValidationError, *, key: Key = ()) -> list[Finding]:
    """The mistakes pydantic found, placed on the lines of the file."""
    found = []
    for item in error.errors(include_url=False, include_input=False):
        place = _place(document, key, [part for part in item["loc"] if isinstance(part, str | int)])
        if item["type"].startswith("union_tag"):
            place = (*place, "kind")
        found.append(document.finding(place, _sentence(item["type"], item["msg"], item.get("ctx", {}))))
    return found


def _place(document: Document, key: Key, parts: Sequence[str | int]) -> Key:
    """The key path of a mistake in the file, without the tags by which the reader tells kinds of things apart."""
    data: object = document.data
    for part in key:
        data = data[part]  # type: ignore[index]
    for n, part in enumerate(parts):
        if isinstance(data, Mapping) and data.get("kind") == part:
            inside = isinstance(data.get(part), Mapping | list) or n + 1 == len(parts)
            if part not in data or not inside:
                continue
        key = (*key, part)
        if isinstance(data, Mapping):
            data = data.get(part)
        else:
            data = data[part] if isinstance(data, list) and isinstance(part, int) and part < len(data) else None
    return key


def _sentence(kind: str, message: str, context: Mapping[str, object]) -> str:
    if kind == "union_tag_invalid":
        return f"no kind {context.get('tag')!r}; valid: {str(context.get('expected_tags')).replace(chr(39), '')}"
    if kind == "union_tag_not_found":
        return "this key is required"
    if kind == "extra_forbidden":
        return "unknown key"
    if kind == "missing":
        return "this key is required"
    return message.removeprefix("Value error, ")
