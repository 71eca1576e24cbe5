"""``dq check``: judge any file, folder or table by any suite."""

from __future__ import annotations

import argparse

from dq import show
from dq.base.errors import UsageError
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
    parser = commands.add_parser("check", help="judge a file, a folder or a table by a suite")
    parser.add_argument(
        "data",
        help="CSV, JSON (an object on each line), Parquet, ORC or Avro: a file, a folder, or a pattern in quotes such "
        "as 'in/*/*.csv'; delta:PATH, the folder of a Delta table; or the name of a Spark table",
    )
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
    csv.add_argument("--quote", default='"', help="what values are quoted with (default: a double quote)")
    text = parser.add_argument_group("text", "of CSV and JSON; a column is read so where every value prints back")
    text.add_argument("--date-format", default="", help="how days are written, such as dd.MM.yyyy")
    text.add_argument("--timestamp-format", default="", help="how times are written, such as 'dd.MM.yyyy HH:mm'")
    parser.set_defaults(handler=command)


def command(arguments: argparse.Namespace) -> int:
    """Judge the data; exit 0 passed, 1 failed, 3 could not be evaluated."""
    from dq import checking
    from dq.sources.csvtypes import Patterns
    from dq.sources.declared_tables import pattern_mistake

    dialect = Dialect(
        delimiter="\t" if arguments.delimiter in ("tab", "\\t") else arguments.delimiter,
        header=not arguments.no_header,
        encoding=arguments.encoding,
        quote=arguments.quote,
    )
    patterns = Patterns(day=arguments.date_format, time=arguments.timestamp_format)
    for option, pattern, needed in (("date", patterns.day, "yMd"), ("timestamp", patterns.time, "yMdHm")):
        if pattern and (mistake := pattern_mistake(pattern, needed)):
            raise UsageError(mistake, where=f"--{option}-format")
    record = checking.check_data(arguments.data, arguments.suite, dialect, console.note, patterns)
    console.out(show.render(record, arguments.format, width=console.width(), colour=console.colour()))
    return record.verdict.exit_code
