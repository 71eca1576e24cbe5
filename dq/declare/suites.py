"""Suites: YAML in Great Expectations' vocabulary plus a stable check id and a runbook section, read strictly."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, ValidationError

from dq.base import yamlfile
from dq.base.errors import ConfigError, Finding, choices
from dq.base.model import NAME, Check, Json, Kind, Severity
from dq.base.strict import Strict
from dq.checks.custom_kwargs import kwarg_problems
from dq.checks.custom_types import CUSTOM_TYPES
from dq.checks.custom_types import columns_of as custom_columns
from dq.checks.type_spec import KwargType
from dq.engine.native_kwargs import is_parameter, value_problems
from dq.engine.native_types import EVERY_ROW, NATIVE_TYPES
from dq.runbooks.places import Place

_BOUNDS = (KwargType.COUNT, KwargType.NUMBER, KwargType.AMOUNT)


class ExpectationModel(Strict):
    """One entry under ``expectations``."""

    check: Annotated[str, Field(pattern=NAME)] | None = None
    type: str
    kwargs: dict[str, object] = {}
    severity: str = "critical"
    description: str = ""
    notes: str = ""
    meta: dict[str, object] = {}
    runbook: str = ""
    when: list[str] = []
    may_be_empty: bool = False


class SuiteModel(Strict):
    """A suite file: the checks of one dataset."""

    name: Annotated[str, Field(pattern=NAME)]
    dataset: Annotated[str, Field(pattern=NAME)] | None = None
    description: str = ""
    notes: str = ""
    meta: dict[str, object] = {}
    show: list[str] = []
    expectations: list[ExpectationModel]


@dataclass(frozen=True, kw_only=True)
class Suite:
    """A suite: its checks in the order they are declared; ``text`` is the file as it was read.

    ``show`` are the columns whose values may be shown.
    ``unsure`` are the positions of checks whose type or arguments are wrong: of those only id and section are told.
    """

    name: str
    dataset: str
    file: str
    description: str
    checks: tuple[Check, ...]
    document: yamlfile.Document
    text: str
    show: tuple[str, ...] = ()
    unsure: frozenset[int] = frozenset()

    def finding(self, index: int | None, key: str, message: str) -> Finding:
        """A mistake in this suite: at an expectation by index, or at a top-level key."""
        path: yamlfile.Key = ("expectations", index, *filter(None, key.split("."))) if index is not None else (key,)
        return self.document.finding(path, message)


def load(path: Path, *, shown: str | None = None) -> Suite:
    """The suite in a YAML file, or a ConfigError with every mistake that can be found without knowing the dataset."""
    suite, findings = read(path, shown=shown)
    if findings or suite is None:
        raise ConfigError(findings)
    return suite


def read(path: Path, *, shown: str | None = None) -> tuple[Suite | None, list[Finding]]:
    """The suite in a YAML file as far as it can be read, and its mistakes; a ConfigError where it is not YAML."""
    document = yamlfile.read(path, shown=shown)
    return examine(document, path.read_text(encoding="utf-8"))


def parse(document: yamlfile.Document, text: str) -> Suite:
    """The suite in a parsed document, or a ConfigError with its mistakes."""
    suite, findings = examine(document, text)
    if findings or suite is None:
        raise ConfigError(findings)
    return suite


def examine(document: yamlfile.Document, text: str) -> tuple[Suite | None, list[Finding]]:
    """The suite in a parsed document as far as it can be read, and every mistake: one does not hide another."""
    if not isinstance(document.data, dict):
        return None, [Finding(document.file, 1, "", "a suite is a mapping with name and expectations")]
    model, findings, unsure = _model(document)
    if model is None:
        return None, findings
    checks: list[Check] = []
    seen: dict[str, int] = {}
    for index, item in enumerate(model.expectations):
        at = ("expectations", index)
        check_id = item.check or f"{model.name}.{index + 1}"
        if check_id in seen:
            message = f"the id {check_id} is taken by the check on line {seen[check_id]}"
            findings.append(document.finding((*at, "check"), message))
        seen.setdefault(check_id, document.line((*at, "check")))
        if item.severity not in set(Severity):
            findings.append(
                document.finding((*at, "severity"), f"unknown severity; {choices(item.severity, [*Severity])}")
            )
        for number, kind in enumerate(item.when):
            if kind not in set(Kind):
                findings.append(document.finding((*at, "when", number), f"unknown kind; {choices(kind, [*Kind])}"))
        if item.may_be_empty and not item.kwargs.get("row_condition") and not _leaves_out_nulls(item.type):
            message = "neither a row_condition nor NULLs leave out a row of this check: it always has what it judges"
            findings.append(document.finding((*at, "may_be_empty"), message))
        problems = [] if index in unsure else kwargs_findings(document, at, item.type, item.kwargs)
        findings += problems
        unsure |= {index} if problems else set()
        columns = set() if index in unsure else set(columns_of(item.type, item.kwargs))
        checks.append(
            Check(
                check=check_id,
                dataset=model.dataset or model.name,
                type=item.type,
                kwargs=_json(item.kwargs),
                severity=Severity(item.severity) if item.severity in set(Severity) else Severity.CRITICAL,
                description=item.description,
                notes=item.notes,
                meta=_json(item.meta),
                runbook=item.runbook,
                when=tuple(Kind(kind) for kind in item.when if kind in set(Kind)),
                show=bool(model.show) and columns <= set(model.show),
                may_be_empty=item.may_be_empty,
                where=f"{document.file}:{document.line((*at, 'type'))}",
            )
        )
    suite = Suite(
        name=model.name,
        dataset=model.dataset or model.name,
        file=document.file,
        description=model.description,
        checks=tuple(checks),
        document=document,
        text=text,
        show=tuple(model.show),
        unsure=frozenset(unsure),
    )
    return suite, findings


def _model(document: yamlfile.Document) -> tuple[SuiteModel | None, list[Finding], set[int]]:
    """The model of a document with what is wrong left out, the mistakes, and the expectations that lost something."""
    try:
        return yamlfile.as_model(document, SuiteModel), [], set()
    except ConfigError as error:
        findings = list(error.findings)
    data: dict[str, object] = dict(document.data)  # type: ignore[arg-type]  # the caller saw that it is a mapping
    unsure: set[int] = set()
    items = data.get("expectations")
    if not isinstance(items, list):
        return None, findings, unsure
    kept = []
    for index, item in enumerate(items):
        left, lost = _without_mistakes(ExpectationModel, item if isinstance(item, dict) else {})
        unsure |= {index} if lost & {"type", "kwargs"} or "type" not in left else set()
        kept.append({"type": "", **left})
    top, _ = _without_mistakes(SuiteModel, {**data, "expectations": kept})
    try:
        return SuiteModel.model_validate(top), findings, unsure
    except ValidationError:
        return None, findings, unsure


def _without_mistakes(model: type[BaseModel], data: Mapping[str, object]) -> tuple[dict[str, object], set[int | str]]:
    """What of a mapping a strict model takes, and the keys it does not."""
    try:
        model.model_validate(data)
    except ValidationError as error:
        wrong = {found["loc"][0] for found in error.errors(include_url=False, include_input=False) if found["loc"]}
        return {key: value for key, value in data.items() if key not in wrong}, wrong
    return dict(data), set()


def _json(value: Mapping[str, object]) -> dict[str, Json]:
    return dict(value)  # type: ignore[arg-type]  # the reader yields JSON values only


def kwargs_findings(
    document: yamlfile.Document, at: yamlfile.Key, type_name: str, kwargs: Mapping[str, object]
) -> list[Finding]:
    """The mistakes in one expectation's type and keyword arguments: unknown, missing, of a wrong shape, swapped."""
    if type_name in CUSTOM_TYPES:
        problems = kwarg_problems(type_name, _json(kwargs))
        return [document.finding((*at, "kwargs", name), message) for name, message in problems]
    if type_name in NATIVE_TYPES:
        required, optional = NATIVE_TYPES[type_name]
    else:
        known = [*NATIVE_TYPES, *CUSTOM_TYPES]
        close = choices(type_name, known)
        hint = close.split("?")[0] + "?" if close.startswith("did you mean") else "see dq lint --types for the list"
        return [document.finding((*at, "type"), f"unknown expectation type {type_name}; {hint}")]
    found = []
    for name in kwargs:
        if name not in required | optional:
            message = f"{type_name} takes no such argument; {choices(name, sorted(required | optional))}"
            found.append(document.finding((*at, "kwargs", name), message))
    for name in sorted(required - set(kwargs)):
        found.append(document.finding((*at, "kwargs"), f"{type_name} needs the argument {name}"))
    wrong = dict(value_problems(type_name, kwargs))
    found += [document.finding((*at, "kwargs", name), message) for name, message in wrong.items()]
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    if not wrong.keys() & {"min_value", "max_value"} and _swapped(low, high):
        message = f"min_value {low} is above max_value {high}: no value can pass"
        found.append(document.finding((*at, "kwargs", "min_value"), message))
    bounded = type_name.endswith("_to_be_between") and "min_value" in optional  # quantiles have ranges of their own
    if bounded and kwargs.get("min_value") is None and kwargs.get("max_value") is None:
        found.append(document.finding((*at, "kwargs"), "give min_value, max_value or both: without a bound all passes"))
    mostly = kwargs.get("mostly")
    share = isinstance(mostly, int | float) and not isinstance(mostly, bool) and 0 <= mostly <= 1
    if not (mostly is None or is_parameter(mostly) or share):
        found.append(document.finding((*at, "kwargs", "mostly"), "a share from 0 to 1, such as 0.99"))
    return found


