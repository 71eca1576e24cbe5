"""Commands over what is declared, without running anything: ``dq explain`` and ``dq lint``."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from dq import people, runbooks
from dq.base import periods
from dq.base.errors import ConfigError, Finding, UsageError, choices
from dq.checks import type_pages
from dq.checks.custom_types import CUSTOM_TYPES
from dq.cli import console
from dq.cli.which_warehouse import local_path
from dq.declare import metrics_page, registry
from dq.declare import project as projects
from dq.run import batch
from dq.tell import declared_people


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the commands."""
    explain = commands.add_parser(
        "explain", help="print how each check of a pipeline will be proved, before anything runs"
    )
    explain.add_argument("pipeline", help="a pipeline of jobs/pipelines.yml")
    explain.add_argument("--period", help="pin the sources of this period, so that what footers prove is known")
    explain.add_argument("--as-of", help="clock and knowledge cut, ISO 8601 UTC (default: now)")
    explain.add_argument("--sources", type=local_path, help="sources file (default: jobs/sources.yml)")
    explain.add_argument(
        "--format", choices=("text", "gx-suite"), default="text", help="the plan, or the pure GX suite"
    )
    explain.add_argument("--dataset", help="whose suite to export (default: that of the published table)")
    explain.set_defaults(handler=explain_command)
    lint = commands.add_parser("lint", help="check suites, sources, runbooks and roster against each other")
    lint.add_argument("--sources", type=local_path, help="sources file (default: jobs/sources.yml)")
    lint.add_argument("--fix", action="store_true", help="write the generated parts of the pages anew")
    lint.add_argument(
        "--types",
        nargs="?",
        const="",
        metavar="NAME",
        help="list the check types a suite may use, or the arguments of one with an example",
    )
    lint.add_argument(
        "--metrics",
        metavar="NAME",
        help="print the definitions of a pipeline's published columns, or of one column wherever it is published",
    )
    lint.add_argument(
        "--schemas", type=local_path, metavar="DIR", help="write the JSON Schema of each file, for editors"
    )
    lint.set_defaults(handler=lint_command)


def explain_command(arguments: argparse.Namespace) -> int:
    """Print a pipeline's plan or its exported suite."""
    project = projects.load(registry.find_root(), arguments.sources, roster_needed=False)
    bound = project.pipeline(arguments.pipeline)
    if arguments.format == "gx-suite":
        from dq.gx.convert import to_gx_suite

        dataset = arguments.dataset or bound.name
        if dataset not in bound.checks:
            raise UsageError(f"{bound.name} has no dataset {dataset!r}", do=choices(dataset, [*bound.checks]))
        of_frame = [c for c in bound.checks[dataset] if not (c.type in CUSTOM_TYPES and CUSTOM_TYPES[c.type].run_level)]
        suite = to_gx_suite(dataset, of_frame)
        console.out(json.dumps(suite.to_json_dict(), indent=2, sort_keys=True))
        return 0
    from dq.run.explain import explain

    as_of = periods.parse_instant(arguments.as_of) if arguments.as_of else None
    if as_of:
        batch.refuse_future(as_of, datetime.now(UTC))
    console.out(explain(project, bound, arguments.period, as_of))
    return 0


def lint_command(arguments: argparse.Namespace) -> int:
    """Report every mistake in the declared files; exit 1 where there is one."""
    if arguments.types is not None:
        return _types(arguments.types)
    if arguments.metrics is not None:
        console.out(metrics_page.text(registry.load(registry.find_root()), arguments.metrics))
        return 0
    if arguments.schemas:
        from dq.declare.json_schemas import schemas

        for name, schema in schemas().items():
            runbooks.write_atomically(arguments.schemas / f"{name}.json", schema)
        console.note(f"wrote {len(schemas())} schemas to {arguments.schemas}")
        return 0
    root = registry.find_root()
    reading = projects.read(root, arguments.sources)
    # The lists on the pages are those of the project's own sources file, whichever else is looked at.
    apart = arguments.sources is not None and (root / "jobs" / "sources.yml").is_file()
    findings = [*reading.findings, *lint(reading, fix=arguments.fix and not apart)]
    if apart:
        own = projects.read(root)
        lists = lint(own, fix=arguments.fix)
        findings = [*(one for one in findings if not _is_generated(one)), *filter(_is_generated, lists)]
        if own.project is None:
            findings += [one for one in own.findings if one not in findings]
    if findings:
        console.error(ConfigError(findings))
        return 1
    checks = sum(len(bound.all_checks) for bound in reading.bound.values())
    console.out(f"clean: {len(reading.bound)} pipelines, {checks} checks, {len(reading.pages)} runbook pages")
    return 0


