"""Which warehouse a command looks into."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from dq import registry, settings, store
from dq.errors import UsageError


def add_warehouse(parser: argparse.ArgumentParser) -> None:
    """The argument that names another warehouse than that of the settings."""
    parser.add_argument("--warehouse", type=Path, help="warehouse folder (default: jobs/settings.yml)")


def open_warehouse(arguments: argparse.Namespace, *, to_write: bool = False) -> store.Warehouse:
    """The warehouse the arguments name, or that of the settings; ``to_write`` also opens it to write."""
    root = registry.find_root()
    folder = arguments.warehouse or root / settings.load(root).warehouse
    if not folder.is_dir():
        named = "DQ_WAREHOUSE" if os.environ.get("DQ_WAREHOUSE") else "warehouse of jobs/settings.yml"
        where = "--warehouse" if arguments.warehouse else named
        raise UsageError(
            f"there is no warehouse {folder}",
            where=where,
            do="give by --warehouse or DQ_WAREHOUSE where runs publish; make demo does in build/demo/warehouse",
        )
    warehouse = store.Warehouse(folder)
    if to_write:
        warehouse.prepare()
    return warehouse


def docs_site(arguments: argparse.Namespace) -> Path:
    """The data docs folder that is named, else beside the warehouse that is named, else that of the settings."""
    root = registry.find_root()
    beside = arguments.warehouse.parent / "docs" if arguments.warehouse else root / settings.load(root).docs
    return Path(arguments.docs or beside)
