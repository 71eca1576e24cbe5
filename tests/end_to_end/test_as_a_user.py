"""What a user types, in child processes: spark-submit, the dq command, and the ways a machine can be against it."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from runs_support import FINAL, ROOT, environment, hard_links

pytestmark = [pytest.mark.e2e, pytest.mark.run]
MONTH = "2026-10"


def call(words: list[str], sources: Path, *, cwd: Path = ROOT, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, capture_output=True, text=True, timeout=300, check=False, cwd=cwd, env=environment(sources, **more)
    )


def dq(*words: str) -> list[str]:
    return [sys.executable, "-m", "dq", *words]


def arguments(warehouse: Path, period: str = MONTH) -> list[str]:
    return ["--period", period, "--as-of", FINAL[period], "--warehouse", str(warehouse)]


def test_spark_submit_publishes_and_the_docs_say_so(company: Path, tmp_path: Path) -> None:
    """From another folder, as a scheduler would; the card is on stdout alone, the code is that of the verdict."""
    warehouse, docs = tmp_path / "w", tmp_path / "docs"
    submit = ["spark-submit", "--properties-file", str(ROOT / "spark-conf" / "local.conf")]
    job = [*submit, str(ROOT / "jobs" / "profit_unit.py"), *arguments(warehouse), "--docs", str(docs)]
    done = call([*job, "--format", "json"], company, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert (record["verdict"], record["version"], record["period"]) == ("publish", 1, MONTH)
    assert (docs / record["docs"]).is_file()
    assert "profit_unit" in (docs / "index.html").read_text(encoding="utf-8")
    assert (docs / "runbooks" / "profit_unit.html").is_file()

    shown = call(dq("show", "profit_unit", "--warehouse", str(warehouse)), company)
    assert shown.returncode == 0
    assert "PUBLISHED" in shown.stdout
    assert record["totals"]["revenue"].split(".")[0][:3] in shown.stdout.replace(",", "")

    shutil.rmtree(docs)
    rebuilt = call(dq("docs", "--warehouse", str(warehouse), "--docs", str(docs)), company)
    assert rebuilt.returncode == 0, rebuilt.stderr
    assert (docs / record["docs"]).is_file()


@pytest.mark.run
def test_under_crons_locale_paths_may_hold_any_letter_and_shown_commands_any_space(
    company: Path, tmp_path: Path
) -> None:
    """Sources, warehouse and docs in a folder whose name is not ASCII and holds a space."""
    home = tmp_path / "Zürich Öst"
    home.mkdir()
    hard_links(company, home / "quellen")
    warehouse = home / "w"
    words = dq("run", "profit_unit", *arguments(warehouse), "--docs", str(home / "docs"))
    done = call(words, home / "quellen", LC_ALL="C", LANG="C")
    assert done.returncode == 0, done.stderr
    shown = next(line.split("show", 1)[1] for line in done.stdout.splitlines() if line.startswith("  show "))
    assert shlex.split(shown)[-2:] == ["--warehouse", str(warehouse)]
    again = call([sys.executable, "-m", *shlex.split(shown)], company, LC_ALL="C", LANG="C")
    assert again.returncode == 0, again.stderr
    assert "PUBLISHED" in again.stdout


def test_without_java_it_says_what_to_install(company: Path, tmp_path: Path) -> None:
    done = call(dq("run", "profit_unit", *arguments(tmp_path / "w")), company, JAVA_HOME=str(tmp_path))
    assert done.returncode == 3
    assert "no Java was found; expected Java 17 or 21" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.run
def test_a_run_whose_card_cannot_be_printed_is_published_and_exits_4(company: Path, tmp_path: Path) -> None:
    """Closed streams, which the JVM inherits, too: nothing of it ends up in a file that took their number."""
    warehouse = tmp_path / "w"
    words = [*dq("run", "profit_unit", *arguments(warehouse)), "--no-docs"]
    done = call(["/bin/sh", "-c", '"$@" >&- 2>&- <&-', "sh", *words], company)
    assert done.returncode == 4
    shown = call(dq("show", "profit_unit", "--warehouse", str(warehouse)), company)
    assert (shown.returncode, shown.stdout.split()[0]) == (0, "PUBLISHED")
    full = call(["/bin/sh", "-c", '"$@" > /dev/full', "sh", *words], company)
    assert full.returncode == 4, full.stderr
    assert "dq: the result could not be printed: No space left on device" in full.stderr


@pytest.mark.run
def test_terminating_a_run_publishes_nothing_and_exits_143(company: Path, tmp_path: Path) -> None:
    child = subprocess.Popen(
        dq("run", "profit_unit", *arguments(tmp_path / "w")),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment(company),
    )
    deadline = time.monotonic() + 120
    while not list((tmp_path / "w" / "profit_unit").glob("_staging/*")) and time.monotonic() < deadline:
        assert child.poll() is None, "it ended before it staged anything"
        time.sleep(0.02)
    child.send_signal(signal.SIGTERM)
    _, said = child.communicate(timeout=120)
    assert child.returncode == 143, said
    assert "nothing was published" in said
    assert not list((tmp_path / "w" / "profit_unit").glob("_delta_log/*.json"))


@pytest.mark.slow
def test_a_submitted_run_that_was_killed_is_told_by_the_next(company: Path, tmp_path: Path) -> None:
    """Under spark-submit, too, a run writes its event log into the warehouse; no setting asks for it."""
    warehouse = tmp_path / "w"
    submit = ["spark-submit", "--properties-file", str(ROOT / "spark-conf" / "local.conf")]
    job = [*submit, str(ROOT / "jobs" / "profit_unit.py"), *arguments(warehouse), "--no-docs"]
    with (tmp_path / "said").open("w") as said:
        child = subprocess.Popen(job, stdout=said, stderr=said, env=environment(company), start_new_session=True)
        deadline = time.monotonic() + 120
        while not list((warehouse / "profit_unit").glob("_staging/*")) and time.monotonic() < deadline:
            assert child.poll() is None, (tmp_path / "said").read_text()
            time.sleep(0.02)
        os.killpg(child.pid, signal.SIGKILL)
        child.wait(timeout=60)
    (log,) = (warehouse / "_dq" / "event_logs").iterdir()

    again = call(job, company)
    assert again.returncode == 0, again.stderr
    # spark-submit hands on what the job's Python writes to stderr as its own stdout.
    (told,) = (line for line in again.stdout.splitlines() if line.startswith("dq: ") and "left no record" in line)
    assert told.endswith(f"its log names no cause; see dq diagnose {log}")
    diagnosed = call(dq("diagnose", str(log)), company)
    assert diagnosed.returncode == 0, diagnosed.stderr
    assert "the log has no end" in diagnosed.stdout


@pytest.mark.slow
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_a_backfill_that_was_stopped_goes_on_where_it_was(
    company: Path, tmp_path: Path, sent: signal.Signals, code: int
) -> None:
    line = dq("backfill", "profit_unit", "--from", "2026-08", "--to", "2026-09", "--no-downstream", "--no-docs")
    words = [*line, "--warehouse", str(tmp_path / "w")]
    child = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=environment(company)
    )
    deadline = time.monotonic() + 240
    # August is committed and September has begun to stage: the moment with the most to lose.
    while len(list((tmp_path / "w" / "profit_unit").glob("_staging/*2026-09*"))) < 1 and time.monotonic() < deadline:
        assert child.poll() is None, "it ended before September was staged"
        time.sleep(0.02)
    child.send_signal(sent)
    out, said = child.communicate(timeout=120)
    assert child.returncode == code, said
    if sent is not signal.SIGKILL:
        assert ["profit_unit", "2026-08", "published"] in [row.split()[:3] for row in out.splitlines()]
        assert "nothing was published, the last good version stays" in said
    again = call(words, company)
    assert again.returncode == 0, again.stderr
    assert [row.split()[:3] for row in again.stdout.splitlines()[-2:]] == [
        ["profit_unit", "2026-08", "unchanged"],
        ["profit_unit", "2026-09", "published"],
    ]


@pytest.mark.slow
def test_the_demo_publishes_the_clean_month_and_holds_the_defective_one(tmp_path: Path) -> None:
    home = tmp_path / "project"
    for folder in ("jobs", "expectations", "runbooks", "spark-conf", "demo"):
        shutil.copytree(ROOT / folder, home / folder)
    done = call(dq("demo"), tmp_path, cwd=home)
    assert done.returncode == 0, done.stdout + done.stderr
    words = [line.split("  ")[0] for line in done.stdout.splitlines() if line.startswith(("PUBLISHED", "HOLD"))]
    assert words == ["PUBLISHED", "PUBLISHED", "HOLD", "HOLD"]
    assert (home / "build" / "demo" / "docs" / "index.html").is_file()


def test_a_check_outside_a_project_prints_its_result_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "three.csv").write_text("id\n1\n2\n3\n")
    (tmp_path / "suite.yml").write_text(
        "name: s\nexpectations:\n  - {type: expect_column_values_to_be_unique, kwargs: {column: id}}\n"
    )
    done = call(dq("check", "three.csv", "--suite", "suite.yml"), tmp_path, cwd=tmp_path)
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "PASSED  s   1 of 1 check passed"), done.stderr
    assert done.stderr == ""
