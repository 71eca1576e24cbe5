"""The definitions of all published columns as people look them up: on a page and on the command line."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from dq.base.errors import Finding, UsageError, near
from dq.declare.job_columns import named_in
from dq.declare.registry import COUNTS, Column, Pipeline, Registry

FILE = "docs/metrics.md"
"""The page of all published columns, in a project that has one."""
_NUMBERS = ("double", "float", "smallint", "tinyint", *COUNTS)


def mistakes(declared: Registry) -> list[Finding]:
    """The published columns that say too little: those without a description, and numbers without a unit."""
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
    return found


def markdown(declared: Registry) -> str:
    """The page: for each pipeline its grain, and a table of its columns."""
    lines = [
        "# Metrics",
        "",
        "Written by `dq lint --fix` from `jobs/pipelines.yml` and the code of the jobs: every published column.",
        "`dq lint --metrics NAME` prints the same of a pipeline, or of a column wherever it is published.",
        "",
        "The company currency is the `currency` of the sources file. A ratio is of one: 0.25 is 25 percent.",
        "Days are days in UTC.",
        "",
        "The last column lists the functions of the job that give the column its name, in the order of the file. Where",
        "it is empty, the column keeps the name of what the job reads.",
        "",
    ]
    lines += [f"- [{name}](#{name})" for name in declared.pipelines]
    for name, item in declared.pipelines.items():
        lines += ["", f"## {name}", "", *textwrap.wrap(item.description, 120), "", f"- Grain: {_grain(item)}."]
        lines.append(f"- Job: [jobs/{item.job}](../jobs/{item.job})")
        lines.append(f"- Runbook: [runbooks/{item.runbook}](../runbooks/{item.runbook}/README.md)")
        lines += ["", "| column | type | unit | definition | computed in |", "|---|---|---|---|---|"]
        for column, spec, functions in _columns(declared, item):
            where = ", ".join(f"`{one}`" for one in functions)
            cells = (f"`{column}`", f"`{spec.type}`", spec.unit, _definition(spec), where)
            lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines) + "\n"


def text(declared: Registry, name: str) -> str:
    """The definitions of a pipeline's columns, or of one column wherever it is published, for a terminal."""
    found = []
    for pipeline, item in declared.pipelines.items():
        wanted = [one for one in _columns(declared, item) if name in (pipeline, one[0], one[1].formerly)]
        if wanted:
            found.append(f"{pipeline}: {item.description}\nGrain: {_grain(item)}.\n")
        for column, spec, functions in wanted:
            kind = f"{spec.type}; {spec.unit}" if spec.unit else spec.type
            where = f"{item.job}: {', '.join(functions)}" if functions else item.job
            found.append(f"  {column}  ({kind})\n      {_definition(spec)}\n      jobs/{where}")
    if not found:
        columns = {column for item in declared.pipelines.values() for column in item.publishes.columns}
        do = near(name, [*declared.pipelines, *sorted(columns)], f"{FILE} lists what is published")
        raise UsageError(f"there is no pipeline or published column {name!r}", where="--metrics", do=do)
    return "\n".join(found)


def _definition(spec: Column) -> str:
    """What a column is, and what it and its values were called before."""
    former = [f"Formerly {spec.formerly}."] if spec.formerly else []
    former += [f"{new} was formerly {old}." for new, old in spec.values_formerly.items()]
    return " ".join([spec.description, *former])


def _grain(item: Pipeline) -> str:
    """What one row stands for: its key."""
    return f"a row for each {' x '.join(item.publishes.key)}"


def _columns(declared: Registry, item: Pipeline) -> Iterator[tuple[str, Column, list[str]]]:
    """Each column with the functions of the job that name it."""
    job = declared.root / "jobs" / item.job
    named = named_in(job.read_text(encoding="utf-8")) if job.is_file() else {}
    for column, spec in item.publishes.columns.items():
        yield column, spec, named.get(column, [])
