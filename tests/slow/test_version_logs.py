"""What the Spark that is installed writes of a death is read by `dq diagnose`; run on every version by the matrix."""

from __future__ import annotations

from pathlib import Path

import pyspark
import pytest
from deaths import HEALTHY
from dying import NAMED, dies, run

from dq.diagnose import diagnose

pytestmark = [pytest.mark.slow, pytest.mark.matrix, pytest.mark.e2e]


@pytest.mark.parametrize("name", ["max_result", "broadcast_limit", "heap_local", "python_memory", "driver_killed"])
def test_a_death_is_named_from_the_log_of_this_spark(name: str, tmp_path: Path) -> None:
    found = dies(name, tmp_path, tmp_path / "local")
    cause = NAMED[name][0]
    assert [one.cause for one in found.causes[:1]] == ([cause] if cause else [])
    assert found.facts.spark_version == pyspark.__version__
    assert found.facts.damaged == 0
    assert (found.pipeline, found.period) == ("profit_unit", "2026-10")


def test_nothing_is_named_in_the_logs_of_applications_that_pass(tmp_path: Path) -> None:
    done = run("healthy", tmp_path / "logs", tmp_path / "local")
    assert done.returncode == 0, done.stderr[-3000:]
    logs = sorted((tmp_path / "logs").glob("eventlog_v2_*"))
    assert len(logs) == len(HEALTHY)
    for log in logs:
        found = diagnose(log)
        assert (found.causes, found.unrecognised, found.facts.damaged) == ((), (), 0), log
