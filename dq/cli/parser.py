"""The arguments of the ``dq`` command, and whether a command line written on a page would be accepted."""

from __future__ import annotations

import argparse
import importlib
import re
from collections.abc import Callable, Sequence
from functools import cache

from dq.cli import console

# The modules of the command line with the commands each adds, in the order of the help. Only the module of the command
# that is asked for is imported: who is on call must not wait for the libraries of a run.
MODULES = {
    "demo": ("demo",),
    "run": ("run",),
    "backfill": ("backfill",),
    "check": ("check",),
    "lint_explain": ("explain", "lint"),
    "runbook": ("runbook",),
    "oncall": ("oncall", "calendar"),
    "prevalidate": ("prevalidate",),
    "close": ("close",),
    "upkeep": ("show", "withdraw", "gc", "docs"),
    "verify": ("verify",),
    "migrate": ("migrate",),
    "diagnose": ("diagnose",),
    "waive": ("waive",),
    "status": ("status", "deliver"),
}

# A command line of each, for the end of its help.
EXAMPLES = {
    "demo": "dq demo --fault F18",
    "run": "dq run profit_unit --period 2026-10 --as-of 2026-11-04T05:00:00Z",
    "backfill": "dq backfill profit_unit --from 2026-08 --to 2026-10 --dry-run",
    "check": "dq check invoices.csv --suite invoices.yml",
    "explain": "dq explain profit_unit --period 2026-10",
    "lint": "dq lint --fix",
    "oncall": "dq oncall --pipeline investor_profit --at 2026-11-25T17:00:00Z",
    "runbook": "dq runbook profit_unit/figures-differ-from-the-books.md",
    "calendar": "dq calendar --month 2026-11",
    "prevalidate": "dq prevalidate --month 2026-11 --as-of 2026-11-25T06:00:00Z",
    "close": "dq close --month 2026-10 --no-send",
    "show": "dq show profit_unit --check profit_ties_out_to_ledger",
    "withdraw": 'dq withdraw profit_unit --period 2026-10 --reason "booked twice"',
    "gc": "dq gc --older-than 30",
    "docs": "dq docs --warehouse build/demo/warehouse",
    "verify": "dq verify profit_unit --period 2026-10",
    "migrate": "dq migrate --warehouse build/demo/warehouse",
    "diagnose": "dq diagnose build/warehouse/_dq/event_logs/app-20261104050000-0001",
    "waive": "dq waive profit_unit --check revenue_is_fresh --period 2026-10 --ceiling 0.05 --owner anna "
    '--reason "the feed is late until Friday" --until 2026-11-06',
    "status": "dq status --at 2026-11-04T05:00:00Z",
    "deliver": "dq deliver --dry-run",
}

EXIT_CODES = """exit codes: 0 published, passed or done; 1 held or failed; 2 usage or configuration;
3 could not be evaluated; 4 published, but data docs, record, report or a message were not delivered, or a result
was not printed; 130 interrupted; 143 terminated"""


def build_parser(command: str = "") -> argparse.ArgumentParser:
    """The parser of a command, or of all where that is none; ``handler`` of the parsed arguments is what runs."""
    parser = console.Parser(
        prog="dq",
        description="Publish a figure only when it is proved; answer a failure with section, owner and due date.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    only = [name for name, added in MODULES.items() if command in added]
    for name in only or MODULES:
        importlib.import_module(f"dq.cli.{name}").add(commands)
    for name, one in commands.choices.items():
        one.formatter_class = argparse.RawDescriptionHelpFormatter
        own = f"{one.epilog}\n\n" if one.epilog else ""
        codes = "" if "exit codes" in own.lower() else f"\n{EXIT_CODES}"
        one.epilog = f"{own}for example: {EXAMPLES[name]}{codes}"
    return parser


def argument_problem(argv: Sequence[str]) -> str | None:
    """Why a command line written on a runbook page would be refused, its program first; None where it parses."""
    program, *words = argv
    if program == "make":
        from dq.declare import registry

        makefile = (registry.find_root() / "Makefile").read_text(encoding="utf-8")
        targets = re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE)
        unknown = [word for word in words if "=" not in word and word not in targets]
        return f"no such make target: {unknown[0]}; valid: {', '.join(targets)}" if unknown else None
    parsed = parse(words)
    if isinstance(parsed, str):
        return parsed
    problem: Callable[[argparse.Namespace], str] | None = getattr(parsed, "problem", None)
    return (problem(parsed) or None) if problem else None


def parse(words: Sequence[str]) -> argparse.Namespace | str:
    """The arguments in the words of a command line, or why it would be refused; nothing is printed."""
    try:
        return _silent_parser().parse_args(words)
    except argparse.ArgumentError as refused:
        return str(refused)
    except SystemExit as ended:  # --help ends a program well, and is not a command of a page
        return f"ends with {ended.code}"


@cache
def _silent_parser() -> argparse.ArgumentParser:
    """A parser of every command that raises instead of printing and ending; built once, for pages have hundreds."""

    def refuse(message: str) -> None:
        raise argparse.ArgumentError(None, message)

    parser = build_parser()
    for each in (parser, *_subparsers(parser)):
        each.error = refuse  # type: ignore[method-assign,assignment]
    return parser


def _subparsers(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    action = next(a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    return list(action.choices.values())
