"""What telling needs of the declared files: read quickly, without the rest of the project, page by page."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

from dq import runbooks, store
from dq.base.errors import ConfigError, Finding
from dq.base.periods import Grain
from dq.declare import registry, settings
from dq.declare.registry import Registry
from dq.declare.routes import CLOSE, mistakes
from dq.declare.settings import Settings
from dq.people.roster import Roster
from dq.tell import last_roster
from dq.tell.recipients import House


def house(root: Path, warehouse: store.Warehouse) -> House:
    """The people, the pages and the settings of the project in a folder.

    While its roster has mistakes the one that a warehouse keeps of before serves, and ``remark`` says so.
    """
    declared, configured = registry.load(root), settings.load(root)
    serving = last_roster.serving(root, declared, lambda: warehouse)
    return replace(house_of(root, declared, serving.roster, configured), remark=serving.remark)


def house_of(root: Path, declared: Registry, roster: Roster, configured: Settings) -> House:
    """The same from what is read already; a runbook page is read when its pipeline has something to tell."""

    @cache
    def page(pipeline: str) -> runbooks.Page | None:
        item = declared.pipelines.get(pipeline)
        if item is None:
            return None
        return runbooks.load_page(root / "runbooks" / item.runbook, shown=f"runbooks/{item.runbook}")

    def grain(pipeline: str) -> Grain:
        return declared.pipeline(pipeline).grain

    return House(roster=roster, notify=configured.notify, page=page, grain=grain, docs_address=configured.docs_address)


def lint(root: Path, declared: Registry | None, roster: Roster | None, owners: list[str]) -> list[Finding]:
    """Every mistake in the part of the settings about telling."""
    try:
        configured, document = settings.read(root)
    except ConfigError:
        return []  # told by whoever reads the whole project
    items = declared.pipelines if declared else {}
    documents = [name for name, item in items.items() if item.document]
    if any(item.investors for item in items.values()):
        documents.append(CLOSE)
    found = mistakes(
        configured.notify, roster, [*items], owners, documents=documents, docs_address=configured.docs_address
    )
    return [document.finding(("notify", *key), message) for key, message in found]
