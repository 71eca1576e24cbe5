"""A run that died without a record is told by the next one of its pipeline, from the event log it noted."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import event_logs as logs
import pytest
from death_support import HEAP, dead, look_back
from run_records import record
from store_support import quick_disk

from dq import show
from dq.base import serialize
from dq.base.model import Died, Outcome
from dq.base.thresholds import Thresholds
from dq.declare.implied_checks import run_level_checks
from dq.declare.registry import load
from dq.diagnose import diagnose
from dq.run import deaths, judging, run_records
from dq.runbooks import load_page
from dq.store import Warehouse, cloned

__all__ = ["quick_disk"]
pytestmark = pytest.mark.usefixtures("quick_disk")
ROOT = Path(__file__).resolve().parents[2]
OTHER = "investor_profit-2026-10-20261103t060000000000z-abcdef"


def log_at(path: Path | None, directory: str = "file:///logs") -> deaths.EventLog:
    return deaths.EventLog(directory=directory, application="app-1", path=path)


def noted(warehouse: Warehouse, **changed: object) -> None:
    """What was noted of the last run, as if another process on this machine had."""
    document: Any = {**(warehouse.records.get(deaths.KIND, "profit_unit") or {}), "process": 0x7FFFFFFF, **changed}
    warehouse.records.put(deaths.KIND, "profit_unit", document)


def test_the_first_run_has_nothing_to_look_back_on(tmp_path: Path) -> None:
    assert look_back(Warehouse(tmp_path)) == ""


def test_a_run_without_a_record_is_told_with_cause_and_command(tmp_path: Path) -> None:
    warehouse, log = Warehouse(tmp_path / "w"), dead(tmp_path)
    deaths.note(warehouse, "profit_unit", logs.RUN, log_at(log))
    assert look_back(warehouse) == (
        f"{logs.RUN} left no record: the heap of an executor was too small (executor_heap, certain); "
        f"see dq diagnose {log}"
    )


def test_a_run_with_its_record_is_not(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "w")
    deaths.note(warehouse, "profit_unit", logs.RUN, log_at(dead(tmp_path)))
    run_records.save(warehouse, record(run=logs.RUN))
    assert look_back(warehouse) == ""


def test_a_log_that_is_gone_or_names_nothing_is_said_so(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "w")
    deaths.note(warehouse, "profit_unit", logs.RUN, log_at(tmp_path / "gone"))
    assert "its event log cannot be read" in look_back(warehouse)
    quiet = logs.write(tmp_path, [*logs.start(), logs.job(0, [0]), logs.stage(0, 1), logs.task(0), logs.job_end(0)])
    deaths.note(warehouse, "profit_unit", logs.RUN, log_at(quiet))
    assert f"{logs.RUN} left no record: its log names no cause" in look_back(warehouse)


def test_another_runs_death_in_the_same_application_is_not_this_runs(tmp_path: Path) -> None:
    """`dq run --all` runs every pipeline in one application."""
    events = [logs.job(0, [0]), logs.stage(0, 1), logs.task(0, why=HEAP), logs.job_end(0, "aborted")]
    more = [logs.job(1, [1], group=OTHER), logs.stage(1, 1), logs.task(1), logs.job_end(1)]
    log = logs.write(tmp_path, [*logs.start(), *events, *more])
    assert "executor_heap" in deaths.told_by(log_at(log), logs.RUN, Thresholds())
    assert deaths.told_by(log_at(log), OTHER, Thresholds()) == ""
    assert [cause.cause for cause in diagnose(log).causes] == ["executor_heap"]


def test_a_run_that_fails_in_python_is_not_blamed_on_a_task_that_was_retried(tmp_path: Path) -> None:
    ran = [logs.job(0, [0]), logs.stage(0, 1), logs.task(0, why=HEAP), logs.task(0, attempt=1), logs.job_end(0)]
    assert deaths.told_by(log_at(logs.write(tmp_path, [*logs.start(), *ran])), logs.RUN, Thresholds()) == ""


@pytest.mark.parametrize("log", [None, Path("/nonexistent/log")])
def test_without_a_log_there_is_nothing_to_tell(log: Path | None) -> None:
    assert deaths.told_by(log_at(log), logs.RUN, Thresholds()) == ""
    assert deaths.told_by(None, logs.RUN, Thresholds()) == ""


def test_what_the_next_run_tells_has_evidence_settings_confidence_and_section(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "w")
    deaths.note(warehouse, "profit_unit", logs.RUN, log_at(dead(tmp_path)))
    page = load_page(ROOT / "runbooks" / "profit_unit")
    died = deaths.look_back(warehouse, "profit_unit", Thresholds(), page)
    assert died
    (cause,) = died.causes
    assert (cause["cause"], cause["confidence"]) == ("executor_heap", "certain")
    assert cause["runbook"] == "runbooks/all/memory-runs-short.md"
    assert any("java.lang.OutOfMemoryError" in str(one) for one in cause["evidence"])
    settings = {change["setting"]: change["value"] for change in cause["changes"]}
    assert settings["spark.executor.memory"] == "4g"

    told = record(died_before=died)
    assert serialize.to_json(serialize.from_json(serialize.to_json(told))) == serialize.to_json(told)
    shown = show.render(told, format="text", width=None)
    for line in (died.sentence, "1. certain: executor_heap", "seen: ", "try: spark.executor.memory=4g (now 1024m)"):
        assert line in shown
    assert "runbook: runbooks/all/memory-runs-short.md" in shown
    for form in ("markdown", "github", "json"):
        assert "left no record" in show.render(told, format=form, width=None)


def test_a_run_that_ended_with_an_error_says_also_what_killed_the_one_before() -> None:
    died = Died(run=logs.RUN, log="", sentence=f"{logs.RUN} left no record: it noted no event log")
    declared = load(ROOT)
    checks = run_level_checks("profit_unit", declared.pipelines["profit_unit"], declared.document)
    bound: Any = SimpleNamespace(run_checks={check.check: check for check in checks})
    completed = judging.of_completion(bound, "computing: it broke", died)
    assert (completed.outcome, completed.reason) == (Outcome.ERRORED, "computing: it broke")
    assert completed.observed == died.sentence


@pytest.mark.parametrize(
    "event",
    [
        '{"Event":"SparkListenerTaskEnd","Stage ID":Infinity,"Stage Attempt ID":0,"Task Info":{}}',
        '{"Event":"SparkListenerApplicationEnd","Timestamp":' + "9" * 5000 + "}",
        '{"Event":"SparkListenerJobStart","Job ID":' + "[" * 100_000,
    ],
)
def test_no_log_that_lies_there_ends_a_run(event: str, tmp_path: Path) -> None:
    warehouse, log = Warehouse(tmp_path / "w"), tmp_path / "app-2"
    log.write_bytes(logs.text([*logs.start(), logs.job(0, [0])]) + event.encode() + b"\n")
    deaths.note(warehouse, "profit_unit", logs.RUN, log_at(log))
    assert f"{logs.RUN} left no record" in look_back(warehouse)
    assert isinstance(deaths.told_by(log_at(log), logs.RUN, Thresholds()), str)


@pytest.mark.parametrize("error", [OverflowError, RecursionError, ValueError, KeyError, MemoryError])
def test_whatever_a_diagnosis_raises_is_told_by_its_class(
    error: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise error("a value of a row")

    monkeypatch.setattr(deaths, "diagnose", broken)
    warehouse, log = Warehouse(tmp_path / "w"), log_at(dead(tmp_path))
    deaths.note(warehouse, "profit_unit", logs.RUN, log)
    assert look_back(warehouse) == (f"{logs.RUN} left no record, and its event log cannot be read ({error.__name__})")
    assert deaths.told_by(log, logs.RUN, Thresholds()) == ""


def test_a_note_that_is_no_note_ends_no_run(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "w")
    warehouse.records.put(deaths.KIND, "profit_unit", {"run": ["?"], "log": {"x": 1}, "process": "me"})
    assert "left no record" in look_back(warehouse)


def test_a_log_on_another_file_system_is_named_with_its_application(tmp_path: Path) -> None:
    """On YARN and Kubernetes the log lies in hdfs:// or s3a://, and a killed driver says nothing anywhere else."""
    warehouse = Warehouse(tmp_path / "w")
    deaths.note(warehouse, "profit_unit", logs.RUN, log_at(None, "hdfs:///spark-events"))
    noted(warehouse)
    assert look_back(warehouse) == (
        f"{logs.RUN} left no record: its event log is app-1 in hdfs:///spark-events; copy it here, "
        "then dq diagnose app-1"
    )
    noted(warehouse, process=os.getppid())  # runs as long as this one
    assert look_back(warehouse) == ""
    deaths.note(warehouse, "profit_unit", logs.RUN, None)
    noted(warehouse)
    assert f"{logs.RUN} left no record: it noted no event log" in look_back(warehouse)


