"""The id of a run, which says what it is: pipeline, period, start (UTC), and six random characters."""

from __future__ import annotations

import re
import secrets
from datetime import datetime

PATTERN = re.compile(
    r"^(?P<pipeline>[a-z0-9_]+)-(?P<period>\d{4}-(?:w\d{2}|\d{2}(?:-\d{2})?))-(?P<started>\d{8}t\d{12}z)-[0-9a-f]{6}$"
)


def new_id(pipeline: str, period: str, started: datetime) -> str:
    """The id of a run that starts now."""
    return f"{pipeline}-{period.lower()}-{started:%Y%m%dt%H%M%S%fz}-{secrets.token_hex(3)}"
