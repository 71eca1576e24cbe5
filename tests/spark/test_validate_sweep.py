"""The long comparison of ``dq.validate`` with Great Expectations: every supported type and a dozen others."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable

import pytest
from gx_oracle import comparable, oracle
from pyspark.sql import DataFrame, SparkSession
from validate_examples import OURS, SCHEMA, THEIRS, all_null, full

import dq

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.filterwarnings("ignore"),  # Great Expectations announces what a later version will remove
]


def empty(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame([], SCHEMA).coalesce(1)


@pytest.mark.parametrize("rows", [full, empty, all_null])
@pytest.mark.parametrize("result_format", ["BOOLEAN_ONLY", "BASIC", "SUMMARY", "COMPLETE"])
def test_every_type_gives_the_result_of_great_expectations(
    spark: SparkSession, rows: Callable[[SparkSession], DataFrame], result_format: str
) -> None:
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL)
    suite = {"name": "sweep", "expectations": [{"type": name, "kwargs": kwargs} for name, kwargs in OURS + THEIRS]}
    frame = rows(spark)
    theirs = comparable(oracle(frame, copy.deepcopy(suite), result_format))
    ours = comparable(dq.validate(frame, suite, result_format).to_json_dict())
    for mine, their in zip(ours["results"], theirs["results"], strict=True):
        assert mine == their
    assert ours == theirs
