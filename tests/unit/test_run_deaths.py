"""A run that died without a record is told by the next one of its pipeline, from the event log it noted."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import event_logs as logs
import pytest
from run_records import record
from store_support import quick_disk

from dq.diagnose import diagnose
from dq.run import deaths, records
from dq.store import Warehouse, cloned
from dq.thresholds import Thresholds

__all__ = ["quick_disk"]
pytestmark = pytest.mark.usefixtures("quick_disk")
HEAP = logs.raised("java.lang.OutOfMemoryError", "Java heap space")
OTHER = "investor_profit-2026-10-20261103t060000000000z-abcdef"


def dead(folder: Path, group: str = logs.RUN, *, in_progress: bool = False) -> Path:
    """The log of a run whose only task ran out of heap, and which stops there."""
    events = [*logs.start(), logs.job(0, [0], group=group), logs.stage(0, 1), logs.task(0, why=HEAP)]
    return logs.write(folder, events, in_progress=in_progress)


def look_back(warehouse: Warehouse) -> str:
    return deaths.look_back(warehouse, "profit_unit", Thresholds())


def test_the_first_run_has_nothing_to_look_back_on(tmp_path: Path) -> None:
    assert look_back(Warehouse(tmp_path)) == ""


def test_a_run_without_a_record_is_told_with_cause_and_command(tmp_path: Path) -> None:
    warehouse, log = Warehouse(tmp_path / "w"), dead(tmp_path)
    deaths.note(warehouse, "profit_unit", logs.RUN, log)
    assert look_back(warehouse) == (
        f"{logs.RUN} left no record: the heap of an executor was too small (executor_heap, certain); "
        f"see dq diagnose {log}"
    )


def test_a_run_with_its_record_is_not(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "w")
    deaths.note(warehouse, "profit_unit", logs.RUN, dead(tmp_path))
    records.save(warehouse, record(run=logs.RUN))
    assert look_back(warehouse) == ""


def test_a_run_that_still_runs_is_not_but_one_whose_process_is_gone_is(tmp_path: Path) -> None:
    warehouse, log = Warehouse(tmp_path / "w"), dead(tmp_path, in_progress=True)
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    noted = {"run": logs.RUN, "log": str(log), "host": socket.gethostname(), "process": child.pid}
    warehouse.records.put(deaths.KIND, "profit_unit", noted)
    assert look_back(warehouse) == ""
    child.communicate(b"\n", timeout=30)
    assert "executor_heap" in look_back(warehouse)


def test_a_process_that_ended_and_that_nobody_waited_for_does_not_run(tmp_path: Path) -> None:
    """In a container whose first process is no init the killed driver stays in the table of processes."""
    warehouse, log = Warehouse(tmp_path / "w"), dead(tmp_path, in_progress=True)
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    noted = {"run": logs.RUN, "log": str(log), "host": socket.gethostname(), "process": child.pid}
    warehouse.records.put(deaths.KIND, "profit_unit", noted)
    assert look_back(warehouse) == ""
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert "executor_heap" in look_back(warehouse)
    child.communicate(timeout=30)


def test_a_log_that_is_gone_or_names_nothing_is_said_so(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "w")
    deaths.note(warehouse, "profit_unit", logs.RUN, tmp_path / "gone")
    assert "its event log cannot be read" in look_back(warehouse)
    quiet = logs.write(tmp_path, [*logs.start(), logs.job(0, [0]), logs.stage(0, 1), logs.task(0), logs.job_end(0)])
    deaths.note(warehouse, "profit_unit", logs.RUN, quiet)
    assert f"{logs.RUN} left no record: its log names no cause" in look_back(warehouse)


def test_another_runs_death_in_the_same_application_is_not_this_runs(tmp_path: Path) -> None:
    """`dq run --all` runs every pipeline in one application."""
    events = [logs.job(0, [0]), logs.stage(0, 1), logs.task(0, why=HEAP), logs.job_end(0, "aborted")]
    more = [logs.job(1, [1], group=OTHER), logs.stage(1, 1), logs.task(1), logs.job_end(1)]
    log = logs.write(tmp_path, [*logs.start(), *events, *more])
    assert "executor_heap" in deaths.told_by(log, logs.RUN, Thresholds())
    assert deaths.told_by(log, OTHER, Thresholds()) == ""
    assert [cause.cause for cause in diagnose(log).causes] == ["executor_heap"]


def test_a_run_that_fails_in_python_is_not_blamed_on_a_task_that_was_retried(tmp_path: Path) -> None:
    ran = [logs.job(0, [0]), logs.stage(0, 1), logs.task(0, why=HEAP), logs.task(0, attempt=1), logs.job_end(0)]
    assert deaths.told_by(logs.write(tmp_path, [*logs.start(), *ran]), logs.RUN, Thresholds()) == ""


@pytest.mark.parametrize("log", [None, Path("/nonexistent/log")])
def test_without_a_log_there_is_nothing_to_tell(log: Path | None) -> None:
    assert deaths.told_by(log, logs.RUN, Thresholds()) == ""


def test_old_logs_of_the_warehouse_are_pruned_and_others_are_not(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "w")
    own, foreign = deaths.folder(warehouse), tmp_path / "events"
    for place in (own, foreign):
        for number in range(deaths.LOGS_KEPT + 3):
            log = place / f"eventlog_v2_local-{number}"
            log.mkdir(parents=True)
            os.utime(log, (number, number))
    deaths.note(warehouse, "profit_unit", logs.RUN, own / "eventlog_v2_local-52")
    deaths.note(warehouse, "profit_unit", logs.RUN, foreign / "eventlog_v2_local-52")
    assert len(list(own.iterdir())) == deaths.LOGS_KEPT
    assert not (own / "eventlog_v2_local-2").exists()
    assert len(list(foreign.iterdir())) == deaths.LOGS_KEPT + 3


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"spark.eventLog.enabled": "true", "spark.eventLog.dir": "file://{}"}, True),
        ({"spark.eventLog.enabled": "true", "spark.eventLog.dir": "{}"}, True),
        ({"spark.eventLog.enabled": "false", "spark.eventLog.dir": "{}"}, False),
        ({"spark.eventLog.enabled": "true", "spark.eventLog.dir": "hdfs://{}"}, False),
        ({}, False),
    ],
)
def test_the_log_of_a_session_is_found_where_it_lies_in_files(
    settings: dict[str, str], found: bool, tmp_path: Path
) -> None:
    (tmp_path / "a log" / "eventlog_v2_local-1").mkdir(parents=True)
    (tmp_path / "a log" / "eventlog_v2_local-2").mkdir()
    given = {key: value.format(str(tmp_path / "a log").replace(" ", "%20")) for key, value in settings.items()}
    context = SimpleNamespace(applicationId="local-1", getConf=lambda: given)
    log = deaths.log_of(SimpleNamespace(sparkContext=context))  # type: ignore[arg-type]
    assert (log.name if log else None) == ("eventlog_v2_local-1" if found else None)


def test_a_clone_of_the_warehouse_keeps_no_event_logs(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    assert deaths.folder(warehouse) == tmp_path / "_dq" / "event_logs"
    with cloned(warehouse, []) as folder:
        assert deaths.folder(Warehouse(folder)) is None
