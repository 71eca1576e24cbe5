"""A project's declared files, read together: every mistake in any of them is reported at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from dq import people, registry, runbooks, settings, sources, suites, yamlfile
from dq.custom_types import ROW_COUNT, other_columns_of
from dq.engine import conditions
from dq.errors import ConfigError, DqError, Finding, UsageError, choices
from dq.model import Check, Json, Severity
from dq.run.key import text_hash

OUTPUT_CHECKS = "jobs/pipelines.yml"
LAST_DAY = ".last_day"
"""Ends the name under which the last day covered of an upstream table can be compared with."""
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Bound:
    """A pipeline with everything that is declared about it; ``checks`` by dataset, in the order they are judged."""

    name: str
    pipeline: registry.Pipeline
    page: runbooks.Page
    checks: Mapping[str, Sequence[Check]]
    run_checks: Mapping[str, Check]
    texts: Mapping[str, str]

    @property
    def all_checks(self) -> list[Check]:
        """Every check of the pipeline, those about the run itself last."""
        return [check for checks in self.checks.values() for check in checks] + list(self.run_checks.values())

    @property
    def hash(self) -> str:
        """A hash over the declared text that decides what this pipeline computes and how it is judged."""
        return text_hash(self.texts)


@dataclass(frozen=True, kw_only=True)
class Project:
    """Everything declared: registry, sources, suites, runbooks, people and settings."""

    root: Path
    registry: registry.Registry
    settings: settings.Settings
    sources: sources.SourcesConfig
    sources_file: Path
    roster: people.Roster
    pages: Mapping[str, runbooks.Page]
    bound: Mapping[str, Bound]
    rules: Mapping[str, Json]

    def pipeline(self, name: str) -> Bound:
        """One bound pipeline, or a sentence that lists the valid names."""
        self.registry.pipeline(name)
        return self.bound[name]


class _Collector:
    """Runs readers one after another and keeps every mistake they find."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def read(self, reader: Callable[[], T]) -> T | None:
        try:
            return reader()
        except ConfigError as error:
            self.findings += error.findings
            return None


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What could be read of a project's declared files, and every mistake in them; a project only where there is none.

    ``unread`` are the runbook pages that are named but could not be read, ``bound`` the pipelines without a mistake.
    """

    root: Path
    findings: Sequence[Finding]
    project: Project | None
    registry: registry.Registry | None
    roster: people.Roster | None
    pages: Mapping[str, runbooks.Page]
    unread: frozenset[str]
    bound: Mapping[str, Bound]

    @property
    def partly(self) -> frozenset[str]:
        """The pages some of whose checks are not known."""
        if self.registry is None:
            return frozenset(self.pages)
        return frozenset(item.runbook for name, item in self.registry.pipelines.items() if name not in self.bound)


def load(root: Path, sources_file: Path | None = None) -> Project:
    """The project in a folder, with its sources file or another one, or a ConfigError with all mistakes."""
    reading = read(root, sources_file)
    if reading.project is None:
        raise ConfigError(reading.findings)
    return reading.project


def read(root: Path, sources_file: Path | None = None) -> Reading:
    """All that can be read of the project in a folder: what one file has wrong does not hide the mistakes of others."""
    found = _Collector()
    known = found.read(lambda: registry.read(root))
    declared = known[0] if known else None
    found.findings += known[1] if known else []
    configured = found.read(lambda: settings.load(root))
    roster = found.read(lambda: people.load_roster(root / "runbooks" / "roster.yml", shown="runbooks/roster.yml"))
    contracts = found.read(lambda: sources.load_contracts(root / "jobs" / "contracts.yml", shown="jobs/contracts.yml"))
    sources_path = sources_file or root / "jobs" / "sources.yml"
    if not sources_path.is_file():
        raise UsageError(f"there is no sources file {sources_path}", where="--sources", do="give the path of one")
    shown = str(sources_path.relative_to(root)) if sources_path.is_relative_to(root) else str(sources_path)
    mapped = found.read(lambda: sources.load_sources(sources_path, contracts, shown=shown)) if contracts else None
    rules_document = found.read(lambda: yamlfile.read(root / "jobs" / "rules.yml", shown="jobs/rules.yml"))
    page_files, suite_files = _named(root, declared)
    pages = {}
    for name in page_files:
        page = found.read(partial(runbooks.load_page, root / "runbooks" / name, shown=f"runbooks/{name}"))
        if page:
            pages[name] = page
    loaded = {}
    for name in suite_files:
        suite = found.read(partial(suites.load, root / "expectations" / name, shown=f"expectations/{name}"))
        if suite:
            loaded[name] = suite
    rules = rules_document.data if rules_document else {}
    if not isinstance(rules, dict):
        found.findings.append(Finding("jobs/rules.yml", 1, "", "the rules are a mapping"))
        rules = {}
    texts = {
        "contracts": root / "jobs" / "contracts.yml",
        "sources": sources_path,
        "rules": root / "jobs" / "rules.yml",
    }
    shared_texts = (
        {name: path.read_text(encoding="utf-8") for name, path in texts.items()} if not found.findings else {}
    )
    bound = _bind_all(declared, loaded, pages, contracts, mapped, shared_texts, found) if declared else {}
    project = None
    if not found.findings:
        assert declared and configured and roster and mapped  # noqa: S101, PT018 - else there were findings
        project = Project(
            root=root,
            registry=declared,
            settings=configured,
            sources=mapped,
            sources_file=sources_path,
            roster=roster,
            pages=pages,
            bound=bound,
            rules=rules,
        )
    return Reading(
        root=root,
        findings=found.findings,
        project=project,
        registry=declared,
        roster=roster,
        pages=pages,
        unread=frozenset(page_files) - set(pages),
        bound=bound,
    )


def _named(root: Path, declared: registry.Registry | None) -> tuple[list[str], list[str]]:
    """The runbook pages and suites to read: those the registry names and that are there; all where it is unreadable."""
    if declared is None:
        pages = {path.name for path in (root / "runbooks").glob("*.md")} - {"README.md"}
        return sorted(pages), sorted(path.name for path in (root / "expectations").glob("*.yml"))
    items = declared.pipelines.values()
    pages = {item.runbook for item in items if (root / "runbooks" / item.runbook).is_file()}
    files = {file for item in items for file in item.suites if (root / "expectations" / file).is_file()}
    return sorted(pages), sorted(files)


def _bind_all(
    declared: registry.Registry,
    loaded: Mapping[str, suites.Suite],
    pages: Mapping[str, runbooks.Page],
    contracts: sources.Contracts | None,
    mapped: sources.SourcesConfig | None,
    shared_texts: Mapping[str, str],
    found: _Collector,
) -> dict[str, Bound]:
    """The pipelines without a mistake, by name; where the columns of an input are not known, only sections are."""
    bound = {}
    for name, item in declared.pipelines.items():
        page = pages.get(item.runbook)
        if contracts is None or not _inputs_known(name, item, declared, contracts, found):
            found.findings += [finding for suite in _suites_of(item, loaded) for finding in _anchors(suite, page)]
            continue
        result = found.read(partial(_bind, name, item, loaded, page, declared, contracts, mapped, shared_texts))
        if result:
            bound[name] = result
    return bound


def _inputs_known(
    name: str,
    item: registry.Pipeline,
    declared: registry.Registry,
    contracts: sources.Contracts,
    found: _Collector,
) -> bool:
    """Whether the columns of everything a pipeline reads are known; a source without contract is a mistake."""
    unknown = [(number, source) for number, source in enumerate(item.sources) if source not in contracts]
    for number, source in unknown:
        message = f"has no contract; {choices(source, [*contracts])}"
        found.findings.append(declared.document.finding(("pipelines", name, "sources", number), message))
    return not unknown and all(table in declared.pipelines for table in item.upstream)


def _suites_of(item: registry.Pipeline, loaded: Mapping[str, suites.Suite]) -> list[suites.Suite]:
    """The suites of a pipeline that could be read."""
    return [loaded[file] for file in item.suites if file in loaded]


def _anchors(suite: suites.Suite, page: runbooks.Page | None) -> list[Finding]:
    """The checks of a suite that lead to a section the pipeline's page does not have."""
    return [
        suite.finding(
            index, "runbook", f"{page.file} has no section #{check.runbook}; it has {', '.join(page.anchors)}"
        )
        for index, check in enumerate(suite.checks)
        if page and check.runbook and page.section(check.runbook) is None
    ]


