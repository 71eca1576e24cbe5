"""Which warehouse a command looks into."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dq import store
from dq.base.errors import Finding, UsageError
from dq.base.paths import local
from dq.cli import console
from dq.declare import registry, settings

if TYPE_CHECKING:
    from dq.declare.project import Project
    from dq.people import Roster


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where a run reads and writes, as far as that is said; the settings say the rest."""

    warehouse: Path | None = None
    sources: Path | None = None
    docs: Path | None = None
    no_docs: bool = False

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> Places:
        """Those a command line names."""
        return cls(
            warehouse=arguments.warehouse,
            sources=arguments.sources,
            docs=arguments.docs,
            no_docs=arguments.no_docs,
        )


def local_path(given: str) -> Path:
    """The type of every argument that names a file or folder: an address of another storage is refused."""
    try:
        return local(given)
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def add_warehouse(parser: argparse.ArgumentParser) -> None:
    """The argument that names another warehouse than that of the settings."""
    parser.add_argument("--warehouse", type=local_path, help="warehouse folder (default: jobs/settings.yml)")


def open_warehouse(
    arguments: argparse.Namespace, *, to_write: bool = False, caught_up: bool = False
) -> store.Warehouse:
    """The warehouse the arguments name, or that of the settings; ``to_write`` also opens it to write.

    That, or ``caught_up``, keeps what runs that died left to be recorded: who tells of incidents tells of theirs, too.
    A folder that holds something else, or nothing, is refused: of the wrong place nothing may be said to be in order.
    """
    root = registry.find_root()
    folder = arguments.warehouse or root / settings.load(root).warehouse
    warehouse = store.Warehouse(folder)
    if not folder.is_dir():
        raise _refusal(arguments, f"there is no warehouse {folder}")
    if not warehouse.is_one():
        what = "holds something else" if any(folder.iterdir()) else "is empty"
        raise _refusal(arguments, f"{folder} is not a warehouse: it {what}")
    if to_write:
        warehouse.prepare()
    if to_write or caught_up:
        from dq.run import recovery

        recovery.catch_up(warehouse, warehouse.tables())
    return warehouse


def warehouse_to_fill(arguments: argparse.Namespace | Places, project: Project) -> store.Warehouse:
    """The warehouse that runs write into, which the first of them makes; a folder of something else is refused."""
    warehouse = store.Warehouse(arguments.warehouse or project.root / project.settings.warehouse)
    if warehouse.root.is_dir() and not warehouse.may_become_one():
        what = f"{warehouse.root} is not a warehouse: it holds something else"
        raise _refusal(arguments, what, "an empty folder, one that is not there yet, or one with _dq in it")
    return warehouse


def _refusal(
    arguments: argparse.Namespace | Places,
    what: str,
    expected: str = "a folder with _dq in it, which the first run makes",
) -> UsageError:
    named = "DQ_WAREHOUSE" if os.environ.get("DQ_WAREHOUSE") else "warehouse of jobs/settings.yml"
    return UsageError(
        what,
        where="--warehouse" if arguments.warehouse else named,
        expected=expected,
        do="give by --warehouse or DQ_WAREHOUSE where runs publish; make demo does in build/demo/warehouse",
    )


def load_project(arguments: argparse.Namespace | Places, root: Path | None = None) -> Project:
    """The project, for what must go on while its roster has mistakes: the one of before serves, and that is told."""
    from dq.declare import project as projects
    from dq.tell import last_roster

    root = root or registry.find_root()

    def before(mistakes: Sequence[Finding]) -> tuple[Roster, str] | None:
        warehouse = store.Warehouse(arguments.warehouse or root / settings.load(root).warehouse)
        stand = last_roster.stand_in(warehouse, mistakes)
        return (stand.roster, stand.remark) if stand else None

    project = projects.load(root, getattr(arguments, "sources", None), before)
    if project.remark:
        console.note(f"dq: {project.remark}")
    return project


def docs_site(arguments: argparse.Namespace) -> Path:
    """The data docs folder that is named, else beside the warehouse that is named, else that of the settings."""
    root = registry.find_root()
    beside = arguments.warehouse.parent / "docs" if arguments.warehouse else root / settings.load(root).docs
    return Path(arguments.docs or beside)
