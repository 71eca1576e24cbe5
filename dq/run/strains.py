"""What a run strained while it read, computed and checked, and whether it takes longer than it used to.

It stands on the card and in history and changes no verdict. What is beyond the first of two thresholds is information,
beyond the second, which alarms, a warning; a kind with one threshold warns.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from dq.base.model import Check, CheckResult, Evidence, Json, Outcome, Severity
from dq.base.thresholds import Thresholds
from dq.checks.check_results import result_of
from dq.checks.fit_history import LATEST, band_of_ratios, latest
from dq.diagnose import live, skew, strain
from dq.diagnose.facts import Facts
from dq.diagnose.findings import Change, Finding, seconds

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

log = logging.getLogger("dq.run")

# Which strains each check is about.
CAUSES = {
    "expect_tasks_to_be_even": ("skewed_key", "large_partition", "tiny_tasks"),
    "expect_memory_to_suffice": ("spill", "garbage_collection", "full_heap", "large_broadcast"),
    "expect_tasks_to_succeed": ("failed_tasks",),
}
TIME, THROUGHPUT = "expect_run_time_to_fit_history", "expect_throughput_to_fit_history"
History = Callable[[str], Sequence[Decimal]]


def of_run(
    spark: SparkSession,
    run: str,
    checks: Sequence[Check],
    *,
    began: datetime,
    took: float,
    history: History,
    thresholds: Thresholds,
) -> list[CheckResult]:
    """The results on what the run strained, so far; ``took`` are the seconds since it began to read.

    Where Spark does not tell, they are not run with the reason: what could not be measured holds no figure.
    """
    wanted = [check for check in checks if check.type in CAUSES or check.type in (TIME, THROUGHPUT)]
    try:
        facts = live.read(spark, run, began, thresholds)
        return judge(wanted, facts, took=took, history=history, thresholds=thresholds)
    except Exception as failure:  # Java's, py4j's and json's alike: a hint that fails must not hold a figure
        log.warning("what the run strained is not known: %s", type(failure).__name__)
        reason = f"Spark's status store could not be read ({type(failure).__name__})"
        return [result_of(check, Outcome.NOT_RUN, reason=reason, evidence=Evidence.RUN) for check in wanted]


def judge(
    checks: Sequence[Check], facts: Facts, *, took: float, history: History, thresholds: Thresholds
) -> list[CheckResult]:
    """The results of checks on facts."""
    found = [*skew.skewed_keys(facts, thresholds, ()), *strain.strains(facts, thresholds)]
    results = []

    def past(check: Check) -> Sequence[Decimal]:
        return latest(history(check.check), max(LATEST, thresholds.slow_history))

    for check in checks:
        if check.type in CAUSES:
            mine = [one for one in found if one.cause in CAUSES[check.type]]
            results.append(_strained(check, facts, mine, _remarks(check, facts, thresholds)))
        elif check.type == TIME:
            results.append(_slow(check, Decimal(f"{took:.3f}"), took, past(check), thresholds))
        else:
            results.append(_throughput(check, facts, took, past(check), thresholds))
    return results


def _remarks(check: Check, facts: Facts, thresholds: Thresholds) -> list[str]:
    """What is told beside the result and fails nothing."""
    if check.type == "expect_tasks_to_be_even":
        return [f"suspicious: {sentence}" for sentence in skew.suspicious(facts, thresholds)]
    larger = strain.oversized(facts, thresholds) if check.type == "expect_memory_to_suffice" else ""
    return [larger] if larger else []


def _strained(check: Check, facts: Facts, found: Sequence[Finding], remarks: Sequence[str]) -> CheckResult:
    run = sum(stage.run_seconds for stage in facts.stages.values())
    severity = Severity.INFO if found and all(one.mild for one in found) else check.severity
    quiet = f"{len(facts.stages)} stages, {facts.tasks:,} tasks, {seconds(run)} of task time"
    return result_of(
        replace(check, severity=severity),
        Outcome.FAILED if found else Outcome.PASSED,
        observed="; ".join([*([_sentence(one) for one in found] or [quiet]), *remarks]),
        evidence=Evidence.RUN,
        measures={
            "unexpected_count": len(found),
            "stages": len(facts.stages),
            "tasks": facts.tasks,
            "failed_tasks": facts.failed_tasks,
            "spilled_bytes": sum(stage.spilled_disk for stage in facts.stages.values()),
        },
    )


def _sentence(finding: Finding) -> str:
    advice = [_advice(change) for change in finding.changes]
    return ", ".join([f"{finding.title} ({'; '.join(finding.evidence)})", *advice[:1]])


def _advice(change: Change) -> str:
    return f"set {change.setting} to {change.value} (now {change.now})" if change.setting else change.why


def _slow(check: Check, value: Decimal, took: float, past: Sequence[Decimal], thresholds: Thresholds) -> CheckResult:
    measures: dict[str, Json] = {"metric": str(value), "history": len(past)}
    observed = f"{seconds(took)}"
    if len(past) < thresholds.slow_history:
        return _short(check, len(past), measures, thresholds)
    band = band_of_ratios(past, None, Decimal(str(thresholds.slow_factor)))
    observed += f", usually {seconds(float(band.middle))} (median of {len(past)} published periods)"
    slow = not band.holds(value) and took >= thresholds.slow_seconds
    return _judged(check, slow, observed, measures)


def _throughput(
    check: Check, facts: Facts, took: float, past: Sequence[Decimal], thresholds: Thresholds
) -> CheckResult:
    """Rows per second without those that a retry counted twice, which would make a run look fast."""
    rows, again = facts.rows_in, facts.rows_in_again
    if not rows or took <= 0:
        return result_of(check, Outcome.NOT_RUN, reason="Spark counted no rows that were read", evidence=Evidence.RUN)
    value = (Decimal(rows) / Decimal(f"{took:.3f}")).quantize(Decimal("0.001"))
    measures: dict[str, Json] = {
        "metric": str(value),
        "history": len(past),
        "rows_read": rows,
        "rows_read_again": again,
    }
    if len(past) < thresholds.slow_history:
        return _short(check, len(past), measures, thresholds)
    band = band_of_ratios(past, 1 / Decimal(str(thresholds.slow_factor)), None)
    observed = (
        f"{value:,.0f} rows read per second, usually {band.middle:,.0f} (median of {len(past)} published periods)"
    )
    if again:
        observed += f"; {again:,} rows that failed or repeated tasks read again are left out"
    slow = not band.holds(value) and took >= thresholds.slow_seconds
    return _judged(check, slow, observed, measures)


def _short(check: Check, periods: int, measures: Mapping[str, Json], thresholds: Thresholds) -> CheckResult:
    reason = f"not enough history: {periods} of {thresholds.slow_history} published periods"
    return result_of(check, Outcome.NOT_RUN, reason=reason, measures=measures, evidence=Evidence.RUN)


def _judged(check: Check, slow: bool, observed: str, measures: Mapping[str, Json]) -> CheckResult:
    outcome = Outcome.FAILED if slow else Outcome.PASSED
    return result_of(check, outcome, observed=observed, measures=measures, evidence=Evidence.RUN)
