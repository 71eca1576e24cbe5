"""``dq migrate``: make the tables that an earlier release published open ones, once. It starts no JVM."""

from __future__ import annotations

import argparse

from dq.cli import console
from dq.cli.which_warehouse import add_warehouse, open_warehouse

ABOUT = """\
Releases before this one kept a log of their own, which nothing else could read. This writes Delta's log beside it, with
every version under the number it had; files of figures are neither moved nor changed. Let no run publish meanwhile, and
none of an earlier release afterwards: the old log is closed, and stays under `_commits`. Interrupted, it begins anew
when it is run again. Tables that are open ones already are left as they are."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "migrate",
        help="make what an earlier release published open tables, once",
        description="Make the tables that an earlier release published open ones, once.",
        epilog=ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_warehouse(parser)
    parser.set_defaults(handler=command)


def command(arguments: argparse.Namespace) -> int:
    """Convert what needs it, and say what was converted."""
    done = open_warehouse(arguments).migrate()
    for one in done:
        lost = f"; damaged before: {', '.join(map(str, one.lost))}" if one.lost else ""
        console.out(f"{one.table}: {one.versions} versions are open to every reader of Delta now{lost}")
    if not done:
        console.out("nothing to do: no table is in the format of an earlier release")
    return 0
