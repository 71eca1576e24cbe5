"""Great Expectations' tables with what a person needs beside each expectation: severity, owner, runbook.

Import only after ``dq.gx.load``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from great_expectations.core import ExpectationValidationResult
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.render import RenderedComponentContent, RenderedStringTemplateContent, RenderedTableContent
from great_expectations.render.renderer.column_section_renderer import (
    ExpectationSuiteColumnSectionRenderer,
    ValidationResultsColumnSectionRenderer,
)
from great_expectations.render.renderer.content_block import (
    ExpectationSuiteBulletListContentBlockRenderer,
    ValidationResultsTableContentBlockRenderer,
)

from dq.base.errors import EvaluationError
from dq.base.model import Outcome

HEADER = ("Status", "Expectation", "Observed", "Severity", "Owner", "Runbook")
_STATUS = {
    Outcome.PASSED: ("✓ passed", "passed"),
    Outcome.FAILED: ("✗ failed", "failed"),
    Outcome.ERRORED: ("? could not evaluate", "errored"),
    Outcome.NOT_RUN: ("– not run", "notrun"),
}


def text(value: object, *classes: str, tag: str = "span", href: str = "") -> RenderedStringTemplateContent:
    """One piece of plain text as a content block; it travels as a parameter, so it is never markup."""
    style: dict[str, Any] = {"tag": tag, "classes": list(classes)}
    if href:
        style["attributes"] = {"href": href}
    return RenderedStringTemplateContent(
        content_block_type="string_template",
        string_template={"template": "$text", "params": {"text": str(value)}, "styling": {"params": {"text": style}}},
    )


def ours(configuration: ExpectationConfiguration) -> Mapping[str, Any]:
    """What this package says about an expectation, from its meta data."""
    found = (configuration.meta or {}).get("dq")
    return found if isinstance(found, Mapping) else {}


def _declared_only(*_: object, **__: object) -> None:
    """No description in place of the sentence: both are shown, and an unknown type must not lose the whole page."""


class GuidedTable(ValidationResultsTableContentBlockRenderer):  # type: ignore[misc]  # untyped library
    """The table of validation results with our status, check id, finding, severity, owner and runbook."""

    _get_content_block_fn_from_expectation_description = staticmethod(_declared_only)

    @classmethod
    def _process_content_block(
        cls,
        content_block: RenderedTableContent,
        has_failed_evr: bool | None,
        render_object: Sequence[ExpectationValidationResult] | None = None,
    ) -> None:
        super()._process_content_block(content_block, has_failed_evr, render_object)
        results = list(render_object or ())
        if len(content_block.table) != len(results):
            # A row beside the wrong owner would send the wrong person running.
            raise EvaluationError(f"{len(results)} results made {len(content_block.table)} rows", where="data docs")
        content_block.header_row = list(HEADER)
        content_block.header_row_options = {}
        content_block.table_options = {}
        content_block.styling = {"body": {"classes": ["guided"]}}
        content_block.table = [_row(row, result) for row, result in zip(content_block.table, results, strict=True)]


class GuidedBullets(ExpectationSuiteBulletListContentBlockRenderer):  # type: ignore[misc]  # untyped library
    """The list of a suite's expectations with check id, severity and runbook under each."""

    @classmethod
    def _get_content_block_fn(cls, expectation_type: str, expectation_config: Any = None) -> Any:
        render = super()._get_content_block_fn(expectation_type, expectation_config) or cls._missing_content_block_fn

        def guided(configuration: ExpectationConfiguration, **kwargs: object) -> list[object]:
            about = ours(configuration)
            blocks = [_named(about), *render(configuration=configuration, **kwargs), _severity(about)]
            notes = [text(about["notes"], "notes", tag="p")] if about.get("notes") else []
            return [[*blocks, *_runbook(about), *notes]]

        return guided

    _get_content_block_fn_from_expectation_description = staticmethod(_declared_only)


class DatasetSection(ValidationResultsColumnSectionRenderer):  # type: ignore[misc]  # untyped library
    """One dataset's results as one table, under the dataset's name: the column is named in each sentence."""

    def __init__(self) -> None:
        super().__init__(table_renderer={"module_name": __name__, "class_name": GuidedTable.__name__})

    def _render_table(
        self, validation_results: list[ExpectationValidationResult], suite_parameters: object = None
    ) -> tuple[list[object], RenderedComponentContent]:
        block = self._table_renderer.render(
            validation_results, include_column_name=True, suite_parameters=suite_parameters
        )
        return [], block

    @classmethod
    def _get_column_name(cls, ge_object: Any) -> str:
        return str(ours(ge_object[0].expectation_config).get("dataset") or "data")


class SuiteSection(ExpectationSuiteColumnSectionRenderer):  # type: ignore[misc]  # untyped library
    """The expectations on one column of one dataset."""

    def __init__(self) -> None:
        super().__init__(bullet_list_renderer={"module_name": __name__, "class_name": GuidedBullets.__name__})


def _row(row: Sequence[object], result: ExpectationValidationResult) -> list[list[object]]:
    about = ours(result.expectation_config)
    shown, style = _STATUS[Outcome(about["outcome"])]
    expectation = row[1] if isinstance(row[1], list) else [row[1]]
    # Without a result dictionary there is nothing for Great Expectations' own words ("unknown % not null").
    stock = row[2] if result.result else "–"
    observed = [text(about["found"]) if about.get("found") else stock]
    return [
        [text(shown, "status", style)],
        [_named(about), *expectation],
        observed,
        [_severity(about)],
        [text(about.get("owner") or "–")],
        _runbook(about),
    ]


def _named(about: Mapping[str, Any]) -> RenderedStringTemplateContent:
    description = about.get("description")
    return RenderedStringTemplateContent(
        content_block_type="string_template",
        string_template={
            "template": "$check $description" if description else "$check",
            "params": {"check": about.get("check", ""), "description": description or ""},
            "tag": "div",
            "styling": {
                "classes": ["check"],
                "params": {"check": {"tag": "code"}, "description": {"classes": ["description"]}},
            },
        },
    )


def _severity(about: Mapping[str, Any]) -> RenderedStringTemplateContent:
    severity = str(about.get("severity", ""))
    waived = " · waived" if about.get("waived") else ""
    # Coloured only where it calls for somebody: a page full of red passes hides the one failure.
    calls = about.get("outcome") in (Outcome.FAILED, Outcome.ERRORED)
    return text(severity + waived, "severity", *([severity] if calls else []))


def _runbook(about: Mapping[str, Any]) -> list[object]:
    link, name = about.get("link"), about.get("section")
    return [text(name or "Open runbook", "runbook", tag="a", href=str(link))] if link else ["–"]
