"""``dq check``: any data by any suite, ours and foreign ones, with our verdict."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

import dq
from dq.cli import main

OURS = """\
name: orders
expectations:
  - {check: ids, type: expect_column_values_to_be_unique, kwargs: {column: id}}
  - {check: amounts, type: expect_column_values_to_not_be_null, kwargs: {column: amount}, severity: warning}
"""
FOREIGN = {
    "name": "foreign",
    "expectations": [
        {"type": "expect_column_mean_to_be_between", "kwargs": {"column": "amount", "min_value": 1}},
        {"type": "expect_column_median_to_be_between", "kwargs": {"column": "amount", "min_value": 1}},
    ],
}


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    table = tmp_path / "orders.csv"
    table.write_text("id,amount\n1,10.5\n2,\n2,7\n")
    (tmp_path / "orders.yml").write_text(OURS)
    (tmp_path / "foreign.json").write_text(json.dumps(FOREIGN))
    return table


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = main(["check", *words])
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return code, captured.out + captured.err


def test_a_csv_by_our_suite(spark: SparkSession, orders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, told = run(capsys, str(orders), "--suite", str(orders.with_suffix(".yml")))
    assert code == 1
    assert told.startswith("FAILED  orders   2 of 2 checks failed")


def test_a_csv_by_a_foreign_suite_with_a_type_only_great_expectations_knows(
    spark: SparkSession, orders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, told = run(capsys, str(orders), "--suite", str(orders.with_name("foreign.json")))
    assert (code, told.startswith("PASSED  foreign   2 of 2 checks passed")) == (0, True), told


def test_parquet_and_a_table_by_name(spark: SparkSession, orders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frame = spark.read.csv(str(orders), header=True, inferSchema=True)
    frame.write.parquet(str(orders.with_name("orders.parquet")))
    frame.createOrReplaceTempView("orders_table")
    suite = str(orders.with_suffix(".yml"))
    assert run(capsys, str(orders.with_name("orders.parquet")), "--suite", suite)[0] == 1
    assert run(capsys, "orders_table", "--suite", suite)[0] == 1
    spark.catalog.dropTempView("orders_table")
    assert run(capsys, "orders_table", "--suite", suite)[0] == 2


def test_no_rows_could_not_be_evaluated(spark: SparkSession, orders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    orders.write_text("id,amount\n")
    code, told = run(capsys, str(orders), "--suite", str(orders.with_suffix(".yml")))
    assert (code, told.startswith("COULD NOT EVALUATE")) == (3, True)


def test_a_file_that_is_no_parquet_is_one_sentence(
    spark: SparkSession, orders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = orders.with_suffix(".parquet")
    broken.write_text("no parquet")
    code, told = run(capsys, str(broken), "--suite", str(orders.with_suffix(".yml")))
    assert (code, "cannot be read" in told) == (3, True), told


def test_the_embedded_form_gives_the_same_verdict(spark: SparkSession, orders: Path) -> None:
    frame = spark.read.csv(str(orders), header=True, inferSchema=True)
    record = dq.check(frame, orders.with_suffix(".yml"))
    assert record.verdict is dq.Verdict.HOLD
    assert dq.check(frame.where("amount > 8"), orders.with_suffix(".yml")).verdict is dq.Verdict.PUBLISH
    with pytest.raises(dq.DqError, match="unknown expectation type"):
        dq.check(frame, {"name": "x", "expectations": [{"type": "expect_nothing", "kwargs": {}}]})


def columns(spark: SparkSession, path: Path) -> dict[str, str]:
    from dq import checking

    return dict(checking._frame(spark, path).dtypes)


def test_csv_is_read_as_it_was_meant(spark: SparkSession, tmp_path: Path) -> None:
    """Quoted line breaks, doubled quotes, codes that begin with a zero, compressed files and folders of files."""
    from dq import checking

    folder = tmp_path / "orders"
    folder.mkdir()
    text = 'id,code,note\n1,01234,"two\nlines"\n2,56789,"a ""word"""\n'
    (folder / "a.csv").write_text(text)
    assert columns(spark, folder / "a.csv") == {"id": "int", "code": "string", "note": "string"}
    rows = checking._frame(spark, folder).orderBy("id").collect()
    assert [tuple(row) for row in rows] == [(1, "01234", "two\nlines"), (2, "56789", 'a "word"')]
    zipped = tmp_path / "orders.csv.gz"
    zipped.write_bytes(gzip.compress(text.encode()))
    assert checking._frame(spark, zipped).count() == 2


def test_a_row_with_too_few_values_could_not_be_evaluated(
    spark: SparkSession, orders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    orders.write_text("id,amount\n1,10.5\n2\n")
    code, told = run(capsys, str(orders), "--suite", str(orders.with_suffix(".yml")))
    assert code == 3, told
    assert "Traceback" not in told
