"""The definitions of all published columns as people look them up: on a page and on the command line."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence

from dq.base.errors import Finding, UsageError, near
from dq.declare.job_columns import named_in
from dq.declare.registry import COUNTS, Column, NamedValue, Pipeline, Registry

FILE = "docs/metrics.md"
"""The page of all published columns, in a project that has one."""
_NUMBERS = ("double", "float", "smallint", "tinyint", *COUNTS)


def mistakes(declared: Registry) -> list[Finding]:
    """The published columns and their values that say too little: without a description, and numbers without a unit."""
    found = []
    for name, item in declared.pipelines.items():
        for column, spec in item.publishes.columns.items():
            at = ("pipelines", name, "publishes", "columns", column)
            if not spec.description.strip():
                message = "has no description; say of what it is, as of when, and when it is NULL"
                found.append(declared.document.finding(at, message))
            is_number = spec.type in _NUMBERS or spec.type.startswith("decimal")
            if is_number and not spec.unit.strip():
                message = "is a number without a unit, such as company currency, ratio, users or hours"
                found.append(declared.document.finding(at, message))
            measured = any(value.unit.strip() for value in spec.values.values())
            for text, value in spec.values.items():
                if not value.description.strip():
                    message = "has no description; say what the value stands for"
                    found.append(declared.document.finding((*at, "values", text), message))
                if measured and not value.unit.strip():
                    message = "has no unit, which the other values of the column have"
                    found.append(declared.document.finding((*at, "values", text), message))
    return found


def markdown(declared: Registry) -> str:
    """The page: for each pipeline its grain, a table of its columns, and one of the values a column may hold."""
    lines = [
        "# Metrics",
        "",
        "Written by `dq lint --fix` from `jobs/pipelines.yml` and the code of the jobs: every published column.",
        "`dq lint --metrics NAME` prints the same of a pipeline, or of a column wherever it is published.",
        "",
        "The company currency is the `currency` of the sources file. A ratio is of one: 0.25 is 25 percent.",
        "Days are days in UTC.",
        "",
        "The last column lists the functions of the job that give the column its name, in the order of the file, and",
        "of a value also the list that holds it. Where it is empty, a text keeps the name of what the job reads.",
        "",
    ]
    lines += [f"- [{name}](#{name})" for name in declared.pipelines]
    for name, item in declared.pipelines.items():
        lines += ["", f"## {name}", "", *textwrap.wrap(item.description, 120), "", f"- Grain: {_grain(item)}."]
        lines.append(f"- Job: [jobs/{item.job}](../jobs/{item.job})")
        lines.append(f"- Runbook: [runbooks/{item.runbook}](../runbooks/{item.runbook}/README.md)")
        lines += ["", "| column | type | unit | definition | computed in |", "|---|---|---|---|---|"]
        for column, spec, functions in _columns(declared, item):
            lines.append(_row(f"`{column}`", f"`{spec.type}`", spec.unit, _definition(spec), _code(functions)))
        for column, spec, _ in _columns(declared, item):
            if spec.values:
                lines += ["", f"The values of `{column}`:", "", "| value | unit | definition | computed in |"]
                lines.append("|---|---|---|---|")
            for text, value, functions in _values(declared, item, spec):
                lines.append(_row(f"`{text}`", value.unit, value.description + _formerly(spec, text), _code(functions)))
    return "\n".join(lines) + "\n"


def _row(*cells: str) -> str:
    """A row of a table."""
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _code(names: Sequence[str]) -> str:
    """Names of the code, as a page shows them."""
    return ", ".join(f"`{one}`" for one in names)


def text(declared: Registry, name: str) -> str:
    """The definitions of a pipeline's columns, or of one column wherever it is published, for a terminal."""
    found = []
    for pipeline, item in declared.pipelines.items():
        wanted = []
        for column, spec, functions in _columns(declared, item):
            if name in (pipeline, column, spec.formerly):
                kind = f"{spec.type}; {spec.unit}" if spec.unit else spec.type
                wanted.append((column, kind, _definition(spec), functions))
            for text, value, functions in _values(declared, item, spec):
                if name in (pipeline, column, text, spec.values_formerly.get(text)):
                    said = value.description + _formerly(spec, text)
                    wanted.append((f"{column} {text}", value.unit or spec.type, said, functions))
        if wanted:
            found.append(f"{pipeline}: {item.description}\nGrain: {_grain(item)}.\n")
        for what, kind, said, functions in wanted:
            where = f"{item.job}: {', '.join(functions)}" if functions else item.job
            found.append(f"  {what}  ({kind})\n      {said}\n      jobs/{where}")
    if not found:
        every = [item.publishes.columns for item in declared.pipelines.values()]
        names = {
            name for columns in every for name in (*columns, *(v for spec in columns.values() for v in spec.values))
        }
        do = near(name, [*declared.pipelines, *sorted(names)], f"{FILE} lists what is published")
        raise UsageError(f"there is no pipeline or published column {name!r}", where="--metrics", do=do)
    return "\n".join(found)


def _definition(spec: Column) -> str:
    """What a column is, and what it and its values were called before."""
    former = [f"Formerly {spec.formerly}."] if spec.formerly else []
    former += [f"{new} was formerly {old}." for new, old in spec.values_formerly.items() if new not in spec.values]
    return " ".join([spec.description, *former])


def _formerly(spec: Column, value: str) -> str:
    """What a value was called before, if anything else."""
    return f" Formerly {spec.values_formerly[value]}." if value in spec.values_formerly else ""


def _grain(item: Pipeline) -> str:
    """What one row stands for: its key."""
    return f"a row for each {' x '.join(item.publishes.key)}"


def _columns(declared: Registry, item: Pipeline) -> Iterator[tuple[str, Column, Sequence[str]]]:
    """Each column with the functions of the job that name it."""
    named = _named(declared, item)
    for column, spec in item.publishes.columns.items():
        yield column, spec, named.get(column, [])


def _values(declared: Registry, item: Pipeline, spec: Column) -> Iterator[tuple[str, NamedValue, Sequence[str]]]:
    """Each value a column may hold, with what names it in the job."""
    named = _named(declared, item) if spec.values else {}
    for text, value in spec.values.items():
        yield text, value, named.get(text, [])


def _named(declared: Registry, item: Pipeline) -> Mapping[str, Sequence[str]]:
    """The columns a job names, and the functions in which it does; empty where there is no job."""
    job = declared.root / "jobs" / item.job
    upstream = [declared.pipelines[table] for table in item.upstream if table in declared.pipelines]
    read = [column for table in upstream for column in table.publishes.columns]
    return named_in(job.read_text(encoding="utf-8"), read) if job.is_file() else {}
