"""Guarded runs of growth_daily and investor_growth on the demo company, and the defects that they must find."""

from __future__ import annotations

import os
from collections import defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as sf
from runs_support import FINAL, ROOT, Bench, finals, hard_links
from stages import PROJECT

import dq
from demo.changes import put
from demo.defects import Defect, apply, waive_finals
from dq import store
from dq.base.model import Kind, Outcome, Verdict
from dq.base.periods import months_between
from dq.declare import registry

pytestmark = pytest.mark.run

MONTH = "2026-10"
MOVES = ("new", "expansion", "contraction", "churn")
PARTS = ("opening", "new", "expansion", "contraction", "churn", "transferred_in", "transferred_out", "closing")


@pytest.fixture(scope="module")
def grown(company: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse in which September is published by both pipelines, as final."""
    from dq.cli.run import run_job

    warehouse = tmp_path_factory.mktemp("grown") / "w"
    os.environ["DQ_DEMO_DIR"], os.environ["DQ_HOME"] = str(company), str(ROOT)
    for pipeline in ("growth_daily", "investor_growth"):
        argv = ["--period", "2026-09", "--as-of", FINAL["2026-09"], "--warehouse", str(warehouse), "--no-docs"]
        assert run_job(pipeline, argv) == 0
    return warehouse


@pytest.fixture
def after_september(grown: Path, bench: Bench) -> Bench:
    """The company with September published by both pipelines."""
    hard_links(grown, bench.warehouse)
    return bench


def test_a_clean_month_is_published_by_both_without_an_alarm_and_every_bridge_closes(
    spark: SparkSession, after_september: Bench
) -> None:
    for pipeline in ("growth_daily", "investor_growth"):
        ran = after_september.run(pipeline, "2026-09")
        assert (ran.code, ran.record.verdict, ran.record.kind) == (0, Verdict.PUBLISH, Kind.FINAL), ran.out
        assert ran.alarms_to_act_on == []
        assert ran.record.already_published
    rows = after_september.published(spark, "investor_growth", "2026-09")
    (total,) = (row for row in rows if row["row_kind"] == "total")
    for row in rows:
        for name in ("mrr", "licences"):
            opening, new, more, less, churn, came, went, closing = (row[f"{name}_{part}"] for part in PARTS)
            assert opening + new + more + came - less - churn - went == closing  # type: ignore[operator]
    units = after_september.published(spark, "growth_daily", "2026-09")
    assert [total[f"mrr_{part}"] for part in MOVES] == list(by_customer(units).values())
    products = [row for row in rows if row["row_kind"] == "product"]
    sums = {part: sum(row[f"mrr_{part}"] for row in products) for part in MOVES}  # type: ignore[misc]
    assert min(sums.values()) > 0
    # Products are taken and given up by customers who have others, which is neither new nor churned for the company.
    assert total["mrr_new"] < sums["new"]  # type: ignore[operator]
    assert total["mrr_churn"] < sums["churn"]  # type: ignore[operator]
    assert sum(u["mrr_closing"] for u in units if u["day"] == date(2026, 9, 30)) == total["mrr_closing"]
    assert {row["product"] for row in rows} == {"total", "analytics", "cloud", "collaboration", "security"}
    assert any(u["licensed_users"] for u in units)
    assert any(u["tickets_resolved"] for u in units)


def by_customer(units: list[dict[str, object]]) -> dict[str, Decimal]:
    """The company's movements, from nothing but what every account had in each product at a day's start and end."""
    days: dict[tuple[object, object], list[tuple[Decimal, Decimal]]] = defaultdict(list)
    for unit in units:
        days[unit["account_id"], unit["day"]].append((unit["mrr_opening"], unit["mrr_closing"]))  # type: ignore[arg-type]
    found = dict.fromkeys(MOVES, Decimal(0))
    for products in days.values():
        had, keeps = (sum(side) for side in zip(*products, strict=True))
        for opening, closing in products:
            gained = "new" if not had else "expansion"
            lost = "churn" if not keeps else "contraction"
            found[gained if closing > opening else lost] += abs(closing - opening)
    return found


@pytest.mark.slow
def test_the_month_that_follows_opens_with_what_the_last_one_closed_with(after_september: Bench) -> None:
    assert after_september.run("growth_daily", MONTH).code == 0
    ran = after_september.run("investor_growth", MONTH)
    assert ran.code == 0, ran.out
    assert ran.result("opening_is_the_last_published_closing").outcome is Outcome.PASSED
    assert ran.alarms_to_act_on == []


@pytest.mark.slow
def test_part_of_a_month_is_compared_with_the_same_first_days_of_the_last_final(
    spark: SparkSession, after_september: Bench
) -> None:
    as_of = "2026-10-11T06:00:00Z"
    assert after_september.run("growth_daily", MONTH, as_of).code == 0
    ran = after_september.run("investor_growth", MONTH, as_of)
    assert (ran.code, ran.record.kind, ran.alarms_to_act_on) == (0, Kind.MONTH_TO_DATE, [])
    (total,) = (r for r in after_september.published(spark, "investor_growth", MONTH) if r["row_kind"] == "total")
    units = after_september.published(spark, "growth_daily", "2026-09")
    stood = sum(u["mrr_closing"] for u in units if u["day"] == date(2026, 9, 10))  # type: ignore[misc]
    assert (total["previous_period"], total["previous_mrr"]) == ("2026-09", stood)
    assert total["mrr_change"] == total["mrr_closing"] - stood  # type: ignore[operator]
    assert total["mrr_change_ratio"] is not None


@pytest.mark.slow
def test_a_final_that_would_say_other_movements_is_held_by_each_kind_of_total(
    spark: SparkSession, after_september: Bench
) -> None:
    more = Defect(
        id="F15-more",
        source="licence_events",
        month="2026-09",
        title="more seats were bought in September than was recorded",
        change=lambda frame: put("seats_after", "seats_after + 1", BOUGHT)(
            put("mrr_after", "mrr_after + 15", BOUGHT)(frame)
        ),
    )
    apply(spark, after_september.sources, more)
    waive_finals(store.Warehouse(after_september.warehouse), PROJECT.bound["growth_daily"], "2026-09")
    units = after_september.run("growth_daily", "2026-09", "2026-10-06T06:00:00Z")
    assert units.code == 0, units.out
    held = after_september.run("investor_growth", "2026-09", "2026-10-06T07:00:00Z")
    assert (held.code, held.record.version) == (1, None)
    wanted = {
        "final_growth_stands",
        "final_licences_stand",
        "final_company_growth_stands",
        "final_company_licences_stand",
        "final_retention_stands",
        "final_company_retention_stands",
    }
    assert wanted <= set(held.alarms)
    assert "mrr_expansion: published" in held.result("final_company_growth_stands").observed
    assert "licences_closing: published" in held.result("final_licences_stand").observed


@pytest.mark.slow
def test_what_was_published_before_a_rename_is_compared_and_read_under_the_names_of_today(
    spark: SparkSession, after_september: Bench
) -> None:
    bench = after_september
    former = registry.load(ROOT).former["investor_growth"].columns
    figures = store.read_published(spark, bench.warehouse, "investor_growth", period="2026-09")
    old = figures.withColumnsRenamed({new: old for old, new in former.items()}).localCheckpoint()
    assert {"mrr_churn_rate", "mrr_growth_reason"} < {*old.columns}
    finals(spark, bench, "investor_growth", {"2026-09": old})
    read = dq.read_published(spark, "investor_growth", "2026-09", warehouse=str(bench.warehouse))
    assert read.columns == figures.columns
    assert sorted(map(str, read.collect())) == sorted(map(str, figures.collect()))
    # The month that follows, and the same month again, which is compared word by word.
    assert bench.run("growth_daily", MONTH).code == 0
    ran = bench.run("investor_growth", MONTH)
    assert (ran.code, ran.alarms_to_act_on) == (0, []), ran.out
    again = bench.run("investor_growth", "2026-09", "2026-11-06T06:00:00Z")
    assert (again.code, again.record.version) == (0, 4), again.out
    words = again.result("investor_growth.final.words")
    assert (words.outcome, "published without" in words.observed) == (Outcome.PASSED, False)


@pytest.mark.slow
@pytest.mark.timeout(1_500)
def test_trailing_twelve_months_are_told_once_there_are_finals_of_all_of_them(
    spark: SparkSession, after_september: Bench
) -> None:
    bench = after_september
    assert bench.run("growth_daily", MONTH).code == 0
    # The customers of a year ago: those of this September, and what the months since then opened with is not asked.
    ago = store.read_published(spark, bench.warehouse, "growth_daily", period="2026-09-01")
    ago = ago.withColumn("day", sf.lit(date(2025, 11, 1)))
    # One of them has left since, whoever the made-up company loses.
    paid = ago.where("product <> 'unallocated' AND mrr_opening > 0").orderBy("account_id", "product").first()
    assert paid is not None
    left = sf.when(ago.account_id == paid.account_id, "left-since").otherwise(ago.account_id)
    ago = ago.withColumn("account_id", left).localCheckpoint()
    figures = store.read_published(spark, bench.warehouse, "investor_growth", period="2026-09")
    finals(spark, bench, "growth_daily", {"2025-11-01": ago})
    finals(spark, bench, "investor_growth", dict.fromkeys(months_between("2025-11", "2026-08"), figures))
    ran = bench.run("investor_growth", MONTH)
    assert (ran.code, ran.alarms_to_act_on) == (0, []), ran.out
    for name in ("cells", "products", "the_company"):
        whose = "its_accounts" if name == "the_company" else "their_units"
        assert ran.result(f"trailing_retention_of_{name}_is_that_of_{whose}").outcome is Outcome.PASSED
    (total,) = (row for row in bench.published(spark, "investor_growth", MONTH) if row["row_kind"] == "total")
    opening = sum(row.mrr_opening for row in ago.where("product <> 'unallocated'").collect())
    assert (total["ttm_mrr_opening"], total["ttm_cohort_churn_rate_reason"]) == (opening, None)
    assert total["ttm_mrr_lost"] >= paid.mrr_opening > 0
    assert total["ttm_mrr_kept"] + total["ttm_mrr_lost"] < opening  # type: ignore[operator]
    assert total["ttm_mrr_kept"] < total["ttm_mrr_retained"]  # type: ignore[operator]
    # The units of a year ago are published anew, the final they opened is not.
    finals(
        spark,
        bench,
        "growth_daily",
        {
            "2025-11-01": ago.withColumn(
                "mrr_opening", sf.expr("cast(mrr_opening + if(mrr_opening > 0, 1, 0) AS decimal(18,2))")
            )
        },
    )
    held = bench.run("investor_growth", MONTH, "2026-11-07T06:00:00Z")
    assert held.code == 1, held.out
    assert {"trailing_opening_is_the_published_opening", "final_trailing_retention_stands"} <= set(held.alarms)


BOUGHT = "event = 'seats_changed' AND seats_after > seats_before"
