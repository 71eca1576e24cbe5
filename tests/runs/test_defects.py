"""Every seeded defect is caught by a check of its class, with severity, section and owner."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession
from runs_support import Bench

from dq.demo import catalogue, defects
from dq.demo.defects import Defect
from dq.model import Outcome, Severity

MONTH = "2026-10"
ALL = [defect for defect in catalogue.catalogue(MONTH) if defect.pipeline == "profit_unit"]
FIRST_OF_CLASS = list({defect.failure_class: defect for defect in reversed(ALL)}.values())


def caught(spark: SparkSession, bench: Bench, defect: Defect) -> None:
    defects.apply(spark, bench.sources, defect)
    ran = bench.run("profit_unit", MONTH)
    if not [r for r in ran.record.results if r.failure_class == defect.failure_class and alarm(r.outcome)]:
        ran = bench.run("investor_profit", MONTH)
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
    if defect.severity is Severity.CRITICAL:
        assert ran.code in (1, 3)
        assert ran.record.version is None
    else:
        assert ran.code in (0, 1)


def alarm(outcome: Outcome) -> bool:
    return outcome in (Outcome.FAILED, Outcome.ERRORED)


@pytest.mark.parametrize("defect", FIRST_OF_CLASS, ids=lambda defect: defect.id)
def test_one_defect_of_each_class_is_caught(spark: SparkSession, after_september: Bench, defect: Defect) -> None:
    caught(spark, after_september, defect)


@pytest.mark.slow
@pytest.mark.parametrize("defect", [d for d in ALL if d not in FIRST_OF_CLASS], ids=lambda defect: defect.id)
def test_every_other_defect_is_caught(spark: SparkSession, after_september: Bench, defect: Defect) -> None:
    caught(spark, after_september, defect)
