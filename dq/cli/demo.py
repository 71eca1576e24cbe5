"""``dq demo``: the demo company, a clean month that is published and one with a seeded defect that is held.

The company lies beside the jobs it was made for, in ``demo/`` of their project, and is not part of this package.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path
from types import ModuleType

from dq.base.errors import UsageError
from dq.declare import registry

FAULT = "F11-ledger-marketing"


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser("demo", help="make the demo company, publish a clean month, hold a defective one")
    parser.add_argument(
        "--size", choices=("small", "large"), default="small", help="how big the company is (default: small)"
    )
    parser.add_argument("--seed", type=int, default=1, help="another seed is another company (default: 1)")
    parser.add_argument(
        "--fault",
        default=FAULT,
        metavar="ID",
        help=f"the seeded defect, or a class such as F18 for its first (default: {FAULT}); list: --faults",
    )
    parser.add_argument("--faults", action="store_true", help="list the seeded defects and end")
    parser.add_argument(
        "--all", action="store_true", help="run every pipeline, not only those that must find the defect"
    )
    parser.set_defaults(handler=command)


def command(arguments: argparse.Namespace) -> int:
    """Run the demo; exit 0 when the clean month was published and the defect was caught as it should be."""
    root = registry.find_root()
    found = company_of(root)
    if found is None:
        raise UsageError(
            "there is no demo company",
            where=str(root / "demo"),
            do="it lies in the repository of this package beside jobs/: run the demo from a clone of it",
        )
    return int(found.command(arguments))


def company_of(root: Path) -> ModuleType | None:
    """The demo company of a project, None where it has none."""
    if not (root / "demo" / "command.py").is_file():
        return None
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    return importlib.import_module("demo.command")
