"""The oracle knows every column and metric that is published: a new one is recomputed, or this fails before a run."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import oracle
import oracle_edge
import oracle_experiments
import oracle_money
import oracle_report
import yaml

from dq.declare import registry

ROOT = Path(__file__).resolve().parents[2]


def test_the_oracle_recomputes_exactly_the_published_columns(tmp_path: Path) -> None:
    oracle_edge.make(tmp_path, ROOT / "jobs" / "sources.yml")
    books = oracle.Books(tmp_path, date(2026, 10, 1), datetime(2026, 11, 4, 5, tzinfo=UTC))
    rules = yaml.safe_load((ROOT / "jobs" / "rules.yml").read_text(encoding="utf-8"))["allocation"]
    users, profit, growth = (
        oracle.user_days(books),
        oracle_money.profit_unit(books, rules),
        oracle_money.growth_daily(books),
    )
    tables = {
        "user_days": users,
        "engagement_daily": oracle.engagement_daily(books, users, {}),
        "investor_engagement": oracle.investor_engagement(books, users, {}, None),
        "profit_unit": profit,
        "investor_profit": oracle_money.investor_profit(books, profit, None),
        "growth_daily": growth,
        "investor_growth": oracle_money.investor_growth(books, growth, None),
    }
    company = {
        name: next(row for row in tables[name].values() if row["row_kind"] == "total")
        for name in ("investor_profit", "investor_growth", "investor_engagement")
    }
    units = {name: tables[name] for name in ("profit_unit", "growth_daily", "engagement_daily", "user_days")}
    tables["experiments_weekly"] = oracle_experiments.experiments_weekly(books, date(2026, 10, 12), units)
    tables["executive_report"] = oracle_report.executive_report(date(2026, 10, 12), units, company, None, "EUR")
    declared = registry.load(ROOT).pipelines
    assert set(declared) == set(tables)
    for name, rows in tables.items():
        assert {column for row in rows.values() for column in row} == {*declared[name].publishes.columns}, name
        for column, spec in declared[name].publishes.columns.items():
            assert not spec.values or {row[column] for row in rows.values()} == {*spec.values}, (name, column)
