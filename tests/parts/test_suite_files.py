"""Where suites lie decides who takes them; a file that nobody takes is a mistake, with where it belongs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import dq
from dq.base.errors import UsageError
from dq.cli import main
from dq.declare import project as projects

ROOT = Path(__file__).resolve().parents[2]


def mistakes(home: Path) -> list[str]:
    return [str(one) for one in projects.read(home).findings]


def move(home: Path, old: str, new: str) -> None:
    target = home / "expectations" / new
    target.parent.mkdir(exist_ok=True)
    (home / "expectations" / old).rename(target)


def test_a_pipeline_takes_what_lies_under_its_name_and_under_all() -> None:
    bound = projects.load(ROOT).bound
    files = {name: {text for text in one.texts if text.startswith("expectations/")} for name, one in bound.items()}
    assert files["investor_profit"] == {
        "expectations/all/ledger.yml",
        "expectations/all/targets.yml",
        "expectations/investor_profit/investor_profit.yml",
    }
    assert "expectations/growth_daily/revenue.yml" in files["growth_daily"]
    assert "expectations/growth_daily/revenue.yml" not in files["profit_unit"]
    every = {path.relative_to(ROOT).as_posix() for path in (ROOT / "expectations").rglob("*") if path.is_file()}
    assert set().union(*files.values()) == every


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "profit_unit/expenses.yml",
            "expenses.yml",
            "expectations/expenses.yml:1: no pipeline takes a suite that lies here; "
            "move it to expectations/profit_unit/expenses.yml",
        ),
        (
            "all/targets.yml",
            "targets.yml",
            "move it to expectations/profit_unit/targets.yml or expectations/investor_profit/targets.yml, "
            "or to expectations/all/targets.yml for all of them",
        ),
        (
            "profit_unit/expenses.yml",
            "profit_unit/expense.yml",
            "expectations/profit_unit/expense.yml:1: profit_unit reads and publishes no dataset expense; "
            "did you mean expenses?",
        ),
        (
            "profit_unit/expenses.yml",
            "profit_units/expenses.yml",
            "expectations/profit_units/expenses.yml:1: there is no pipeline 'profit_units'; did you mean profit_unit?",
        ),
        (
            "all/targets.yml",
            "all/target.yml",
            "expectations/all/target.yml:1: no pipeline reads or publishes a dataset target; did you mean targets?",
        ),
        (
            "all/targets.yml",
            "all/targets.yaml",
            "no pipeline takes this file; suites are expectations/PIPELINE/DATASET",
        ),
        (
            "all/targets.yml",
            "all/accounts.yml",
            "expectations/all/accounts.yml:2: name: the file is named after accounts, and says "
            "targets; let both be one",
        ),
    ],
)
def test_a_suite_nobody_takes_says_where_it_belongs(
    project_copy: Callable[[], Path], old: str, new: str, said: str
) -> None:
    home = project_copy()
    move(home, old, new)
    (found,) = mistakes(home)
    assert said in found


def test_a_list_of_suites_in_the_registry_is_no_longer_needed(project_copy: Callable[[], Path]) -> None:
    home = project_copy()
    registry = home / "jobs" / "pipelines.yml"
    text = registry.read_text(encoding="utf-8")
    listed = "    rules: [allocation]\n    suites: [revenue.yml]\n"
    registry.write_text(text.replace("    rules: [allocation]\n", listed, 1), encoding="utf-8")
    (found,) = mistakes(home)
    assert found.startswith("jobs/pipelines.yml:")
    assert "pipelines.profit_unit.suites: is no longer needed, and to be deleted" in found
    assert "expectations/profit_unit/DATASET.yml and expectations/all/DATASET.yml" in found


@pytest.mark.parametrize(
    ("suite", "said"),
    [
        (
            "expectations/revenue.yml",
            "take expectations/growth_daily/revenue.yml or expectations/profit_unit/revenue.yml",
        ),
        (
            "expectations/growth_revenue.yml",
            "did you mean expectations/growth_daily/revenue.yml or expectations/profit_unit/revenue.yml?",
        ),
        ("expectations/xyz.yml", "suites lie in expectations/PIPELINE/DATASET.yml"),
        ("expectations/profit_unit/revenu.yml", "did you mean expectations/profit_unit/revenue.yml"),
        ("suites/revenue.yml", "take expectations/growth_daily/revenue.yml or expectations/profit_unit/revenue.yml"),
        ("suites/xyz.yml", "there is no folder suites either"),
        ("docs/xyz.yml", "docs holds no suite"),
        ("spark-conf/xyz.yml", "spark-conf holds no suite"),
        ("jobs/ruels.yml", "did you mean jobs/rules.yml"),
    ],
)
def test_who_checks_with_a_suite_that_is_not_there_is_told_where_one_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, suite: str, said: str
) -> None:
    monkeypatch.chdir(ROOT)
    assert main(["check", "README.md", "--suite", suite]) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert said in told


def test_a_suite_of_ones_own_that_is_not_there_is_looked_for_where_it_would_lie(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no suite .*mine\.yml") as caught:
        dq.check("data.csv", tmp_path / "mine.yml")
    assert "expectations/" not in str(caught.value)
    assert f"{tmp_path} holds no suite" in str(caught.value)
