"""Applications that die for real, each in a child process with a small heap, and what has to be named in their logs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from runs_support import QUICK_JVM

from dq.diagnose import Diagnosis, diagnose

SCRIPT = Path(__file__).with_name("deaths.py")
ROOT = SCRIPT.parents[2]
BIN = Path(sys.executable).parent
TRIES = 3

# What each has to be named as, and which of the recommended changes are then applied, each by itself: a setting, or the
# beginning of words. A driver that was killed from outside leaves no cause in its log, and nothing to change.
NAMED: dict[str, tuple[str | None, tuple[str, ...]]] = {
    "heap_local": ("executor_heap", ("spark.driver.memory",)),
    "heap_executor": ("executor_heap", ("spark.executor.memory",)),
    "skewed_key": ("skewed_key", ("salt account_id with", "spark.executor.memory")),
    "max_result": ("result_too_large", ("spark.driver.maxResultSize",)),
    "driver_heap": ("driver_heap", ("spark.driver.memory",)),
    "broadcast_memory": ("broadcast_too_large", ("spark.sql.autoBroadcastJoinThreshold",)),
    "broadcast_limit": ("broadcast_too_large", ("spark.sql.autoBroadcastJoinThreshold",)),
    "disk_full": ("disk_full", ("spark.local.dir",)),
    "python_memory": ("python_memory", ("spark.executor.pyspark.memory",)),
    "python_killed": ("python_memory", ("spark.sql.execution.arrow.maxRecordsPerBatch",)),
    "executor_killed": ("container_memory", ("spark.executor.memoryOverhead",)),
    "shuffle_lost": ("fetch_failures", ("no executor was lost: look for something that removes files",)),
    "driver_killed": (None, ()),
}


def run(
    name: str, folder: Path, local: Path, *conf: str, advised: int | None = None, logging: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a job of ``deaths.py``; its logs go to ``folder``."""
    folder.mkdir(parents=True)
    local.mkdir(exist_ok=True)
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("SPARK_", "PYSPARK_"))}
    kept |= {"PATH": f"{BIN}:{os.environ['PATH']}", "PYSPARK_PYTHON": sys.executable}
    kept |= {"SPARK_CONF_DIR": str(ROOT / "spark-conf" / logging), "SPARK_SUBMIT_OPTS": QUICK_JVM}
    words = [sys.executable, str(SCRIPT), name, str(folder), "--local", str(local)]
    if advised is not None:
        words += ["--advised", str(advised)]
    for pair in (f"spark.executor.extraJavaOptions={QUICK_JVM}", *conf):
        words += ["--conf", pair]
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=300, env=kept, cwd=folder.parent)


def diagnosed(folder: Path) -> Diagnosis:
    (log,) = folder.glob("eventlog_v2_*")
    return diagnose(log)


def dies(name: str, folder: Path, local: Path) -> Diagnosis:
    """How it died, by its log. In local mode the JVM ends itself, and may be gone before the log has the task's end."""
    for attempt in range(TRIES if name == "heap_local" else 1):
        done = run(name, folder / f"dead{attempt}", local)
        assert done.returncode != 0, "it did not die"
        found = diagnosed(folder / f"dead{attempt}")
        if found.causes or "the application was stopped while this ran" not in " ".join(found.unrecognised):
            break
    return found
