"""What a published table was called before: columns that were renamed, and values that are names and were renamed.

What is published is never written anew, so whoever reads it back gives its rows the names of today.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Former:
    """The former names of one table: ``columns`` former to present, ``values`` the same by the column they stand in."""

    columns: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def renamed(self, names: Collection[str]) -> dict[str, str]:
        """Which of a file's columns have another name today; where it has that one as well, none is renamed to it."""
        return {old: new for old, new in self.columns.items() if old in names and new not in names}

    def by_column(self, found: Mapping[str, T]) -> dict[str, T]:
        """What stands under the names of columns, such as their totals, under those of today."""
        names = self.renamed(found)
        return {names.get(name, name): value for name, value in found.items()}

    def row(self, row: Mapping[str, object]) -> dict[str, object]:
        """One row under the names of today."""
        found = self.by_column(row)
        for column, values in self.values.items():
            if column in found:
                found[column] = values.get(str(found[column]), found[column])
        return found


NEVER_RENAMED = Former()
"""A table whose names are those it began with."""
