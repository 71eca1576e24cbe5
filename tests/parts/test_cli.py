"""The command line as far as it needs no JVM: help, usage mistakes, lint."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from pathlib import Path

import pytest

import dq
from dq.cli import console, main
from dq.cli.parser import EXAMPLES, MODULES, argument_problem, build_parser
from dq.cli.runbook_commands import problem_finder
from dq.declare import project as projects
from dq.store import Warehouse

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
        (["run", "profit_unit", "--period", "2026-13", "--as-of", "2026-11-04"], "'2026-13' is not a period"),
        (["run", "profit_unit", "--period", "october"], "'october' is not a period"),
        (["run", "profit_unit", "--period", "2026-10", "--as-of", "soon"], "'soon' is not an instant"),
        (["run", "profit_unit", "--period", "2026-10", "--as-of", "2026-10-01"], "has no complete day"),
        (["run", "investor_profit", "--period", "2026-10-05", "--as-of", "2026-11-04"], "is not a month"),
        (["run", "profit_units", "--period", "2026-10"], "did you mean profit_unit?"),
        (["run", "profit_unit", "--period", "2026-10", "--sources", "none.yml"], "there is no sources file none.yml"),
        (["run", "profit_unit", "--period", "2026-10", "--as-of", "2999-01-01"], "is in the future"),
        (["run", "profit_unit", "--all", "--period", "2026-10"], "not allowed with argument"),
        (["run", "--period", "2026-10"], "one of the arguments pipeline --all is required"),
        (["run", "--all", "--period", "2026-10", "--as-of", "2026-10-01"], "has no complete day"),
        (["backfill", "profit_unit", "--from", "2026-10", "--to", "2026-08"], "lies before --from"),
        (["backfill", "profit_unit", "--from", "2026-10-05", "--to", "2026-10"], "'2026-10-05' is not a month"),
        (["backfill", "profit_unit", "--from", "2026-10", "--to", "2999-01"], "--to: 2999-01 has no complete day"),
        (["backfill", "profit", "--from", "2026-08", "--to", "2026-08"], "there is no pipeline 'profit'"),
        (["check", "none.csv", "--suite", "expectations/profit_unit/revenue.yml"], "there is no none.csv"),
        (
            ["check", "README.md", "--suite", "expectations/profit_unit/revenue.yml"],
            "README.md is neither CSV nor JSON, Parquet, ORC or Avro",
        ),
        (["check", "README.md", "--suite", "none.yml"], "there is no suite none.yml"),
        (["explain", "profit_unit", "--period", "2026-10", "--as-of", "2999-01-01"], "is in the future"),
        (["explain", "profit"], "there is no pipeline 'profit'"),
        (["demo", "--fault", "F99"], "there is no fault 'F99'"),
        (["show", "nothing", "--warehouse", "/nonexistent"], "there is no warehouse /nonexistent"),
        (["show", "--warehouse", "jobs"], "jobs is not a warehouse: it holds something else"),
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
        (["gc", "--older-than", "99999999999", "--warehouse", "jobs"], "expected days from 1 to 36,500"),
        (["gc", "--older-than", "0", "--warehouse", "jobs"], "expected days from 1 to 36,500"),
        (["deliver", "--seconds", "99999999999999", "--warehouse", "jobs"], "expected seconds from 1 to 86,400"),
        (["status", "--at", "0001-01-01", "--warehouse", "A WAREHOUSE"], "'0001-01-01' is not an instant"),
        (
            ["status", "--levels", "--from", "0001-01", "--to", "2026-10", "--warehouse", "A WAREHOUSE"],
            "'0001-01' is not a month",
        ),
        (["close", "--month", "9999-12", "--warehouse", "A WAREHOUSE"], "'9999-12' is not a month"),
        (["run", "profit_unit", "--period", "0001-01"], "'0001-01' is not a period"),
        (["oncall", "--table", "--year", "0"], "0 is not a year that can be planned"),
        (["no-such-command"], "invalid choice"),
    ],
)
def test_a_usage_mistake_is_exit_2_and_one_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, words: list[str], said: str
) -> None:
    if "A WAREHOUSE" in words:
        Warehouse(tmp_path).prepare()
    code, told = run(capsys, *(str(tmp_path) if word == "A WAREHOUSE" else word for word in words))
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


def test_a_submitted_job_is_not_as_of_an_instant_to_come(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["profit_unit.py", "--period", "2026-10", "--as-of", "2999-01-01"])
    with dq.pipeline_run("profit_unit") as submitted:
        submitted.read("revenue")
    assert submitted.exit_code == 2
    assert "2999-01-01T00:00:00Z is in the future" in capsys.readouterr().err


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
            "jobs/pipelines.yml",
            "    needs: [revenue, licence_events, accounts]\n",
            "    needs: [revenue, accounts]\n",
            "profit_unit.needs: jobs/profit_unit.py:",
        ),
        (
            "expectations/profit_unit/revenue.yml",
            "column: booked_date, max",
            "column: booked_dat, max",
            "did you mean booked_date?",
        ),
        (
            "expectations/profit_unit/revenue.yml",
            "runbook: missing-days",
            "runbook: missing-day",
            "has no section missing-day",
        ),
        (
            "jobs/pipelines.yml",
            "      mtd_margin_is_explained: ",
            "      mtd_margin_is_explaned: ",
            "profit_unit.check_ids.mtd_margin_is_explaned: no check of this id follows from what is declared; "
            "did you mean mtd_margin_is_explained",
        ),
        (
            "jobs/pipelines.yml",
            "ratio: {denominator: seats, ",
            "ratio: {denominator: seat, ",
            "mtd_unit_profit.ratio.denominator: the table has no column seat; did you mean seats?",
        ),
        (
            "jobs/pipelines.yml",
            "        mtd_margin_reason: ",
            "        mtd_margin_why: ",
            "mtd_margin.ratio: the table has no column mtd_margin_reason; did you mean",
        ),
        ("expectations/all/targets.yml", "check: targets_in_range", "check: ledger_has_rows", "id taken"),
        (
            "expectations/investor_profit/investor_profit.yml",
            "row_condition: row_kind = 'total'",
            "row_condition: row_kin = 'total'",
            "row_kin",
        ),
        ("expectations/investor_profit/investor_profit.yml", 'tolerance: "0.01"', "tolerance: 0.01", "tolerance"),
        ("jobs/pipelines.yml", "upstream: [profit_unit]", "upstream: [profit_units]", "did you mean profit_unit?"),
        ("jobs/pipelines.yml", "runbook: profit_unit", "runbook: profit", "runbooks/profit/README.md does not exist"),
        (
            "jobs/pipelines.yml",
            "runbook: profit_unit",
            "runbook: profit_unit.md",
            "file per way of failing; write profit_unit",
        ),
        ("jobs/sources.yml", "SELECT line_id, account_id", "SELECT line_no AS line_id, account_id", "line_no"),
        ("jobs/contracts.yml", "read: until", "read: sometimes", "read"),
        ("runbooks/roster.yml", "anna", "ann", "anna"),
        ("runbooks/profit_unit/README.md", "owner: Finance and Risk Teams", "owner: Finance Team", "Finance Team"),
        ("runbooks/profit_unit/README.md", "dq show RUN", "dq shwo RUN", "invalid choice"),
        ("runbooks/all/required-value-is-null.md", "Class: F01", "Class: F99", "revenue.amount.required"),
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
    edit(broken / "expectations/profit_unit/revenue.yml", "severity: critical", "severity: grave")
    edit(broken / "expectations/all/ledger.yml", "min_share: 0.5}", "min_shar: 0.5}")
    edit(broken / "jobs/settings.yml", "docs_address", "docs_adress")
    code, told = run(capsys, "lint")
    assert code == 1
    for file in ("expectations/profit_unit/revenue.yml", "expectations/all/ledger.yml", "jobs/settings.yml"):
        assert file in told


def told_lines(told: str) -> list[str]:
    return [line for line in told.splitlines() if not line.startswith("dq: ")]


def test_lint_reports_files_references_and_pages_together_and_nothing_that_only_follows(
    capsys: pytest.CaptureFixture[str], broken: Path
) -> None:
    edit(broken / "expectations/profit_unit/revenue.yml", "severity: critical", "severity: grave")
    edit(
        broken / "expectations/investor_profit/investor_profit.yml",
        "row_condition: row_kind = 'total'",
        "row_condition: row_kin = 1",
    )
    edit(broken / "expectations/profit_unit/profit_unit.yml", "runbook: ", "runbook: no-such-")
    edit(broken / "jobs/settings.yml", "docs_address", "docs_adress")
    edit(broken / "jobs/pipelines.yml", "sources: [revenue, ", "sources: [revenue, revenu, ")
    edit(broken / "runbooks/investor_profit/README.md", "dq show RUN", "dq shwo RUN")
    code, told = run(capsys, "lint")
    assert code == 1
    expected = {
        "expectations/profit_unit/revenue.yml": "unknown severity",
        "expectations/investor_profit/investor_profit.yml": "row_kin",
        "expectations/profit_unit/profit_unit.yml": "has no section no-such-",
        "jobs/settings.yml": "unknown key",
        "jobs/pipelines.yml": "has no contract; did you mean revenue?",
        "runbooks/investor_profit/README.md": "invalid choice: 'shwo'",
    }
    lines = told_lines(told)
    assert {line.split(":")[0] for line in lines} == set(expected), told
    for file, said in expected.items():
        assert [line for line in lines if line.startswith(f"{file}:") and said in line], told


def test_the_mistakes_of_the_roster_hide_none_of_the_deadlines_or_of_who_watches(
    capsys: pytest.CaptureFixture[str], broken: Path
) -> None:
    edit(broken / "runbooks/roster.yml", "ring: [danny,", "ring: [dany,")
    edit(broken / "runbooks/roster.yml", "- pipelines: [profit_unit]", "- pipelines: [profit_units]")
    edit(broken / "runbooks/investor_profit/README.md", "day: 25", "day: 31")
    edit(
        broken / "runbooks/investor_growth/README.md",
        "kind: month_end, on_holiday: same",
        "kind: month_end, on_holiday: previous",
    )
    code, told = run(capsys, "lint")
    lines = told_lines(told)
    assert code == 1
    for file, said in (
        ("runbooks/roster.yml", "nobody has the id 'dany'"),
        ("runbooks/roster.yml", "there is no pipeline 'profit_units'"),
        ("runbooks/roster.yml", "nobody watches profit_unit;"),
        ("runbooks/investor_profit/README.md", "not every month has a day 31"),
        ("runbooks/investor_growth/README.md", "can never be kept of"),
    ):
        assert [line for line in lines if line.startswith(f"{file}:") and said in line], told


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("expectations/all/ledger.yml", "expectations:", "expectation:"),
        ("jobs/contracts.yml", "read: until", "read: sometimes"),
        ("jobs/sources.yml", "company:", "compny:"),
        ("jobs/pipelines.yml", "grain: day", "grain: dy"),
        ("jobs/rules.yml", "\n", "\n- a list: \n"),
        ("runbooks/roster.yml", "zone:", "zon:"),
        ("runbooks/profit_unit/README.md", "owner: Finance", "ownr: Finance"),
    ],
)
def test_a_file_that_cannot_be_read_has_no_false_findings_elsewhere(
    capsys: pytest.CaptureFixture[str], broken: Path, file: str, old: str, new: str
) -> None:
    edit(broken / file, old, new)
    code, told = run(capsys, "lint")
    assert code == 1
    assert {line.split(":")[0] for line in told_lines(told)} == {file}, told


def test_a_registry_that_cannot_be_read_hides_no_mistake_of_a_suite_or_page(
    capsys: pytest.CaptureFixture[str], broken: Path
) -> None:
    edit(broken / "jobs/pipelines.yml", "grain: day", "grain: dy")
    edit(broken / "expectations/profit_unit/revenue.yml", "max_value: 10000000}", "max_value: ten}")
    edit(broken / "runbooks/profit_unit/README.md", "owner: Finance and Risk Teams", "owner: Finance Team")
    code, told = run(capsys, "lint")
    assert code == 1
    assert {line.split(":")[0] for line in told_lines(told)} == {
        "jobs/pipelines.yml",
        "expectations/profit_unit/revenue.yml",
        "runbooks/profit_unit/README.md",
    }, told
    assert "'ten' is not a number" in told


def test_lint_fix_writes_the_list_of_checks_anew(capsys: pytest.CaptureFixture[str], broken: Path) -> None:
    edit(broken / "expectations/all/targets.yml", "check: targets_in_range", "check: targets_in_a_range")
    code, told = run(capsys, "lint")
    assert (code, "run dq lint --fix" in told) == (1, True)
    assert run(capsys, "lint", "--fix")[0] == 0
    section = broken / "runbooks/profit_unit/README.md"
    assert "targets_in_a_range" in section.read_text(encoding="utf-8")


def test_lint_holds_the_page_of_check_types_to_what_they_are(capsys: pytest.CaptureFixture[str], broken: Path) -> None:
    (broken / "docs").mkdir()
    page = broken / "docs/check-types.md"
    page.write_text("# Check types\n", encoding="utf-8")
    code, told = run(capsys, "lint")
    assert (code, "docs/check-types.md:1: is not what the check types are; run dq lint --fix" in told) == (1, True)
    assert run(capsys, "lint", "--fix")[0] == 0
    assert page.read_text(encoding="utf-8") == (ROOT / "docs/check-types.md").read_text(encoding="utf-8")


def test_lint_with_other_sources_fixes_the_same_lists_and_agrees(
    capsys: pytest.CaptureFixture[str], broken: Path
) -> None:
    edit(broken / "expectations/all/targets.yml", "check: targets_in_range", "check: targets_in_a_range")
    other = ("--sources", str(broken / "jobs/ravenstack.yml"))
    plain, mapped = run(capsys, "lint"), run(capsys, "lint", *other)
    assert plain[0] == mapped[0] == 1
    assert all("run dq lint --fix" in told for _, told in (plain, mapped))
    assert run(capsys, "lint", "--fix", *other)[0] == 0
    section = broken / "runbooks/profit_unit/README.md"
    assert "targets_in_a_range" in section.read_text(encoding="utf-8")
    assert [run(capsys, "lint", *words)[0] for words in ((), other)] == [0, 0]


def test_every_command_has_help_that_names_its_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    code, told = run(capsys, "--help")
    assert code == 0
    for name in ("demo", "run", "backfill", "check", "explain", "lint", "show", "waive", "withdraw", "gc", "docs"):
        assert name in told
        assert run(capsys, name, "--help")[0] == 0


def test_a_dry_run_of_a_backfill_prints_the_runs_and_starts_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    line = ["backfill", "profit_unit", "--from", "2026-01", "--to", "2026-02", "--dry-run"]
    code, told = run(capsys, *line, "--warehouse", str(tmp_path / "w"))
    assert code == 0
    rows = [row.split() for row in told.splitlines()]
    assert [row[:3] for row in rows[1:] if row[0] in ("profit_unit", "investor_profit")] == [
        ["profit_unit", "2026-01", "2026-02-04T05:00:00Z"],
        ["investor_profit", "2026-01", "2026-02-04T06:00:00Z"],
        ["profit_unit", "2026-02", "2026-03-04T05:00:00Z"],
        ["investor_profit", "2026-02", "2026-03-04T06:00:00Z"],
    ]
    told_out = [row[1] for row in rows if row[0] == "dq:"]
    assert "executive_report" in told_out, "it is left out with a word: of growth nothing is published"
    assert {row[0] for row in rows[1:]} == {"profit_unit", "investor_profit", "dq:"}
    assert not (tmp_path / "w").exists()
    alone = run(capsys, *line, "--no-downstream", "--warehouse", str(tmp_path / "w"))[1]
    assert {row.split()[0] for row in alone.splitlines()[1:]} == {"profit_unit"}


def test_command_lines_on_pages_are_judged_without_running_them() -> None:
    assert argument_problem(["dq", "show", "RUN"]) is None
    assert argument_problem(["make", "docs"]) is None
    assert "invalid choice" in str(argument_problem(["dq", "shwo", "RUN"]))
    assert "required" in str(argument_problem(["dq", "run", "profit_unit"]))
    assert "required: --ceiling, --until" in str(
        argument_problem(["dq", "waive", "p", "--check", "c", "--period", "2026-10", "--owner", "O", "--reason", "R"])
    )
    assert argument_problem(["dq", "waive", "--list"]) is None
    assert "--reason" in str(argument_problem(["dq", "waive", "--end", "ID"]))
    assert "no such make target" in str(argument_problem(["make", "dcos"]))
    assert build_parser().prog == "dq"


def test_what_a_page_names_has_to_be_there() -> None:
    problem = problem_finder(projects.read(ROOT))
    wrong = {
        "dq run investor_profitt --period 2026-10": "there is no pipeline 'investor_profitt'; did you mean",
        "dq run investor_profit --period notaperiod": "is not a period",
        "dq run investor_profit --period 2026-10 --as-of 2026-99-99": "is not an instant",
        "dq backfill profit_unit --from 2026-13 --to 2026-12": "is not a period",
        "dq show RUN --check no_such_check": "there is no check 'no_such_check'",
        "dq check DATA --suite expectations/nosuch.yml": "there is no suite expectations/nosuch.yml",
        "dq demo --fault nosuch": "there is no defect 'nosuch'",
        "dq shwo RUN": "invalid choice",
    }
    for command, said in wrong.items():
        assert said in (problem(command.split()) or ""), command
    for command in (
        "dq show RUN --check profit_ties_out_to_ledger",
        "dq demo --fault F11-ledger-marketing",
        "make demo",
    ):
        assert problem(command.split()) is None, command


def test_a_mistake_of_ours_is_one_sentence_and_not_the_exit_code_of_failed_data(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("row 7 holds 12345")

    monkeypatch.setattr("dq.cli.lint_explain.projects.read", fail)
    code, told = run(capsys, "lint")
    assert code == 3
    assert told.startswith("dq: lint could not finish: ValueError")
    assert "12345" not in told


def test_who_runs_a_command_is_known_by_number_where_the_system_has_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found: 54321")

    monkeypatch.setattr("getpass.getuser", nameless)
    assert console.who() == f"uid {os.getuid()}"


@pytest.mark.parametrize(
    ("pipeline", "check", "period", "said"),
    [
        ("profit_unit", "profit_ties_out_to_ledger", "2026-W40", "2026-W40 is not a day"),
        ("experiments_weekly", "experiments_every_day", "2026-10", "2026-10 is not a week"),
    ],
)
def test_a_waiver_is_for_a_period_of_its_pipeline(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, pipeline: str, check: str, period: str, said: str
) -> None:
    words = ["waive", pipeline, "--check", check, "--period", period, "--ceiling", "1", "--owner", "o"]
    code, told = run(capsys, *words, "--reason", "r", "--until", "2099-01-01", "--warehouse", str(tmp_path))
    assert (code, said in told) == (2, True), told


def test_a_week_can_be_waived(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    Warehouse(tmp_path).prepare()
    words = ["waive", "experiments_weekly", "--check", "experiments_every_day", "--period", "2026-W40"]
    words += ["--ceiling", "1", "--owner", "o", "--reason", "r", "--until", "2099-01-01"]
    code, told = run(capsys, *words, "--warehouse", str(tmp_path))
    assert code == 0, told
    assert "2026-W40" in run(capsys, "waive", "--list", "--warehouse", str(tmp_path))[1]


@pytest.mark.parametrize("period", ["2026", "2026-13", "October"])
def test_only_a_period_can_be_withdrawn(capsys: pytest.CaptureFixture[str], tmp_path: Path, period: str) -> None:
    Warehouse(tmp_path).prepare()
    code, told = run(
        capsys, "withdraw", "profit_unit", "--period", period, "--reason", "r", "--warehouse", str(tmp_path)
    )
    assert (code, "is not a period" in told) == (2, True), told


def test_the_module_of_a_command_is_found_without_importing_the_others() -> None:
    for name, added in MODULES.items():
        for command in added:
            only = next(a for a in build_parser(command)._actions if a.dest == "command")
            assert [*(only.choices or ())] == [*added], name
    every = next(a for a in build_parser()._actions if a.dest == "command")
    assert [*(every.choices or ())] == [command for added in MODULES.values() for command in added]


def test_lint_tells_everything_that_is_wrong_with_people_and_deadlines_at_once(
    capsys: pytest.CaptureFixture[str], broken: Path
) -> None:
    roster = broken / "runbooks/roster.yml"
    edit(roster, "country: US", "country: ZZ")
    edit(roster, "contact: laura-pager}", "contact: laura-pager, left: 2026-08-01}")
    edit(roster, "Customer Care: {contact: customer-care-channel}", "Customer Care: {contact: care, people: []}")
    edit(roster, "swaps: []", "swaps: [{week: 2026-12-07, person: bob, instead_of: danny}]")
    away = "".join(f"\n  - {{person: {who}, first: 2026-11-02, last: 2026-11-08}}" for who in ("jane", "danny", "lead"))
    edit(roster, "leave: []", f"leave:{away}\n  - {{person: jane, first: 2026-11-07, last: 2026-11-09}}")
    edit(roster, "{team: Accounts Team, days: [weekdays]", "{team: Data Engineering, days: [weekdays]")
    edit(roster, "pipelines: [growth_daily]", "pipelines: [growth_weekly]")
    edit(
        roster,
        'during: before_last_week, days: [weekdays], opens: "09',
        'during: before_last_week, days: [weekdays], opens: "11',
    )
    edit(broken / "runbooks/investor_profit/README.md", "kind: day_of_month, day: 25", "kind: day_of_month, day: 31")
    edit(broken / "runbooks/profit_unit/README.md", "engineer: danny", "engineer: dany")
    code, told = run(capsys, "lint")
    assert code == 1
    for line, said in {
        "country: ZZ": "country: no public holidays are known for 'ZZ'",
        "ring: [": "rotation.ring[2]: Laura leaves on 2026-08-01 and nobody follows",
        "Customer Care: {": "teams.Customer Care.people: nobody is in the team",
        "swaps: [": "swaps[0].person: nobody has the id 'bob'",
        "first: 2026-11-07": "leave[3]: overlaps with the leave of jane from 2026-11-02 to 2026-11-08",
        "person: lead, first: 2026-11-02": "leave[2]: from 2026-11-02 on everyone is away: Laura, Jane,",
        '[weekdays, weekends, holidays], opens: "09:00", closes: "17:00"': "overlaps with other hours of Data Engin",
    }.items():
        number = next(n for n, text in enumerate(roster.read_text().splitlines(), 1) if line in text)
        assert [one for one in told_lines(told) if one.startswith(f"runbooks/roster.yml:{number}: ") and said in one], (
            told
        )
    assert "runbooks/investor_profit/README.md:" in told
    assert "levels[0].day: not every month has a day 31" in told
    assert (
        "watch[3].hours: nobody watches investor_profit, investor_growth, investor_engagement, executive_report" in told
    )
    assert "before the last week of the month 09:00-11:00, in working hours" in told


def test_lint_tells_of_a_pipeline_that_nobody_watches_and_an_engineer_nobody_knows(
    capsys: pytest.CaptureFixture[str], broken: Path
) -> None:
    edit(broken / "runbooks/roster.yml", "pipelines: [growth_daily]", "pipelines: [growth_weekly]")
    edit(broken / "runbooks/profit_unit/README.md", "engineer: danny", "engineer: dany")
    code, told = run(capsys, "lint")
    assert code == 1
    assert "watch[1].pipelines[0]: there is no pipeline 'growth_weekly'; did you mean growth_daily?" in told
    assert "watch: nobody watches growth_daily; add it to the pipelines of a watch" in told
    assert "engineer: nobody on the roster has the id 'dany'; did you mean danny?" in told


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{team: Accounts Team, days", "{team: Acounts Team, days"),  # a name in one watch
        ("{team: Accounts Team, days: [weekdays]", "{team: Accounts Team, days: [mondays]"),  # the schema of one watch
        ('closes: "17:00"}\n\n# Who may', 'closes: "25:00"}\n\n# Who may'),
        ("leave: []", "leave: [{person: anna, first: 2026-08-14, last: 2026-08-03}]"),
        ("ring: [danny,", "ring: [dany,"),
    ],
)
def test_a_mistake_of_the_roster_hides_neither_who_watches_nor_whom_pages_and_settings_name(
    capsys: pytest.CaptureFixture[str], broken: Path, old: str, new: str
) -> None:
    edit(broken / "runbooks/roster.yml", old, new)
    edit(broken / "runbooks/roster.yml", "pipelines: [experiments_weekly]", "pipelines: [experiments_wekly]")
    edit(broken / "runbooks/profit_unit/README.md", "engineer: danny", "engineer: dany")
    edit(broken / "runbooks/profit_unit/README.md", "owner: Finance and Risk Teams", "owner: Finance Team")
    (broken / "jobs/settings.yml").open("a", encoding="utf-8").write("notify:\n  routes: [{to: [anna-pagr]}]\n")
    code, told = run(capsys, "lint")
    expected = [
        "runbooks/roster.yml",
        "watch[4].pipelines[0]: there is no pipeline 'experiments_wekly'",
        "watch: nobody watches experiments_weekly;",
        "engineer: nobody on the roster has the id 'dany'; did you mean danny?",
        "owner: no team 'Finance Team' on the roster;",
        "notify.routes[0].to[0]: 'anna-pagr' is neither a role nor a contact; did you mean anna-pager?",
    ]
    assert code == 1
    assert [said for said in expected if said not in told] == [], told
    assert len(told_lines(told)) == len(expected), told


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("contact: anna-pager", "contact: anna@example.com"),
        ("contact: accounts-channel, manager:", "contact: accounts-channel, manger:"),
        ("- pipelines: [growth_daily]", "- pipeline: [growth_daily]"),
        ("- pipelines: [growth_daily]", "- pipelines: growth_daily"),
    ],
)
def test_of_what_follows_from_a_mistake_of_the_roster_nothing_is_said(
    capsys: pytest.CaptureFixture[str], broken: Path, old: str, new: str
) -> None:
    edit(broken / "runbooks/roster.yml", old, new)
    (broken / "jobs/settings.yml").open("a", encoding="utf-8").write("notify:\n  routes: [{to: [anna-pager]}]\n")
    code, told = run(capsys, "lint")
    key = {"contact: anna": "people.anna.", "contact: acco": "teams.Accounts Team."}.get(old[:13], "watch[1].pipeline")
    assert code == 1
    assert [line for line in told_lines(told) if key not in line] == [], told


def test_a_mistake_in_the_head_of_a_page_hides_no_name_in_it(capsys: pytest.CaptureFixture[str], broken: Path) -> None:
    page = broken / "runbooks/investor_profit/README.md"
    for old, new in (
        ("nth: 3", "nth: 99"),
        ("engineer: anna", "engineer: bob"),
        ("owner: Business Analytics Team", "owner: BA"),
    ):
        edit(page, old, new)
    code, told = run(capsys, "lint")
    assert (code, len(told_lines(told))) == (1, 3), told
    for said in (
        "nth: not every month surely has 99",
        "engineer: nobody on the roster has the id 'bob'",
        "no team 'BA'",
    ):
        assert said in told


@pytest.mark.parametrize("command", [command for added in MODULES.values() for command in added])
def test_the_help_of_a_command_ends_with_an_example_that_parses_and_its_exit_codes(
    capsys: pytest.CaptureFixture[str], command: str
) -> None:
    code, told = run(capsys, command, "--help")
    assert (code, f"for example: {EXAMPLES[command]}" in told, told.lower().count("exit codes")) == (0, True, 1)
    assert argument_problem(shlex.split(EXAMPLES[command])) is None
