"""A run in Great Expectations' own JSON. Importing this module does not import Great Expectations."""

from __future__ import annotations

from dq.base import clean
from dq.base.model import RunRecord
from dq.gx.load import load
from dq.gx.registered_types import register


def gx_json(record: RunRecord) -> str:
    """A run as the JSON text of a Great Expectations validation result."""
    load()
    register()
    from dq.gx.results import suite_json

    return suite_json(clean.record(record))
