"""Settings of an installation: where things are kept, who is told of failures how, what a Spark run may strain."""

from __future__ import annotations

import os
from pathlib import Path

from dq.base import yamlfile
from dq.base.paths import local
from dq.base.strict import Strict
from dq.base.thresholds import Thresholds
from dq.declare.routes import Notify

FILE = Path("jobs", "settings.yml")


class Settings(Strict):
    """``jobs/settings.yml``, or the file that ``DQ_SETTINGS`` names."""

    warehouse: str
    docs: str
    docs_address: str = ""
    runtime: Thresholds = Thresholds()
    notify: Notify = Notify()


def read(root: Path) -> tuple[Settings, yamlfile.Document]:
    """The settings as they stand in the file, with the lines of its keys."""
    override = os.environ.get("DQ_SETTINGS")
    path = local(override, "DQ_SETTINGS") if override else root / FILE
    return yamlfile.read_model(path, Settings, shown=override or str(FILE))


def load(root: Path) -> Settings:
    """The settings of the project in ``root``; ``DQ_WAREHOUSE`` names another warehouse, with its docs beside it."""
    settings, _ = read(root)
    given = os.environ.get("DQ_WAREHOUSE")
    if given:
        warehouse = local(given, "DQ_WAREHOUSE")
        docs = warehouse.parent / "docs"
    else:
        warehouse, docs = (local(getattr(settings, name), f"{FILE}: {name}") for name in ("warehouse", "docs"))
    return settings.model_copy(update={"warehouse": str(warehouse), "docs": str(docs)})
