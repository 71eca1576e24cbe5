"""What a check that compares may name beside tables and columns of the run."""

from __future__ import annotations

ROW_COUNT = "*"
LAST_DAY = ".last_day"
"""Ends the name under which the last day covered of an upstream table can be compared with."""
FIRST_DAY = ".first_day"
"""Ends the name under which the first day of the period of an upstream table can be compared with."""
SO_FAR = ".so_far"
"""Ends the name under which all days read of an upstream table can be compared with, those before the period too."""