def _bind(
    name: str,
    item: registry.Pipeline,
    loaded: Mapping[str, suites.Suite],
    page: runbooks.Page | None,
    declared: registry.Registry,
    contracts: sources.Contracts,
    mapped: sources.SourcesConfig | None,
    shared_texts: Mapping[str, str],
) -> Bound | None:
    """One pipeline's suites, contract checks and run-level checks on its own runbook page.

    A ConfigError with the mistakes in what could be read; None where there is none, but something could not be read.
    """
    findings: list[Finding] = []
    by_dataset: dict[str, list[Check]] = defaultdict(list)
    columns = {source: list(contracts[source].columns) for source in item.sources}
    columns |= {table: list(declared.pipelines[table].publishes.columns) for table in (*item.upstream, name)}
    texts = dict(shared_texts) | {"pipeline": repr(item)}
    for source in item.sources:
        by_dataset[source] += sources.contract_checks(mapped, source) if mapped else []
    if item.publishes.totals_of:
        try:
            conditions.expression(item.publishes.totals_of, columns[name])
        except DqError as error:
            findings.append(declared.document.finding(("pipelines", name, "publishes", "totals_of"), str(error)))
    comparable = columns | {f"{table}{LAST_DAY}": columns[table] for table in item.upstream}
    by_dataset[name] += published_checks(name, item.publishes, declared.document)
    every_suite = len(_suites_of(item, loaded)) == len(item.suites)
    for suite in _suites_of(item, loaded):
        texts[suite.file] = suite.text
        if suite.dataset not in columns:
            message = f"{name} reads no dataset {suite.dataset}; it has {', '.join(sorted(columns))}"
            findings.append(suite.finding(None, "dataset", message))
            continue
        findings += suites.house_findings(suite, columns[suite.dataset])
        findings += _reference_findings(suite, comparable)
        by_dataset[suite.dataset] += suite.checks
        findings += _anchors(suite, page)
    for dataset in columns if every_suite else ():
        if not any(check.type in suites.ROW_COUNT for check in by_dataset[dataset]):
            where = ("pipelines", name, "suites")
            findings.append(declared.document.finding(where, f"no suite with a row-count check for {dataset}"))
    run_checks = {check.check: check for check in run_level_checks(name, item, declared.document)}
    seen: dict[str, Check] = {}
    for check in [check for checks in by_dataset.values() for check in checks] + list(run_checks.values()):
        if check.check in seen:
            file, _, line = check.where.rpartition(":")
            findings.append(Finding(file, int(line or 0), check.check, f"id taken at {seen[check.check].where}"))
        seen[check.check] = check
    if findings:
        raise ConfigError(findings)
    if page is None or mapped is None or not every_suite:
        return None

    def bind(checks: Sequence[Check]) -> list[Check]:
        return suites.bind(checks, item.runbook, page.class_of, page.anchor_for_class)

    return Bound(
        name=name,
        pipeline=item,
        page=page,
        checks={dataset: bind(by_dataset[dataset]) for dataset in (*item.sources, *item.upstream, name)},
        run_checks={check.check: check for check in bind(list(run_checks.values()))},
        texts=texts,
    )


