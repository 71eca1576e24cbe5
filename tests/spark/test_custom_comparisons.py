"""Reconciliation and totals: every line and every group for itself, both sides, to the cent."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from custom_checks import OCTOBER, check, counted_jobs, evaluate, frame, rows, tables
from pyspark.sql import DataFrame, SparkSession

from dq.base.model import Evidence, Json, Outcome
from dq.checks.evaluation import evaluate_custom, plan_line
from dq.engine.dataset import Context, Dataset

UNITS = "product string, revenue decimal(18,2), marketing decimal(18,2)"
LEDGER = "line string, booked date, amount decimal(18,2)"
DAY = date(2026, 10, 5)


def money(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def units(spark: SparkSession, *data: tuple[str | None, str | None, str | None]) -> DataFrame:
    return frame(spark, UNITS, *((product, money(a), money(b)) for product, a, b in data))


def ledger(spark: SparkSession, *data: tuple[str | None, str | None]) -> DataFrame:
    return frame(spark, LEDGER, *((line, DAY, money(amount)) for line, amount in data))


RECONCILE = check(
    "expect_total_to_reconcile",
    lines={"sales": "revenue", "marketing": "marketing"},
    other="ledger",
    other_line="line",
    other_amount="amount",
)


def test_lines_that_agree_pass_and_say_by_how_much(spark: SparkSession) -> None:
    figures = units(spark, ("cloud", "1000.00", "10.00"), ("desk", "204.00", None))
    result = evaluate(
        figures, RECONCILE, tables(ledger=ledger(spark, ("sales", "1204.01"), ("marketing", "4"), ("marketing", "6")))
    )
    assert result.outcome is Outcome.PASSED
    assert result.observed == "2 lines agree with ledger, largest difference 0.01"
    assert result.evidence is Evidence.COMPARISON
    assert result.measures == {"lines": 2, "lines_off": 0, "off_by": "0"}


def test_a_line_off_by_more_than_the_tolerance_fails_and_names_both_totals(spark: SparkSession) -> None:
    figures = units(spark, ("cloud", "10.00", "1204311.20"))
    result = evaluate(figures, RECONCILE, tables(ledger=ledger(spark, ("sales", "10"), ("marketing", "1204811.20"))))
    assert result.outcome is Outcome.FAILED
    assert result.observed == "marketing: 1,204,311.20, ledger 1,204,811.20, off by 500.00 (allowed 0.01)"
    assert rows(result) == [
        {"line": "marketing", "ours": "1204311.20", "theirs": "1204811.20", "off_by": "500.00"},
    ]
    assert result.measures["off_by"] == "500.00"


def test_errors_that_cancel_out_in_the_sum_are_both_seen(spark: SparkSession) -> None:
    figures = units(spark, ("cloud", "90.00", "20.00"))
    result = evaluate(figures, RECONCILE, tables(ledger=ledger(spark, ("sales", "100"), ("marketing", "10"))))
    assert result.outcome is Outcome.FAILED
    assert [row["line"] for row in rows(result)] == ["sales", "marketing"]
    assert result.measures["off_by"] == "20.00"


@pytest.mark.parametrize(
    ("booked", "wrong"),
    [
        ([("sales", "10.00")], {"marketing": "missing"}),
        ([("sales", "10.00"), ("marketing", None)], {"marketing": "not known"}),
        ([], {"sales": "missing", "marketing": "missing"}),
    ],
)
def test_a_line_the_ledger_does_not_hold_fails(
    spark: SparkSession, booked: list[tuple[str, str | None]], wrong: dict[str, str]
) -> None:
    figures = units(spark, ("cloud", "10.00", "20.00"))
    result = evaluate(figures, RECONCILE, tables(ledger=ledger(spark, *booked)))
    assert result.outcome is Outcome.FAILED
    assert {row["line"]: row["theirs"] for row in rows(result)} == wrong


def test_a_line_only_the_ledger_holds_fails_and_its_name_is_shown_only_when_opted_in(spark: SparkSession) -> None:
    figures = units(spark, ("cloud", "10.00", "20.00"))
    books = tables(ledger=ledger(spark, ("sales", "10"), ("marketing", "20"), ("rent", "7"), (None, "3")))
    hidden = evaluate(figures, RECONCILE, books)
    assert hidden.outcome is Outcome.FAILED
    assert [row["line"] for row in rows(hidden)] == ["undeclared line 1", "undeclared line 2"]
    assert "rent" not in str(hidden)
    shown = evaluate(figures, check(RECONCILE.type, show=True, **RECONCILE.kwargs), books)
    assert [row["line"] for row in rows(shown)] == ["rent", "no line"]


def test_a_line_that_one_side_lacks_and_is_zero_on_the_other_agrees(spark: SparkSession) -> None:
    figures = units(spark, ("cloud", "10.00", "0.00"))
    books = ledger(spark, ("sales", "10"), ("rent", "5"), ("rent", "-5"))
    assert evaluate(figures, RECONCILE, tables(ledger=books)).outcome is Outcome.PASSED
    nothing = ledger(spark, ("sales", "0"), ("marketing", "0"))
    assert evaluate(figures.limit(0), RECONCILE, tables(ledger=nothing)).outcome is Outcome.PASSED


def test_a_column_of_nothing_but_null_is_not_known_and_agrees_with_no_amount(spark: SparkSession) -> None:
    figures = units(spark, ("cloud", "10.00", None))
    for booked in ([("sales", "10"), ("marketing", "0")], [("sales", "10")]):
        result = evaluate(figures, RECONCILE, tables(ledger=ledger(spark, *booked)))
        assert result.outcome is Outcome.FAILED
        assert rows(result)[0]["ours"] == "not known"


def test_conditions_limit_both_sides(spark: SparkSession) -> None:
    figures = units(spark, ("cloud", "10.00", "1.00"), ("old", "99.00", "99.00"))
    books = ledger(spark, ("sales", "10"), ("marketing", "1"), ("rent", "7"))
    limited = dict(RECONCILE.kwargs, row_condition="product <> 'old'", other_where="line <> 'rent'")
    assert evaluate(figures, check(RECONCILE.type, **limited), tables(ledger=books)).outcome is Outcome.PASSED


def test_a_sum_that_is_not_a_number_fails_and_has_no_size_a_waiver_could_cover(spark: SparkSession) -> None:
    figures = frame(spark, "revenue double, marketing double", (float("nan"), 1.0))
    result = evaluate(figures, RECONCILE, tables(ledger=ledger(spark, ("sales", "10"), ("marketing", "1"))))
    assert result.outcome is Outcome.FAILED
    assert "off_by" not in result.measures
    assert result.observed == "sales: not a number, ledger 10.00"


def test_a_table_declared_absent_leaves_the_check_not_run_and_an_unknown_one_errors_it(spark: SparkSession) -> None:
    figures = units(spark, ("cloud", "10.00", "1.00"))
    absent = evaluate(figures, RECONCILE, Context(window=OCTOBER, absent_tables={"ledger": "no books kept"}))
    assert (absent.outcome, absent.reason) == (Outcome.NOT_RUN, "no books kept")
    unknown = evaluate(figures, RECONCILE, tables(leger=figures))
    assert unknown.outcome is Outcome.ERRORED
    assert "did you mean leger" in unknown.reason


def test_a_column_declared_absent_leaves_the_check_not_run(spark: SparkSession) -> None:
    figures = units(spark, ("cloud", "10.00", None))
    books = tables(ledger=ledger(spark, ("sales", "10")))
    result = evaluate(figures, RECONCILE, books, absent_columns={"marketing": "expenses are declared absent"})
    assert (result.outcome, result.reason) == (Outcome.NOT_RUN, "expenses are declared absent")


def test_a_column_that_the_other_table_has_not_for_want_of_a_source_leaves_the_check_not_run(
    spark: SparkSession,
) -> None:
    """The declaration decides, not what is NULL: without it one side that lacks its amount fails."""
    report = units(spark, ("profit", None, None))
    one = check(
        "expect_totals_to_match",
        row_condition="product = 'profit'",
        pairs=[{"column": "revenue", "other": "profit"}],
        other="units",
    )
    for known in (None, "123.00"):
        theirs = frame(spark, "profit decimal(18,2)", (money(known),), (None,))
        why = {"units": {"profit": "expenses is declared absent"}}
        absent = evaluate(report, one, Context(window=OCTOBER, tables={"units": theirs}, absent_columns=why))
        assert (absent.outcome, absent.reason) == (Outcome.NOT_RUN, "expenses is declared absent")
        elsewhere = Context(window=OCTOBER, tables={"units": theirs}, absent_columns={"units": {"margin": "no matter"}})
        assert evaluate(report, one, elsewhere).outcome is (Outcome.FAILED if known else Outcome.ERRORED)


@pytest.mark.parametrize(
    ("kwargs", "reason"),
    [
        ({"lines": {"sales": "revenu"}}, "did you mean revenue"),
        ({"lines": {"sales": "product"}}, "product is string"),
        ({"other_amount": "amout"}, "did you mean amount"),
        ({"row_condition": "nowhere = 1"}, "nowhere, which is not a column"),
        ({"row_condition": "revenue + 1"}, "expected true or false"),
        ({"other_where": "reflect('a', 'b') = 'c'"}, "calls reflect"),
        ({"tolerance": "-1"}, "tolerance"),
        ({"tolerance": 0.01}, "tolerance"),
    ],
)
def test_a_check_that_cannot_be_asked_is_errored_alone(
    spark: SparkSession, kwargs: dict[str, object], reason: str
) -> None:
    figures = units(spark, ("cloud", "10.00", "1.00"))
    books = tables(ledger=ledger(spark, ("sales", "10"), ("marketing", "1")))
    broken = check(RECONCILE.type, check_id="broken", **{**RECONCILE.kwargs, **kwargs})  # type: ignore[arg-type]
    results = evaluate_custom([broken, RECONCILE], Dataset(name="figures", frame=figures), books)
    assert results["broken"].outcome is Outcome.ERRORED
    assert reason in results["broken"].reason
    assert results["it"].outcome is Outcome.PASSED


def test_a_scan_that_dies_errors_its_checks_without_repeating_a_value(spark: SparkSession) -> None:
    figures = frame(spark, "revenue decimal(18,2), note string", (Decimal("1.00"), "top-secret"))
    dies = check("expect_totals_to_match", pairs=[{"column": "revenue", "other": "revenue"}], other="same",
                 row_condition="cast(note as int) > 0")  # fmt: skip
    result = evaluate(figures, dies, tables(same=figures))
    assert result.outcome is Outcome.ERRORED
    assert "CAST_INVALID_INPUT" in result.reason
    assert "top-secret" not in str(result)


MATCH = {"pairs": [{"column": "revenue", "other": "revenue"}, {"column": "*", "other": "*"}], "other": "before"}


def test_totals_and_row_counts_that_match_pass(spark: SparkSession) -> None:
    figures = units(spark, ("cloud", "1.00", None), ("desk", "2.00", None))
    result = evaluate(figures, check("expect_totals_to_match", **MATCH), tables(before=figures.repartition(3)))
    assert result.outcome is Outcome.PASSED
    assert result.measures == {"totals": 2, "totals_off": 0, "off_by": "0"}


def test_a_multiplied_row_fails_totals_and_row_count(spark: SparkSession) -> None:
    before = units(spark, ("cloud", "1.00", None), ("desk", "2.00", None))
    after = before.union(before.where("product = 'desk'"))
    result = evaluate(after, check("expect_totals_to_match", **MATCH), tables(before=before))
    assert result.outcome is Outcome.FAILED
    assert result.observed == (
        "revenue: 5.00, before 3.00, off by 2.00 (allowed 0); row count: 3, before 2, off by 1 (allowed 0)"
    )


def test_a_control_total_is_compared_with_a_row_count(spark: SparkSession) -> None:
    totals = frame(spark, "unit_rows bigint", (2,), (1,))
    kwargs = {"pairs": [{"column": "unit_rows", "other": "*"}], "other": "units"}
    three = units(spark, ("a", "1", None), ("b", "1", None), ("c", "1", None))
    assert evaluate(totals, check("expect_totals_to_match", **kwargs), tables(units=three)).outcome is Outcome.PASSED
    result = evaluate(totals, check("expect_totals_to_match", **kwargs), tables(units=three.limit(2)))
    assert result.observed == "unit_rows = row count: 3, units 2, off by 1 (allowed 0)"


GROUPED = {**MATCH, "by": ["product"]}


def test_groups_are_compared_one_by_one_and_null_is_a_group(spark: SparkSession) -> None:
    before = units(spark, ("cloud", "1.00", None), (None, "2.00", None))
    result = evaluate(before, check("expect_totals_to_match", **GROUPED), tables(before=before))
    assert result.outcome is Outcome.PASSED
    assert result.observed == "2 groups of 2 totals agree with before"
    assert result.measures["groups"] == 2


REVENUE = {"pairs": [{"column": "revenue", "other": "revenue"}], "other": "before", "by": ["product"]}


def test_a_group_that_one_side_lacks_agrees_with_zero_and_with_no_other_amount(spark: SparkSession) -> None:
    ours, theirs = units(spark, ("cloud", "1.00", None), ("ghost", "0.00", None)), units(spark, ("cloud", "1.00", None))
    for figures, before in ((ours, theirs), (theirs, ours)):
        revenue = evaluate(figures, check("expect_totals_to_match", **REVENUE), tables(before=before))
        assert (revenue.outcome, revenue.measures["totals_off"]) == (Outcome.PASSED, 0)
        # Its rows are more than none.
        counted = evaluate(figures, check("expect_totals_to_match", show=True, **GROUPED), tables(before=before))
        assert counted.outcome is Outcome.FAILED
        assert [row["line"] for row in rows(counted)] == ["row count of ghost"]
        assert "missing" in counted.observed
    nothing = units(spark, ("cloud", "1.00", None), ("ghost", "5.00", None), ("ghost", "-5.00", None))
    assert evaluate(theirs, check("expect_totals_to_match", **REVENUE), tables(before=nothing)).outcome is (
        Outcome.PASSED
    )


@pytest.mark.parametrize(("tolerance", "outcome"), [("0.01", Outcome.PASSED), ("0.009", Outcome.FAILED)])
def test_what_one_side_lacks_is_zero_there_and_agrees_within_the_tolerance(
    spark: SparkSession, tolerance: str, outcome: Outcome
) -> None:
    ours = units(spark, ("cloud", "1.00", None), ("ghost", "0.01", None))
    theirs = units(spark, ("cloud", "1.00", None))
    tolerant = {**REVENUE, "tolerance": tolerance}
    for figures, before in ((ours, theirs), (theirs, ours)):
        result = evaluate(figures, check("expect_totals_to_match", show=True, **tolerant), tables(before=before))
        assert result.outcome is outcome
        for row in rows(result):
            assert (row["line"], "missing" in row.values(), row["off_by"]) == ("revenue of ghost", True, "0.01")
    of_ghost = check("expect_totals_to_match", **{**tolerant, "by": [], "row_condition": "product = 'ghost'"})
    assert evaluate(ours, of_ghost, tables(before=units(spark))).outcome is outcome
    lines = check(RECONCILE.type, **{**RECONCILE.kwargs, "lines": {"sales": "revenue"}, "tolerance": tolerance})
    books = ledger(spark, ("sales", "1.00"), ("rent", "0.01"))
    assert evaluate(theirs, lines, tables(ledger=books)).outcome is outcome


def test_what_is_not_known_is_no_part_of_a_share_that_may_be_off(spark: SparkSession) -> None:
    ours = units(spark, ("cloud", "100.00", None), ("desk", None, None))
    theirs = units(spark, ("cloud", "100.00", None), ("desk", "1.00", None))
    shared = check("expect_totals_to_match", **REVENUE, max_share=0.1)
    for figures, before in ((ours, theirs), (theirs, ours)):
        result = evaluate(figures, shared, tables(before=before))
        assert result.outcome is Outcome.FAILED
        assert "1 of them not known on one side" in result.observed
    # What is not there is.
    assert evaluate(ours.where("revenue > 0"), shared, tables(before=theirs)).outcome is Outcome.PASSED


def test_null_is_not_known_and_so_no_zero_that_a_lacking_group_agrees_with(spark: SparkSession) -> None:
    ours, theirs = units(spark, ("cloud", "1.00", None), ("ghost", None, None)), units(spark, ("cloud", "1.00", None))
    for figures, before in ((ours, theirs), (theirs, ours)):
        result = evaluate(figures, check("expect_totals_to_match", show=True, **REVENUE), tables(before=before))
        assert result.outcome is Outcome.FAILED
        (row,) = rows(result)
        assert {row["ours"], row["theirs"]} == {"missing", "not known"}


def test_totals_of_no_rows_agree_with_zero_on_either_side(spark: SparkSession) -> None:
    overall = check("expect_totals_to_match", **{**REVENUE, "by": []})
    zero, none = units(spark, ("cloud", "0.00", None)), units(spark)
    for figures, before in ((zero, none), (none, zero)):
        assert evaluate(figures, overall, tables(before=before)).outcome is Outcome.PASSED
    unknown = units(spark, ("cloud", None, None))
    for other in (zero, none):
        assert evaluate(other, overall, tables(before=unknown)).outcome is not Outcome.PASSED
        assert evaluate(unknown, overall, tables(before=other)).outcome is not Outcome.PASSED


def test_group_keys_are_data_and_hidden_unless_opted_in(spark: SparkSession) -> None:
    ours, theirs = units(spark, ("secret-account", "1.00", None)), units(spark, ("secret-account", "2.00", None))
    result = evaluate(ours, check("expect_totals_to_match", **GROUPED), tables(before=theirs))
    assert result.outcome is Outcome.FAILED
    assert result.observed == "1 of 2 totals differ: revenue of group 1: 1.00, before 2.00, off by 1.00 (allowed 0)"
    assert "secret-account" not in str(result)


def test_differences_that_cancel_out_between_groups_are_seen(spark: SparkSession) -> None:
    ours = units(spark, ("a", "1.00", None), ("b", "4.00", None))
    theirs = units(spark, ("a", "2.00", None), ("b", "3.00", None))
    result = evaluate(ours, check("expect_totals_to_match", **GROUPED), tables(before=theirs))
    assert result.measures == {"groups": 2, "totals": 4, "totals_off": 2, "off_by": "2.00"}


def test_an_amount_on_one_side_and_null_on_the_other_differ_and_null_on_both_agree(spark: SparkSession) -> None:
    ours = units(spark, ("a", None, None), ("b", "3.00", None))
    theirs = units(spark, ("a", "0.00", None), ("b", "3.00", None))
    sums = {"pairs": [{"column": "revenue", "other": "revenue"}], "other": "before", "by": ["product"]}
    assert evaluate(ours, check("expect_totals_to_match", **sums), tables(before=theirs)).outcome is Outcome.FAILED
    assert evaluate(ours, check("expect_totals_to_match", **sums), tables(before=ours)).outcome is Outcome.PASSED


def test_nothing_but_null_on_both_sides_could_not_be_evaluated(spark: SparkSession) -> None:
    nothing = units(spark, ("a", None, None), ("b", None, None))
    for by in ([], ["product"]):
        kwargs = {"pairs": [{"column": "revenue", "other": "revenue"}], "other": "before", "by": by}
        result = evaluate(nothing, check("expect_totals_to_match", **kwargs), tables(before=nothing))
        assert result.outcome is Outcome.ERRORED
        assert result.reason == "there is no amount on either side to compare with before"


def test_nan_never_matches_in_groups(spark: SparkSession) -> None:
    ours = frame(spark, "product string, revenue double", ("a", float("nan")))
    kwargs = {"pairs": [{"column": "revenue", "other": "revenue"}], "other": "before", "by": ["product"]}
    result = evaluate(ours, check("expect_totals_to_match", **kwargs), tables(before=ours))
    assert result.outcome is Outcome.FAILED
    assert "off_by" not in result.measures


@pytest.mark.parametrize(("off", "outcome"), [("0.05", Outcome.PASSED), ("0.06", Outcome.FAILED)])
def test_the_tolerance_itself_still_passes(spark: SparkSession, off: str, outcome: Outcome) -> None:
    ours, theirs = units(spark, ("a", "1.00", None)), units(spark, ("a", str(Decimal("1.00") + Decimal(off)), None))
    for by in ([], ["product"]):
        kwargs = {"pairs": [{"column": "revenue", "other": "revenue"}], "other": "o", "by": by, "tolerance": "0.05"}
        assert evaluate(ours, check("expect_totals_to_match", **kwargs), tables(o=theirs)).outcome is outcome


def test_many_differing_groups_are_bounded_and_counted(spark: SparkSession) -> None:
    ours = units(spark, *((f"p{n}", "1.00", None) for n in range(70)))
    theirs = units(spark, *((f"p{n}", f"{n + 2}.00", None) for n in range(70)))
    result = evaluate(ours, check("expect_totals_to_match", show=True, **GROUPED), tables(before=theirs))
    assert len(result.rows) == 51
    assert rows(result)[0]["line"] == "revenue of p69"
    assert rows(result)[-1]["line"] == "and 20 more"
    assert result.observed.startswith("70 of 140 totals differ: ")
    assert result.observed.endswith("; and 47 more")


def test_the_result_does_not_depend_on_partitioning(spark: SparkSession) -> None:
    data = [(f"p{n % 7}", f"{n}.10", None) for n in range(200)]
    ours, theirs = units(spark, *data), units(spark, *reversed(data), ("p3", "1.00", None))
    found = [
        evaluate(ours.repartition(n), check("expect_totals_to_match", **GROUPED), tables(before=theirs.repartition(n)))
        for n in (1, 5, 13)
    ]
    assert found[0].outcome is Outcome.FAILED
    assert found[0] == found[1] == found[2]


def test_all_overall_comparisons_share_one_job_per_table_and_one_per_grouping(spark: SparkSession) -> None:
    figures = units(spark, ("cloud", "10.00", "1.00")).coalesce(1)
    books = ledger(spark, ("sales", "10"), ("marketing", "1")).coalesce(1)
    checks = [
        RECONCILE,
        check(RECONCILE.type, check_id="again", **RECONCILE.kwargs),
        check("expect_totals_to_match", check_id="totals", **{**MATCH, "other": "copy"}),
        check(
            "expect_totals_to_match",
            check_id="more",
            pairs=[{"column": "marketing", "other": "marketing"}],
            other="copy",
        ),
    ]
    context = tables(ledger=books, copy=figures)
    with counted_jobs(spark, "overall") as counted:
        results = evaluate_custom(checks, Dataset(name="figures", frame=figures), context)
    assert {result.outcome for result in results.values()} == {Outcome.PASSED}
    # One aggregate of the figures, one of the copy, one of the ledger's lines; one partition needs no exchange.
    assert counted.jobs == 3


def test_the_plan_says_how_a_comparison_is_decided() -> None:
    assert plan_line(RECONCILE) == "comparison: totals of one scan against ledger (revenue, marketing)"
    grouped = check("expect_totals_to_match", **GROUPED)
    assert plan_line(grouped) == "comparison: totals by product against before (revenue, product)"


@pytest.mark.parametrize(
    ("ours", "theirs", "outcome", "told"),
    [
        ({"a": 99, "b": 101}, {"a": 100, "b": 100}, Outcome.PASSED, "2 of 2 totals differ from o, together by 1%"),
        ({"a": 98, "b": 101}, {"a": 100, "b": 100}, Outcome.FAILED, "together by 1.5% (allowed 1%): n of"),
        # Differences that cancel out in the sum do not cancel out in the share.
        ({"a": 50, "b": 150}, {"a": 100, "b": 100}, Outcome.FAILED, "together by 50% (allowed 1%)"),
        ({"a": 100, "b": 99}, {"b": 100, "c": 100}, Outcome.FAILED, "n of c: missing, o 100"),
        ({"a": 1}, {"a": 0}, Outcome.FAILED, "together by inf%"),
        # What is not known is not within any share.
        ({"a": 5, "b": None}, {"a": 5, "b": 0}, Outcome.FAILED, "1 of them not known on one side"),
    ],
)
def test_what_two_tables_count_differently_may_be_off_by_a_share_in_all(
    spark: SparkSession, ours: dict[str, int | None], theirs: dict[str, int], outcome: Outcome, told: str
) -> None:
    pairs: list[Json] = [{"column": "n", "other": "n"}]
    bounded = check("expect_totals_to_match", show=True, pairs=pairs, other="o", by=["account"], max_share=0.01)
    mine, their = (frame(spark, "account string, n bigint", *side.items()) for side in (ours, theirs))
    result = evaluate(mine, bounded, tables(o=their))
    assert (result.outcome, told in result.observed) == (outcome, True), result.observed


@pytest.mark.parametrize(("ours", "outcome"), [(101, Outcome.PASSED), (102, Outcome.FAILED), (98, Outcome.FAILED)])
def test_a_total_may_be_off_by_a_share_of_the_other(spark: SparkSession, ours: int, outcome: Outcome) -> None:
    pairs: list[Json] = [{"column": "n", "other": "n"}]
    bounded = check("expect_totals_to_match", pairs=pairs, other="o", max_share=0.01)
    mine, their = frame(spark, "n bigint", (ours,)), frame(spark, "n bigint", (100,))
    assert evaluate(mine, bounded, tables(o=their)).outcome is outcome
