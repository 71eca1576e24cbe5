"""Settings of an installation: where the warehouse and the data docs are, and what a Spark run may strain."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from dq import yamlfile
from dq.thresholds import Thresholds

FILE = Path("jobs", "settings.yml")


class Settings(BaseModel):
    """``jobs/settings.yml``, or the file that ``DQ_SETTINGS`` names."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    warehouse: str
    docs: str
    docs_address: str = ""
    runtime: Thresholds = Thresholds()


def load(root: Path) -> Settings:
    """The settings of the project in ``root``; ``DQ_WAREHOUSE`` names another warehouse, with its docs beside it."""
    override = os.environ.get("DQ_SETTINGS")
    path = Path(override) if override else root / FILE
    settings, _ = yamlfile.read_model(path, Settings, shown=override or str(FILE))
    warehouse = os.environ.get("DQ_WAREHOUSE")
    if not warehouse:
        return settings
    return settings.model_copy(update={"warehouse": warehouse, "docs": str(Path(warehouse).parent / "docs")})
