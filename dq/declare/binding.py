"""One pipeline with everything that is declared about it, and every mistake in how that fits together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from dq import runbooks, sources
from dq.base import yamlfile
from dq.base.errors import ConfigError, DqError, Finding, choices, near
from dq.base.model import Check
from dq.base.periods import Grain
from dq.base.run_key import text_hash
from dq.checks.compared_names import FIRST_DAY, LAST_DAY, ROW_COUNT, SO_FAR
from dq.checks.custom_kwargs import kwarg_problems
from dq.checks.custom_types import columns_of, judges_published, other_columns_of
from dq.declare import finals, job_code, overrides, registry, suite_files, suites
from dq.declare.finals import PREVIOUS
from dq.declare.implied_checks import (
    after_commit_checks,
    dataset_checks,
    named,
    published_checks,
    ratio_checks,
    run_level_checks,
    strain_checks,
    value_checks,
)
from dq.engine import conditions

TRAILING = ".trailing"
"""Ends the name of an upstream table's day with which the twelve months begin that end with the last day covered, and
of this table's final of the month which that day begins."""


REPLACED = ".replaced"
"""Ends the name under which a final of the same period that this run would replace can be compared with."""


LATE = ".late"
"""Ends the name of a source's rows that became known after the month they belong to was published as final."""


T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Bound:
    """A pipeline with everything that is declared about it; ``checks`` by dataset, in the order they are judged.

    ``run_checks`` are about the run itself, ``strain_checks`` about what it strained and ``after_checks`` about what
    follows its commit: those two change no verdict.
    ``sources`` are the company's, read by the rules of this pipeline.
    """

    name: str
    pipeline: registry.Pipeline
    sources: sources.SourcesConfig
    page: runbooks.Page
    checks: Mapping[str, Sequence[Check]]
    run_checks: Mapping[str, Check]
    strain_checks: Mapping[str, Check]
    after_checks: Mapping[str, Check]
    texts: Mapping[str, str]

    @property
    def all_checks(self) -> list[Check]:
        """Every check of the pipeline, those about the run itself last."""
        return [*self.deciding_checks, *self.strain_checks.values(), *self.after_checks.values()]

    @property
    def deciding_checks(self) -> list[Check]:
        """The checks that are judged before the verdict."""
        return [check for checks in self.checks.values() for check in checks] + list(self.run_checks.values())

    @property
    def hash(self) -> str:
        """A hash over the declared text that decides what this pipeline computes and how it is judged."""
        return text_hash(self.texts)


class Collector:
    """Runs readers one after another and keeps every mistake they find."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def read(self, reader: Callable[[], T]) -> T | None:
        """What a reader gives, None where it finds mistakes."""
        try:
            return reader()
        except ConfigError as error:
            self.findings += error.findings
            return None


def _may_be_late(contract: sources.Contract) -> bool:
    """Whether a source says of each row which day it belongs to and when it became known."""
    return bool(contract.day and contract.known_at)


def bind_all(
    declared: registry.Registry,
    loaded: Mapping[str, suites.Suite | None],
    pages: Mapping[str, runbooks.Page],
    contracts: sources.Contracts | None,
    mapped: sources.SourcesConfig | None,
    shared_texts: Mapping[str, str],
    found: Collector,
) -> dict[str, Bound]:
    """The pipelines without a mistake, by name; where the columns of an input are not known, only sections are."""
    bound = {}
    for name, item in declared.pipelines.items():
        page = pages.get(item.runbook)
        if contracts is None or not _inputs_known(name, item, declared, contracts, found):
            found.findings += [finding for suite in suites_of(name, item, loaded) for finding in _anchors(suite, page)]
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
    found: Collector,
) -> bool:
    """Whether the columns of everything a pipeline reads are known; a source without contract is a mistake."""
    unknown = [(number, source) for number, source in enumerate(item.sources) if source not in contracts]
    for number, source in unknown:
        message = f"has no contract; {choices(source, [*contracts])}"
        found.findings.append(declared.document.finding(("pipelines", name, "sources", number), message))
    return not unknown and all(table in declared.pipelines for table in item.upstream)


def suites_of(name: str, item: registry.Pipeline, loaded: Mapping[str, suites.Suite | None]) -> list[suites.Suite]:
    """The suites of a pipeline that could be read."""
    return [suite for file in suite_files.taken(name, item) if (suite := loaded.get(file))]


def _unknown_ids(
    name: str, item: registry.Pipeline, implied: Sequence[Check], document: yamlfile.Document
) -> list[Finding]:
    """The keys of ``check_ids`` that are the id of no check which follows from what is declared."""
    ids = [check.check for check in implied]
    return [
        document.finding(
            ("pipelines", name, "check_ids", key),
            f"no check of this id follows from what is declared; {near(key, ids, f'dq explain {name} lists all')}",
        )
        for key in item.check_ids
        if key not in ids
    ]


def _anchors(suite: suites.Suite, page: runbooks.Page | None) -> list[Finding]:
    """The checks of a suite that lead to a section the pipeline's page does not have."""
    otherwise = "write it (runbooks/README.md, To add a way of failing) or take one of its other sections"
    return [
        suite.finding(
            index,
            "runbook",
            f"{page.file} has no section {check.runbook}; {near(check.runbook, page.anchors, otherwise)}",
        )
        for index, check in enumerate(suite.checks)
        if page and check.runbook and page.section(check.runbook) is None
    ]


