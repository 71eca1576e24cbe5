"""What a job cannot do without: declared, checked against its code, and said before anything is started."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from runs_support import declare_absent

from dq.cli.job import PipelineRun
from dq.declare import registry
from dq.declare.job_code import indispensable
from dq.run.failures import place
from dq.spark import session

ROOT = Path(__file__).resolve().parents[2]
PAIRS = [
    (name, source)
    for name, item in registry.load(ROOT).pipelines.items()
    for source in dict.fromkeys(need.partition(".")[0] for need in item.needs)
]


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ('def f(a: DataFrame, b: DataFrame | None): ...\nf(a=run.read("a"), b=run.read("b"))', {"a": 2}),
        ('def f(b: Optional[DataFrame] = None): ...\nf(b=run.read("b"))', {}),
        ('b = run.read("b")\nrows = b.select("x") if b is not None else None', {}),
        ('b = run.read("b")\nrows = b.select("x")', {"b": 1}),
        ('def f(b: DataFrame | None): ...\nb = run.read("b")\nf(b=b)', {}),
        ('run.read("a").select("x")', {"a": 1}),
        ("def broken(:", {}),
    ],
)
def test_what_a_job_hands_to_what_takes_no_none_it_cannot_do_without(code: str, found: dict[str, int]) -> None:
    assert indispensable(code) == found


def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for folder in ("jobs", "expectations", "runbooks"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    monkeypatch.setenv("DQ_HOME", str(tmp_path))
    return tmp_path


def test_every_job_that_reads_a_source_it_cannot_do_without_is_covered() -> None:
    assert {name for name, _ in PAIRS} == {"profit_unit", "growth_daily", "user_days", "engagement_daily"}


@pytest.mark.parametrize(("pipeline", "source"), PAIRS)
def test_a_needed_source_that_is_declared_absent_is_one_sentence_before_spark_starts(
    pipeline: str, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = project(tmp_path, monkeypatch)
    declare_absent(home, source)
    monkeypatch.setattr(session, "session", lambda *_: pytest.fail("Spark was started"))
    argv = ["--period", "2026-10", "--as-of", "2026-11-04T06:00:00Z", "--warehouse", str(tmp_path / "w"), "--no-docs"]
    with PipelineRun(pipeline, argv) as run:
        run.publish(run.read(source))  # type: ignore[arg-type]  # it is left at its first use of the run
    told = capsys.readouterr().out
    assert run.exit_code == 3
    assert f"{pipeline} cannot be computed: it needs {source}, declared absent by " in told
    assert "AttributeError" not in told


def raised(function: object, given: object) -> Exception:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - which one is not the matter
        function(given)  # type: ignore[operator]
    return caught.value


def test_an_error_of_a_job_names_its_file_and_line_and_what_a_run_does_for_it_does_not(tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    job = tmp_path / "jobs" / "late.py"
    job.write_text("def main(value):\n    return value.select('x')\n\n\ndef ask(run):\n    run.read('nothing')\n")
    names: dict[str, object] = {}
    exec(compile(job.read_text(), str(job), "exec"), names)  # noqa: S102 - the job is this test's own
    assert place(raised(names["main"], None), tmp_path) == " (jobs/late.py, line 2)"
    assert place(raised(names["main"], None), tmp_path / "elsewhere") == ""
    assert place(raised(names["ask"], PipelineRun("profit_unit", [])), tmp_path) == ""
