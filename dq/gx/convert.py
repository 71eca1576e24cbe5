"""Suites between our checks and Great Expectations, strictly: what it would drop with a log line is an error here."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dq.base import yamlfile
from dq.base.errors import ConfigError, Finding, UsageError
from dq.base.model import Check, Json, Kind, Severity
from dq.base.paths import local
from dq.checks.custom_types import CUSTOM_TYPES
from dq.declare import suites
from dq.gx.load import load
from dq.gx.registered_types import register

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuite
    from great_expectations.expectations.expectation import Expectation

_OWN_KEYS = frozenset({"check", "runbook", "when", "may_be_empty"})
_OWN_TOP_KEYS = frozenset({"dataset", "show", "description"})
_TOP_KEYS = frozenset({"name", "id", "expectations", "suite_parameters", "meta", "notes"})
_MAX_BYTES = 10_000_000


def to_gx_suite(name: str, checks: Sequence[Check]) -> ExpectationSuite:
    """The checks as a pure Great Expectations suite, with what only we know under ``meta.dq``.

    Raises ConfigError with every check that Great Expectations does not accept.
    """
    items: list[Mapping[str, Json]] = []
    places: list[tuple[str, int]] = []
    for check in checks:
        own: dict[str, Json] = {"check": check.check, "dataset": check.dataset}
        optional: Mapping[str, Json] = {
            "runbook": check.runbook,
            "failure_class": check.failure_class,
            "when": [str(kind) for kind in check.when],
            "show": check.show,
            "may_be_empty": check.may_be_empty,
            "where": check.where,
        }
        own |= {key: value for key, value in optional.items() if value}
        items.append(
            {
                "type": check.type,
                "kwargs": check.kwargs,
                "severity": str(check.severity),
                "description": check.description or None,
                "notes": check.notes or None,
                "meta": {**check.meta, "dq": own},
            }
        )
        places.append(_place(check))
    return _suite({"name": name}, items, places)


def from_gx(suite: Mapping[str, Json] | ExpectationSuite) -> list[Check]:
    """The expectations of a Great Expectations suite as checks; ids it does not carry count from the suite's name."""
    built = _foreign(suite, "suite") if isinstance(suite, Mapping) else suite
    return [_check(built.name, number, item) for number, item in enumerate(built.expectations, start=1)]


def as_suite(suite: str | Path | Mapping[str, Json] | ExpectationSuite) -> ExpectationSuite:
    """A suite in any form as Great Expectations' own object.

    A path is our YAML, or Great Expectations' JSON; a mapping is either of the two. Raises ConfigError with every
    mistake at once: an unknown type, an invalid severity, wrong arguments, an unknown key.
    """
    load()
    register()
    from great_expectations.core import ExpectationSuite

    if isinstance(suite, ExpectationSuite):
        return suite
    if isinstance(suite, Mapping):
        return _own(_document(suite)) if _is_own(suite) else _foreign(suite, "suite")
    if isinstance(suite, str | Path):
        path = local(suite, "the suite")
        if path.suffix == ".json":
            return _foreign(_read_json(path), str(path))
        loaded = suites.load(path)
        return to_gx_suite(loaded.name, loaded.checks)
    raise UsageError(
        f"{type(suite).__name__} is not a suite", expected="a path to YAML or JSON, a mapping, or an ExpectationSuite"
    )


def with_parameters(checks: Sequence[Check], parameters: Mapping[str, Any] | None) -> list[Check]:
    """The checks with the values of their suite parameters, ConfigError for those without one."""
    load()
    from great_expectations.core.suite_parameters import build_suite_parameters

    made, findings, values = [], [], dict(parameters or {})
    for check in checks:
        try:
            kwargs, _ = build_suite_parameters(dict(check.kwargs), suite_parameters=values)
        except Exception as error:
            findings.append(Finding(*_place(check), f"{check.check}.kwargs", " ".join(str(error).split())))
        else:
            made.append(replace(check, kwargs=kwargs))
    if findings:
        raise ConfigError(findings)
    return made


