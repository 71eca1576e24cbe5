"""The plan names the cheapest exact evidence of every check, from schema and footers alone: no session exists here."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import types as T

from dq.base.errors import EvaluationError, UsageError
from dq.base.model import Check, Evidence
from dq.engine.dataset import Dataset
from dq.engine.native import SUPPORTED, prepare, supports
from dq.engine.native_types import NATIVE_TYPES
from dq.engine.sentences import _EXPECTED
from dq.judge.plan import PlanLine, plan, plan_text

SCHEMA = T.StructType(
    [T.StructField("id", T.LongType()), T.StructField("name", T.StringType()), T.StructField("x", T.DoubleType())]
)


def _check(type_name: str, **kwargs: Any) -> Check:
    return Check(check=type_name, dataset="d", type=type_name, kwargs=kwargs)


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"id": [1, 2, None], "name": ["a", "a", "a"], "x": [1.0, 2.0, 3.0]}), path)
    stat = path.stat()
    from dq.base.model import PinnedFile

    return Dataset(
        name="d",
        frame=SimpleNamespace(schema=SCHEMA),  # type: ignore[arg-type]
        files=[PinnedFile(path=str(path), size=stat.st_size, modified_ns=stat.st_mtime_ns)],
        footer_columns={name: name for name in SCHEMA.names},
    )


def _line(check: Check, dataset: Dataset) -> PlanLine:
    return plan([check], dataset).lines[0]


@pytest.mark.parametrize(
    ("check", "evidence"),
    [
        (_check("expect_column_to_exist", column="id"), Evidence.SCHEMA),
        (_check("expect_table_row_count_to_be_between", min_value=1), Evidence.FOOTERS),
        (_check("expect_column_values_to_not_be_null", column="x"), Evidence.FOOTERS),
        (_check("expect_column_values_to_be_between", column="id", min_value=1, max_value=2), Evidence.FOOTERS),
        (_check("expect_column_values_to_be_between", column="id", min_value=2), Evidence.SCAN),
        (_check("expect_column_values_to_be_between", column="x", min_value=0), Evidence.SCAN),
        (_check("expect_column_values_to_be_in_set", column="name", value_set=["a", "b"]), Evidence.FOOTERS),
        (_check("expect_column_values_to_be_in_set", column="name", value_set=["b"]), Evidence.SCAN),
        (_check("expect_column_max_to_be_between", column="id", max_value=9), Evidence.FOOTERS),
        (_check("expect_column_sum_to_be_between", column="id", max_value=9), Evidence.SCAN),
        (_check("expect_table_row_count_to_be_between", min_value=1, row_condition="id > 1"), Evidence.SCAN),
        (_check("expect_column_values_to_be_unique", column="id"), Evidence.KEY_PASS),
        (_check("expect_column_median_to_be_between", column="id", max_value=9), Evidence.GREAT_EXPECTATIONS),
        (_check("expect_run_to_complete"), Evidence.RUN),
        (_check("expect_column_values_to_not_be_null", column="nope"), Evidence.NONE),
    ],
)
def test_each_check_is_planned_with_its_cheapest_exact_evidence(
    check: Check, evidence: Evidence, dataset: Dataset
) -> None:
    assert _line(check, dataset).evidence is evidence


def test_a_check_that_cannot_be_evaluated_says_why(dataset: Dataset) -> None:
    line = _line(_check("expect_column_values_to_not_be_null", column="nme"), dataset)
    assert "did you mean name?" in line.note


def test_measures_are_shared_between_checks(dataset: Dataset) -> None:
    checks = [_check("expect_column_values_to_be_between", column="x", min_value=n) for n in range(3)]
    bare = Dataset(name="d", frame=dataset.frame)
    made = plan(checks, bare)
    assert [len(scan) for scan in made.scans] == [5]  # rows, NULLs, and three conditions


def test_the_plan_reads_as_text(dataset: Dataset) -> None:
    checks = [
        _check("expect_column_values_to_not_be_null", column="id"),
        _check("expect_column_values_to_be_unique", column="id"),
        _check("expect_column_sum_to_be_between", column="id", max_value=9, row_condition="name = 'a'"),
    ]
    text = plan_text(plan(checks, dataset))
    assert text.splitlines()[0] == (
        "d: 3 checks (1 footers, 1 key_pass, 1 scan); 2 measures from footers; 1 in 1 scans of 2 columns; 1 key passes"
    )
    assert "key (id)" in text
    assert "expect_column_sum_to_be_between (id, name)" in text


def test_no_checks_need_nothing(dataset: Dataset) -> None:
    assert (
        plan_text(plan([], dataset)) == "d: 0 checks; 0 measures from footers; 0 in 0 scans of 0 columns; 0 key passes"
    )


def test_every_supported_type_exists_and_has_a_sentence() -> None:
    assert set(NATIVE_TYPES) >= SUPPORTED
    assert set(_EXPECTED) == SUPPORTED


def test_what_only_great_expectations_can_read_is_left_to_it() -> None:
    own = _check("expect_column_values_to_not_be_null", column="id", row_condition='col("id") > 1')
    own = Check(**{**vars(own), "kwargs": {**own.kwargs, "condition_parser": "great_expectations"}})
    parameter = _check("expect_table_row_count_to_equal", value={"$PARAMETER": "rows"})
    assert not supports(own)
    assert not supports(parameter)
    assert supports(_check("expect_table_row_count_to_equal", value=3))


@pytest.mark.parametrize(
    "check",
    [
        _check("expect_column_values_to_be_between", column="id"),
        _check("expect_column_values_to_be_between", column="name", min_value=1),
        _check("expect_column_values_to_be_in_set", column="id", value_set="abc"),
        _check("expect_column_value_lengths_to_be_between", column="name", min_value=1.5),
        _check("expect_column_mean_to_be_between", column="name", min_value=1),
        _check("expect_column_values_to_be_of_type", column="id", type_="bigint"),
        _check("expect_compound_columns_to_be_unique", column_list=[]),
        _check("expect_column_pair_values_to_be_equal", column_A="id", column_B="x", ignore_row_if="sometimes"),
        _check("expect_multicolumn_sum_to_equal", column_list=["id"], sum_total=None),
        _check("expect_table_row_count_to_equal", value="many"),
    ],
)
def test_what_makes_no_sense_is_refused_before_any_scan(check: Check) -> None:
    with pytest.raises(EvaluationError):
        prepare(check, SCHEMA, house=True)


def test_a_condition_outside_the_allow_list_is_refused_before_any_scan() -> None:
    check = _check("expect_table_row_count_to_be_between", min_value=1, row_condition="id in (select 1)")
    with pytest.raises(UsageError):
        prepare(check, SCHEMA, house=True)