def _swapped(low: object, high: object) -> bool:
    if low is None or high is None:
        return False
    if isinstance(low, str) and isinstance(high, str):
        try:
            return Decimal(low) > Decimal(high)
        except InvalidOperation:
            return low > high  # ISO dates and instants compare as text
    if isinstance(low, int | float) and isinstance(high, int | float):
        return low > high
    return False


def columns_of(type_name: str, kwargs: Mapping[str, object]) -> list[str]:
    """The columns of its own dataset an expectation names, in order."""
    if type_name in CUSTOM_TYPES:
        return list(custom_columns(type_name, _json(kwargs)))
    named = [kwargs.get(key) for key in ("column", "column_A", "column_B", "column_list")]
    return [name for value in named for name in ([value] if isinstance(value, str) else value or []) if name]  # type: ignore[attr-defined]


def thresholds_of(type_name: str, kwargs: Mapping[str, object]) -> list[str]:
    """The arguments of an expectation that are thresholds: numbers, and amounts and bounds written as text."""
    if type_name in CUSTOM_TYPES:
        return [name for name in kwargs if (spec := CUSTOM_TYPES[type_name].kwargs.get(name)) and spec.type in _BOUNDS]
    bounds = ("min_value", "max_value", "value")
    return [
        name
        for name, value in kwargs.items()
        if (isinstance(value, int | float) and not isinstance(value, bool)) or (name in bounds and value is not None)
    ]


