"""Every published column of every table, against a recomputation that shares no code with it.

Once over October of the demo company as its runs published it, once over a month made by hand of what is easily counted
wrong. A column that is published and not recomputed fails, so that a new one is written down twice.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import oracle
import oracle_edge
import oracle_experiments
import oracle_money
import oracle_report
import pyarrow.parquet as pq
import pytest
import yaml
from job_support import load
from oracle import Books, Rows
from pyspark.sql import DataFrame, SparkSession
from runs_support import ROOT, hard_links
from stages import FORTNIGHT_BEFORE, PERIODS, Stages, as_of

from dq import sources, store
from dq.base import periods
from dq.base.model import Window
from dq.cli.run import run_job
from dq.declare import project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3_000)]
SEPTEMBER, OCTOBER = date(2026, 9, 1), date(2026, 10, 1)
RULES = yaml.safe_load((ROOT / "jobs" / "rules.yml").read_text(encoding="utf-8"))["allocation"]
PROJECT = project.load(ROOT)
TABLES = (
    "user_days",
    "engagement_daily",
    "investor_engagement",
    "profit_unit",
    "investor_profit",
    "growth_daily",
    "investor_growth",
)
OF_EXPERIMENTS = ("profit_unit", "growth_daily", "engagement_daily", "user_days")
"""The units that experiments are added up from."""


class Oracle:
    """Every table of a month and of the one before it, each as of its own instant."""

    def __init__(self, root: Path, as_of: Callable[[str, date], datetime], *, earlier: bool = True) -> None:
        self.root, self.as_of, self.earlier = root, as_of, earlier

    def books(self, table: str, month: date = OCTOBER) -> Books:
        return Books(self.root, month, self.as_of(table, month))

    @cached_property
    def september(self) -> Rows:
        return oracle.user_days(self.books("user_days", SEPTEMBER)) if self.earlier else {}

    @cached_property
    def user_days(self) -> Rows:
        return oracle.user_days(self.books("user_days"))

    @cached_property
    def engagement_daily(self) -> Rows:
        return oracle.engagement_daily(self.books("engagement_daily"), self.user_days, self.september)

    @cached_property
    def investor_engagement(self) -> Rows:
        table, before = "investor_engagement", None
        if self.earlier:
            before = oracle.investor_engagement(self.books(table, SEPTEMBER), self.september, {}, None)
        return oracle.investor_engagement(self.books(table), self.user_days, self.september, before)

    @cached_property
    def profit_unit(self) -> Rows:
        return oracle_money.profit_unit(self.books("profit_unit"), RULES)

    @cached_property
    def investor_profit(self) -> Rows:
        table, before = "investor_profit", None
        if self.earlier:
            units = oracle_money.profit_unit(self.books("profit_unit", SEPTEMBER), RULES)
            before = oracle_money.investor_profit(self.books(table, SEPTEMBER), units, None)
        return oracle_money.investor_profit(self.books(table), self.profit_unit, before)

    @cached_property
    def growth_daily(self) -> Rows:
        return oracle_money.growth_daily(self.books("growth_daily"))

    @cached_property
    def investor_growth(self) -> Rows:
        table, before = "investor_growth", None
        if self.earlier:
            units = oracle_money.growth_daily(self.books("growth_daily", SEPTEMBER))
            before = oracle_money.investor_growth(self.books(table, SEPTEMBER), units, None)
        return oracle_money.investor_growth(self.books(table), self.growth_daily, before)

    def experiments_weekly(self, monday: date) -> Rows:
        """A week within October."""
        newest = max((self.books(name) for name in OF_EXPERIMENTS), key=lambda books: books.as_of)
        return oracle_experiments.experiments_weekly(
            newest, monday, {name: getattr(self, name) for name in OF_EXPERIMENTS}
        )


def agree(table: str, published: list[dict[str, Any]], right: Rows) -> None:
    """The rows are the oracle's, with every column the registry declares."""
    declared = PROJECT.registry.pipelines[table].publishes
    assert {name for row in right.values() for name in row} == {*declared.columns}, "a column is not recomputed"
    found = oracle.differences(oracle.keyed(published, declared.key), right)
    assert found == [], "\n".join([f"{table}: {len(found)} differences", *found[:20]])


# -- the demo company, as published ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def warehouse(stages: Stages) -> store.Warehouse:
    """September and October are published by all but the reports."""
    return store.Warehouse(stages.before("experiments_weekly"))


@pytest.fixture(scope="module")
def right(warehouse: store.Warehouse, company: Path) -> Oracle:
    def told(table: str, month: date) -> datetime:
        entries = warehouse.table(table).select(f"{month:%Y-%m}")
        return max(entry.as_of for entry in entries if entry.as_of)

    return Oracle(company, told)


def published(root: Path, table: str, period: str) -> list[dict[str, Any]]:
    """The rows readers get of a period."""
    files = store.select_published(root, table, period).files
    return [row for file in files for row in pq.read_table(file, partitioning=None).to_pylist()]


