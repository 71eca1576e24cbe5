"""The checks no suite declares: what follows from what a pipeline reads and publishes, and what a run must prove."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from dq.base import yamlfile
from dq.base.failure_classes import FailureClass
from dq.base.model import Check, Severity
from dq.base.periods import Grain
from dq.declare import registry, suites
from dq.engine.native_types import COUNTING_ROWS

FILE = "jobs/pipelines.yml"
DAY = "day"
"""The column of a table of days that says which day a row is about."""
EVERY_DAY = "expect_days_to_be_complete"
IN_TIME = "figures.in_time"
"""What follows the pipeline's name in the id of the check that its figures are there by their level."""


def dataset_checks(name: str, declared: registry.Registry, bound: Sequence[suites.Suite]) -> list[Check]:
    """The checks of every dataset a pipeline reads or publishes: it has rows, and a table of days has every day.

    Where a suite says itself how many rows or which days a dataset has, that stands. What a suite that cannot be read
    entirely says is not known, so that nothing is added to it.
    """
    item = declared.pipelines[name]
    places: dict[str, yamlfile.Key] = {source: ("sources", number) for number, source in enumerate(item.sources)}
    places |= {table: ("upstream", number) for number, table in enumerate(item.upstream)}
    places[name] = ("publishes",)
    found = []
    for dataset, place in places.items():
        own = [suite for suite in bound if suite.dataset == dataset]
        if any(suite.unsure for suite in own):
            continue
        said = {check.type for suite in own for check in suite.checks if not check.kwargs.get("row_condition")}
        where = f"{FILE}:{declared.document.line(('pipelines', name, *place))}"
        if not said & {*COUNTING_ROWS}:
            found.append(
                Check(
                    check=f"{dataset}_has_rows",
                    dataset=dataset,
                    type=COUNTING_ROWS[0],
                    kwargs={"min_value": 1},
                    description=f"{dataset} has at least one row.",
                    notes="What is there has rows; how many are usual is for the checks against history.",
                    failure_class=FailureClass.MISSING_ROWS,
                    where=where,
                )
            )
        table = declared.pipelines.get(dataset)
        if table and table.grain is Grain.DAY and DAY in table.publishes.columns and EVERY_DAY not in said:
            found.append(
                Check(
                    check=f"{dataset}_every_day",
                    dataset=dataset,
                    type=EVERY_DAY,
                    kwargs={"column": DAY},
                    description=f"{dataset} has rows on every day of the period so far.",
                    failure_class=FailureClass.MISSING_DAYS,
                    where=where,
                )
            )
    return found


def ratio_checks(name: str, published: registry.Published, document: yamlfile.Document) -> list[Check]:
    """The checks that each ratio which says what it is divided by is NULL, with its reason, only where it has to be."""
    found = []
    for column, spec in published.columns.items():
        if spec.ratio is None:
            continue
        below, reason = spec.ratio.denominator, registry.reason_of(column)
        negative = {"negative_reason": spec.ratio.negative} if spec.ratio.negative else {}
        found.append(
            Check(
                check=f"{column}_is_explained",
                dataset=name,
                type="expect_ratio_to_be_explained",
                kwargs={
                    "column": column,
                    "denominator": below,
                    "reason_column": reason,
                    "zero_reason": spec.ratio.zero,
                    **negative,
                },
                description=f"{column} is a number where {below} can divide, and NULL with a reason everywhere else.",
                failure_class=FailureClass.DENOMINATOR,
                where=f"{FILE}:{document.line(('pipelines', name, 'publishes', 'columns', column, 'ratio'))}",
            )
        )
    return found


def named(checks: Sequence[Check], ids: Mapping[str, str]) -> list[Check]:
    """The checks by the ids that ``check_ids`` of a pipeline gives them."""
    return [replace(check, check=ids.get(check.check, check.check)) for check in checks]


def published_checks(name: str, published: registry.Published, document: yamlfile.Document) -> list[Check]:
    """The checks that follow from the schema a pipeline publishes: key unique, required columns not NULL."""

    def where(*key: str) -> str:
        return f"{FILE}:{document.line(('pipelines', name, 'publishes', *key))}"

    single = len(published.key) == 1
    checks = [
        Check(
            check=f"{name}.key.unique",
            dataset=name,
            type="expect_column_values_to_be_unique" if single else "expect_compound_columns_to_be_unique",
            kwargs={"column": published.key[0]} if single else {"column_list": published.key},
            description=f"{', '.join(published.key)} identify a row.",
            failure_class=FailureClass.DUPLICATES,
            # Where the key is required, its NULLs are told by the checks of its columns.
            may_be_empty=all(published.columns[column].required for column in published.key),
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
                    failure_class=FailureClass.REQUIRED_VALUE,
                    where=where("columns", column),
                )
            )
    return checks


def value_checks(
    name: str, published: registry.Published, document: yamlfile.Document, shown: Collection[str]
) -> list[Check]:
    """The checks that a column whose values are declared holds no others."""
    return [
        Check(
            check=f"{name}.{column}.accepted",
            dataset=name,
            type="expect_column_values_to_be_in_set",
            kwargs={"column": column, "value_set": [*spec.values]},
            description=f"{column} holds only values that are declared.",
            failure_class=FailureClass.DOMAIN,
            show=column in shown,
            may_be_empty=not spec.required,
            where=f"{FILE}:{document.line(('pipelines', name, 'publishes', 'columns', column, 'values'))}",
        )
        for column, spec in published.columns.items()
        if spec.values
    ]


