"""``dq runbook``: a section by its name, by a link of an old record, or of a run with its values filled in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from run_records import held

from dq import store
from dq.cli import main
from dq.run import run_records

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DQ_HOME", str(ROOT))


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["runbook", *words])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_a_link_of_an_old_record_prints_its_section_and_says_where_it_went(capsys: pytest.CaptureFixture[str]) -> None:
    code, told, beside = run(capsys, "runbooks/growth_daily.md#the-run-itself-failed")
    now = "runbooks/all/the-run-itself-failed.md"
    assert (code, beside) == (0, f"dq: runbooks/growth_daily.md#the-run-itself-failed is {now} now\n")
    assert told.startswith("# The run itself failed\n")
    assert "\n## Meaning\n" in told
    assert "dq explain growth_daily\n" in told
    assert "- `RUN`, `PERIOD`: as on the card\n" in told


def test_a_section_that_is_the_same_for_all_has_the_name_of_the_page_s_only_pipeline(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The page of two pipelines fills neither in: user_days has the sources, engagement_daily has not."""
    _, one, _ = run(capsys, "growth_daily/schema-drift-in-a-source.md")
    _, of_two, _ = run(capsys, "engagement_daily/schema-drift-in-a-source.md")
    assert "dq run growth_daily --period PERIOD" in one
    assert "dq run PIPELINE --period PERIOD" in of_two
    assert "`PIPELINE`, `PERIOD`: as on the card" in of_two


def test_a_section_with_another_name_now_is_found_by_the_old_one(capsys: pytest.CaptureFixture[str]) -> None:
    for old, new, title in (
        (
            "executive_report/report-not-delivered-or-late.md",
            "runbooks/executive_report/the-report-is-not-with-its-readers.md",
            "# The report is not with its readers",
        ),
        (
            "engagement_daily.md#a-skewed-key",
            "runbooks/all/a-skewed-key-or-uneven-files.md",
            "# A skewed key or uneven files",
        ),
    ):
        code, told, beside = run(capsys, old)
        assert (code, told.splitlines()[0], beside) == (0, title, f"dq: {old} is {new} now\n")


def test_a_name_of_before_that_is_two_sections_now_says_which(capsys: pytest.CaptureFixture[str]) -> None:
    code, told, _ = run(capsys, "investor_profit.md#a-trend-or-a-published-month-does-not-fit")
    assert code == 0
    assert "(a-published-month-was-restated.md), or [a trend](../all/a-trend-does-not-fit.md)" in told


def test_a_pipeline_prints_the_list_of_its_sections(capsys: pytest.CaptureFixture[str]) -> None:
    code, told, _ = run(capsys, "user_days")
    assert (code, "engagement_daily/late-events.md" in told) == (0, True)


def test_a_run_fills_its_values_in(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    warehouse = store.Warehouse(tmp_path / "w")
    warehouse.prepare()
    record = replace(held(), run="investor_profit-2026-11-20261125t050000000000z-0a1b2c")
    run_records.save(warehouse, record)
    code, told, _ = run(capsys, record.run, "--warehouse", str(tmp_path / "w"))
    assert (code, told.splitlines()[0]) == (0, "# Figures differ from the books")
    assert f"dq show {record.run} --check investor_profit_ties_out_to_ledger --warehouse {tmp_path / 'w'}\n" in told
    assert f"dq run investor_profit --period {record.period} --warehouse {tmp_path / 'w'}\n" in told
    assert "- `AMOUNT`: the largest difference that is accepted, such as 500.00\n" in told
    assert "`RUN`" not in told
    assert "## Checks" not in told
    code, _, beside = run(capsys, record.run, "--check", "nope", "--warehouse", str(tmp_path / "w"))
    assert (code, "nope did not fail in" in beside) == (2, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["profit"], "profit is not a pipeline, a section of a runbook or a run"),
        (["no-such-run"], "no-such-run is not a pipeline, a section of a runbook or a run"),
        (["no-such-run"], "dq show lists the latest runs"),
        (["no-such-run"], ", profit_unit, user_days"),
        (["user_day"], "did you mean user_days?"),
        (["profit_unit/nope.md"], "runbooks/profit_unit/README.md has no section 'nope'"),
        (["profit_unit/nope.md"], "dq runbook profit_unit lists its sections"),
        (["profit_unit.md#f16"], "F16 is dq runbook profit_unit/built-from-an-older-version-of-its-input.md"),
        (["profit_unit/required-value.md"], "did you mean required-value-is-null?"),
        (["runbooks/all/memory-runs-short.md"], "name one: PIPELINE/memory-runs-short.md"),
        (["profit_unit", "--check", "x"], "--check belongs to a run"),
    ],
)
def test_what_cannot_be_printed_is_a_sentence(capsys: pytest.CaptureFixture[str], words: list[str], said: str) -> None:
    code, told, beside = run(capsys, *words)
    assert (code, told, said in beside, "Traceback" in beside) == (2, "", True, False)
    assert len(beside) < 400, "a sentence and not a list of everything"
