"""Twelve clean months in a row, with a leap day, a year's end and months that end on a weekend: nobody is called."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from runs_support import ROOT

from demo import company, data
from dq import store
from dq.base import periods
from dq.base.model import Kind, Outcome, Severity
from dq.base.periods import Grain
from dq.cli.batch import Session
from dq.declare import project as projects
from dq.run import batch
from dq.run.batch import published

FIRST, LAST = "2027-10", "2028-09"
MONTHS = [f"{month:%Y-%m}" for month in company.months_between(FIRST, LAST)]


def test_the_year_has_what_months_differ_in() -> None:
    last_days = [periods.days_of(month)[1] for month in MONTHS]
    assert len(MONTHS) == 12
    assert {day.day for day in last_days} == {29, 30, 31}
    assert {day.year for day in last_days} == {2027, 2028}
    assert sum(day.weekday() >= 5 for day in last_days) >= 3


def turns_a_month(week: str) -> bool:
    first, last = periods.days_of(week, Grain.WEEK)
    return first.month != last.month


@pytest.mark.year
@pytest.mark.timeout(3_600)
def test_twelve_clean_months_of_every_pipeline_raise_no_alarm(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Month after month each table and every fortnight as of its scheduled final run, and the weeks that turn a month.

    The other weeks are left out for time: they lie within months like each other and compare with nothing before them.
    """
    sources, warehouse = tmp_path / "sources", tmp_path / "warehouse"
    # The last month's books are still open, so one more month than is published.
    data.make(spark, sources, seed=11, first_month=FIRST, last_month="2028-10", lines=13 * 1_000)
    monkeypatch.setenv("DQ_DEMO_DIR", str(sources))
    monkeypatch.setenv("DQ_HOME", str(ROOT))
    project = projects.load(ROOT)
    everything = batch.rebuild(
        project.registry,
        project.roster.calendar,
        project.registry.pipelines,
        first=FIRST,
        last=LAST,
        now=datetime(2029, 1, 1, tzinfo=UTC),
        anchor=project.roster.model.rotation.anchor,
        shown=partial(published, store.Warehouse(warehouse)),
    )
    grains = {name: item.grain for name, item in project.registry.pipelines.items()}
    steps = [step for step in everything if grains[step.pipeline] is not Grain.WEEK or turns_a_month(step.period)]
    assert Counter(grains[step.pipeline] for step in steps) == {
        Grain.DAY: 4 * 12,
        Grain.MONTH: 3 * 12,
        Grain.WEEK: 9,
        Grain.FORTNIGHT: 25,
    }
    session = Session(steps=steps, options=["--warehouse", str(warehouse), "--no-docs"], format="json", held_runs=False)
    code = session.run()
    alarms = [
        f"{record.pipeline} {record.period} {result.check}: {result.reason or result.observed}"
        for record in session.records
        for result in record.results
        if result.outcome is Outcome.ERRORED
        or (result.outcome is Outcome.FAILED and result.severity is not Severity.INFO)
    ]
    assert alarms == []
    assert (code, len(session.records)) == (0, len(steps))
    assert {record.kind for record in session.records} == {Kind.FINAL}
    newest = {record.pipeline: record for record in session.records}
    waiting = {
        result.reason for record in newest.values() for result in record.results if result.outcome is Outcome.NOT_RUN
    }
    assert waiting == {f"no final of {LAST} would be replaced"}, "history for every check by then"
