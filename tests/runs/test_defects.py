"""Every seeded defect is caught by a check of its class, with severity, section and owner."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from catches import caught_by
from pyspark.sql import SparkSession
from runs_support import Bench, Ran, hard_links
from stages import MONTH, PERIODS, PROJECT, Stages, as_of, period_of

from demo import catalogue, defects
from demo.defects import Defect
from dq import store
from dq.base.model import CheckResult, Outcome, Severity
from dq.runbooks import places

pytestmark = pytest.mark.run

# In the order of the pipelines, so that each warehouse is made from the one before.
ALL = sorted(catalogue.catalogue(MONTH), key=lambda one: PROJECT.registry.order().index(one.first))
OWNERS = {
    "profit_unit": "Finance and Risk Teams",
    "growth_daily": "Accounts Team",
    "user_days": "Software Frontend Team",
    "engagement_daily": "Software Frontend Team",
    "investor_profit": "Business Analytics Team",
    "investor_growth": "Business Analytics Team",
    "investor_engagement": "Business Analytics Team",
    "executive_report": "Business Analytics Team",
    "experiments_weekly": "Data Science Team",
}
# Of different sources or columns, so that none hides another: one run stands for many in the quick tests.
TOGETHER = (
    "F01-revenue-account_id",
    "F02-targets-loaded-twice",
    "F05-revenue-missing-day",
    "F12-expenses-adnet",
    "F22-licence_events-seats",
    "F24-expenses-nan",
)


def expect_alarm(ran: Ran, defect: Defect) -> list[str]:
    """The checks of the defect's class that failed, the expected one first: with its severity, section and owner."""
    result = ran.result(defect.expected_check)
    assert alarm(result), (result.observed, result.reason, ran.out)
    assert (result.failure_class, result.severity) == (defect.failure_class, defect.severity)
    guidance, page = ran.record.guidance[result.check], PROJECT.bound[defect.pipeline].page
    place = places.read(guidance.runbook)
    assert place is not None
    assert place.page in (defect.pipeline, places.ALL)
    assert page.class_of(place.section) == defect.failure_class
    assert guidance.owner == OWNERS[defect.pipeline]
    assert guidance.on_call
    same = [r.check for r in ran.record.results if r.failure_class == defect.failure_class and alarm(r)]
    return sorted(same, key=lambda name: name != defect.expected_check)


def expect_published(ran: Ran, name: str) -> None:
    """A right month is published, and nobody is told of anything."""
    told = {check: ran.result(check).observed for check in ran.alarms}
    assert (ran.code, ran.record.version is None) == (0, False), (name, told)
    assert {check: said for check, said in told.items() if ran.result(check).severity is not Severity.INFO} == {}, name


def alarm(result: CheckResult) -> bool:
    return result.outcome in (Outcome.FAILED, Outcome.ERRORED)


def test_defects_of_several_classes_are_all_told_at_once(spark: SparkSession, after_september: Bench) -> None:
    planted = [catalogue.find(identifier, MONTH) for identifier in TOGETHER]
    for defect in planted:
        defects.apply(spark, after_september.sources, defect)
    ran = after_september.run("profit_unit", MONTH)
    for defect in planted:
        expect_alarm(ran, defect)
    assert (ran.code, ran.record.version) == (1, None)


@pytest.mark.slow
@pytest.mark.timeout(1_500)
@pytest.mark.parametrize("defect", ALL, ids=lambda defect: defect.id)
def test_every_defect_is_caught(
    request: pytest.FixtureRequest,
    spark: SparkSession,
    stages: Stages,
    bench: Bench,
    project_copy: Callable[[], Path],
    defect: Defect,
) -> None:
    hard_links(stages.of(defect), bench.warehouse)
    if defect.edits:
        bench.home = project_copy()
        defects.edit(bench.home, defect)
    else:
        defects.apply(spark, bench.sources, defect)
    if defect.first != defect.pipeline:
        month = defect.month if defect.published else defect.found_in
        if defect.published:
            defects.waive_finals(store.Warehouse(bench.warehouse), PROJECT.bound[defect.first], month)
        passed = bench.run(defect.first, month, as_of(defect.first, defect.found_in))
        assert (passed.code, passed.record.version is None) == (0, False), passed.out
    period = period_of(defect.pipeline, defect.found_in)
    ran = bench.run(defect.pipeline, period, as_of(defect.pipeline, period))
    if defect.harmless:
        expect_published(ran, defect.pipeline)
        for name in PROJECT.registry.order():
            if name not in (*PERIODS, defect.pipeline):
                expect_published(bench.run(name, MONTH), name)
        return
    caught_by(request, defect.id, expect_alarm(ran, defect))
    if defect.severity is Severity.CRITICAL:
        assert ran.code in (1, 3)
        assert ran.record.version is None
    else:
        assert ran.code in (0, 1)
