"""``dq verify``: prove that what a pipeline has published is, byte for byte, what was audited. It starts no JVM."""

from __future__ import annotations

import argparse
from pathlib import Path
from shlex import quote

from dq.base import periods, private
from dq.base.errors import StoreError
from dq.cli import console
from dq.cli.job import PERIODS
from dq.cli.which_warehouse import add_warehouse, open_warehouse
from dq.declare import registry

ABOUT = """\
It reads the published files from end to end and compares them with the hashes taken when they were written, before the
audit; the seal of the audit with the commit; what the link `current` shows with the log; and the files that a reader of
Delta finds with those that were published. The exit code is 0 where
all is proved, 1 where something differs, which is named, and 3 where it cannot be told, as of what was published before
whole files were hashed: run such a period again, or take its sizes and footers for proof enough. Files of the warehouse
that others may read are named beside it, with the command that closes them; that changes no exit code."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "verify",
        help="prove that what is published is byte for byte what was audited: exit 0 proved, 1 differs, 3 cannot tell",
        description="Prove that what is published is byte for byte what was audited.",
        epilog=ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("pipeline", help="a pipeline of jobs/pipelines.yml")
    parser.add_argument("--period", help=f"{PERIODS}; a month is all its days (default: everything published)")
    add_warehouse(parser)
    parser.set_defaults(handler=command)


def command(arguments: argparse.Namespace) -> int:
    """Look at every published period; what differs is graver than what cannot be told."""
    registry.load(registry.find_root()).pipeline(arguments.pipeline)
    if arguments.period:
        periods.days_of(arguments.period, where="--period")
    warehouse = open_warehouse(arguments)
    table = warehouse.table(arguments.pipeline)
    entries = table.select(arguments.period)
    differs, unknown, others = 0, 0, ""
    for entry in entries:
        try:
            reason = table.prove(entry)
        except StoreError as failure:
            differs += 1
            console.out(f"differs: {arguments.pipeline} {entry.period} version {entry.version}: {failure}")
            continue
        if reason:
            unknown += 1
            console.out(f"cannot tell: {arguments.pipeline} {entry.period} version {entry.version}: {reason}")
    try:
        table.prove_open()
    except StoreError as failure:
        others = f"differs: {arguments.pipeline} as other readers see it: {failure}"
        console.out(others)
    proved = [f"{len(entries) - differs - unknown} of {len(entries)} published periods proved to be what was audited"]
    proved += [f"{differs} differ"] if differs else []
    proved += [f"of {unknown} it cannot be told"] if unknown else []
    files = [file for entry in entries for file in entry.files]
    console.out(f"{', '.join(proved)} ({len(files)} files, {sum(file.size for file in files):,} bytes)")
    _tell_open(warehouse.root)
    return 1 if differs or others else 3 if unknown else 0


def _tell_open(root: Path) -> None:
    """Say which files of the warehouse others may read, and the command that closes them; nothing is changed."""
    found = private.open_to_others(root)
    if not found:
        return
    count = "1 file" if len(found) == 1 else f"{len(found):,} files"
    folders: dict[str, list[str]] = {}
    for one in sorted({root / path.relative_to(root).parts[0] for path in found}):
        given = private.modes(one if one.is_dir() else root)[0] == private.GROUP_FILE
        folders.setdefault("o=" if given else "go=", []).append(quote(str(one)))
    fix = " && ".join(f"chmod -R {who} {' '.join(which)}" for who, which in folders.items())
    console.note(
        f"dq: others may read {count} of the warehouse, which an earlier version or a copy left open, such as "
        f"{found[0]}; close them: {fix}"
    )
