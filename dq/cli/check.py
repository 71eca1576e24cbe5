"""``dq check``: judge any CSV, Parquet or table by any suite."""

from __future__ import annotations

import argparse

from dq import reports
from dq.cli import console
from dq.cli.warehouse import local_path


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser("check", help="judge a CSV or Parquet path, or a table, by a suite")
    parser.add_argument("data", help="a .csv file, a Parquet file or folder, or the name of a Spark table")
    parser.add_argument(
        "--suite", type=local_path, required=True, help="a suite of ours (YAML) or of Great Expectations (JSON)"
    )
    parser.add_argument(
        "--format", choices=reports.FORMATS, default="text", help="how the result is printed (default: text)"
    )
    parser.set_defaults(handler=command)


def command(arguments: argparse.Namespace) -> int:
    """Judge the data; exit 0 passed, 1 failed, 3 could not be evaluated."""
    from dq import checking

    record = checking.check_data(arguments.data, arguments.suite)
    console.out(reports.render(record, arguments.format, width=console.width(), colour=console.colour()))
    return record.verdict.exit_code
