"""``dq check``: judge any CSV, Parquet or table by any suite."""

from __future__ import annotations

import argparse

from dq import show
from dq.cli import console
from dq.cli.which_warehouse import local_path
from dq.sources.csvfile import Dialect

ABOUT_CSV = """\
quotes are doubled (RFC 4180). A column is a number, day, instant or boolean only where every value prints back as it is
written: 0.10 is decimal, 01234, 1E5, +49 and 1.10 beside 1.1 stay text. Days are 2026-10-05, instants ISO 8601, UTC
where they name no zone, booleans true and false. Where one value or a few keep a column text, it names the row of one
of them. It never shows the value. Files of a folder are read by the names in their headers"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser("check", help="judge a CSV or Parquet path, or a table, by a suite")
    parser.add_argument("data", help="CSV or Parquet, a file or a folder, or the name of a Spark table")
    parser.add_argument(
        "--suite", type=local_path, required=True, help="a suite of ours (YAML) or of Great Expectations (JSON)"
    )
    parser.add_argument(
        "--format", choices=show.FORMATS, default="text", help="how the result is printed (default: text)"
    )
    csv = parser.add_argument_group("CSV", ABOUT_CSV)
    csv.add_argument("--delimiter", default=",", help="what separates values, one character or 'tab' (default: ,)")
    csv.add_argument("--no-header", action="store_true", help="line 1 holds values; columns are _c0, _c1 and so on")
    csv.add_argument("--encoding", default="utf-8", help="character set, such as cp1252 (default: utf-8)")
    parser.set_defaults(handler=command)


def command(arguments: argparse.Namespace) -> int:
    """Judge the data; exit 0 passed, 1 failed, 3 could not be evaluated."""
    from dq import checking

    dialect = Dialect(
        delimiter="\t" if arguments.delimiter in ("tab", "\\t") else arguments.delimiter,
        header=not arguments.no_header,
        encoding=arguments.encoding,
    )
    record = checking.check_data(arguments.data, arguments.suite, dialect, console.note)
    console.out(show.render(record, arguments.format, width=console.width(), colour=console.colour()))
    return record.verdict.exit_code
