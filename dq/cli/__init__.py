"""The ``dq`` command. Only this package prints or decides exit codes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from dq.base.errors import DqError
from dq.base.paths import refuse_addresses
from dq.cli import console
from dq.spark.session import quiet
from dq.tell import redact

Command = Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    from dq.cli.parser import build_parser

    console.prepare()
    redact.install()
    words = sys.argv[1:] if argv is None else argv
    arguments = build_parser(words[0] if words else "").parse_args(words)
    handler: Command = arguments.handler
    quiet()
    return console.ended(_code_of(handler, arguments))


def _code_of(handler: Command, arguments: argparse.Namespace) -> int:
    try:
        refuse_addresses()
        return handler(arguments)
    except DqError as failure:
        return console.error(failure)
    except KeyboardInterrupt:
        console.note("dq: interrupted")
        return 130
    except Exception as failure:  # a mistake of ours: it must not end with the exit code of failed data
        from dq.run.failures import sentence

        return console.error(DqError(f"{arguments.command} could not finish: {sentence(failure)}"))
