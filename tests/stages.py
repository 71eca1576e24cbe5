"""Warehouses as they stand before a pipeline runs for October, each made once from the one before it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from runs_support import ROOT, hard_links

from demo.defects import Defect
from dq.declare.project import load
from dq.run.schedule import settled_as_of

PUBLISHED, MONTH = "2026-09", "2026-10"
# What a week's and a fortnight's pipeline is run for in October.
PERIODS = {"experiments_weekly": "2026-W42", "executive_report": "2026-10-12"}
FORTNIGHT_BEFORE = "2026-09-28"
PROJECT = load(ROOT)


def period_of(pipeline: str, month: str = MONTH) -> str:
    return PERIODS.get(pipeline, month)


def as_of(pipeline: str, period: str) -> str:
    return settled_as_of(PROJECT.registry, PROJECT.roster.calendar, pipeline, period).isoformat()


class Stages:
    """September is published in all of them, and of October everything that comes before a pipeline."""

    def __init__(self, first_month: Path, company: Path, make: Callable[[str], Path]) -> None:
        self.company = company
        self._make = make
        self._order = PROJECT.registry.order()
        self._made: list[Path] = []
        self._first_month = first_month

    def before(self, pipeline: str) -> Path:
        """The warehouse before a pipeline runs; the fortnight before is there where fortnights are compared."""
        number = self._order.index(pipeline)
        while len(self._made) <= number:
            self._made.append(self._next())
        return self._made[number]

    def of(self, defect: Defect) -> Path:
        """The warehouse in which a defect happens: all that comes before it is published and right."""
        if defect.found_in == MONTH:
            return self.before(defect.pipeline if defect.published else defect.first)
        # Another month than October: of the earlier ones its own pipelines are published.
        warehouse = hard_links(self.before("experiments_weekly"), self._make(defect.id) / "w")
        for n in range(defect.months_before, 0, -1):
            month = _earlier(defect.found_in, n)
            for name in (defect.first, defect.pipeline) if month not in (PUBLISHED, MONTH) else ():
                self._run(warehouse, name, month)
        return warehouse

    def _next(self) -> Path:
        number = len(self._made)
        if number == 0:
            warehouse = hard_links(self._first_month, self._make("stage0") / "w")
            for name in self._order:
                if name not in (*PERIODS, "profit_unit", "investor_profit"):
                    self._run(warehouse, name, PUBLISHED)
            return warehouse
        warehouse = hard_links(self._made[-1], self._make(f"stage{number}") / "w")
        name = self._order[number - 1]
        if name not in PERIODS:
            self._run(warehouse, name, MONTH)
        if self._order[number] == "executive_report":
            self._run(warehouse, "executive_report", FORTNIGHT_BEFORE)
        return warehouse

    def _run(self, warehouse: Path, pipeline: str, period: str) -> None:
        from dq.cli.run import run_job

        os.environ["DQ_DEMO_DIR"], os.environ["DQ_HOME"] = str(self.company), str(ROOT)
        line = ["--period", period, "--as-of", as_of(pipeline, period), "--warehouse", str(warehouse), "--no-docs"]
        assert run_job(pipeline, line) == 0, (pipeline, period)


def _earlier(month: str, count: int) -> str:
    from demo import company

    return f"{company.shift(company.month_of(month), -count):%Y-%m}"
