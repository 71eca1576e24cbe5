"""Why a run died, told by itself where its Python side survived, and by the next run of its pipeline where it did not.

Each run notes in the warehouse which event log it writes. A run whose note stands there without a record died: the next
one reads that log. Nothing here can change a verdict, and nothing that goes wrong here ends a run.
"""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from dq import store
from dq.diagnose import diagnose
from dq.diagnose.files import find, logs_in
from dq.errors import DqError
from dq.run import records
from dq.thresholds import Thresholds

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

KIND = "last_runs"
# Logs of runs that are older say nothing that their records do not.
LOGS_KEPT = 50


def folder(warehouse: store.Warehouse) -> Path | None:
    """Where runs that build their own session write their event logs; None in a clone, which does not last."""
    return None if warehouse.root.parent.name == store.SCRATCH else warehouse.root / "_dq" / "event_logs"


def log_of(spark: SparkSession) -> Path | None:
    """The event log that a session writes; None where it writes none, or not to files of this machine."""
    conf = spark.sparkContext.getConf()
    where = urlsplit(conf.get("spark.eventLog.dir", "") or "")
    if (conf.get("spark.eventLog.enabled", "false") or "").lower() != "true" or where.scheme not in ("", "file"):
        return None
    place = Path(unquote(where.path))
    application = spark.sparkContext.applicationId
    found = [log for log in logs_in(place) if application in log.name] if place.is_dir() else []
    return found[-1] if found else None


def look_back(warehouse: store.Warehouse, pipeline: str, thresholds: Thresholds) -> str:
    """What killed the run of this pipeline before, in one sentence; empty where it left its record or still runs."""
    try:
        noted = warehouse.records.get(KIND, pipeline)
        run, log = (str(noted.get("run", "")), str(noted.get("log", ""))) if noted else ("", "")
        if not noted or not log or records.find(warehouse, run) is not None:
            return ""
        if noted.get("host") == socket.gethostname() and _alive(noted.get("process")) and find(Path(log)).in_progress:
            return ""
        return (
            f"{run} left no record: {_cause(Path(log), run, thresholds) or 'its log names no cause'}; see {shown(log)}"
        )
    except (DqError, OSError) as failure:
        return f"the run before left no record, and its event log cannot be read: {failure}"


def note(warehouse: store.Warehouse, pipeline: str, run: str, log: Path | None) -> None:
    """Note that a run began, and prune the folder of its log where that is the warehouse's own."""
    try:
        document = {"run": run, "log": str(log or ""), "host": socket.gethostname(), "process": os.getpid()}
        warehouse.records.put(KIND, pipeline, document)
        if log is not None and log.parent == folder(warehouse):
            for old in logs_in(log.parent)[:-LOGS_KEPT]:
                shutil.rmtree(old, ignore_errors=True)
    except (DqError, OSError):  # the run itself will say what is wrong with the warehouse
        return


def told_by(log: Path | None, run: str, thresholds: Thresholds) -> str:
    """What killed this run, where its own event log says so already; empty where it does not."""
    try:
        cause = _cause(log, run, thresholds) if log is not None else ""
    except (DqError, OSError):
        return ""
    return f"{cause}; see {shown(str(log))}" if cause else ""


def shown(log: str) -> str:
    """The command that tells the rest."""
    return f"dq diagnose {log}"


def _cause(log: Path, run: str, thresholds: Thresholds) -> str:
    causes = diagnose(log, thresholds, run=run).causes
    return f"{causes[0].title} ({causes[0].cause}, {causes[0].confidence.word})" if causes else ""


def _alive(process: object) -> bool:
    if not isinstance(process, int):
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is there, and another user's
        return True
    return process != os.getpid() and not _defunct(process)


def _defunct(process: int) -> bool:
    """Whether it ended and its parent never asked how, as in a container whose first process is no init."""
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:  # another system than Linux, or it is gone by now
        return False
    return state[:1] in (["Z"], ["X"])
