"""What is measured of a cohort fits itself and the movements: the checks of the suites on rows that do and do not."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from dq.base.model import Check, Outcome
from dq.declare import project as projects
from dq.engine.dataset import Context, Dataset
from dq.judge.evaluate import evaluate

BOUND = projects.load(Path(__file__).resolve().parents[2]).bound
SHARE, WITHIN = "cohort_churn_and_retention_share_the_opening", "cohort_moves_within_the_movements"
RATIOS = ("cohort_churn_rate", "gross_revenue_retention", "net_revenue_retention")
AMOUNTS = ("opening", "new", "expansion", "contraction", "churn", "retained", "kept")
RIGHT = {
    "row_kind": "total",
    # Three customers of 100 each: one has left, one halved, one has 300; and 50 fell and 100 rose in between.
    **dict(zip((f"mrr_{name}" for name in AMOUNTS), (300, 40, 260, 50, 150, 350, 150), strict=True)),
    **dict(zip(RATIOS, ("0.333334", "0.500000", "1.166667"), strict=True)),
    **dict(zip((f"ttm_{name}" for name in RATIOS), ("0.333334", "0.666667", "0.666667"), strict=True)),
}


def checks(pipeline: str, *names: str) -> list[Check]:
    return [check for check in BOUND[pipeline].checks[pipeline] if check.check in names]


@pytest.mark.parametrize(
    ("changed", "failed"),
    [
        ({}, set()),
        ({name: None for name in RIGHT if "_re" in name or "_rate" in name}, set()),
        ({"cohort_churn_rate": "0.500002"}, {SHARE}),
        ({"net_revenue_retention": "0.499999"}, {SHARE}),
        ({"ttm_cohort_churn_rate": "0.333335"}, {SHARE}),
        ({"ttm_net_revenue_retention": "0.6"}, {SHARE}),
        ({"mrr_churn": 99, "mrr_contraction": 50}, {WITHIN}),
        ({"mrr_new": 0, "mrr_expansion": 199}, {WITHIN}),
        # An account that moved leaves its movements in another cell than its opening.
        ({"mrr_churn": 0, "mrr_contraction": 0, "row_kind": "cell"}, set()),
    ],
)
def test_a_row_keeps_and_loses_no_more_than_it_opened_with_and_no_more_than_moved(
    spark: SparkSession, changed: dict[str, object], failed: set[str]
) -> None:
    columns = BOUND["investor_growth"].pipeline.publishes.columns
    row = {
        name: value if name == "row_kind" or value is None else Decimal(str(value))
        for name, value in {**RIGHT, **changed}.items()
    }
    frame = spark.createDataFrame([tuple(row.values())], ", ".join(f"{name} {columns[name].type}" for name in row))
    results = evaluate(
        checks("investor_growth", SHARE, WITHIN), Dataset(name="investor_growth", frame=frame), Context()
    )
    assert {result.outcome for result in results} <= {Outcome.PASSED, Outcome.FAILED}, results
    assert {result.check for result in results if result.outcome is Outcome.FAILED} == failed
    assert len(results) == 2


@pytest.mark.parametrize(("prefix", "of"), [("", "report"), ("month_ttm_", "report_ttm")])
@pytest.mark.parametrize(
    ("churn", "kept", "outcome"),
    [
        ("0.333334", "0.666667", Outcome.PASSED),
        ("0.333335", "0.666667", Outcome.FAILED),
        (None, None, Outcome.NOT_RUN),
    ],
)
def test_the_report_keeps_and_loses_no_more_than_it_opened_with(
    spark: SparkSession, prefix: str, of: str, churn: str | None, kept: str | None, outcome: Outcome
) -> None:
    ratios = {"cohort_churn_rate": churn, "gross_revenue_retention": kept}
    rows = [(f"{prefix}{name}", value and Decimal(value)) for name, value in ratios.items()]
    rows += [("revenue", Decimal(900))]
    frame = spark.createDataFrame(rows, "metric string, value decimal(28,6)")
    wanted = checks("executive_report", f"{of}_churn_and_retention_share_the_opening")
    (result,) = evaluate(wanted, Dataset(name="executive_report", frame=frame), Context())
    assert result.outcome is outcome, result
