"""The one base of what is read from declared files: no unknown key, no silent conversion, no change afterwards."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """A part of a declared file."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
