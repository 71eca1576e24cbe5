"""What a person looks up after a run was held: figures, failing keys, and why they cannot be found any more."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from runs_support import FINAL, ROOT, Bench, hard_links

from demo import catalogue, defects
from dq.base.model import Verdict
from dq.cli import main
from dq.cli.run import run_job

pytestmark = pytest.mark.run

MONTH = "2026-10"


@pytest.fixture(scope="module")
def held(
    spark: SparkSession, company: Path, first_month: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    """Sources with a file loaded twice, and a warehouse in which that month is held for it."""
    home = tmp_path_factory.mktemp("held")
    sources, warehouse = hard_links(company, home / "sources"), hard_links(first_month, home / "warehouse")
    defects.apply(spark, sources, catalogue.find("F02-revenue-loaded-twice", MONTH))
    os.environ["DQ_DEMO_DIR"], os.environ["DQ_HOME"] = str(sources), str(ROOT)
    argv = ["--period", MONTH, "--as-of", FINAL[MONTH], "--warehouse", str(warehouse), "--no-docs"]
    assert run_job("profit_unit", argv) == 1
    return sources, warehouse


@pytest.fixture
def doubled(held: tuple[Path, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setenv("DQ_DEMO_DIR", str(held[0]))
    monkeypatch.setenv("DQ_HOME", str(ROOT))
    return Bench(*held, capsys)


def shown(bench: Bench, *words: str) -> tuple[int, str]:
    bench.capsys.readouterr()
    code = main(["show", *words, "--warehouse", str(bench.warehouse)])
    captured = bench.capsys.readouterr()
    return code, captured.out + captured.err


def test_a_held_runs_figures_stand_beside_what_readers_see(doubled: Bench) -> None:
    code, text = shown(doubled, f"profit_unit-{MONTH}")
    assert code == 0
    assert "HOLD  profit_unit 2026-10" in text
    line = next(line for line in text.splitlines() if line.strip().startswith("revenue "))
    assert line.split()[-1] == "-"  # October was never published
    assert line.split()[-2].replace(",", "").replace(".", "").isdigit()


def test_the_keys_of_duplicate_rows_are_found_again(doubled: Bench) -> None:
    code, text = shown(doubled, f"profit_unit-{MONTH}", "--check", "revenue.key.unique")
    assert code == 0
    head, names, *rows = text.strip().splitlines()
    assert head.startswith("revenue.key.unique: failed")
    assert names.split() == ["line_id"]
    assert rows[-1] == "and more; the first 20 are shown"
    assert len(rows) == 21


@pytest.mark.slow
def test_a_comparison_shows_the_cells_it_kept(spark: SparkSession, after_september: Bench) -> None:
    defects.apply(spark, after_september.sources, catalogue.find("F11-ledger-offsetting", MONTH))
    assert after_september.run("profit_unit", MONTH).code == 1
    code, text = shown(after_september, f"profit_unit-{MONTH}", "--check", "profit_ties_out_to_ledger")
    assert code == 0
    assert "marketing" in text
    assert "services" in text


def test_keys_are_not_shown_from_a_source_that_has_changed(doubled: Bench) -> None:
    (file, *_) = (doubled.sources / "revenue" / f"month={MONTH}").glob("*.parquet")
    copy = file.with_name("part-copy.parquet")
    copy.write_bytes(file.read_bytes())
    try:
        code, text = shown(doubled, f"profit_unit-{MONTH}", "--check", "revenue.key.unique")
    finally:
        copy.unlink()
    assert (code, "has changed since the run read it" in text) == (3, True)


def test_a_check_that_passed_says_so_and_an_unknown_one_lists_the_likely(doubled: Bench) -> None:
    assert "ledger_has_rows: passed" in shown(doubled, f"profit_unit-{MONTH}", "--check", "ledger_has_rows")[1]
    code, text = shown(doubled, f"profit_unit-{MONTH}", "--check", "ledger_has_row")
    assert (code, "did you mean ledger_has_rows" in text) == (2, True)


def test_without_a_run_the_latest_are_listed(doubled: Bench) -> None:
    code, text = shown(doubled)
    assert code == 0
    assert Verdict.HOLD.value in text.splitlines()[0]
    assert text.splitlines()[0].startswith(f"profit_unit-{MONTH}")
