"""A check type that is one new file is registered with Great Expectations, and judged by both ways in."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from new_type import NAME, SOURCE

SCRIPT = """
import sys
from dq.checks import types
types.__path__.append(sys.argv[1])
import dq
from dq.base.model import Check
from dq.engine.dataset import Context, Dataset
from dq.judge.evaluate import evaluate
from dq.gx.registered_types import register
from pyspark.sql import SparkSession

registered = register()[sys.argv[2]]
print(registered.__name__, registered.__doc__.splitlines()[0], sep="; ")
spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
kwargs = {"column": "amount", "step": 5}
frame = spark.sql("SELECT * FROM VALUES (5), (10), (11) AS rows(amount)")
[found] = evaluate([Check(check="round", dataset="revenue", type=sys.argv[2], kwargs=kwargs)],
                   Dataset(name="revenue", frame=frame), Context())
print(found.outcome, found.evidence, found.observed, found.expected, sep="; ")
suite = {"name": "amounts", "expectations": [{"type": sys.argv[2], "kwargs": kwargs}]}
for rows in (frame, frame.limit(2)):
    [result] = dq.validate(rows, suite).results
    print(result.success, result.result["observed_value"], sep="; ")
"""


def test_a_new_type_is_registered_and_judged(tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.py").write_text(SOURCE, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, tmp_path, NAME], capture_output=True, text=True, timeout=240, check=False
    )
    assert done.stdout.splitlines()[-4:] == [
        "ExpectAmountsToBeRound; Every amount is a multiple of a step.",
        "failed; scan; 1 rows are not round; amount must be a multiple of 5.",
        "False; 1 rows are not round",
        "True; 0 rows are not round",
    ], done.stderr[-2000:]
