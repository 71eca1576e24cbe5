"""The Python of docs/, and the sample of another company, run as the pages say."""

from __future__ import annotations

import sys
from pathlib import Path

import pages_support as pages
import pytest
from pyspark.sql import SparkSession
from runs_support import ROOT, Bench

from dq.base.model import Outcome, Severity, Verdict


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