def test_a_log_of_one_file_is_found_by_the_name_it_has_when_its_application_ended(tmp_path: Path) -> None:
    warehouse, log = Warehouse(tmp_path / "w"), tmp_path / "app-1.inprogress"
    log.write_bytes(logs.text([*logs.start(), logs.job(0, [0]), logs.stage(0, 1), logs.task(0, why=HEAP)]))
    deaths.note(warehouse, "profit_unit", logs.RUN, log_at(log))
    noted(warehouse)
    assert f"executor_heap, certain); see dq diagnose {log}" in look_back(warehouse)
    log.rename(tmp_path / "app-1")
    assert look_back(warehouse).endswith(f"executor_heap, certain); see dq diagnose {tmp_path / 'app-1'}")


def test_old_logs_of_one_file_are_pruned_too(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "w")
    own = deaths.folder(warehouse)
    assert own
    own.mkdir(parents=True)
    for number in range(deaths.LOGS_KEPT + 3):
        (own / f"local-{number}").touch()
        os.utime(own / f"local-{number}", (number, number))
    deaths.note(warehouse, "profit_unit", logs.RUN, log_at(own / "local-52"))
    assert len(list(own.iterdir())) == deaths.LOGS_KEPT
    assert not (own / "local-2").exists()


def test_old_logs_of_the_warehouse_are_pruned_and_others_are_not(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "w")
    own, foreign = deaths.folder(warehouse), tmp_path / "events"
    for place in (own, foreign):
        for number in range(deaths.LOGS_KEPT + 3):
            log = place / f"eventlog_v2_local-{number}"
            log.mkdir(parents=True)
            os.utime(log, (number, number))
    deaths.note(warehouse, "profit_unit", logs.RUN, log_at(own / "eventlog_v2_local-52"))
    deaths.note(warehouse, "profit_unit", logs.RUN, log_at(foreign / "eventlog_v2_local-52"))
    assert len(list(own.iterdir())) == deaths.LOGS_KEPT
    assert not (own / "eventlog_v2_local-2").exists()
    assert len(list(foreign.iterdir())) == deaths.LOGS_KEPT + 3


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"spark.eventLog.enabled": "true", "spark.eventLog.dir": "file://{}"}, "eventlog_v2_local-1"),
        ({"spark.eventLog.enabled": "true", "spark.eventLog.dir": "{}"}, "eventlog_v2_local-1"),
        ({"spark.eventLog.enabled": "false", "spark.eventLog.dir": "{}"}, "no log"),
        ({"spark.eventLog.enabled": "true", "spark.eventLog.dir": "hdfs://{}"}, "elsewhere"),
        ({}, "no log"),
    ],
)
def test_the_log_of_a_session_is_found_where_it_lies_in_files(
    settings: dict[str, str], found: str, tmp_path: Path
) -> None:
    (tmp_path / "a log" / "eventlog_v2_local-1").mkdir(parents=True)
    (tmp_path / "a log" / "eventlog_v2_local-2").mkdir()
    given = {key: value.format(str(tmp_path / "a log").replace(" ", "%20")) for key, value in settings.items()}
    context = SimpleNamespace(applicationId="local-1", getConf=lambda: given)
    log = deaths.log_of(SimpleNamespace(sparkContext=context))  # type: ignore[arg-type]
    assert ("no log" if log is None else log.path.name if log.path else "elsewhere") == found
    if log:
        assert (log.directory, log.application) == (given["spark.eventLog.dir"], "local-1")


def test_a_folder_of_logs_that_cannot_be_read_ends_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: Path) -> None:
        raise PermissionError

    monkeypatch.setattr(deaths, "logs_in", refused)
    given = {"spark.eventLog.enabled": "true", "spark.eventLog.dir": str(tmp_path)}
    context = SimpleNamespace(applicationId="local-1", getConf=lambda: given)
    log = deaths.log_of(SimpleNamespace(sparkContext=context))  # type: ignore[arg-type]
    assert log == deaths.EventLog(directory=str(tmp_path), application="local-1")


def test_a_command_that_is_shown_can_be_copied_whatever_its_path() -> None:
    log = "/data/our warehouse/_dq/event_logs/app-1"
    assert shlex.split(deaths.shown(log)) == ["dq", "diagnose", log]


def test_a_clone_of_the_warehouse_keeps_no_event_logs(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    assert deaths.folder(warehouse) == tmp_path / "_dq" / "event_logs"
    with cloned(warehouse, []) as folder:
        assert deaths.folder(Warehouse(folder)) is None
