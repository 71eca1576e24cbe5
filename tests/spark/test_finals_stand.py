"""One rule for every final: what is published as final is published again with other figures only when waived."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from dq.base.model import Check, Outcome
from dq.checks.compared_names import ROW_COUNT
from dq.declare import project as projects
from dq.declare.binding import REPLACED
from dq.engine.dataset import Context, Dataset
from dq.judge.evaluate import evaluate

pytestmark = pytest.mark.run

PROJECT = projects.load(Path(__file__).resolve().parents[2])
BOUND = PROJECT.bound
SAMPLES: dict[str, Any] = {"string": "x", "date": date(2026, 9, 7), "int": 7, "bigint": 7}


def looking_at_the_final(name: str) -> list[Check]:
    """The checks of a pipeline that compare the final it would replace."""
    checks = BOUND[name].checks[name]
    return [check for check in checks if check.kwargs.get("published") == "replaced"]


def compared(check: Check) -> set[str]:
    return {str(pair["column"]) for pair in check.kwargs["pairs"]}  # type: ignore[index,union-attr,call-overload]


def sample(name: str, kind: str) -> Any:
    if kind.startswith("decimal"):
        return Decimal("7.25")
    if kind.startswith("array"):
        return []
    return {"row_kind": "cell", "region": "EU"}.get(name, SAMPLES[kind])


def other(kind: str) -> Any:
    """What a column that is not a number says where it does not say what the sample does."""
    return {"string": "y", "date": date(2026, 9, 8)}.get(kind)


@pytest.mark.parametrize("name", sorted(BOUND))
def test_every_amount_and_count_of_a_final_is_compared_with_what_would_replace_it(name: str) -> None:
    published = BOUND[name].pipeline.publishes
    numbers = {
        column
        for column, spec in published.columns.items()
        if (spec.type.startswith("decimal") or spec.type in ("int", "bigint")) and column not in published.key
    }
    ratios = {column for column in numbers if published.columns[column].type == "decimal(18,6)"}
    follows = {column for column, spec in published.columns.items() if spec.follows}
    checks = looking_at_the_final(name)
    assert set().union(*map(compared, checks)) >= numbers - ratios - follows > set()
    assert {(check.failure_class, str(check.severity)) for check in checks} == {("F15", "critical")}
    assert all(not check.when for check in checks)


@pytest.mark.parametrize("name", sorted(BOUND))
def test_a_final_of_any_pipeline_is_not_replaced_by_other_figures(spark: SparkSession, name: str) -> None:
    """A row of which every compared number is one more than before, and one that says the same."""
    columns = {column: spec.type for column, spec in BOUND[name].pipeline.publishes.columns.items()}
    schema = ", ".join(f"{column} {kind}" for column, kind in columns.items())
    checks = looking_at_the_final(name)

    words = BOUND[name].pipeline.publishes.words()

    def staged(more: int, *changed: str) -> DataFrame:
        rows = []
        for level in ("cell", "total"):
            row = {column: sample(column, kind) for column, kind in columns.items()}
            row |= {"row_kind": level} if "row_kind" in columns else {"account_id": level}
            row |= {column: row[column] + more for check in checks for column in compared(check) - {ROW_COUNT}}
            row |= {column: other(columns[column]) for column in changed}
            rows.append(tuple(row[column] for column in columns))
        return spark.createDataFrame(rows, schema)

    def judged(frame: DataFrame) -> dict[str, Outcome]:
        day = [date(2026, 9, 7)] if "day" in BOUND[name].pipeline.publishes.key else []
        context = Context(
            tables={name: frame, f"{name}{REPLACED}": staged(0)}, published={"replaced": "2026-09"}, replaced_days=day
        )
        return {one.check: one.outcome for one in evaluate(checks, Dataset(name=name, frame=frame), context)}

    assert judged(staged(0)) == {check.check: Outcome.PASSED for check in checks}
    of_words = f"{name}.final.words"
    numbers = {check.check for check in checks} - {of_words}
    assert judged(staged(1)) == dict.fromkeys(numbers, Outcome.FAILED) | ({of_words: Outcome.PASSED} if words else {})
    if words:
        told = judged(staged(0, *words))
        assert told == dict.fromkeys(numbers, Outcome.PASSED) | {of_words: Outcome.FAILED}


def test_every_text_day_and_list_of_a_final_is_compared_and_null_is_null(spark: SparkSession) -> None:
    name = "engagement_daily"
    published = BOUND[name].pipeline.publishes
    (words,) = (check for check in looking_at_the_final(name) if check.check == f"{name}.final.words")
    assert {"wau_reason", "active_seconds_per_daily_user_reason", "events_by_hour"} <= {*published.words()}
    schema = ", ".join(
        f"{column} {published.columns[column].type}" for column in [*published.cells, *published.words()]
    )

    def staged(**words: Any) -> DataFrame:
        row = {column: sample(column, published.columns[column].type) for column in published.cells}
        row |= dict.fromkeys(published.words(), None) | words
        return spark.createDataFrame([tuple(row.values())], schema)

    def outcome(now: DataFrame, before: DataFrame) -> Outcome:
        tables = {name: now, f"{name}{REPLACED}": before}
        context = Context(tables=tables, published={"replaced": "2026-09"}, replaced_days=[date(2026, 9, 7)])
        (result,) = evaluate([words], Dataset(name=name, frame=now), context)
        return result.outcome

    assert outcome(staged(), staged()) is Outcome.PASSED
    assert outcome(staged(events_by_hour=[1, 2]), staged(events_by_hour=[1, 2])) is Outcome.PASSED
    assert outcome(staged(events_by_hour=[2, 1]), staged(events_by_hour=[1, 2])) is Outcome.FAILED
    assert outcome(staged(wau_reason="week_not_covered"), staged()) is Outcome.FAILED
    # What was published without a column that is declared by now is not held against it.
    assert outcome(staged(wau_reason="week_not_covered"), staged().drop("wau_reason")) is Outcome.PASSED


def test_only_the_days_that_were_final_are_compared(spark: SparkSession) -> None:
    """The run of a month computes a day that is not published beside one that is final."""
    name, schema = (
        "user_days",
        "day date, user_id string, account_id string, department string, region string, segment string",
    )
    published = BOUND[name].pipeline.publishes
    schema += "".join(f", {column} bigint" for column in published.numbers()["counts"])
    schema += "".join(f", {column} {published.columns[column].type}" for column in published.words())
    width, words = len(published.numbers()["counts"]), [None] * len(published.words())

    def rows(*days: tuple[int, int]) -> DataFrame:
        made = [(date(2026, 9, day), "u", "a", "d", "EU", "s", *([events] * width), *words) for day, events in days]
        return spark.createDataFrame(made, schema)

    def outcome(*days: tuple[int, int]) -> Outcome:
        tables = {name: rows(*days), f"{name}{REPLACED}": rows((7, 5))}
        context = Context(tables=tables, published={"replaced": "2026-09"}, replaced_days=[date(2026, 9, 7)])
        results = evaluate(looking_at_the_final(name), Dataset(name=name, frame=tables[name]), context)
        outcomes = {result.outcome for result in results}
        assert outcomes <= {Outcome.PASSED, Outcome.FAILED}, results
        return Outcome.FAILED if Outcome.FAILED in outcomes else Outcome.PASSED

    assert outcome((7, 5), (8, 9)) is Outcome.PASSED
    assert outcome((7, 6), (8, 9)) is Outcome.FAILED
    assert outcome((8, 9)) is Outcome.FAILED, "a final day that is gone"
