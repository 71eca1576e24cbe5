"""The arguments of the ``dq`` command, and whether a command line written on a page would be accepted."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence

from dq import registry
from dq.cli import backfill, check, declared, demo, history, prevalidate, run, status, waive

EXIT_CODES = """exit codes: 0 published, passed or done; 1 held or failed; 2 usage or configuration;
3 could not be evaluated; 4 published, but data docs, record, report or a message were not delivered;
130 interrupted; 143 terminated"""


def build_parser() -> argparse.ArgumentParser:
    """The parser of every command; ``handler`` of the parsed arguments is what runs."""
    parser = argparse.ArgumentParser(
        prog="dq",
        description="Publish a figure only when it is proved; answer a failure with section, owner and due date.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for module in (demo, run, backfill, prevalidate, check, declared, history, waive, status):
        module.add(commands)
    return parser


def argument_problem(argv: Sequence[str]) -> str | None:
    """Why a command line written on a runbook page would be refused, its program first; None where it parses."""
    program, *words = argv
    if program == "make":
        makefile = (registry.find_root() / "Makefile").read_text(encoding="utf-8")
        targets = re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE)
        unknown = [word for word in words if "=" not in word and word not in targets]
        return f"no such make target: {unknown[0]}; valid: {', '.join(targets)}" if unknown else None
    parser = build_parser()
    problems: list[str] = []

    def refuse(message: str) -> None:
        problems.append(message)
        raise argparse.ArgumentError(None, message)

    for each in (parser, *_subparsers(parser)):
        each.error = refuse  # type: ignore[method-assign,assignment]
    try:
        parsed = parser.parse_args(words)
    except (argparse.ArgumentError, SystemExit) as failure:
        return problems[0] if problems else str(failure)
    problem: Callable[[argparse.Namespace], str] | None = getattr(parsed, "problem", None)
    return (problem(parsed) or None) if problem else None


def _subparsers(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    action = next(a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    return list(action.choices.values())
