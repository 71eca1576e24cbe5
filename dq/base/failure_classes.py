"""The classes of failure that the package itself knows; a company's own runbook may declare others."""

from __future__ import annotations

from enum import StrEnum

PATTERN = r"F\d{2}"
"""What the id of a class looks like, of the package or a company's own."""


class FailureClass(StrEnum):
    """A way of failing: the section of a runbook that a check of it leads to."""

    REQUIRED_VALUE = "F01"
    DUPLICATES = "F02"
    DENOMINATOR = "F03"
    STALE = "F04"
    MISSING_DAYS = "F05"
    MISSING_ROWS = "F06"
    SCHEMA = "F07"
    LATE_ROWS = "F08"
    TIMESTAMPS = "F09"
    SESSIONS = "F10"
    BOOKS = "F11"
    FEEDS = "F12"
    EXPERIMENTS = "F13"
    UNITS = "F14"
    PUBLISHED_BEFORE = "F15"
    INPUTS = "F16"
    MEMORY = "F17"
    SKEW = "F18"
    SLOWER = "F19"
    QUEUE = "F20"
    DELIVERY = "F21"
    DOMAIN = "F22"
    REFERENCES = "F23"
    NUMBERS = "F24"
    RULES = "F25"
    RUN = "F26"