def _types(name: str) -> int:
    """Print the check types, or one with its arguments."""
    if name:
        console.out(type_pages.text(type_pages.page(name)))
        return 0
    for known in type_pages.names():
        console.out(f"{known}  {type_pages.page(known).doc}")
    console.note("dq lint --types NAME prints the arguments of one, with an example")
    return 0


def _page(root: Path, page: str, wanted: str, subject: str, *, fix: bool) -> list[Finding]:
    """Whether a generated page, where a project has it, is what it should be; with ``fix`` it is written anew."""
    file = root / page
    if not file.is_file() or file.read_text(encoding="utf-8") == wanted:
        return []
    if fix:
        runbooks.write_atomically(file, wanted)
        console.note(f"wrote {page}")
        return []
    return [Finding(page, 1, "", f"is not what the {subject} are; run dq lint --fix")]


def _is_generated(finding: Finding) -> bool:
    """Whether a finding is about a part of a page that is written from what is declared."""
    return finding.message.endswith("run dq lint --fix")


def _dated(findings: Iterable[Finding]) -> bool:
    """Whether all that deadlines are counted by is read without a mistake."""
    by = ("zone", "country", "subdivision", "company_days", "worked_holidays", "rotation.anchor")
    return not any(one.file.endswith("roster.yml") and one.key.startswith(by) for one in findings)


def lint(reading: projects.Reading, *, fix: bool = False) -> list[Finding]:
    """Every mistake between checks, runbook pages and roster, as far as they could be read.

    With ``fix`` the generated lists are written first, provided that nothing else is wrong.
    """
    from dq.cli.runbook_commands import problem_finder

    pages = dict(reading.pages)
    by_page = {
        name: [
            check for bound in reading.bound.values() if bound.pipeline.runbook == name for check in bound.all_checks
        ]
        for name in pages
    }
    if fix and reading.project is not None:
        for name in pages:
            path = reading.root / "runbooks" / name
            for written in runbooks.write_checks(path, by_page[name], reading.project.roster):
                console.note(f"wrote {written.relative_to(reading.root)}")
        pages = {name: runbooks.load_page(reading.root / "runbooks" / name) for name in pages}
    every = [check for checks in by_page.values() for check in checks]
    found = people.lint_roster(reading.roster) if reading.roster else []
    owners = sorted({page.front.owner for page in reading.pages.values()})
    if reading.registry is not None:
        declared = reading.registry.pipelines
        grains = {name: item.grain for name, item in declared.items()}
        investors = [name for name, item in declared.items() if item.investors]
        found += runbooks.lint_levels(pages, grains, investors, reading.so_far if _dated(reading.findings) else None)
        found += metrics_page.mistakes(reading.registry)
        wanted = metrics_page.markdown(reading.registry)
        found += _page(reading.root, metrics_page.FILE, wanted, "published columns", fix=fix)
    found += _page(reading.root, type_pages.FILE, type_pages.markdown(), "check types", fix=fix)
    found += declared_people.lint(reading.root, reading.registry, reading.so_far, owners)
    if reading.project is not None:
        fronts = {name: bound.page.front for name, bound in reading.bound.items()}
        found += runbooks.lint_rotation(reading.root, reading.project.roster, fronts, fix=fix)
    return found + runbooks.lint_runbooks(
        pages,
        every,
        reading.so_far,
        problem_finder(reading),
        partly=reading.partly,
        unread=reading.unread,
        heads=reading.heads,
    )
