"""The custom expectation types as registered Great Expectations classes, built from ``dq.checks.types``.

They carry our checks through Great Expectations: a suite that names them loads, its kwargs are validated, its pages
render. Evaluating them is this package's own work; Great Expectations alone refuses with a sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from dq.checks.custom_kwargs import kwarg_problems, sentence
from dq.checks.custom_types import CUSTOM_TYPES
from dq.checks.type_spec import KwargSpec, KwargType, TypeSpec
from dq.gx.load import load

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import BatchExpectation

_PYTHON: Mapping[KwargType, object] = {
    KwargType.COLUMNS: list[str],
    KwargType.BY: list[str],
    KwargType.OTHER_COLUMNS: list[str],
    KwargType.LINES: dict[str, str],
    KwargType.PAIRS: list[dict[str, str]],
    KwargType.COUNT: int,
    KwargType.NUMBER: int | float,
    KwargType.BOOLEAN: bool,
    KwargType.WEEKDAYS: list[str],
    KwargType.DAYS: list[str],
}


@cache
def register() -> Mapping[str, type[BatchExpectation]]:
    """The registered class of every custom expectation type, by type name; defining a class registers it."""
    load()
    base = _base()
    return {name: _expectation(base, name, spec) for name, spec in CUSTOM_TYPES.items()}


def _class_name(type_name: str) -> str:
    return "".join(part.capitalize() for part in type_name.split("_"))


def _documented(spec: TypeSpec) -> str:
    lines = [f"    {name}: {_kwarg_doc(kwarg)}" for name, kwarg in spec.kwargs.items()]
    return "\n".join([spec.doc, *(["", "Args:", *lines] if lines else [])])


def _kwarg_doc(spec: KwargSpec) -> str:
    needed = "required" if spec.required else f"default {spec.default!r}"
    listed = f" ({', '.join(spec.choices)})" if spec.choices else ""
    return f"{spec.doc} {str(spec.type).capitalize()}{listed}; {needed}."


def _expectation(base: type[BatchExpectation], name: str, spec: TypeSpec) -> type[BatchExpectation]:
    annotations: dict[str, object] = {}
    namespace: dict[str, object] = {
        "__module__": __name__,
        "__doc__": _documented(spec),
        "__annotations__": annotations,
    }
    for kwarg, declared in spec.kwargs.items():
        python = _PYTHON.get(declared.type, str)
        annotations[kwarg] = python if declared.required else python | None  # type: ignore[operator]
        if not declared.required:
            default = declared.default
            namespace[kwarg] = list(default) if isinstance(default, tuple) else default
    keys = ("column",) if "column" in spec.kwargs else ()
    annotations |= {"domain_keys": ClassVar[tuple[str, ...]], "success_keys": ClassVar[tuple[str, ...]]}
    namespace["domain_keys"] = ("batch_id", *keys)
    namespace["success_keys"] = tuple(kwarg for kwarg in spec.kwargs if kwarg not in keys)
    return type(_class_name(name), (base,), namespace)


def _base() -> type[BatchExpectation]:
    from great_expectations.compatibility import pydantic
    from great_expectations.expectations.expectation import BatchExpectation
    from great_expectations.render import LegacyRendererType, RenderedStringTemplateContent
    from great_expectations.render.renderer.renderer import renderer

    class DqExpectation(BatchExpectation):  # type: ignore[misc]  # Great Expectations comes untyped
        """A check evaluated by this package and rendered by Great Expectations."""

        @pydantic.root_validator(pre=True)  # type: ignore[untyped-decorator]
        def _strict_kwargs(cls, values: dict[str, Any]) -> dict[str, Any]:  # noqa: N805  # pydantic's own convention
            name = cls.expectation_type
            if name in CUSTOM_TYPES:
                ours = {key: value for key, value in values.items() if key in CUSTOM_TYPES[name].kwargs}
                problems = kwarg_problems(name, ours)
                if problems:
                    raise ValueError("; ".join(f"{kwarg}: {problem}" for kwarg, problem in problems))
            return values

        def _validate(self, *_args: object, **_kwargs: object) -> None:
            raise NotImplementedError(f"{self.expectation_type} is evaluated by dq, not by Great Expectations alone")

        @classmethod
        @renderer(renderer_type=LegacyRendererType.PRESCRIPTIVE)  # type: ignore[untyped-decorator]
        def _prescriptive_renderer(
            cls, configuration: Any = None, result: Any = None, runtime_configuration: Any = None
        ) -> list[RenderedStringTemplateContent]:
            declared = configuration or result.expectation_config
            template, params = sentence(declared.type, declared.kwargs)
            styling = (runtime_configuration or {}).get("styling") or {"default": {"classes": ["badge"]}}
            return [
                RenderedStringTemplateContent(
                    content_block_type="string_template",
                    string_template={"template": template, "params": params, "styling": styling},
                )
            ]

    return DqExpectation
