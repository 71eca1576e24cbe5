"""``dq oncall`` and ``dq calendar`` as typed: who it is and until when, for people and programs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from dq.cli import main
from dq.declare.registry import load

ROOT = Path(__file__).resolve().parents[2]


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(words)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_the_command_answers_for_a_pipeline(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "oncall", "--pipeline", "investor_profit", "--at", "2026-11-28T23:30Z")
    assert code == 0
    assert out.splitlines()[:3] == [
        "investor_profit  Sat 28 Nov 2026 18:30 America/New_York",
        "  on call    Laura (laura-pager) until Mon 30 Nov 09:00",
        "  backup     Jane (jane-pager)",
    ]
    assert "wait until Sun 29 Nov 08:00, next watch: watch of Data Engineering" in out
    assert "manager of Business Analytics Team (business-analytics-manager-mail)" in out


def test_the_command_answers_for_all_and_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    names = [*load(ROOT).pipelines]
    code, out, _ = run(capsys, "oncall", "--at", "2026-11-25T12:00Z")
    assert (code, [line.split()[0] for line in out.splitlines()[2:]]) == (0, names)
    code, out, _ = run(capsys, "oncall", "--at", "2026-11-25T12:00Z", "--severity", "warning", "--format", "json")
    found = json.loads(out)
    assert [one["pipeline"] for one in found] == names
    assert {one["on_call"]["name"] for one in found} == {"Laura"}
    assert {one["call"]["at"] for one in found} == {"2026-11-25T14:00:00+00:00"}  # a warning waits for 09:00
    assert found[0]["until"] == "2026-11-30T09:00:00-05:00"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["oncall", "--pipeline", "profit"], "there is no pipeline 'profit'"),
        (["oncall", "--at", "noon"], "--at: 'noon' is not an instant"),
        (["oncall", "--year", "2026"], "belong to --table or --ical"),
        (["oncall", "--table", "--from", "2026-01-01"], "expected --year, or --from and --to together"),
        (["oncall", "--ical", "x.ics", "--from", "2026-02-01", "--to", "2026-01-01"], "lies before 2026-02-01"),
        (["oncall", "--ical", "x.ics", "--from", "soon", "--to", "later"], "expected days such as"),
        (["oncall", "--table", "--year", "99999"], "is not a year that can be planned"),
        (["oncall", "--table", "--from", "0001-01-01", "--to", "0001-01-07"], "--from: 1 is not a year that can be"),
        (["oncall", "--at", "0001-01-01T00:00:00Z"], "--at: '0001-01-01T00:00:00Z' is not an instant; expected ISO"),
        (["oncall", "--at", "0001-01-01T00:00:00+05:00"], "is not an instant"),
        (["oncall", "--at", "9999-12-31T23:59:59Z"], "5:00:00Z, 1970 to 9000"),
        (["calendar", "--month", "0001-01"], "--month: '0001-01' is not a month"),
        (["calendar", "--month", "9999-12"], "such as 2026-10, 1970 to 9000"),
        (["oncall", "--table", "--pipeline", "profit_unit"], "the table is of all pipelines"),
        (["calendar", "--month", "2026-13"], "'2026-13' is not a month; expected a month such as 2026-10"),
        (["calendar", "--month", "2026-11-05"], "'2026-11-05' is not a month"),
        (["calendar", "--pipeline", "profit"], "there is no pipeline 'profit'"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(capsys: pytest.CaptureFixture[str], words: list[str], said: str) -> None:
    code, out, err = run(capsys, *words)
    assert (code, out) == (2, "")
    assert said in err


def test_table_and_calendar_file_are_written_where_the_project_is(
    capsys: pytest.CaptureFixture[str], project_copy: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = project_copy()
    monkeypatch.setenv("DQ_HOME", str(home))
    assert run(capsys, "oncall", "--table", "--year", "2027", "--ical", str(home / "a.ics"))[0] == 0
    assert (
        "| 2027-01-04 | Accounts Team | Data Engineering | Danny | Anna |" in (home / "runbooks/on-call.md").read_text()
    )
    assert (home / "a.ics").read_bytes().startswith(b"BEGIN:VCALENDAR\r\n")


def test_the_command_prints_the_month_for_people_and_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calendar", "--month", "2026-11"]) == 0
    out = capsys.readouterr().out
    assert "Wed 25 Nov         Laura    Business Analytics Team  2026-11" in out
    assert "Thu 26 Nov" in out
    assert "Thanksgiving Day" in out
    assert "03:00 UTC  22:00" in out
    assert main(["calendar", "--month", "2026-11", "--pipeline", "profit_unit", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {name for entry in found for name in entry["pipelines"]} == {"profit_unit"}
    complete = [entry for entry in found if entry["what"] == "month's checks complete by"]
    assert [(entry["day"], entry["at"], entry["owner"], entry["on_call"]) for entry in complete] == [
        ("2026-11-04", None, "Finance and Risk Teams", "Jane")
    ]
    ready = [entry for entry in found if entry["what"] == "ready by"]
    assert (len(ready), ready[0]["local"]) == (30, "2026-11-01T22:00:00-05:00")
