"""The embedded warehouse: staged runs, sealed audits, open tables whose Delta log is the commit log, and records.

Promises: a reader resolves to one complete audited version, old or new; the same run key is published once; what is
published is what was audited; a run after any crash converges without a hand. Imports neither Spark nor pyarrow.
"""

from dq.store.clone import SCRATCH, cloned
from dq.store.garbage import Removed
from dq.store.history import measured, summed, total_of
from dq.store.manifest import Manifest, PartFile
from dq.store.names import covers
from dq.store.open_schema import described
from dq.store.read import Published, read_entries, read_published, select_published
from dq.store.records import Records
from dq.store.table import Table
from dq.store.versions import Commit, PeriodEntry, PeriodInfo, Withdrawal
from dq.store.warehouse import Warehouse

__all__ = [
    "SCRATCH",
    "Commit",
    "Manifest",
    "PartFile",
    "PeriodEntry",
    "PeriodInfo",
    "Published",
    "Records",
    "Removed",
    "Table",
    "Warehouse",
    "Withdrawal",
    "cloned",
    "covers",
    "described",
    "measured",
    "read_entries",
    "read_published",
    "select_published",
    "summed",
    "total_of",
]
