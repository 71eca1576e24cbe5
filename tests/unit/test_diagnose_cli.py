"""`dq diagnose` as typed: what it prints, the section it leads to, its exit codes and its settings."""

from __future__ import annotations

import json
from pathlib import Path

import event_logs as logs
import pytest

from dq.cli import main
from dq.errors import ConfigError
from dq.settings import load

ROOT = Path(__file__).resolve().parents[2]


def log(folder: Path, *, version: str = "4.3.0", name: str = "profit_unit", group: str = logs.RUN) -> Path:
    why = logs.raised("java.lang.OutOfMemoryError", "Java heap space")
    ran = [logs.job(0, [0], group=group), logs.stage(0, 1), logs.task(0, why=why), logs.job_end(0, "aborted")]
    return logs.write(folder, [*logs.start(version=version, name=name), *ran, logs.end()])


def test_a_death_is_printed_with_evidence_settings_and_section(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["diagnose", str(log(tmp_path))]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"DIED  {logs.RUN}")
    assert "1. CERTAIN  executor_heap: the heap of an executor was too small" in printed
    assert "line 6: task failed, stage 0.0, executor 1: java.lang.OutOfMemoryError Java heap space" in printed
    assert "spark.executor.memory=4g (now 1024m)" in printed
    assert "runbooks/profit_unit.md#" in printed


def test_as_json_it_is_one_document_with_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diagnose", str(log(tmp_path)), "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["pipeline"], told["period"], told["died"]) == ("profit_unit", "2026-10", True)
    assert told["causes"][0]["cause"] == "executor_heap"
    assert told["causes"][0]["changes"][0]["setting"] == "spark.executor.memory"
    assert told["causes"][0]["runbook"].startswith("runbooks/profit_unit.md#")
    assert told["started"] == "2026-11-20T15:53:20+00:00"


def test_an_application_of_no_pipeline_is_diagnosed_without_a_section(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["diagnose", str(log(tmp_path, name="notebook", group="mine"))]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("DIED  notebook (app-1)")
    assert "runbook" not in printed


@pytest.mark.parametrize(
    ("make", "code", "said"),
    [
        (lambda folder: folder, 2, "is no event log; expected the folder eventlog_v2_"),
        (lambda folder: folder / "none", 2, "there is no event log"),
        (lambda folder: log(folder, version="3.5.1"), 2, "was written by Spark 3.5.1; expected a log of Spark 4.3"),
        (lambda _: ROOT / "README.md", 2, "is no event log of Spark"),
    ],
)
def test_what_cannot_be_diagnosed_says_so_in_a_sentence(
    make: object, code: int, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(make)
    assert main(["diagnose", str(make(tmp_path))]) == code
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.out == ""


@pytest.mark.parametrize(
    ("kept", "reason"),
    [(0, "the application died before it began"), (20, "it is damaged, or cut off in its first line")],
)
def test_half_a_log_of_nothing_is_exit_3(
    kept: int, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = log(tmp_path)
    part = next(path.glob("events_*"))
    part.write_bytes(part.read_bytes()[:kept])
    assert main(["diagnose", str(path)]) == 3
    assert f"holds no complete line; {reason}" in capsys.readouterr().err


def test_half_a_log_is_diagnosed_as_far_as_it_goes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = log(tmp_path)
    part = next(path.glob("events_*"))
    data = logs.text([*logs.start(), logs.job(0, [0])])
    part.rename(whole := part.with_suffix(""))
    whole.write_bytes(data[:-30])
    assert main(["diagnose", str(path)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("NO DEATH FOUND  profit_unit (app-1)   the log has no end")
    assert "the log breaks off in the middle of a line; what came before is judged" in printed
    whole.write_bytes(logs.text(logs.start()[:1]))
    assert main(["diagnose", str(path)]) == 0
    assert capsys.readouterr().out.startswith(
        "NO DEATH FOUND  an application whose name is missing   the log has no end"
    )


def test_thresholds_are_those_of_the_settings_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    events = [logs.job(0, [0]), logs.stage(0, 1), logs.task(0, seconds=100, gc=15), logs.job_end(0), logs.end()]
    path = logs.write(tmp_path, [*logs.start(), *events])
    assert main(["diagnose", str(path)]) == 0
    assert "garbage_collection" in capsys.readouterr().out
    given = tmp_path / "settings.yml"
    given.write_text("warehouse: w\ndocs: d\nruntime: {gc_share: 0.5, gc_share_alarm: 0.6}\n", encoding="utf-8")
    monkeypatch.setenv("DQ_SETTINGS", str(given))
    assert main(["diagnose", str(path)]) == 0
    assert "garbage_collection" not in capsys.readouterr().out


@pytest.mark.parametrize("wrong", ["gc_share: 1.5", "skew: 5", "skew_factor: 1", "spill_bytes: 0"])
def test_a_threshold_that_cannot_be_meant_is_refused(
    wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = tmp_path / "settings.yml"
    given.write_text(f"warehouse: w\ndocs: d\nruntime: {{{wrong}}}\n", encoding="utf-8")
    monkeypatch.setenv("DQ_SETTINGS", str(given))
    with pytest.raises(ConfigError, match=f"settings.yml:3: runtime.{wrong.split(':')[0]}"):
        load(tmp_path)


def test_the_settings_of_the_project_write_out_the_defaults() -> None:
    from dq.thresholds import Thresholds

    assert load(ROOT).runtime == Thresholds()