@contextmanager
def quiet() -> Iterator[None]:
    """Without the deprecation notes of Great Expectations about text conditions, which are our suites' own form."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


def _own(document: yamlfile.Document) -> ExpectationSuite:
    loaded = suites.parse(document, "")
    return to_gx_suite(loaded.name, loaded.checks)


def _document(suite: Mapping[str, Json]) -> yamlfile.Document:
    # A round trip through JSON turns tuples and mappings into what the YAML reader would have given.
    return yamlfile.Document("suite", json.loads(json.dumps(suite, default=str)), {})


def _is_own(suite: Mapping[str, Json]) -> bool:
    items = suite.get("expectations")
    listed = items if isinstance(items, list | tuple) else ()
    return bool(_OWN_TOP_KEYS & set(suite)) or any(
        isinstance(item, Mapping) and _OWN_KEYS & set(item) for item in listed
    )


def _foreign(suite: Mapping[str, Json], file: str) -> ExpectationSuite:
    items = suite.get("expectations", [])
    findings = [Finding(file, 0, key, "unknown key of a suite") for key in suite if key not in _TOP_KEYS]
    if not isinstance(suite.get("name"), str) or not suite["name"]:
        findings.append(Finding(file, 0, "name", "a suite needs a name"))
    if not isinstance(items, list | tuple) or not all(isinstance(item, Mapping) for item in items):
        findings.append(Finding(file, 0, "expectations", "a list of mappings with type and kwargs"))
    if findings:
        raise ConfigError(findings)
    listed: list[Mapping[str, Json]] = [item for item in items if isinstance(item, Mapping)]  # type: ignore[union-attr]
    return _suite({key: suite[key] for key in suite if key != "expectations"}, listed, [(file, 0)] * len(listed))


def _suite(
    top: Mapping[str, Json], items: Sequence[Mapping[str, Json]], places: Sequence[tuple[str, int]]
) -> ExpectationSuite:
    load()
    register()
    from great_expectations.core import ExpectationSuite

    built, findings = [], []
    for number, (item, (file, line)) in enumerate(zip(items, places, strict=True)):
        try:
            built.append(_expectation(item))
        except Exception as error:
            findings.append(Finding(file, line, f"expectations[{number}]", _sentence(error, item)))
    if findings:
        raise ConfigError(findings)
    with quiet():
        suite = ExpectationSuite(**dict(top), expectations=built)
    if len(suite.expectations) != len(items):
        raise ConfigError([Finding(places[0][0], 0, "expectations", "Great Expectations dropped some of them")])
    return suite


def _expectation(item: Mapping[str, Json]) -> Expectation:
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    # The id a store gave it belongs to the suite it was saved in; with it, it could not stand in another one.
    arguments: dict[str, Any] = {name: value for name, value in item.items() if name != "id"}
    kwargs = dict(arguments.get("kwargs") or {})
    own = arguments.get("type") in CUSTOM_TYPES
    arguments["kwargs"] = {name: _plain(value) for name, value in kwargs.items()} if own else kwargs
    with quiet():
        return ExpectationConfiguration(**arguments).to_domain_obj()


def _sentence(error: Exception, item: Mapping[str, Json]) -> str:
    """What Great Expectations found wrong with one expectation, on one line."""
    name = type(error).__name__
    if name == "ExpectationNotFoundError":
        return f"unknown expectation type {item.get('type')}"
    errors = getattr(error, "errors", None)
    if callable(errors):
        parts = [f"{'.'.join(str(part) for part in found['loc'])}: {found['msg']}" for found in errors()]
        return f"{item.get('type')}: {'; '.join(parts)}"
    if isinstance(error, TypeError):
        known = {"type", "kwargs", "meta", "notes", "description", "severity", "id"}
        unknown = sorted(set(item) - known)
        return f"unknown keys {', '.join(unknown)}" if unknown else "type is required"
    return " ".join(str(error).split())


def _check(suite: str, number: int, expectation: Expectation) -> Check:
    configuration = expectation.configuration
    meta = dict(configuration.meta or {})
    own = meta.pop("dq", {})
    return Check(
        check=own.get("check") or f"{suite}.{number}",
        dataset=own.get("dataset") or suite,
        type=configuration.type,
        kwargs={name: _plain(value) for name, value in configuration.kwargs.items()},
        severity=Severity(configuration.severity.value),
        description=configuration.description or "",
        notes=_text(configuration.notes),
        meta=meta,
        runbook=own.get("runbook", ""),
        failure_class=own.get("failure_class", ""),
        when=tuple(Kind(kind) for kind in own.get("when", ())),
        show=bool(own.get("show", False)),
        may_be_empty=bool(own.get("may_be_empty", False)),
        where=own.get("where", ""),
    )


def _plain(value: Json) -> Json:
    """A kwarg as our suites write it: there, a row condition that is text becomes a pass-through object."""
    if isinstance(value, Mapping) and value.get("type") == "pass_through":
        return value.get("pass_through_filter")
    return value


def _text(notes: str | Sequence[str] | None) -> str:
    if notes is None:
        return ""
    return notes if isinstance(notes, str) else "\n".join(notes)


def _place(check: Check) -> tuple[str, int]:
    file, _, line = check.where.rpartition(":")
    return (file, int(line)) if file and line.isdigit() else (check.where or check.check, 0)


def _read_json(path: Path) -> Mapping[str, Json]:
    file = str(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigError([Finding(file, 0, "", f"cannot be read: {error.strerror}")]) from error
    if len(raw) > _MAX_BYTES:
        raise ConfigError([Finding(file, 0, "", f"{len(raw):,} bytes; at most {_MAX_BYTES:,} are read")])
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ConfigError([Finding(file, getattr(error, "lineno", 0), "", "is not JSON")]) from error
    if not isinstance(data, Mapping):
        raise ConfigError([Finding(file, 0, "", "a suite is an object with name and expectations")])
    return data
