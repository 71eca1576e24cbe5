"""A source read for the year so far where its contract reads the month: months, gaps, filters, other pipelines."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import yaml
from sources_support import config, month_window, order, write_parquet

from dq.base.errors import ConfigError
from dq.base.model import Kind, Window
from dq.declare import project, registry
from dq.sources import ReadRule, SourcesConfig, pin
from dq.sources.windows import filters, first_day, months

ROOT = Path(__file__).resolve().parents[2]
YEAR = {"orders": ReadRule.YEAR}


def yearly(folder: Path, *kept: str) -> SourcesConfig:
    for month in kept:
        write_parquet(folder / "data" / "orders" / f"month={month}" / "a.parquet", [order()])
    return config(folder).reading(YEAR)


def test_the_year_so_far_is_read_from_january_and_the_month_as_before(tmp_path: Path) -> None:
    loaded = yearly(tmp_path, *(f"2026-{n:02}" for n in range(1, 12)), "2025-12")
    pinned = pin(loaded, "orders", month_window("2026-10"))
    assert [Path(file.path).parent.name for file in pinned.files] == [f"month=2026-{n:02}" for n in range(1, 11)]
    assert pinned.missing_months == ()
    assert [f.low for f in filters(loaded.contract("orders"), month_window("2026-10"))] == [date(2026, 1, 1), None]
    assert len(pin(config(tmp_path), "orders", month_window("2026-10")).files) == 1


def test_a_month_lost_within_the_year_is_missing_also_the_first_one(tmp_path: Path) -> None:
    loaded = yearly(tmp_path, "2025-12", "2026-02", "2026-04")
    assert pin(loaded, "orders", month_window("2026-04")).missing_months == ("2026-01", "2026-03")


def test_a_table_that_begins_within_the_year_has_no_gap_before(tmp_path: Path) -> None:
    loaded = yearly(tmp_path, "2026-06", "2026-07", "2026-09")
    assert pin(loaded, "orders", month_window("2026-09")).missing_months == ("2026-08",)


def test_a_fortnight_over_the_turn_of_the_year_is_read_from_its_beginning() -> None:
    fortnight = Window(
        period="2025-12-29",
        start=date(2025, 12, 29),
        end=date(2026, 1, 11),
        data_through=date(2026, 1, 11),
        as_of=datetime(2026, 1, 12, tzinfo=UTC),
        kind=Kind.FINAL,
    )
    assert first_day(fortnight, ReadRule.YEAR) == date(2025, 12, 29)
    so_far = replace(fortnight, data_through=date(2025, 12, 30), as_of=datetime(2025, 12, 31, tzinfo=UTC))
    assert first_day(so_far, ReadRule.YEAR) == date(2025, 1, 1), "no day of the new year is there"
    assert first_day(so_far) == date(2025, 12, 1)
    assert first_day(month_window("2026-01"), ReadRule.YEAR) == date(2026, 1, 1)
    assert months(month_window("2026-03"), ReadRule.YEAR).label == "2026-01 to 2026-03"


def test_a_pipeline_reads_by_its_own_rule_and_another_by_the_contract() -> None:
    loaded = project.load(ROOT)
    growth, profit = loaded.pipeline("growth_daily"), loaded.pipeline("profit_unit")
    assert growth.sources.contract("revenue").read is ReadRule.YEAR
    assert profit.sources.contract("revenue").read is ReadRule.PERIOD
    assert growth.hash != profit.hash
    clicks, people = growth.sources.contract("clicks"), loaded.pipeline("user_days").sources.contract("clicks")
    assert (clicks.lookback_days, clicks.lookahead_days) == (0, 0), "a rule that is named reads no days around it"
    assert (people.lookback_days, people.lookahead_days) == (1, 1)


def test_a_rule_for_a_source_the_pipeline_does_not_read_is_refused(tmp_path: Path) -> None:
    declared = yaml.safe_load((ROOT / "jobs" / "pipelines.yml").read_text(encoding="utf-8"))
    declared["pipelines"]["growth_daily"]["reads"] = {"expenses": "year"}
    for folder in ("jobs", "expectations", "runbooks"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    (tmp_path / "jobs").unlink()
    (tmp_path / "jobs").mkdir()
    for job in (ROOT / "jobs").glob("*.py"):
        (tmp_path / "jobs" / job.name).symlink_to(job)
    (tmp_path / "jobs" / "pipelines.yml").write_text(yaml.safe_dump(declared), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"growth_daily\.reads\.expenses: is not one of its sources"):
        registry.load(tmp_path)
