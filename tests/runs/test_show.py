"""What a person looks up after a run was held: figures, failing keys, and why they cannot be found any more."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession
from runs_support import Bench

from dq.cli import main
from dq.demo import catalogue, defects
from dq.model import Verdict

MONTH = "2026-10"


@pytest.fixture
def doubled(spark: SparkSession, after_september: Bench) -> Bench:
    defects.apply(spark, after_september.sources, catalogue.find("F02-revenue-loaded-twice", MONTH))
    assert after_september.run("profit_unit", MONTH).code == 1
    return after_september


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
    code, text = shown(doubled, f"profit_unit-{MONTH}", "--check", "revenue.key.unique")
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
