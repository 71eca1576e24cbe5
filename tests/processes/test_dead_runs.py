"""Whether a run that left no record still runs is told by its process."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import event_logs as logs
from death_support import dead, look_back

from dq.run import deaths
from dq.store import Warehouse


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
