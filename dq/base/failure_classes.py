"""The classes of failure that the package itself knows; a company's own runbook may declare others."""

from __future__ import annotations

from enum import StrEnum

PATTERN = r"F\d{2}"
"""What the id of a class looks like, of the package or a company's own."""


class FailureClass(StrEnum):
    """A way of failing: the section of a runbook that a check of it leads to, and in ``means`` what went wrong."""

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

    @property
    def means(self) -> str:
        """What went wrong, in a few words."""
        return _MEANS[self]


_MEANS = {
    FailureClass.REQUIRED_VALUE: "a required value is missing",
    FailureClass.DUPLICATES: "rows came twice",
    FailureClass.DENOMINATOR: "a ratio was divided by zero, or lacks its reason",
    FailureClass.STALE: "a source stopped being updated",
    FailureClass.MISSING_DAYS: "days are missing",
    FailureClass.MISSING_ROWS: "there are no rows, or far too few",
    FailureClass.SCHEMA: "columns or types drifted",
    FailureClass.LATE_ROWS: "rows came after the figures were final",
    FailureClass.TIMESTAMPS: "events are out of order",
    FailureClass.SESSIONS: "sessions are cut off",
    FailureClass.BOOKS: "figures differ from the books",
    FailureClass.FEEDS: "a feed is missing",
    FailureClass.EXPERIMENTS: "experiments disagree with investors' figures",
    FailureClass.UNITS: "a total is not the sum of its units",
    FailureClass.PUBLISHED_BEFORE: "figures disagree with what was published before",
    FailureClass.INPUTS: "an input is outdated",
    FailureClass.MEMORY: "memory ran short",
    FailureClass.SKEW: "few keys hold most rows",
    FailureClass.SLOWER: "the run got slower",
    FailureClass.QUEUE: "a queue lags",
    FailureClass.DELIVERY: "a report was not delivered",
    FailureClass.DOMAIN: "values lie outside their domain",
    FailureClass.REFERENCES: "rows name what does not exist",
    FailureClass.NUMBERS: "numbers are impossible",
    FailureClass.RULES: "rules changed",
    FailureClass.RUN: "the run died or could not be judged",
}
