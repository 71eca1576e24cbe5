"""Sources: contracts, a company's mapping to them, pinned files, schema drift, and reading. Imports no Spark."""

from __future__ import annotations

from dq.sources.config import Absence, Closed, Format, RawTable, Source, SourcesConfig, Threshold
from dq.sources.contracts import Contract, ContractColumn, Contracts, ReadRule, load_contracts
from dq.sources.declared import load_sources
from dq.sources.derived import contract_checks
from dq.sources.drifts import Change, ChangeKind, Drift, drift
from dq.sources.mapping import SourceQuery
from dq.sources.pins import NoFilesError, Pin, PinnedTable, pin
from dq.sources.reading import SourceFrame, delivered_once, instant_from_micros, no_rows, read

__all__ = [
    "Absence",
    "Change",
    "ChangeKind",
    "Closed",
    "Contract",
    "ContractColumn",
    "Contracts",
    "Drift",
    "Format",
    "NoFilesError",
    "Pin",
    "PinnedTable",
    "RawTable",
    "ReadRule",
    "Source",
    "SourceFrame",
    "SourceQuery",
    "SourcesConfig",
    "Threshold",
    "contract_checks",
    "delivered_once",
    "drift",
    "instant_from_micros",
    "load_contracts",
    "load_sources",
    "no_rows",
    "pin",
    "read",
]
