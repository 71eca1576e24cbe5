"""Twelve clean months in a row, with a leap day, a year's end and months that end on a weekend: nobody is called."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from runs_support import ROOT, Bench

from dq import periods
from dq import project as projects
from dq.demo import company, data
from dq.model import Kind, Outcome, Severity
from dq.run.schedule import scheduled_as_of

FIRST, LAST = "2027-10", "2028-09"
MONTHS = [f"{month:%Y-%m}" for month in company.months_between(FIRST, LAST)]


def test_the_year_has_what_months_differ_in() -> None:
    last_days = [periods.days_of(month)[1] for month in MONTHS]
    assert len(MONTHS) == 12
    assert {day.day for day in last_days} == {29, 30, 31}
    assert {day.year for day in last_days} == {2027, 2028}
    assert sum(day.weekday() >= 5 for day in last_days) >= 3


@pytest.mark.slow
@pytest.mark.timeout(1_500)
def test_twelve_clean_months_raise_no_alarm(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = tmp_path / "sources"
    # The last month's books are still open, so one more month than is published.
    data.make(spark, sources, seed=11, first_month=FIRST, last_month="2028-10", lines=13 * 1_000)
    for name in ("DQ_DEMO_DIR", "DQ_HOME"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    bench = Bench(sources, tmp_path / "warehouse", capsys)
    project = projects.load(ROOT)
    alarms: list[str] = []
    waiting: list[str] = []
    for month in MONTHS:
        for pipeline in ("profit_unit", "investor_profit"):
            scheduled = project.registry.pipelines[pipeline].scheduled
            ran = bench.run(pipeline, month, scheduled_as_of(scheduled, project.roster.calendar, month).isoformat())
            assert ran.record.kind is Kind.FINAL
            alarms += [
                f"{month} {result.check}: {result.reason or result.observed}"
                for result in ran.record.results
                if result.outcome is Outcome.ERRORED
                or (result.outcome is Outcome.FAILED and result.severity is not Severity.INFO)
            ]
            if month == LAST:
                waiting += [result.check for result in ran.record.results if result.outcome is Outcome.NOT_RUN]
    assert alarms == []
    assert waiting == ["final_profit_stands", "final_subscribers_stand"], "history for every check by then"
