"""Every seeded defect is caught by a check of its class, with severity, section and owner."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from catches import caught_by
from pyspark.sql import SparkSession
from runs_support import Bench, Ran

from dq.demo import catalogue, defects
from dq.demo.defects import Defect
from dq.model import Outcome, Severity

MONTH = "2026-10"
ALL = [defect for defect in catalogue.catalogue(MONTH) if defect.pipeline == "profit_unit"]
# Of different sources or columns, so that none hides another: one run stands for many in the quick tests.
TOGETHER = (
    "F01-revenue-account_id",
    "F02-targets-loaded-twice",
    "F05-revenue-missing-day",
    "F12-expenses-adnet",
    "F22-licence_events-seats",
    "F24-expenses-nan",
)


PREVIOUS, RESTATED = "2026-09", "2026-11-04T05:00:00Z"


def expect_alarm(ran: Ran, defect: Defect) -> list[str]:
    """The checks of the defect's class that failed with its severity; each card leads to section, owner and person."""
    found = [
        r
        for r in ran.record.results
        if r.failure_class == defect.failure_class and r.severity is defect.severity and alarm(r.outcome)
    ]
    assert found, ran.out
    if defect.expected_check:
        assert defect.expected_check in [r.check for r in found]
    for result in found:
        guidance = ran.record.guidance[result.check]
        assert "#" in guidance.runbook
        assert guidance.owner
        assert guidance.on_call
    return sorted((r.check for r in found), key=lambda name: name != defect.expected_check)


def alarm(outcome: Outcome) -> bool:
    return outcome in (Outcome.FAILED, Outcome.ERRORED)


def test_defects_of_several_classes_are_all_told_at_once(spark: SparkSession, after_september: Bench) -> None:
    planted = [catalogue.find(identifier, MONTH) for identifier in TOGETHER]
    for defect in planted:
        defects.apply(spark, after_september.sources, defect)
    ran = after_september.run("profit_unit", MONTH)
    for defect in planted:
        expect_alarm(ran, defect)
    assert (ran.code, ran.record.version) == (1, None)


@pytest.mark.slow
@pytest.mark.parametrize("defect", ALL, ids=lambda defect: defect.id)
def test_every_defect_is_caught(
    request: pytest.FixtureRequest,
    spark: SparkSession,
    after_september: Bench,
    project_copy: Callable[[], Path],
    defect: Defect,
) -> None:
    bench = after_september
    defects.apply(spark, bench.sources, defect)
    if defect.published:
        assert bench.run("profit_unit", PREVIOUS, RESTATED).code == 0
    if defect.edits:
        bench.home = project_copy()
        defects.edit(bench.home, defect)
    ran = bench.run("profit_unit", MONTH)
    if defect.harmless:
        assert [name for name in ran.alarms if ran.result(name).severity is not Severity.INFO] == []
        assert ran.result("profit_unit_keeps_every_invoice_line").outcome is Outcome.PASSED
        investors = bench.run("investor_profit", MONTH)
        assert (ran.code, investors.code) == (0, 0), investors.out
        return
    if not [r for r in ran.record.results if r.failure_class == defect.failure_class and alarm(r.outcome)]:
        ran = bench.run("investor_profit", MONTH)
    caught_by(request, defect.id, expect_alarm(ran, defect))
    if defect.severity is Severity.CRITICAL:
        assert ran.code in (1, 3)
        assert ran.record.version is None
    else:
        assert ran.code in (0, 1)
