"""Many pipelines and many months in one session, on the demo company."""

from __future__ import annotations

import json
import os

import pytest
from pyspark.sql import SparkSession
from runs_support import FINAL, ROOT, Bench

from demo import catalogue, defects
from dq import store
from dq.cli import main
from dq.declare import registry

pytestmark = [pytest.mark.run, pytest.mark.usefixtures("two_pipelines")]

MONTH = "2026-10"


def call(bench: Bench, *words: str) -> tuple[int, str, str]:
    os.environ["DQ_DEMO_DIR"], os.environ["DQ_HOME"] = str(bench.sources), str(bench.home)
    bench.capsys.readouterr()
    code = main([*words, "--warehouse", str(bench.warehouse), "--no-docs"])
    captured = bench.capsys.readouterr()
    return code, captured.out, captured.err


def all_of(bench: Bench, *words: str) -> tuple[int, str, str]:
    return call(bench, "run", "--all", "--period", MONTH, "--as-of", FINAL[MONTH], *words)


def ended(out: str) -> dict[tuple[str, str], str]:
    """The table at the end: pipeline and period to the words of the verdict."""
    lines = out.splitlines()
    start = max(n for n, line in enumerate(lines) if line.startswith("pipeline "))
    column, until = lines[start].index("verdict"), lines[start].index("version")
    rows = [line for line in lines[start + 1 :] if line]
    return {(row.split()[0], row.split()[1]): row[column:until].strip() for row in rows}


def version(bench: Bench, table: str, period: str) -> int | None:
    entry = store.Warehouse(bench.warehouse).table(table).entry(period)
    return entry.version if entry else None


def test_all_pipelines_are_published_in_one_session_and_again_are_unchanged(after_september: Bench) -> None:
    code, out, _ = all_of(after_september)
    verdicts = ended(out)
    assert code == 0, out
    assert [line.split()[1] for line in out.splitlines() if line.startswith("PUBLISHED")] == [p for p, _ in verdicts]
    assert verdicts["profit_unit", MONTH] == verdicts["investor_profit", MONTH] == "published"
    code, out, err = all_of(after_september, "--format", "json")
    records = {record["pipeline"]: record for record in json.loads(out)}
    assert (code, set(records)) == (0, {pipeline for pipeline, _ in verdicts})
    assert all(record["already_published"] for record in records.values()), err


def test_a_held_pipeline_holds_what_is_built_on_it_with_its_card(after_september: Bench, spark: SparkSession) -> None:
    defects.apply(spark, after_september.sources, catalogue.find("F11-ledger-marketing", MONTH))
    code, out, _ = all_of(after_september)
    assert code == 3
    verdicts = ended(out)
    assert (verdicts["profit_unit", MONTH], verdicts["investor_profit", MONTH]) == ("held", "could not be evaluated")
    assert "UPSTREAM" in out
    assert version(after_september, "investor_profit", MONTH) is None


@pytest.mark.slow
@pytest.mark.whole_registry
@pytest.mark.timeout(1_500)
def test_every_registered_pipeline_is_published_in_one_session(after_september: Bench) -> None:
    """All nine for a month, with the weeks and fortnights that lie in it, and again without anything to do."""
    code, out, _ = all_of(after_september)
    verdicts = ended(out)
    assert code == 0, out
    assert set(verdicts.values()) == {"published"}
    assert {name for name, _ in verdicts} == set(registry.load(ROOT).pipelines)
    assert ("experiments_weekly", "2026-W42") in verdicts
    assert ("executive_report", "2026-10-12") in verdicts
    assert set(ended(all_of(after_september)[1]).values()) == {"unchanged"}


@pytest.mark.slow
def test_a_refused_pipeline_gives_2_and_what_is_built_on_it_is_not_tried(after_september: Bench) -> None:
    """Its figures of a later instant are published; built on at this one they would not be what the card says."""
    assert after_september.run("profit_unit", MONTH, "2026-11-05T06:00:00Z").code == 0
    code, out, err = all_of(after_september)
    assert code == 2
    verdicts = ended(out)
    assert (verdicts["profit_unit", MONTH], verdicts["investor_profit", MONTH]) == ("refused", "not tried")
    assert "would go back" in err
    assert version(after_september, "investor_profit", MONTH) is None


@pytest.mark.slow
def test_a_mended_month_is_rebuilt_with_what_is_built_on_it_and_compared_with_it(after_september: Bench) -> None:
    line = ["backfill", "profit_unit", "--from", "2026-09", "--to", MONTH]
    code, out, _ = call(after_september, *line)
    assert code == 0, out
    expected = {
        ("profit_unit", "2026-09"): "unchanged",
        ("investor_profit", "2026-09"): "unchanged",
        ("profit_unit", MONTH): "published",
        ("investor_profit", MONTH): "published",
    }
    assert expected.items() <= ended(out).items()
    (mended,) = (after_september.sources / "ledger" / "month=2026-09").glob("*.parquet")
    copy = mended.read_bytes()
    mended.unlink()
    mended.write_bytes(copy)
    code, out, err = call(after_september, *line[:-1], "2026-09", "--no-downstream")
    assert (code, ended(out)) == (0, {("profit_unit", "2026-09"): "published"}), out
    stale = "is built on profit_unit as published before: dq run investor_profit --period 2026-09"
    assert f"investor_profit 2026-09 {stale}" in err
    code, out, err = call(after_september, *line[:-1], "2026-09")
    assert (code, ended(out)["investor_profit", "2026-09"]) == (0, "published"), out
    assert f"investor_profit 2026-09 {stale}" not in err
    assert f"investor_profit {MONTH} compares with a period published anew; go on with --to {MONTH}" in err
    before = version(after_september, "investor_profit", MONTH)
    code, out, _ = call(after_september, *line)
    expected = dict.fromkeys(expected, "unchanged") | {("investor_profit", MONTH): "published"}
    assert (code, expected.items() <= ended(out).items()) == (0, True), out
    assert (version(after_september, "investor_profit", MONTH) or 0) > (before or 0)


@pytest.mark.slow
def test_a_held_month_stops_its_dependants_and_the_months_compared_with_it(bench: Bench, spark: SparkSession) -> None:
    defects.apply(spark, bench.sources, catalogue.find("F11-ledger-marketing", "2026-09"))
    code, out, err = call(bench, "backfill", "profit_unit", "--from", "2026-09", "--to", MONTH)
    assert code == 3
    assert ended(out) == {
        ("profit_unit", "2026-09"): "held",
        ("investor_profit", "2026-09"): "not tried",
        ("profit_unit", MONTH): "published",
        ("investor_profit", MONTH): "not tried",
    }
    assert f"investor_profit {MONTH} is not tried: investor_profit 2026-09 was not tried" in err
