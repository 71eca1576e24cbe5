"""Whether a command line written on a runbook page is real: it parses, and what it names exists."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from dq.base import periods
from dq.base.errors import DqError, choices
from dq.cli.demo import company_of
from dq.cli.parser import argument_problem, parse
from dq.declare.project import Reading

_PLACEHOLDER = re.compile(r"[A-Z][A-Z_]*")


def problem_finder(reading: Reading) -> Callable[[Sequence[str]], str | None]:
    """The function that says why a command line would be refused in this project; None where it would not be."""

    def problem(argv: Sequence[str]) -> str | None:
        refused = argument_problem(argv)
        parsed = parse(argv[1:]) if argv[0] == "dq" and not refused else None
        return next(_unreal(parsed, reading), None) if isinstance(parsed, argparse.Namespace) else refused

    return problem


def _unreal(parsed: argparse.Namespace, reading: Reading) -> Iterator[str]:
    """What the values of a command line name that is not there; what stands in capitals is the reader's to fill in."""
    given = {
        name: str(value)
        for name, value in vars(parsed).items()
        if isinstance(value, str | Path) and not _PLACEHOLDER.fullmatch(str(value))
    }
    known = reading.registry.pipelines if reading.registry else {}
    if "pipeline" in given and known and given["pipeline"] not in known:
        yield f"there is no pipeline {given['pipeline']!r}; {choices(given['pipeline'], [*known])}"
    for name in ("period", "month", "first", "last"):
        if name in given:
            try:
                periods.days_of(given[name])
            except DqError as error:
                yield str(error)
    if "as_of" in given:
        try:
            periods.parse_instant(given["as_of"])
        except DqError as error:
            yield str(error)
    checks = {check.check for bound in reading.bound.values() for check in bound.all_checks}
    if "check" in given and not reading.findings and given["check"] not in checks:
        yield f"there is no check {given['check']!r}"
    if "suite" in given and not (reading.root / given["suite"]).is_file():
        yield f"there is no suite {given['suite']}"
    if parsed.command == "demo" and "fault" in given:
        company = company_of(reading.root)
        faults = set(company.faults()) if company else {given["fault"]}
        if given["fault"] not in faults:
            yield f"there is no defect {given['fault']!r}; dq demo --faults lists them"
