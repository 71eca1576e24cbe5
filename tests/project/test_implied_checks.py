"""The checks no suite declares: what follows from the registry, under which id, and what takes their place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dq.base.errors import ConfigError
from dq.base.model import Check
from dq.declare import project as projects
from dq.runbooks.places import Place

ROOT = Path(__file__).resolve().parents[2]
ROWS, DAYS = "expect_table_row_count_to_be_between", "expect_days_to_be_complete"


def checks(home: Path, pipeline: str, dataset: str, kind: str) -> dict[str, Check]:
    """The checks of a type on a dataset of a pipeline, by their ids."""
    found = projects.load(home).bound[pipeline].checks[dataset]
    return {check.check: check for check in found if check.type == kind}


def add(suite: Path, text: str) -> None:
    suite.write_text(suite.read_text(encoding="utf-8") + text, encoding="utf-8")


def test_what_is_read_and_what_is_published_has_rows_and_a_table_of_days_has_every_day() -> None:
    bound = projects.load(ROOT).bound["engagement_daily"]
    for dataset, ids in (
        ("accounts", {"accounts_has_rows"}),
        ("user_days", {"engagement_units_have_rows", "engagement_units_every_day"}),
        ("engagement_daily", {"engagement_daily_has_rows", "engagement_daily_every_day"}),
    ):
        found = {check.check: check for check in bound.checks[dataset] if check.type in (ROWS, DAYS)}
        assert set(found) == ids
        for check in found.values():
            assert check.kwargs == ({"min_value": 1} if check.type == ROWS else {"column": "day"})
            section = "no-rows-or-far-fewer-than-usual" if check.type == ROWS else "missing-days-in-the-period"
            assert check.runbook == Place(page="engagement_daily", section=section).reference
            assert check.where.startswith("jobs/pipelines.yml:")


BOUND = f"""
  - check: at_least_ten_targets
    type: {ROWS}
    kwargs: {{min_value: 10ROWS}}
    severity: critical
    runbook: no-rows-or-far-fewer-than-usual
    description: There are ten targets.
    notes: There are ten products.
"""


@pytest.mark.parametrize(
    ("condition", "ids"),
    [
        ("", {"at_least_ten_targets"}),
        (
            ', row_condition: "target_profit > 0", condition_parser: spark',
            {"at_least_ten_targets", "targets_has_rows"},
        ),
    ],
)
def test_a_suite_that_bounds_the_rows_stands_in_place_of_that_there_are_some(
    project_copy: Callable[[], Path], condition: str, ids: set[str]
) -> None:
    home = project_copy()
    add(home / "expectations" / "all" / "targets.yml", BOUND.replace("ROWS", condition))
    assert set(checks(home, "profit_unit", "targets", ROWS)) == ids


def test_a_company_sets_the_threshold_of_a_check_no_suite_declares(project_copy: Callable[[], Path]) -> None:
    home = project_copy()
    add(
        home / "jobs" / "sources.yml",
        "thresholds:\n  units_have_rows: {kwargs: {min_value: 7}, reason: seven products}\n",
    )
    check = checks(home, "investor_profit", "profit_unit", ROWS)["units_have_rows"]
    assert (check.kwargs, check.notes) == ({"min_value": 7}, "seven products")


def test_a_ratio_is_proved_by_what_the_registry_divides_it_by() -> None:
    found = checks(ROOT, "profit_unit", "profit_unit", "expect_ratio_to_be_explained")
    assert set(found) == {"unit_profit_is_explained", "margin_is_explained", "target_attainment_is_explained"}
    assert found["margin_is_explained"].kwargs == {
        "column": "mtd_margin",
        "denominator": "mtd_revenue",
        "reason_column": "mtd_margin_reason",
        "zero_reason": "no_revenue",
        "negative_reason": "negative_revenue",
    }
    assert "negative_reason" not in found["unit_profit_is_explained"].kwargs


def test_what_is_compared_with_a_final_is_told_in_the_right_number() -> None:
    every = [check for one in projects.load(ROOT).bound.values() for check in one.all_checks]
    told = {check.check: check.description for check in every if check.kwargs.get("published") == "previous"}
    assert told["previous_closing_rederives"].startswith("mrr_closing of the last published final month is still what ")
    assert " of the last published final month are still what " in told["previous_growth_rederives"]


def test_an_id_of_the_records_that_is_taken_is_told(project_copy: Callable[[], Path]) -> None:
    home = project_copy()
    registry = home / "jobs" / "pipelines.yml"
    text = registry.read_text(encoding="utf-8")
    changed = text.replace("mtd_margin_is_explained: margin_is_explained", "mtd_margin_is_explained: revenue_is_fresh")
    assert changed != text
    registry.write_text(changed, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        projects.load(home)
    assert "id taken at" in str(caught.value)
