"""What suites may compare with: the month before and what was replaced, where a pipeline says that it compares."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dq.base.errors import ConfigError
from dq.declare import project as projects


def test_a_published_month_is_judged_only_where_the_pipeline_compares_with_it(
    project_copy: Callable[[], Path],
) -> None:
    home = project_copy()
    registry = home / "jobs" / "pipelines.yml"
    registry.write_text(registry.read_text().replace("    compares_with_previous: true\n", "", 1))
    with pytest.raises(ConfigError) as caught:
        projects.load(home)
    said = str(caught.value)
    assert "no dataset profit_unit.previous" in said
    assert "investor_profit is compared with no month; set compares_with_previous" in said


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (
            "jobs/pipelines.yml",
            "- columns: [seats]",
            "- columns: {seats: seat}",
            "publishes.finals[1].columns: profit_unit.previous.last_day has no column seat; did you mean seats?",
        ),
        (
            "jobs/pipelines.yml",
            "- columns: [seats]",
            "- columns: {seat: seats}",
            "publishes.finals[1].columns: investor_profit has no column seat; did you mean seats?",
        ),
        (
            "jobs/pipelines.yml",
            "of: profit_unit.last_day",
            "of: profit_units.last_day",
            "publishes.finals[1].of: no dataset profit_units.previous.last_day; did you mean",
        ),
        (
            "jobs/pipelines.yml",
            "rows: row_kind = 'total' AND wau_reason IS NULL",
            "rows: row_kin = 'total' AND wau_reason IS NULL",
            "publishes.finals[3].rows: ",
        ),
        (
            "jobs/pipelines.yml",
            "          rederives: previous_subscribers_rederive\n",
            "",
            "finals[1]: rederives and of belong together",
        ),
        (
            "jobs/pipelines.yml",
            "rederives: previous_subscribers_rederive",
            "rederives: previous_profit_rederives",
            "previous_profit_rederives: id taken at",
        ),
        (
            "expectations/profit_unit/expenses.yml",
            "other: expenses.late",
            "other: ledger.late",
            "no dataset ledger.late",
        ),
    ],
)
def test_a_wrong_name_is_found_before_anything_runs(
    project_copy: Callable[[], Path], file: str, old: str, new: str, said: str
) -> None:
    home = project_copy()
    suite = home / file
    assert old in suite.read_text()
    suite.write_text(suite.read_text().replace(old, new))
    with pytest.raises(ConfigError) as caught:
        projects.load(home)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (
            "expectations/investor_growth/investor_growth.yml",
            "since: growth_daily.trailing",
            "since: growth_daily.trailin",
            "no dataset growth_daily.trailin with a first day; did you mean growth_daily.trailing?",
        ),
        (
            "jobs/pipelines.yml",
            "    trailing_twelve_months: true\n",
            "",
            "no dataset growth_daily.trailing with a first day",
        ),
        (
            "jobs/pipelines.yml",
            "    compares_with_previous: true\n    trailing_twelve_months: true\n",
            "    trailing_twelve_months: true\n",
            "only a table of months that compares_with_previous has twelve finals to count from",
        ),
    ],
)
def test_twelve_months_ago_is_known_only_where_the_pipeline_says_so(
    project_copy: Callable[[], Path], file: str, old: str, new: str, said: str
) -> None:
    home = project_copy()
    declared = home / file
    assert old in declared.read_text()
    declared.write_text(declared.read_text().replace(old, new))
    with pytest.raises(ConfigError) as caught:
        projects.load(home)
    assert said in str(caught.value)