def _reference_findings(suite: suites.Suite, columns: Mapping[str, Sequence[str]]) -> list[Finding]:
    """The mistakes in what a suite says of other datasets and in its row conditions, before Spark starts."""
    found = []
    for index, check in enumerate(suite.checks):
        other = check.kwargs.get("other")
        if isinstance(other, str) and other not in columns:
            found.append(suite.finding(index, "kwargs.other", f"no dataset {other}; {choices(other, [*columns])}"))
            continue
        if isinstance(other, str):
            for name in other_columns_of(check.type, check.kwargs):
                if name != ROW_COUNT and name not in columns[other]:
                    message = f"{other} has no column {name}; {choices(name, columns[other])}"
                    found.append(suite.finding(index, "kwargs", message))
        for key, dataset in (("row_condition", suite.dataset), ("other_condition", other), ("other_where", other)):
            text = check.kwargs.get(key)
            if isinstance(text, str) and text and isinstance(dataset, str):
                try:
                    conditions.expression(text, columns[dataset])
                except DqError as error:
                    found.append(suite.finding(index, f"kwargs.{key}", str(error)))
    return found


def published_checks(name: str, published: registry.Published, document: yamlfile.Document) -> list[Check]:
    """The checks that follow from the schema a pipeline publishes: key unique, required columns not NULL."""

    def where(*key: str) -> str:
        return f"{OUTPUT_CHECKS}:{document.line(('pipelines', name, 'publishes', *key))}"

    single = len(published.key) == 1
    checks = [
        Check(
            check=f"{name}.key.unique",
            dataset=name,
            type="expect_column_values_to_be_unique" if single else "expect_compound_columns_to_be_unique",
            kwargs={"column": published.key[0]} if single else {"column_list": published.key},
            description=f"{', '.join(published.key)} identify a row.",
            failure_class="F02",
            where=where("key"),
        )
    ]
    for column, spec in published.columns.items():
        if spec.required:
            checks.append(
                Check(
                    check=f"{name}.{column}.required",
                    dataset=name,
                    type="expect_column_values_to_not_be_null",
                    kwargs={"column": column},
                    description=f"{column} is never NULL.",
                    failure_class="F01",
                    where=where("columns", column),
                )
            )
    return checks


def run_level_checks(name: str, item: registry.Pipeline, document: yamlfile.Document) -> list[Check]:
    """The checks on the run itself, which no suite can forget: it completed, wrote what it read, inputs are current."""
    where = f"{OUTPUT_CHECKS}:{document.line(('pipelines', name))}"

    def check(identifier: str, kind: str, failure_class: str, description: str) -> Check:
        return Check(
            check=identifier,
            dataset=name,
            type=kind,
            kwargs={},
            severity=Severity.CRITICAL,
            description=description,
            failure_class=failure_class,
            where=where,
        )

    checks = [
        check(f"{name}.run.completes", "expect_run_to_complete", "F26", "The run and its upstream runs complete."),
        check(
            f"{name}.rows.read_back",
            "expect_rows_written_to_be_read_back",
            "F14",
            "The rows that were written are the rows that are read back.",
        ),
    ]
    if item.upstream:
        description = "No newer version of an input was published since this run read it."
        checks.append(check(f"{name}.inputs.current", "expect_inputs_to_be_current", "F16", description))
    return checks
