"""A published final against what its units give now: every restated amount is told, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from custom_checks import check, counted_jobs, evaluate, frame, rows, tables
from pyspark.sql import DataFrame, SparkSession

from dq.base.model import Check, CheckResult, Json, Outcome
from dq.base.verdict import magnitude
from dq.checks.evaluation import evaluate_custom
from dq.engine.dataset import Context, Dataset

FIGURES = "row_kind string, product string, revenue decimal(18,2), profit decimal(18,2)"
UNITS = "product string, revenue decimal(18,2), profit decimal(18,2)"
REDERIVES = check(
    "expect_published_to_rederive",
    published="previous",
    row_condition="row_kind = 'cell'",
    other="units.previous",
    pairs=[{"column": "revenue", "other": "revenue"}, {"column": "profit", "other": "profit"}],
    by=["product"],
)


def money(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def figures(spark: SparkSession, *cells: tuple[str, str | None, str | None]) -> DataFrame:
    made = [("cell", product, money(revenue), money(profit)) for product, revenue, profit in cells]
    return frame(spark, FIGURES, *made, ("total", "total", Decimal("99.00"), Decimal("99.00")))


def units(spark: SparkSession, *data: tuple[str, str | None, str | None]) -> DataFrame:
    return frame(spark, UNITS, *((product, money(revenue), money(profit)) for product, revenue, profit in data))


def judged(published: DataFrame, now: DataFrame, *, show: bool = False) -> CheckResult:
    context = replace(
        tables(**{"figures.previous": published, "units.previous": now}), published={"previous": "2026-09"}
    )
    return evaluate(published, replace(REDERIVES, show=show), context)


def test_a_month_that_still_adds_up_passes_and_says_what_it_was(spark: SparkSession) -> None:
    now = units(spark, ("cloud", "6.00", "1.00"), ("cloud", "4.00", "2.00"), ("mail", "1.00", "0.50"))
    result = judged(figures(spark, ("cloud", "10.00", "3.00"), ("mail", "1.00", "0.50")), now)
    assert result.outcome is Outcome.PASSED
    assert result.observed == "2026-09 is still what was published: revenue 11.00, profit 3.50"
    assert magnitude(result) == 0


def test_a_restated_month_names_what_was_published_what_it_is_now_and_the_difference(spark: SparkSession) -> None:
    published = figures(spark, ("cloud", "10.00", "1204310.20"), ("mail", "1.00", "1.00"))
    result = judged(published, units(spark, ("cloud", "10.00", "1203810.20"), ("mail", "1.00", "1.00")), show=True)
    assert result.outcome is Outcome.FAILED
    assert result.observed == (
        "2026-09 profit: published 1,204,311.20, its units now give 1,203,811.20, restated by -500.00 in 1 of 2 rows"
    )
    assert rows(result) == [
        {"line": "profit of cloud", "published": "1204310.20", "now": "1203810.20", "restated_by": "-500.00"}
    ]
    assert magnitude(result) == Decimal("500.00")


def test_a_waiver_needs_the_largest_amount_by_which_a_total_is_restated(spark: SparkSession) -> None:
    """More expenses move expenses and profit by the same amount; that is one restatement and not two."""
    result = judged(figures(spark, ("cloud", "10.00", "3.00")), units(spark, ("cloud", "10.25", "3.20")))
    assert magnitude(result) == Decimal("0.25")


def test_rows_restated_against_each_other_are_seen_although_the_sum_stands(spark: SparkSession) -> None:
    published = figures(spark, ("cloud", "10.00", "3.00"), ("mail", "1.00", "3.00"), ("desk", "0.00", "1.00"))
    now = units(spark, ("cloud", "10.00", "5.00"), ("mail", "1.00", "1.00"), ("desk", "0.00", "1.00"))
    result = judged(published, now)
    assert result.observed == (
        "2026-09 profit: published 7.00, its units now give the same in all, restated by 4.00 between rows "
        "in 2 of 3 rows"
    )
    assert magnitude(result) == Decimal("4.00")
    assert "cloud" not in str(result.rows)


def test_a_row_that_came_or_went_counts_by_its_amount(spark: SparkSession) -> None:
    published = figures(spark, ("cloud", "10.00", "3.00"), ("gone", "0.00", "0.00"))
    now = units(spark, ("cloud", "10.00", "3.00"), ("new", "0.00", "0.00"))
    assert judged(published, now).outcome is Outcome.PASSED
    now = units(spark, ("cloud", "10.00", "3.00"), ("new", "2.00", "0.00"))
    assert judged(published, now).observed == (
        "2026-09 revenue: published 10.00, its units now give 12.00, restated by 2.00 in 1 of 3 rows"
    )


def test_an_amount_that_is_known_only_now_is_a_restatement_of_all_of_it(spark: SparkSession) -> None:
    published = figures(spark, ("cloud", "10.00", None))
    assert judged(published, units(spark, ("cloud", "10.00", None))).outcome is Outcome.PASSED
    result = judged(published, units(spark, ("cloud", "10.00", "5.00")))
    assert result.outcome is Outcome.FAILED
    assert result.observed == "2026-09 profit: published missing, its units now give 5.00, restated by 5.00"


def test_a_published_count_of_people_is_counted_anew_and_not_added_up(spark: SparkSession) -> None:
    counted = check(
        "expect_published_to_rederive",
        other="units.previous",
        pairs=[{"column": "mau", "other": "user_id"}],
        distinct=True,
    )
    published = frame(spark, "mau bigint", (2,))

    def now(*users: str) -> CheckResult:
        people = frame(spark, "user_id string", *((user,) for user in users))
        context = tables(**{"figures.previous": published, "units.previous": people})
        return evaluate(published, counted, replace(context, published={"previous": "2026-09"}))

    assert now("u", "v", "u").outcome is Outcome.PASSED
    result = now("u", "v", "u", "w")
    assert result.observed == "2026-09 mau: published 2, its units now give 3, restated by 1"
    assert magnitude(result) == Decimal(1)
    assert now().observed == "2026-09 mau: published 2, its units now give 0, restated by -2"


def test_counts_of_people_are_told_by_row_and_never_added_up_over_rows(spark: SparkSession) -> None:
    """Who is active in two regions is one user: what the regions have together is no number of users."""
    published = frame(spark, "region string, mau bigint, sessions bigint", ("north", 5, 7), ("south", 4, 3))
    one = check(
        "expect_published_to_rederive",
        other="now",
        pairs=[{"column": "mau", "other": "mau"}, {"column": "sessions", "other": "sessions"}],
        never_added=["mau"],
        by=["region"],
    )

    def now(*rows: tuple[str, int, int]) -> CheckResult:
        figures = frame(spark, "region string, mau bigint, sessions bigint", *rows)
        context = tables(**{"figures.previous": published, "now": figures})
        return evaluate(published, one, replace(context, published={"previous": "2026-09"}))

    assert now(("north", 5, 7), ("south", 4, 3)).observed == (
        "2026-09 is still what was published: mau in 2 rows, sessions 10"
    )
    result = now(("north", 8, 7), ("south", 3, 3))
    assert result.observed == (
        "2026-09 mau: not what was published in 2 of 2 rows, by up to 3 in one of them; "
        "the differences of all rows, which a waiver's ceiling has to cover, come to 4"
    )
    assert magnitude(result) == Decimal(4)


def test_nothing_published_and_nothing_now_is_not_run(spark: SparkSession) -> None:
    result = judged(figures(spark, ("cloud", None, None)), units(spark, ("cloud", None, None)))
    assert (result.outcome, result.reason) == (
        Outcome.NOT_RUN,
        "2026-09 has no revenue and no profit, as published or now",
    )


def test_units_that_are_all_gone_restate_the_whole_month(spark: SparkSession) -> None:
    result = judged(figures(spark, ("cloud", "10.00", "3.00")), units(spark))
    assert result.outcome is Outcome.FAILED
    assert "published 10.00, its units now give missing, restated by -10.00" in result.observed


def test_without_a_final_it_is_not_run_and_starts_no_job(spark: SparkSession) -> None:
    context = Context(absent_tables={"figures.previous": "no final of 2026-09"})
    with counted_jobs(spark, "no previous") as counted:
        result = evaluate(figures(spark), REDERIVES, context)
    assert (result.outcome, result.reason) == (Outcome.NOT_RUN, "no final of 2026-09")
    assert counted.jobs == 0


def test_checks_of_one_grouping_are_one_comparison_and_each_is_judged_for_itself(spark: SparkSession) -> None:
    published = figures(spark, ("cloud", "10.00", "3.00"), ("mail", "1.00", "0.50"))
    now = units(spark, ("cloud", "10.00", "3.25"), ("mail", "1.00", "0.50"))
    context = replace(
        tables(**{"figures.previous": published, "units.previous": now}), published={"previous": "2026-09"}
    )

    def of(check_id: str, *names: str, **kwargs: Json) -> Check:
        pairs = [{"column": name, "other": name} for name in names]
        return replace(REDERIVES, check=check_id, kwargs={**REDERIVES.kwargs, "pairs": pairs, **kwargs})

    checks = [
        of("revenue", "revenue"),
        of("both", "profit", "revenue"),
        of("tolerant", "profit", tolerance="0.25"),
        of("elsewhere", "profit", other_condition="product <> 'cloud'"),
    ]

    def evaluated(name: str, *some: Check) -> tuple[dict[str, CheckResult], int]:
        with counted_jobs(spark, f"one grouping: {name}") as counted:
            found = evaluate_custom(some, Dataset(name="figures", frame=published), context)
        return found, counted.jobs

    alone = {one.check: evaluated(one.check, one) for one in checks}
    assert {name: found[name].outcome for name, (found, _) in alone.items()} == {
        "revenue": Outcome.PASSED,
        "both": Outcome.FAILED,
        "tolerant": Outcome.PASSED,
        "elsewhere": Outcome.FAILED,
    }
    together, jobs = evaluated("together", *checks)
    assert together == {name: found[name] for name, (found, _) in alone.items()}
    # What three checks of one grouping ask for is had for what one of them costs; another condition is another one.
    assert jobs == alone["both"][1] + alone["elsewhere"][1]
    assert evaluated("alike", *checks[::2])[1] == alone["revenue"][1]


def test_a_column_that_is_absent_this_month_keeps_no_published_month_from_being_judged(spark: SparkSession) -> None:
    published = figures(spark, ("cloud", "10.00", "3.00"))
    context = tables(**{"figures.previous": published, "units.previous": units(spark, ("cloud", "10.00", "2.00"))})
    result = evaluate(published, REDERIVES, context, absent_columns={"profit": "expenses are declared absent"})
    assert result.outcome is Outcome.FAILED


@pytest.mark.parametrize("numbers", [1, 7])
def test_partitioning_changes_nothing(spark: SparkSession, numbers: int) -> None:
    published = figures(spark, ("cloud", "10.00", "3.00"), ("mail", "1.00", "1.00")).repartition(numbers)
    now = units(spark, ("mail", "0.50", "1.00"), ("cloud", "10.00", "3.00")).repartition(numbers)
    assert judged(published, now).observed == (
        "2026-09 revenue: published 11.00, its units now give 10.50, restated by -0.50 in 1 of 2 rows"
    )


def test_a_column_that_was_declared_after_the_final_was_published_is_not_compared(spark: SparkSession) -> None:
    published = figures(spark, ("cloud", "10.00", "3.00"))

    def against(before: DataFrame, revenue: str) -> CheckResult:
        context = tables(**{"figures.previous": before, "units.previous": units(spark, ("cloud", revenue, "9.00"))})
        return evaluate(published, REDERIVES, replace(context, published={"previous": "2026-09"}))

    kept = against(published.drop("profit"), "10.00")
    assert (kept.outcome, kept.observed) == (
        Outcome.PASSED,
        "2026-09 is still what was published: revenue 10.00; 2026-09 was published without profit",
    )
    assert against(published.drop("profit"), "9.00").outcome is Outcome.FAILED
    nothing = against(published.drop("profit", "revenue"), "10.00")
    assert (nothing.outcome, "so there is nothing to compare with" in nothing.reason) == (Outcome.NOT_RUN, True)


def test_a_column_that_does_not_exist_is_an_error_with_the_likely_one(spark: SparkSession) -> None:
    published = figures(spark, ("cloud", "10.00", "3.00"))
    wrong = replace(REDERIVES, kwargs={**REDERIVES.kwargs, "pairs": [{"column": "profits", "other": "profit"}]})
    context = tables(**{"figures.previous": published, "units.previous": units(spark)})
    result = evaluate(published, wrong, context)
    assert result.outcome is Outcome.ERRORED
    assert "did you mean profit" in result.reason