def house_findings(suite: Suite, columns: Collection[str]) -> list[Finding]:
    """The mistakes of a suite bound to a pipeline.

    They are unknown columns, checks without id or section, and thresholds without a reason.
    """
    found = []
    for index, check in enumerate(suite.checks):
        sure = index not in suite.unsure
        if any(is_parameter(value) for value in check.kwargs.values()):
            found.append(suite.finding(index, "kwargs", "a run has no value for a $PARAMETER; write the value itself"))
            continue
        for name in columns_of(check.type, check.kwargs) if sure else ():
            if name not in columns:
                message = f"{suite.dataset} has no column {name}; {choices(name, sorted(columns))}"
                found.append(suite.finding(index, "kwargs", message))
        if not check.runbook:
            found.append(suite.finding(index, "", f"the check {check.check} names no runbook section"))
        thresholds = thresholds_of(check.type, check.kwargs) if sure else []
        if thresholds and not check.notes.strip():
            message = f"say under `notes` why {' and '.join(thresholds)} {'is' if len(thresholds) == 1 else 'are'} so"
            found.append(suite.finding(index, "", message))
        if check.may_be_empty and not check.notes.strip():
            found.append(suite.finding(index, "may_be_empty", "say under `notes` why nothing may be left to judge"))
        if check.check == f"{suite.name}.{index + 1}":
            found.append(suite.finding(index, "", "give the check a stable id under `check`"))
    return found


def _leaves_out_nulls(type_name: str) -> bool:
    """Whether a type judges only values, or rows with values; a type that nobody knows is told as that."""
    return CUSTOM_TYPES[type_name].nulls_left_out if type_name in CUSTOM_TYPES else type_name not in EVERY_ROW


def bind(
    checks: Sequence[Check], page: str, section: Callable[[str], str | None], anchor_of: Callable[[str], str | None]
) -> list[Check]:
    """The checks with their runbook section on one pipeline's page.

    ``section(anchor)`` gives the class of a section, None where the page has no such section; ``anchor_of(class)`` the
    anchor of the class's section. Contract checks name only their class.
    """
    bound = []
    for check in checks:
        anchor = check.runbook or anchor_of(check.failure_class) or ""
        failure_class = section(anchor) or check.failure_class
        bound.append(
            replace(
                check, runbook=Place(page=page, section=anchor).reference if anchor else "", failure_class=failure_class
            )
        )
    return bound
