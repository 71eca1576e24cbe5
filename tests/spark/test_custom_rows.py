"""Ratios and denominators, conversions, and measures against their history."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest
from custom_checks import OCTOBER, check, counted_jobs, evaluate, frame, rows
from pyspark.sql import DataFrame, SparkSession

from dq.base.model import Evidence, Json, Outcome
from dq.checks.evaluation import evaluate_custom
from dq.engine.dataset import Context, Dataset

RATIO = "unit_profit decimal(18,6), seats int, reason string"


def ratios(spark: SparkSession, *data: tuple[str | None, int | None, str | None]) -> DataFrame:
    return frame(spark, RATIO, *((None if a is None else Decimal(a), b, c) for a, b, c in data))


ZERO = check("expect_zero_denominators_to_be_counted", column="unit_profit", denominator="seats", max_count=1)
EXPLAINED = check("expect_ratio_to_be_explained", column="unit_profit", denominator="seats", reason_column="reason")


def test_zero_denominators_are_counted_cell_by_cell_and_null_is_not_zero(spark: SparkSession) -> None:
    cells = ratios(spark, ("1", 2, None), (None, 0, "none"), (None, None, "none"))
    result = evaluate(cells, ZERO)
    assert result.outcome is Outcome.PASSED
    assert result.observed == "1 of 3 rows: seats is 0 (allowed 1)"
    assert result.measures == {"element_count": 3, "unexpected_count": 1}


def test_more_zero_denominators_than_allowed_fail(spark: SparkSession) -> None:
    cells = ratios(spark, (None, 0, "none"), (None, 0, "none"), ("1", 1, None))
    assert evaluate(cells, ZERO).outcome is Outcome.FAILED
    assert evaluate(cells, check(ZERO.type, **{**ZERO.kwargs, "max_count": 2})).outcome is Outcome.PASSED


def test_explained_ratios_pass(spark: SparkSession) -> None:
    cells = ratios(spark, ("1.5", 2, None), (None, 0, "no_subscribers"), (None, 3, "source_absent"))
    result = evaluate(cells, EXPLAINED)
    assert (result.outcome, result.observed) == (Outcome.PASSED, "all 3 rows are explained")


@pytest.mark.parametrize(
    ("cell", "way"),
    [
        ((None, 3, None), "unit_profit is NULL without reason"),
        (("1", 3, "no_subscribers"), "unit_profit has a value and reason"),
        (("0", 0, None), "unit_profit has a value although seats is 0 or NULL"),
        (("0", None, None), "unit_profit has a value although seats is 0 or NULL"),
    ],
)
def test_a_ratio_that_is_not_explained_fails_and_says_in_which_way(
    spark: SparkSession, cell: tuple[str | None, int | None, str | None], way: str
) -> None:
    result = evaluate(ratios(spark, ("1", 1, None), cell), EXPLAINED)
    assert result.outcome is Outcome.FAILED
    assert result.observed == f"1 of 2 rows: {way}"


def test_the_reason_that_blames_the_denominator_is_wrong_where_that_is_above_0(spark: SparkSession) -> None:
    blamed = check(EXPLAINED.type, **EXPLAINED.kwargs, zero_reason="no_subscribers")
    rightly = ((None, 0, "no_subscribers"), (None, -1, "no_subscribers"), (None, None, "no_subscribers"))
    cells = ratios(spark, ("1", 1, None), (None, 3, "source_absent"), *rightly)
    assert evaluate(cells, blamed).outcome is Outcome.PASSED
    result = evaluate(cells.unionByName(ratios(spark, (None, 3, "no_subscribers"))), blamed)
    assert result.outcome is Outcome.FAILED
    assert result.observed == "1 of 6 rows: reason is no_subscribers although seats is above 0"


def test_a_negative_denominator_has_a_reason_of_its_own(spark: SparkSession) -> None:
    kwargs = {**EXPLAINED.kwargs, "zero_reason": "no_seats", "negative_reason": "negative"}
    one = check(EXPLAINED.type, **kwargs)
    right = ratios(spark, ("1", 1, None), (None, 0, "no_seats"), (None, None, "no_seats"), (None, -1, "negative"))
    assert evaluate(right, one).outcome is Outcome.PASSED
    for cell, way in (
        ((None, -1, "no_seats"), "reason is no_seats although seats is below 0"),
        ((None, 0, "negative"), "reason is negative although seats is not below 0"),
    ):
        result = evaluate(right.unionByName(ratios(spark, cell)), one)
        assert (result.outcome, result.observed) == (Outcome.FAILED, f"1 of 5 rows: {way}")


def test_rows_that_should_not_be_are_counted_and_valued_on_the_last_day(spark: SparkSession) -> None:
    schema = "day date, status string, mrr decimal(18,2)"
    last, before = OCTOBER.data_through, OCTOBER.start
    held = [(last, "closed", Decimal("60.00")), (last, "open", Decimal("900.00")), (last, None, Decimal("1.00"))]
    data = frame(spark, schema, *held, (last, "closed", Decimal("40.00")), (before, "closed", Decimal("5000.00")))
    kwargs: dict[str, Json] = {"where": "status = 'closed'", "day": "day", "amount": "mrr"}
    context = Context(window=OCTOBER)

    def judged(**more: Json) -> tuple[Outcome, str]:
        result = evaluate(data, check("expect_rows_to_be_immaterial", **kwargs, **more), context)
        return result.outcome, result.observed

    assert judged() == (Outcome.FAILED, "2 of 4 rows, worth 100.00 of mrr")
    assert judged(max_share=1, max_amount="100.00")[0] is Outcome.PASSED
    assert judged(max_share=1, max_amount="99.99") == (
        Outcome.FAILED,
        "2 of 4 rows, worth 100.00 of mrr (allowed 99.99 of mrr)",
    )
    none = evaluate(data.where("status = 'open'"), check("expect_rows_to_be_immaterial", **kwargs), context)
    assert (none.outcome, none.observed) == (Outcome.PASSED, "none of 1 rows")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_ratio_that_is_no_finite_number_fails(spark: SparkSession, value: float) -> None:
    cells = frame(spark, "unit_profit double, seats int, reason string", (value, 1, None))
    assert evaluate(cells, EXPLAINED).observed == "1 of 1 rows: unit_profit is not a finite number"


def test_a_row_wrong_in_two_ways_counts_once(spark: SparkSession) -> None:
    result = evaluate(ratios(spark, ("1", 0, "no_subscribers")), EXPLAINED)
    assert result.measures["unexpected_count"] == 1


def test_ratios_of_no_rows_cannot_be_evaluated_and_all_null_ones_can(spark: SparkSession) -> None:
    for one in (ZERO, EXPLAINED):
        assert evaluate(ratios(spark), one).reason.endswith("no rows to evaluate")
    assert evaluate(ratios(spark, (None, None, None)), EXPLAINED).outcome is Outcome.FAILED
    assert evaluate(ratios(spark, (None, None, None)), ZERO).outcome is Outcome.PASSED


def test_a_dataset_that_may_be_empty_has_nothing_wrong_when_it_is(spark: SparkSession) -> None:
    for one in (ZERO, EXPLAINED):
        assert evaluate(ratios(spark), one, may_be_empty=True).outcome is Outcome.PASSED
    mean = check("expect_measure_to_fit_history", metric="mean", column="seats", low=0.5)
    assert evaluate(ratios(spark), mean, may_be_empty=True).outcome is Outcome.NOT_RUN


def test_failing_rows_are_sampled_only_when_taken_and_opted_in(spark: SparkSession) -> None:
    cells = ratios(spark, *[("7.77", 0, "secret")] * 30)
    for sample, show, count in ((True, True, 20), (True, False, 0), (False, True, 0)):
        one = check(EXPLAINED.type, show=show, **EXPLAINED.kwargs)
        result = evaluate(cells, one, Context(window=OCTOBER, sample=sample))
        assert len(result.rows) == count
        assert ("7.77" in str(result)) is bool(count)
        assert result.measures["unexpected_count"] == 30
    assert set(
        rows(evaluate(cells, check(EXPLAINED.type, show=True, **EXPLAINED.kwargs), Context(sample=True)))[0]
    ) == {
        "unit_profit",
        "seats",
        "reason",
    }


CONVERT = check("expect_values_to_convert", column="amount")


def test_raw_values_that_did_not_convert_are_counted_and_raw_nulls_are_not(spark: SparkSession) -> None:
    given = frame(spark, "__raw_amount string, amount decimal(18,2)",
                  ("NaN", None), ("1.00", Decimal("1.00")), (None, None), ("1e99", None))  # fmt: skip
    result = evaluate(given, CONVERT)
    assert result.outcome is Outcome.FAILED
    assert result.observed == "2 of 4 rows: did not convert"
    assert result.evidence is Evidence.SCAN
    assert evaluate(given.where("__raw_amount = '1.00'"), CONVERT).outcome is Outcome.PASSED
    assert evaluate(given.where("__raw_amount is null"), CONVERT).outcome is Outcome.PASSED


def test_nan_and_infinity_do_not_convert_even_to_a_floating_type(spark: SparkSession) -> None:
    given = frame(spark, "amount double", (float("nan"),), (float("inf"),), (1.0,), (None,))
    assert evaluate(given, CONVERT).observed == "2 of 4 rows: are not finite numbers"


def test_a_column_that_was_never_converted_passes_by_its_type(spark: SparkSession) -> None:
    result = evaluate(frame(spark, "amount decimal(18,2)", (None,)), CONVERT)
    assert (result.outcome, result.evidence) == (Outcome.PASSED, Evidence.SCHEMA)
    assert evaluate(frame(spark, "other int", (1,)), CONVERT).outcome is Outcome.ERRORED


AMOUNTS = "amount decimal(18,2)"


def amounts(spark: SparkSession, *values: str | None) -> DataFrame:
    return frame(spark, AMOUNTS, *((None if value is None else Decimal(value),) for value in values))


def fits(metric: str, past: Sequence[str], spark_frame: DataFrame, **kwargs: Json) -> object:
    one = check("expect_measure_to_fit_history", metric=metric, **{"low": 0.7, "high": 1.3, **kwargs})
    context = Context(window=OCTOBER, history=lambda check_id: [Decimal(v) for v in past if check_id == "it"])
    return evaluate(spark_frame, one, context)


@pytest.mark.parametrize(
    ("metric", "column", "measured"),
    [
        ("row_count", None, "4"),
        ("sum", "amount", "2.00"),
        ("mean", "amount", "0.666666666666667"),
        ("mean_abs", "amount", "2"),
        ("null_share", "amount", "0.25"),
    ],
)
def test_each_metric_is_measured_exactly_and_kept(
    spark: SparkSession, metric: str, column: str | None, measured: str
) -> None:
    figures = amounts(spark, "-2.00", "1.00", "3.00", None)
    past = [measured] * 3
    result = fits(metric, past, figures, **({"column": column} if column else {}))
    assert result.outcome is Outcome.PASSED, result.observed
    assert Decimal(str(result.measures["metric"])) == Decimal(measured)


@pytest.mark.parametrize(
    ("past", "outcome"),
    [
        (["10", "10", "10"], Outcome.PASSED),
        (["7.70", "7.70", "7.70"], Outcome.PASSED),  # 10 is 1.2987 times 7.70
        (["7.69", "7.69", "7.69"], Outcome.FAILED),
        (["14.28", "14.28", "14.28"], Outcome.PASSED),
        (["14.29", "14.29", "14.29"], Outcome.FAILED),
        (["1", "10", "1000"], Outcome.PASSED),  # the median, not the mean
        (["0", "0", "0"], Outcome.FAILED),
        (["-10", "-10", "-10"], Outcome.FAILED),
    ],
)
def test_a_sum_fits_within_ratios_of_the_median(spark: SparkSession, past: list[str], outcome: Outcome) -> None:
    assert fits("sum", past, amounts(spark, "4.00", "6.00"), column="amount").outcome is outcome


def test_a_loss_is_compared_with_losses(spark: SparkSession) -> None:
    past = ["-100", "-100", "-100"]
    assert fits("sum", past, amounts(spark, "-120.00"), column="amount").outcome is Outcome.PASSED
    result = fits("sum", past, amounts(spark, "-131.00"), column="amount")
    assert result.outcome is Outcome.FAILED
    assert result.observed == ("sum of amount -131.00, usual -130.0 to -70.0 (median -100 of 3 published periods)")


def test_one_open_end_is_open(spark: SparkSession) -> None:
    past = ["10", "10", "10"]
    assert fits("sum", past, amounts(spark, "999.00"), column="amount", high=None).outcome is Outcome.PASSED
    assert fits("sum", past, amounts(spark, "1.00"), column="amount", low=None).outcome is Outcome.PASSED
    assert fits("sum", past, amounts(spark, "1.00"), column="amount", high=None).outcome is Outcome.FAILED


@pytest.mark.parametrize(("value", "outcome"), [("112.00", Outcome.PASSED), ("112.01", Outcome.FAILED)])
def test_a_measure_fits_within_median_deviations(spark: SparkSession, value: str, outcome: Outcome) -> None:
    past = ["96", "98", "100", "104", "110"]  # median 100, deviations 4 2 0 4 10: their median is 4
    kwargs: dict[str, Json] = {"column": "amount", "low": None, "high": None, "mads": 3}
    assert fits("sum", past, amounts(spark, value), **kwargs).outcome is outcome


def test_a_history_that_never_varied_allows_two_hundredths(spark: SparkSession) -> None:
    kwargs: dict[str, Json] = {"column": "amount", "low": None, "high": None, "mads": 1}
    assert fits("sum", ["100"] * 4, amounts(spark, "102.00"), **kwargs).outcome is Outcome.PASSED
    assert fits("sum", ["100"] * 4, amounts(spark, "102.01"), **kwargs).outcome is Outcome.FAILED


def test_a_sum_is_compared_with_its_trend_and_a_share_with_its_median(spark: SparkSession) -> None:
    kwargs: dict[str, Json] = {"column": "amount", "low": None, "high": None, "mads": 1}
    past = ["100", "110", "120", "130", "140", "150"]
    result = fits("sum", past, amounts(spark, "160.00"), **kwargs)
    assert result.outcome is Outcome.PASSED
    assert result.observed == ("sum of amount 160.00, usual 156.80 to 163.20 (trend 160 of 6 published periods)")
    assert fits("sum", past, amounts(spark, "125.00"), **kwargs).outcome is Outcome.FAILED
    shares = ["0.1", "0.2", "0.3", "0.4", "0.5", "0.6"]
    missing = fits("null_share", shares, amounts(spark, *["1.00"] * 30, *[None] * 70), **kwargs)
    assert missing.outcome is Outcome.FAILED
    assert "usual 0.20 to 0.50 (median 0.35 of 6 published periods)" in missing.observed


def test_only_as_many_periods_as_declared_say_what_is_usual(spark: SparkSession) -> None:
    past = ["1"] * 12 + ["10"] * 12
    assert fits("sum", past, amounts(spark, "10.00"), column="amount").outcome is Outcome.PASSED
    rising = ["1", "2", "12"]
    running: dict[str, Json] = {"column": "amount", "minimum_history": 1, "maximum_history": 1}
    assert fits("sum", rising, amounts(spark, "10.00"), **running).outcome is Outcome.PASSED
    assert fits("sum", rising, amounts(spark, "2.00"), **running).outcome is Outcome.FAILED
    assert fits("sum", rising, amounts(spark, "2.00"), column="amount").outcome is Outcome.PASSED
    assert fits("sum", [], amounts(spark, "2.00"), **running).outcome is Outcome.NOT_RUN


def test_one_row_without_a_value_after_spotless_periods_is_no_trend(spark: SparkSession) -> None:
    kwargs: dict[str, Json] = {"column": "amount", "low": None, "high": None, "mads": 1}
    assert fits("null_share", ["0"] * 6, amounts(spark, "1.00", "1.00", None), **kwargs).outcome is Outcome.PASSED
    assert fits("null_share", ["0"] * 6, amounts(spark, "1.00", None, None), **kwargs).outcome is Outcome.FAILED


def test_below_the_minimum_history_the_check_is_not_run_but_measured(spark: SparkSession) -> None:
    result = fits("sum", ["10", "10"], amounts(spark, "999.00"), column="amount")
    assert result.outcome is Outcome.NOT_RUN
    assert result.reason == "not enough history: 2 of 3 published periods"
    assert result.measures["metric"] == "999.00"
    without = evaluate(amounts(spark, "1.00"), check("expect_measure_to_fit_history", metric="row_count", low=1))
    assert without.outcome is Outcome.NOT_RUN
    assert fits("sum", ["10", "NaN", "10"], amounts(spark, "1.00"), column="amount").outcome is Outcome.NOT_RUN


def test_a_measure_of_nothing_cannot_be_judged_and_one_that_is_no_number_fails(spark: SparkSession) -> None:
    nothing = fits("mean", ["1"] * 3, amounts(spark, None, None), column="amount")
    assert nothing.outcome is Outcome.ERRORED
    assert fits("null_share", ["1"] * 3, amounts(spark, None), column="amount").outcome is Outcome.PASSED
    assert fits("null_share", ["1"] * 3, amounts(spark), column="amount").outcome is Outcome.ERRORED
    nan = fits("sum", ["1"] * 3, frame(spark, "amount double", (float("nan"),)), column="amount")
    assert nan.outcome is Outcome.FAILED
    assert "metric" not in nan.measures


def test_a_single_scan_decides_all_row_checks(spark: SparkSession) -> None:
    cells = ratios(spark, ("1.5", 2, None), (None, 0, "no_subscribers")).coalesce(1)
    checks = [
        check(ZERO.type, check_id="zero", **ZERO.kwargs),
        check(EXPLAINED.type, check_id="explained", **EXPLAINED.kwargs),
        check("expect_values_to_convert", check_id="convert", column="seats"),
        check("expect_measure_to_fit_history", check_id="rows", metric="row_count", low=0.5),
        check("expect_measure_to_fit_history", check_id="mean", metric="mean", column="seats", low=0.5),
    ]
    with counted_jobs(spark, "rows") as counted:
        results = evaluate_custom(checks, Dataset(name="figures", frame=cells), Context(window=OCTOBER))
    assert [result.outcome for result in results.values()] == [
        Outcome.PASSED,
        Outcome.PASSED,
        Outcome.PASSED,
        Outcome.NOT_RUN,
        Outcome.NOT_RUN,
    ]
    assert counted.jobs == 1  # one partition needs no exchange, whose stage would count as a job


def test_checks_of_the_run_are_refused_here(spark: SparkSession) -> None:
    with pytest.raises(ValueError, match="expect_run_to_complete"):
        evaluate(amounts(spark, "1.00"), check("expect_run_to_complete"))
