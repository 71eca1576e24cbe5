"""`dq diagnose` as typed: what it prints, the section it leads to, its exit codes and its settings."""

from __future__ import annotations

import json
from pathlib import Path

import event_logs as logs
import pytest

from dq.base.errors import ConfigError
from dq.cli import main
from dq.declare.settings import load

ROOT = Path(__file__).resolve().parents[2]


def log(folder: Path, *, version: str = "4.1.4", name: str = "profit_unit", group: str = logs.RUN) -> Path:
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
    assert (
        "events_1_app-1.zstd:6: task failed, stage 0.0, executor 1: java.lang.OutOfMemoryError Java heap space"
        in printed
    )
    assert "spark.executor.memory=4g (now 1024m)" in printed
    assert "runbooks/all/memory-runs-short.md" in printed


def test_as_json_it_is_one_document_with_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diagnose", str(log(tmp_path)), "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["pipeline"], told["period"], told["died"]) == ("profit_unit", "2026-10", True)
    assert told["causes"][0]["cause"] == "executor_heap"
    assert told["causes"][0]["changes"][0]["setting"] == "spark.executor.memory"
    assert told["causes"][0]["runbook"] == "runbooks/all/memory-runs-short.md"
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
        (lambda folder: folder, 2, "is not an event log; expected the folder eventlog_v2_"),
        (lambda folder: folder / "none", 2, "there is no event log"),
        (
            lambda folder: log(folder, version="3.4.1"),
            2,
            "by Spark 3.4.1; expected a log of Spark 3.5 to 4.3",
        ),
        (lambda _: ROOT / "README.md", 2, "is not an event log of Spark"),
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


@pytest.mark.parametrize(
    ("kept", "in_progress", "code", "head"),
    [
        (-30, False, 3, "CANNOT TELL"),  # the end is missing, and nobody writes it any more
        (-30, True, 0, "NO END"),
        (None, False, 3, "CANNOT TELL"),
        (None, True, 0, "NO END"),
    ],
)
def test_half_a_log_is_diagnosed_as_far_as_it_goes(
    kept: int | None, in_progress: bool, code: int, head: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = logs.write(tmp_path, [*logs.start(), logs.job(0, [0])], codec="", in_progress=in_progress)
    part = next(path.glob("events_*"))
    part.write_bytes(part.read_bytes()[:kept])
    assert main(["diagnose", str(path)]) == code
    printed = capsys.readouterr().out
    who = logs.RUN if kept is None else "profit_unit (app-1)"
    assert printed.startswith(f"{head}  {who}   the log has no end")
    torn = "the log breaks off in the middle of a line; what came before is judged"
    assert (torn in printed) == (kept is not None)
    part.write_bytes(logs.text(logs.start()[:1]))
    assert main(["diagnose", str(path)]) == code
    assert capsys.readouterr().out.startswith(f"{head}  an application whose name is missing")


def healthy(folder: Path) -> list[bytes]:
    ran = [logs.job(0, [0]), logs.stage(0, 300), *[logs.task(0, index=n) for n in range(300)], logs.job_end(0)]
    return logs.text([*logs.start(), *ran, logs.end()]).splitlines(keepends=True)


@pytest.mark.parametrize(
    ("damaged", "torn", "missing", "code"), [(3, 0, False, 0), (3, 9, False, 0), (4, 0, False, 3), (0, 0, True, 3)]
)
def test_what_is_missing_of_a_healthy_log_decides_whether_it_can_be_told(
    damaged: int, torn: int, missing: bool, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = healthy(tmp_path)
    lines[10 : 10 + damaged] = [b"\x00\xff\n"] * damaged
    path = tmp_path / "eventlog_v2_app-1"
    path.mkdir()
    (path / f"events_{2 if missing else 1}_app-1").write_bytes(b"".join(lines) + b'{"Event":'[:torn])
    assert main(["diagnose", str(path)]) == code
    assert capsys.readouterr().out.startswith("CANNOT TELL" if code else "NO DEATH FOUND")


def test_a_file_that_may_not_be_read_is_told_with_path_and_next_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = log(tmp_path)

    def refused(self: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", refused)
        assert main(["diagnose", str(path)]) == 3
    part = next(path.glob("events_1*"))
    assert f"{part}: the event log cannot be read: Permission denied; ask for" in capsys.readouterr().err
    (path / "events_2_app-1").mkdir()
    assert main(["diagnose", str(path)]) == 0


@pytest.mark.parametrize("settings", [None, "runtime: {gc_share: 7}\n"])
def test_without_a_project_or_with_a_broken_one_it_still_diagnoses(
    settings: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = log(tmp_path)
    if settings is None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv("DQ_PROJECT", raising=False)
    else:
        (tmp_path / "settings.yml").write_text(settings, encoding="utf-8")
        monkeypatch.setenv("DQ_SETTINGS", str(tmp_path / "settings.yml"))
    assert main(["diagnose", str(path)]) == 0
    printed = capsys.readouterr()
    assert "1. CERTAIN  executor_heap" in printed.out
    assert "judged by default thresholds, without runbooks: " in printed.err


def test_help_tells_where_logs_lie_what_is_read_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["diagnose", "--help"])
    printed = capsys.readouterr().out
    for said in ("--run ID", "WAREHOUSE/_dq/event_logs", "zstd, lz4, snappy and gzip", "exit codes: 0 diagnosed"):
        assert said in printed


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
    from dq.base.thresholds import Thresholds

    assert load(ROOT).runtime == Thresholds()