def run_level_checks(name: str, item: registry.Pipeline, document: yamlfile.Document) -> list[Check]:
    """The checks on the run itself, which no suite can forget: it completed, wrote what it read, inputs are current."""
    of_run = _OfRun(name, document)
    checks = [
        of_run("run.completes", "expect_run_to_complete", FailureClass.RUN, "The run and its upstream runs complete."),
        of_run(
            "rows.read_back",
            "expect_rows_written_to_be_read_back",
            FailureClass.UNITS,
            "The rows that were written are the rows that are read back.",
        ),
    ]
    if item.rules:
        description = "Every rule of calculation is in force on every day that is computed."
        checks.append(of_run("rules.cover", "expect_rules_to_cover_days", FailureClass.RULES, description))
        description = "No other version of a rule came into force; a step at such a date is explained by it."
        checks.append(of_run("rules.changed", "expect_rules_to_stay", FailureClass.RULES, description, Severity.INFO))
        description = "A rule that published figures were computed by changes only as a new version from a later date."
        kind = "expect_rules_to_be_versioned"
        checks.append(of_run("rules.versioned", kind, FailureClass.RULES, description, Severity.WARNING))
    if item.upstream:
        description = "No newer version of an input was published since this run read it."
        checks.append(of_run("inputs.current", "expect_inputs_to_be_current", FailureClass.INPUTS, description))
    files = (
        ("even", "expect_files_to_be_even", FailureClass.SKEW, "No file or partition of an input dwarfs the others."),
        ("small", "expect_files_not_to_be_small", FailureClass.SKEW, "No input is cut into many small files."),
        (
            "broadcast",
            "expect_build_sides_to_fit_memory",
            FailureClass.MEMORY,
            "What a join broadcasts fits into its share of a heap.",
        ),
        (
            "partitions",
            "expect_partitions_to_fit_memory",
            FailureClass.MEMORY,
            "What a task shuffles of an input fits its memory.",
        ),
    )
    for suffix, kind, failure_class, description in files:
        severity = Severity.INFO if suffix in ("small", "partitions") else Severity.WARNING
        checks.append(of_run(f"files.{suffix}", kind, failure_class, description, severity))
    return checks


def strain_checks(name: str, document: yamlfile.Document) -> list[Check]:
    """The checks on what a run strained: judged once its verdict is known, and whatever they find it stays."""
    of_run = _OfRun(name, document)
    checks = (
        ("even", "expect_tasks_to_be_even", FailureClass.SKEW, "In no stage of the run one task had most of the work."),
        (
            "memory",
            "expect_memory_to_suffice",
            FailureClass.MEMORY,
            "Tasks did not spill, collect garbage for long or fill a heap.",
        ),
        ("tasks", "expect_tasks_to_succeed", FailureClass.MEMORY, "No task failed and no executor was lost."),
        (
            "time",
            "expect_run_time_to_fit_history",
            FailureClass.SLOWER,
            "The run took about as long as for earlier periods.",
        ),
        (
            "throughput",
            "expect_throughput_to_fit_history",
            FailureClass.SLOWER,
            "The run read about as many rows per second as usual.",
        ),
    )
    return [
        of_run(f"strain.{suffix}", kind, failure_class, description, Severity.WARNING)
        for suffix, kind, failure_class, description in checks
    ]


def after_commit_checks(name: str, item: registry.Pipeline, document: yamlfile.Document) -> list[Check]:
    """The checks on what no run can decide: that a report reached its readers, or that figures are there in time."""
    of_run = _OfRun(name, document)
    if item.document:
        description = "The report of what is published was written where its readers find it."
        return [of_run("report.delivered", "expect_report_to_be_delivered", FailureClass.DELIVERY, description)]
    of_class = in_time_class(item)
    ran = (
        "The figures are there by their level."
        if of_class == FailureClass.DELIVERY
        else "A run was made by the level of its figures."
    )
    return [of_run(IN_TIME, "expect_figures_in_time", of_class, ran)]


def in_time_class(item: registry.Pipeline) -> str:
    """The way of failing of figures that are not there in time: of a month for investors they are a late report."""
    return FailureClass.DELIVERY if item.investors and item.grain is Grain.MONTH else FailureClass.RUN


class _OfRun:
    """Makes checks on a run of one pipeline as a whole."""

    def __init__(self, name: str, document: yamlfile.Document) -> None:
        self.name = name
        self.where = f"{FILE}:{document.line(('pipelines', name))}"

    def __call__(
        self,
        suffix: str,
        kind: str,
        failure_class: str,
        description: str,
        severity: Severity = Severity.CRITICAL,
    ) -> Check:
        return Check(
            check=f"{self.name}.{suffix}",
            dataset=self.name,
            type=kind,
            kwargs={},
            severity=severity,
            description=description,
            failure_class=failure_class,
            where=self.where,
        )
