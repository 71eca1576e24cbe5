"""A command whose stdout or stderr cannot be written to: what it decided and did does not depend on them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from notify_support import BROKEN, ROOT

from dq.run import run_records
from dq.store import Warehouse
from dq.tell import incidents

# A run that has its verdict: everything after it is as a job's is.
RUN = """
import sys
from dataclasses import replace
from pathlib import Path
from notify_support import errored, failed, guarded, ran
from run_records import published
from dq.cli import console, job
from dq.base.model import Verdict
from dq.store import Warehouse

made = {
    "published": lambda: published(results=[failed()]),
    "held": lambda: ran("2026-11-24 15:00", failed(), pipeline="profit_unit", period="2026-10"),
    "not evaluated": lambda: replace(
        ran("2026-11-24 15:00", errored(), pipeline="profit_unit", period="2026-10"), verdict=Verdict.HOLD_NOT_EVALUATED
    ),
}
record = made[sys.argv[2]]()
console.prepare()
run = job.PipelineRun(record.pipeline, [])
run._run = guarded(Warehouse(Path(sys.argv[1])), record)
run._finish(None)
sys.exit(run.exit_code)
"""
FULL, CLOSED = "> /dev/full", ">&-"


def call(words: list[str], streams: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    return subprocess.run(
        ["/bin/sh", "-c", f'"$@" {streams}', "sh", sys.executable, *words],
        capture_output=True,
        timeout=120,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": paths, **environment},
    )


@pytest.mark.parametrize(
    ("verdict", "streams", "code"),
    [
        ("published", FULL, 4),
        ("published", CLOSED, 4),
        ("published", "2>&-", 0),
        ("published", "2> /dev/full", 0),
        ("published", ">&- 2>&-", 4),
        ("held", FULL, 1),
        ("held", CLOSED, 1),
        ("not evaluated", FULL, 3),
        ("not evaluated", "2>&-", 3),
        ("not evaluated", "> /dev/full 2> /dev/full", 3),
        ("not evaluated", ">&- 2>&- <&-", 3),
    ],
)
def test_a_run_keeps_what_it_found_and_ends_with_its_code(
    warehouse: Warehouse, verdict: str, streams: str, code: int
) -> None:
    done = call(["-c", RUN, str(warehouse.root), verdict], streams)
    assert done.returncode == code, done.stderr
    assert b"Traceback" not in done.stderr
    assert len(warehouse.records.list(run_records.KIND)) == 1
    assert [one.failure.check for one in incidents.everything(warehouse).values()] == [BROKEN]
    if streams in (FULL, CLOSED):
        assert b"dq: the result could not be printed: " in done.stderr


@pytest.mark.parametrize(
    "words",
    [["status"], ["show"], ["lint"], ["calendar", "--month", "2026-11"], ["oncall"], ["deliver"], ["run", "--help"]],
)
@pytest.mark.parametrize("streams", [FULL, CLOSED])
def test_a_result_that_cannot_be_printed_is_one_sentence_and_exit_4(
    warehouse: Warehouse, words: list[str], streams: str
) -> None:
    call(["-c", RUN, str(warehouse.root), "held"], "")  # so that there is something to show
    named = ["--warehouse", str(warehouse.root)] if words[0] in ("status", "show", "deliver") else []
    done = call(["-m", "dq", *words, *named], streams)
    if words[-1] == "--help" and streams == CLOSED:  # then argparse takes stderr
        assert done.returncode == 0
        return
    reason = b"No space left on device" if streams == FULL else b"the stream is closed"
    assert (done.returncode, done.stderr) == (4, b"dq: the result could not be printed: " + reason + b"\n")


def test_a_mistake_is_told_by_its_code_where_stderr_is_unusable() -> None:
    for streams in ("2>&-", "2> /dev/full"):
        assert call(["-m", "dq", "explain", "nothing"], streams).returncode == 2
        assert call(["-m", "dq", "no-such-command"], streams).returncode == 2


@pytest.mark.parametrize("environment", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}])
def test_a_stream_that_knows_ascii_alone_gets_escapes(tmp_path: Path, environment: dict[str, str]) -> None:
    folder = tmp_path / "größe"
    done = call(["-m", "dq", "status", "--warehouse", str(folder)], "2>&1", **environment, PYTHONUTF8="0")
    assert done.returncode == 2
    assert b"there is no warehouse" in done.stdout
    assert done.stdout.isascii()
    said = "from dq.cli import console; console.out('gr\\u00f6\\udce9')"
    shown = call(["-c", said], "", **environment, PYTHONUTF8="0")
    assert (shown.returncode, shown.stdout, shown.stderr) == (0, b"gr\\xf6\\udce9\n", b"")


def test_a_reader_who_has_seen_enough_changes_no_code(warehouse: Warehouse) -> None:
    done = call(["-m", "dq", "calendar", "--month", "2026-11"], "| :; exit 0")
    assert (done.returncode, done.stderr) == (0, b"")