def run(warehouse: store.Warehouse, table: str, company: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the warehouse to which the period of a pipeline is published."""
    there, period = hard_links(warehouse.root, tmp_path / "w"), PERIODS[table]
    monkeypatch.setenv("DQ_DEMO_DIR", str(company))
    monkeypatch.setenv("DQ_HOME", str(ROOT))
    line = ["--period", period, "--as-of", as_of(table, period), "--warehouse", str(there), "--no-docs"]
    assert run_job(table, line) == 0
    return there


@pytest.mark.parametrize("table", TABLES)
def test_what_is_published_of_a_month_is_right_in_every_column(
    warehouse: store.Warehouse, right: Oracle, table: str
) -> None:
    agree(table, published(warehouse.root, table, "2026-10"), getattr(right, table))


def test_a_week_for_experiments_is_right_in_every_column(
    warehouse: store.Warehouse, right: Oracle, company: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = run(warehouse, "experiments_weekly", company, tmp_path, monkeypatch)
    expected = right.experiments_weekly(periods.days_of(PERIODS["experiments_weekly"])[0])
    agree("experiments_weekly", published(there, "experiments_weekly", PERIODS["experiments_weekly"]), expected)


def test_the_page_for_executives_is_right_in_every_line(
    warehouse: store.Warehouse, right: Oracle, company: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fortnight in mid-October, against the one that began in September where that is published."""
    table, period = "executive_report", PERIODS["executive_report"]
    there = run(warehouse, table, company, tmp_path, monkeypatch)
    months = (SEPTEMBER, OCTOBER)
    units: dict[str, Rows] = {"user_days": {**right.september, **right.user_days}}
    for name, compute in (
        ("profit_unit", lambda books: oracle_money.profit_unit(books, RULES)),
        ("growth_daily", oracle_money.growth_daily),
    ):
        units[name] = {key: row for month in months for key, row in compute(right.books(name, month)).items()}
    investors = ("investor_profit", "investor_growth", "investor_engagement")
    company_rows = {
        name: next(row for row in getattr(right, name).values() if row["row_kind"] == "total") for name in investors
    }
    before, currency = date.fromisoformat(FORTNIGHT_BEFORE), PROJECT.sources.currency
    told = warehouse.table(table).entry(FORTNIGHT_BEFORE) is not None
    previous = oracle_report.executive_report(before, units, company_rows, None, currency) if told else None
    expected = oracle_report.executive_report(date.fromisoformat(period), units, company_rows, previous, currency)
    agree(table, published(there, table, period), expected)


# -- the month made by hand --------------------------------------------------------------------------------------------

TOLD = datetime(2026, 11, 4, 5, tzinfo=UTC)


class Edge:
    """The jobs over the month made by hand: sources read as a run reads them, each table from those before it."""

    def __init__(self, spark: SparkSession, root: Path) -> None:
        self.spark, self.root = spark, root
        self.project = project.load(ROOT)
        self.window: Window = periods.window("2026-10", TOLD, None, ledger_absent=True)

    def read(self, pipeline: str, *names: str) -> dict[str, DataFrame]:
        config = self.project.pipeline(pipeline).sources
        pins = {name: sources.pin(config, name, self.window) for name in names}
        return {name: sources.read(self.spark, config, name, pin, self.window).visible for name, pin in pins.items()}

    @cached_property
    def user_days(self) -> DataFrame:
        read = self.read("user_days", "clicks", "directory_users", "accounts")
        return load("user_days").user_days(**read, window=self.window).cache()

    @cached_property
    def engagement_daily(self) -> DataFrame:
        read = self.read("engagement_daily", "accounts")
        return load("engagement_daily").engagement_daily(units=self.user_days, **read, window=self.window).cache()

    @cached_property
    def investor_engagement(self) -> DataFrame:
        units = {"units": self.user_days, "daily": self.engagement_daily}
        return load("investor_engagement").investor_engagement(**units, previous=None, window=self.window)

    @cached_property
    def profit_unit(self) -> DataFrame:
        read = self.read("profit_unit", "revenue", "expenses", "licence_events", "accounts", "targets")
        return load("profit_unit").profit_unit(**read, window=self.window, rules=self.project.rules).cache()

    @cached_property
    def investor_profit(self) -> DataFrame:
        read = self.read("investor_profit", "targets")
        return load("investor_profit").investor_profit(
            units=self.profit_unit, **read, previous=None, window=self.window
        )

    @cached_property
    def growth_daily(self) -> DataFrame:
        names = ("licence_events", "accounts", "revenue", "directory_users", "clicks", "support_tickets", "campaigns")
        return load("growth_daily").growth_daily(**self.read("growth_daily", *names), window=self.window).cache()

    @cached_property
    def investor_growth(self) -> DataFrame:
        return load("investor_growth").investor_growth(units=self.growth_daily, previous=None, window=self.window)

    def experiments_weekly(self, week: str) -> DataFrame:
        units = {"profit": self.profit_unit, "growth": self.growth_daily, "engagement": self.engagement_daily}
        window = periods.window(week, TOLD, None, ledger_absent=True)
        return load("experiments_weekly").experiments_weekly(**units, user_days=self.user_days, window=window)


@pytest.fixture(scope="module")
def edge(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Edge:
    root = tmp_path_factory.mktemp("edge")
    oracle_edge.make(root, ROOT / "jobs" / "sources.yml")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("DQ_DEMO_DIR", str(root))
        return Edge(spark, root)


@pytest.mark.parametrize("table", TABLES)
def test_a_month_of_edge_cases_is_right_in_every_column(edge: Edge, table: str) -> None:
    rows = [row.asDict(recursive=True) for row in getattr(edge, table).collect()]
    agree(table, rows, getattr(Oracle(edge.root, lambda *_: TOLD, earlier=False), table))


@pytest.mark.parametrize("week", ["2026-W41", "2026-W42", "2026-W43"])
def test_a_week_of_edge_cases_is_right_in_every_column(edge: Edge, week: str) -> None:
    rows = [row.asDict(recursive=True) for row in edge.experiments_weekly(week).collect()]
    right = Oracle(edge.root, lambda *_: TOLD, earlier=False)
    agree("experiments_weekly", rows, right.experiments_weekly(periods.days_of(week)[0]))
