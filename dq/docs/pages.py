"""The pages Great Expectations renders: one per run, one per pipeline's suites. Import only after ``dq.gx.load``."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeVar

import great_expectations as gx
from great_expectations.render import RenderedBulletListContent, RenderedDocumentContent, RenderedSectionContent
from great_expectations.render.renderer import ExpectationSuitePageRenderer, ValidationResultsPageRenderer

from dq.base.model import Check, CheckResult, Json, Outcome, RunRecord
from dq.base.serialize import instant, plain
from dq.docs.guided_tables import DatasetSection, SuiteSection
from dq.docs.safeview import SafePageView
from dq.gx.results import ordered, site_link, suite, suite_result, validation_result
from dq.show.card import card, day, section_counts

_UP = "../../"
T = TypeVar("T", Check, CheckResult)


def run_page(run: RunRecord, *, suite_link: str) -> str:
    """The HTML page of a cleaned record: the verdict card, then one section per dataset, failing ones first."""
    groups = sorted(_by_dataset(run.results).items(), key=lambda item: _urgency(item[1]))
    with _quiet():
        sections = [_dataset_section(name, results, run) for name, results in groups]
        if run.results:
            statistics = ValidationResultsPageRenderer._render_validation_statistics(suite_result(run))
            sections.append(RenderedSectionContent(section_name="Statistics", content_blocks=[statistics]))
        document = RenderedDocumentContent(
            renderer_type="ValidationResultsPageRenderer",
            page_title=f"{run.pipeline} {run.period}".strip(),
            expectation_suite_name=run.pipeline,
            sections=sections,
        )
        return str(
            SafePageView("run.j2").render(
                document,
                card=card(run),
                run=run,
                facts=_facts(run),
                contents=[(name, section_counts(results)) for name, results in groups],
                suite_link=suite_link,
                link=lambda runbook: site_link(runbook, _UP),
                rows=_rows,
                gx_version=gx.__version__,
            )
        )


def suite_page(pipeline: str, checks: Sequence[Check]) -> str:
    """The HTML page of a pipeline's declared checks, dataset by dataset."""
    renderer = ExpectationSuitePageRenderer()
    renderer._column_section_renderer = SuiteSection()
    sections: list[RenderedSectionContent] = []
    unknown: list[Check] = []
    with _quiet():
        for dataset, declared in _by_dataset(checks).items():
            built, left = suite(dataset, declared, "../")
            unknown += left
            for section in renderer.render(built).sections if built.expectations else ():
                if section.section_name == "Overview":
                    # Of the renderer's overview only the list of table-level expectations is about this suite.
                    section.content_blocks = [
                        block for block in section.content_blocks if isinstance(block, RenderedBulletListContent)
                    ]
                section.section_name = dataset
                if section.content_blocks:
                    sections.append(section)
        document = RenderedDocumentContent(
            renderer_type="ExpectationSuitePageRenderer",
            page_title=pipeline,
            expectation_suite_name=pipeline,
            sections=sections,
        )
        return str(
            SafePageView("suite.j2").render(
                document,
                pipeline=pipeline,
                total=len(checks),
                datasets=list(dict.fromkeys(section.section_name for section in sections)),
                unknown=unknown,
                gx_version=gx.__version__,
            )
        )


def _dataset_section(name: str, results: Sequence[CheckResult], run: RunRecord) -> RenderedSectionContent:
    rendered = [
        validation_result(result, run.guidance.get(result.check), _UP, raised=False) for result in ordered(results)
    ]
    section = DatasetSection().render(rendered)
    section.section_name = name
    return section


def _by_dataset(items: Sequence[T]) -> dict[str, list[T]]:
    groups: dict[str, list[T]] = {}
    for item in items:
        groups.setdefault(item.dataset, []).append(item)
    return groups


def _urgency(results: Sequence[CheckResult]) -> int:
    outcomes = {result.outcome for result in results}
    return next((rank for rank, outcome in enumerate((Outcome.FAILED, Outcome.ERRORED)) if outcome in outcomes), 2)


def _facts(run: RunRecord) -> list[tuple[str, str]]:
    known = [
        ("Run", run.run),
        ("Period", f"{run.period} ({run.kind.replace('_', ' ')})" if run.period else ""),
        ("Data through", f"{day(run.data_through)}" if run.period else ""),
        ("As of", instant(run.as_of)),
        ("Started", instant(run.started)),
        ("Took", f"{run.seconds:,.1f} s"),
        ("Spark jobs", f"{run.spark_jobs:,}" if run.spark_jobs else ""),
        ("Run key", run.run_key),
        ("Staged as", run.staged),
    ]
    return [(name, value) for name, value in known if value]


def _rows(result: CheckResult) -> tuple[list[str], list[list[str]]]:
    """The failing cells of a comparison as a table: its columns in order of first mention, absent cells empty."""
    rows: list[Mapping[str, Json]] = [row for row in result.rows if isinstance(row, Mapping)]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return columns, [[_cell(row.get(name)) for name in columns] for row in rows]


def _cell(value: Json) -> str:
    return "" if value is None else str(plain(value))


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Great Expectations' words to its developers.

    It logs a traceback for a sentence it cannot word, and shows type and kwargs instead; it warns of the string row
    conditions that its own Spark engine needs.
    """
    logger = logging.getLogger("great_expectations")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            yield
    finally:
        logger.setLevel(before)
