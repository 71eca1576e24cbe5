"""What a cohort keeps and loses, found anew from the first and the last day of its units."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from custom_checks import check, counted_jobs, evaluate, frame, rows, tables
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from dq.base.model import CheckResult, Json, Outcome
from dq.base.verdict import magnitude
from dq.engine.dataset import Dataset
from dq.judge.evaluate import evaluate as run_all

UNITS = "account_id string, product string, region string, region_before string, opening int, closing int"
FIGURES = "row_kind string, product string, region string, kept decimal(18,2), lost decimal(18,2)"
COHORT: dict[str, Json] = {
    "retained": "kept",
    "lost": "lost",
    "other": "units",
    "unit": ["account_id", "product"],
    "opening": "opening",
    "closing": "closing",
    "by": ["product", "region"],
    "other_by": ["product", "region_before"],
    "row_condition": "row_kind = 'cell'",
    "other_condition": "product <> 'unallocated'",
}
COMPANY = {
    **{key: value for key, value in COHORT.items() if key not in ("by", "other_by")},
    "unit": ["account_id"],
    "row_condition": "row_kind = 'total'",
}


def first_day(spark: SparkSession) -> DataFrame:
    return frame(
        spark,
        UNITS,
        ("stays", "cloud", "north", "north", 100, 100),
        ("moves", "cloud", "south", "north", 40, 40),
        ("leaves", "cloud", "south", "south", 50, 50),
        ("new", "cloud", "north", "north", 0, 10),
        ("stays", "unallocated", "north", "north", 7, 7),
    )


def last_day(spark: SparkSession) -> DataFrame:
    return frame(
        spark,
        UNITS,
        ("stays", "cloud", "north", "north", 120, 130),
        ("stays", "mail", "north", "north", 20, 20),
        ("moves", "cloud", "south", "south", 40, 40),
        ("leaves", "cloud", "south", "south", 50, 0),
        ("new", "cloud", "north", "north", 10, 90),
    )


CELLS = [("cell", "cloud", "north", 170, 0), ("cell", "cloud", "south", 0, 50)]
TOTAL = ("total", "total", "total", 190, 50)


def figures(spark: SparkSession, *data: tuple[str, str, str, int | None, int | None]) -> DataFrame:
    return frame(spark, FIGURES, *((*row[:3], *(None if n is None else Decimal(n) for n in row[3:])) for row in data))


def judged(
    spark: SparkSession, kwargs: dict[str, Json], *data: tuple[str, str, str, int | None, int | None]
) -> CheckResult:
    context = tables(**{"units.first_day": first_day(spark), "units.last_day": last_day(spark)})
    return evaluate(figures(spark, *data), check("expect_cohort_to_match", show=True, **kwargs), context)


@pytest.mark.parametrize("kwargs", [COHORT, COMPANY])
def test_who_was_there_is_counted_where_it_was_then_by_product_and_by_account(
    spark: SparkSession, kwargs: dict[str, Json]
) -> None:
    assert judged(spark, kwargs, *CELLS, TOTAL).outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("kwargs", "data", "told"),
    [
        (COHORT, [("cell", "cloud", "north", 260, 0), CELLS[1]], "kept of cloud / north: 260.00, units by account_id"),
        (COHORT, [CELLS[0], ("cell", "cloud", "south", 40, 50)], "kept of cloud / south: 40.00"),
        (COHORT, [CELLS[0]], "lost of cloud / south: missing"),
        (COHORT, [*CELLS, ("cell", "mail", "north", 0, 5)], "lost of mail / north: 5.00"),
        (COHORT, [CELLS[0], ("cell", "cloud", "south", None, 50)], "kept of cloud / south: not known"),
        (COMPANY, [("total", "total", "total", 170, 50)], "kept: 170.00, units by account_id 190"),
    ],
)
def test_newcomers_moves_and_lost_groups_are_found(
    spark: SparkSession, kwargs: dict[str, Json], data: list[tuple[str, str, str, int | None, int | None]], told: str
) -> None:
    result = judged(spark, kwargs, *data)
    assert (result.outcome, told in result.observed) == (Outcome.FAILED, True), result.observed


def test_what_is_kept_leaves_out_expansion_and_is_compared_where_it_is_published(spark: SparkSession) -> None:
    kwargs: dict[str, Json] = {**COHORT, "kept": "gross"}
    context = tables(**{"units.first_day": first_day(spark), "units.last_day": last_day(spark)})
    north = F.when(F.col("region") == "north", F.lit(140))
    for gross, outcome in ((north.otherwise(0), Outcome.PASSED), (F.col("kept"), Outcome.FAILED)):
        one = evaluate(
            figures(spark, *CELLS).withColumn("gross", gross.cast("decimal(18,2)")),
            check("expect_cohort_to_match", show=True, **kwargs),
            context,
        )
        assert one.outcome is outcome, one.observed
    assert "gross of cloud / north: 170.00" in one.observed


def test_a_cohort_may_be_that_of_another_tables_first_day(spark: SparkSession) -> None:
    """The customers of a year ago against what the last day of the month holds of them."""
    began = frame(
        spark, UNITS, ("stays", "cloud", "south", "south", 90, 100), ("gone", "cloud", "north", "north", 5, 5)
    )
    days = {"year.first_day": began, "units.first_day": first_day(spark), "units.last_day": last_day(spark)}
    one = check("expect_cohort_to_match", show=True, **{**COMPANY, "since": "year"})
    right, wrong = (figures(spark, ("total", "total", "total", kept, 5)) for kept in (150, 190))
    assert evaluate(right, one, tables(**days)).outcome is Outcome.PASSED
    result = evaluate(wrong, one, tables(**days))
    assert (result.outcome, "year to units by account_id 150" in result.observed) == (Outcome.FAILED, True)
    absent = replace(
        tables(**days), tables={"units.last_day": last_day(spark)}, absent_tables={"year.first_day": "new"}
    )
    assert evaluate(wrong, one, absent).outcome is Outcome.NOT_RUN


def test_of_nobody_and_without_the_days_it_cannot_be_judged(spark: SparkSession) -> None:
    none = {"units.first_day": first_day(spark).limit(0), "units.last_day": last_day(spark).limit(0)}
    one = check("expect_cohort_to_match", **COMPANY)
    empty = evaluate(figures(spark), one, tables(**none))
    assert (empty.outcome, "no amount on either side" in empty.reason) == (Outcome.ERRORED, True)
    assert evaluate(figures(spark, TOTAL), one, tables()).outcome is Outcome.ERRORED
    absent = replace(tables(), absent_tables={"units.first_day": "not published as final"})
    assert evaluate(figures(spark, TOTAL), one, absent).outcome is Outcome.NOT_RUN


def test_the_month_before_is_restated_by_an_amount(spark: SparkSession) -> None:
    kwargs = {**COHORT, "other": "units.previous", "published": "previous"}
    one = check("expect_cohort_to_match", show=True, **kwargs)
    published = figures(spark, CELLS[0], ("cell", "cloud", "south", 0, 45), ("cell", "mail", "north", 0, 0))
    context = replace(
        tables(
            **{
                "figures.previous": published,
                "units.previous.first_day": first_day(spark),
                "units.previous.last_day": last_day(spark),
            }
        ),
        published={"previous": "2026-09"},
    )
    result = evaluate(figures(spark), one, context)
    assert (result.outcome, magnitude(result)) == (Outcome.FAILED, Decimal(5))
    assert rows(result)[0]["line"] == "lost of cloud / south"
    before = replace(context, tables={**context.tables, "figures.previous": published.drop("lost")})
    told = evaluate(figures(spark), one, before)
    assert told.outcome is Outcome.PASSED
    assert told.observed.endswith("; 2026-09 was published without lost")
    neither = replace(context, tables={**context.tables, "figures.previous": published.drop("lost", "kept")})
    assert evaluate(figures(spark), one, neither).outcome is Outcome.NOT_RUN


def test_a_company_that_nobody_paid_when_the_month_opened_retains_and_loses_nothing(spark: SparkSession) -> None:
    new = first_day(spark).where("account_id = 'new'")
    context = tables(**{"units.first_day": new, "units.last_day": last_day(spark).where("account_id = 'new'")})
    right = figures(spark, ("cell", "cloud", "north", 0, 0), ("total", "total", "total", 0, 0))
    wrong = figures(spark, ("cell", "cloud", "north", 90, 0), ("total", "total", "total", 90, 0))
    for kwargs in (COHORT, COMPANY):
        one = check("expect_cohort_to_match", show=True, **kwargs)
        assert evaluate(right, one, context).outcome is Outcome.PASSED
        assert evaluate(wrong, one, context).outcome is Outcome.FAILED


def test_two_cohorts_of_the_same_units_are_judged_each_by_its_own_amounts(spark: SparkSession) -> None:
    data = figures(spark, *CELLS, TOTAL).withColumns({"kept_seats": F.col("kept"), "lost_seats": F.col("lost")})
    seats = {**COHORT, "retained": "kept_seats", "lost": "lost_seats", "opening": "seats_opening"}
    days = {f"units.{end}_day": day.withColumn("seats_opening", F.lit(0)) for end, day in ends(spark).items()}
    checks = [check("expect_cohort_to_match", check_id=f"c{n}", **kwargs) for n, kwargs in enumerate((COHORT, seats))]
    first, second = run_all(checks, Dataset(name="figures", frame=data), tables(**days))
    assert (first.outcome, second.outcome) == (Outcome.PASSED, Outcome.FAILED), (first.observed, second.reason)


def ends(spark: SparkSession) -> dict[str, DataFrame]:
    return {"first": first_day(spark), "last": last_day(spark)}


def test_both_amounts_of_a_cohort_come_from_one_pass_over_the_units(spark: SparkSession) -> None:
    """Two jobs are for our totals, and three for the units: what Spark exchanges is a job of its own."""
    with counted_jobs(spark, "cohort of all") as counted:
        assert judged(spark, COMPANY, *CELLS, TOTAL).outcome is Outcome.PASSED
    assert counted.jobs == 5
