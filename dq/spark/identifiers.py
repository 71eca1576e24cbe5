"""Names of columns and tables in what Spark parses."""

from __future__ import annotations


def quote(name: str) -> str:
    """A column name as one Spark identifier, whatever dots, spaces or backticks it holds."""
    return "`" + name.replace("`", "``") + "`"
