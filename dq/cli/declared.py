"""Commands over what is declared, without running anything: ``dq explain`` and ``dq lint``."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path

from dq import people, periods, registry, runbooks
from dq import project as projects
from dq.cli import console
from dq.custom_types import CUSTOM_TYPES
from dq.errors import ConfigError, Finding, UsageError, choices
from dq.native_types import NATIVE_TYPES
from dq.run import batch


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the commands."""
    explain = commands.add_parser(
        "explain", help="print how each check of a pipeline will be proved, before anything runs"
    )
    explain.add_argument("pipeline", help="a pipeline of jobs/pipelines.yml")
    explain.add_argument("--period", help="pin the sources of this period, so that what footers prove is known")
    explain.add_argument("--as-of", help="clock and knowledge cut, ISO 8601 UTC (default: now)")
    explain.add_argument("--sources", type=Path, help="sources file (default: jobs/sources.yml)")
    explain.add_argument(
        "--format", choices=("text", "gx-suite"), default="text", help="the plan, or the pure GX suite"
    )
    explain.add_argument("--dataset", help="whose suite to export (default: that of the published table)")
    explain.set_defaults(handler=explain_command)
    lint = commands.add_parser("lint", help="check suites, sources, runbooks and roster against each other")
    lint.add_argument("--sources", type=Path, help="sources file (default: jobs/sources.yml)")
    lint.add_argument(
        "--fix", action="store_true", help="write the generated lists of checks on the runbook pages anew"
    )
    lint.add_argument("--types", action="store_true", help="list the expectation types a suite may use")
    lint.set_defaults(handler=lint_command)


def explain_command(arguments: argparse.Namespace) -> int:
    """Print a pipeline's plan or its exported suite."""
    project = projects.load(registry.find_root(), arguments.sources)
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
    if arguments.types:
        for name in sorted(NATIVE_TYPES):
            console.out(name)
        for name, spec in sorted(CUSTOM_TYPES.items()):
            console.out(f"{name}  {spec.doc}")
        return 0
    root = registry.find_root()
    try:
        project = projects.load(root, arguments.sources)
    except ConfigError as failure:
        console.error(failure)
        return 1
    findings = lint(project, fix=arguments.fix and arguments.sources is None)
    if arguments.sources is not None:  # the lists on the pages are those of the project's own sources file
        findings = [finding for finding in findings if "the generated block" not in finding.message]
    if findings:
        console.error(ConfigError(findings))
        return 1
    checks = sum(len(bound.all_checks) for bound in project.bound.values())
    console.out(f"clean: {len(project.bound)} pipelines, {checks} checks, {len(project.pages)} runbook pages")
    return 0


def lint(project: projects.Project, *, fix: bool = False) -> list[Finding]:
    """Every mistake between checks, runbook pages and roster; with ``fix`` the generated lists are written first."""
    from dq.cli.parser import argument_problem

    pages = dict(project.pages)
    by_page = {
        name: [
            check for bound in project.bound.values() if bound.pipeline.runbook == name for check in bound.all_checks
        ]
        for name in pages
    }
    if fix:
        for name in pages:
            path = project.root / "runbooks" / name
            runbooks.write_checks(path, by_page[name], project.roster)
            pages[name] = runbooks.load_page(path)
    every = [check for checks in by_page.values() for check in checks]
    return people.lint_roster(project.roster) + runbooks.lint_runbooks(pages, every, project.roster, argument_problem)