def _bind(
    name: str,
    item: registry.Pipeline,
    loaded: Mapping[str, suites.Suite | None],
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
    ends = (FIRST_DAY, LAST_DAY, SO_FAR)
    comparable = columns | {f"{table}{end}": columns[table] for table in item.upstream for end in ends}
    may_be_late = [source for source in item.sources if _may_be_late(contracts[source])]
    comparable |= {f"{source}{end}": columns[source] for source in may_be_late for end in (LATE, PREVIOUS)}
    if item.compares_with_previous:
        comparable |= {f"{table}{PREVIOUS}": columns[table] for table in (*item.upstream, name)}
        comparable |= {
            f"{table}{PREVIOUS}{end}": columns[table] for table in item.upstream for end in (FIRST_DAY, LAST_DAY)
        }
    comparable[f"{name}{REPLACED}"] = columns[name]
    if item.trailing_twelve_months:
        of_days = [table for table in item.upstream if declared.pipelines[table].grain is Grain.DAY]
        comparable |= {f"{table}{TRAILING}{FIRST_DAY}": columns[table] for table in of_days}
        comparable[f"{name}{TRAILING}"] = columns[name]
        if item.grain is not Grain.MONTH or not item.compares_with_previous:
            message = "only a table of months that compares_with_previous has twelve finals to count from"
            findings.append(declared.document.finding(("pipelines", name, "trailing_twelve_months"), message))
    findings += job_code.mistakes(name, declared, columns)
    readable = [suite for suite in suites_of(name, item, loaded) if not suite.unsure]
    every_suite = len(readable) == len([file for file in suite_files.taken(name, item) if file in loaded])
    of_every = dataset_checks(name, declared, suites_of(name, item, loaded))
    shown = {column for suite in readable if suite.dataset == name for column in suite.show}
    grouped: list[Check] = []
    for number, group in enumerate(item.publishes.finals):
        made = finals.group_checks(name, number, group, declared.document)
        findings += _group_findings(made, partial(_of_group, declared.document, finals.place(name, number)), comparable)
        grouped += [replace(check, show={*columns_of(check.type, check.kwargs)} <= shown) for check in made]
    implied = [*published_checks(name, item.publishes, declared.document)]
    implied += value_checks(name, item.publishes, declared.document, shown)
    implied += ratio_checks(name, item.publishes, declared.document)
    for suite in suites_of(name, item, loaded):
        texts[suite.file] = suite.text
        if suite.dataset not in columns:
            continue  # it is told once, and not for every pipeline that takes the file
        findings += suites.house_findings(suite, columns[suite.dataset])
        of_suite = [(one, partial(suite.finding, n)) for n, one in enumerate(suite.checks) if n not in suite.unsure]
        findings += _reference_findings(of_suite, comparable)
        by_dataset[suite.dataset] += overrides.adjusted(suite.checks, mapped)
        findings += _anchors(suite, page)
    stands = [one for one in (*by_dataset[name], *grouped) if one.kwargs.get("published") == "replaced"]
    compared = {column for check in stands for column in columns_of(check.type, check.kwargs)}
    implied += finals.other_checks(name, item.publishes, compared, declared.document)
    if every_suite:
        findings += _unknown_ids(name, item, [*of_every, *implied], declared.document)
    for check in overrides.adjusted([*named(of_every, item.check_ids), *grouped], mapped):
        by_dataset[check.dataset].append(check)
    by_dataset[name] += named(implied, item.check_ids)
    run_checks = run_level_checks(name, item, declared.document)
    strained = strain_checks(name, declared.document)
    after_checks = after_commit_checks(name, item, declared.document)
    seen: dict[str, Check] = {}
    of_datasets = (check for checks in by_dataset.values() for check in checks)
    for check in [*of_datasets, *run_checks, *strained, *after_checks]:
        if check.check in seen:
            file, _, line = check.where.rpartition(":")
            # Within one suite its reader tells it.
            if file != seen[check.check].where.rpartition(":")[0] or file == registry.MARKER.as_posix():
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
        sources=mapped.reading({source: sources.ReadRule(rule) for source, rule in item.reads.items()}),
        page=page,
        checks={dataset: bind(by_dataset[dataset]) for dataset in (*item.sources, *item.upstream, name)},
        run_checks={check.check: check for check in bind(run_checks)},
        strain_checks={check.check: check for check in bind(strained)},
        after_checks={check.check: check for check in bind(after_checks)},
        texts=texts,
    )


