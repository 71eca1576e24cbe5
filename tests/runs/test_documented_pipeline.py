"""The pipeline and the Python of docs/, and the sample of another company, run as the pages say."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pages_support as pages
import pytest
from pyspark.sql import SparkSession
from runs_support import ROOT, Bench

from dq.base.model import Outcome, Severity, Verdict

pytestmark = pytest.mark.run


def test_the_documented_pipeline_is_published(
    spark: SparkSession, bench: Bench, project_copy: Callable[[], Path]
) -> None:
    """As docs/pipeline.md builds it: job, registry, suite, a copied page, and somebody who watches it."""
    home = project_copy()
    for block in pages.blocks("docs/pipeline.md"):
        if block.file:
            pages.place(block, home)
    suites = home / "expectations"
    shutil.copy(suites / "profit_unit" / "revenue.yml", suites / "revenue_by_product" / "revenue.yml")
    copied = shutil.copytree(home / "runbooks" / "profit_unit", home / "runbooks" / "revenue_by_product")
    page = (copied / "README.md").read_text(encoding="utf-8")
    page = page.replace("\npipeline: profit_unit\n", "\npipeline: revenue_by_product\n")
    (copied / "README.md").write_text(page, encoding="utf-8")
    roster = home / "runbooks" / "roster.yml"
    watched = "- pipelines: [profit_unit]"
    text = roster.read_text(encoding="utf-8")
    assert watched in text
    roster.write_text(text.replace(watched, "- pipelines: [profit_unit, revenue_by_product]"), encoding="utf-8")
    bench.home = home
    ran = bench.run("revenue_by_product", "2026-09")
    assert (ran.code, ran.record.verdict) == (0, Verdict.PUBLISH), ran.out + ran.err
    rows = bench.published(spark, "revenue_by_product", "2026-09")
    assert {row["month"] for row in rows} == {"2026-09"}
    assert str(sum(row["revenue"] for row in rows)) == ran.record.totals["revenue"]
    for check in ("revenue_by_product_has_rows", "revenue_by_product_keeps_every_line"):
        assert ran.result(check).outcome is Outcome.PASSED


def test_the_documented_python_does_what_it_says(
    spark: SparkSession, first_month: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DQ_HOME", str(ROOT))
    monkeypatch.setenv("DQ_WAREHOUSE", str(first_month))
    names: dict[str, object] = {}
    (checked, read) = (block for block in pages.blocks("docs/commands.md") if block.language == "python")
    exec(compile(checked.text, str(checked), "exec"), names)  # noqa: S102 - the page's own code
    exec(compile(read.text, str(read), "exec"), names)  # noqa: S102
    profit = names["profit"]
    assert profit.where("row_kind = 'total'").count() == 1  # type: ignore[attr-defined]


@pytest.fixture
def sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    import sample as tool

    tool.make(tmp_path / "sample", 1)
    monkeypatch.setenv("DQ_RAVENSTACK_DIR", str(tmp_path / "sample"))
    sys.modules.pop("sample")
    return tmp_path / "sample"


@pytest.mark.parametrize(
    ("month", "held"),
    [
        (
            "2024-03",
            {"clicks_counted_of_known_accounts_above_materiality", "tickets_of_known_accounts_above_materiality"},
        ),
        pytest.param("2024-11", set(), marks=pytest.mark.slow),
    ],
)
def test_the_sample_is_held_where_its_data_is_wrong_and_nowhere_else(
    spark: SparkSession, bench: Bench, sample: Path, month: str, held: set[str]
) -> None:
    """So that whoever has not the outside company's files sees what they show."""
    as_of = {"2024-03": "2024-04-04T06:00:00Z", "2024-11": "2024-12-04T06:00:00Z"}[month]
    mapping = ("--sources", str(ROOT / "jobs" / "ravenstack.yml"))
    units = bench.run("profit_unit", month, as_of, *mapping)
    assert (units.code, units.record.verdict) == (0, Verdict.PUBLISH_PARTIAL), units.out
    assert set(units.record.partial) == {"expenses", "ledger", "targets"}
    growth = bench.run("growth_daily", month, as_of, *mapping)
    failed = [r for r in growth.record.results if r.outcome is Outcome.FAILED and r.severity is Severity.CRITICAL]
    assert {r.check for r in failed} == held
    assert growth.code == (1 if held else 0), growth.out
