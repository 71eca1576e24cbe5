"""Why a run died, told by itself where its Python side survived, and by the next run of its pipeline where it did not.

Each run notes in the warehouse which event log it writes. A run whose note stands there without a record died: the next
one reads that log. Nothing here can change a verdict, and nothing that goes wrong here ends a run.
"""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, cast
from urllib.parse import unquote, urlsplit

from dq import store
from dq.base import private
from dq.base.errors import DqError
from dq.base.model import Died, Json
from dq.base.thresholds import Thresholds
from dq.diagnose import Diagnosis, diagnose, document, section_of
from dq.diagnose.log_files import IN_PROGRESS, find, logs_in
from dq.run import run_records
from dq.runbooks.page import Page

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

KIND = "last_runs"
# Logs of runs that are older say nothing that their records do not.
LOGS_KEPT = 50


@dataclass(frozen=True, kw_only=True)
class EventLog:
    """Where a session writes its event log: the folder's address, its application, and its path on this machine.

    ``path`` is None where the log does not lie in files of this machine, or is not there yet.
    """

    directory: str
    application: str
    path: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Watch:
    """What tells how runs of a pipeline die: where this one logs, what became of the one before, and its note."""

    event_log: EventLog | None = None
    died_before: Died | None = None
    noted_before: Mapping[str, Json] | None = None


def watch(
    spark: SparkSession, warehouse: store.Warehouse, pipeline: str, run: str, thresholds: Thresholds, page: Page
) -> Watch:
    """Look back at the run before, and note that this one began."""
    died, log = look_back(warehouse, pipeline, thresholds, page), log_of(spark)
    return Watch(event_log=log, died_before=died, noted_before=note(warehouse, pipeline, run, log))


def folder(warehouse: store.Warehouse) -> Path | None:
    """Where runs that build their own session write their event logs; None in a clone, which does not last."""
    return None if warehouse.root.parent.name == store.SCRATCH else warehouse.root / "_dq" / "event_logs"


def log_of(spark: SparkSession) -> EventLog | None:
    """The event log that a session writes; None where it writes none."""
    conf = spark.sparkContext.getConf()
    directory = conf.get("spark.eventLog.dir") or "/tmp/spark-events"  # noqa: S108 - Spark's default
    if (conf.get("spark.eventLog.enabled", "false") or "").lower() != "true":
        return None
    where, application = urlsplit(directory), spark.sparkContext.applicationId
    place = Path(unquote(where.path))
    try:
        local = where.scheme in ("", "file") and place.is_dir()
        found = [log for log in logs_in(place) if application in log.name] if local else []
    except OSError:  # it may not be read by everyone, and is renamed and pruned by others meanwhile
        found = []
    return EventLog(directory=directory, application=application, path=found[-1] if found else None)


def look_back(
    warehouse: store.Warehouse, pipeline: str, thresholds: Thresholds, page: Page | None = None
) -> Died | None:
    """The run of this pipeline before, and what killed it; None where it left its record or still runs.

    ``page`` is the pipeline's runbook, whose sections are named beside the causes.
    """
    run = log = ""
    try:
        noted = warehouse.records.get(KIND, pipeline)
        if not noted:
            return None
        run, log = str(noted.get("run", "")), str(noted.get("log", ""))
        if run_records.find(warehouse, run) is not None:
            return None
        here = noted.get("host") == socket.gethostname() and _alive(noted.get("process"))
        if not log:
            return None if here else Died(run=run, log="", sentence=f"{run} left no record: {_elsewhere(noted)}")
        path = _settled(Path(log))
        log = str(path)
        if here and find(path).in_progress:
            return None
        found = diagnose(path, thresholds, run=run)
    except DqError as failure:
        reason = f"its event log cannot be read: {failure}" if run else f"it cannot be told which it was: {failure}"
    except Exception as failure:  # whatever is in that log or note, the run that reads it goes on and leaves a record
        reason = f"its event log cannot be read ({type(failure).__name__})"
    else:
        sentence = f"{run} left no record: {_cause(found) or 'its log names no cause'}; see {shown(log)}"
        return Died(run=run, log=log, sentence=sentence, causes=_causes(found, page))
    return Died(run=run, log=log, sentence=f"{run or 'the run before'} left no record, and {reason}")


def note(warehouse: store.Warehouse, pipeline: str, run: str, log: EventLog | None) -> Mapping[str, Json] | None:
    """Note that a run began, and prune the folder of its log where that is the warehouse's own; the note of before."""
    before = None
    try:
        before = warehouse.records.get(KIND, pipeline)
        document = {
            "run": run,
            "log": str(log.path or "") if log else "",
            "directory": log.directory if log else "",
            "application": log.application if log else "",
            "host": socket.gethostname(),
            "process": os.getpid(),
        }
        warehouse.records.put(KIND, pipeline, document)
        if log is not None and log.path is not None and log.path.parent == folder(warehouse):
            private.close(log.path.parent)
            for old in logs_in(log.path.parent)[:-LOGS_KEPT]:
                if old.is_dir():
                    shutil.rmtree(old, ignore_errors=True)
                else:
                    old.unlink(missing_ok=True)
    except (DqError, OSError):  # the run itself will say what is wrong with the warehouse
        pass
    return before


def take_back(warehouse: store.Warehouse, pipeline: str, run: str, before: Mapping[str, Json] | None) -> None:
    """Put the note of before in the place of this run's; another's that began since stays."""
    with suppress(DqError, OSError):
        noted = warehouse.records.get(KIND, pipeline)
        if not noted or noted.get("run") != run:
            return
        if before:
            warehouse.records.put(KIND, pipeline, before)
        else:
            warehouse.records.delete(KIND, pipeline)


def told_by(log: EventLog | None, run: str, thresholds: Thresholds) -> str:
    """What killed this run, where its own event log says so already; empty where it does not."""
    if log is None or log.path is None:
        return ""
    path = str(log.path)
    try:
        cause = _cause(diagnose(log.path, thresholds, run=run))
    except Exception:  # what ended the run is told with or without what its log says
        return ""
    return f"{cause}; see {shown(path)}" if cause else ""


def shown(log: str) -> str:
    """The command that tells the rest."""
    return f"dq diagnose {quote(log)}"


def _cause(found: Diagnosis) -> str:
    causes = found.causes
    return f"{causes[0].title} ({causes[0].cause}, {causes[0].confidence.word})" if causes else ""


def _causes(found: Diagnosis, page: Page | None) -> list[Mapping[str, Json]]:
    """The causes as ``dq diagnose --format json`` gives them, each with its section of the page."""
    sections = {}
    for cause in found.causes:
        section = section_of(page, cause) if page else None
        if page and section:
            sections[cause.cause] = page.path_of(section)
    return cast("list[Mapping[str, Json]]", document(found, sections)["causes"])


def _elsewhere(noted: Mapping[str, Json]) -> str:
    """Where the log lies of a run that did not write it into files of this machine."""
    directory, application = noted.get("directory"), noted.get("application")
    if not directory:
        return "it noted no event log; what its driver printed last says why, if anything does"
    return f"its event log is {application} in {directory}; copy it here, then {shown(str(application))}"


def _settled(log: Path) -> Path:
    """A log as it is named by now: that of one file loses its ending when its application ends."""
    ended = log.with_name(log.name.removesuffix(IN_PROGRESS))
    return ended if not log.exists() and ended.exists() else log


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
    """Whether it ended and its parent never asked how, as in a container whose first process is not init."""
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:  # another system than Linux, or it is gone by now
        return False
    return state[:1] in (["Z"], ["X"])
