"""Every class of failure has a seeded defect in every pipeline that looks for it, found by a check of that pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from demo import catalogue
from dq.base.model import Severity
from dq.declare import project as projects

ROOT = Path(__file__).resolve().parents[2]
PROJECT = projects.load(ROOT)
DEFECTS = {one.id: one for one in catalogue.catalogue("2026-10")}
ALL = frozenset(PROJECT.bound)
INVESTORS = frozenset({"investor_profit", "investor_growth", "investor_engagement"})
REPORTS = frozenset({"executive_report", "experiments_weekly"})
# Where each class shows by its nature, whether or not a check looks for it: pipelines that read such a source or
# publish such figures.
SHOWS_IN = {
    "F01": ALL,
    "F02": {"profit_unit", "growth_daily", "user_days"},
    "F03": ALL - {"user_days"},
    "F04": ALL,
    "F05": ALL,
    "F06": ALL,
    "F07": {name for name, bound in PROJECT.bound.items() if bound.pipeline.sources},
    "F08": {"profit_unit", "growth_daily", "user_days"},
    "F09": {"growth_daily", "user_days"},
    "F10": {"user_days"},
    "F11": {"profit_unit", "growth_daily", "investor_profit"},
    "F12": {"profit_unit", "growth_daily"},
    "F13": {*INVESTORS, "experiments_weekly"},
    "F14": INVESTORS,
    "F15": {*INVESTORS, "engagement_daily"},
    "F16": {*INVESTORS, *REPORTS},
    "F17": {*INVESTORS, "engagement_daily"},
    "F18": {"user_days"},
    "F19": ALL,
    "F20": {"user_days"},
    "F21": {*INVESTORS, "executive_report"},
    "F22": ALL,
    "F23": {"growth_daily", "user_days"},
    "F24": ALL,
    "F25": {"profit_unit", "investor_profit"},
    "F26": ALL,
}


@dataclass(frozen=True, kw_only=True)
class Exempt:
    """Why pairs of a class and these pipelines have no defect of their own.

    ``instead`` are defects of the class that are found elsewhere; ``test`` is one that fails where the class is missed.
    """

    failure_class: str
    pipelines: frozenset[str]
    reason: str
    instead: tuple[str, ...] = ()
    test: str = ""


EXEMPT = (
    Exempt(
        failure_class="F04",
        pipelines=frozenset({"investor_engagement", *REPORTS}),
        reason="reads published tables only: what is stale holds the pipeline before, and a period that is not "
        "published is an upstream that is missing (F26)",
        instead=("F04-revenue-stale", "F04-support_tickets-stale", "F04-clicks-stale"),
    ),
    Exempt(
        failure_class="F05",
        pipelines=frozenset({"investor_engagement", "executive_report"}),
        reason="looks for missing days in published tables of days only, whose own check for the same days holds them",
        instead=(
            "F05-revenue-missing-day",
            "F05-directory_users-unsynchronised",
            "F05-clicks-missing-day",
            "F05-engagement_daily-day-lost",
        ),
    ),
    Exempt(
        failure_class="F13",
        pipelines=INVESTORS,
        reason="both are summed from the same units; they are compared where the second of them is built",
        instead=(
            "F13-experiments_weekly-unit-twice",
            "F13-experiments_weekly-growth-twice",
            "F13-experiments_weekly-sessions-twice",
        ),
    ),
    Exempt(
        failure_class="F15",
        pipelines=frozenset({"profit_unit", "growth_daily", "user_days", "experiments_weekly"}),
        reason="looks for a final that would be published again with other figures: it takes a second run of the same "
        "period, and what was restated on purpose must be found by what is built on it",
        instead=("F15-expenses-restated", "F15-clicks-restated", "F15-clicks-engagement_daily-restated"),
        test="tests/spark/test_finals_stand.py::test_a_final_of_any_pipeline_is_not_replaced_by_other_figures",
    ),
    Exempt(
        failure_class="F17",
        pipelines=ALL - {"profit_unit"},
        reason="lies in the memory of machines; the hint the data gives is how much a join multiplies, judged where "
        "the source is read first, and what a run strained is measured in every run",
        instead=("F17-accounts-synchronised",),
        test="tests/spark/test_live_strains.py::test_what_a_group_of_jobs_strained_is_told_with_its_step",
    ),
    Exempt(
        failure_class="F18",
        pipelines=ALL - {"user_days", "profit_unit"},
        reason="what one key weighs is judged where its source is read first; how even the tasks of a run were is "
        "measured in every run",
        instead=("F18-clicks-skewed", "F18-revenue-skewed"),
        test="tests/spark/test_live_strains.py::test_what_a_group_of_jobs_strained_is_told_with_its_step",
    ),
    Exempt(
        failure_class="F19",
        pipelines=ALL - {"profit_unit"},
        reason="lies in run times, which every run is measured by in the same way; one job that is slowed shows it",
        instead=("F19-profit_unit-slowed",),
        test="tests/unit/test_run_strains.py::test_a_run_is_slow_by_its_own_history",
    ),
    Exempt(
        failure_class="F21",
        pipelines=frozenset({*INVESTORS, "executive_report"}),
        reason="lies in the place a report is delivered to, and the investors' tables are not delivered by themselves",
        test="tests/runs/test_reports.py::test_a_report_that_cannot_be_delivered_is_published_and_owed",
    ),
)
EXEMPT_PAIRS = {(one.failure_class, name) for one in EXEMPT for name in one.pipelines}
LOOKED_FOR = {
    (check.failure_class, name)
    for name, bound in PROJECT.bound.items()
    for check in bound.all_checks
    if check.severity is not Severity.INFO
}
WANTED = LOOKED_FOR | {(number, name) for number, names in SHOWS_IN.items() for name in names}


def seeded() -> set[tuple[str, str]]:
    """The pairs that a defect is planted for whose expected check the pipeline has, with that class and severity."""
    found = set()
    for one in DEFECTS.values():
        for check in PROJECT.bound[one.pipeline].all_checks:
            same = (check.failure_class, check.severity) == (one.failure_class, one.severity)
            if check.check == one.expected_check and same and check.severity is not Severity.INFO:
                found.add((one.failure_class, one.pipeline))
    return found


def upstream_of(name: str) -> set[str]:
    """Everything a pipeline is built on."""
    direct = set(PROJECT.bound[name].pipeline.upstream)
    return direct.union(*(upstream_of(table) for table in direct))


def test_every_class_is_seeded_in_every_pipeline_that_looks_for_it_or_shows_it() -> None:
    assert sorted(WANTED - seeded() - EXEMPT_PAIRS) == []


def test_every_class_is_somewhere() -> None:
    assert set(SHOWS_IN) == {f"F{number:02}" for number in range(1, 27)}
    assert {number for number, _ in LOOKED_FOR} <= set(SHOWS_IN)


def test_no_exemption_outlives_its_reason() -> None:
    assert sorted(EXEMPT_PAIRS & seeded()) == []
    assert sorted(EXEMPT_PAIRS - WANTED) == []


def test_every_defect_is_found_by_a_check_of_its_own_pipeline_with_class_and_severity() -> None:
    for one in DEFECTS.values():
        if one.harmless:
            assert one.expected_check == ""
            continue
        check = next((c for c in PROJECT.bound[one.pipeline].all_checks if c.check == one.expected_check), None)
        assert check is not None, one.id
        assert (check.failure_class, check.severity) == (one.failure_class, one.severity), one.id
        assert one.pipeline == one.first or one.first in upstream_of(one.pipeline), one.id


@pytest.mark.parametrize("exempt", EXEMPT, ids=lambda one: one.failure_class)
def test_what_stands_for_an_exempt_pair_is_there(exempt: Exempt) -> None:
    for identifier in exempt.instead:
        assert not DEFECTS[identifier].harmless
    if exempt.test:
        file, _, function = exempt.test.partition("::")
        assert f"def {function}(" in (ROOT / file).read_text(encoding="utf-8")


@pytest.mark.parametrize(("number", "name"), sorted(pair for pair in EXEMPT_PAIRS if pair[0] in ("F04", "F05")))
def test_what_a_pipeline_cannot_see_is_critical_in_all_it_reads(number: str, name: str) -> None:
    """A check of an exempt pair can fail only when a critical check of the same kind upstream let it through."""
    pipelines = upstream_of(name)
    for check in PROJECT.bound[name].all_checks:
        if check.failure_class != number:
            continue
        assert check.dataset in pipelines
        proved = PROJECT.bound[check.dataset].checks[check.dataset]
        same = [c for c in proved if (c.type, c.kwargs) == (check.type, check.kwargs)]
        assert [c.severity for c in same] == [Severity.CRITICAL], check.check
    held = {DEFECTS[i].pipeline for one in EXEMPT if one.failure_class == number for i in one.instead}
    roots = {table for table in pipelines if not PROJECT.bound[table].pipeline.upstream}
    assert roots <= held
