"""The command line as far as it needs no JVM: help, usage mistakes, lint."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from dq.cli import main
from dq.cli.parser import argument_problem, build_parser

ROOT = Path(__file__).resolve().parents[2]


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    try:
        code = main(words)
    except SystemExit as ended:
        code = int(ended.code or 0)
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return code, captured.out + captured.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "profit_unit", "--period", "2026-13", "--as-of", "2026-11-04"], "'2026-13' is no period"),
        (["run", "profit_unit", "--period", "october"], "'october' is no period"),
        (["run", "profit_unit", "--period", "2026-10", "--as-of", "soon"], "'soon' is no instant"),
        (["run", "profit_unit", "--period", "2026-10", "--as-of", "2026-10-01"], "has no complete day"),
        (["run", "investor_profit", "--period", "2026-10-05", "--as-of", "2026-11-04"], "is computed by month"),
        (["run", "profit_units", "--period", "2026-10"], "did you mean profit_unit?"),
        (["run", "profit_unit", "--period", "2026-10", "--sources", "none.yml"], "there is no sources file none.yml"),
        (["check", "none.csv", "--suite", "expectations/revenue.yml"], "there is no none.csv"),
        (["check", "README.md", "--suite", "none.yml"], "there is no suite none.yml"),
        (["explain", "profit"], "there is no pipeline 'profit'"),
        (["demo", "--fault", "F99"], "there is no fault 'F99'"),
        (["show", "nothing", "--warehouse", "/nonexistent"], "there is no warehouse /nonexistent"),
        (["show", "--warehouse", "jobs"], "holds no runs"),
        (
            [
                "waive",
                "profit_unit",
                "--check",
                "x",
                "--period",
                "2026-10",
                "--ceiling",
                "1",
                "--owner",
                "A",
                "--reason",
                "r",
                "--until",
                "2030-01-01",
            ],
            "has no check 'x'",
        ),
        (["no-such-command"], "invalid choice"),
    ],
)
def test_a_usage_mistake_is_exit_2_and_one_sentence(
    capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    code, told = run(capsys, *words)
    assert (code, said in told) == (2, True), told


@pytest.mark.parametrize("ceiling", ["-1", "NaN", "Infinity", "five"])
def test_a_waiver_needs_a_finite_ceiling(capsys: pytest.CaptureFixture[str], ceiling: str) -> None:
    line = [
        "waive",
        "profit_unit",
        "--check",
        "profit_ties_out_to_ledger",
        "--period",
        "2026-10",
        f"--ceiling={ceiling}",
    ]
    code, _ = run(
        capsys, *line, "--owner", "Anna", "--reason", "r", "--until", "2030-01-01", "--warehouse", "/nonexistent"
    )
    assert code == 2


def test_lint_is_clean_on_the_project(capsys: pytest.CaptureFixture[str]) -> None:
    code, told = run(capsys, "lint")
    assert (code, re.match(r"clean: \d+ pipelines, ", told) is not None) == (0, True), told


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for folder in ("jobs", "expectations", "runbooks"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    shutil.copy(ROOT / "Makefile", tmp_path / "Makefile")
    monkeypatch.setenv("DQ_HOME", str(tmp_path))
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (
            "expectations/revenue.yml",
            "column: booked_date, max",
            "column: booked_dat, max",
            "did you mean booked_date?",
        ),
        ("expectations/revenue.yml", "runbook: missing-days", "runbook: missing-day", "has no section #missing-day"),
        (
            "expectations/revenue.yml",
            "type: expect_table_row_count_to_be_between\n    kwargs: {min_value: 1}",
            "type: expect_column_to_exist\n    kwargs: {column: amount}",
            "row-count check",
        ),
        ("expectations/targets.yml", "check: targets_in_range", "check: ledger_has_rows", "id taken"),
        (
            "expectations/investor_profit.yml",
            "row_condition: row_kind = 'total'",
            "row_condition: row_kin = 'total'",
            "row_kin",
        ),
        ("expectations/investor_profit.yml", 'tolerance: "0.01"', "tolerance: 0.01", "tolerance"),
        ("jobs/pipelines.yml", "upstream: [profit_unit]", "upstream: [profit_units]", "did you mean profit_unit?"),
        ("jobs/pipelines.yml", "runbook: profit_unit.md", "runbook: profit.md", "runbooks/profit.md does not exist"),
        ("jobs/sources.yml", "SELECT line_id, account_id", "SELECT line_no AS line_id, account_id", "line_no"),
        ("jobs/contracts.yml", "read: until", "read: sometimes", "read"),
        ("runbooks/roster.yml", "anna", "ann", "anna"),
        ("runbooks/profit_unit.md", "owner: Finance and Risk Teams", "owner: Finance Team", "Finance Team"),
        ("runbooks/profit_unit.md", "dq show RUN", "dq shwo RUN", "invalid choice"),
        ("runbooks/profit_unit.md", "Class: F01", "Class: F99", "revenue.amount.required"),
    ],
)
def test_lint_finds_each_mistake_with_file_and_line(
    capsys: pytest.CaptureFixture[str], broken: Path, file: str, old: str, new: str, said: str
) -> None:
    edit(broken / file, old, new)
    code, told = run(capsys, "lint")
    assert (code, said in told) == (1, True), told
    assert any(
        line.split(":")[0].endswith((file, ".yml", ".md")) and line.split(":")[1].isdigit()
        for line in told.splitlines()
    )


def test_lint_reports_the_mistakes_of_several_files_at_once(capsys: pytest.CaptureFixture[str], broken: Path) -> None:
    edit(broken / "expectations/revenue.yml", "severity: critical", "severity: grave")
    edit(broken / "expectations/ledger.yml", "min_value: 1}", "min_valu: 1}")
    edit(broken / "jobs/settings.yml", "docs_address", "docs_adress")
    code, told = run(capsys, "lint")
    assert code == 1
    for file in ("expectations/revenue.yml", "expectations/ledger.yml", "jobs/settings.yml"):
        assert file in told


def test_lint_fix_writes_the_list_of_checks_anew(capsys: pytest.CaptureFixture[str], broken: Path) -> None:
    edit(broken / "expectations/targets.yml", "check: targets_in_range", "check: targets_in_a_range")
    code, told = run(capsys, "lint")
    assert (code, "run dq lint --fix" in told) == (1, True)
    assert run(capsys, "lint", "--fix")[0] == 0
    assert "targets_in_a_range" in (broken / "runbooks/profit_unit.md").read_text(encoding="utf-8")


def test_every_command_has_help_that_names_its_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    code, told = run(capsys, "--help")
    assert code == 0
    for name in ("demo", "run", "check", "explain", "lint", "show", "waive", "withdraw", "gc", "docs"):
        assert name in told
        assert run(capsys, name, "--help")[0] == 0


def test_command_lines_on_pages_are_judged_without_running_them() -> None:
    assert argument_problem(["dq", "show", "RUN"]) is None
    assert argument_problem(["make", "docs"]) is None
    assert "invalid choice" in str(argument_problem(["dq", "shwo", "RUN"]))
    assert "required" in str(argument_problem(["dq", "run", "profit_unit"]))
    assert "no such make target" in str(argument_problem(["make", "dcos"]))
    assert build_parser().prog == "dq"