Tell = Callable[[str, str], Finding]
"""Tells a mistake at a key of a check, where the check is declared."""


def _of_group(document: yamlfile.Document, place: yamlfile.Key, key: str, message: str) -> Finding:
    """A mistake in an argument of a check that a group of ``finals`` makes, at the key of the group it is made of."""
    argument = key.removeprefix("kwargs").removeprefix(".")
    return document.finding((*place, finals.ARGUMENTS.get(argument, "columns")), message)


def _group_findings(checks: Sequence[Check], tell: Tell, columns: Mapping[str, Sequence[str]]) -> Iterable[Finding]:
    """The mistakes of a group of ``finals``: in the arguments of its checks, and in what they name."""
    found = []
    for check in checks:
        found += [tell(f"kwargs.{key}", message) for key, message in kwarg_problems(check.type, check.kwargs)]
        for name in columns_of(check.type, check.kwargs):
            if name not in columns[check.dataset]:
                message = f"{check.dataset} has no column {name}; {choices(name, columns[check.dataset])}"
                found.append(tell("kwargs", message))
    found += _reference_findings([(check, tell) for check in checks], columns)
    return dict.fromkeys(found)


def _reference_findings(checks: Sequence[tuple[Check, Tell]], columns: Mapping[str, Sequence[str]]) -> list[Finding]:
    """The mistakes in what checks say of other datasets and in their row conditions, before Spark starts."""
    found = []
    for check, tell in checks:
        which = check.kwargs.get("published", "previous")
        if judges_published(check.type) and f"{check.dataset}.{which}" not in columns:
            message = f"{check.dataset} is compared with no month; set compares_with_previous in {registry.MARKER}"
            found.append(tell("type", message))
        other, since = check.kwargs.get("other"), check.kwargs.get("since")
        if isinstance(since, str) and f"{since}{FIRST_DAY}" not in columns:
            valid = [name.removesuffix(FIRST_DAY) for name in columns if name.endswith(FIRST_DAY)]
            found.append(tell("kwargs.since", f"no dataset {since} with a first day; {choices(since, valid)}"))
            continue
        if isinstance(other, str) and other not in columns:
            found.append(tell("kwargs.other", f"no dataset {other}; {choices(other, [*columns])}"))
            continue
        if isinstance(other, str):
            for name in other_columns_of(check.type, check.kwargs):
                if name != ROW_COUNT and name not in columns[other]:
                    found.append(tell("kwargs", f"{other} has no column {name}; {choices(name, columns[other])}"))
        for key, dataset in (
            ("row_condition", check.dataset),
            ("where", check.dataset),
            ("other_condition", other),
            ("other_where", other),
        ):
            text = check.kwargs.get(key)
            if isinstance(text, str) and text and isinstance(dataset, str):
                try:
                    conditions.expression(text, columns[dataset])
                except DqError as error:
                    found.append(tell(f"kwargs.{key}", str(error)))
    return found
